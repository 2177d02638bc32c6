//! What the README of python-librato shows, with this library. The same as tests/clients/python_librato_readme.py.

use std::io;
use std::time::Duration;

use librato_apply::client::{
    Alert, Condition, Error, Event, Interval, Librato, Metric, SummaryFunction, Time, TryStreamExt, Window,
};
use librato_apply::measure::{Aggregator, Measurement, Options, sanitize_metric_name};

type Done = Result<(), Box<dyn std::error::Error>>;

/// All of it; `base` is a time of the last hours, a whole minute.
pub async fn all(url: &str, user: &str, token: &str, base: u64) -> Done {
    let mut librato = Librato::connect(url, user, token).open()?;
    let clean = Librato::connect(url, user, token).sanitizer(sanitize_metric_name).open()?;
    clean.submit(Measurement::gauge("room temperature (home)", 10.0)).await?;
    assert_eq!(names(librato.metrics().list().await?), ["room-temperature-home-"]);
    clean.metrics().delete("room temperature (home)").await?;
    metrics(&librato).await?;
    composite(&librato).await?;
    batches(&librato).await?;
    aggregation(&librato, i64::try_from(base)?).await?;
    attributes(&librato).await?;
    annotations(&librato, base).await?;
    alerts(&librato).await?;
    librato.set_timeout(Duration::from_secs(5))?;
    assert_eq!(librato.alerts().list().await?.len(), 3);
    Ok(())
}

fn names(metrics: Vec<Metric>) -> Vec<String> {
    metrics.into_iter().map(|metric| metric.name).collect()
}

async fn metrics(librato: &Librato) -> Done {
    librato.submit(Measurement::gauge("temperature", 10.0).description("temperature at home")).await?;
    let all = librato.metrics().stream().try_collect().await?;
    assert_eq!(names(all), ["temperature"]);
    librato.metrics().delete("temperature").await?;
    librato.submit(Measurement::counter("connections", 20.0).description("server connections")).await?;
    let connections = librato.metrics().get("connections").await?;
    assert_eq!(connections.description.as_deref(), Some("server connections"));
    librato.metrics().delete("connections").await?;
    for temp in [20.0, 21.0, 22.0] {
        librato.submit(Measurement::gauge("temperature", temp)).await?;
    }
    librato.submit(Measurement::counter("connections", 100.0)).await?;
    let gauge = librato.metrics().get("temperature").await?;
    assert_eq!(gauge.kind.as_str(), "gauge");
    let humidity = Metric::composite("humidity", r#"sum(s("all.*", "*"))"#).description("a test composite");
    librato.metrics().create(&humidity).await?;
    let measured = librato.metrics().measurements("temperature", &Interval::last(100).resolution(1)).await?;
    assert_eq!(measured.unassigned().iter().filter_map(|record| record.sum).sum::<f64>(), 63.0);
    Ok(())
}

async fn composite(librato: &Librato) -> Done {
    let compose = r#"mean(s("temperature", "*", {function: "mean", period: "3600"}))"#;
    let found = librato.compose(compose, &Window::last(Duration::from_secs(8 * 3600))).await?;
    let last = found.series.first().and_then(|series| series.points.last()).and_then(|point| point.value);
    assert_eq!(last, Some(21.0));
    Ok(())
}

async fn batches(librato: &Librato) -> Done {
    let queue = librato.queue();
    queue.add(Measurement::gauge("temperature", 22.1).source("upstairs")).await?;
    queue.add(Measurement::gauge("temperature", 23.1).source("downstairs")).await?;
    queue.add(Measurement::counter("num_requests", 100.0).source("server1")).await?;
    queue.add(Measurement::counter("num_requests", 102.0).source("server2")).await?;
    queue.submit().await?;

    let scope = librato.queue();
    let (work, submitted) = scope
        .scope(async |queue| {
            queue.add(Measurement::gauge("scoped", 22.1).source("upstairs")).await?;
            Err::<(), Box<dyn std::error::Error>>(io::Error::other("potentially dangerous").into())
        })
        .await;
    assert!(work.is_err());
    submitted?;

    let queue = librato.queue_with(Options { auto_submit_count: Some(3), ..Options::default() });
    for value in [1.0, 2.0, 3.0, 4.0] {
        queue.add(Measurement::gauge("auto", value)).await?;
    }
    // The fourth is never sent; what was sent by itself has to arrive before the program ends.
    queue.take();
    queue.submit().await?;
    Ok(())
}

async fn aggregation(librato: &Librato, base: i64) -> Done {
    let mut plain = Aggregator::new();
    plain.add("foo", 42.0);
    plain.add("foo", 5.0);
    plain.submit(librato.client()).await?;

    let mut of_source = Aggregator::new().source("my.source").period(60);
    of_source.add("foo", 42.0);
    of_source.add("foo", 5.0);
    of_source.submit(librato.client()).await?;

    let mut floored = Aggregator::new().period(60).measure_time(base + 31);
    floored.add("foo.floored", 42.0);
    floored.add("foo.floored", 5.0);
    floored.submit(librato.client()).await?;

    let mut exact = Aggregator::new().measure_time(base + 31);
    exact.add("foo.exact", 42.0);
    exact.add("foo.exact", 5.0);
    exact.submit(librato.client()).await?;

    let mut queued = Aggregator::new().source("queued");
    queued.add("foo", 42.0);
    let queue = librato.queue();
    queue.add_aggregator(&mut queued).await?;
    queue.submit().await?;
    Ok(())
}

async fn attributes(librato: &Librato) -> Done {
    let mut gauge = librato.metrics().get("temperature").await?;
    gauge.attributes.insert("display_units_long".into(), "ms".into());
    librato.metrics().save(&gauge).await?;
    Ok(())
}

async fn annotations(librato: &Librato, base: u64) -> Done {
    librato.events("testing").post(&Event::new("foobarbiz")).await?;
    let build = Event::new("build 7").source("box").description("Application shop, Travis build 7");
    let build = build.link("travis", "http://travisci.com/somebuild");
    librato.events("TravisCI").post(&build).await?;
    let streams = librato.annotation_streams().list().await?;
    assert_eq!(
        streams.iter().map(|stream| stream.name.as_str()).collect::<Vec<_>>(),
        ["testing", "TravisCI"]
    );
    let testing = librato.annotation_streams().get("testing").await?;
    assert_eq!(testing.name, "testing");
    let events = librato.events("TravisCI").list(&Interval::since(Time(base))).await?;
    assert_eq!(events["box"][0].title, "build 7");
    librato.annotation_streams().delete("testing").await?;
    Ok(())
}

async fn alerts(librato: &Librato) -> Result<(), Error> {
    let minute = Duration::from_secs(60);
    let alert = Alert::new("too.many")
        .when(Condition::above("temperature", 1.0).source("*"))
        .when(Condition::above("temperature", 1.0).lasting(minute).source("*"))
        .when(Condition::above("temperature", 1.0).summary(SummaryFunction::Sum).source("*"));
    librato.alerts().create(&alert).await?;
    let alert = Alert::new("too.few").when(Condition::below("temperature", 1.0).source("*"));
    librato.alerts().create(&alert).await?;
    let alert = Alert::new("gone").when(Condition::absent("temperature", minute).source("*"));
    librato.alerts().create(&alert).await?;
    let mut alert = librato.alerts().find("gone").await?.one().ok_or(Error::NoId { kind: "alert" })?;
    alert.active = true;
    librato.alerts().save(&alert).await
}
