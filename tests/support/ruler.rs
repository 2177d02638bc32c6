//! A ruler and its Alertmanager in memory, as Cortex was seen to answer and as Mimir says it does: statuses and bodies, keys that are dropped
//! without a word, groups in the order of their names, durations in the shortest spelling. It shares nothing with the program.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)] // shared by several tests, none of which uses all

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use serde_json::{Map, Value, json};

/// Whose habits it has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    Mimir,
    Cortex,
}

/// Rules by namespace and group.
pub type Namespaces = BTreeMap<String, BTreeMap<String, Value>>;

#[derive(Debug, Default)]
struct Store {
    /// By tenant.
    rules: BTreeMap<String, Namespaces>,
    alertmanager: BTreeMap<String, Map<String, Value>>,
    /// `METHOD path`, in the order in which they came.
    requests: Vec<String>,
    /// What each `Authorization` said.
    credentials: Vec<String>,
    /// Counts evaluations, so that each look at them finds a later one.
    evaluations: u64,
    /// What it tells of the limits of tenants, if anything.
    limits: Option<String>,
    /// What queries of the past find, by what they contain.
    past: Vec<(String, Past)>,
    /// What was asked of the past.
    queries: Vec<String>,
}

/// What a query of the past comes to.
#[derive(Debug, Clone)]
pub enum Past {
    /// Series by their source, each with a value from so many seconds before the end until so many.
    Found(Vec<(&'static str, i64, i64)>),
    /// It is refused.
    Refused(&'static str),
}

/// The stand-in. Clones share what is kept.
#[derive(Clone)]
pub struct Ruler {
    flavour: Flavour,
    prefix: &'static str,
    store: Arc<Mutex<Store>>,
    pub addr: SocketAddr,
}

/// What is kept, by tenant: rules, and configurations of Alertmanager.
pub type Kept = (BTreeMap<String, Namespaces>, BTreeMap<String, Map<String, Value>>);

/// Status and body.
struct Answer(u16, String);

impl Ruler {
    pub fn start(flavour: Flavour) -> Self {
        Self::start_below(flavour, "")
    }

    /// One that answers below a prefix only.
    pub fn start_below(flavour: Flavour, prefix: &'static str) -> Self {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let ruler = Self { flavour, prefix, store: Arc::default(), addr: listener.local_addr().unwrap() };
        let this = ruler.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let router = Router::new().fallback(move |request: Request| {
                    let this = this.clone();
                    async move { this.handle(request).await }
                });
                axum::serve(listener, router).await.unwrap();
            });
        });
        ruler
    }

    pub fn endpoint(&self) -> String {
        let flavour = if self.flavour == Flavour::Mimir { "mimir" } else { "cortex" };
        format!("{flavour}+http://{}{}", self.addr, self.prefix)
    }

    /// The requests since the last look.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.store.lock().unwrap().requests)
    }

    pub fn credentials(&self) -> Vec<String> {
        self.store.lock().unwrap().credentials.clone()
    }

    /// Lets it tell how many rules a group may have.
    pub fn tells_limit(&self, most: usize) {
        let limits = json!({"ingestion_rate": 10_000, "ruler_max_rules_per_rule_group": most, "ruler_max_rule_groups_per_tenant": 70});
        self.store.lock().unwrap().limits = Some(limits.to_string());
    }

    /// Lets queries that contain a text find something; without that they find nothing.
    pub fn remembers(&self, text: &str, past: Past) {
        self.store.lock().unwrap().past.push((text.to_owned(), past));
    }

    /// The expressions that were asked about since the last look.
    pub fn queries(&self) -> Vec<String> {
        std::mem::take(&mut self.store.lock().unwrap().queries)
    }

    /// The groups of a namespace of the tenant `anonymous`.
    pub fn namespace(&self, namespace: &str) -> BTreeMap<String, Value> {
        self.namespace_of("anonymous", namespace)
    }

    pub fn namespace_of(&self, tenant: &str, namespace: &str) -> BTreeMap<String, Value> {
        let store = self.store.lock().unwrap();
        store.rules.get(tenant).and_then(|all| all.get(namespace)).cloned().unwrap_or_default()
    }

    /// Everything that is kept but one namespace of `anonymous`, as text.
    pub fn foreign(&self, but: &str) -> String {
        let store = self.store.lock().unwrap();
        let mut rules = store.rules.clone();
        if let Some(all) = rules.get_mut("anonymous") {
            all.remove(but);
            if all.is_empty() {
                rules.remove("anonymous");
            }
        }
        json!(rules).to_string()
    }

    /// What is kept, to be restored.
    pub fn keep(&self) -> Kept {
        let store = self.store.lock().unwrap();
        (store.rules.clone(), store.alertmanager.clone())
    }

    pub fn restore(&self, (rules, alertmanager): &Kept) {
        let mut store = self.store.lock().unwrap();
        store.rules.clone_from(rules);
        store.alertmanager.clone_from(alertmanager);
    }

    /// Puts a group in, as somebody else would.
    pub fn put(&self, namespace: &str, group: Value) {
        let mut store = self.store.lock().unwrap();
        let all = store.rules.entry("anonymous".to_owned()).or_default();
        let name = group["name"].as_str().unwrap().to_owned();
        all.entry(namespace.to_owned()).or_default().insert(name, group);
    }

    /// Edits a group by hand.
    pub fn edit(&self, namespace: &str, group: &str, edit: impl FnOnce(&mut Value)) {
        let mut store = self.store.lock().unwrap();
        edit(store.rules.get_mut("anonymous").unwrap().get_mut(namespace).unwrap().get_mut(group).unwrap());
    }

    /// Takes a group away by hand.
    pub fn take(&self, namespace: &str, group: &str) -> Value {
        let mut store = self.store.lock().unwrap();
        store.rules.get_mut("anonymous").unwrap().get_mut(namespace).unwrap().remove(group).unwrap()
    }

    /// The text of the configuration of Alertmanager.
    pub fn alertmanager(&self) -> Option<String> {
        let store = self.store.lock().unwrap();
        store.alertmanager.get("anonymous").map(|it| it["alertmanager_config"].as_str().unwrap().to_owned())
    }

    pub fn set_alertmanager(&self, text: &str) {
        let envelope = json!({"template_files": {"own.tmpl": "{{ define \"x\" }}x{{ end }}"}, "alertmanager_config": text});
        let mut store = self.store.lock().unwrap();
        store.alertmanager.insert("anonymous".to_owned(), envelope.as_object().unwrap().clone());
    }

    async fn handle(&self, request: Request) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        let header = |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        let Answer(status, text) = {
            let mut store = self.store.lock().unwrap();
            store.requests.push(format!("{} {}", parts.method, parts.uri.path()));
            store.credentials.extend(header("authorization"));
            match (header("x-scope-orgid"), parts.uri.path().strip_prefix(self.prefix)) {
                (_, None) => not_found(),
                (None, _) => Answer(401, "no org id".into()),
                (Some(tenant), Some(path)) => {
                    let path: Vec<String> = path.split('/').skip(1).map(decoded).collect();
                    let path: Vec<&str> = path.iter().map(String::as_str).collect();
                    self.answer(&mut store, &tenant, parts.method.as_str(), &path, &body)
                }
            }
        };
        Response::builder().status(status).body(text.into()).unwrap()
    }

    fn answer(&self, store: &mut Store, tenant: &str, method: &str, path: &[&str], body: &str) -> Answer {
        match (self.flavour, path) {
            (_, ["prometheus", "api", "v1", "rules"]) if method == "GET" => {
                store.evaluations += 1;
                view(store, tenant)
            }
            (_, ["prometheus", "api", "v1", "query_range"]) if method == "POST" => store.range(body),
            (Flavour::Mimir, ["prometheus", "config", "v1", "rules", rest @ ..])
            | (Flavour::Cortex, ["api", "v1", "rules", rest @ ..]) => {
                let all = store.rules.entry(tenant.to_owned()).or_default();
                let most = most_rules(self.flavour, store.limits.as_deref());
                self.rules(all, most, method, rest, body)
            }
            (_, ["api", "v1", "user_limits"]) if method == "GET" => match &store.limits {
                Some(limits) => Answer(200, limits.clone()),
                None => not_found(),
            },
            (_, ["api", "v1", "alerts"]) => alertmanager(&mut store.alertmanager, tenant, method, body),
            _ => not_found(),
        }
    }

    fn rules(&self, all: &mut Namespaces, most: usize, method: &str, path: &[&str], body: &str) -> Answer {
        all.retain(|_, groups| !groups.is_empty());
        match (method, path) {
            ("GET", []) => self.listed(all.iter().collect()),
            ("GET", [namespace]) => self.listed(all.iter().filter(|(name, _)| name == namespace).collect()),
            ("GET", [namespace, group]) => match all.get(*namespace).and_then(|groups| groups.get(*group)) {
                Some(group) => yaml(200, group),
                None => Answer(404, "group does not exist\n".into()),
            },
            ("POST", [namespace]) => match taken(most, body) {
                Ok(group) => {
                    let name = group["name"].as_str().unwrap().to_owned();
                    all.entry((*namespace).to_owned()).or_default().insert(name, group);
                    accepted()
                }
                Err(answer) => answer,
            },
            ("DELETE", [namespace, group]) => {
                if let Some(groups) = all.get_mut(*namespace) {
                    groups.remove(*group);
                }
                accepted()
            }
            ("DELETE", [namespace]) => match all.remove(*namespace) {
                Some(_) => accepted(),
                None => Answer(404, "group namespace does not exist\n".into()),
            },
            _ => not_found(),
        }
    }

    fn listed(&self, found: Vec<(&String, &BTreeMap<String, Value>)>) -> Answer {
        if found.is_empty() {
            return match self.flavour {
                Flavour::Mimir => Answer(200, "{}\n".into()),
                Flavour::Cortex => Answer(404, "no rule groups found\n".into()),
            };
        }
        let groups = |(name, groups): (&String, &BTreeMap<String, Value>)| {
            (name.clone(), groups.values().cloned().collect())
        };
        let all: Map<String, Value> = found.into_iter().map(groups).collect();
        yaml(200, &Value::Object(all))
    }
}

