//! A second service that speaks the API, deliberately unlike `serve`: in memory, with habits of its own by seed.
//! It keeps plain JSON and shares nothing with the program, so that the two cannot be wrong together.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::Response;
use serde_json::{Map, Value, json};

use super::dress::Habits;

type Object = Map<String, Value>;

/// What the service keeps, in the plainest form of it.
#[derive(Debug, Clone, Default)]
struct Store {
    /// By name in lower case.
    metrics: BTreeMap<String, Object>,
    /// By name.
    streams: BTreeMap<String, Stream>,
    services: BTreeMap<u64, Object>,
    alerts: BTreeMap<u64, Object>,
    last_id: u64,
    requests: u64,
}

#[derive(Debug, Clone, Default)]
struct Stream {
    display_name: Value,
    events: BTreeMap<u64, Object>,
}

/// The service. Clones share what is kept; [`StandIn::copy`] does not.
#[derive(Clone)]
pub struct StandIn {
    store: Arc<Mutex<Store>>,
    habits: Habits,
}

/// Status, body and `Location`.
struct Answer(u16, Option<Value>, Option<String>);

impl StandIn {
    pub fn new(seed: u64) -> StandIn {
        StandIn { store: Arc::default(), habits: Habits { seed } }
    }

    /// A service of its own that keeps the same now.
    pub fn copy(&self) -> StandIn {
        let store = self.store.lock().unwrap().clone();
        StandIn { store: Arc::new(Mutex::new(store)), habits: self.habits }
    }

    pub fn router(&self) -> Router {
        let this = self.clone();
        Router::new().fallback(move |request: Request| {
            let this = this.clone();
            async move { this.handle(request).await }
        })
    }

    /// Everything that is kept, by collection and name or id, in one form whatever the habits; conditions by id.
    pub fn truth(&self) -> BTreeMap<String, Value> {
        let store = self.store.lock().unwrap();
        let metrics = store
            .metrics
            .values()
            .map(|metric| (format!("metrics/{}", text(metric, "name")), metric.clone()));
        let by_id = |kind: &'static str, objects: &BTreeMap<u64, Object>| {
            let kept = objects.iter().map(|(id, object)| (format!("{kind}/{id}"), object.clone()));
            kept.collect::<Vec<_>>()
        };
        let streams = store.streams.iter().map(|(name, stream)| {
            let events: Vec<&Object> = stream.events.values().collect();
            let kept = json!({"name": name, "display_name": stream.display_name, "events": events});
            (format!("annotations/{name}"), kept.as_object().unwrap().clone())
        });
        let mut alerts = by_id("alerts", &store.alerts);
        for (_, alert) in &mut alerts {
            // A client that sends back what it was shown sends it in the order of that read.
            alert["conditions"].as_array_mut().unwrap().sort_by_key(|it| it["id"].as_u64());
        }
        let all = metrics.chain(streams).chain(by_id("services", &store.services)).chain(alerts);
        all.map(|(key, object)| (key, Value::Object(object))).collect()
    }

    async fn handle(&self, request: Request) -> Response<axum::body::Body> {
        let (parts, body) = request.into_parts();
        let body: Bytes = to_bytes(body, usize::MAX).await.unwrap();
        let query: BTreeMap<String, String> =
            url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes())
                .into_owned()
                .collect();
        let known =
            parts.headers.get("authorization").is_some_and(|value| value.as_bytes().starts_with(b"Basic "));
        let path: Vec<String> = parts.uri.path().split('/').skip(1).map(percent_decoded).collect();
        let body = if body.is_empty() { Ok(Value::Null) } else { serde_json::from_slice(&body) };
        let Answer(status, body, location) = match body {
            _ if !known => request_error(401, "Authorization Required"),
            Err(_) => request_error(400, "not JSON"),
            Ok(body) => {
                let path: Vec<&str> = path.iter().map(String::as_str).collect();
                let mut store = self.store.lock().unwrap();
                store.requests += 1;
                let body = body.as_object().cloned().unwrap_or_default();
                store.answer(self.habits, parts.method.as_str(), &path, &query, &body)
            }
        };
        let mut response = Response::builder().status(status);
        if let Some(location) = location {
            response = response.header("location", location);
        }
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        response.header("content-type", "application/json").body(body.into()).unwrap()
    }
}

