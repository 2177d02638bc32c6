//! `submit` as a user runs it: one measurement, many, bad lines, a service that goes away, being stopped.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::{self, Cli, Ran, Server, TOKEN, USER, project};
use serde_json::{Value, json};

struct World {
    dir: tempfile::TempDir,
    server: Server,
}

impl World {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = project(files);
        let server = Server::start(&dir.path().join("a.db"));
        Self { dir, server }
    }

    fn run(&self, args: &[&str]) -> Ran {
        self.server.cli(self.dir.path()).run(&[&["submit"], args].concat())
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// The measurements of the last hours by source: count and sum.
    fn totals(&self, metric: &str) -> Value {
        let path =
            format!("/v1/metrics/{metric}?start_time={}&resolution=1&summarize_time=true", now() - 9000);
        let mut measurements = self.server.call("GET", &path, "").1["measurements"].take();
        for records in measurements.as_object_mut().unwrap().values_mut() {
            *records = json!([records[0]["count"], records[0]["sum"]]);
        }
        measurements
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A command that reads what is written to it.
struct Fed {
    child: Child,
    stdin: ChildStdin,
    stderr: BufReader<std::process::ChildStderr>,
}

impl Fed {
    fn start(server: &Server, dir: &Path, args: &[&str]) -> Self {
        let mut command = server.cli(dir).command;
        command.args(["submit", "--from", "-"]).args(args);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdin, stderr }
    }

    fn write(&mut self, text: &str) {
        self.stdin.write_all(text.as_bytes()).unwrap();
        self.stdin.flush().unwrap();
    }

    /// Reads stderr up to a line that holds this.
    fn hear(&mut self, text: &str) {
        let mut line = String::new();
        while !line.contains(text) {
            line.clear();
            assert!(self.stderr.read_line(&mut line).unwrap() > 0, "{text} was not said");
        }
    }

    fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Waits for the end, with the input still open: exit code and stdout.
    fn end(self) -> (Option<i32>, String) {
        let Self { child, stdin, stderr } = self;
        let output = child.wait_with_output().unwrap();
        drop((stdin, stderr));
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }
}

#[test]
fn who_forgets_that_a_metric_is_a_counter_is_told_the_flag() {
    let dir = tempfile::tempdir().unwrap();
    let at = ["--endpoint", "embedded:./a.db"];
    let run = |args: &[&str]| Cli::new(dir.path()).run(&[&["submit"], args, &at[..]].concat());
    run(&["hits", "1", "--type", "counter"]).exits(0);
    run(&["hits", "2"])
        .exits(1)
        .says(&["hits is a counter, and was sent as another type", "  = help: --type counter"]);
    std::fs::write(dir.path().join("lines"), "hits 3\n").unwrap();
    run(&["--from", "lines"]).exits(1).says(&["  = help: --type counter"]);
}

#[test]
fn what_a_script_left_empty_is_not_sent() {
    let world = World::new(&[]);
    for label in [["--source", ""], ["--tag", "region="]] {
        world.run(&[&["kettle.celsius", "99"][..], &label].concat()).exits(64).says(&["is empty"]);
    }
}

#[test]
fn every_format_arrives_with_its_fields() {
    let time = now() - 100;
    let world = World::new(&[
        (
            "plain",
            &format!("# load\nload 1.5 {time} host=web-1 region=eu\nload 2.5 {time} host=web-1 region=eu\n"),
        ),
        (
            "csv",
            &format!("name,value,measure_time,source,type\nhits,5,{time},web-1,counter\nheat,20,{time},,\n"),
        ),
        (
            "json",
            &format!(
                r#"{{"name":"many","count":2,"sum":3,"min":1,"max":2,"time":{time},"source":"s","display_name":"Many"}}"#
            ),
        ),
    ]);
    for (file, sent) in
        [("plain", "Sent 2 measurements to"), ("csv", "Sent 2"), ("json", "Sent 1 measurement to")]
    {
        world.run(&["--from", file, "--source", "default"]).exits(0).prints(&[sent]);
    }
    let path = format!("/v1/measurements/load?start_time={}&resolution=1&summary_function=sum", time - 5);
    let load = world.server.call("GET", &path, "").1;
    assert_eq!(load["series"][0]["tags"], json!({"host": "web-1", "region": "eu"}));
    assert_eq!(load["series"][0]["measurements"], json!([{"time": time, "value": 4.0}]));
    assert_eq!(world.server.call("GET", "/v1/metrics/hits", "").1["type"], "counter");
    assert_eq!(world.totals("heat"), json!({"default": [1, 20.0]}));
    assert_eq!(world.totals("many"), json!({"s": [2, 3.0]}));
    assert_eq!(world.server.call("GET", "/v1/metrics/many", "").1["display_name"], "Many");
    let wrong = [
        &["--from", "csv", "--input-format", "json"][..],
        &["--from", "plain", "--tag", "x"],
        &["--from", "plain", "--keep", "csv"],
        &["--from", "plain", "--time", "noon"],
        &["--aggregate", "x", "1"],
        &["--from", "plain", "x", "1"],
    ];
    let codes: Vec<i32> = wrong.iter().map(|args| world.run(args).code).collect();
    assert_eq!(codes, [1, 64, 64, 64, 64, 64]);
    assert!(world.read("csv").starts_with("name,"), "a file to keep things in is never overwritten");
}

#[test]
fn one_bad_line_among_a_hundred_thousand() {
    let (time, mut text) = (now(), String::new());
    for n in 1..=100_000 {
        match n {
            55_555 => text.push_str("bad/name 1\n"),
            77_777 => text.push_str("m\n"),
            _ => writeln!(text, "m.{} 1 {} ", n % 7, time - n % 3000).unwrap(),
        }
    }
    let world = World::new(&[("lines", &text)]);
    let ran = world.run(&["--from", "lines", "--keep", "left"]).exits(4);
    let ran = ran.prints(&["Sent 99998 measurements to", "1 refused by the service", "1 not sent, since"]);
    ran.says(&["line 55555: refused: bad/name: name must be", "line 77777: not sent: there is no value"]);
    let count = |metric| world.totals(metric)["unassigned"][0].as_u64().unwrap();
    let total: u64 = ["m.0", "m.1", "m.2", "m.3", "m.4", "m.5", "m.6"].into_iter().map(count).sum();
    assert_eq!(total, 99_998);
    assert_eq!(world.read("left").lines().count(), 1);
}

#[test]
fn the_list_of_refusals_is_bounded() {
    let world = World::new(&[("lines", &"x one\n".repeat(1000))]);
    let ran =
        world.run(&["--from", "lines"]).exits(1).says(&["line 20: ", "and 980 more; -v tells all of them"]);
    assert!(!ran.stderr.contains("line 21: "));
    world.run(&["--from", "lines", "-v"]).exits(1).says(&["line 1000: "]);
    world.run(&["--from", "/dev/null"]).exits(0).prints(&["Sent 0 measurements"]);
    world.run(&["--from", "missing"]).exits(1).says(&["cannot read missing"]);
}

#[test]
fn aggregates_are_what_the_values_were() {
    let minute = now() / 60 * 60 - 120;
    let mut text = String::new();
    for n in 0..600 {
        writeln!(text, "t {n} {} host=web-{}", minute + n % 120, n % 2).unwrap();
    }
    let world = World::new(&[("lines", &text)]);
    let ran = world.run(&["--from", "lines", "--aggregate", "--period", "60s"]).exits(0);
    ran.prints(&["Sent 4 measurements out of 600 lines to"]);
    let path = format!("/v1/measurements/t?start_time={minute}&resolution=1&summary_function=count");
    let series = world.server.call("GET", &path, "").1["series"].take();
    let expected = json!([{"time": minute, "value": 150.0}, {"time": minute + 60, "value": 150.0}]);
    assert_eq!((&series[0]["measurements"], &series[1]["measurements"]), (&expected, &expected));
}

#[test]
fn what_could_not_be_sent_is_kept_and_can_be_sent_again() {
    let mut text = String::new();
    for n in 0..3000 {
        writeln!(text, "kept {n} {} ", now() - n).unwrap();
    }
    let world = World::new(&[("lines", &text)]);
    let args = ["submit", "--from", "lines", "--keep", "left"];
    let ran = world.server.cli(world.dir.path()).env("LIBRATO_TOKEN", "wrong").run(&args).exits(1);
    let ran = ran.says(&["sending ended early: POST /metrics: 401", "measurements kept in left"]);
    let left = world.read("left").lines().count();
    let (_, line) = ran.stderr.split_once("what follows line ").unwrap();
    let read: usize = line.split(' ').next().unwrap().parse().unwrap();
    assert_eq!(left, read, "every line that was read is kept");
    ran.prints(&[&format!("{left} not sent (between lines 1 and {left})")]);
    world.run(&["--from", "left"]).exits(0).prints(&[&format!("Sent {left} measurements")]);
    assert_eq!(world.totals("kept")["unassigned"][0], left);
}

#[test]
fn input_is_sent_as_it_comes() {
    let world = World::new(&[]);
    let mut fed = Fed::start(&world.server, world.dir.path(), &[]);
    fed.write("early 1\n");
    // It waits for more input all the while.
    let there = || world.server.call("GET", "/v1/metrics/early", "").0 == 200;
    assert!((0..600).any(|_| there() || {
        std::thread::sleep(Duration::from_millis(50));
        false
    }));
    fed.write("late 2\n");
    drop(fed.stdin);
    let output = fed.child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &output.stdout[..19]), (Some(0), &b"Sent 2 measurements"[..]));
}

