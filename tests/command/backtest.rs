//! `backtest`: what it finds over HTTP is what the machine finds, what it reads and how much of it, exit codes and forms.

use std::time::{SystemTime, UNIX_EPOCH};

use librato_apply::model::{Alert, MetricType};
use librato_apply::offline::{Given, Metric, Moments, Script, WARM_UP, run, subject};
use librato_apply::watch::{Message, Sample, Series, Transition};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use crate::cli::{Cli, Ran, Server, project};

/// So many alerts, each on a metric of its own.
const CASES: usize = 40;
/// Seconds that measurements are of.
const LENGTH: i64 = 7_200;

fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// An alert and what is measured.
#[derive(Debug, Clone)]
struct Case {
    counter: bool,
    aggregate: bool,
    tagged: bool,
    condition: Value,
    /// By stream: seconds after the beginning, and values.
    samples: Vec<Vec<(i64, i64)>>,
}

prop_compose! {
    fn case()(
        counter in any::<bool>(),
        aggregate in any::<bool>(),
        tagged in any::<bool>(),
        kind in select(vec!["above", "below", "absent"]),
        function in select(vec!["min", "max", "average", "sum", "count", "derivative"]),
        of_counter in select(vec!["derivative", "absolute_value"]),
        threshold in 0_i64..10,
        duration in option::of(select(vec![60_i64, 120, 300, 600])),
        samples in vec(vec((0..LENGTH, 0_i64..12), 1..120), 1..4),
    ) -> Case {
        let mut condition = json!({ "type": kind });
        if kind == "absent" {
            condition["duration"] = duration.unwrap_or(300).into();
        } else {
            condition["threshold"] = threshold.into();
            condition["summary_function"] = if counter && !tagged { of_counter } else { function }.into();
            if let Some(duration) = duration {
                condition["duration"] = duration.into();
            }
        }
        let mut samples = samples;
        for (stream, all) in samples.iter_mut().enumerate() {
            all.sort_unstable();
            // Several of one second have no order of their own.
            all.dedup_by_key(|(time, _)| *time);
            // All streams are there from the beginning, so that silence means the same to both.
            all.insert(0, (-1, i64::try_from(stream).unwrap()));
        }
        // Tagged measurements are of gauges, and only gauges are aggregated.
        let counter = counter && !tagged;
        Case { counter, aggregate: aggregate && !counter, tagged, condition, samples }
    }
}

fn generated() -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    (0..CASES).map(|_| case().new_tree(&mut runner).unwrap().current()).collect()
}

fn metric(number: usize) -> String {
    format!("law.{number}")
}

fn alert(case: &Case, number: usize) -> Value {
    let mut condition = case.condition.clone();
    condition["metric_name"] = metric(number).into();
    if case.tagged {
        condition["tags"] = json!([{ "name": "host", "values": ["h*"] }]);
    } else {
        condition["source"] = "h*".into();
    }
    json!({ "conditions": [condition], "services": ["hook"], "rearm_seconds": 600 })
}

fn definitions(cases: &[Case]) -> String {
    let numbered = || cases.iter().enumerate();
    let metrics: serde_json::Map<String, Value> = numbered()
        .map(|(number, case)| {
            let kind = if case.counter { "counter" } else { "gauge" };
            let mut metric_fields = json!({ "type": kind, "period": 60 });
            if case.aggregate {
                metric_fields["attributes"] = json!({ "aggregate": true });
            }
            (metric(number), metric_fields)
        })
        .collect();
    let alerts: serde_json::Map<String, Value> =
        numbered().map(|(number, one)| (metric(number), alert(one, number))).collect();
    let services = json!({ "hook": { "type": "webhook", "settings": { "url": "${secret.NOT_SET}" } } });
    json!({ "metrics": metrics, "services": services, "alerts": alerts }).to_string()
}