/// A group as it is kept: what is not known is dropped without a word.
fn taken(most: usize, body: &str) -> Result<Value, Answer> {
    let refused = || Answer(400, String::new());
    let group: Value = serde_yaml::from_str(body).map_err(|_| refused())?;
    if group["name"].as_str().unwrap_or_default().is_empty() {
        return Err(Answer(400, "invalid rules config: rule group name must not be empty\n".into()));
    }
    let mut kept = only(&group, &["name", "interval", "query_offset", "limit"]);
    let rules = group["rules"].as_array().cloned().unwrap_or_default();
    if rules.len() > most {
        let text =
            format!("per-user rules per rule group limit (limit: {most} actual: {}) exceeded\n", rules.len());
        return Err(Answer(400, text));
    }
    let mut all = Vec::new();
    for rule in &rules {
        let known = ["record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"];
        let rule = only(rule, &known);
        let expr = rule["expr"].as_str().unwrap_or_default();
        let records = rule.contains_key("record");
        if records == rule.contains_key("alert")
            || records && rule.contains_key("annotations")
            || !sound(expr)
        {
            return Err(refused());
        }
        all.push(Value::Object(rule));
    }
    if all.is_empty() {
        return Err(refused());
    }
    kept.insert("rules".into(), all.into());
    Ok(Value::Object(kept))
}

