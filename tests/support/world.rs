//! A service to try things on, and the whole way from the text of files to an outcome, as the program goes it.
//! Knows what went over the wire and what the service keeps; knows nothing of what should be there.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use base64::Engine as _;
use librato_apply::apply::{self, Observer};
use librato_apply::diff::scope::{Globs, Scope, parse_target};
use librato_apply::model::{Desired, Scopes};
use librato_apply::plan::{self, Done, Limits, Outcome, Plan, Step};
use librato_apply::remote::fetch::{Actual, FetchPlan, fetch};
use librato_apply::remote::{ApiError, Client, Config, Endpoint, RetryPolicy};
use librato_apply::resolve::{self, Outside};
use librato_apply::serve::{Credentials, Data, Options, Store};
use librato_apply::{diag, diff, load, render};
use secrecy::SecretString;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::stand_in::StandIn;

const USER: &str = "me@example.com";
const TOKEN: &str = "canary-token-0123";
/// What `${secret.…}` stands for.
pub const SECRET: &str = "canary-secret";

/// One request as the service saw it.
#[derive(Debug, Clone, PartialEq)]
pub struct Logged {
    pub method: String,
    /// Below `/v1`, as on the request line.
    pub path: String,
    /// Null where there was none.
    pub body: Value,
}

pub type Log = Arc<Mutex<Vec<Logged>>>;

/// Which service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The one of the program.
    Ours,
    /// The same, but a change of a service's type is refused with this status.
    FixedTypes(u16),
    /// The stand-in with the habits of this seed.
    Other(u64),
}

#[derive(Clone)]
enum Backend {
    Ours(Router),
    /// As seen from outside, and from within.
    FixedTypes(Router, Router),
    Other(StandIn),
}

/// A running service. It ends with its runtime.
pub struct World {
    pub addr: SocketAddr,
    log: Log,
    backend: Backend,
}

impl World {
    /// An empty service.
    pub async fn new(whose: Whose) -> World {
        let ours = || {
            let store = Store::open(&Data::Memory).unwrap();
            let credentials = vec![Credentials::new(USER, &TOKEN.into())];
            librato_apply::serve::router(store, credentials, &Options::default())
        };
        let backend = match whose {
            Whose::Ours => Backend::Ours(ours()),
            Whose::FixedTypes(status) => {
                let inner = ours();
                let rule = from_fn_with_state((inner.clone(), status), refuse_other_type);
                Backend::FixedTypes(inner.clone().layer(rule), inner)
            }
            Whose::Other(seed) => Backend::Other(StandIn::new(seed)),
        };
        World::start(backend).await
    }

