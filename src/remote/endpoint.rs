//! Where the service is: one base URL, checked and normalised, and the URLs below it.
//! Refuses whatever could carry a credential or send one in the clear. Opens no connection.
use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

/// The base URL of a service, ending in `/v1`, free of credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    url: Url,
}

/// Why a text is not an endpoint. Never repeats the text, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not a URL at all.
    #[error("not a URL ({0}); an endpoint looks like https://metrics-api.example.com")]
    NotUrl(url::ParseError),
    /// Neither `https` nor `http`.
    #[error("an endpoint starts with https:// (or http:// for this machine)")]
    Scheme,
    /// User information before the host.
    #[error(
        "an endpoint holds no user or password; give them with --user and --token-file, or LIBRATO_USER and LIBRATO_TOKEN"
    )]
    Credentials,
    /// A query or a fragment.
    #[error("an endpoint ends with its path; leave out everything from `?` or `#` on")]
    Extra,
    /// Another version of the API.
    #[error("this program speaks version 1 of the API; leave out the `/{0}` of the endpoint")]
    Version(String),
    /// Plain HTTP to another machine.
    #[error(
        "http:// to another machine would send the token unprotected; use https://, or --allow-insecure-http if you must"
    )]
    Insecure,
}

impl Endpoint {
    /// Reads `https://host[:port][/prefix]`; `/v1` is appended when missing, slashes at the end do not matter.
    ///
    /// # Errors
    /// See [`EndpointError`]. `http` is for loopback hosts only unless `allow_insecure_http`.
    pub fn parse(text: &str, allow_insecure_http: bool) -> Result<Self, EndpointError> {
        let mut url = checked(text)?;
        let mut segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let version = segments.last().copied().unwrap_or_default();
        if version.len() == 2 && version.starts_with('v') && version != "v1" {
            return Err(EndpointError::Version(version.to_owned()));
        }
        if version != "v1" {
            segments.push("v1");
        }
        let path = format!("/{}", segments.join("/"));
        url.set_path(&path);
        Self { url }.secured(allow_insecure_http)
    }

    /// Reads `https://host[:port][/prefix]` of something that speaks another API; nothing is appended.
    ///
    /// # Errors
    /// As of [`Endpoint::parse`].
    pub fn bare(text: &str, allow_insecure_http: bool) -> Result<Self, EndpointError> {
        let mut url = checked(text)?;
        let path: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
        let path = format!("/{}", path.join("/"));
        url.set_path(&path);
        Self { url }.secured(allow_insecure_http)
    }

    fn secured(self, allow_insecure_http: bool) -> Result<Self, EndpointError> {
        if self.url.scheme() == "http" && !self.is_loopback() && !allow_insecure_http {
            return Err(EndpointError::Insecure);
        }
        Ok(self)
    }

    /// The base URL, without a slash at the end.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether the host is this machine by its very name: 127/8, `::1` or `localhost`.
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.to_canonical().is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        }
    }

    /// Whether it is spoken to by HTTPS.
    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Host and port, for messages.
    pub fn authority(&self) -> &str {
        self.url.authority()
    }

    /// The URL of `path` with `query`; `None` when `path` would not arrive as it is written, because the
    /// parser takes part of it for a step (`.`, `..`), a query or something to be encoded.
    pub(super) fn join(&self, path: &str, query: &[(&str, String)]) -> Option<Url> {
        let full = format!("{}{path}", self.url.path().trim_end_matches('/'));
        let mut url = self.url.clone();
        url.set_path(&full);
        if !path.starts_with('/') || url.path() != full {
            return None;
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Some(url)
    }
}

/// A URL of HTTP that holds nothing but where something is.
fn checked(text: &str) -> Result<Url, EndpointError> {
    let url = Url::parse(text.trim()).map_err(EndpointError::NotUrl)?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(EndpointError::Scheme);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EndpointError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(EndpointError::Extra);
    }
    Ok(url)
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.url.fmt(f)
    }
}