#[test]
fn stopping_sends_what_was_read() {
    let world = World::new(&[]);
    let args = ["--aggregate", "--period", "1h"];
    let mut fed = Fed::start(&world.server, world.dir.path(), &args);
    fed.write("held 1\nheld 2\nheld\n");
    fed.hear("line 3: not sent");
    fed.interrupt();
    fed.hear("stopping");
    fed.hear("what follows line 3 was not read");
    let (code, said) = fed.end();
    assert_eq!(code, Some(130));
    assert!(said.starts_with("Sent 1 measurement out of 3 lines"), "{said}");
    assert_eq!(world.server.call("GET", "/v1/metrics/held", "").0, 200);
}

#[test]
fn stopping_twice_reports_what_is_given_up() {
    let trap = cli::Trap::start(None);
    let dir = project(&[]);
    let mut command = Cli::new(dir.path()).env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN).command;
    command.args(["submit", "--from", "-", "--keep", "left", "--endpoint", &trap.endpoint()]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (stdin, stderr) = (child.stdin.take().unwrap(), BufReader::new(child.stderr.take().unwrap()));
    let mut fed = Fed { child, stdin, stderr };
    fed.write("held 1\nheld 2\nheld\n");
    fed.hear("line 3: not sent");
    while trap.seen().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    fed.interrupt();
    fed.hear("stopping");
    fed.interrupt();
    let (code, said) = fed.end();
    assert_eq!(code, Some(130));
    assert!(
        said.contains("2 not sent (between lines 1 and 2); 2 of them may have arrived all the same"),
        "{said}"
    );
    assert_eq!(std::fs::read_to_string(dir.path().join("left")).unwrap().lines().count(), 2);
}