fn submit(server: &Server, cases: &[Case], start: i64) {
    let (mut gauges, mut counters, mut tagged) = (Vec::new(), Vec::new(), Vec::new());
    for (number, case) in cases.iter().enumerate() {
        for (stream, samples) in case.samples.iter().enumerate() {
            for (time, value) in samples {
                let (name, host, time) = (metric(number), format!("h{stream}"), start + time);
                match (case.tagged, case.counter) {
                    (true, _) => tagged.push(
                        json!({ "name": name, "value": value, "time": time, "tags": { "host": host } }),
                    ),
                    (false, true) => counters
                        .push(json!({ "name": name, "value": value, "measure_time": time, "source": host })),
                    (false, false) => gauges
                        .push(json!({ "name": name, "value": value, "measure_time": time, "source": host })),
                }
            }
        }
    }
    let sources = json!({ "gauges": gauges, "counters": counters }).to_string();
    let (status, said) = server.call("POST", "/v1/metrics", &sources);
    assert_eq!(status, 200, "{said}");
    let (status, said) =
        server.call("POST", "/v1/measurements", &json!({ "measurements": tagged }).to_string());
    assert!((200..300).contains(&status), "{said}");
}

/// What the machine finds: incidents as (opened, closed), and notifications.
fn by_machine(case: &Case, number: usize, start: i64, end: i64) -> (Vec<(i64, Option<i64>)>, usize) {
    let known = Metric {
        metric_type: Some(if case.counter { MetricType::Counter } else { MetricType::Gauge }),
        period: Some(60),
        aggregate: case.aggregate,
        ..Metric::default()
    };
    let alert: Alert = serde_json::from_value(alert(case, number)).unwrap();
    let subject = subject("law", &alert, &|_: &str| known.clone()).unwrap();
    let series = |stream: usize| {
        let host = format!("h{stream}");
        if case.tagged {
            Series::Tags([("host".to_owned(), host)].into())
        } else {
            Series::Source(Some(host))
        }
    };
    let given = |(stream, samples): (usize, &Vec<(i64, i64)>)| Given {
        metric: metric(number),
        series: series(stream),
        known: known.clone(),
        samples: samples.iter().map(|(time, value)| (start + time, Sample::single(*value as f64))).collect(),
        end,
    };
    let given: Vec<Given> = case.samples.iter().enumerate().map(given).collect();
    let script = Script { start: start - WARM_UP, until: end, ..Script::default() };
    let outcome = run(&subject, &given, &script, &Moments::new(), false).unwrap();
    let (mut incidents, mut notifications) = (Vec::<(u64, i64, Option<i64>)>::new(), 0);
    for transition in &outcome.transitions {
        match transition {
            Transition::Opened { incident, at, .. } => incidents.push((*incident, *at, None)),
            Transition::Closed { incident, at, .. } => {
                incidents.iter_mut().filter(|one| one.0 == *incident).for_each(|one| one.2 = Some(*at));
            }
            Transition::Notice(notice) => {
                let trigger = matches!(notice.message, Message::Trigger { .. });
                notifications += usize::from(trigger && notice.at >= start);
            }
        }
    }
    let inside = incidents.into_iter().filter(|one| one.2.is_none_or(|closed| closed > start));
    (inside.map(|(_, opened, closed)| (opened, closed)).collect(), notifications)
}

