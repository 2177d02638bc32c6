//! The table of contents of the API: every route, what it gives access to and who answers it. No logic.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

use super::app::{App, Options};
use super::catalog::services::table::Service;
use super::catalog::spaces::table::Space;
use super::changes::crud;
use super::dashboards::Dashboard;
use super::dashboards::instruments::Instrument;
use super::http::admission::{self, Admission};
use super::http::body::Limits;
use super::http::problem::Problem;
use super::http::role::{Access, Role};
use super::http::route::{Routes, any, delete, get, head, post, put};
use super::http::users::Users;
use super::http::{access, address, auth, drain_body, rates};
use super::pages::{self, Pages, Surroundings};
use super::store::Store;
use super::store::error::Trouble;
use super::store::room::Headroom;
use super::{
    alerts, annotations, audit, backup, compose, deliveries, delivery, incidents, metrics, operations,
    reading, remote_read, silences, snapshots, sources, spaces, submit, tokens,
};

/// The whole API over `store`. Everything but `GET /healthz` and `GET /readyz` asks for one of `users` or an active API token, also `GET /metrics`, where
/// Prometheus finds what the server counts; with none, nothing is allowed in.
pub fn router(store: Store, users: impl Into<Users>, options: &Options) -> Router {
    let store = store.with_read_time(options.read_timeout);
    let users = users.into();
    let app = App::new(store.clone(), users.clone(), options);
    let tokens = Arc::new(app.tokens.clone());
    let rated = from_fn_with_state(app.rates.clone(), rates::tell);
    let routes = routes();
    let log = access::Log { telemetry: options.telemetry.clone(), secrets: routes.secrets() };
    let routes = routes
        .into_router()
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || {
            Problem::request(StatusCode::METHOD_NOT_ALLOWED, "The method is not allowed on this resource.")
        })
        .layer(rated)
        .layer(from_fn_with_state(app.store.clone(), keep_room))
        .with_state(app);
    let authenticator = auth::Authenticator::new(users, tokens, options.telemetry.clone()).among(&store);
    let pages = options.pages.enabled.then(|| {
        Pages::new(Surroundings {
            api: routes.clone(),
            authenticator: authenticator.clone(),
            store,
            options: &options.pages,
            public_url: options.notify.public_url.as_deref(),
            limits: Limits { bytes: options.max_body_bytes, time: options.body_timeout },
        })
    });
    shared(routes, pages, authenticator, log, options)
}

/// Method and path of every route, and the roles that may ask; for tests. No roles where no one is asked who they are.
#[doc(hidden)]
pub fn listed() -> Vec<(&'static str, &'static str, &'static [Role])> {
    let roles = |access: Access| if access == Access::Probe { &[] } else { access.roles() };
    routes().listed().into_iter().map(|(method, path, access)| (method, path, roles(access))).collect()
}