/// How many rules a group may have: as a Mimir or a Cortex comes, or as it is told.
fn most_rules(flavour: Flavour, limits: Option<&str>) -> usize {
    let told = limits.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let told =
        told.and_then(|limits| usize::try_from(limits["ruler_max_rules_per_rule_group"].as_u64()?).ok());
    match (told, flavour) {
        (Some(0), _) | (None, Flavour::Cortex) => usize::MAX,
        (Some(most), _) => most,
        (None, Flavour::Mimir) => 20,
    }
}

impl Store {
    /// The answer to a question about the past.
    fn range(&mut self, body: &str) -> Answer {
        let form: BTreeMap<String, String> =
            url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let number = |key: &str| form[key].parse::<i64>().unwrap();
        let (start, end, step, query) = (number("start"), number("end"), number("step"), &form["query"]);
        self.queries.push(query.clone());
        let known = self.past.iter().find(|(text, _)| query.contains(text.as_str()));
        let series = match known.map(|(_, past)| past) {
            Some(Past::Refused(why)) => {
                return Answer(
                    400,
                    json!({"status": "error", "errorType": "bad_data", "error": why}).to_string(),
                );
            }
            Some(Past::Found(series)) => series.as_slice(),
            None => &[],
        };
        let one = |(source, from, until): &(&str, i64, i64)| {
            let within = |at: &i64| (end - from..=end - until).contains(at);
            let seconds = (0..).map(|n| start + n * step).take_while(|at| *at <= end).filter(within);
            json!({"metric": {"source": source}, "values": seconds.map(|at| json!([at, "1"])).collect::<Vec<_>>()})
        };
        let result: Vec<Value> = series.iter().map(one).collect();
        Answer(
            200,
            json!({"status": "success", "data": {"resultType": "matrix", "result": result}}).to_string(),
        )
    }
}

/// Whether an expression could be one: something, with brackets that belong together.
fn sound(expr: &str) -> bool {
    let code: String = expr.lines().filter(|line| !line.starts_with('#')).collect();
    let count = |c| code.matches(c).count();
    !code.trim().is_empty() && count('(') == count(')') && count('[') == count(']') && !code.contains("!!")
}

