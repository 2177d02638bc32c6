//! Coming from python-librato: what its README shows is done by python-librato 0.8.6 itself, by this library and by the
//! commands, each against a server of its own, and all three leave the same behind. The table of docs/library.md names the calls;
//! it is held against the code that is run here.
//!
//! Without python3 or its package index that part is skipped and says so, unless CONFORMANCE=required is set.

mod steps;

use crate::python_librato;
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use crate::server::{Server, TOKEN, USER, fresh};
use librato_apply::client::{Interval, Librato, Object as _, Time};
use serde_json::{Map, Value, json};

/// What only programs can do: these metrics the commands do not leave.
const LIBRARY_ONLY: &[&str] = &["scoped", "auto", "foo.exact"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A whole minute of two hours ago.
fn base() -> u64 {
    let now = Time::now().0;
    now - now % 60 - 7200
}

/// All there is on a server, without ids and the time of the run.
async fn state(server: &Server, base: u64) -> Value {
    let librato = Librato::connect(server.url(""), USER, TOKEN).open().unwrap();
    let mut metrics = Map::new();
    for mut metric in librato.metrics().list().await.unwrap() {
        let whole = Interval::between(base - 60, Time::now().0 + 60).resolution(1);
        let measured = match metric.kind.as_str() {
            "composite" => BTreeMap::new(),
            _ => librato.metrics().measurements(&metric.name, &whole).await.unwrap().measurements,
        };
        let fixed = metric.name.starts_with("foo.");
        let sums = measured.iter().map(|(source, records)| {
            let sum = |of: fn(&librato_apply::client::Record) -> Option<f64>| -> f64 {
                records.iter().filter_map(of).sum()
            };
            let times: Vec<u64> = records.iter().filter(|_| fixed).map(|record| record.measure_time - base).collect();
            let last = records.last().and_then(|record| record.value).filter(|_| metric.kind.as_str() == "counter");
            (source.clone(), json!({"count": sum(|r| r.count.map(|c| c as f64)), "sum": sum(|r| r.sum), "last": last, "times": times}))
        });
        let sums: Map<String, Value> = sums.collect();
        metric.attributes.shift_remove("created_by_ua");
        metrics.insert(metric.name.clone(), json!({"is": metric.whole().unwrap(), "measured": sums}));
    }
    let mut streams = Map::new();
    for stream in librato.annotation_streams().list().await.unwrap() {
        let mut events = librato.events(&stream.name).list(&Interval::last(100)).await.unwrap();
        events.values_mut().flatten().for_each(|event| event.start_time = None);
        streams.insert(stream.name.clone(), json!({"is": stream.whole().unwrap(), "events": events}));
    }
    let mut alerts = Map::new();
    for mut alert in librato.alerts().list().await.unwrap() {
        for condition in &mut alert.conditions {
            condition.id = None;
            // What python-librato always sends is what counts of a gauge where nothing is sent.
            condition.summary_function.get_or_insert("average".into());
        }
        alerts.insert(alert.name.clone(), alert.whole().unwrap());
    }
    let sources: Vec<String> =
        librato.sources().list().await.unwrap().into_iter().map(|source| source.name).collect();
    json!({"metrics": metrics, "annotations": streams, "alerts": alerts, "sources": sources})
}

/// A server for the length of a test.
struct Served {
    server: Server,
    _dir: tempfile::TempDir,
}

fn serve() -> Served {
    let (dir, data) = fresh();
    Served { server: Server::start(&data, &[]), _dir: dir }
}

async fn by_library(base: u64) -> Value {
    let Served { server, _dir } = serve();
    steps::all(&server.url(""), USER, TOKEN, base).await.unwrap();
    state(&server, base).await
}

/// Whether a client that cannot be installed is a failure.
fn required() -> bool {
    std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_library_leaves_what_python_leaves() {
    let base = base();
    let home = match python_librato::install() {
        Ok(home) => home,
        Err(reason) if required() => panic!("CONFORMANCE=required, but {reason}"),
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "python-librato 0.8.6 SKIPPED: {reason}");
            return;
        }
    };
    let Served { server, _dir } = serve();
    let mut python = Command::new("python3");
    python.arg(root().join("tests/clients/python_librato_readme.py"));
    python.env("PYTHONPATH", home).env("PYTHONDONTWRITEBYTECODE", "1").env("BASE", base.to_string());
    python.env("CONFORMANCE_HOST", &server.host).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN);
    let ran = tokio::task::spawn_blocking(move || python.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success(), "{said}\n--- the server's log:\n{}", server.log());
    assert_same(&state(&server, base).await, &by_library(base).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_leave_what_the_library_leaves() {
    let base = base();
    let Served { server, _dir } = serve();
    let mut run = 0;
    for row in rows() {
        let Some(command) = row.command else { continue };
        let command = command.replace("-2h", &(base + 31).to_string());
        let binary = env!("CARGO_BIN_EXE_librato-apply");
        let script = format!("set -o pipefail\nlibrato-apply() {{ '{binary}' \"$@\"; }}\n{command}");
        let mut bash = Command::new("bash");
        bash.args(["-c", &script]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        bash.env("LIBRATO_ENDPOINT", server.url("")).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN);
        let dir = tempfile::tempdir().unwrap();
        let ran = bash.current_dir(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr) + String::from_utf8_lossy(&ran.stdout);
        assert!(ran.status.success(), "{command}\n{said}");
        run += 1;
    }
    assert!(run >= 20, "only {run} commands were run");
    let mut library = by_library(base).await;
    for name in LIBRARY_ONLY {
        library["metrics"].as_object_mut().unwrap().shift_remove(*name);
    }
    let queued = &mut library["metrics"]["foo"]["measured"];
    queued.as_object_mut().unwrap().shift_remove("queued");
    let mut commands = state(&server, base).await;
    // The flag says both to what times are floored and how often the metric is reported.
    let period = &mut commands["metrics"]["foo.floored"]["is"]["period"];
    assert_eq!(std::mem::take(period), 60);
    for state in [&mut library, &mut commands] {
        state["sources"].as_array_mut().unwrap().retain(|source| source != "queued");
    }
    assert_same(&library, &commands);
}

#[track_caller]
fn assert_same(left: &Value, right: &Value) {
    let pretty = |value| serde_json::to_string_pretty(value).unwrap();
    let (one, other) = (pretty(left), pretty(right));
    let diff = similar::TextDiff::from_lines(&one, &other);
    assert!(left == right, "{}", diff.unified_diff());
}

/// A row of the table of docs/library.md: python, this library, the command.
struct Row {
    python: String,
    rust: String,
    command: Option<String>,
}

fn rows() -> Vec<Row> {
    let page = std::fs::read_to_string(root().join("docs/library.md")).unwrap();
    let lines =
        page.lines().skip_while(|line| !line.starts_with("| python-librato | This library |")).skip(2);
    let code = |cell: &str| {
        let cell = cell.trim().replace('¦', "|");
        let code = cell.strip_prefix("``").and_then(|cell| cell.strip_suffix("``")).map(str::trim);
        code.or_else(|| cell.strip_prefix('`')?.strip_suffix('`')).map(str::to_owned)
    };
    lines
        .take_while(|line| line.starts_with("| "))
        .map(|line| {
            let line = line.replace("\\|", "¦");
            let cells: Vec<&str> = line.trim_matches('|').split('|').collect();
            let [python, rust, command] = cells[..] else { panic!("not a row of three: {line}") };
            Row {
                python: code(python).unwrap_or_else(|| panic!("{line}")),
                rust: code(rust).unwrap_or_else(|| panic!("{line}")),
                command: code(command).filter(|command| command.contains("librato-apply ")),
            }
        })
        .collect()
}

#[test]
fn the_table_of_the_page_shows_what_is_run_here() {
    let dense = |text: &str| text.split_whitespace().collect::<String>().replace('\'', "\"");
    let python = std::fs::read_to_string(root().join("tests/clients/python_librato_readme.py")).unwrap();
    let (python, rust) = (dense(&python), dense(include_str!("steps.rs")));
    let rows = rows();
    assert!(rows.len() >= 25, "only {} rows", rows.len());
    for row in rows {
        assert!(python.contains(&dense(&row.python)), "not in the script of python: {}", row.python);
        assert!(rust.contains(&dense(&row.rust)), "not in steps.rs: {}", row.rust);
    }
}
