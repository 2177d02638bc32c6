//! The mark on every page of a demo, also on those that are shown before anybody has logged in: no one shall take invented trouble for real.

use axum::body::{Body, to_bytes};
use axum::http::header;
use axum::response::Response;

use crate::serve::http::problem::Problem;

/// What stands on top. What people write is escaped, so the place for it cannot be part of a text.
const PLACE: &str = "<body>";
const MARK: &str = "<body><aside class=\"demo\" aria-label=\"Demo\"><b>Demo</b> Everything here is invented, \
    nobody is notified, and it is gone when the server stops.</aside>";

/// The same page, marked.
pub async fn marked(response: Response) -> Result<Response, Problem> {
    let kind = response.headers().get(header::CONTENT_TYPE);
    if !kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html")) {
        return Ok(response);
    }
    let (mut parts, body) = response.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.map_err(Problem::internal)?;
    let text = String::from_utf8(bytes.into()).map_err(Problem::internal)?;
    parts.headers.remove(header::CONTENT_LENGTH);
    Ok(Response::from_parts(parts, Body::from(text.replacen(PLACE, MARK, 1))))
}