#[test]
fn over_http_it_finds_what_the_machine_finds() {
    let cases = generated();
    let dir = project(&[("a.yaml", &definitions(&cases))]);
    let server = Server::start(&dir.path().join("a.db"));
    let secret = |cli: Cli| cli.env("NOT_SET", "https://example.org/hook");
    secret(server.cli(dir.path())).run(&["apply", "--auto-approve"]).exits(0);
    let end = now() / 60 * 60 - 60;
    let start = end - LENGTH - 600;
    submit(&server, &cases, start);
    let (from, to) = (start.to_string(), end.to_string());
    server.log();
    let ran = server
        .cli(dir.path())
        .run(&["backtest", "--start", &from, "--end", &to, "--format", "json"])
        .exits(0);
    let requests = server.requests();
    assert_eq!(requests.iter().filter(|it| !it.starts_with("GET ")).count(), 0, "it only reads");
    let document = ran.json();
    assert_eq!(document["alerts"].as_array().unwrap().len(), CASES);
    let mut fired = 0;
    for found in document["alerts"].as_array().unwrap() {
        let name = found["name"].as_str().unwrap();
        let number: usize = name.strip_prefix("law.").unwrap().parse().unwrap();
        let (incidents, notifications) = by_machine(&cases[number], number, start, end);
        let after = &found["after"];
        let shown: Vec<(i64, Option<i64>)> = after["incidents"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| (one["opened"].as_i64().unwrap(), one["closed"].as_i64()))
            .collect();
        assert_eq!(shown, incidents, "{:?}", cases[number]);
        assert_eq!(after["totals"]["notifications"], notifications, "{:?}", cases[number]);
        assert!(after["known"].as_array().unwrap().iter().all(|it| it["fidelity"] == "exact"), "{after}");
        assert_eq!((&found["changed"], &found["before"]["totals"]), (&json!([]), &after["totals"]));
        fired += incidents.len();
    }
    assert!(fired > CASES, "hardly anything happens: {fired}");
}

/// Whether each of these has one of the others at its time, or an interval beside it.
fn covered(these: &[(i64, Option<i64>)], others: &[(i64, Option<i64>)]) -> bool {
    let end = |one: &(i64, Option<i64>)| one.1.unwrap_or(i64::MAX / 2) + 60;
    these.iter().all(|one| others.iter().any(|other| other.0 <= end(one) && one.0 <= end(other)))
}

/// At most one measurement of a minute, where a metric says that it has one.
fn once_a_minute(case: &Case) -> Case {
    let mut case = case.clone();
    let function = case.condition["summary_function"].as_str();
    if matches!(function, Some("sum" | "count" | "derivative")) && !case.aggregate {
        case.samples.iter_mut().for_each(|all| all.dedup_by_key(|(time, _)| time.div_euclid(60)));
    }
    case
}

#[test]
fn what_the_service_rolled_up_errs_as_it_is_said() {
    let cases: Vec<Case> = generated().iter().map(once_a_minute).collect();
    let dir = project(&[("a.yaml", &definitions(&cases))]);
    let server = Server::start(&dir.path().join("a.db"));
    let secret = |cli: Cli| cli.env("NOT_SET", "https://example.org/hook");
    secret(server.cli(dir.path())).run(&["apply", "--auto-approve"]).exits(0);
    // Four days old: by the minute.
    let end = now() / 60 * 60 - 4 * 86_400;
    let start = end - LENGTH - 600;
    submit(&server, &cases, start);
    let (from, to) = (start.to_string(), end.to_string());
    let asked = ["backtest", "--start", &from, "--end", &to, "--format", "json"];
    let document = server.cli(dir.path()).run(&asked).exits(0).json();
    let mut said = std::collections::BTreeMap::<String, usize>::new();
    for found in document["alerts"].as_array().unwrap() {
        let number: usize = found["name"].as_str().unwrap().strip_prefix("law.").unwrap().parse().unwrap();
        let (raw, _) = by_machine(&cases[number], number, start, end);
        let all = found["after"]["incidents"].as_array().unwrap();
        let sure = all.iter().filter(|one| one["sure"] == true);
        let sure: Vec<(i64, Option<i64>)> =
            sure.map(|one| (one["opened"].as_i64().unwrap(), one["closed"].as_i64())).collect();
        let [known] = found["after"]["known"].as_array().unwrap().as_slice() else { panic!("{found}") };
        let fidelity = known["fidelity"].as_str().unwrap();
        let (misses, invents) = (!covered(&raw, &sure), !covered(&sure, &raw));
        let wrong = match fidelity {
            "exact" => sure != raw,
            // Silence to an interval is a law of its own, beside the code.
            "shifted" if cases[number].condition["type"] == "absent" => false,
            "shifted" => misses || invents,
            "more" => misses,
            "less" => invents,
            "unknown" | "incomparable" => !sure.is_empty(),
            _ => false,
        };
        assert!(!wrong, "{fidelity}: {:?}\nraw {raw:?}\nrolled up {sure:?}", cases[number]);
        *said.entry(fidelity.to_owned()).or_default() += 1;
        assert_eq!(known["resolution"], 60);
    }
    assert!(said.len() >= 5, "the table has more rows: {said:?}");
}

