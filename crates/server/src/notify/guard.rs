//! Which addresses notifications may go to. URLs of services come through the API, and with them anybody who may define services
//! would reach what only this machine can: so every address is looked at after names are resolved and before it is connected
//! to, in the HTTP client's own resolver, and what was looked at is what is connected to.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use ipnet::{Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use super::{AllowList, Allowed};

/// Why a target is not connected to. Names no host: where it stands may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Neither http nor https, or no host.
    #[error("the URL is neither http:// nor https:// with a host")]
    Url,
    /// An address that only machines near this one can reach.
    #[error(
        "the target is at {address}, {what}, which is not notified; `serve --notify-allow {address}` lets it through"
    )]
    Address {
        /// Where it is.
        address: IpAddr,
        /// What kind of address that is.
        what: &'static str,
    },
}

/// The addresses of a name.
type Looked = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;
/// What asks for them.
type Lookup = Arc<dyn Fn(String) -> Looked + Send + Sync>;

/// What is let through.
#[derive(Clone)]
pub struct Guard {
    allowed: AllowList,
    lookup: Lookup,
}

impl Guard {
    /// One that asks the resolver of this machine.
    pub fn new(allowed: &AllowList) -> Guard {
        Guard::asking(allowed, |name| Box::pin(system(name)))
    }

    fn asking(allowed: &AllowList, lookup: impl Fn(String) -> Looked + Send + Sync + 'static) -> Guard {
        Guard { allowed: allowed.clone(), lookup: Arc::new(lookup) }
    }

    /// Whether a URL may be asked for, as far as it says by itself. Addresses in URLs never come to a resolver; [`Url`] has made plain
    /// ones of all their spellings (`0x7f.1`, `2130706433`).
    ///
    /// # Errors
    /// An address that is not let through, or no address of HTTP.
    pub fn check(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Url);
        }
        match url.host() {
            None | Some(Host::Domain("")) => Err(Refusal::Url),
            Some(Host::Domain(_)) => Ok(()),
            Some(Host::Ipv4(four)) => self.admit(four.into()),
            Some(Host::Ipv6(six)) => self.admit(six.into()),
        }
    }

    fn admit(&self, address: IpAddr) -> Result<(), Refusal> {
        match forbidden(address) {
            Some(what) if !Allowed::holds(&self.allowed.get(), address) => {
                Err(Refusal::Address { address, what })
            }
            _ => Ok(()),
        }
    }

    /// The addresses of a name, all of which must be let through: else which one is connected to would be a matter of chance.
    async fn addresses(
        self,
        name: String,
    ) -> Result<Vec<SocketAddr>, Box<dyn std::error::Error + Send + Sync>> {
        let found = (self.lookup)(name.clone()).await?;
        if !Allowed::names(&self.allowed.get(), &name) {
            found.iter().try_for_each(|address| self.admit(*address))?;
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, 0)).collect())
    }
}

/// Why a target would not be connected to, as far as its URL says by itself: names are only looked up when they are needed, but for
/// those that by definition mean this machine.
pub fn refused(allowed: &AllowList, url: &Url) -> Option<Refusal> {
    if let Some(Host::Domain(name)) = url.host()
        && (name == "localhost" || name.ends_with(".localhost"))
        && !Allowed::names(&allowed.get(), name)
    {
        return Guard::new(allowed).admit(Ipv4Addr::LOCALHOST.into()).err();
    }
    Guard::new(allowed).check(url).err()
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = self.clone().addresses(name.as_str().to_owned());
        Box::pin(async { Ok(Box::new(addresses.await?.into_iter()) as Addrs) })
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("allowed", &self.allowed).finish_non_exhaustive()
    }
}

async fn system(name: String) -> io::Result<Vec<IpAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect())
}

/// What kind of address it is that strangers must not have us connect to.
fn forbidden(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(four) => forbidden_v4(four),
        IpAddr::V6(six) => forbidden_v6(six),
    }
}

/// Networks of IPv4, the first address and the length of each.
const FOUR: &[([u8; 4], u8, &str)] = &[
    ([0, 0, 0, 0], 8, "an unspecified address"),
    ([10, 0, 0, 0], 8, "a private address"),
    ([100, 64, 0, 0], 10, "an address of a carrier's network"),
    ([127, 0, 0, 0], 8, "an address of this machine"),
    ([168, 63, 129, 16], 32, "an address where clouds answer their own machines"),
    ([169, 254, 0, 0], 16, "a link-local address"),
    ([172, 16, 0, 0], 12, "a private address"),
    ([192, 0, 0, 0], 24, "a reserved address"),
    ([192, 168, 0, 0], 16, "a private address"),
    ([198, 18, 0, 0], 15, "an address for benchmarks"),
    ([224, 0, 0, 0], 4, "a multicast address"),
    ([240, 0, 0, 0], 4, "a reserved address"),
];

