//! Debian's Prometheus over our server, by the lines of configuration that docs/prometheus.md shows: what is rendered for composites and
//! is called exact has over the measurements stored here the values that the server itself answers.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use serde_json::{Value, json};

use crate::prometheus::{Dice, ROWS, program, rendered, said};
use crate::server::{Server, TOKEN, USER};

const MINUTES: i64 = 120;

/// Ended with the test.
struct Prometheus {
    child: Child,
    host: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of an answer, if it is one of success.
fn ask(host: &str, call: &str, body: &str) -> Result<Value, String> {
    let mut stream = TcpStream::connect(host).map_err(|error| error.to_string())?;
    let login = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}"));
    let length = body.len();
    write!(
        stream,
        "{call} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Basic {login}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .map_err(|error| error.to_string())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("no answer")?;
    let status = head.split(' ').nth(1).unwrap_or_default();
    let success = status.starts_with('2');
    let value =
        || if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap_or(Value::Null) };
    success.then(value).ok_or_else(|| format!("{status}: {body}"))
}

impl Prometheus {
    /// With the configuration of the page, but for the address and the token.
    fn over(server: &Server, directory: &std::path::Path) -> Option<Prometheus> {
        let binary = program("prometheus-2.42", "prometheus", "usr/bin/prometheus")?;
        let page = include_str!("../../docs/prometheus.md");
        let (_, config) = page.split_once("```yaml try/prometheus.yml\n").unwrap();
        let (config, _) = config.split_once("```").unwrap();
        let config = config.replace("127.0.0.1:8080", &server.host).replace("$LIBRATO_TOKEN", TOKEN);
        let file = directory.join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let host = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
        let child = Command::new(binary)
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", directory.join("tsdb").display()))
            .arg(format!("--web.listen-address={host}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (prometheus, begun) = (Prometheus { child, host }, Instant::now());
        while ask(&prometheus.host, "GET /api/v1/status/buildinfo", "").is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "Prometheus does not start");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(prometheus)
    }

    fn range(&self, expression: &str, (start, end): (i64, i64)) -> Results {
        let call =
            format!("GET /api/v1/query_range?query={}&start={start}&end={end}&step=60", encoded(expression));
        let answer = ask(&self.host, &call, "").unwrap_or_else(|why| panic!("{expression}: {why}"));
        let mut found = Results::new();
        for series in answer["data"]["result"].as_array().unwrap() {
            let mut labels: BTreeMap<String, String> =
                serde_json::from_value(series["metric"].clone()).unwrap();
            labels.remove("__name__");
            for point in series["values"].as_array().unwrap() {
                let value = point[1].as_str().unwrap().parse().unwrap();
                let before = found.insert((labels.clone(), point[0].as_f64().unwrap() as i64), value);
                assert!(before.is_none(), "{expression}: {labels:?} twice");
            }
        }
        found
    }
}

/// Values by labels and second.
type Results = BTreeMap<(BTreeMap<String, String>, i64), f64>;

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// What the server itself says of a definition.
fn ours(server: &Server, composite: &str, (start, end): (i64, i64)) -> Results {
    let call = format!(
        "GET /v1/measurements?compose={}&resolution=60&start_time={start}&end_time={end}",
        encoded(composite)
    );
    let answer = ask(&server.host, &call, "").unwrap_or_else(|why| panic!("{composite}: {why}"));
    let mut found = Results::new();
    for series in answer["series"].as_array().unwrap() {
        let labels: BTreeMap<String, String> = serde_json::from_value(series["tags"].clone()).unwrap();
        for point in series["measurements"].as_array().unwrap() {
            found.insert((labels.clone(), point["time"].as_i64().unwrap()), point["value"].as_f64().unwrap());
        }
    }
    found
}

/// Every series of the rows with other values, of which some are missing.
fn fill(server: &Server, start: i64) {
    let mut dice = Dice(7);
    let mut series: Vec<(&str, &str)> = Vec::new();
    for (_, given, _, _) in ROWS {
        for (metric, labels, _) in *given {
            if !series.contains(&(metric, labels)) {
                series.push((metric, labels));
            }
        }
    }
    for name in ["x", "n", "d", "used", "total", "u", "t", "c"] {
        let kind = if name == "c" { "counter" } else { "gauge" };
        let body = json!({ "type": kind, "period": 60 }).to_string();
        ask(&server.host, &format!("PUT /v1/metrics/{name}"), &body).unwrap();
    }
    for (metric, labels) in series {
        let (mut total, mut points) = (0, Vec::new());
        for minute in 0..MINUTES {
            total = if dice.below(40) == 0 { 0 } else { total + dice.below(6) };
            let value = if metric == "c" { total as f64 } else { dice.below(2_000) as f64 / 100.0 - 5.0 };
            if dice.below(10) != 0 {
                points.push((start + 60 * minute, value));
            }
        }
        let tags: BTreeMap<&str, &str> = labels.split(',').filter_map(|pair| pair.split_once('=')).collect();
        let (call, body) = if let (Some(source), 1) = (tags.get("source"), tags.len()) {
            let one = |(time, value): &(i64, f64)| json!({ "name": metric, "source": source, "value": value, "measure_time": time });
            let all: Vec<Value> = points.iter().map(one).collect();
            let section = if metric == "c" { "counters" } else { "gauges" };
            ("POST /v1/metrics", json!({ section: all }))
        } else {
            let one = |(time, value): &(i64, f64)| json!({ "name": metric, "tags": tags, "value": value, "time": time });
            let all: Vec<Value> = points.iter().map(one).collect();
            ("POST /v1/measurements", json!({ "measurements": all }))
        };
        ask(&server.host, call, &body.to_string()).unwrap();
    }
}

#[test]
fn composites_over_what_is_stored_have_the_values_that_the_server_answers() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data.db"), &[]);
    let Some(prometheus) = Prometheus::over(&server, dir.path()) else { return };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let start = i64::try_from(now).unwrap() / 3_600 * 3_600 - 3 * 3_600;
    fill(&server, start);

