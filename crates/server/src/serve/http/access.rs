//! One log line and one count per request, another line per change of a definition, the request's id, and the last
//! line of defence when a handler panics.
//! Never logs a header, a query, a credential, a body or a segment of a path that its route calls secret.

use std::any::Any;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::address::Client;
use super::auth::Asked;
use super::problem::Problem;
use super::role::Access;
use super::secret_path::SecretPaths;
use crate::serve::telemetry::Telemetry;
use crate::wire::{ours, unevaluated};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What the log counts with, and what it must not show.
#[derive(Clone)]
pub struct Log {
    pub telemetry: Telemetry,
    pub secrets: SecretPaths,
}

/// Logs the request on target `librato_apply::serve::access`, counts it, and marks the answer with its id.
pub async fn log(State(log): State<Log>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let method = request.method().clone();
    let version = request.version();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let path = log.secrets.shown(request.uri().path(), route.is_some()).into_owned();
    let id = request_id(&request);
    let peer =
        request.extensions().get::<Client>().and_then(|client| client.address).map(tracing::field::display);
    let mut response = next.run(request).await;
    let (status, took) = (response.status(), started.elapsed());
    log.telemetry.answered(&method, route.as_ref().map(MatchedPath::as_str), status, took);
    let user = response.extensions().get::<Asked>().map(|asked| &*asked.0);
    tracing::info!(
        target: "librato_apply::serve::access",
        user,
        peer,
        %method,
        path,
        status = status.as_u16(),
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        request_id = id.to_str().ok(),
        "request"
    );
    let access = response.extensions().get::<Access>();
    if status.is_success() && access.is_some_and(|access| access.changes_definitions()) {
        let made = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok());
        tracing::info!(
            target: "librato_apply::serve::audit",
            user,
            peer,
            %method,
            path,
            made = made.map(|location| log.secrets.shown(location, true)).as_deref(),
            request_id = id.to_str().ok(),
            "changed"
        );
    }
    response.headers_mut().insert(REQUEST_ID, id);
    response.headers_mut().insert(ours::HEADER, HeaderValue::from_static(ours::VALUE));
    if !log.telemetry.is_evaluating() {
        response.headers_mut().insert(unevaluated::HEADER, HeaderValue::from_static(unevaluated::VALUE));
    }
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
    let made = getrandom::u64().ok().and_then(|made| HeaderValue::from_str(&format!("{made:016x}")).ok());
    made.unwrap_or(HeaderValue::from_static("none"))
}

/// What a panic becomes. The panic's own text went to the panic hook and is not repeated.
pub fn panicked(_: Box<dyn Any + Send>) -> Response {
    Problem::internal("a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn a_panic_is_answered_and_logged_without_secrets() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        // Tests beside this one, which log nothing, may have been first to ask whether these lines are wanted.
        tracing::callsite::rebuild_interest_cache();
        let state = Log { telemetry: Telemetry::default(), secrets: SecretPaths::default() };
        let app: Router = Router::new()
            .route(
                "/v1/x",
                get(async || {
                    if true {
                        panic!("on purpose")
                    }
                }),
            )
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn_with_state(state, log));
        let request = Request::get("/v1/x?token=s3cret")
            .header("authorization", "s3cret")
            .header("x-request-id", "id-1")
            .extension(Client { address: Some([192, 0, 2, 1].into()), secure: false, proxied: false });
        let response = app.oneshot(request.body(Body::from("s3cret")).unwrap()).await.unwrap();
        assert_eq!(
            (response.status().as_u16(), &response.headers()["connection"]),
            (500, &"close".parse().unwrap())
        );
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&body).unwrap()["errors"]["system"].is_array());
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        let access: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .filter(|line: &serde_json::Value| line["target"] == "librato_apply::serve::access")
            .collect();
        assert_eq!(access.len(), 1, "{text}");
        let fields = &access[0]["fields"];
        assert_eq!((&fields["method"], &fields["path"]), (&"GET".into(), &"/v1/x".into()));
        assert_eq!((&fields["status"], &fields["request_id"]), (&500.into(), &"id-1".into()));
        assert_eq!((fields.get("user"), &fields["peer"]), (None, &"192.0.2.1".into()));
        assert!(fields["duration_ms"].is_u64() && !text.contains("s3cret"));
    }
}
