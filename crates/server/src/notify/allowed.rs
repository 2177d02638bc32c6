//! Targets that may be notified although they are private: what the operator names with `--notify-allow`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net};
use parking_lot::RwLock;

/// A network, an address or a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Allowed {
    /// Every address of a network.
    Network(IpNet),
    /// Whatever addresses this name has; in lower case, without a dot at its end.
    Host(String),
}

impl Allowed {
    /// Whether the address lies in a network that is allowed.
    pub fn holds(all: &[Allowed], address: IpAddr) -> bool {
        let address = address.to_canonical();
        all.iter().any(|one| matches!(one, Allowed::Network(net) if net.contains(&address)))
    }

    /// Whether the host is allowed by its name.
    pub fn names(all: &[Allowed], host: &str) -> bool {
        let host = bare(host);
        all.iter().any(|one| matches!(one, Allowed::Host(name) if *name == host))
    }
}

/// As names are compared: in lower case, without the dot of the root.
fn bare(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// What the operator names, which may be another list while it is in use. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct AllowList(Arc<RwLock<Arc<[Allowed]>>>);

impl AllowList {
    /// As it is now.
    pub fn get(&self) -> Arc<[Allowed]> {
        Arc::clone(&self.0.read())
    }

    /// From now on it is what the other is. Whether that is a change.
    pub fn replace(&self, by: &AllowList) -> bool {
        let newer = by.get();
        let is_change = *self.get() != *newer;
        *self.0.write() = newer;
        is_change
    }

    /// One more.
    pub fn push(&self, one: Allowed) {
        let mut list = self.0.write();
        *list = list.iter().cloned().chain([one]).collect();
    }
}

impl From<Vec<Allowed>> for AllowList {
    fn from(all: Vec<Allowed>) -> AllowList {
        AllowList(Arc::new(RwLock::new(all.into())))
    }
}

impl FromIterator<Allowed> for AllowList {
    fn from_iter<I: IntoIterator<Item = Allowed>>(all: I) -> AllowList {
        Vec::from_iter(all).into()
    }
}

impl FromStr for Allowed {
    type Err = String;

    fn from_str(text: &str) -> Result<Allowed, String> {
        if let Some(net) = network(text) {
            return Ok(Allowed::Network(net));
        }
        let name = bare(text);
        let label = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        };
        // A name whose last part is a number is how an address is misspelled.
        let numeric = name.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if name.len() <= 253 && name.split('.').all(label) && !numeric {
            return Ok(Allowed::Host(name));
        }
        Err("write a network, an address or a host, such as 10.0.0.0/8, 192.0.2.7 or chat.example.org; no port, no scheme".to_owned())
    }
}

fn network(text: &str) -> Option<IpNet> {
    let net = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from)).ok()?;
    // IPv4 as IPv6 writes it is IPv4 here, as it is in addresses.
    let IpNet::V6(six) = net else { return Some(net) };
    match (six.addr().to_ipv4_mapped(), six.prefix_len().checked_sub(96)) {
        (Some(four), Some(length)) => Ipv4Net::new(four, length).ok().map(IpNet::V4),
        _ => Some(net),
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Allowed::Network(net) if net.prefix_len() == net.max_prefix_len() => net.addr().fmt(f),
            Allowed::Network(net) => net.fmt(f),
            Allowed::Host(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_addresses_and_hosts_are_told_apart() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("192.0.2.7", "192.0.2.7"),
            ("::1", "::1"),
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
            ("Chat.Example.org.", "chat.example.org"),
            ("localhost", "localhost"),
        ] {
            assert_eq!(text.parse::<Allowed>().unwrap().to_string(), shown);
        }
        for bad in ["", "10.0.0.0/33", "http://chat", "chat:80", "10.0.0.256", "a..b", "*", "chat/x", "1.2.3"]
        {
            assert!(bad.parse::<Allowed>().unwrap_err().contains("10.0.0.0/8"), "{bad}");
        }
    }

    #[test]
    fn a_network_holds_addresses_and_a_name_is_compared_as_names_are() {
        let all: Vec<Allowed> =
            ["127.0.0.0/8", "::1", "chat.local"].iter().map(|text| text.parse().unwrap()).collect();
        let holds = |address: &str| Allowed::holds(&all, address.parse().unwrap());
        assert!(holds("127.0.0.1") && holds("::ffff:127.9.9.9") && holds("::1"));
        assert!(!holds("10.0.0.1") && !holds("::2"));
        assert!(Allowed::names(&all, "CHAT.local.") && !Allowed::names(&all, "chat.local.evil"));
    }

    #[test]
    fn who_has_a_list_sees_that_it_is_another() {
        let list = AllowList::from(vec!["10.0.0.0/8".parse().unwrap()]);
        let seen = list.clone();
        let newer = AllowList::from(vec!["chat.local".parse().unwrap()]);
        assert!(list.replace(&newer) && !list.replace(&newer));
        assert_eq!(*seen.get(), *newer.get());
    }
}