/// A server with a metric of a day, quiet but for two peaks, and files that lower the threshold of its alert.
struct World {
    dir: tempfile::TempDir,
    server: Server,
}

const BEFORE: &str = r#"
metrics: { shop.ms: { type: gauge, period: 60s } }
services: { hook: { type: webhook, settings: { url: "${secret.NOT_SET}" } } }
alerts:
  shop.slow:
    conditions: [{ type: above, metric_name: shop.ms, source: "web*", threshold: 800, duration: 5m }]
    services: [hook]
  shop.silent:
    conditions: [{ type: absent, metric_name: shop.ms, duration: 5m }]
    services: [hook]
"#;

impl World {
    fn new() -> Self {
        let dir = project(&[("a.yaml", BEFORE)]);
        let server = Server::start(&dir.path().join("a.db"));
        server
            .cli(dir.path())
            .env("NOT_SET", "https://example.org/x")
            .run(&["apply", "--auto-approve"])
            .exits(0);
        let (end, mut gauges) = (now() / 60 * 60, Vec::new());
        for back in 1..=600 {
            let value = match back {
                100..120 => 900,
                300..310 => 700,
                _ => 100,
            };
            let time = end - 60 * back;
            gauges.push(json!({ "name": "shop.ms", "value": value, "source": "web1", "measure_time": time }));
        }
        assert_eq!(server.call("POST", "/v1/metrics", &json!({ "gauges": gauges }).to_string()).0, 200);
        std::fs::write(dir.path().join("a.yaml"), BEFORE.replace("800", "600")).unwrap();
        Self { dir, server }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let mut all = vec!["backtest"];
        if !args.contains(&"--start") {
            all.extend(["--start", "-8h"]);
        }
        all.extend(args);
        self.server.cli(self.dir.path()).run(&all)
    }
}

#[test]
fn before_and_after_are_shown_and_counted() {
    let world = World::new();
    let ran = world.run(&[]).exits(0).prints(&[
        "shop.slow   8h, exact  ",
        "before   ",
        "after (threshold 800 → 600)",
        "incidents / notifications to hook / longest / share of time",
        "1 / 2 / 15m / 3.1 %",
        "2 / 3 / 15m / 4.2 %",
        "web1  peak 700",
        "- none disappear",
        "shop.silent   8h, exact",
        "unchanged",
        "Times are UTC. From 1 request with ",
    ]);
    assert!(
        ran.stdout.find("shop.slow").unwrap() < ran.stdout.find("shop.silent").unwrap(),
        "what changed is first"
    );
    world.run(&["shop.slow", "--max-notifications", "3"]).exits(0);
    world
        .run(&["shop.slow", "--max-notifications", "2"])
        .exits(1)
        .says(&["`shop.slow` would have notified 3 times"]);
    let changed = world.run(&["--changed"]).exits(0).prints(&["shop.slow   8h, exact"]);
    assert!(!changed.stdout.contains("shop.silent"), "{}", changed.stdout);
    world.run(&["shop.silent", "--changed"]).exits(0).prints(&["No alert changes in what it does."]);
    world.run(&["shop.slow", "--from-service"]).exits(0).prints(&["now", "1 / 2 / 15m / 3.1 %"]);
    world.run(&["shop.slow", "--format", "markdown"]).exits(0).prints(&[
        "| shop.slow | 1 / 2 / 15m / 3.1 % | 2 / 3 / 15m / 4.2 % | threshold 800 → 600 |",
        "<details><summary>shop.slow: 8h, exact, notifications to hook</summary>",
    ]);
}