fn forbidden_v4(address: Ipv4Addr) -> Option<&'static str> {
    let holds =
        |first: [u8; 4], length| Ipv4Net::new(first.into(), length).is_ok_and(|net| net.contains(&address));
    FOUR.iter().find(|(first, length, _)| holds(*first, *length)).map(|(_, _, what)| *what)
}

/// Networks of IPv6 by their first two groups.
const SIX: &[([u16; 2], u8, &str)] = &[
    ([0x2001, 0], 32, "an address of a tunnel (Teredo)"),
    ([0xfc00, 0], 7, "a private address"),
    ([0xfe80, 0], 10, "a link-local address"),
    ([0xfec0, 0], 10, "a site-local address"),
    ([0xff00, 0], 8, "a multicast address"),
];

fn forbidden_v6(address: Ipv6Addr) -> Option<&'static str> {
    let groups = address.segments();
    let four = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    match groups {
        [0, 0, 0, 0, 0, 0, 0, 0] => return Some("an unspecified address"),
        [0, 0, 0, 0, 0, 0, 0, 1] => return Some("an address of this machine"),
        // IPv4 in an old form, as translated stacks have it, and mapped
        [0, 0, 0, 0, 0 | 0xffff, 0, high, low]
        | [0, 0, 0, 0, 0, 0xffff, high, low]
        // NAT64 and 6to4
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => return forbidden_v4(four(high, low)),
        // NAT64 of a network's own, where the place of the IPv4 address is the network's business
        [0x64, 0xff9b, 1, ..] => return Some("an address of a translator of this network"),
        _ => {}
    }
    let holds = |[one, two]: [u16; 2], length| {
        let first = Ipv6Addr::new(one, two, 0, 0, 0, 0, 0, 0);
        Ipv6Net::new(first, length).is_ok_and(|net| net.contains(&address))
    };
    SIX.iter().find(|(first, length, _)| holds(*first, *length)).map(|(_, _, what)| *what)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_url_that_says_by_itself_that_it_is_private_is_refused_before_it_is_needed() {
        let refused = |url: &str, allow: &[&str]| {
            let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
            super::refused(&allow, &Url::parse(url).unwrap()).map(|refusal| refusal.to_string())
        };
        for url in [
            "http://10.0.0.1/x",
            "https://0x7f.1/",
            "http://[::1]:9/",
            "http://localhost/",
            "http://a.localhost/",
        ] {
            assert!(refused(url, &[]).unwrap().contains("--notify-allow"), "{url}");
        }
        assert!(refused("ftp://chat.example.org/", &[]).is_some());
        assert_eq!(refused("https://chat.example.org/", &[]), None);
        assert_eq!(refused("http://10.0.0.1/x", &["10.0.0.0/8"]), None);
        assert_eq!(
            (refused("http://localhost/", &["localhost"]), refused("http://localhost/", &["127.0.0.1"])),
            (None, None)
        );
    }

    fn guard(allowed: &[&str], answers: &'static [&'static [&'static str]]) -> Guard {
        let allowed: Vec<Allowed> = allowed.iter().map(|text| text.parse().unwrap()).collect();
        let asked = AtomicUsize::new(0);
        Guard::asking(&allowed.into(), move |_| {
            let at = asked.fetch_add(1, Ordering::Relaxed);
            let found = answers[at.min(answers.len() - 1)].iter().map(|text| text.parse().unwrap()).collect();
            Box::pin(async move { Ok(found) })
        })
    }

    fn refused(guard: &Guard, url: &str) -> bool {
        // What is no URL at all never becomes a request.
        Url::parse(url).map_or(true, |url| guard.check(&url).is_err())
    }

    /// Spellings of addresses that must not be connected to.
    const FORBIDDEN: &[&str] = &[
        // this machine
        "http://127.0.0.1/",
        "http://127.0.0.1:6379/",
        "http://127.1/",
        "http://127.0.1/",
        "http://127.255.255.254/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0x7f.1/",
        "http://0X7F.0.0.1/",
        "http://017700000001/",
        "http://0177.0.0.1/",
        "http://0177.0x0.0.1/",
        "http://127.0.0.1./",
        "http://user:password@127.0.0.1/",
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1#example.org/",
        "http://127.0.0.1?@example.org/",
        "http://127.0.0.1\\@example.org/",
        "http:\\\\127.0.0.1/",
        "http:/127.0.0.1/",
        "http:127.0.0.1/",
        "\thttp://127.0.0.1/",
        "http://127.0.\n0.1/",
        "http://%31%32%37.0.0.1/",
        "http://127%2e0%2e0%2e1/",
        "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
        "http://127\u{3002}0\u{3002}0\u{3002}1/",
        "https://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[0000::0001]:80/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[::FFFF:127.0.0.1]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/",
        "http://[64:ff9b:1::7f00:1]/",
        "http://[2002:7f00:1::]/",
        // nowhere, which is this machine to many
        "http://0/",
        "http://0.0.0.0/",
        "http://00000000/",
        "http://[::]/",
        "http://[::ffff:0.0.0.0]/",
        // where clouds tell secrets
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://169.254.43518/",
        "http://[::ffff:169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://100.100.100.200/",
        "http://192.0.0.192/",
        "http://168.63.129.16/",
        // what lies near
        "http://10.0.0.1/",
        "http://172.16.0.1/",
        "http://172.31.255.255/",
        "http://192.168.1.1/",
        "http://3232235777/",
        "http://[2002:c0a8:101::1]/",
        "http://198.18.0.1/",
        "http://198.19.255.255/",
        "http://224.0.0.1/",
        "http://240.0.0.1/",
        "http://255.255.255.255/",
        "http://[fe80::1]/",
        "http://[fc00::1]/",
        "http://[fdff::1]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:0:7f00:1::]/",
        // not HTTP
        "file:///etc/passwd",
        "ftp://example.org/",
        "gopher://127.0.0.1:6379/_FLUSHALL",
        "unix:/var/run/docker.sock",
        "data:text/plain,x",
        "http://",
        "//127.0.0.1/",
    ];

    #[test]
    fn no_spelling_gets_through() {
        let guard = guard(&[], &[&[]]);
        assert!(FORBIDDEN.len() > 60);
        for url in FORBIDDEN {
            assert!(refused(&guard, url), "{url:?}");
        }
        for url in [
            "https://hooks.slack.com/services/x",
            "http://93.184.216.34/",
            "http://172.32.0.1/",
            "http://100.128.0.1/",
            "http://[2606:4700::1]/",
            "http://[::ffff:93.184.216.34]/",
            "http://[64:ff9b::5db8:d822]/",
        ] {
            assert!(!refused(&guard, url), "{url}");
        }
    }

    #[test]
    fn what_the_operator_names_gets_through_and_nothing_beside_it() {
        let guard = guard(&["127.0.0.1", "10.1.0.0/16"], &[&[]]);
        for (url, let_through) in [
            ("http://127.0.0.1/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("http://127.0.0.2/", false),
            ("http://10.1.2.3/", true),
            ("http://10.2.0.0/", false),
            ("file:///127.0.0.1", false),
        ] {
            assert_eq!(!refused(&guard, url), let_through, "{url}");
        }
        let refusal = guard.check(&Url::parse("http://10.2.0.0/").unwrap()).unwrap_err().to_string();
        assert!(refusal.contains("--notify-allow 10.2.0.0") && refusal.contains("private"), "{refusal}");
    }

    #[tokio::test]
    async fn names_are_judged_by_every_address_they_have_each_time_they_are_asked_for() {
        async fn found(guard: &Guard, name: &str) -> Result<usize, String> {
            let found = guard.resolve(name.parse().unwrap()).await;
            found.map(Iterator::count).map_err(|error| error.to_string())
        }
        // public first, private next
        let rebound = guard(&[], &[&["93.184.216.34"], &["127.0.0.1"]]);
        assert_eq!(found(&rebound, "evil.example").await, Ok(1));
        assert!(found(&rebound, "evil.example").await.unwrap_err().contains("127.0.0.1"));
        // both at once
        let mixed = guard(&[], &[&["93.184.216.34", "169.254.169.254"]]);
        assert!(found(&mixed, "evil.example").await.is_err());
        let named = guard(&["chat.internal"], &[&["10.0.0.7"]]);
        assert_eq!(found(&named, "chat.internal").await, Ok(1));
        assert!(found(&named, "other.internal").await.is_err());
    }
}
