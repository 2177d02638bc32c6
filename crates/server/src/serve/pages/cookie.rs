//! Cookies: how ours is called, found and written. Pure.

use axum::http::{HeaderMap, HeaderValue, header};

/// Cookies know no port, so the name has that of the server: two on one machine do not log each other out.
pub fn name(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let port = host.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty() && port.len() < 6);
    let port = port.filter(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
    format!("la-{}", port.unwrap_or("0"))
}

/// The values of the cookies of this name: another site of the same host can add one, but not take ours away.
pub fn all<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(move |pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Sets the cookie of a session; an empty value takes it away.
pub fn session(name: &str, value: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let life = if value.is_empty() { "; Max-Age=0" } else { "" };
    HeaderValue::from_str(&format!("{name}={value}; HttpOnly; SameSite=Strict; Path=/ui{secure}{life}")).ok()
}

/// Sets what is remembered of the looks of pages, for a year.
pub fn theme(value: &str, secure: bool) -> Option<HeaderValue> {
    let secure = if secure { "; Secure" } else { "" };
    let text = format!("theme={value}; HttpOnly; SameSite=Strict; Path=/ui; Max-Age=31536000{secure}");
    HeaderValue::from_str(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_is_found_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
        headers.append(header::COOKIE, HeaderValue::from_static("a=1; la-8080=x=y;la-80=z; xla-8080=q"));
        headers.append(header::COOKIE, HeaderValue::from_static("la-8080=two"));
        assert_eq!(name(&headers), "la-8080");
        assert_eq!(all(&headers, "la-8080").collect::<Vec<_>>(), ["x=y", "two"]);
        for (host, expected) in
            [("a.example", "la-0"), ("[::1]:9", "la-9"), ("[::1]", "la-0"), ("a:b;c", "la-0")]
        {
            headers.insert(header::HOST, HeaderValue::from_static(host));
            assert_eq!(name(&headers), expected, "{host}");
        }
    }

    #[test]
    fn the_session_is_for_nobody_but_the_server() {
        let set = session("la-0", "v", true).unwrap();
        assert_eq!(set, "la-0=v; HttpOnly; SameSite=Strict; Path=/ui; Secure");
        let gone = session("la-0", "", false).unwrap();
        assert_eq!(gone, "la-0=; HttpOnly; SameSite=Strict; Path=/ui; Max-Age=0");
    }
}
