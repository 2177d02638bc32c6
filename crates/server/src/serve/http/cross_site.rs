//! Writes that a page of someone else makes a browser send, with the credentials that the browser remembers. Clients
//! of the API send none of the headers this looks at. Pure.

use axum::http::{HeaderMap, Method, StatusCode, header};
use url::{Host, Url};

use super::problem::Problem;

/// Refuses a write that says it comes from another site. `secure` tells whether the client speaks HTTPS.
pub fn check(method: &Method, headers: &HeaderMap, secure: bool) -> Result<(), Problem> {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) || !is_foreign(headers, secure) {
        return Ok(());
    }
    let message = "A page of another site made this request, so it was not carried out.";
    Err(Problem::request(StatusCode::FORBIDDEN, message))
}

fn is_foreign(headers: &HeaderMap, secure: bool) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let origin = origin.to_str().ok().and_then(place);
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let scheme = if secure { "https" } else { "http" };
    let ours = host.and_then(|host| place(&format!("{scheme}://{host}")));
    origin.is_none() || origin != ours
}

/// Scheme, host and port, the usual one of the scheme filled in. `null` and the like are no place.
fn place(origin: &str) -> Option<(String, Host, u16)> {
    let url = Url::parse(origin).ok()?;
    let scheme = Some(url.scheme()).filter(|scheme| matches!(*scheme, "http" | "https"))?;
    Some((scheme.to_owned(), url.host()?.to_owned(), url.port_or_known_default()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_ours_may_write() {
        for (host, origin, site, secure, foreign) in [
            ("a.example", None, None, false, false),
            ("a.example", None, Some("same-origin"), false, false),
            ("a.example", None, Some("none"), false, false),
            ("a.example", None, Some("cross-site"), false, true),
            ("a.example", None, Some("same-site"), false, true),
            ("a.example", None, Some(""), false, true),
            ("a.example", Some("http://a.example"), None, false, false),
            ("a.example", Some("http://A.example:80"), Some("same-origin"), false, false),
            ("a.example:8080", Some("http://a.example:8080"), None, false, false),
            ("a.example", Some("https://a.example"), None, true, false),
            ("a.example:443", Some("https://a.example"), None, true, false),
            ("[::1]:8080", Some("http://[::1]:8080"), None, false, false),
            ("a.example", Some("https://a.example"), None, false, true),
            ("a.example", Some("http://a.example"), None, true, true),
            ("a.example:8080", Some("http://a.example"), None, false, true),
            ("a.example", Some("http://evil.example"), None, false, true),
            ("a.example", Some("http://evil.example"), Some("same-origin"), false, true),
            ("a.example", Some("http://a.example"), Some("cross-site"), false, true),
            ("a.example", Some("http://a.example.evil.example"), None, false, true),
            ("a.example", Some("null"), None, false, true),
            ("a.example", Some(""), None, false, true),
            ("", Some("http://a.example"), None, false, true),
            ("", Some("file://"), None, false, true),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            if let Some(site) = site {
                headers.insert("sec-fetch-site", site.parse().unwrap());
            }
            let given = format!("{host} {origin:?} {site:?} {secure}");
            for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
                assert_eq!(check(&method, &headers, secure).is_err(), foreign, "{method} {given}");
            }
            assert!(check(&Method::GET, &headers, secure).is_ok(), "{given}");
        }
    }
}