fn only(object: &Value, keys: &[&str]) -> Map<String, Value> {
    let empty = Map::new();
    let all = object.as_object().unwrap_or(&empty);
    let spelt = |key: &str, value: &Value| match (key, value.as_str()) {
        ("for" | "interval" | "keep_firing_for", Some(text)) => shortest(text).into(),
        _ => value.clone(),
    };
    let mut kept: BTreeMap<String, Value> = BTreeMap::new();
    for (key, value) in all.iter().filter(|(key, value)| keys.contains(&key.as_str()) && !value.is_null()) {
        kept.insert(key.clone(), spelt(key, value));
    }
    kept.into_iter().collect()
}

/// `180s` is `3m`.
fn shortest(text: &str) -> String {
    let Some(seconds) = text.strip_suffix('s').and_then(|digits| digits.parse::<u64>().ok()) else {
        return text.to_owned();
    };
    match seconds {
        0 => "0s".to_owned(),
        _ if seconds.is_multiple_of(3600) => format!("{}h", seconds / 3600),
        _ if seconds.is_multiple_of(60) => format!("{}m", seconds / 60),
        _ => text.to_owned(),
    }
}

fn alertmanager(
    kept: &mut BTreeMap<String, Map<String, Value>>,
    tenant: &str,
    method: &str,
    body: &str,
) -> Answer {
    match method {
        "GET" => match kept.get(tenant) {
            Some(envelope) => yaml(200, &Value::Object(envelope.clone())),
            None => Answer(404, "alertmanager storage object not found\n".into()),
        },
        "POST" => {
            let envelope: Option<Value> = serde_yaml::from_str(body).ok();
            let text =
                envelope.as_ref().and_then(|it| it["alertmanager_config"].as_str()).unwrap_or_default();
            if text.trim().is_empty() {
                return Answer(400, "configuration provided is empty, if you'd like to remove your configuration please use the delete configuration endpoint\n".into());
            }
            let config: Result<Value, _> = serde_yaml::from_str(text);
            let Ok(config) = config else {
                return Answer(400, "error validating Alertmanager config: yaml\n".into());
            };
            if text.contains("_file:") {
                return Answer(
                    400,
                    "error validating Alertmanager config: setting api_url_file is not allowed\n".into(),
                );
            }
            if let Some(name) = unknown_receiver(&config) {
                return Answer(
                    400,
                    format!(
                        "error validating Alertmanager config: undefined receiver \"{name}\" used in route\n"
                    ),
                );
            }
            kept.insert(tenant.to_owned(), envelope.unwrap().as_object().unwrap().clone());
            Answer(201, String::new())
        }
        "DELETE" => {
            kept.remove(tenant);
            Answer(200, String::new())
        }
        _ => not_found(),
    }
}

fn unknown_receiver(config: &Value) -> Option<String> {
    let named: Vec<&str> =
        config["receivers"].as_array().into_iter().flatten().filter_map(|it| it["name"].as_str()).collect();
    let mut open = vec![&config["route"]];
    while let Some(route) = open.pop() {
        if let Some(name) = route["receiver"].as_str().filter(|name| !named.contains(name)) {
            return Some(name.to_owned());
        }
        open.extend(route["routes"].as_array().into_iter().flatten());
    }
    None
}

/// The rules as they are evaluated; one whose expression says `many` fails.
fn view(store: &Store, tenant: &str) -> Answer {
    let when = format!("2026-11-29T12:00:00.{:06}Z", store.evaluations);
    let mut groups = Vec::new();
    for (namespace, all) in store.rules.get(tenant).into_iter().flatten() {
        for (name, group) in all {
            let rule = |rule: &Value| {
                let expr = rule["expr"].as_str().unwrap_or_default();
                let fails = expr.contains("many");
                let name = rule.get("record").or(rule.get("alert")).cloned();
                json!({"name": name, "query": expr, "health": if fails { "err" } else { "ok" }, "lastEvaluation": when,
                    "annotations": rule["annotations"],
                    "lastError": if fails { "found duplicate series for the match group: many-to-one" } else { "" }})
            };
            let rules: Vec<Value> = group["rules"].as_array().unwrap().iter().map(rule).collect();
            groups.push(json!({"name": name, "file": namespace, "rules": rules, "interval": 60, "lastEvaluation": when}));
        }
    }
    Answer(200, json!({"status": "success", "data": {"groups": groups}}).to_string())
}

fn yaml(status: u16, value: &Value) -> Answer {
    Answer(status, serde_yaml::to_string(value).unwrap())
}

fn accepted() -> Answer {
    Answer(202, json!({"status": "success", "data": null, "errorType": "", "error": ""}).to_string())
}

fn not_found() -> Answer {
    Answer(404, "404 page not found\n".into())
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
}