impl Store {
    fn answer(
        &mut self,
        habits: Habits,
        method: &str,
        path: &[&str],
        query: &BTreeMap<String, String>,
        body: &Object,
    ) -> Answer {
        let read = format!("{path:?} {}", self.requests);
        match (method, path) {
            ("GET", ["v1", "metrics"]) => {
                let items = self.metrics.values().map(|metric| (text(metric, "name"), habits.metric(metric)));
                page(habits, "metrics", items.collect(), query)
            }
            ("GET", ["v1", "metrics", name]) => {
                shown(self.metrics.get(&name.to_lowercase()).map(|metric| habits.metric(metric)))
            }
            ("PUT", ["v1", "metrics", name]) => self.put_metric(habits, name, body),
            ("DELETE", ["v1", "metrics", name]) => {
                gone(habits, self.metrics.remove(&name.to_lowercase()).is_some())
            }
            ("GET", ["v1", "annotations"]) => {
                let shown = |(name, stream): (&String, &Stream)| {
                    (name.clone(), json!({"name": name, "display_name": stream.display_name, "color": null}))
                };
                page(habits, "annotations", self.streams.iter().map(shown).collect(), query)
            }
            (method, ["v1", "annotations", stream, rest @ ..]) => {
                self.annotations(habits, method, stream, rest, query, body)
            }
            ("GET", ["v1", "services"]) => {
                let items = self.services.iter().map(|(id, it)| (text(it, "title"), habits.service(*id, it)));
                let items = habits.shuffled(items.collect(), "titles need not be in order");
                page(
                    habits,
                    "services",
                    items,
                    &BTreeMap::from_iter(query.clone().into_iter().filter(|(key, _)| key != "name")),
                )
            }
            ("POST", ["v1", "services"]) => self.post_service(habits, body),
            ("PUT", ["v1", "services", id]) => self.put_service(habits, number(id), body),
            ("DELETE", ["v1", "services", id]) => self.delete_service(habits, number(id)),
            ("GET", ["v1", "alerts"]) => {
                let items = self
                    .alerts
                    .iter()
                    .map(|(id, it)| (text(it, "name"), self.shown_alert(habits, *id, it, &read)));
                page(habits, "alerts", items.collect(), query)
            }
            ("GET", ["v1", "alerts", id]) => {
                let id = number(id);
                shown(self.alerts.get(&id).map(|alert| self.shown_alert(habits, id, alert, &read)))
            }
            ("POST", ["v1", "alerts"]) => self.post_alert(habits, body, &read),
            ("PUT", ["v1", "alerts", id]) => self.put_alert(habits, number(id), body, &read),
            ("DELETE", ["v1", "alerts", id]) => gone(habits, self.alerts.remove(&number(id)).is_some()),
            _ => request_error(404, "Not Found"),
        }
    }

    fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    fn put_metric(&mut self, habits: Habits, name: &str, body: &Object) -> Answer {
        let existing = self.metrics.get(&name.to_lowercase());
        let is_new = existing.is_none();
        let (stored, sent) =
            (existing.map(|metric| metric["type"].clone()), body.get("type").filter(|it| !it.is_null()));
        match (stored, sent) {
            (None, None) => return params_error(400, "type", "must be set"),
            (Some(stored), Some(sent)) if stored != *sent => {
                return params_error(400, "type", "'x' is a gauge, but was submitted as different type");
            }
            _ => {}
        }
        let mut metric = existing.cloned().unwrap_or_else(|| object(json!({"name": name, "attributes": {}})));
        for (key, value) in body {
            match key.as_str() {
                "attributes" => {
                    merge(metric["attributes"].as_object_mut().unwrap(), value.as_object().unwrap());
                }
                "type" | "display_name" | "description" | "period" | "source_lag" | "composite" => {
                    merge(&mut metric, &Map::from_iter([(key.clone(), value.clone())]));
                }
                _ => {}
            }
        }
        let shown = habits.metric(&metric);
        self.metrics.insert(name.to_lowercase(), metric);
        if is_new { created(format!("/v1/metrics/{name}"), Some(shown)) } else { updated(habits, shown) }
    }