/// An alert that cannot fire has no incidents either, which must not look like success; and nobody is notified of an alert without services.
#[test]
fn what_cannot_fire_and_what_notifies_nobody_is_said() {
    let world = World::new();
    let write = |text: &str| std::fs::write(world.dir.path().join("a.yaml"), text).unwrap();
    write(&BEFORE.replace("web*", "wbe*"));
    let ran = world.run(&["shop.slow"]).exits(0).prints(&[
        "1 / 2 / 15m / 3.1 %   cannot fire",
        "cannot fire: no stream of `shop.ms` has source `wbe*`",
    ]);
    assert!(!ran.stdout.contains("nothing was measured"), "{}", ran.stdout);
    world
        .run(&["shop.slow", "--format", "markdown"])
        .exits(0)
        .prints(&["| shop.slow | 1 / 2 / 15m / 3.1 % | cannot fire |"]);
    assert_eq!(
        world.run(&["shop.slow", "--format", "json"]).exits(0).json()["alerts"][0]["after"]["blind"],
        json!([0])
    );
    // Others of the metric were measured.
    write(&BEFORE.replace("shop.slow", "shop.new").replace("web*", "wbe*"));
    let ran = world.run(&["shop.new"]).exits(0).prints(&["cannot fire"]);
    assert!(!ran.stdout.contains("nothing was measured"), "{}", ran.stdout);
    write(&BEFORE.replace("services: [hook]", "services: []"));
    world.run(&["shop.slow", "--max-notifications", "0"]).exits(0).prints(&["1 / nobody / 15m / 3.1 %"]);
    world
        .run(&["shop.slow", "--sweep", "conditions[0].threshold=500..900:200", "--at-most", "2"])
        .exits(64)
        .says(&["has no services"]);
}

/// Ten hours of measurements are no week.
#[test]
fn time_without_measurements_is_not_called_exact() {
    let world = World::new();
    let ran = world
        .run(&["shop.slow", "--start", "-7d"])
        .exits(0)
        .prints(&["shop.slow   data for 10h of 7 days  "]);
    assert!(!ran.stdout.contains("exact"), "{}", ran.stdout);
    let document = world.run(&["shop.slow", "--start", "-7d", "--format", "json"]).exits(0).json();
    let after = &document["alerts"][0]["after"];
    assert_eq!(after["covered"], 36_000);
    let share = after["totals"]["firing"].as_f64().unwrap() / 36_000.0;
    assert!((after["share"].as_f64().unwrap() - share).abs() < 1e-9, "{after}");
}

/// Whoever keeps a comment up to date with it must not be left with an earlier commit's.
#[test]
fn a_document_is_written_where_there_is_no_backtest() {
    let world = World::new();
    std::fs::write(world.dir.path().join("a.yaml"), "alerts: 3").unwrap();
    world.run(&["--format", "markdown"]).exits(1).prints(&[
        "<!-- librato-apply backtest -->\n### No backtest\n",
        "- **error**",
        "a.yaml:1:9",
    ]);
    let document = world.run(&["--format", "json"]).exits(1).json();
    assert!(document["error"].is_string(), "{document}");
    assert_eq!(document["diagnostics"].as_array().unwrap().len(), 1, "{document}");
    let schema = serde_json::from_slice(&std::fs::read("schemas/backtest.schema.json").unwrap()).unwrap();
    assert!(jsonschema::validator_for(&schema).unwrap().is_valid(&document), "{document}");
}

