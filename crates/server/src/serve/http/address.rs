//! Where a request comes from: the other end of its connection or, behind proxies that are trusted, the address that
//! they forward. Reads headers; asks no one.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::Next;
use axum::response::Response;
use ipnet::{IpNet, Ipv4Net};

/// A network or a single address, such as `10.0.0.0/8`, `192.0.2.7` or `2001:db8::/32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network(IpNet);

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Network, String> {
        let net = match text.parse::<IpNet>() {
            Ok(net) => net,
            Err(_) => text.parse::<IpAddr>().map(IpNet::from).map_err(|_| {
                "write an address or a network, such as 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32".to_owned()
            })?,
        };
        // IPv4 as IPv6 writes it is IPv4 here, as it is in addresses.
        Ok(Network(match net {
            IpNet::V6(six) => match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
                (Some(four), Some(length)) => Ipv4Net::new(four, length).map_or(net, IpNet::V4),
                _ => net,
            },
            IpNet::V4(_) => net,
        }))
    }
}

impl Network {
    /// Whether one of `networks` holds the address.
    pub fn any(networks: &[Network], address: IpAddr) -> bool {
        let address = address.to_canonical();
        networks.iter().any(|Network(net)| net.contains(&address))
    }
}

/// The other end of the connection; a request extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub address: IpAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

/// Who sends a request, as far as addresses tell; a request extension.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client {
    /// `None` where the router is called without a connection.
    pub address: Option<IpAddr>,
    /// Whether the client speaks HTTPS, to us or to a trusted proxy.
    pub secure: bool,
    /// Whether a trusted proxy stands between us and it.
    pub proxied: bool,
}

impl Client {
    fn of(peer: Peer, headers: &HeaderMap, trusted: &[Network]) -> Client {
        let proxied = Network::any(trusted, peer.address);
        let forwarded = headers.get("x-forwarded-proto").filter(|_| proxied);
        Client {
            address: Some(forwarded_for(peer.address, headers, trusted)),
            proxied,
            secure: forwarded.map_or(peer.secure, |scheme| scheme.as_bytes().eq_ignore_ascii_case(b"https")),
        }
    }
}

/// The last address on the way here that is no trusted proxy. Each proxy appends the address it was asked from, so only
/// what trusted ones wrote is believed; where an entry cannot be read, nothing before it can be believed either.
fn forwarded_for(peer: IpAddr, headers: &HeaderMap, trusted: &[Network]) -> IpAddr {
    let mut known = peer.to_canonical();
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    let mut entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    while Network::any(trusted, known) {
        match entries.next().and_then(read) {
            Some(address) => known = address,
            None => break,
        }
    }
    known
}

/// An address with or without a port; IPv6 with or without brackets.
fn read(entry: &[u8]) -> Option<IpAddr> {
    let entry = std::str::from_utf8(entry).ok()?.trim();
    let bare = entry.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let address = match bare {
        Some(bare) => bare.parse::<Ipv6Addr>().ok()?.into(),
        None => match entry.parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) => entry.parse::<SocketAddr>().ok()?.ip(),
        },
    };
    Some(address.to_canonical())
}

/// What limits count as one client: an address, or the network that one IPv6 client usually has.
pub fn household(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => Ipv6Addr::from_bits(six.to_bits() & !u128::from(u64::MAX)).into(),
        four @ IpAddr::V4(_) => four,
    }
}