    fn annotations(
        &mut self,
        habits: Habits,
        method: &str,
        name: &str,
        rest: &[&str],
        query: &BTreeMap<String, String>,
        body: &Object,
    ) -> Answer {
        if let ("POST", []) = (method, rest) {
            let Some(title) = body.get("title").filter(|title| title.is_string()) else {
                return params_error(400, "title", "is not present");
            };
            let id = self.next_id();
            let event = json!({"id": id, "title": title, "source": null, "start_time": now(), "end_time": null, "links": []});
            self.streams.entry(name.to_owned()).or_default().events.insert(id, object(event));
            return created(format!("/v1/annotations/{name}/{id}"), None);
        }
        let Some(stream) = self.streams.get_mut(name) else { return request_error(404, "Not Found") };
        match (method, rest) {
            ("GET", []) => {
                let mut shown = json!({"name": name, "display_name": stream.display_name});
                if query.contains_key("start_time") || query.contains_key("count") {
                    let event = |(id, event): (&u64, &Object)| {
                        let mut event = event.clone();
                        event.insert("id".into(), habits.id(*id));
                        Value::Object(event)
                    };
                    let events: Vec<Value> = stream.events.iter().map(event).collect();
                    shown["events"] =
                        habits.events(Map::from_iter([("unassigned".to_owned(), events.into())]));
                }
                Answer(200, Some(shown), None)
            }
            ("PUT", []) => {
                if let Some(display_name) = body.get("display_name") {
                    stream.display_name = display_name.clone();
                }
                updated(habits, json!({"name": name, "display_name": stream.display_name}))
            }
            ("DELETE", []) => gone(habits, self.streams.remove(name).is_some()),
            ("DELETE", [id]) => gone(habits, stream.events.remove(&number(id)).is_some()),
            _ => request_error(404, "Not Found"),
        }
    }

    fn post_service(&mut self, habits: Habits, body: &Object) -> Answer {
        for key in ["type", "title", "settings"] {
            if body.get(key).is_none_or(Value::is_null) {
                return params_error(400, key, "is not present");
            }
        }
        let id = self.next_id();
        let service = ["type", "title", "settings"].map(|key| (key.to_owned(), body[key].clone()));
        let service = Map::from_iter(service);
        let shown = habits.service(id, &service);
        self.services.insert(id, service);
        created(format!("/v1/services/{id}"), Some(shown).filter(|_| !habits.post_is_terse()))
    }

    fn put_service(&mut self, habits: Habits, id: u64, body: &Object) -> Answer {
        let Some(service) = self.services.get_mut(&id) else { return request_error(404, "Not Found") };
        for (key, value) in
            body.iter().filter(|(key, _)| matches!(key.as_str(), "type" | "title" | "settings"))
        {
            service.insert(key.clone(), value.clone());
        }
        updated(habits, habits.service(id, service))
    }

    fn delete_service(&mut self, habits: Habits, id: u64) -> Answer {
        for alert in self.alerts.values_mut() {
            alert["services"].as_array_mut().unwrap().retain(|used| *used != id);
        }
        gone(habits, self.services.remove(&id).is_some())
    }

    fn shown_alert(&self, habits: Habits, id: u64, alert: &Object, read: &str) -> Value {
        habits.alert(id, alert, read, |service| habits.service(service, &self.services[&service]))
    }

