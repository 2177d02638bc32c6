//! Every list, filter, page and reading of the server against a naive model of it, over random sequences of requests
//! and restarts. The model keeps what was sent in plain lists and answers by going through them.

mod model;
mod objects;
mod reading;

use std::path::{Path, PathBuf};

use crate::harness::{self, Api, credentials};
use librato_apply::serve::{Data, Options, Store, router};
use model::{Model, SOURCES, TAGS};
use objects::OBJECTS;
use proptest::prelude::*;
use proptest::sample::select;
use reading::Reading;
use serde_json::{Value, json};

const METRICS: &[&str] = &["web.cpu", "Web.CPU", "web.mem", "db:1.cpu", "a_b", "A-b", "aXb"];
const FILTERS: &[&str] = &["", "web", "CPU", ".", "_", "%", "b", "zzz", "web*", "*U", "A-b"];
const LISTS: &[&str] = &[
    "metrics",
    "sources",
    "annotations",
    "spaces",
    "services",
    "alerts",
    "instruments",
    "dashboards",
    "charts",
    "api_tokens",
];
const PATTERNS: &[&str] = &["web*", "*", "*cpu", "a*b", "WEB.mem", "nobody"];

/// What a client may ask for; numbers are reduced to what exists.
#[derive(Debug, Clone)]
enum Request {
    PutMetric(&'static str),
    DeleteMetric(&'static str),
    DeleteMetrics(&'static str, &'static str),
    Submit {
        metric: &'static str,
        labels: usize,
        offset: i64,
        value: i64,
    },
    /// Makes an object with an id, of the kind of its path.
    Post {
        kind: &'static str,
        name: &'static str,
    },
    Rename {
        kind: &'static str,
        at: usize,
        name: &'static str,
    },
    Delete {
        kind: &'static str,
        at: usize,
    },
    PostChart {
        space: usize,
        name: &'static str,
    },
    DeleteChart {
        space: usize,
        at: usize,
    },
    Charts {
        space: usize,
    },
    DeleteStream(&'static str),
    DeleteEvent {
        stream: &'static str,
        at: usize,
    },
    PostEvent {
        stream: &'static str,
        source: usize,
        offset: i64,
    },
    Restart,
    List {
        kind: &'static str,
        filter: &'static str,
        offset: usize,
        length: usize,
        descending: bool,
    },
    Events(model::Window),
    Read(Reading),
}

fn requests() -> impl Strategy<Value = Request> {
    let name = || select(METRICS);
    let time = || 0..400_i64;
    let at = || any::<prop::sample::Index>().prop_map(|at| at.index(1000));
    let patterns = select(&["", "*", "web*", "DB", "unassigned", "nobody"][..]);
    prop_oneof![
        2 => name().prop_map(Request::PutMetric),
        1 => name().prop_map(Request::DeleteMetric),
        1 => (select(PATTERNS), select(PATTERNS)).prop_map(|(names, but)| Request::DeleteMetrics(names, but)),
        12 => (name(), 0..SOURCES.len() + TAGS.len(), time(), -5..20_i64)
            .prop_map(|(metric, labels, offset, value)| Request::Submit { metric, labels, offset, value }),
        12 => (select(OBJECTS), name()).prop_map(|(kind, name)| Request::Post { kind, name }),
        3 => (select(OBJECTS), at(), name()).prop_map(|(kind, at, name)| Request::Rename { kind, at, name }),
        3 => (select(OBJECTS), at()).prop_map(|(kind, at)| Request::Delete { kind, at }),
        3 => (at(), name()).prop_map(|(space, name)| Request::PostChart { space, name }),
        1 => (at(), at()).prop_map(|(space, at)| Request::DeleteChart { space, at }),
        2 => at().prop_map(|space| Request::Charts { space }),
        1 => name().prop_map(Request::DeleteStream),
        1 => (name(), at()).prop_map(|(stream, at)| Request::DeleteEvent { stream, at }),
        4 => (name(), 0..SOURCES.len(), time())
            .prop_map(|(stream, source, offset)| Request::PostEvent { stream, source, offset }),
        1 => Just(Request::Restart),
        12 => (select(LISTS), select(FILTERS), 0..6_usize, 0..6_usize, any::<bool>()).prop_map(
            |(kind, filter, offset, length, descending)| Request::List { kind, filter, offset, length, descending }
        ),
        4 => (name(), option(time()), option(time()), option(0..4_usize), patterns).prop_map(
            |(stream, start, end, count, sources)| Request::Events(model::Window { stream, start, end, count, sources })
        ),
        8 => readings().prop_map(Request::Read),
    ]
}

fn option<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> {
    prop::option::of(strategy)
}

fn readings() -> impl Strategy<Value = Reading> {
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

/// Where the data is.
enum Place {
    File(PathBuf),
    #[cfg(all(unix, feature = "postgres"))]
    Postgres(String),
}

/// One that is empty, in this directory where it is a file.
fn place(dir: &Path) -> Place {
    #[cfg(all(unix, feature = "postgres"))]
    if let Some(address) = crate::store::database(|model| drop(harness::connect(model))) {
        return Place::Postgres(address);
    }
    Place::File(dir.join("a.db"))
}

/// The servers of it: one of a file, and three of a database.
fn open(place: &Place) -> Vec<Api> {
    let stores = match place {
        Place::File(path) => vec![Store::open(&Data::File(path.to_owned())).unwrap()],
        #[cfg(all(unix, feature = "postgres"))]
        Place::Postgres(address) => (0..3).map(|_| harness::connect(address)).collect(),
    };
    let api = |store| Api { router: router(store, credentials(), &Options::default()) };
    stores.into_iter().map(api).collect()
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
        Request::Post { kind, name } => {
            let (body, expected) = model.objects.body_of(kind, name);
            let made = api.post(&format!("/v1/{kind}"), &body.to_string()).await.expect(expected);
            if expected == 201 {
                model.objects.add(kind, name, &made);
            }
        }
        Request::Rename { kind, at, name } => {
            // Neither tells when an instrument was changed, by which they are sorted, nor can tokens be named.
            let Some(id) = model.objects.id(kind, *at).filter(|_| !matches!(*kind, "instruments" | "charts"))
            else {
                return;
            };
            let key = if *kind == "services" { "title" } else { "name" };
            let expected = model.objects.renaming(kind, *at, name);
            let path = format!("/v1/{kind}/{id}");
            api.put(&path, &json!({ key: name }).to_string()).await.expect(expected);
            if expected < 300 {
                let read = api.get(&path).await.expect(200);
                model.objects.renamed(kind, *at, name, read["updated_at"].as_i64());
            }
        }
        Request::Delete { kind, at } => {
            let Some(id) = model.objects.id(kind, *at) else { return };
            api.delete(&format!("/v1/{kind}/{id}")).await.expect(204);
            model.objects.delete(kind, *at);
            api.get(&format!("/v1/{kind}/{id}")).await.expect(404);
        }
        Request::PostChart { space, name } => {
            let Some(id) = model.objects.id("spaces", *space) else { return };
            let body = json!({"name": name, "streams": [{"metric": name}]}).to_string();
            let made = api.post(&format!("/v1/spaces/{id}/charts"), &body).await.expect(201);
            model.objects.charts.push((
                id.parse().unwrap(),
                made["id"].as_i64().unwrap(),
                (*name).to_owned(),
            ));
        }
        Request::DeleteChart { space, at } => {
            let Some(id) = model.objects.id("spaces", *space) else { return };
            let charts = model.objects.charts_of(&id);
            let Some((chart, _)) = charts.get(at % charts.len().max(1)) else { return };
            api.delete(&format!("/v1/spaces/{id}/charts/{chart}")).await.expect(204);
            model.objects.charts.retain(|(_, id, _)| id != chart);
        }
        Request::DeleteStream(stream) => {
            let expected = if model.delete_stream(stream) { 204 } else { 404 };
            api.delete(&format!("/v1/annotations/{stream}")).await.expect(expected);
        }
        Request::DeleteEvent { stream, at } => {
            let Some(id) = model.delete_event(stream, *at) else { return };
            api.delete(&format!("/v1/annotations/{stream}/{id}")).await.expect(204);
        }
        Request::PostEvent { stream, source, offset } => {
            let body = model.annotate(stream, *source, *offset);
            let made = api.post(&format!("/v1/annotations/{stream}"), &body.to_string()).await.expect(201);
            model.annotated(made["id"].as_i64().unwrap());
        }
        _ => {}
    }
}

async fn check(api: &Api, model: &Model, request: &Request) {
    match request {
        Request::List { kind, filter, offset, length, descending } => {
            let sort = if *descending { "desc" } else { "asc" };
            let filter = filter.replace('%', "%25");
            // Unknown seconds lie between two instruments, so only one direction is certain.
            let (sort, descending) =
                if *kind == "instruments" { ("asc", false) } else { (sort, *descending) };
            let by = if *kind == "charts" { "token" } else { "name" };
            let path = format!("/v1/{kind}?{by}={filter}&offset={offset}&length={length}&sort={sort}");
            let found = api.get(&path).await.expect(200);
            let filter = filter.replace("%25", "%");
            let (items, found_count, total) = model.list(kind, &filter, *offset, *length, descending);
            let key = match *kind {
                "services" => "title",
                "charts" => "token",
                _ => "name",
            };
            assert_eq!(harness::column(&found, kind, key), items, "{path}");
            for board in found["dashboards"].as_array().into_iter().flatten() {
                let ids = harness::column(board, "instruments", "id");
                assert_eq!(ids, model.objects.instruments_of(board["id"].as_i64().unwrap()), "{path}");
            }
            let query =
                json!({"found": found_count, "length": items.len(), "offset": offset, "total": total});
            assert_eq!(found["query"], query, "{path}");
        }
        Request::Charts { space } => {
            let Some(id) = model.objects.id("spaces", *space) else { return };
            let found = api.get(&format!("/v1/spaces/{id}/charts")).await.expect(200);
            let charts: Vec<(i64, String)> = found.as_array().unwrap().iter().map(named).collect();
            assert_eq!(charts, model.objects.charts_of(&id));
            let shown = api.get(&format!("/v1/spaces/{id}")).await.expect(200);
            assert_eq!(harness::column(&shown, "charts", "id"), ids(&charts));
        }
        Request::Events(window) => {
            let mut path = format!("/v1/annotations/{}?sources[]={}", window.stream, window.sources);
            for (name, value) in [("start_time", window.start), ("end_time", window.end)] {
                path += &value.map(|value| format!("&{name}={}", model.base + value)).unwrap_or_default();
            }
            path += &window.count.map(|count| format!("&count={count}")).unwrap_or_default();
            let found = api.get(&path).await;
            match model.events(window) {
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

/// What every sequence ends with: all there is, whatever was asked for on the way.
fn sweep() -> Vec<Request> {
    let list =
        |kind, filter, offset, length, descending| Request::List { kind, filter, offset, length, descending };
    let mut requests = Vec::new();
    for kind in LISTS {
        requests.extend([
            list(kind, "", 0, 100, false),
            list(kind, "", 1, 3, true),
            list(kind, "web", 0, 2, false),
        ]);
    }
    requests.extend((0..8).map(|space| Request::Charts { space }));
    for stream in METRICS {
        let window = model::Window { stream, start: Some(0), end: None, count: None, sources: "" };
        requests.push(Request::Events(window));
    }
    requests
}

fn named(object: &Value) -> (i64, String) {
    (object["id"].as_i64().unwrap(), object["name"].as_str().unwrap().to_owned())
}

fn ids(charts: &[(i64, String)]) -> Vec<String> {
    charts.iter().map(|(id, _)| id.to_string()).collect()
}

/// The events of a stream by source; none when no time was asked for.
fn titles(stream: &Value) -> Option<model::Events> {
    let by_source = stream.get("events")?.as_object()?;
    let titles = |events: &Value| harness::column(&json!({ "events": events }), "events", "title");
    Some(by_source.iter().map(|(source, events)| (source.clone(), titles(events))).collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 5, max_shrink_iters: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_answers_as_the_model(requests in prop::collection::vec(requests(), 1..120)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let place = place(dir.path());
        runtime.block_on(async {
            let (mut servers, mut model) = (open(&place), Model::new(harness::epoch()));
            for (n, request) in requests.iter().chain(&sweep()).enumerate() {
                if let Request::Restart = request {
                    drop(servers);
                    servers = open(&place);
                }
                // What one has answered the others know.
                write(&servers[7 * n % servers.len()], &mut model, request).await;
                check(&servers[(3 * n + n / 5) % servers.len()], &model, request).await;
            }
        });
    }
}
