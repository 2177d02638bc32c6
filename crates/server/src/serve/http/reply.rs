//! JSON on its way out, as bytes that are written already. Knows neither what they say nor what they cost.

use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// The length of a body in bytes, before it is compressed; an extension of the answer.
#[derive(Clone, Copy)]
pub struct Length(pub usize);

/// For what is told when there is no memory left to claim.
pub fn unclaimed(status: StatusCode, body: &Value) -> Response {
    with_body(status, body.to_string().into_bytes())
}

/// The bytes of a JSON text with their type and length.
pub fn with_body(status: StatusCode, body: Vec<u8>) -> Response {
    let content_type = HeaderValue::from_static("application/json;charset=utf-8");
    let length = Length(body.len());
    (status, [(header::CONTENT_TYPE, content_type)], Extension(length), body).into_response()
}
