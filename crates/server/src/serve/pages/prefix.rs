//! Pages behind a proxy that takes a prefix off the path, as the public URL `https://host/prefix` says: whatever an answer leads to gets it
//! back. In the text of a page a quote cannot stand but as an entity, so what is replaced is an attribute of ours.

use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::Response;
use url::Url;

use crate::serve::http::problem::Problem;

/// Beginnings of attributes that lead to pages of ours.
const ATTRIBUTES: [&str; 4] = ["href=\"/ui/", "action=\"/ui/", "src=\"/ui/", "content=\"0; url=/ui/"];

/// What headers lead with, and to where.
const HEADERS: [(HeaderName, &str); 2] = [(header::LOCATION, "/ui/"), (header::SET_COOKIE, "Path=/ui")];

/// The path of the public URL; empty where there is none.
#[derive(Debug, Clone)]
pub struct Prefix(String);

impl Prefix {
    pub fn of(public_url: Option<&Url>) -> Prefix {
        Prefix(public_url.map(|url| url.path().trim_end_matches('/').to_owned()).unwrap_or_default())
    }

    /// The same text with the prefix before `/ui` where it leads there by `place`.
    fn put(&self, text: &str, place: &str) -> String {
        text.replace(place, &place.replace("/ui", &format!("{}/ui", self.0)))
    }

    /// The same answer for whoever is before the proxy.
    pub async fn applied(&self, mut response: Response) -> Result<Response, Problem> {
        if self.0.is_empty() {
            return Ok(response);
        }
        for (name, place) in HEADERS {
            let values: Vec<HeaderValue> = response.headers().get_all(&name).iter().cloned().collect();
            response.headers_mut().remove(&name);
            for value in values {
                let put = value.to_str().ok().map(|text| self.put(text, place));
                let value = put.and_then(|put| HeaderValue::from_str(&put).ok()).unwrap_or(value);
                response.headers_mut().append(&name, value);
            }
        }
        let is_page = response
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if !is_page {
            return Ok(response);
        }
        let (mut parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
        let text = String::from_utf8(bytes.into()).map_err(Problem::internal)?;
        let text = ATTRIBUTES.iter().fold(text, |text, place| self.put(&text, place));
        parts.headers.remove(header::CONTENT_LENGTH);
        Ok(Response::from_parts(parts, Body::from(text)))
    }
}

#[cfg(test)]
mod tests {
    use axum::response::IntoResponse as _;

    use super::*;

    #[tokio::test]
    async fn what_leads_to_pages_gets_the_prefix() {
        let page = axum::response::Html(
            "<a href=\"/ui/x\">href=&quot;/ui/</a><form action=\"/ui/y\"><input value=\"/ui/z\">",
        );
        let mut response = page.into_response();
        let headers = response.headers_mut();
        headers.insert(header::LOCATION, HeaderValue::from_static("/ui/login?to=%2Fui%2F"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("a=1; Path=/ui"));
        headers.append(header::SET_COOKIE, HeaderValue::from_static("b=1; Path=/ui; Secure"));
        let prefix = Prefix::of(Some(&Url::parse("https://a.example/watch/").unwrap()));
        let response = prefix.applied(response).await.unwrap();
        assert_eq!(response.headers()["location"], "/watch/ui/login?to=%2Fui%2F");
        let cookies: Vec<_> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1; Path=/watch/ui", "b=1; Path=/watch/ui; Secure"]);
        let text = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let expected =
            "<a href=\"/watch/ui/x\">href=&quot;/ui/</a><form action=\"/watch/ui/y\"><input value=\"/ui/z\">";
        assert_eq!(text, expected);
    }

    #[tokio::test]
    async fn without_one_nothing_changes() {
        for url in [
            None,
            Some(Url::parse("https://a.example").unwrap()),
            Some(Url::parse("https://a.example/").unwrap()),
        ] {
            let page = axum::response::Html("<a href=\"/ui/x\">").into_response();
            let response = Prefix::of(url.as_ref()).applied(page).await.unwrap();
            assert_eq!(to_bytes(response.into_body(), usize::MAX).await.unwrap(), "<a href=\"/ui/x\">");
        }
    }
}