/// Notes the [`Client`] of each request for the layers further in.
pub async fn note(
    State(trusted): State<std::sync::Arc<[Network]>>,
    mut request: Request,
    next: Next,
) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let client = peer.map(|peer| Client::of(peer, request.headers(), &trusted)).unwrap_or_default();
    request.extensions_mut().insert(client);
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn networks(all: &[&str]) -> Vec<Network> {
        all.iter().map(|net| net.parse().unwrap()).collect()
    }

    fn client(peer: &str, lines: &[&str], trusted: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        forwarded_for(peer.parse().unwrap(), &headers, &networks(trusted)).to_string()
    }

    #[test]
    fn the_last_untrusted_address_is_the_client() {
        let (proxies, none): (&[&str], &[&str]) = (&["10.0.0.0/8", "2001:db8:1::/48", "127.0.0.1"], &[]);
        for (peer, lines, trusted, expected) in [
            ("198.51.100.1", &["203.0.113.9"][..], none, "198.51.100.1"),
            ("198.51.100.1", &["203.0.113.9"], proxies, "198.51.100.1"),
            ("10.0.0.1", &[], proxies, "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.9"], proxies, "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.2.0.1"], proxies, "203.0.113.9"),
            ("10.0.0.1", &["6.6.6.6", "203.0.113.9,10.2.0.1"], proxies, "203.0.113.9"),
            ("10.0.0.1", &["10.1.1.1, 10.2.0.1"], proxies, "10.1.1.1"),
            // what cannot be read ends the way
            ("10.0.0.1", &["6.6.6.6, unknown, 10.2.0.1"], proxies, "10.2.0.1"),
            ("10.0.0.1", &["6.6.6.6,"], proxies, "10.0.0.1"),
            ("10.0.0.1", &["6.6.6.6, 1.2.3, 10.2.0.1 "], proxies, "10.2.0.1"),
            ("10.0.0.1", &["6.6.6.6, \u{e9}"], proxies, "10.0.0.1"),
            // ports, brackets, IPv4 as IPv6 writes it
            ("10.0.0.1", &["203.0.113.9:4711"], proxies, "203.0.113.9"),
            ("10.0.0.1", &["[2001:db8:2::7]:4711"], proxies, "2001:db8:2::7"),
            ("10.0.0.1", &["[2001:db8:2::7]"], proxies, "2001:db8:2::7"),
            ("10.0.0.1", &["2001:db8:2::7, 2001:db8:1::1"], proxies, "2001:db8:2::7"),
            ("::ffff:10.0.0.1", &["::ffff:203.0.113.9"], proxies, "203.0.113.9"),
            ("::ffff:127.0.0.1", &["203.0.113.9"], proxies, "203.0.113.9"),
            ("10.0.0.1", &["203.0.113.9"], &["::ffff:10.0.0.0/104"], "203.0.113.9"),
        ] {
            assert_eq!(client(peer, lines, trusted), expected, "{peer} {lines:?} {trusted:?}");
        }
    }

    #[test]
    fn networks_are_addresses_or_prefixes() {
        for good in
            ["10.0.0.0/8", "10.1.2.3/8", "192.0.2.7", "::1", "::/0", "2001:db8::/32", "::ffff:192.0.2.0/120"]
        {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
        for bad in ["", "10.0.0.0/33", "10.0.0/8", "proxy", "::1/129", "10.0.0.1:80", "10.0.0.0/8 "] {
            assert!(bad.parse::<Network>().unwrap_err().contains("10.0.0.0/8"), "{bad}");
        }
    }

    #[test]
    fn a_household_is_an_address_or_a_network_of_one_client() {
        let of = |text: &str| household(text.parse().unwrap()).to_string();
        assert_eq!(of("203.0.113.9"), "203.0.113.9");
        assert_eq!(of("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(
            (of("2001:db8:1:2::1"), of("2001:db8:1:2:ff::")),
            ("2001:db8:1:2::".into(), "2001:db8:1:2::".into())
        );
        assert_ne!(of("2001:db8:1:2::1"), of("2001:db8:1:3::1"));
    }

    /// What a client may write before the first proxy appends to it.
    fn forged() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<[u8; 4]>().prop_map(|four| IpAddr::from(four).to_string()),
            any::<[u8; 4]>().prop_map(|[a, b, c, _]| format!("10.{a}.{b}.{c}")),
            any::<[u16; 8]>().prop_map(|six| format!("[{}]:1", IpAddr::from(six))),
            "[ -~]{0,20}",
        ]
    }

    proptest! {
        /// Whatever a client sends itself, and however many trusted proxies are on the way, the address the outermost
        /// of them was asked from is the client's.
        #[test]
        fn nobody_can_forge_an_address(
            client in any::<[u8; 4]>().prop_filter("no proxy", |four| four[0] != 10),
            forged in prop::collection::vec(forged(), 0..4),
            hops in prop::collection::vec((any::<[u8; 3]>(), 0..4_u8, any::<bool>()), 1..5),
        ) {
            let trusted = networks(&["10.0.0.0/8"]);
            let mut headers = HeaderMap::new();
            for line in &forged {
                headers.append("x-forwarded-for", HeaderValue::from_str(line).unwrap());
            }
            let mut from = IpAddr::from(client);
            for ([a, b, c], form, new_line) in hops {
                let entry = match form {
                    0 => from.to_string(),
                    1 => format!(" {from}:4711"),
                    2 => format!("::ffff:{from}"),
                    _ => format!("[::ffff:{from}]:4711 "),
                };
                let last = headers.get_all("x-forwarded-for").iter().next_back().cloned();
                match last.filter(|_| !new_line) {
                    None => _ = headers.append("x-forwarded-for", HeaderValue::from_str(&entry).unwrap()),
                    Some(last) => {
                        let mut lines: Vec<_> = headers.get_all("x-forwarded-for").iter().cloned().collect();
                        lines.pop();
                        let longer = format!("{}, {entry}", last.to_str().unwrap());
                        lines.push(HeaderValue::from_str(&longer).unwrap());
                        headers.remove("x-forwarded-for");
                        for line in lines {
                            headers.append("x-forwarded-for", line);
                        }
                    }
                }
                from = IpAddr::from([10, a, b, c]);
            }
            prop_assert_eq!(forwarded_for(from, &headers, &trusted), IpAddr::from(client));
            // without trust nothing of it counts, and nothing of it is a panic
            prop_assert_eq!(forwarded_for(from, &headers, &[]), from);
        }
    }
}