#[test]
fn a_success_that_tells_of_failures_is_reported_and_kept() {
    let lines: String = (0..5).map(|n| format!("{{\"name\":\"m{n}\",\"value\":1}}\n")).collect();
    let tagged = lines.replace("}", ",\"tags\":{\"a\":\"b\"}}");
    for (answer, input, sent) in [
        (
            r#"{"measurements":{"summary":{"total":5,"accepted":2,"failed":3}}}"#,
            &tagged,
            "Sent 2 measurements",
        ),
        (r#"{"errors":["m3 is too old"]}"#, &lines, "Sent 0 measurements"),
    ] {
        let trap = cli::Trap::start(Some(cli::json_answer(202, answer)));
        let dir = project(&[("in.jsonl", input)]);
        let cli = Cli::new(dir.path())
            .env("LIBRATO_ENDPOINT", &trap.endpoint())
            .env("LIBRATO_USER", USER)
            .env("LIBRATO_TOKEN", TOKEN);
        let ran = cli.run(&["submit", "--from", "in.jsonl", "--keep", "kept.jsonl"]).exits(4);
        let ran = ran.prints(&[sent, "5 in requests of which the service took some and not others"]);
        ran.says(&[
            "the service reports success, but tells of failures: ",
            "5 measurements kept in kept.jsonl",
        ]);
        let kept = std::fs::read_to_string(dir.path().join("kept.jsonl")).unwrap();
        assert_eq!(kept.lines().count(), 5, "{kept}");
        assert_eq!(trap.seen().len(), 1, "nothing is sent again by itself");
    }
}
