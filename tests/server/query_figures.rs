//! What a composite over a thousand series of a day's minutes costs, and where the time goes. Prints figures and judges nothing:
//! `cargo test --release --test server query_figures -- --ignored --nocapture`.
#![allow(clippy::print_stdout)]

use std::time::Instant;

use crate::harness::{Api, credentials, epoch};
use librato_apply::composite::eval::{Limits, Request, Sample, Stored, Window, evaluate};
use librato_apply::composite::{Labels, SOURCE, Statistic, compile};
use librato_apply::serve::{Data, Options, Store, router};
use serde_json::json;

/// Without optimisation a tenth of it is enough to see where the time goes.
const SERIES: i64 = if cfg!(debug_assertions) { 100 } else { 1000 };
/// A day, minute by minute.
const TIMES: i64 = 1440;

const QUERIES: &[&str] = &[
    r#"s("m", "h7")"#,
    r#"sum(s("m", "*"))"#,
    r#"divide([sum(s("m", "*")), max(s("m", "*"))])"#,
    r#"window(derive(s("m", "*")), {size: "10"})"#,
    r#"top(s("m", "*"), {count: "5"})"#,
    r#"sum(s("m", "*", {period: "3600"}))"#,
];

fn value(series: i64, time: i64) -> f64 {
    ((series * 7919 + time * time * 31) % 5000 + series * 10) as f64 / 100.0
}

fn since(start: Instant) -> String {
    format!("{:.0} ms", start.elapsed().as_secs_f64() * 1000.0)
}

/// The pure part alone: samples that are there already.
fn evaluated(base: i64) {
    let stored: Vec<Stored> = (0..SERIES)
        .map(|series| Stored {
            metric: "m".into(),
            labels: Labels::from([(SOURCE.to_owned(), format!("h{series}"))]).into(),
            period: Some(60),
            interval: 1,
            samples: (0..TIMES).map(|time| Sample::single(base + 60 * time, value(series, time))).collect(),
        })
        .collect();
    let window = Window {
        start: base,
        end: base + 60 * TIMES - 1,
        resolution: 60,
        summarize: Statistic::Mean,
        source: None,
    };
    for text in QUERIES {
        let query = compile(text).unwrap();
        let mut copied = 0.0;
        let mut fetch = |request: &Request<'_>| {
            let start = Instant::now();
            let found = stored.iter().filter(|one| request.selector.matches(&one.labels)).cloned().collect();
            copied += start.elapsed().as_secs_f64();
            Ok(found)
        };
        let start = Instant::now();
        let outcome = evaluate(&query, &mut fetch, &window, Limits::default()).unwrap();
        let seconds = start.elapsed().as_secs_f64() - copied;
        println!("  evaluate {text}: {:.0} ms, {} series", seconds * 1000.0, outcome.series.len());
    }
}

#[ignore = "prints figures and takes its time"]
#[tokio::test(flavor = "multi_thread")]
async fn figures() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let open = || Api {
        router: router(Store::open(&Data::File(path.clone())).unwrap(), credentials(), &Options::default()),
    };
    let api = open();
    let base = epoch() / 3600 * 3600 - 60 * TIMES;
    api.put("/v1/metrics/m", r#"{"type":"gauge","period":60}"#).await.expect(201);
    let start = Instant::now();
    for time in 0..TIMES {
        let one = |series| json!({"name": "m", "value": value(series, time), "source": format!("h{series}")});
        let gauges: Vec<_> = (0..SERIES).map(one).collect();
        let body = json!({"measure_time": base + 60 * time, "gauges": gauges}).to_string();
        api.post("/v1/metrics", &body).await.expect(200);
    }
    println!("{} points written in {}", SERIES * TIMES, since(start));
    let day = format!("resolution=60&start_time={base}&end_time={}", base + 60 * TIMES - 1);
    for (state, reopened) in [("just written", false), ("packed", true)] {
        let api = if reopened { open() } else { Api { router: api.router.clone() } };
        println!("{state}:");
        for text in QUERIES {
            let encoded: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let start = Instant::now();
            let body = api.get(&format!("/v1/measurements?compose={encoded}&{day}")).await.expect(200);
            let took = since(start);
            let series = body["series"].as_array().unwrap();
            let points: usize = series.iter().map(|one| one["measurements"].as_array().unwrap().len()).sum();
            println!(
                "  {text}: {took}, {} series, {points} points (reading the answer included)",
                series.len()
            );
        }
        if !reopened {
            // The last handle folds what is not packed yet.
            drop(api);
            tokio::time::sleep(std::time::Duration::from_secs(1)).await;
        }
    }
    println!("the pure part:");
    evaluated(base);
}
