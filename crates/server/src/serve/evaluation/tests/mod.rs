//! The whole way, in process and by a clock that stands until it is moved: measurements and alerts over HTTP, incidents out of the tables.

#[cfg(all(unix, feature = "postgres"))]
mod cluster;
mod laws;
mod life;
mod thread;
mod times;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tower::ServiceExt as _;

use super::engine::Engine;
use super::figures::Figures;
use crate::serve::catalog::alerting::evaluation::Evaluation;
use crate::serve::cluster::{Cluster, Share};
use crate::serve::http::users::Users;
use crate::serve::router::router;
use crate::serve::series::sqlite::testing;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;
use crate::serve::{Clock, Credentials, Data, Opening, Options};
use crate::watch::{Message, Transition};

/// When everything begins; a full hour.
const BORN: i64 = 1_699_999_200;

/// In memory, or where tests are to run on PostgreSQL a database there, that no one keeps in order.
fn store(opening: Opening) -> (Store, Option<String>) {
    #[cfg(all(unix, feature = "postgres"))]
    if let Some((store, address)) = crate::serve::store::postgres::tests::store_with(opening.clone()) {
        store.rest();
        return (store, Some(address));
    }
    (Store::open_with(&Data::Memory, opening).unwrap(), None)
}

/// A server and its engine.
struct Bench {
    clock: Clock,
    store: Store,
    router: Router,
    engine: Option<Engine>,
    options: Options,
    users: Users,
    /// The groups of alerts that it has.
    share: Share,
    /// That of the database, where it is one.
    address: Option<String>,
    /// What happened before the engine that runs was opened.
    before: Vec<Transition>,
}

impl Bench {
    async fn new() -> Bench {
        Bench::with(Options::default()).await
    }

    async fn with(options: Options) -> Bench {
        let clock = Clock::standing_at(BORN);
        let opening = Opening { clock: clock.clone(), ..Opening::default() };
        let (store, address) = store(opening);
        let users = Users::from(vec![Credentials::new("u", &"t".into())]);
        let router = router(store.clone(), users.clone(), &options);
        let (engine, before, share) = (None, Vec::new(), Cluster::default().divided("alerts").held());
        let mut bench = Bench { clock, store, router, engine, options, users, share, address, before };
        bench.open().await;
        bench
    }

    async fn open(&mut self) {
        self.engine = Some(self.another(&self.share).await);
    }

    /// The engine of a server that has these groups.
    async fn another(&self, share: &Share) -> Engine {
        let telemetry = &self.options.telemetry;
        let by = Evaluation::new(self.options.alerts.clone(), self.users.clone(), telemetry.lost_states());
        let figures = Figures::new(telemetry.clone());
        Engine::open(self.store.clone(), by, figures, share.clone(), "alerts".to_owned()).await.unwrap()
    }

    fn engine(&mut self) -> &mut Engine {
        self.engine.as_mut().unwrap()
    }

    /// The engine is gone, as by a kill, and another takes its place.
    async fn kill(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.before.extend(engine.log);
        }
        self.open().await;
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let credentials = format!("Basic {}", STANDARD.encode("u:t"));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, credentials)
            .header(header::CONTENT_TYPE, "application/json")
            .body(if body.is_null() { Body::empty() } else { Body::from(body.to_string()) })
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (status, body) =
            (answer.status().as_u16(), to_bytes(answer.into_body(), usize::MAX).await.unwrap());
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn good(&self, method: &str, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path} {status} {answer}");
        answer
    }

    /// Makes an alert on these conditions; its id.
    async fn alert(&self, conditions: &Value) -> i64 {
        let body = json!({ "name": "a", "rearm_seconds": 60, "conditions": conditions });
        self.good("POST", "/v1/alerts", &body).await["id"].as_i64().unwrap()
    }

    /// A value of the gauge `m` of a source, of a second after [`BORN`].
    async fn value(&self, source: &str, t: i64, value: f64) {
        let gauge = json!({ "name": "m", "value": value, "source": source, "measure_time": BORN + t });
        self.good("POST", "/v1/metrics", &json!({ "gauges": [gauge] })).await;
    }

    /// Lets so many seconds pass, with a round in each.
    async fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.clock.pass(Duration::from_secs(1));
            self.tick().await.unwrap();
        }
    }

    async fn tick(&mut self) -> Result<(), StoreError> {
        let share = self.share.clone();
        self.engine().tick(&share).await
    }

    /// A round in which it has no group, as where another server was given them.
    async fn lose(&mut self) {
        let nothing = Share { tokens: BTreeMap::new(), ..self.share.clone() };
        self.engine().tick(&nothing).await.unwrap();
    }

    /// Packs all of the journal, read or not.
    async fn compact(&self) {
        let now = self.store.now();
        #[cfg(all(unix, feature = "postgres"))]
        if self.store.is_shared() {
            return crate::serve::series::postgres::testing::compact(&self.store, now).await;
        }
        let pack = move |tx: &Tx| {
            testing::compact(tx.sqlite().unwrap().0, now);
            Ok::<_, StoreError>(())
        };
        self.store.write(pack).await.unwrap();
    }

    /// What happened so far, a line each, in seconds after [`BORN`].
    fn log(&self) -> Vec<String> {
        let now = self.engine.iter().flat_map(|engine| &engine.log);
        self.before.iter().chain(now).map(line).collect()
    }

    async fn status(&self, alert: i64) -> String {
        let shown = self.good("GET", &format!("/v1/alerts/{alert}/status"), &Value::Null).await;
        shown["status"].as_str().unwrap().to_owned()
    }

    /// A line of the server's figures.
    async fn figure(&self, name: &str) -> String {
        let request = Request::get("/metrics")
            .header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode("u:t")))
            .body(Body::empty())
            .unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let page = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let page = String::from_utf8(page.to_vec()).unwrap();
        let found = page.lines().find_map(|line| line.strip_prefix(&format!("librato_apply_{name} ")));
        found.unwrap_or("none").to_owned()
    }
}

/// A transition in a line.
fn line(transition: &Transition) -> String {
    let at = transition.at() - BORN;
    match transition {
        Transition::Opened { incident, stream, .. } => {
            format!(
                "{at} opened {incident}{}",
                stream.as_ref().map(|one| format!(" {one}")).unwrap_or_default()
            )
        }
        Transition::Closed { incident, how, .. } => format!("{at} closed {incident} {how:?}"),
        Transition::Notice(notice) => match &notice.message {
            Message::Clear(how) => format!("{at} clear {}.{} {how:?}", notice.incident, notice.seq),
            Message::Trigger { violations, again, .. } => {
                let one = |v: &crate::watch::Violation| {
                    let (begin, end) = (v.begin - BORN, v.end - BORN);
                    format!("{}/{}={}({begin}..{end} x{})", v.stream, v.condition, v.value, v.count)
                };
                let list = violations.iter().map(one).collect::<Vec<_>>().join(" ");
                let word = if *again { "again" } else { "trigger" };
                format!("{at} {word} {}.{} {list}", notice.incident, notice.seq)
            }
        },
    }
}