    fn post_alert(&mut self, habits: Habits, body: &Object, read: &str) -> Answer {
        let blank = json!({"conditions": [], "services": [], "attributes": {}, "active": true, "version": 2,
            "rearm_seconds": 600, "rearm_per_signal": false, "md": false, "created_at": 1, "updated_at": 1});
        let id = self.last_id + 1;
        match self.merged_alert(habits, id, object(blank), body) {
            Err(answer) => answer,
            Ok(alert) => {
                self.last_id = self.last_id.max(id);
                let shown = self.shown_alert(habits, id, &alert, read);
                self.alerts.insert(id, alert);
                created(format!("/v1/alerts/{id}"), Some(shown).filter(|_| !habits.post_is_terse()))
            }
        }
    }

    fn put_alert(&mut self, habits: Habits, id: u64, body: &Object, read: &str) -> Answer {
        let Some(alert) = self.alerts.get(&id).cloned() else { return request_error(404, "Not Found") };
        match self.merged_alert(habits, id, alert, body) {
            Err(answer) => answer,
            Ok(alert) => {
                let shown = self.shown_alert(habits, id, &alert, read);
                self.alerts.insert(id, alert);
                updated(habits, shown)
            }
        }
    }

    fn merged_alert(
        &mut self,
        habits: Habits,
        id: u64,
        mut alert: Object,
        body: &Object,
    ) -> Result<Object, Answer> {
        let kept = text(&alert, "name");
        let name = body.get("name").and_then(Value::as_str).unwrap_or(&kept);
        if name.is_empty() {
            return Err(params_error(400, "name", "is not present"));
        }
        let taken =
            |(other, it): (&u64, &Object)| *other != id && text(it, "name").eq_ignore_ascii_case(name);
        if self.alerts.iter().any(taken) {
            return Err(params_error(habits.taken(), "name", "is already taken"));
        }
        alert.insert("name".into(), name.into());
        for key in ["description", "active", "rearm_seconds", "rearm_per_signal", "md"] {
            let default =
                json!({"active": true, "rearm_seconds": 600, "rearm_per_signal": false, "md": false});
            match body.get(key) {
                None => {}
                Some(Value::Null) => _ = alert.insert(key.into(), default[key].clone()),
                Some(value) => _ = alert.insert(key.into(), plain(value)),
            }
        }
        if let Some(attributes) = body.get("attributes") {
            alert.insert("attributes".into(), json!({}));
            merge(alert["attributes"].as_object_mut().unwrap(), attributes.as_object().unwrap());
        }
        if let Some(services) = body.get("services").and_then(Value::as_array) {
            let ids: Vec<u64> = services.iter().map(|id| number(&id.to_string())).collect();
            if ids.iter().any(|id| !self.services.contains_key(id)) {
                return Err(params_error(400, "services", "do not exist"));
            }
            alert.insert("services".into(), json!(ids));
        }
        let old = alert["conditions"].clone();
        let sent = body.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
        self.last_id += 1; // So that an alert and its conditions have ids of their own.
        let conditions: Vec<Value> = sent.iter().map(|sent| self.condition(sent, &old)).collect();
        alert.insert("conditions".into(), conditions.into());
        Ok(alert)
    }

    /// A condition as it is kept: numbers as numbers, defaults filled in, whatever else came with it as it came.
    fn condition(&mut self, sent: &Value, old: &Value) -> Value {
        let mut condition = sent.as_object().cloned().unwrap_or_default();
        condition.retain(|key, value| !value.is_null() && key != "updated_at");
        let id = condition.get("id").map(|id| number(&id.to_string()));
        let known = old.as_array().unwrap().iter().any(|condition| condition["id"].as_u64() == id);
        let id = if known { id } else { None }.unwrap_or_else(|| self.next_id());
        condition.insert("id".into(), id.into());
        if let Some(duration) = condition.get("duration").map(plain) {
            condition.insert("duration".into(), duration);
        }
        if let Some(threshold) = condition.get("threshold").and_then(|it| plain(it).as_f64()) {
            condition.insert("threshold".into(), threshold.into());
        }
        condition.entry("tags").or_insert(json!([]));
        condition.entry("detect_reset").or_insert(json!(true));
        if condition["type"] == "absent" {
            condition.shift_remove("threshold");
            condition.shift_remove("summary_function");
        } else {
            let metric = self.metrics.get(&text(&condition, "metric_name").to_lowercase());
            let counter = metric.is_some_and(|metric| metric["type"] == "counter");
            condition
                .entry("summary_function")
                .or_insert(if counter { "derivative" } else { "average" }.into());
        }
        condition.entry("x_trace").or_insert_with(|| format!("t{id}").into());
        condition.into()
    }
}