    async fn start(backend: Backend) -> World {
        let log = Log::default();
        let facade = match &backend {
            Backend::FixedTypes(facade, _) => facade.clone(),
            _ => backend.router(),
        };
        let router = facade.layer(from_fn_with_state(Arc::clone(&log), record));
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, router.into_make_service()).await });
        World { addr, log, backend }
    }

    pub fn client(&self) -> Client {
        client(self.addr, Duration::from_secs(10))
    }

    /// Requests since the last call of this.
    pub fn take_log(&self) -> Vec<Logged> {
        std::mem::take(&mut self.log.lock().unwrap())
    }

    /// One request that is not in the log, which must succeed.
    pub async fn seed(&self, method: &str, path: &str, body: Value) -> Value {
        let (status, answer) = self.replay(method, path, &body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// One request that is not in the log; status and answer.
    async fn replay(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}"));
        let request = axum::http::Request::builder()
            .method(method)
            .uri(format!("/v1{path}"))
            .header("authorization", format!("Basic {credentials}"))
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let response = self.backend.router().oneshot(request.body(body).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        (parts.status.as_u16(), json(&bytes))
    }

    /// Everything that is kept, by collection and name or id: alerts list services by id, conditions in order of id.
    pub async fn truth(&self) -> BTreeMap<String, Value> {
        if let Backend::Other(stand_in) = &self.backend {
            return stand_in.truth();
        }
        let mut kept = BTreeMap::new();
        for (collection, key) in
            [("metrics", "name"), ("annotations", "name"), ("services", "id"), ("alerts", "id")]
        {
            for mut item in self.listed(collection).await {
                let key = item[key].as_str().map_or_else(|| item[key].to_string(), str::to_owned);
                if collection == "annotations" {
                    item = self.seed("GET", &format!("/annotations/{key}?start_time=0"), Value::Null).await;
                }
                if collection == "alerts" {
                    let ids =
                        item["services"].as_array().unwrap().iter().map(|service| service["id"].clone());
                    item["services"] = ids.collect::<Vec<_>>().into();
                    item["conditions"].as_array_mut().unwrap().sort_by_key(|it| it["id"].as_u64());
                }
                kept.insert(format!("{collection}/{key}"), item);
            }
        }
        for space in self.listed("spaces").await {
            let charts = self.seed("GET", &format!("/spaces/{}/charts", space["id"]), Value::Null).await;
            for mut chart in charts.as_array().unwrap().clone() {
                chart["space_id"] = space["id"].clone();
                kept.insert(format!("charts/{}", chart["id"]), chart);
            }
            kept.insert(format!("spaces/{}", space["id"]), space);
        }
        kept
    }

    async fn listed(&self, collection: &str) -> Vec<Value> {
        let mut items = Vec::new();
        loop {
            let path = format!("/{collection}?offset={}", items.len());
            let mut page = self.seed("GET", &path, Value::Null).await;
            items.append(page[collection].as_array_mut().unwrap());
            if items.len() as u64 >= page["query"]["found"].as_u64().unwrap() {
                return items;
            }
        }
    }
}

/// A state to begin with, any number of times: foreign objects and what some files ask for.
pub struct Template {
    whose: Whose,
    backend: Backend,
    /// The writes that led there.
    writes: Vec<Logged>,
}

impl Template {
    pub async fn new(whose: Whose, files: &str) -> Template {
        let world = World::new(whose).await;
        seed_foreign(&world).await;
        let (planned, outcome) = apply(&world.client(), &Input::read(files), 1).await.unwrap();
        assert!(outcome.is_complete(), "{}", render::outcome_text(&planned.plan, &outcome));
        let writes = world.take_log().into_iter().filter(|request| request.method != "GET").collect();
        Template { whose, backend: world.backend.clone(), writes }
    }

    /// A service of its own in that state; ids are the same each time.
    pub async fn world(&self) -> World {
        if let Backend::Other(stand_in) = &self.backend {
            return World::start(Backend::Other(stand_in.copy())).await;
        }
        let world = World::new(self.whose).await;
        seed_foreign(&world).await;
        for Logged { method, path, body } in &self.writes {
            world.replay(method, path, body).await;
        }
        world
    }
}

impl Backend {
    fn router(&self) -> Router {
        match self {
            Backend::Ours(router) | Backend::FixedTypes(_, router) => router.clone(),
            Backend::Other(stand_in) => stand_in.router(),
        }
    }
}

/// Refuses to change the type of a service, as a stricter service might.
async fn refuse_other_type(
    State((inner, status)): State<(Router, u16)>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    let sent = json(&bytes);
    if parts.method == "PUT" && parts.uri.path().starts_with("/v1/services/") && sent["type"].is_string() {
        let read = axum::http::Request::builder()
            .uri(parts.uri.path())
            .header("authorization", parts.headers["authorization"].clone());
        let kept = inner.oneshot(read.body(Body::empty()).unwrap()).await.unwrap();
        let kept: Value =
            serde_json::from_slice(&to_bytes(kept.into_body(), usize::MAX).await.unwrap()).unwrap();
        if kept["type"].is_string() && kept["type"] != sent["type"] {
            let why = json!({"errors": {"params": {"type": ["cannot be changed"]}}}).to_string();
            let answer = Response::builder().status(status).header("content-type", "application/json");
            return answer.body(why.into()).unwrap();
        }
    }
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// Nothing, or what is no JSON, as `null`.
fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or(Value::Null)
}

async fn record(State(log): State<Log>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.unwrap();
    log.lock().unwrap().push(Logged {
        method: parts.method.to_string(),
        path: parts.uri.path().trim_start_matches("/v1").to_owned(),
        body: json(&bytes),
    });
    next.run(Request::from_parts(parts, Body::from(bytes))).await
}

/// A client of `addr` whose patience is counted in milliseconds.
pub fn client(addr: SocketAddr, timeout: Duration) -> Client {
    let endpoint = Endpoint::parse(&format!("http://{addr}"), true).unwrap();
    let config = Config::new(endpoint, USER, SecretString::from(TOKEN));
    Client::new(Config { retry: RetryPolicy::quick(), timeout, ..config }).unwrap()
}

/// What the program needs to know of its environment to talk to `addr` and to resolve the same files.
pub fn environment(addr: SocketAddr) -> Vec<(String, String)> {
    let known = [("ENDPOINT", format!("http://{addr}")), ("USER", USER.into()), ("TOKEN", TOKEN.into())];
    let mut all: Vec<(String, String)> =
        known.map(|(name, value)| (format!("LIBRATO_{name}"), value)).into_iter().collect();
    all.push(("X".into(), SECRET.into()));
    all
}

/// Files, read and resolved, and what a run of them is told.
pub struct Input {
    pub desired: Desired,
    /// As of `--target`.
    pub targets: Vec<String>,
    /// As of `--delete-data`.
    pub delete_data: bool,
    pub files: diag::Files,
}

impl Input {
    /// Panics over files that are not valid.
    pub fn read(text: &str) -> Input {
        let load::Loaded { mut files, documents, report, .. } =
            load::load(&[PathBuf::from("-")], &mut text.as_bytes());
        assert!(!report.has_errors(), "{}\n{text}", diag::render(&report, &files, false));
        let (desired, report) =
            resolve::resolve(documents, &mut files, &resolve::Options::default(), &Nowhere);
        assert!(!report.has_errors(), "{}\n{text}", diag::render(&report, &files, false));
        Input { desired, targets: Vec::new(), delete_data: true, files }
    }
}

/// A plan and what it was made from.
pub struct Planned {
    pub plan: Plan,
    pub actual: Actual,
}

impl Planned {
    pub fn text(&self) -> String {
        render::text(&self.plan, false, None)
    }

    pub fn document(&self) -> Value {
        serde_json::to_value(render::document(&self.plan, Vec::new())).unwrap()
    }

    /// Writes it.
    pub async fn write(&mut self, client: &Client, parallelism: usize) -> Outcome {
        let options = apply::Options { parallelism, retry: client.config().retry };
        let ids = std::mem::take(&mut self.actual.ids);
        apply::apply(&self.plan, ids, client, &options, &Silent).await
    }
}

/// From files to plan.
pub async fn plan(client: &Client, given: &Input) -> Result<Planned, ApiError> {
    let Input { desired, targets, delete_data, files } = given;
    let globs = |scopes| Globs::compile(scopes).unwrap();
    let mut target = Scopes::default();
    targets.iter().for_each(|text| parse_target(text, &mut target).unwrap());
    let settings = &desired.settings;
    let scope = Scope {
        prune: globs(&settings.prune),
        ignore: globs(&settings.ignore),
        protect: globs(&settings.protect),
        target: (!targets.is_empty()).then(|| globs(&target)),
    };
    let actual = fetch(client, &FetchPlan::of(desired, &scope.prune)).await?;
    let limits = Limits {
        max_deletes: settings.max_deletes.unwrap_or(10_000),
        delete_data: *delete_data,
        protect: scope.protect.clone(),
        deny_weaker_alerts: false,
    };
    let mut report = diag::Report::default();
    let input = plan::Input {
        target: "the service".into(),
        desired,
        actual: &actual.state,
        duplicates: &actual.duplicates,
        diff: diff::diff(desired, &actual.state, &scope.view(desired, &actual.state)),
        limits: &limits,
        files,
    };
    let plan = plan::build(input, &mut report);
    assert!(!report.has_errors(), "{}", diag::render(&report, files, false));
    Ok(Planned { plan, actual })
}

/// From files to outcome, one run of the program. Of a refused plan nothing is written.
pub async fn apply(
    client: &Client,
    given: &Input,
    parallelism: usize,
) -> Result<(Planned, Outcome), ApiError> {
    let mut planned = plan(client, given).await?;
    if !planned.plan.refusals.is_empty() {
        return Ok((planned, Outcome::default()));
    }
    let outcome = planned.write(client, parallelism).await;
    Ok((planned, outcome))
}

struct Silent;

impl Observer for Silent {
    fn ended(&self, _: &Step, _: &Done) {}
}

/// No environment but one secret, and no files.
pub struct Nowhere;

impl Outside for Nowhere {
    fn env(&self, _: &str) -> Option<String> {
        Some(SECRET.into())
    }

    fn file(&self, _: &Path, path: &str) -> Result<String, String> {
        Err(format!("no {path}"))
    }
}

/// Objects that no file speaks of: some of every kind, with keys that nobody knows.
pub async fn seed_foreign(world: &World) {
    if !matches!(world.backend, Backend::Other(_)) {
        seed_foreign_spaces(world).await;
    }
    world
        .seed(
            "PUT",
            "/metrics/foreign.Gauge",
            json!({"type": "gauge", "period": 60, "attributes": {"display_max": "5"}}),
        )
        .await;
    world.seed("PUT", "/metrics/foreign.counter", json!({"type": "counter", "description": "theirs"})).await;
    world
        .seed(
            "PUT",
            "/metrics/foreign.sum",
            json!({"type": "composite", "composite": "sum( s(\"foreign.Gauge\",\"*\") )"}),
        )
        .await;
    world.seed("POST", "/annotations/foreign.deploys", json!({"title": "v1"})).await;
    let mail = json!({"type": "mail", "title": "foreign-mail", "settings": {"addresses": "a@example.org"}});
    let service = world.seed("POST", "/services", mail.clone()).await;
    let id = match &service["id"] {
        // A terse service says only where it is.
        Value::Null => world
            .truth()
            .await
            .keys()
            .find_map(|key| Some(json!(key.strip_prefix("services/")?.parse::<u64>().unwrap())))
            .unwrap(),
        id => id.clone(),
    };
    // Two objects under one name are nobody's business as long as no file speaks of them.
    let duplicate =
        json!({"type": "mail", "title": "foreign-twin", "settings": {"addresses": "b@example.org"}});
    world.seed("POST", "/services", duplicate.clone()).await;
    world.seed("POST", "/services", duplicate).await;
    for (name, source) in [("foreign.Alert", json!("*")), ("foreign.other", Value::Null)] {
        let condition =
            json!({"type": "above", "metric_name": "foreign.gauge", "threshold": 5, "source": source});
        let body = json!({"name": name, "services": [id], "conditions": [condition], "attributes": {"runbook_url": "u", "team": "theirs"}});
        world.seed("POST", "/alerts", body).await;
    }
}

/// Two spaces of one name, and a chart nobody can mean.
async fn seed_foreign_spaces(world: &World) {
    for _ in 0..2 {
        let space = world.seed("POST", "/spaces", json!({"name": "foreign space"})).await;
        let stream = json!({"metric": "foreign.gauge", "source": "*", "odd": {"deep": 1}});
        let chart = json!({"name": "foreign chart", "related_space": 777, "streams": [stream]});
        world.seed("POST", &format!("/spaces/{}/charts", space["id"]), chart).await;
    }
}

/// What is kept of foreign objects.
pub fn foreign(truth: &BTreeMap<String, Value>) -> BTreeMap<&str, &Value> {
    let is_foreign = |object: &Value| {
        let name = object.get("title").or(object.get("name")).and_then(Value::as_str).unwrap_or_default();
        name.starts_with("foreign")
    };
    truth
        .iter()
        .filter(|(_, object)| is_foreign(object))
        .map(|(key, object)| (key.as_str(), object))
        .collect()
}