    let (file, out) = (dir.path().join("rows.yaml"), dir.path().join("out"));
    let mut text = "settings: { prometheus: { owner: rows, engine: 2 } }\nmetrics:\n".to_owned();
    for metric in ["x", "n", "d", "used", "total", "u", "t"] {
        text += &format!("  {metric}: {{ type: gauge, period: 60s }}\n");
    }
    text += "  c: { type: counter, period: 60s }\ncomposites:\n";
    let exact: Vec<&str> = ROWS.iter().filter(|(_, _, mark, _)| *mark == "exact").map(|row| row.0).collect();
    for (at, composite) in exact.iter().enumerate() {
        text += &format!("  row.c{at}: {{ composite: '{composite}' }}\n");
    }
    std::fs::write(&file, &text).unwrap();
    let done = rendered(&[file.to_str().unwrap()], &out, &["--tests", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let rules = std::fs::read_to_string(out.join("rules/row.yml")).unwrap();
    let rules: Value = serde_yaml::from_str(&rules).unwrap();
    let rules: BTreeMap<&str, &str> = rules["groups"][0]["rules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rule| (rule["record"].as_str().unwrap(), rule["expr"].as_str().unwrap()))
        .collect();

    // Begins late enough that nothing looks for what lies before the first measurement.
    let time = (start + 1_800, start + 60 * (MINUTES - 1));
    let mut compared = 0;
    for (at, composite) in exact.iter().enumerate() {
        let expression = rules[format!("librato:row_c{at}").as_str()];
        // The server looks at nothing before the time that is asked for.
        let mut ours = ours(&server, composite, (start, time.1));
        ours.retain(|(_, second), _| *second >= time.0);
        let theirs = prometheus.range(expression, time);
        assert!(!ours.is_empty(), "{composite}");
        let (mine, other): (Vec<_>, Vec<_>) = (ours.keys().collect(), theirs.keys().collect());
        assert_eq!(mine, other, "{composite}\n{expression}");
        for (place, value) in &ours {
            let other = theirs[place];
            let near = (value - other).abs() <= 1e-9 * value.abs().max(other.abs());
            assert!(near, "{composite}\n{expression}\n{place:?}: {value} here, {other} there");
        }
        compared += ours.len();
    }
    println!("remote read: {compared} values of {} composites are the same", exact.len());
    assert!(compared > 2_000, "{compared}");

    // Statistics, and names that only match.
    let same = prometheus.range("x:sum == on (source) x", time);
    assert!(same.len() > 100, "what was sent as a value is its sum");
    assert_eq!(prometheus.range(r#"{__name__=~"x.*"}"#, time), prometheus.range("x", time));
}