/// Every route, what it gives access to, and who answers.
fn routes() -> Routes<App> {
    use Access::{
        Administer, Audit, Clear, Define, Probe, ReadAlerts, ReadData, ReadHealth, ReadIncidents,
        ReadRemotely, ReadServices, ReadSpaces, Send,
    };
    Routes::new()
        .route(auth::HEALTH, [get(Probe, operations::health)])
        .route(auth::READY, [get(Probe, operations::ready)])
        // metrics and their measurements
        .route(
            "/v1/metrics",
            [
                get(ReadData, reading::all),
                post(Send, submit::legacy),
                put(Define, metrics::update_many),
                delete(Define, metrics::delete_many),
            ],
        )
        .route(
            "/v1/metrics/{name}",
            [get(ReadData, reading::metric), put(Define, metrics::put), delete(Define, metrics::delete)],
        )
        .route("/v1/metrics/{name}/uses", [get(ReadData, reading::uses)])
        .route("/v1/measurements", [get(ReadData, compose::tagged), post(Send, submit::tagged)])
        // clients that pass an empty metric name send the slash
        .route("/v1/measurements/", [get(ReadData, compose::tagged), post(Send, submit::tagged)])
        .route("/v1/measurements/{name}", [get(ReadData, reading::measurements)])
        // go-librato resolves its submissions against the host, losing the prefix
        .route("/metrics", [post(Send, submit::legacy), get(ReadData, operations::metrics)])
        .route(remote_read::PATH, [post(ReadRemotely, remote_read::read)])
        // annotations
        .route("/v1/annotations", [get(ReadData, annotations::list)])
        .route(
            "/v1/annotations/{stream}",
            [
                get(ReadData, annotations::show),
                post(Send, annotations::add),
                put(Define, annotations::put),
                delete(Define, annotations::delete),
            ],
        )
        .route(
            "/v1/annotations/{stream}/{id}",
            [
                get(ReadData, annotations::show_event),
                put(Define, annotations::put_event),
                delete(Define, annotations::delete_event),
            ],
        )
        .route("/v1/annotations/{stream}/{id}/links", [post(Define, annotations::add_link)])
        .route("/v1/annotations/{stream}/{id}/links/{rel}", [delete(Define, annotations::delete_link)])
        // alerts
        .route("/v1/alerts", [get(ReadAlerts, alerts::list), post(Define, alerts::create)])
        .route("/v1/alerts/status", [get(ReadAlerts, alerts::all_status)])
        .route(
            "/v1/alerts/{id}",
            [get(ReadAlerts, alerts::show), put(Define, alerts::put), delete(Define, alerts::delete)],
        )
        .route("/v1/alerts/{id}/status", [get(ReadAlerts, alerts::status)])
        .route("/v1/alerts/{id}/clear", [post(Clear, alerts::clear)])
        .route("/v1/alerts/{id}/services", [post(Define, alerts::attach)])
        .route("/v1/alerts/{id}/services/{service}", [delete(Define, alerts::detach)])
        .route("/v1/violations", [get(ReadIncidents, alerts::violations::list)])
        .route("/v1/incidents", [get(ReadIncidents, incidents::list)])
        .route("/v1/incidents/{key}", [get(ReadIncidents, incidents::show)])
        .route("/v1/deliveries", [get(ReadIncidents, deliveries::list)])
        .route("/v1/silences", [get(ReadIncidents, silences::list), post(Clear, silences::create)])
        .route("/v1/silences/{id}", [delete(Clear, silences::delete)])
        // services
        .route(
            "/v1/services",
            [get(ReadServices, crud::list::<Service>), post(Define, delivery::define::create)],
        )
        .route(
            "/v1/services/{id}",
            [
                get(ReadServices, crud::show::<Service>),
                put(Define, delivery::define::put),
                delete(Define, crud::delete::<Service>),
            ],
        )
        .route("/v1/services/{id}/test", [post(Administer, delivery::test::test)])
        // spaces and charts
        .route("/v1/spaces", [get(ReadSpaces, crud::list::<Space>), post(Define, crud::create::<Space>)])
        .route(
            "/v1/spaces/{id}",
            [
                get(ReadSpaces, spaces::show),
                put(Define, crud::put::<Space>),
                delete(Define, crud::delete::<Space>),
            ],
        )
        .route(
            "/v1/spaces/{id}/charts",
            [get(ReadSpaces, spaces::list_charts), post(Define, spaces::create_chart)],
        )
        .route(
            "/v1/spaces/{id}/charts/{chart}",
            [
                get(ReadSpaces, spaces::show_chart),
                put(Define, spaces::put_chart),
                post(Define, spaces::put_chart),
                delete(Define, spaces::delete_chart),
            ],
        )
        .route("/v1/snapshots", [post(Define, snapshots::create)])
        .route("/v1/snapshots/{id}", [get(ReadSpaces, snapshots::show)])
        .route("/v1/snapshots/{id}/image", [get(ReadSpaces, snapshots::image)])
        .secret_route("/snapshots/{name}", [get(Probe, snapshots::open)])
        // what clients of the time before spaces and tags call
        .route(
            "/v1/instruments",
            [get(ReadSpaces, crud::list::<Instrument>), post(Define, crud::create::<Instrument>)],
        )
        .route(
            "/v1/instruments/{id}",
            [
                get(ReadSpaces, crud::show::<Instrument>),
                put(Define, crud::put::<Instrument>),
                delete(Define, crud::delete::<Instrument>),
            ],
        )
        .route(
            "/v1/dashboards",
            [get(ReadSpaces, crud::list::<Dashboard>), post(Define, crud::create::<Dashboard>)],
        )
        .route(
            "/v1/dashboards/{id}",
            [
                get(ReadSpaces, crud::show::<Dashboard>),
                put(Define, crud::put::<Dashboard>),
                delete(Define, crud::delete::<Dashboard>),
            ],
        )
        .route("/v1/charts", [get(ReadSpaces, tokens::charts::list), post(Define, tokens::charts::create)])
        .secret_route(
            "/v1/charts/{token}",
            [get(ReadSpaces, tokens::charts::show), delete(Define, tokens::charts::delete)],
        )
        .route("/v1/sources", [get(ReadData, sources::list)])
        .route(
            "/v1/sources/{name}",
            [get(ReadData, sources::show), put(Define, sources::put), delete(Define, sources::delete)],
        )
        // the account
        .route("/v1/backup", [get(Administer, backup::show), head(Administer, backup::head)])
        .route("/v1/audit", [get(Audit, audit::list)])
        .route("/v1/health", [get(ReadHealth, operations::checks)])
        .route("/v1/jobs/{id}", [get(ReadData, snapshots::show_job)])
        .route("/v1/api_tokens", [get(Administer, tokens::list), post(Define, tokens::create)])
        .route(
            "/v1/api_tokens/{id}",
            [get(Administer, tokens::show), put(Define, tokens::put), delete(Define, tokens::delete)],
        )
        // accounts below that of a partner
        .route("/v1/users", [any(Administer, no_users)])
        .route("/v1/users/{id}", [any(Administer, no_users)])
}

