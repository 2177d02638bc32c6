//! Under which names browsers may ask: a page of someone else whose name was bound to our address must not read ours. Pure.

use url::{Host, Url};

/// The names that are ours beside addresses and `localhost`.
#[derive(Debug, Clone)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// The host of the public URL, and those that are allowed beside it.
    pub fn new(public_url: Option<&Url>, allowed: &[String]) -> Hosts {
        let public = public_url.and_then(Url::host_str).map(str::to_owned);
        Hosts(
            public.into_iter().chain(allowed.iter().cloned()).map(|host| host.to_ascii_lowercase()).collect(),
        )
    }

    /// Whether a request to this `Host` is meant for us.
    pub fn are(&self, host: &str) -> bool {
        match Url::parse(&format!("http://{host}/"))
            .ok()
            .filter(|url| url.path() == "/")
            .as_ref()
            .map(Url::host)
        {
            Some(Some(Host::Ipv4(_) | Host::Ipv6(_))) => true,
            Some(Some(Host::Domain(name))) => {
                let name = name.trim_end_matches('.');
                name == "localhost" || self.0.iter().any(|ours| ours == name)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_localhost_and_what_was_said_are_ours() {
        let public = Url::parse("https://Watch.example.org/x").unwrap();
        let hosts = Hosts::new(Some(&public), &["Other.example".to_owned()]);
        for ours in [
            "127.0.0.1:8080",
            "[::1]:8080",
            "192.0.2.7",
            "localhost",
            "LOCALHOST:80",
            "watch.example.org",
            "watch.example.org:443",
            "Other.Example:8080",
            "other.example.",
        ] {
            assert!(hosts.are(ours), "{ours}");
        }
        for foreign in [
            "",
            "evil.example",
            "watch.example.org.evil.example",
            "localhost.evil.example",
            "x@localhost/",
            "evil.example/localhost",
            "evil.example?localhost",
            "evil.example#127.0.0.1",
            "127.0.0.1.evil.example",
        ] {
            assert!(!hosts.are(foreign), "{foreign}");
        }
    }
}
