//! VictoriaMetrics as a witness of the rules for engines whose ranges leave out their beginning: filled with made-up measurements, with
//! `vmalert -replay` over it, alerts fire at exactly the minutes at which our own evaluation says so.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use librato_apply::model::Moment;
use serde_json::Value;

use crate::prometheus::{Given, ROWS, program, project, rendered, said};

/// The service, ended with the test.
struct Victoria {
    child: Child,
    port: u16,
}

impl Drop for Victoria {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

impl Victoria {
    fn start(binary: &Path, data: &Path) -> Self {
        let port = free_port();
        let mut command = Command::new(binary);
        command.arg(format!("-storageDataPath={}", data.display()));
        command.arg(format!("-httpListenAddr=127.0.0.1:{port}"));
        command.args(["-retentionPeriod=100y", "-search.latencyOffset=0s", "-memory.allowedPercent=5"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let victoria = Self { child, port };
        let begun = Instant::now();
        while victoria.try_ask("GET /health", "").is_none() {
            assert!(begun.elapsed() < Duration::from_secs(60), "VictoriaMetrics does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        victoria
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    fn try_ask(&self, call: &str, body: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        let length = body.len();
        write!(stream, "{call} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?;
        status.starts_with('2').then(|| body.to_owned())
    }

    fn ask(&self, call: &str, body: &str) -> String {
        self.try_ask(call, body).unwrap_or_else(|| panic!("{call} fails"))
    }

    /// Everything that was written can be read.
    fn settle(&self) {
        self.ask("GET /internal/force_flush", "");
        self.ask("GET /internal/resetRollupResultCache", "");
    }
}

/// Labels of what fires, in order.
type Firing = BTreeSet<String>;

fn key(labels: &Value) -> String {
    let labels: BTreeMap<&String, &Value> = labels.as_object().unwrap().iter().collect();
    serde_json::to_string(&labels).unwrap()
}

/// What fires of an alert, by seconds after the beginning.
fn fired(victoria: &Victoria, alert: &str, begin: i64) -> BTreeMap<i64, Firing> {
    let selector = format!("ALERTS%7Balertname%3D%22{alert}%22%2Calertstate%3D%22firing%22%7D");
    let (from, until) = (begin - 1, begin + 3_600);
    let call = format!("GET /api/v1/export?match%5B%5D={selector}&start={from}&end={until}");
    let mut found: BTreeMap<i64, Firing> = BTreeMap::new();
    for line in victoria.ask(&call, "").lines().filter(|line| !line.is_empty()) {
        let mut series: Value = serde_json::from_str(line).unwrap();
        for ours in ["__name__", "alertname", "alertstate", "alertgroup"] {
            series["metric"].as_object_mut().unwrap().remove(ours);
        }
        for time in series["timestamps"].as_array().unwrap() {
            let at = time.as_i64().unwrap() / 1_000 - begin;
            found.entry(at).or_default().insert(key(&series["metric"]));
        }
    }
    found
}

fn stamp(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).unwrap().to_string()
}

#[test]
fn rules_fire_at_the_minutes_at_which_alerts_do() {
    let packages = ("victoria-metrics-1.79", "victoria-metrics");
    let Some(binary) = program(packages.0, packages.1, "usr/bin/victoria-metrics") else { return };
    let vmalert = binary.with_file_name("vmalert");
    let dir = tempfile::tempdir().unwrap();
    let victoria = Victoria::start(&binary, &dir.path().join("data"));
    let (mut looks, mut alerts, mut begin) = (0, 0, 1_700_006_400);
    for (seed, missing) in [(1, 0), (2, 10)] {
        let (file, out) = (dir.path().join("law.yaml"), dir.path().join(format!("out{seed}")));
        std::fs::write(&file, project(seed, missing).replace("engine: 2", "engine: 3")).unwrap();
        let done = rendered(&[file.to_str().unwrap()], &out, &["--tests", "written"]);
        assert_eq!(done.status.code(), Some(0), "{}", said(&done));
        let tests = std::fs::read_to_string(out.join("tests/r.test.yml")).unwrap();
        let tests: Value = serde_yaml::from_str(&tests).unwrap();
        for test in tests["tests"].as_array().unwrap() {
            // Days apart, so that no test sees anything of another.
            begin += 3 * 86_400;
            let mut lines = String::new();
            for given in test["input_series"].as_array().unwrap() {
                let series = given["series"].as_str().unwrap();
                let step = Moment::parse(test["interval"].as_str().unwrap()).unwrap().0;
                for (value, at) in given["values"].as_str().unwrap().split(' ').zip(0..) {
                    if value != "_" {
                        lines += &format!("{series} {value} {}\n", (begin + step * at) * 1_000);
                    }
                }
            }
            victoria.ask("POST /api/v1/import/prometheus", &lines);
            victoria.settle();
            replay(&vmalert, &victoria, &out, begin);
            victoria.settle();
            let checks = test["alert_rule_test"].as_array().unwrap();
            let alert = checks[0]["alertname"].as_str().unwrap();
            let found = fired(&victoria, alert, begin);
            for check in checks {
                let at = Moment::parse(check["eval_time"].as_str().unwrap()).unwrap().0;
                let expected = check["exp_alerts"].as_array().unwrap().iter();
                let expected: Firing = expected.map(|alert| key(&alert["exp_labels"])).collect();
                looks += 1;
                alerts += expected.len();
                let found = found.get(&at).cloned().unwrap_or_default();
                assert_eq!(found, expected, "seed {seed}: {alert} at {at} s\n{}", project(seed, missing));
            }
        }
    }
    println!("VictoriaMetrics: {looks} looks agree, {alerts} alerts");
    assert!(looks > 1_000 && alerts > 100, "{looks} looks, {alerts} alerts");
}

fn replay(vmalert: &Path, victoria: &Victoria, out: &Path, begin: i64) {
    let mut command = Command::new(vmalert);
    command.arg(format!("-rule={}/rules/r.yml", out.display()));
    for place in ["datasource", "remoteWrite", "remoteRead"] {
        command.arg(format!("-{place}.url={}", victoria.url()));
    }
    command.arg(format!("-replay.timeFrom={}", stamp(begin)));
    command.arg(format!("-replay.timeTo={}", stamp(begin + 3_540)));
    command.arg(format!("-httpListenAddr=127.0.0.1:{}", free_port()));
    let done = command.args(["-datasource.queryStep=1m", "-replay.rulesDelay=0s"]).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
}

/// What a row measures, from a second on.
fn imported(given: Given<'_>, begin: i64) -> String {
    let mut lines = String::new();
    for (metric, pairs, values) in given {
        let pairs = pairs.split(',').filter_map(|pair| pair.split_once('='));
        let labels: Vec<String> = pairs.map(|(label, value)| format!("{label}=\"{value}\"")).collect();
        for (value, minute) in values.split(' ').zip(0..).filter(|(value, _)| *value != "_") {
            let time = (begin + 60 * minute) * 1_000;
            lines += &format!("{metric}{{{}}} {value} {time}\n", labels.join(","));
        }
    }
    lines
}

/// `labels: value@minute …` of each series, in order.
fn shown(answer: &Value, begin: i64) -> Vec<String> {
    let mut found = Vec::new();
    for series in answer["data"]["result"].as_array().unwrap() {
        let labels: BTreeMap<&String, &Value> =
            series["metric"].as_object().unwrap().iter().filter(|(name, _)| *name != "__name__").collect();
        let labels: Vec<String> =
            labels.iter().map(|(name, value)| format!("{name}={}", value.as_str().unwrap())).collect();
        let points = series["values"].as_array().unwrap().iter().map(|point| {
            let minute = (point[0].as_f64().unwrap() as i64 - begin) / 60;
            // As the rows are written: 0.1 is 0.1, also where a sum of fractions is not.
            let value: f64 = point[1].as_str().unwrap().parse().unwrap();
            format!("{}@{minute}", (value * 1e9).round() / 1e9)
        });
        found.push(format!("{}: {}", labels.join(","), points.collect::<Vec<_>>().join(" ")));
    }
    found.sort();
    found
}

#[test]
fn composites_have_the_values_that_were_worked_by_hand() {
    let packages = ("victoria-metrics-1.79", "victoria-metrics");
    let Some(binary) = program(packages.0, packages.1, "usr/bin/victoria-metrics") else { return };
    let dir = tempfile::tempdir().unwrap();
    let victoria = Victoria::start(&binary, &dir.path().join("data"));
    let (file, out) = (dir.path().join("rows.yaml"), dir.path().join("out"));
    std::fs::write(&file, crate::prometheus::rows(3)).unwrap();
    let done = rendered(&[file.to_str().unwrap()], &out, &["--tests", "none"]);
    assert_eq!(done.status.code(), Some(4), "{}", said(&done));
    let rules: Value =
        serde_yaml::from_str(&std::fs::read_to_string(out.join("rules/row.yml")).unwrap()).unwrap();
    let rules: BTreeMap<&str, &str> = rules["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["record"].as_str().unwrap(), rule["expr"].as_str().unwrap()))
        .collect();
    // Days apart, so that no row sees anything of another.
    let begin = |at: usize| 1_700_006_400 + i64::try_from(at).unwrap() * 3 * 86_400;
    for (at, (_, given, _, _)) in ROWS.iter().enumerate() {
        victoria.ask("POST /api/v1/import/prometheus", &imported(given, begin(at)));
    }
    victoria.settle();
    let (mut rows, mut values) = (0, 0);
    for (at, (composite, _, fidelity, expected)) in ROWS.iter().enumerate() {
        let Some(expression) = rules.get(format!("librato:row_c{at}").as_str()) else {
            assert_eq!(*fidelity, "refused", "{composite}");
            continue;
        };
        let (from, until) = (begin(at), begin(at) + 300);
        let query: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let call =
            format!("GET /api/v1/query_range?query={query}&start={from}&end={until}&step=60&nocache=1");
        let answer: Value = serde_json::from_str(&victoria.ask(&call, "")).unwrap();
        let mut expected: Vec<String> = expected.iter().map(|line| (*line).to_owned()).collect();
        expected.sort();
        let found = shown(&answer, from);
        assert_eq!(found, expected, "{composite}\n{expression}");
        rows += 1;
        values += found.iter().map(|line| line.matches('@').count()).sum::<usize>();
    }
    println!("VictoriaMetrics: {values} values of {rows} rows are those worked by hand");
}
