//! What a client calls itself.

use axum::http::{HeaderMap, header};

/// The `User-Agent`, as far as it is text.
pub fn agent(headers: &HeaderMap) -> Option<String> {
    headers.get(header::USER_AGENT)?.to_str().ok().map(str::to_owned)
}
