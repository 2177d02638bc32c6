//! One log line per request, the request's id, and the last line of defence when a handler panics.
//! Never logs a header, a query, a credential or a body.

use std::any::Any;
use std::time::Instant;

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::problem::Problem;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Logs the request on target `librato_apply::serve::access` and marks the answer with its id.
pub async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let version = request.version();
    let id = request_id(&request);
    let mut response = next.run(request).await;
    let status = response.status();
    tracing::info!(
        target: "librato_apply::serve::access",
        %method,
        path,
        status = status.as_u16(),
        duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
        request_id = id.to_str().unwrap_or_default(),
        "request"
    );
    response.headers_mut().insert(REQUEST_ID, id);
    if status.is_server_error() && version < Version::HTTP_2 {
        // python-librato retries a 5xx on the same connection object, which only works when the server closed it.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// The id the client sent when it is short and plain, else a random one.
fn request_id(request: &Request) -> HeaderValue {
    let sent = request.headers().get(REQUEST_ID);
    if let Some(id) =
        sent.filter(|id| (1..=128).contains(&id.len()) && id.as_bytes().iter().all(u8::is_ascii_graphic))
    {
        return id.clone();
    }
    let made = getrandom::u64().unwrap_or_default();
    HeaderValue::from_str(&format!("{made:016x}")).unwrap_or(HeaderValue::from_static("none"))
}

/// What a panic becomes. The panic's own text went to the panic hook and is not repeated.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}
