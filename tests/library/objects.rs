//! The library for Rust programs against the real server, and against services that answer oddly.

use std::time::Duration;

use crate::upstream::{self, Upstream};
use librato_apply::client::{
    Alert, ApiToken, Chart, ChartStream, ChartType, Condition, Dashboard, Error, Event, Found, GroupFunction,
    Instrument, Interval, Librato, Link, Metric, Object, Role, Select, Service, Source, Space, Status,
    SummaryFunction, TagQuery, Time, TryStreamExt, Window,
};
use librato_apply::remote::{ApiError, Call, Method, RetryPolicy, WriteApi};
use librato_apply::serve::{Credentials, Data, Options, Store, router, run};
use serde_json::{Value, json};

const TOKEN: &str = "canary-of-the-library";

/// A server in memory for as long as the test's runtime.
async fn librato() -> Librato {
    let store = Store::open(&Data::Memory).unwrap();
    let app = router(store.clone(), vec![Credentials::new("me", &TOKEN.into())], &Options::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(run(listener, app, store, std::future::pending()));
    Librato::connect(url, "me", TOKEN).open().unwrap()
}

async fn send(librato: &Librato, path: &str, body: Value) {
    let call = Call { method: Method::Post, path: path.into(), body: Some(body) };
    librato.client().send(&call).await.unwrap();
}

#[tokio::test]
async fn metrics_are_made_listed_changed_and_deleted() {
    let librato = librato().await;
    let metrics = librato.metrics();
    let made =
        metrics.create(&Metric::gauge("web.ms").period(60).attribute("color", "#52D74C")).await.unwrap();
    assert_eq!((made.period, &made.attributes["color"]), (Some(60), &json!("#52D74C")));
    for n in 0..7 {
        metrics.create(&Metric::counter(format!("page.{n}"))).await.unwrap();
    }

    let page = metrics.page(&Select::new().named("PAGE").offset(2).length(3)).await.unwrap();
    let names: Vec<&str> = page.items.iter().map(|metric| metric.name.as_str()).collect();
    assert_eq!(names, ["page.2", "page.3", "page.4"]);
    assert_eq!((page.found, page.total, page.next_offset()), (7, Some(8), Some(5)));
    let last = metrics.page(&Select::new().order_by("name").descending().length(1)).await.unwrap();
    assert_eq!(last.items[0].name, "web.ms");
    let all: Vec<Metric> = metrics.stream_of(Select::new().length(3)).try_collect().await.unwrap();
    assert_eq!(all.len(), 8);
    assert_eq!(all, metrics.list().await.unwrap());

    let mut metric = metrics.get("WEB.ms").await.unwrap();
    metric.attributes.insert("display_units_short".into(), "ms".into());
    metric.description = Some("how slow".into());
    metric.period = None;
    metric.unset("color");
    metrics.save(&metric).await.unwrap();
    let metric = metrics.get("web.ms").await.unwrap();
    assert_eq!((metric.period, metric.description.as_deref()), (None, Some("how slow")));
    assert!(!metric.attributes.contains_key("color") && metric.attributes.contains_key("created_by_ua"));
    metrics.update("web.ms", json!({"display_name": "Slow"})).await.unwrap();
    assert_eq!(metrics.get("web.ms").await.unwrap().description.as_deref(), Some("how slow"));
    metrics.update_matching("page.*", json!({"period": 30}).as_object().unwrap().clone()).await.unwrap();
    assert_eq!(metrics.get("page.3").await.unwrap().period, Some(30));

    metrics.delete("page.0").await.unwrap();
    assert!(metrics.delete("page.0").await.unwrap_err().is_not_found());
    metrics.delete_many(["page.1", "page.2", "never.was"]).await.unwrap();
    metrics.delete_many(Vec::<String>::new()).await.unwrap();
    metrics.delete_matching("page.*").await.unwrap();
    assert_eq!(metrics.list().await.unwrap().len(), 1);
    assert_eq!(metrics.find("web").await.unwrap(), Found::None, "a part of a name is not a name");
    assert!(metrics.find("Web.ms").await.unwrap().one().is_some());
}

#[tokio::test]
async fn measurements_come_by_source_and_by_tags() {
    let librato = librato().await;
    let now = Time::now().0;
    let gauge = |ago, value, source| json!({"name": "t", "value": value, "measure_time": now - ago, "source": source});
    let gauges = json!([
        gauge(300, 1, json!("up")),
        gauge(200, 2, json!("up")),
        gauge(100, 3, json!("down")),
        gauge(50, 9, Value::Null)
    ]);
    send(&librato, "/metrics", json!({ "gauges": gauges })).await;
    let metrics = librato.metrics();
    let values = |records: &[librato_apply::client::Record]| {
        records.iter().map(|record| record.value.unwrap()).collect::<Vec<_>>()
    };
    let all = metrics.measurements("t", &Interval::last(100).resolution(1)).await.unwrap();
    assert_eq!(values(all.unassigned()), [9.0]);
    assert_eq!(values(&all.measurements["up"]), [1.0, 2.0]);
    let late = metrics.measurements("t", &Interval::since(now - 250).source("up*")).await.unwrap();
    assert_eq!(late.measurements.keys().collect::<Vec<_>>(), ["up"]);
    assert_eq!(values(&late.measurements["up"]), [2.0]);
    let first = metrics.measurements("t", &Interval::first(1, now - 400)).await.unwrap();
    assert_eq!(values(&first.measurements["up"]), [1.0]);
    let merged = Interval::between(now - 400, now).summarize_time().summarize_sources();
    let merged = metrics.measurements("t", &merged).await.unwrap();
    assert_eq!(merged.measurements["up"][0].count, Some(2));
    assert_eq!(merged.measurements["all"].iter().filter_map(|record| record.count).sum::<u64>(), 4);

    let tagged = |region, value| json!({"name": "g", "value": value, "tags": {"region": region}});
    send(&librato, "/measurements", json!({"measurements": [tagged("eu", 1), tagged("us", 3)]})).await;
    let window = Window::last(Duration::from_secs(600));
    let all = metrics.series("g", &TagQuery::new(window)).await.unwrap();
    assert_eq!(all.iter().map(|series| series.tags["region"].as_str()).collect::<Vec<_>>(), ["eu", "us"]);
    let one = metrics.series("g", &TagQuery::new(window).tag("region", "e*")).await.unwrap();
    assert_eq!((one.len(), one[0].points[0].value), (1, Some(1.0)));
    let sum = TagQuery::new(window.resolution(3600)).group_by([], &GroupFunction::Sum);
    let sum = metrics.series("g", &sum).await.unwrap();
    let total: f64 = sum.iter().flat_map(|series| &series.points).filter_map(|point| point.value).sum();
    assert_eq!(total, 4.0);
}

#[tokio::test]
async fn alerts_and_services_are_written_back_as_they_were_read() {
    let librato = librato().await;
    let slack = Service::new("slack", "ops").setting("url", "https://canary.example.org");
    let slack = librato.services().create(&slack).await.unwrap();
    let alert = Alert::new("web.slow")
        .description("Customers wait")
        .when(
            Condition::above("web.ms", 800.0).summary(SummaryFunction::Max).lasting(Duration::from_secs(300)),
        )
        .when(Condition::below("web.hits", 1.0).tag("region", ["eu", "us*"]))
        .when(Condition::absent("web.beat", Duration::from_secs(600)).source("web*"))
        .notify(slack.saved_key().unwrap())
        .runbook("https://wiki.example.org/slow")
        .rearm(Duration::from_secs(1200));
    let made = librato.alerts().create(&alert).await.unwrap();
    let id = made.id.unwrap();
    assert_eq!(
        made.conditions.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(),
        ["above", "below", "absent"]
    );
    assert_eq!((made.services[0].id, made.services[0].title.as_deref()), (slack.id.unwrap(), Some("ops")));

    librato.alerts().save(&made).await.unwrap();
    let again = librato.alerts().get(id).await.unwrap();
    assert_eq!((&again.conditions, &again.attributes), (&made.conditions, &made.attributes));
    let mut changed = again;
    changed.attributes.remove("runbook_url");
    changed.conditions.truncate(1);
    changed.description = None;
    changed.rearm_seconds = None;
    changed.active = false;
    librato.alerts().save(&changed).await.unwrap();
    let now = librato.alerts().find("web.slow").await.unwrap().one().unwrap();
    assert_eq!((now.conditions.len(), now.attributes.len(), now.active), (1, 0, false));
    assert_eq!((now.description, now.rearm_seconds, now.services.len()), (None, Some(600), 1));
    assert_eq!(now.conditions[0].id, made.conditions[0].id, "an unchanged condition keeps its clock");

    assert_eq!(librato.alerts().status(id).await.unwrap(), Status::Ok);
    librato.alerts().clear(id).await.unwrap();
    librato.alerts().detach(id, slack.id.unwrap()).await.unwrap();
    librato.alerts().attach(id, slack.id.unwrap()).await.unwrap();
    let unsaved = librato.alerts().save(&Alert::new("new")).await.unwrap_err();
    assert!(matches!(unsaved, Error::NoId { kind: "alert" }), "{unsaved}");

    librato
        .services()
        .create(&Service::new("mail", "ops").setting("addresses", "a@example.org"))
        .await
        .unwrap();
    let Found::Several(duplicates) = librato.services().find("ops").await.unwrap() else { panic!() };
    assert_eq!(duplicates.len(), 2);
    assert_eq!(librato.services().find("op").await.unwrap(), Found::None);
    assert!(!format!("{slack:?} {duplicates:?} {librato:?}").contains("canary"));
}

#[tokio::test]
async fn events_have_times_links_and_an_end() {
    let librato = librato().await;
    let deploys = librato.events("deploys");
    let event = Event::new("v91").source("web-1").description("all of it").start(1_700_000_000_u64);
    let event = deploys.post(&event.link("diff", "https://git.example.org/91")).await.unwrap();
    let id = event.id.unwrap();
    deploys.post(&Event::new("v92").start(Time::ago(Duration::from_secs(60)))).await.unwrap();
    deploys.end(id, 1_700_000_060_u64).await.unwrap();
    deploys.update(id, json!({"title": "v91.1"})).await.unwrap();
    let build =
        Link { rel: "build".into(), href: "https://ci.example.org/7".into(), label: Some("7".into()) };
    deploys.add_link(id, &build).await.unwrap();
    deploys.delete_link(id, "diff").await.unwrap();
    let found = deploys.get(id).await.unwrap();
    assert_eq!(
        (found.title.as_str(), found.end_time, &found.links),
        ("v91.1", Some(1_700_000_060), &vec![build])
    );

    let all = deploys.list(&Interval::last(10)).await.unwrap();
    assert_eq!(all.keys().collect::<Vec<_>>(), ["unassigned", "web-1"]);
    let late = deploys.list(&Interval::since(Time::ago(Duration::from_secs(3600)))).await.unwrap();
    assert_eq!(late["unassigned"][0].title, "v92");
    let streams = librato.annotation_streams();
    let mut stream = streams.get("deploys").await.unwrap();
    stream.display_name = Some("Deployments".into());
    streams.save(&stream).await.unwrap();
    assert_eq!(streams.list().await.unwrap()[0].display_name.as_deref(), Some("Deployments"));
    deploys.delete(id).await.unwrap();
    assert!(deploys.get(id).await.unwrap_err().is_not_found());
    streams.delete("deploys").await.unwrap();
    assert!(deploys.list(&Interval::last(1)).await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn every_other_kind_is_made_read_saved_and_deleted() {
    let librato = librato().await;
    let space = librato.spaces().create(&Space::new("Shop")).await.unwrap().id.unwrap();
    let chart = Chart::new(ChartType::Stacked, "Slow")
        .label("ms")
        .show(ChartStream::metric("web.ms").source("*").group("breakout"))
        .show(ChartStream::composite(r#"sum(s("web.ms", "*"))"#));
    let charts = librato.charts(space);
    let chart = charts.create(&chart).await.unwrap();
    let id = chart.id.unwrap();
    assert_eq!(librato.spaces().get(space).await.unwrap().charts, [id]);
    let mut saved = charts.get(id).await.unwrap();
    assert_eq!((saved.streams.len(), saved.streams[0].group_function.as_deref()), (2, Some("breakout")));
    saved.label = None;
    saved.max = Some(10.0);
    charts.save(&saved).await.unwrap();
    let again = charts.list().await.unwrap();
    assert_eq!((again.len(), &again[0].label, again[0].max), (1, &None, Some(10.0)));
    assert_eq!(charts.stream().try_collect::<Vec<_>>().await.unwrap().len(), 1);
    assert!(charts.find("Slow").await.unwrap().one().is_some());
    let picture = librato.snapshots().create(id, "stacked", "*").await.unwrap();
    assert_eq!(librato.snapshots().get(picture.id().unwrap()).await.unwrap().href, picture.href);
    charts.delete(id).await.unwrap();
    librato.spaces().delete(space).await.unwrap();

    let mut source = librato.sources().create(&Source::new("web-1")).await.unwrap();
    source.display_name = Some("first".into());
    librato.sources().save(&source).await.unwrap();
    assert_eq!(librato.sources().get("WEB-1").await.unwrap().display_name.as_deref(), Some("first"));
    librato.sources().delete("web-1").await.unwrap();

    let mut old = Instrument::new("cpu");
    old.streams.push(ChartStream::metric("cpu").source("*"));
    let old = librato.instruments().create(&old).await.unwrap();
    let mut board = librato.dashboards().create(&Dashboard::new("all")).await.unwrap();
    board.instruments.push(json!({"id": old.id}));
    librato.dashboards().save(&board).await.unwrap();
    assert_eq!(librato.dashboards().list().await.unwrap()[0].instruments.len(), 1);

    let token = librato.api_tokens().create(&ApiToken::new("reader", Role::Viewer)).await.unwrap();
    assert!(token.token.is_some() && !format!("{token:?}").contains(&format!("{:?}", "SecretBox(\"")));
    let mut listed = librato.api_tokens().find("reader").await.unwrap().one().unwrap();
    listed.active = false;
    librato.api_tokens().save(&listed).await.unwrap();
    assert!(!librato.api_tokens().list().await.unwrap()[0].active);
}

#[tokio::test]
async fn the_sanitizer_sees_every_metric_name() {
    let librato = librato().await;
    let endpoint = librato.client().config().endpoint.to_string();
    let clean: fn(&str) -> String = |name| name.replace(' ', "-");
    let mut librato = Librato::connect(endpoint, "me", TOKEN).sanitizer(clean).open().unwrap();
    librato.metrics().create(&Metric::gauge("a b")).await.unwrap();
    assert_eq!(librato.metrics().get("a b").await.unwrap().name, "a-b");
    assert!(librato.metrics().find("a b").await.unwrap().one().is_some());
    librato.metrics().delete_many(["a b"]).await.unwrap();
    assert!(librato.metrics().list().await.unwrap().is_empty());

    assert_eq!(librato.timeout(), Duration::from_secs(10));
    librato.set_timeout(Duration::from_secs(3)).unwrap();
    assert_eq!((librato.timeout(), librato.metric_name("a b")), (Duration::from_secs(3), "a-b".to_owned()));
}

#[tokio::test]
async fn work_can_be_done_in_tasks_of_its_own() {
    let librato = librato().await;
    let task = tokio::spawn(async move {
        librato.metrics().create(&Metric::gauge("m")).await?;
        let alert = librato.alerts().create(&Alert::new("a")).await?;
        librato.alerts().save(&alert).await?;
        librato.events("e").post(&Event::new("t")).await?;
        librato.metrics().measurements("m", &Interval::last(1)).await?;
        librato.metrics().series("m", &TagQuery::new(Window::since(Time::now()))).await?;
        let all: Vec<Metric> = librato.metrics().stream().try_collect().await?;
        librato.metrics().delete_many(all.iter().map(|metric| &metric.name)).await?;
        Ok::<_, Error>(all.len())
    });
    assert_eq!(task.await.unwrap().unwrap(), 1);
}

fn connected(service: &Upstream) -> Librato {
    let connect = Librato::connect(format!("http://{}", service.addr), "me", TOKEN);
    connect.retry(RetryPolicy::quick()).timeout(Duration::from_secs(5)).open().unwrap()
}

#[tokio::test]
async fn a_stream_that_may_have_missed_something_says_so_at_its_end() {
    let service = Upstream::start(|seen| {
        let offset = seen.number("offset");
        // Somebody deletes an alert between the pages: the rest moves up, and one is never shown.
        let (found, first) = if offset == 0 { (4, 0) } else { (3, 3) };
        let alerts: Vec<Value> =
            (first..(first + 2).min(4)).map(|id| json!({"id": id, "name": format!("a{id}")})).collect();
        upstream::json(200, &json!({"query": {"found": found}, "alerts": alerts}))
    })
    .await;
    let librato = connected(&service);
    let mut stream = librato.alerts().stream();
    let mut names = Vec::new();
    let error = loop {
        match stream.try_next().await {
            Ok(Some(alert)) => names.push(alert.name),
            Ok(None) => panic!("the stream ended as if it were whole"),
            Err(error) => break error,
        }
    };
    assert_eq!(names, ["a0", "a1", "a3"]);
    assert!(matches!(error.api(), Some(ApiError::Incomplete { .. })), "{error}");
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn long_answers_are_read_to_their_end() {
    let service = Upstream::start(|seen| {
        let start = seen.number("start_time");
        let records: Vec<Value> =
            (start..start + 2).map(|time| json!({"measure_time": time, "value": 1})).collect();
        let mut body =
            json!({"name": "m", "type": "gauge", "attributes": {}, "measurements": {"web": records}});
        if start < 14 {
            body["query"] = json!({"next_time": start + 2});
        }
        upstream::json(200, &body)
    })
    .await;
    let found = connected(&service).metrics().measurements("m", &Interval::since(10)).await.unwrap();
    let times: Vec<u64> = found.measurements["web"].iter().map(|record| record.measure_time).collect();
    assert_eq!(times, [10, 11, 12, 13, 14, 15]);
}

#[tokio::test]
async fn deletes_are_repeated_and_creations_are_not() {
    let service = Upstream::start(|seen| match (seen.method.as_str(), seen.index) {
        ("DELETE", 0) => upstream::json(503, &json!({})),
        ("DELETE", _) => upstream::json(404, &json!({})),
        _ => upstream::json(500, &json!({"errors": {"system": ["oops"]}})),
    })
    .await;
    let librato = connected(&service);
    librato.alerts().delete(7).await.unwrap();
    assert_eq!(service.seen().len(), 2);
    let error = librato.alerts().create(&Alert::new("a")).await.unwrap_err();
    assert_eq!((service.seen().len(), error.status()), (3, Some(500)));
    assert!(error.api().unwrap().may_have_been_executed());
}

#[tokio::test]
async fn much_work_is_waited_for() {
    let service = Upstream::start(|seen| match (seen.method.as_str(), seen.index) {
        ("DELETE", _) => {
            let mut answer = upstream::json(202, &json!({}));
            answer.headers_mut().insert("location", "/v1/jobs/5".parse().unwrap());
            answer
        }
        (_, 1) => upstream::json(200, &json!({"id": 5, "state": "working"})),
        (_, 2) => upstream::json(200, &json!({"id": 5, "state": "complete"})),
        _ => upstream::json(200, &json!({"id": 5, "state": "failed"})),
    })
    .await;
    let librato = connected(&service);
    librato.metrics().delete_matching("a*").await.unwrap();
    assert_eq!(service.seen().len(), 3);
    let error = librato.metrics().delete_matching("a*").await.unwrap_err();
    assert!(matches!(&error, Error::Job { state, .. } if state == "failed"), "{error}");
}

#[test]
fn what_cannot_be_connected_to_is_refused_without_repeating_it() {
    let error = Librato::connect("https://me:canary@api.example.com", "me", TOKEN).open().unwrap_err();
    assert!(matches!(error, Error::Endpoint(_)) && !error.to_string().contains("canary"), "{error}");
    let error = Librato::connect("http://api.example.com", "me", TOKEN).open().unwrap_err();
    assert!(error.to_string().contains("unprotected"), "{error}");
    let connect = Librato::connect("https://api.example.com", "me", TOKEN);
    assert!(!format!("{connect:?}").contains("canary"));
    assert!(matches!(Librato::connect("https://h", "a:b", TOKEN).open(), Err(Error::Client(_))));
}
