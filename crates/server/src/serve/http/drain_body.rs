//! Bodies that no one read to their end. A connection that is closed while its client still sends is reset, and the
//! answer, which says what was wrong, is lost with it; so what is left of a refused body is taken in and dropped.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::extract::Request;
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;
use futures_util::StreamExt as _;

/// How long it goes on at most, and without anything coming.
const TOTAL: Duration = Duration::from_secs(10);
const IDLE: Duration = Duration::from_secs(2);
/// How much is taken; who sends even more must live with a reset.
const MOST: usize = 64_000_000;

/// Takes in what the inner layers leave of the request's body, after the answer.
pub async fn drain(request: Request, next: Next) -> Response {
    // Who asked whether to send has the answer first and sends nothing.
    if request.headers().contains_key(header::EXPECT) {
        return next.run(request).await;
    }
    next.run(request.map(|body| Body::new(Drained(Some(body))))).await
}

/// A body that is read to its end, also when it is dropped before. `None` once nothing is left.
struct Drained(Option<Body>);

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        let Some(body) = &mut self.0 else { return Poll::Ready(None) };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None | Some(Err(_)))) {
            self.0 = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.0.as_ref().map_or_else(|| http_body::SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(TOTAL, discard(body)));
        }
    }
}

async fn discard(body: Body) {
    let mut chunks = body.into_data_stream();
    let mut taken = 0;
    while let Ok(Some(Ok(chunk))) = tokio::time::timeout(IDLE, chunks.next()).await {
        taken += chunk.len();
        if taken > MOST {
            return;
        }
    }
}
