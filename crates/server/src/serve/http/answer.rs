//! The answers that are not errors, with the headers the API documents.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::claimed;
use super::reply::with_body;

/// What is escaped in a path.
const ESCAPED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// Everything after `/v1/` that is a name comes from a restricted alphabet; anything else is escaped.
pub fn segment(text: &str) -> String {
    utf8_percent_encode(text, &ESCAPED).to_string()
}

pub fn json(status: StatusCode, body: &impl Serialize) -> Response {
    match claimed::json(body) {
        Ok(body) => with_body(status, body),
        Err(problem) => problem.into_response(),
    }
}

/// 200 with JSON that is written already, for answers too long to be held as values.
pub fn written(body: Vec<u8>) -> Response {
    with_body(StatusCode::OK, body)
}

pub fn ok(body: &impl Serialize) -> Response {
    json(StatusCode::OK, body)
}

/// 201 with the new object and where it lives, a path such as `/v1/alerts/12`.
pub fn created(location: &str, body: &impl Serialize) -> Response {
    let mut response = json(StatusCode::CREATED, body);
    if let Ok(location) = HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// 200 without a body: what a legacy submission answers (one published client accepts nothing else).
pub fn empty_ok() -> Response {
    Response::new(Body::empty())
}

pub fn no_content() -> Response {
    StatusCode::NO_CONTENT.into_response()
}
