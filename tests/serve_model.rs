//! Every list, filter, page and reading of the server against a naive model of it, over random sequences of requests
//! and restarts. The model keeps what was sent in plain lists and answers by going through them.
#![cfg(feature = "serve")]
// clippy.toml allows these inside test functions only, not in what they share.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "serve_api/harness.rs"]
#[allow(dead_code, reason = "made for another test as well")]
mod harness;
#[path = "serve_model/model.rs"]
mod model;

use std::path::Path;

use harness::{Api, credentials};
use librato_apply::serve::{Data, Options, Store, router};
use model::{Model, Reading, SOURCES, TAGS};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const METRICS: &[&str] = &["web.cpu", "Web.CPU", "web.mem", "db:1.cpu", "a_b", "A-b", "aXb"];
const FILTERS: &[&str] = &["", "web", "CPU", ".", "_", "%", "b", "zzz"];
const PATTERNS: &[&str] = &["web*", "*", "*cpu", "a*b", "WEB.mem", "nobody"];

/// What a client may ask for; numbers are reduced to what exists.
#[derive(Debug, Clone)]
enum Request {
    PutMetric(&'static str),
    DeleteMetric(&'static str),
    DeleteMetrics(&'static str, &'static str),
    Submit { metric: &'static str, labels: usize, offset: i64, value: i64 },
    PostSpace(&'static str),
    DeleteSpace(usize),
    PostService(&'static str),
    PostEvent { stream: &'static str, source: usize, offset: i64 },
    Restart,
    List { kind: &'static str, filter: &'static str, offset: usize, length: usize, descending: bool },
    Events { stream: &'static str, start: Option<i64>, end: Option<i64>, count: Option<usize> },
    Read(Reading),
}

fn requests() -> impl Strategy<Value = Request> {
    let name = || select(METRICS);
    let time = || 0..400_i64;
    let listed = select(&["metrics", "spaces", "services", "sources", "annotations"][..]);
    prop_oneof![
        2 => name().prop_map(Request::PutMetric),
        1 => name().prop_map(Request::DeleteMetric),
        1 => (select(PATTERNS), select(PATTERNS)).prop_map(|(names, but)| Request::DeleteMetrics(names, but)),
        12 => (name(), 0..SOURCES.len() + TAGS.len(), time(), -5..20_i64)
            .prop_map(|(metric, labels, offset, value)| Request::Submit { metric, labels, offset, value }),
        2 => name().prop_map(Request::PostSpace),
        1 => any::<prop::sample::Index>().prop_map(|at| Request::DeleteSpace(at.index(1000))),
        2 => name().prop_map(Request::PostService),
        4 => (name(), 0..SOURCES.len(), time())
            .prop_map(|(stream, source, offset)| Request::PostEvent { stream, source, offset }),
        1 => Just(Request::Restart),
        6 => (listed, select(FILTERS), 0..6_usize, 0..6_usize, any::<bool>()).prop_map(
            |(kind, filter, offset, length, descending)| Request::List { kind, filter, offset, length, descending }
        ),
        3 => (name(), option(time()), option(time()), option(0..4_usize))
            .prop_map(|(stream, start, end, count)| Request::Events { stream, start, end, count }),
        8 => reading().prop_map(Request::Read),
    ]
}

fn option<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::of(strategy)
}

fn reading() -> impl Strategy<Value = Reading> {
    let resolution = select(&[1, 7, 60, 3600][..]);
    let span = (0..400_i64, 0..400_i64).prop_map(|(a, b)| (a.min(b), a.max(b)));
    let group = select(&["", "sum", "min", "max", "mean"][..]);
    let patterns = select(&["", "*", "web*", "WEB-1", "unassigned", "nobody"][..]);
    let take = option((any::<bool>(), 1..4_usize));
    let tags = select(&["", "az=a", "az=!a", "az=*", "!az", "source=w*", "region=e*&az=a"][..]);
    let by = select(&["az", "az,region", "*"][..]);
    prop_oneof![
        (select(METRICS), resolution.clone(), span.clone(), patterns, group.clone(), take, any::<bool>())
            .prop_map(|(metric, resolution, span, sources, group, take, whole)| {
                Reading::Sources { metric, resolution, span, sources, group, take, whole }
            }),
        (select(METRICS), resolution, span, tags, group, by).prop_map(
            |(metric, resolution, span, tags, group, by)| Reading::Tags {
                metric,
                resolution,
                span,
                tags,
                group,
                by
            }
        ),
    ]
}

fn open(path: &Path) -> Api {
    let store = Store::open(&Data::File(path.to_owned())).unwrap();
    Api { router: router(store, credentials(), &Options::default()) }
}

async fn write(api: &Api, model: &mut Model, request: &Request) {
    match request {
        Request::PutMetric(name) => {
            let expected = if model.put_metric(name) { 201 } else { 204 };
            api.put(&format!("/v1/metrics/{name}"), r#"{"type":"gauge"}"#).await.expect(expected);
        }
        Request::DeleteMetric(name) => {
            let expected = if model.delete_metric(name) { 204 } else { 404 };
            api.delete(&format!("/v1/metrics/{name}")).await.expect(expected);
        }
        Request::DeleteMetrics(names, but) => {
            model.delete_metrics(names, but);
            api.delete(&format!("/v1/metrics?names={names}&exclude={but}")).await.expect(204);
        }
        Request::Submit { metric, labels, offset, value } => {
            let (path, body, status) = model.submit(metric, *labels, *offset, *value);
            api.post(path, &body.to_string()).await.expect(status);
        }
        Request::PostSpace(name) => {
            let made = api.post("/v1/spaces", &json!({ "name": name }).to_string()).await.expect(201);
            model.spaces.push((made["id"].as_i64().unwrap(), (*name).to_owned()));
        }
        Request::DeleteSpace(at) => {
            if !model.spaces.is_empty() {
                let (id, _) = model.spaces.remove(at % model.spaces.len());
                api.delete(&format!("/v1/spaces/{id}")).await.expect(204);
            }
        }
        Request::PostService(title) => {
            let body = json!({"type": "slack", "title": title, "settings": {"url": "https://example.org"}});
            api.post("/v1/services", &body.to_string()).await.expect(201);
            model.services.push((*title).to_owned());
        }
        Request::PostEvent { stream, source, offset } => {
            let body = model.annotate(stream, *source, *offset);
            api.post(&format!("/v1/annotations/{stream}"), &body.to_string()).await.expect(201);
        }
        _ => {}
    }
}

async fn check(api: &Api, model: &Model, request: &Request) {
    match request {
        Request::List { kind, filter, offset, length, descending } => {
            let sort = if *descending { "desc" } else { "asc" };
            let filter = filter.replace('%', "%25");
            let path = format!("/v1/{kind}?name={filter}&offset={offset}&length={length}&sort={sort}");
            let found = api.get(&path).await.expect(200);
            let filter = filter.replace("%25", "%");
            let (items, found_count, total) = model.list(kind, &filter, *offset, *length, *descending);
            let key = if *kind == "services" { "title" } else { "name" };
            assert_eq!(harness::column(&found, kind, key), items, "{path}");
            let query =
                json!({"found": found_count, "length": items.len(), "offset": offset, "total": total});
            assert_eq!(found["query"], query, "{path}");
        }
        Request::Events { stream, start, end, count } => {
            let mut path = format!("/v1/annotations/{stream}?sources[]=*");
            for (name, value) in [("start_time", start), ("end_time", end)] {
                path += &value.map(|value| format!("&{name}={}", model.base + value)).unwrap_or_default();
            }
            path += &count.map(|count| format!("&count={count}")).unwrap_or_default();
            let found = api.get(&path).await;
            match model.events(stream, *start, *end, *count) {
                None => assert_eq!(found.status, 404, "{path}"),
                Some(events) => assert_eq!(titles(&found.expect(200)), events, "{path}"),
            }
        }
        Request::Read(reading) => {
            let path = reading.path(model.base);
            let found = api.get(&path).await;
            match model.read(reading) {
                None => assert_eq!(found.status, 404, "{path}"),
                Some(expected) => {
                    let found = found.expect(200);
                    assert_eq!(reading.seen(&found), expected, "{path} {found}");
                }
            }
        }
        _ => {}
    }
}

/// The events of a stream by source; none when no time was asked for.
fn titles(stream: &Value) -> Option<model::Events> {
    let by_source = stream.get("events")?.as_object()?;
    let titles = |events: &Value| harness::column(&json!({ "events": events }), "events", "title");
    Some(by_source.iter().map(|(source, events)| (source.clone(), titles(events))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_answers_as_the_model(requests in prop::collection::vec(requests(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        runtime.block_on(async {
            let (mut api, mut model) = (open(&path), Model::new(harness::epoch()));
            for request in &requests {
                if let Request::Restart = request {
                    drop(api);
                    api = open(&path);
                }
                write(&api, &mut model, request).await;
                check(&api, &model, request).await;
            }
        });
    }
}
