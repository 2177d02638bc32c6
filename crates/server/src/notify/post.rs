//! Requests as renderers put them together: JSON and forms, credentials of URLs as headers. Pure.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

use super::judge::Success;
use super::request::{Http, Request, Surroundings, Unsendable};
use super::settings::Settings;

impl Http {
    /// A body as JSON.
    pub(super) fn json(url: Url, body: &Value) -> Self {
        Self::new(url, "application/json", body.to_string().into_bytes())
    }

    /// A body as forms of browsers have it.
    pub(super) fn form(url: Url, fields: &[(&str, &str)]) -> Self {
        let body = Serializer::new(String::new()).extend_pairs(fields).finish();
        Self::new(url, "application/x-www-form-urlencoded", body.into_bytes())
    }

    fn new(mut url: Url, content_type: &str, body: Vec<u8>) -> Self {
        let mut headers = vec![("Content-Type", content_type.to_owned())];
        headers.extend(basic(&mut url).map(|credentials| ("Authorization", credentials)));
        Self { url, headers, body, success: Success::Status, trusted: false }
    }

    pub(super) fn header(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn judged_by(self, success: Success) -> Self {
        Self { success, ..self }
    }
}

impl From<Http> for Request {
    fn from(http: Http) -> Self {
        Self::Http(http)
    }
}

/// Takes user and password out of a URL, as they stand in a header.
pub(super) fn basic(url: &mut Url) -> Option<String> {
    let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let credentials = [decoded(url.username()), decoded(url.password().unwrap_or_default())].join(&b':');
    // Neither fails on a URL that had them.
    _ = url.set_username("");
    _ = url.set_password(None);
    Some(format!("Basic {}", BASE64_STANDARD.encode(credentials)))
}

/// Where services of a type are that have no URL of their own: where the operator says, or else at `host`. And whether it was the
/// operator.
pub(super) fn base(settings: Settings<'_>, at: &Surroundings, host: &str) -> Result<(Url, bool), Unsendable> {
    if let Some(base) = at.bases.get(settings.kind) {
        return Ok((base.clone(), true));
    }
    let wrong = || Unsendable::Settings("the settings name no host that can be reached".to_owned());
    let url = Url::parse(&format!("https://{host}/")).map_err(|_| wrong())?;
    // A host is a host and brings no path, port or user along.
    let alone = url.host_str().is_some_and(|found| found.eq_ignore_ascii_case(host));
    if alone && url.path() == "/" { Ok((url, false)) } else { Err(wrong()) }
}

/// The URL below a base that these segments lead to; each is one, whatever stands in it.
pub(super) fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}