/// What every answer goes through, from the inside out.
fn shared(
    routes: Router,
    pages: Option<Pages>,
    authenticator: auth::Authenticator,
    log: access::Log,
    options: &Options,
) -> Router {
    let telemetry = options.telemetry.clone();
    let admission = Admission::new(options.max_in_flight, options.max_request_memory, telemetry);
    let bounded = |routes: Router| {
        routes
            // the fastest level still takes four fifths of such JSON away
            .layer(CompressionLayer::new().gzip(true).quality(CompressionLevel::Fastest))
            .layer(from_fn_with_state(admission.clone(), admission::admit))
    };
    // asked who they are first, since a stranger must not take a place
    let routes = bounded(routes).layer(from_fn_with_state(authenticator, auth::require));
    let routes = match pages {
        None => routes,
        Some(pages) => routes.merge(pages_of(&pages, bounded)),
    };
    routes
        .layer(CatchPanicLayer::custom(access::panicked))
        .layer(from_fn(drain_body::drain))
        .layer(from_fn_with_state(log, access::log))
        .layer(from_fn_with_state(options.trusted_proxies.clone().into(), address::note))
}

/// The pages, which ask who someone is in a way of their own.
fn pages_of(pages: &Pages, bounded: impl Fn(Router) -> Router) -> Router {
    // whoever asks for a page is admitted before their session is looked at: that takes a read
    bounded(pages::router(pages).layer(from_fn_with_state(pages.clone(), pages::pass)))
}

/// While the disk is full, the room that is left is for deleting; where the data have reached their limit, for all but more data; and while too many
/// measurements wait to be compacted, for all but more of these.
async fn keep_room(State(store): State<Store>, request: Request, next: Next) -> Response {
    let grows =
        matches!(*request.method(), Method::POST | Method::PUT) && request.uri().path() != remote_read::PATH;
    match (store.condition().trouble(), store.condition().room.space()) {
        (Some(Trouble::Full), _) if grows => Problem::cannot_write(Trouble::Full).into_response(),
        (_, Headroom::Reached) if brings_data(&request) => Problem::no_room().into_response(),
        _ => match store.condition().pressure.reason().filter(|_| brings_measurements(&request)) {
            Some(why) => Problem::backlog(why).into_response(),
            None => next.run(request).await,
        },
    }
}

fn brings_measurements(request: &Request) -> bool {
    let path = request.uri().path().trim_end_matches('/');
    *request.method() == Method::POST && ["/metrics", "/v1/metrics", "/v1/measurements"].contains(&path)
}

/// Whether a request brings what grows without end: measurements, events, snapshots. Definitions and silences are small, and needed
/// where there is no more room.
fn brings_data(request: &Request) -> bool {
    let path = request.uri().path().trim_end_matches('/');
    let grows = path == "/v1/snapshots" || path.starts_with("/v1/annotations/");
    brings_measurements(request) || (*request.method() == Method::POST && grows)
}