/// What is escaped in a path: all but RFC 3986's unreserved characters and `:`, which metric names are full of.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// One path segment, percent-encoded.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, &ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<String, EndpointError> {
        Endpoint::parse(text, false).map(|endpoint| endpoint.to_string())
    }

    #[test]
    fn v1_is_appended_once_and_slashes_do_not_matter() {
        for (text, expected) in [
            ("https://api.example.com", "https://api.example.com/v1"),
            (" https://api.example.com/ ", "https://api.example.com/v1"),
            ("https://api.example.com/v1", "https://api.example.com/v1"),
            ("https://api.example.com/v1//", "https://api.example.com/v1"),
            ("https://API.example.com:8443/pre/fix/", "https://api.example.com:8443/pre/fix/v1"),
            ("http://127.9.8.7:80", "http://127.9.8.7/v1"),
            ("http://[::1]:8080", "http://[::1]:8080/v1"),
            ("http://localhost:8080", "http://localhost:8080/v1"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn nothing_is_appended_to_the_endpoint_of_another_api() {
        for (text, path) in
            [("https://h", "/api"), ("https://h/v1//", "/v1/api"), ("https://h/a/b", "/a/b/api")]
        {
            assert_eq!(Endpoint::bare(text, false).unwrap().join("/api", &[]).unwrap().path(), path);
        }
        assert_eq!(Endpoint::bare("http://h", false), Err(EndpointError::Insecure));
        assert_eq!(Endpoint::bare("https://u:p@h", false), Err(EndpointError::Credentials));
    }

    #[test]
    fn what_could_leak_a_credential_is_refused_without_repeating_it() {
        for (text, expected) in [
            ("http://api.example.com", EndpointError::Insecure),
            ("http://localhost.example.com", EndpointError::Insecure),
            ("https://me:canary@api.example.com", EndpointError::Credentials),
            ("https://canary@api.example.com", EndpointError::Credentials),
            ("https://api.example.com/?token=canary", EndpointError::Extra),
            ("https://api.example.com/#canary", EndpointError::Extra),
            ("localhost:8080", EndpointError::Scheme),
            ("ftp://api.example.com", EndpointError::Scheme),
            ("https://api.example.com/v2/", EndpointError::Version("v2".to_owned())),
        ] {
            let error = parse(text).unwrap_err();
            assert_eq!(error, expected, "{text}");
            assert!(!error.to_string().contains("canary"));
        }
        assert!(matches!(parse("me:canary@"), Err(EndpointError::Scheme)));
        assert!(!parse("https://me:canary@:99999/").unwrap_err().to_string().contains("canary"));
        assert!(Endpoint::parse("http://api.example.com", true).is_ok());
    }

    #[test]
    fn segments_arrive_as_one_segment() {
        assert_eq!(segment("a.b:c-d_e~F9"), "a.b:c-d_e~F9");
        assert_eq!(segment("a/b ?#%é"), "a%2Fb%20%3F%23%25%C3%A9");
        let endpoint = Endpoint::parse("https://h/p", false).unwrap();
        for name in ["a/../b", "...", ".hidden", "a b", "%2e%2e", "100%"] {
            let path = format!("/metrics/{}", segment(name));
            assert_eq!(endpoint.join(&path, &[]).unwrap().path(), format!("/p/v1{path}"), "{name}");
        }
    }

    #[test]
    fn names_that_would_climb_are_unaddressable() {
        let endpoint = Endpoint::parse("https://h", false).unwrap();
        for path in
            ["/metrics/..", "/metrics/.", "/metrics/%2E%2E", "/metrics/%2e", "/a?b", "/a#b", "a", "/a\\..\\b"]
        {
            assert_eq!(endpoint.join(path, &[]), None, "{path}");
        }
    }

    #[test]
    fn queries_are_encoded() {
        let endpoint = Endpoint::parse("https://h", false).unwrap();
        let url = endpoint.join("/metrics", &[("name", "a&b=c d".to_owned())]).unwrap();
        assert_eq!(url.as_str(), "https://h/v1/metrics?name=a%26b%3Dc+d");
    }
}
