//! `query`: what a metric or a composite holds, as people and as programs read it.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::{self, Cli, Ran, Server, Trap, http_answer, json_answer};
use librato_apply::client::{Librato, Window};
use serde_json::{Value, json};

/// The example of python-librato's README: the mean over all cities, one point an hour, for eight hours.
const MEAN: &str = r#"mean(s("temperature", "*", {function: "mean", period: "3600"}))"#;

fn epoch() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap()
}

/// The beginning of this hour.
fn this_hour() -> i64 {
    epoch() / 3600 * 3600
}

struct World {
    dir: tempfile::TempDir,
    server: Server,
    hour: i64,
}

impl World {
    /// Three cities over seven hours; tests/clients/python_librato_086.py submits and asks the same.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(&dir.path().join("a.db"));
        let hour = this_hour();
        let mut gauges = Vec::new();
        for back in 1..8 {
            for (city, value) in [("berlin", 10), ("oslo", 4), ("rome", 22)] {
                for minute in [0, 20, 40] {
                    let time = hour - 3600 * back + 60 * minute;
                    let value = value + back + minute / 20;
                    gauges.push(
                        json!({"name": "temperature", "value": value, "source": city, "measure_time": time}),
                    );
                }
            }
        }
        assert_eq!(server.call("POST", "/v1/metrics", &json!({ "gauges": gauges }).to_string()).0, 200);
        let units = r#"{"attributes":{"display_units_short":"°C"}}"#;
        assert_eq!(server.call("PUT", "/v1/metrics/temperature", units).0, 204);
        Self { dir, server, hour }
    }

    fn query(&self, args: &[&str]) -> Ran {
        let mut all = vec!["query"];
        all.extend(args);
        self.server.cli(self.dir.path()).run(&all)
    }

    fn get(&self, query: &str) -> Value {
        let (status, body) = self.server.call("GET", &format!("/v1/{query}"), "");
        assert_eq!(status, 200, "{body}");
        body
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// `(time, value)` of the points of one series.
fn points(series: &Value, list: &str, time: &str) -> Vec<(i64, f64)> {
    let points = series[list].as_array().unwrap_or_else(|| panic!("no {list} in {series}"));
    points.iter().map(|point| (point[time].as_i64().unwrap(), point["value"].as_f64().unwrap())).collect()
}

#[test]
fn the_example_of_the_readme_has_the_same_numbers_everywhere() {
    let world = World::new();
    let expected: Vec<(i64, f64)> =
        (1..8).rev().map(|back| (world.hour - 3600 * back, 13.0 + back as f64)).collect();
    let asked = format!("compose={}&start_time={}&resolution=1", encoded(MEAN), epoch() - 8 * 3600);
    assert_eq!(
        points(&world.get(&format!("metrics?{asked}"))["measurements"][0], "series", "measure_time"),
        expected
    );
    assert_eq!(
        points(&world.get(&format!("measurements?{asked}"))["series"][0], "measurements", "time"),
        expected
    );
    let query = |more: &[&str]| {
        let mut args = vec![MEAN, "--start", "-8h", "--format", "json"];
        args.extend(more);
        points(&world.query(&args).exits(0).json()["series"][0], "points", "time")
    };
    assert_eq!(query(&[]), expected);
    assert_eq!(query(&["--explain"]), expected, "evaluated on this side");
    let by_library = tokio::runtime::Runtime::new().unwrap().block_on(async {
        let librato = Librato::connect(world.server.endpoint(), cli::USER, cli::TOKEN).open().unwrap();
        librato.compose(MEAN, &Window::last(Duration::from_secs(8 * 3600))).await.unwrap()
    });
    let found = by_library.series[0].points.iter().map(|point| (point.time as i64, point.value.unwrap()));
    assert_eq!(found.collect::<Vec<_>>(), expected, "by the library");
    let definition = json!({"type": "composite", "composite": MEAN}).to_string();
    assert_eq!(world.server.call("PUT", "/v1/metrics/mean", &definition).0, 201);
    let named = world.query(&["mean", "--start", "-8h", "--format", "json"]).exits(0).json();
    assert_eq!((points(&named["series"][0], "points", "time"), &named["query"]), (expected, &json!("mean")));
}

#[test]
fn documents_fit_their_schema() {
    let world = World::new();
    let schema: Value = serde_json::from_slice(&std::fs::read("schemas/query.schema.json").unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for args in [vec![MEAN, "--explain"], vec!["temperature"], vec![r#"sum(s("nobody","*"))"#]] {
        let document =
            world.query(&[args, vec!["--start", "-8h", "--format", "json"]].concat()).exits(0).json();
        let errors: Vec<String> = validator.iter_errors(&document).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{document}");
        assert_eq!(document["format_version"], 1);
    }
}

#[test]
fn every_format_shows_every_series() {
    let world = World::new();
    let (start, end) = ((world.hour - 7 * 3600).to_string(), (world.hour - 1).to_string());
    let query = |format| {
        world
            .query(&[
                "temperature",
                "--start",
                &start,
                "--end",
                &end,
                "--resolution",
                "1h",
                "--format",
                format,
            ])
            .exits(0)
    };
    let table = query("table").prints(&["A  source=berlin (°C)", "C  source=rome (°C)"]).stdout;
    assert!(table.lines().last().unwrap().ends_with("12   6  24"), "{table}");
    let csv = query("csv").stdout;
    assert!(csv.starts_with("time,metric,source,value\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 1 + 3 * 7);
    let plot = query("plot").prints(&["°C", "B  source=oslo (°C): 7 points", " └"]).stdout;
    assert!(plot.lines().all(|line| line.chars().count() <= 100), "{plot}");
    let json = query("json").json();
    assert_eq!(json["series"].as_array().unwrap().len(), 3);
    assert_eq!((&json["resolution"], &json["series"][1]["units"]), (&json!(3600), &json!("°C")));
    let one =
        world.query(&["temperature", "--start", "-8h", "--source", "o*", "--format", "csv"]).exits(0).stdout;
    assert!(one.contains(",oslo,") && !one.contains("rome"), "{one}");
}

#[test]
fn tags_and_dynamic_sources_are_chosen() {
    let world = World::new();
    for (host, value) in [("a", 1), ("b", 2)] {
        let body = json!({"time": world.hour, "measurements": [{"name": "load", "value": value, "tags": {"host": host}}]});
        assert_eq!(world.server.call("POST", "/v1/measurements", &body.to_string()).0, 202);
    }
    let values = |args: &[&str]| -> Vec<f64> {
        let found = world.query(&[args, &["--start", "-8h", "--format", "json"]].concat()).exits(0).json();
        let series = found["series"].as_array().unwrap().clone();
        series.iter().map(|one| points(one, "points", "time").last().unwrap().1).collect()
    };
    assert_eq!(values(&["load"]), [1.0, 2.0]);
    assert_eq!(values(&["load", "--tag", "host=b"]), [2.0]);
    assert_eq!(values(&["load", "--tag", "host=b", "--explain"]), [2.0]);
    assert_eq!(values(&[r#"sum(s("load", {host: "%"}))"#, "--tag", "host=a"]), [1.0]);
    assert_eq!(values(&[r#"sum(s("load", {host: "%"}))"#]), [3.0], "nobody chose");
    assert_eq!(values(&[r#"sum(s("temperature", "%"))"#, "--source", "rome"]), [25.0]);
    let nowhere = world.query(&[r#"sum(s("load","*"))"#, "--source", "a"]).exits(64);
    nowhere.says(&["--source has nothing to choose", r#"s("…", "%")"#]);
    world
        .query(&[r#"sum(s("load","%"))"#, "--tag", "host=a"])
        .exits(64)
        .says(&["--tag host has nothing to choose"]);
}

#[test]
fn what_is_wrong_is_told_before_anything_is_sent() {
    let trap = Trap::start(None);
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &trap.endpoint());
        cli.env("LIBRATO_USER", "u")
            .env("LIBRATO_TOKEN", "token-of-the-tests")
            .run(&[&["query"], args].concat())
    };
    run(&[r#"maen(s("temperature","*"))"#]).exits(1).says(&[
        "error[unknown-function]: there is no function `maen`",
        " --> composite:1:1",
        "1 | maen(s(\"temperature\",\"*\"))",
        "did you mean mean(set)",
    ]);
    run(&["web.*"]).exits(64).says(&["a pattern, not the name", r#"'s("web.*", "*")'"#]);
    run(&[" "]).exits(64).says(&["nothing to ask for"]);
    run(&["a", "--start", "noon"]).exits(64).says(&["--start `noon` is not a time", "+2h30m"]);
    run(&["a", "--start", "-1h", "--end", "-2h"]).exits(64).says(&["--end is not after --start"]);
    run(&["a", "--time-zone", "Mars/Base"]).exits(64).says(&["there is no time zone `Mars/Base`"]);
    run(&["a", "--tag", "host"]).exits(64).says(&["--tag needs NAME=PATTERN"]);
    run(&["a", "--source", "x", "--tag", "a=b"]).exits(64);
    assert!(trap.seen().is_empty());
}

#[test]
fn empty_answers_say_why() {
    let world = World::new();
    for (asked, why) in [
        (r#"sum(s("temprature","*"))"#, "there is no metric `temprature`; did you mean `temperature`?"),
        (
            r#"divide([s("temperature","*"), s("temperature","rome")])"#,
            "divide: wants exactly two series and got 4",
        ),
        (r#"filter(s("temperature","*"), {gt: "1000"})"#, "filter: makes nothing of the "),
        (r#"group_by("host", sum(s("temperature","*")))"#, "group_by: no series has host"),
    ] {
        let ran = world.query(&[asked, "--start", "-8h"]).exits(0).prints(&["no points"]);
        ran.says(&["nothing to show", why, "--explain"]);
    }
    let past = world.query(&["temperature", "--start", "-20h", "--end", "-10h"]).exits(0);
    past.says(&[r#"s("temperature", "*"): no series matches, or none has data in this time"#]);
    world
        .query(&["temprature"])
        .exits(1)
        .says(&["there is no metric `temprature`", "did you mean `temperature`?"]);
    let json = world.query(&["temperature", "--start", "-20h", "--end", "-10h", "--format", "json"]).exits(0);
    assert_eq!(json.json()["series"], json!([]));
}

#[test]
fn explanations_show_what_each_part_matched() {
    let world = World::new();
    let ran = world
        .query(&[r#"zero_fill(mean(s("temp*", "*", {period: "3600"})))"#, "--start", "-8h", "--explain"])
        .exits(0);
    ran.prints(&[
        "zero_fill: 1 series, 9 points\n  mean: 1 series, 7 points\n    s(\"temp*\", \"*\", {period: \"3600\"}): 3 series, 21 points\n",
        "      = temperature {source=oslo}: 7 samples, every 1h\n",
    ]);
    let unknown =
        world.query(&[r#"zero_fill(s("temperature","*"))"#, "--start", "-8h", "--explain"]).exits(1);
    unknown.says(&[
        "error[unknown-period]: gaps cannot be filled without knowing the period of `temperature`",
        "composite:1:1",
    ]);
    let definition = json!({"type": "composite", "composite": MEAN}).to_string();
    world.server.call("PUT", "/v1/metrics/mean", &definition);
    let nested = world.query(&[r#"sum(s("mean","*"))"#, "--explain"]).exits(1);
    nested.says(&["error[no-data]: `mean` is a composite, and composites cannot be nested", "composite:1:5"]);
    world
        .query(&[r#"sum(s("mean","*"))"#])
        .exits(1)
        .says(&["composites cannot be nested (line 1, column 5)"]);
}

/// Explaining evaluates what the service would, whatever the definition.
#[test]
fn both_sides_agree() {
    let world = World::new();
    let (start, end) = ((world.hour - 5 * 3600 + 77).to_string(), (world.hour - 3600).to_string());
    for text in [
        r#"s("temperature", "*")"#,
        r#"derive(sum(s("temperature", "*", {period: "1200"})))"#,
        r#"timeshift("0,1h", max(s("t*", "*", {function: "max", period: "3600"})))"#,
        r#"map({source: "*"}, divide([s("temperature", "&"), sum(s("temperature", "*"))]))"#,
        r#"top(s("temperature", "*"), {count: "2", function: "max"})"#,
        r#"group_by("source", integrate(s("temperature", "*")))"#,
    ] {
        let ask = |more: &[&str]| {
            let args =
                [&[text, "--start", &start, "--end", &end, "--resolution", "20m", "--format", "json"], more]
                    .concat();
            world.query(&args).exits(0).json()["series"].clone()
        };
        let (theirs, ours) = (ask(&[]), ask(&["--explain"]));
        assert!(!theirs.as_array().unwrap().is_empty(), "{text}");
        let bare = |series: &Value| -> Vec<Value> {
            let list = series.as_array().unwrap().iter().cloned();
            list.map(|mut one| {
                one.as_object_mut().unwrap().shift_remove("units");
                one
            })
            .collect()
        };
        assert_eq!(bare(&theirs), bare(&ours), "{text}");
    }
}

/// A service that knows only sources, gives pages, and keeps old data coarsely.
#[test]
fn other_services_are_understood() {
    let answer = |head: &str| {
        let path = head.split(' ').nth(1).unwrap();
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let record = |time: i64, value: f64| json!({"measure_time": time, "value": value, "count": 2, "sum": 2.0 * value});
        let body = match path {
            "/v1/metrics/hits" if query.is_empty() => {
                json!({"name": "hits", "type": "gauge", "period": 60, "attributes": {"display_units_long": "hits\u{1b}[2J"}})
            }
            "/v1/metrics/hits" if query.contains("resolution=60") => {
                let said = r#"{"errors":{"request":["The requested data resolution is unavailable for the given time range."]}}"#;
                return Some(json_answer(400, said));
            }
            "/v1/metrics/hits" if query.contains("start_time=1700000100") => {
                json!({"measurements": {"a": [record(1_700_000_100, 5.0)], "evil\u{9b}31m": [record(1_700_000_100, 1.0)]}})
            }
            "/v1/metrics/hits" => {
                json!({"measurements": {"a": [record(1_699_999_200, 3.0)]}, "query": {"next_time": 1_700_000_100}})
            }
            "/v1/metrics" => json!({"compose": "x", "measurements": [
                {"metric": {"name": "hits"}, "source": {"name": "a"}, "period": 900,
                 "series": [{"measure_time": 1_699_999_200, "value": 3.0}]}]}),
            _ => return Some(http_answer(404, "text/html", "<html><title>404</title></html>")),
        };
        Some(json_answer(200, &body.to_string()))
    };
    let trap = Trap::start_by(answer);
    let dir = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| {
        let cli = Cli::new(dir.path()).env("LIBRATO_ENDPOINT", &trap.endpoint());
        let time = ["--start", "1699999200", "--end", "1700001000", "--resolution", "60"];
        cli.env("LIBRATO_USER", "u")
            .env("LIBRATO_TOKEN", "token-of-the-tests")
            .run(&[&["query"], args, &time[..]].concat())
    };
    let plain = run(&["hits"]).exits(0).prints(&["source=a", "source=evil"]);
    assert!(!plain.stdout.contains(['\u{1b}', '\u{9b}']), "{}", plain.stdout);
    assert!(plain.stdout.contains("22:15  5  1\n"), "{}", plain.stdout);
    let explained = run(&[r#"sum(s("hits","a"))"#, "--explain"]).exits(0);
    explained.prints(&["= hits {source=a}: 2 samples, every 15m", "22:00", "22:15"]);
    run(&[r#"sum(s("hits","a"))"#]).exits(0).prints(&["2023-11-14 22:00", "  3\n"]);
    run(&["unheard.of"]).exits(1).says(&["there is no metric `unheard.of`"]);
}

/// Planning nothing and asking nothing writes nothing: an embedded file that does not exist is not made.
#[test]
fn asking_makes_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let ran = Cli::new(dir.path()).run(&["query", r#"s("a","*")"#, "--endpoint", "embedded:./none.db"]);
    ran.exits(1).says(&["there is no file ./none.db"]);
    assert!(!Path::new(dir.path()).join("none.db").exists());
}

/// A picture is text that stands for itself, the same each time, or pixels; what it shows is said in a sentence.
#[test]
fn answers_are_pictures_too() {
    let world = World::new();
    let (start, end) = ((world.hour - 8 * 3600).to_string(), world.hour.to_string());
    let asked = ["temperature", "--start", &start, "--end", &end, "--format", "svg"];
    let svg = world.query(&asked);
    assert_eq!(svg.code, 0, "{}", svg.stderr);
    for expected in ["<svg xmlns", "source=oslo", "°C", " UTC</text>", "3 series"] {
        assert!(svg.stdout.contains(expected), "{expected} in {}", svg.stdout);
    }
    assert_eq!(svg.stdout, world.query(&asked).stdout);

    let file = world.dir.path().join("t.png");
    let mut png = asked.to_vec();
    png[6] = "png";
    png.extend(["--theme", "dark", "--out", file.to_str().unwrap()]);
    let ran = world.query(&png);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.contains("greatest 31 °C by source=rome"), "{}", ran.stderr);
    assert!(std::fs::read(&file).unwrap().starts_with(b"\x89PNG"));

    let refused = world.query(&["temperature", "--out", "x.csv", "--format", "csv"]);
    assert_eq!(refused.code, 64);
    assert!(refused.stderr.contains("--out is for pictures"), "{}", refused.stderr);
}