#[test]
fn values_are_tried_and_the_most_sensitive_is_named() {
    let world = World::new();
    let sweep = ["--sweep", "conditions[0].threshold=500..900:200"];
    world.run(&[&["shop.slow"], &sweep[..], &["--at-most", "2"]].concat()).exits(0).prints(&[
        "conditions[0].threshold   incidents   notifications",
        "500                       2           3",
        "700                       1           2",
        "900                       0           0",
        "most sensitive with at most 2 notifications: 700",
    ]);
    world.run(&sweep).exits(64).says(&["--sweep is for one alert"]);
    let two = ["--sweep", "conditions[0].duration=1m..21m:10m"];
    let document =
        world.run(&[&["shop.slow", "--format", "json"], &sweep[..], &two[..]].concat()).exits(0).json();
    assert_eq!(document["alerts"][0]["sweep"]["runs"].as_array().unwrap().len(), 9);
    world
        .run(&["shop.slow", "--sweep", "conditions[3].threshold=1..2:1"])
        .exits(64)
        .says(&["has no condition 3"]);
    world
        .run(&["shop.slow", "--sweep", "conditions[0].duration=5m..3h:30m"])
        .exits(64)
        .says(&["no alert can have a duration of 65m: it is 1m to 1h"]);
    world.run(&["shop.slow", "--sweep", "threshold=1"]).exits(64).says(&["write conditions[0].threshold="]);
    world
        .run(&["shop.silent", "--sweep", "conditions[0].threshold=1..2:1"])
        .exits(64)
        .says(&["it has no threshold"]);
    world.run(&["shop.slow", "--at-most", "2"]).exits(64);
}

#[test]
fn what_a_limit_cuts_off_is_said() {
    let world = World::new();
    // Raw data, and what is older.
    let cut = world.run(&["shop.slow", "--start", "-7d", "--max-requests", "1"]).exits(4);
    cut.prints(&["not read: left out", "counted since "]).says(&["--max-requests 1 was met"]);
    let document = world.run(&["shop.slow", "--max-points", "10", "--format", "json"]).exits(4).json();
    assert_eq!(document["cut"], "--max-points 10");
    let after = &document["alerts"][0]["after"];
    assert_eq!((&after["known"][0]["fidelity"], &after["counted_since"]), (&json!("unread"), &Value::Null));
    // Nothing was seen is not the same as nothing happened.
    world.run(&["shop.slow", "--max-points", "10"]).exits(4).prints(&["cannot be evaluated"]);
}

#[test]
fn documents_fit_their_schema_and_mistakes_are_said() {
    let world = World::new();
    let schema: Value =
        serde_json::from_slice(&std::fs::read("schemas/backtest.schema.json").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for args in [
        &["--format", "json"][..],
        &["--format", "json", "--from-service"],
        &[
            "shop.slow",
            "--format",
            "json",
            "--sweep",
            "conditions[0].threshold=500..900:200",
            "--at-most",
            "2",
        ],
    ] {
        let document = world.run(args).exits(0).json();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{document}");
    }
    world
        .run(&["shop.slwo"])
        .exits(64)
        .says(&["no alert is called `shop.slwo`", "did you mean `shop.slow`?"]);
    world
        .run(&["a.yaml"])
        .exits(64)
        .says(&["`a.yaml` is a path", "definitions are read with --files a.yaml"]);
    world.run(&["--end", "-9h"]).exits(64).says(&["--end is not after --start"]);
    std::fs::write(world.dir.path().join("a.yaml"), BEFORE.replace("shop.ms, source", "shop.sm, source"))
        .unwrap();
    world.run(&["shop.slow"]).exits(0).prints(&["nothing was measured of `shop.sm`"]);
    std::fs::write(world.dir.path().join("a.yaml"), "alerts: 3").unwrap();
    world.run(&[]).exits(1).says(&["a.yaml:1:9"]);
}