/// A page of the items whose name has the searched text in it.
fn page(habits: Habits, key: &str, items: Vec<(String, Value)>, query: &BTreeMap<String, String>) -> Answer {
    let total = items.len();
    let part = query.get("name").map(|name| name.to_lowercase()).unwrap_or_default();
    let found: Vec<Value> = items
        .into_iter()
        .filter(|(name, _)| name.to_lowercase().contains(&part))
        .map(|(_, item)| item)
        .collect();
    let ask = |key: &str, default: usize| query.get(key).and_then(|n| n.parse().ok()).unwrap_or(default);
    let (offset, length) = (ask("offset", 0), ask("length", 100).min(habits.page_length()));
    let page: Vec<Value> = found.iter().skip(offset).take(length).cloned().collect();
    let query =
        json!({"found": found.len(), "total": total.to_string(), "offset": offset, "length": page.len()});
    Answer(200, Some(json!({key: page, "query": query, "links": []})), None)
}

fn shown(found: Option<Value>) -> Answer {
    found.map_or_else(|| request_error(404, "Not Found"), |found| Answer(200, Some(found), None))
}

fn created(location: String, body: Option<Value>) -> Answer {
    Answer(201, body, Some(location))
}

fn updated(habits: Habits, shown: Value) -> Answer {
    if habits.put_shows() { Answer(200, Some(shown), None) } else { Answer(204, None, None) }
}

fn gone(habits: Habits, existed: bool) -> Answer {
    match (existed, habits.delete_shows()) {
        (false, _) => request_error(404, "Not Found"),
        (true, true) => Answer(200, Some(json!({})), None),
        (true, false) => Answer(204, None, None),
    }
}

fn request_error(status: u16, message: &str) -> Answer {
    Answer(status, Some(json!({"errors": {"request": [message]}})), None)
}

fn params_error(status: u16, field: &str, message: &str) -> Answer {
    Answer(
        status,
        Some(json!({"errors": {"params": {field: [message]}}, "request_time": 1_488_585_496})),
        None,
    )
}

/// Lays `sent` over `kept`, null taking away.
fn merge(kept: &mut Object, sent: &Object) {
    for (key, value) in sent {
        if value.is_null() {
            kept.shift_remove(key);
        } else {
            kept.insert(key.clone(), value.clone());
        }
    }
}

/// Numbers and booleans that came as text, or with a fraction of nothing.
fn plain(value: &Value) -> Value {
    let Some(text) = value.as_str() else {
        let whole = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 1e15);
        return whole.map_or_else(|| value.clone(), |number| json!(number as i64));
    };
    match (text.parse::<i64>(), text.parse::<f64>()) {
        (Ok(number), _) => number.into(),
        (_, Ok(number)) => number.into(),
        _ if text == "true" || text == "false" => (text == "true").into(),
        _ => value.clone(),
    }
}

fn object(value: Value) -> Object {
    if let Value::Object(object) = value { object } else { Object::new() }
}

fn text(object: &Object, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// An id in a path, or in JSON with or without quotes; 0 is nobody's.
fn number(text: &str) -> u64 {
    text.trim_matches('"').parse().unwrap_or(0)
}

fn percent_decoded(segment: &str) -> String {
    let text = segment.replace('+', "%2B");
    url::form_urlencoded::parse(format!("x={text}").as_bytes())
        .next()
        .map(|(_, it)| it.into_owned())
        .unwrap_or_default()
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}
