//! What pages need beside themselves: part of the program, packed once, under addresses that change with what they hold.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest as _, Sha256};

use crate::serve::http::problem::Problem;

const SCRIPT: &str = "text/javascript; charset=utf-8";

/// Name, type, bytes.
const ALL: [(&str, &str, &[u8]); 8] = [
    ("app.css", "text/css; charset=utf-8", include_bytes!("assets/app.css")),
    ("app.js", SCRIPT, include_bytes!("assets/app.js")),
    ("cursor.js", SCRIPT, include_bytes!("assets/cursor.js")),
    ("keys.js", SCRIPT, include_bytes!("assets/keys.js")),
    ("morph.js", SCRIPT, include_bytes!("assets/morph.js")),
    ("numbers.js", SCRIPT, include_bytes!("assets/numbers.js")),
    ("pointer.js", SCRIPT, include_bytes!("assets/pointer.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
];

/// What tells all of them from those of another version.
static HASH: LazyLock<String> = LazyLock::new(|| {
    let mut digest = Sha256::new();
    ALL.iter().for_each(|(name, _, bytes)| {
        digest.update(name.as_bytes());
        digest.update(bytes);
    });
    hex::encode(&digest.finalize()[..8])
});

/// All of them, packed.
static PACKED: LazyLock<Vec<Option<Vec<u8>>>> =
    LazyLock::new(|| ALL.iter().map(|(_, _, bytes)| packed(bytes)).collect());

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).ok()?;
    packer.finish().ok()
}

/// Where one of them is.
pub fn address(name: &str) -> String {
    format!("/ui/assets/{}/{name}", *HASH)
}

pub async fn show(
    Path((hash, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let at = ALL.iter().position(|(known, ..)| *known == name && hash == *HASH);
    let at = at.ok_or_else(Problem::not_found)?;
    let (_, kind, plain) = ALL[at];
    let accepted =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let packed = PACKED[at].as_ref().filter(|_| accepted.contains("gzip"));
    let mut response = match packed {
        Some(bytes) => ([(header::CONTENT_ENCODING, "gzip")], bytes.clone()).into_response(),
        None => plain.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    Ok(response)
}