/// The hosted service managed users for partners only, so no one else expects an answer here.
async fn no_users() -> Problem {
    let message = "This server manages no users: they stand in the file given with --credentials. Tokens are made at /v1/api_tokens.";
    Problem::request(StatusCode::FORBIDDEN, message)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use axum::body::Body;
    use axum::http::{Request, header};
    use axum::routing::get as get_of;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use tower::ServiceExt as _;

    use super::*;
    use crate::serve::budget;
    use crate::serve::http::secret_path::SecretPaths;
    use crate::serve::store::tx::Tx;
    use crate::serve::tokens::Tokens;
    use crate::serve::{Credentials, Data, Telemetry};

    fn server(options: &Options) -> (tempfile::TempDir, Store, Router) {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Data::File(dir.path().join("a.db"))).unwrap();
        let router = router(store.clone(), vec![Credentials::new("u", &"t".into())], options);
        (dir, store, router)
    }

    fn get(path: &str) -> Request<Body> {
        let credentials = format!("Basic {}", STANDARD.encode("u:t"));
        Request::get(path).header(header::AUTHORIZATION, credentials).body(Body::empty()).unwrap()
    }

    /// Waits for something that other tasks bring about.
    async fn until(holds: impl Fn() -> bool) {
        while !holds() {
            tokio::task::yield_now().await;
        }
    }

    /// Lists, look-ups of tokens and the like never wait for those who ask for much, however many these are.
    #[tokio::test]
    async fn cheap_reads_are_answered_while_dear_ones_take_their_time() {
        let (_dir, store, router) = server(&Options::default());
        let (open, gate) = channel::<()>();
        let (gate, begun) = (Arc::new(Mutex::new(gate)), Arc::new(AtomicUsize::new(0)));
        let dear: Vec<_> = (0..20)
            .map(|_| {
                let (store, gate, begun) = (store.clone(), Arc::clone(&gate), Arc::clone(&begun));
                tokio::spawn(async move {
                    let wait = move |_: &Tx| -> Result<(), Problem> {
                        begun.fetch_add(1, Ordering::Relaxed);
                        // Nothing ever comes, until there is no one who could send it.
                        let _ = gate.lock().unwrap().recv();
                        Ok(())
                    };
                    store.query(wait).await
                })
            })
            .collect();
        until(|| begun.load(Ordering::Relaxed) == 3).await;
        for path in ["/v1/alerts?length=1", "/v1/metrics", "/v1/alerts/status", "/v1/api_tokens"] {
            assert_eq!(router.clone().oneshot(get(path)).await.unwrap().status(), 200, "{path}");
        }
        assert_eq!(begun.load(Ordering::Relaxed), 3, "the fourth connection is not for them");
        drop(open);
        for one in dear {
            one.await.unwrap().unwrap();
        }
    }

    /// A read whose client hangs up ends, and gives its place back.
    #[tokio::test]
    async fn a_read_ends_with_its_client() {
        let options =
            Options { max_in_flight: 1, read_timeout: Duration::from_secs(3600), ..Options::default() };
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Data::File(dir.path().join("a.db"))).unwrap();
        let store = store.with_read_time(options.read_timeout);
        let begun = Arc::new(AtomicUsize::new(0));
        let read = {
            let (store, begun) = (store.clone(), Arc::clone(&begun));
            move || async move {
                let endless = move |_: &Tx| -> Result<(), Problem> {
                    begun.fetch_add(1, Ordering::Relaxed);
                    loop {
                        budget::proceed()?;
                    }
                };
                store.query(endless).await
            }
        };
        let (path, routes) = ("/read", Router::new());
        let routes = routes.route(path, get_of(read));
        let users = vec![Credentials::new("u", &"t".into())].into();
        let authenticator =
            auth::Authenticator::new(users, Arc::new(Tokens::new(store)), Telemetry::default());
        let log = access::Log { telemetry: Telemetry::default(), secrets: SecretPaths::default() };
        let router = shared(routes, None, authenticator, log, &options);
        let asked = tokio::spawn(router.clone().oneshot(get(path)));
        until(|| begun.load(Ordering::Relaxed) == 1).await;
        assert_eq!(
            router.clone().oneshot(get("/nothing")).await.unwrap().status(),
            503,
            "the place is taken"
        );
        asked.abort();
        while router.clone().oneshot(get("/nothing")).await.unwrap().status() != 404 {
            tokio::task::yield_now().await;
        }
    }

    /// A chart token is a secret, and part of paths: those of requests, of answers, and of what someone misspelt.
    #[tokio::test(flavor = "current_thread")]
    async fn no_chart_token_stands_in_the_log_or_in_the_audit() {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let (_dir, _, router) = server(&Options::default());
        let ask = async |method: &str, path: &str, body: &'static str| {
            let request = get(path);
            let (mut parts, _) = request.into_parts();
            parts.method = method.parse().unwrap();
            parts.headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
            let answer = router.clone().oneshot(Request::from_parts(parts, Body::from(body))).await.unwrap();
            let status = answer.status().as_u16();
            let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
            (status, String::from_utf8(body.to_vec()).unwrap())
        };
        assert_eq!(ask("POST", "/v1/instruments", r#"{"name": "i"}"#).await.0, 201);
        let made = ask("POST", "/v1/charts", r#"{"entity_type": "instrument", "entity_id": 1}"#).await;
        let made: serde_json::Value = serde_json::from_str(&made.1).unwrap();
        let token = made["token"].as_str().unwrap().to_owned();
        for (method, path, status) in [
            ("GET", format!("/v1/charts/{token}"), 200),
            ("PUT", format!("/v1/charts/{token}"), 405),
            ("GET", format!("/v1/charts/{token}/"), 404),
            ("GET", format!("/charts/{token}"), 404),
            ("DELETE", format!("/v1/charts/{token}"), 204),
            ("DELETE", format!("/v1/charts/{token}"), 404),
        ] {
            assert_eq!(ask(method, &path, "").await.0, status, "{method} {path}");
        }
        let (_, audit) = ask("GET", "/v1/audit", "").await;
        let log = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(log.matches("/v1/charts/[hidden]").count(), 7, "{log}");
        assert!(audit.contains("chart token"), "{audit}");
        assert!(!log.contains(&token) && !audit.contains(&token), "{log}{audit}");
    }

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
