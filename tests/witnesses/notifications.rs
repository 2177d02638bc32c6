//! Notifications and two witnesses: Alertmanager, whose requests the sinks must take that judge ours, and moto, which checks the
//! signatures of SNS and hands on to SQS what was published.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use librato_apply::notify::{
    Answer, How, Http, Message, Outcome, Request, Subject, Surroundings, Test, Violation, What, render,
};
use serde_json::{Map, Value, json};
use url::Url;

use crate::conformance::{installed, scripts, unpacked};
use crate::sinks::Sink;

/// What Alertmanager speaks as well.
const SHARED: [&str; 5] = ["pagerduty", "opsgenie", "victorops", "slack", "webhook"];

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What was installed; nothing, said aloud, where that cannot be and need not.
fn home(name: &str, installed: Result<PathBuf, String>) -> Option<PathBuf> {
    match installed {
        Ok(home) => Some(home),
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "{name} SKIPPED: {reason}");
            None
        }
    }
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// One request over plain HTTP; nothing while nobody listens.
fn post(to: SocketAddr, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(to).ok()?;
    let mut head = format!("POST {path} HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(&[head.as_bytes(), body].concat()).ok()?;
    // The sink keeps connections open: what counts has arrived when the announced length is there.
    let mut answer = Vec::new();
    let mut piece = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&answer).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
            });
            if length.is_none_or(|length| body.len() >= length) {
                return Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()));
            }
        }
        match stream.read(&mut piece).ok()? {
            0 => return None,
            read => answer.extend(&piece[..read]),
        }
    }
}

/// Asks until somebody answers, as long as the program runs.
fn first_answer(program: &mut Running, ask: impl Fn() -> Option<(u16, String)>) -> (u16, String) {
    for _ in 0..600 {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(program.0.try_wait().unwrap().is_none(), "the program ended before it answered");
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("nobody answers")
}

fn sent(http: &Http) -> Outcome {
    let to = http.url.socket_addrs(|| None).unwrap()[0];
    let path = &http.url[url::Position::BeforePath..];
    let headers: Vec<(&str, &str)> =
        http.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (status, body) = post(to, path, &headers, &http.body).expect("an answer");
    http.success.judge(&Answer { status, retry_after: None, body: body.as_bytes(), now: 0 })
}

fn message(what: What) -> Message {
    let seq = u32::from(matches!(what, What::Clear { .. }));
    let alert = Subject {
        id: 12,
        name: "db.slow".to_owned(),
        description: Some("x".repeat(30_000)),
        runbook_url: Some("https://wiki.example.org/db".to_owned()),
    };
    let conditions = vec![json!({"id": 1, "type": "above", "threshold": 10.0, "duration": 60})];
    let (key, account) = ("0000beef-12-3".to_owned(), "ops@example.org".to_owned());
    let (at, opened, stream) = (1_480_000_000, None, None);
    Message { key, seq, at, opened, account, alert, stream, conditions, what, test: false }
}

fn trigger() -> Message {
    let violation = |n: i32| Violation {
        stream: format!("web{n}"),
        condition_id: 1,
        metric: "db.ms".to_owned(),
        threshold: Some(10.0),
        test: Test::Above,
        value: 100.5,
        begin: 1_479_999_900,
        end: 1_479_999_990,
        count: 10,
        recorded_at: 1_479_999_990,
    };
    message(What::Trigger { violations: (0..100).map(violation).collect(), truncated: 5, again: false })
}

fn surroundings(base: &str) -> Surroundings {
    let base = Url::parse(base).unwrap();
    let bases = librato_apply::notify::BASED.iter().map(|kind| ((*kind).to_owned(), base.clone()));
    let public_url = Some(Url::parse("https://metrics.example.org/").unwrap());
    let now = jiff::Timestamp::now().as_second();
    let (bases, host) = (bases.collect(), "metrics.example.org".to_owned());
    Surroundings { public_url, has_pages: true, bases, host, now, picture: None }
}

fn request(kind: &str, settings: &Value, message: &Message, at: &Surroundings) -> Http {
    let settings: &Map<String, Value> = settings.as_object().unwrap();
    match render(kind, settings, message, at).unwrap() {
        Request::Http(http) => http,
        Request::Mail(_) => panic!("{kind} is mail"),
    }
}

fn settings(kind: &str, base: &str) -> Value {
    match kind {
        "pagerduty" => json!({"service_key": "k", "api": "v2"}),
        "opsgenie" => json!({"customer_key": "k", "tags": "a,b", "teams": "ops"}),
        "victorops" => json!({"api_key": "k", "routing_key": "team"}),
        "slack" => json!({ "url": format!("{base}slack") }),
        _ => json!({ "url": format!("{base}webhook") }),
    }
}

#[test]
fn sinks_take_what_we_send() {
    let sink = Sink::open();
    let base = format!("http://{}/", sink.address);
    for kind in SHARED {
        for (message, over) in [(trigger(), false), (message(What::Clear { how: How::Auto }), true)] {
            let http = request(kind, &settings(kind, &base), &message, &surroundings(&base));
            let outcome = sent(&http);
            let (verdict, arrived) = sink.next();
            assert_eq!(verdict, Ok((kind, over)), "{} {}", arrived.path, arrived.body);
            assert_eq!(outcome, Outcome::Taken, "{kind}");
        }
    }
    // They would have said so.
    let mut http = request("pagerduty", &settings("pagerduty", &base), &trigger(), &surroundings(&base));
    http.body = String::from_utf8(http.body).unwrap().replace("\"error\"", "\"bad\"").into_bytes();
    assert_eq!(sent(&http), Outcome::Lasting);
    assert_eq!(sink.next().0, Err("no such severity".to_owned()));
}

fn alertmanager(base: &str) -> String {
    format!(
        "route: {{ receiver: all, group_wait: 0s, group_interval: 1s, repeat_interval: 1h }}
receivers:
  - name: all
    pagerduty_configs: [{{ routing_key: k, url: '{base}v2/enqueue' }}]
    opsgenie_configs: [{{ api_key: k, api_url: '{base}' }}]
    victorops_configs: [{{ api_key: k, routing_key: team, api_url: '{base}integrations/generic/20131114/alert/' }}]
    slack_configs: [{{ api_url: '{base}slack', channel: '#x', send_resolved: true, text: '{{{{ .Status }}}}' }}]
    webhook_configs: [{{ url: '{base}webhook' }}]
"
    )
}

/// A program that sees `home/usr/share` as `/usr/share`, and is the only one to.
fn private(program: &Path, home: &Path) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0/usr/share\" /usr/share; exec \"$@\"";
    command.args(["--map-root-user", "--mount", "sh", "-e", "-c", script]).arg(home).arg(program);
    command
}

#[test]
fn sinks_take_what_alertmanager_sends() {
    let packages = unpacked("alertmanager-0.25", "prometheus-alertmanager").and_then(|home| {
        // Debian's reads its templates below /usr/share only, where those that were unpacked stand for nobody else.
        let done = private(Path::new("true"), &home).status();
        let works = done.is_ok_and(|status| status.success());
        if works { Ok(home) } else { Err("unshare and mount cannot be used here".to_owned()) }
    });
    let Some(home) = home("alertmanager", packages) else { return };
    let sink = Sink::open();
    let directory = tempfile::tempdir().unwrap();
    let config = directory.path().join("alertmanager.yml");
    std::fs::write(&config, alertmanager(&format!("http://{}/", sink.address))).unwrap();
    let at: SocketAddr = ([127, 0, 0, 1], free_port()).into();
    let child = private(&home.join("usr/bin/prometheus-alertmanager"), &home)
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.path={}", directory.path().display()))
        .arg(format!("--web.listen-address={at}"))
        .arg("--cluster.listen-address=")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let labels = json!({"alertname": "db.slow", "severity": "page"});
    let alert = |ends: Option<i64>| {
        let ends = ends.map(|at| jiff::Timestamp::from_second(at).unwrap().to_string());
        let mut alert = json!({"labels": labels, "annotations": {"summary": "slow"}});
        if let Some(ends) = ends {
            alert["endsAt"] = ends.into();
        }
        json!([alert]).to_string()
    };
    let json = [("Content-Type", "application/json")];
    let put = |alert: &str| post(at, "/api/v2/alerts", &json, alert.as_bytes());
    let now = jiff::Timestamp::now().as_second();
    let (status, said) = first_answer(&mut child, || put(&alert(Some(now + 600))));
    assert_eq!(status, 200, "{said}");
    let taken = |over: bool| {
        let mut kinds = BTreeSet::new();
        while kinds.len() < SHARED.len() {
            let (verdict, arrived) = sink.next();
            let (kind, is_over) =
                verdict.unwrap_or_else(|why| panic!("{why}: {} {}", arrived.path, arrived.body));
            // It may say again that the alert fires, before it hears of the end.
            if is_over == over {
                kinds.insert(kind);
            }
        }
        assert_eq!(kinds, SHARED.into());
    };
    taken(false);
    let (status, said) = put(&alert(Some(jiff::Timestamp::now().as_second() - 1))).unwrap();
    assert_eq!(status, 200, "{said}");
    taken(true);
}

/// The services of AWS that are needed, in one process.
struct Moto {
    at: SocketAddr,
    _program: Running,
}

const ACCOUNT: &str = "us-east-1:123456789012";

impl Moto {
    fn start(home: &Path) -> Self {
        let at: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let child = Command::new("python3")
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &at.port().to_string()])
            .env("PYTHONPATH", home)
            // Signatures do not count until there is somebody to sign.
            .env("INITIAL_NO_AUTH_ACTION_COUNT", "1000")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut program = Running(child);
        let (status, said) = first_answer(&mut program, || open_actions(at, 1_000));
        assert_eq!(status, 200, "{said}");
        Self { at, _program: program }
    }

    fn ask(&self, service: &str, version: &str, fields: &[(&str, &str)]) -> String {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("Version", version).finish();
        // Says which service is meant, and is not looked at beyond that.
        let scope = format!(
            "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let headers =
            [("Content-Type", "application/x-www-form-urlencoded"), ("Authorization", scope.as_str())];
        let (status, said) = post(self.at, "/", &headers, body.as_bytes()).unwrap();
        assert_eq!(status, 200, "{fields:?}: {said}");
        said
    }

    /// A topic and the queue that gets what is published there.
    fn topic(&self, name: &str, fifo: bool) -> String {
        let (sns, sqs) = ("2010-03-31", "2012-11-05");
        let mut topic = vec![("Action", "CreateTopic"), ("Name", name)];
        let mut queue = vec![("Action", "CreateQueue"), ("QueueName", name)];
        if fifo {
            topic.extend([("Attributes.entry.1.key", "FifoTopic"), ("Attributes.entry.1.value", "true")]);
            queue.extend([("Attribute.1.Name", "FifoQueue"), ("Attribute.1.Value", "true")]);
        }
        self.ask("sns", sns, &topic);
        self.ask("sqs", sqs, &queue);
        let (topic, queue) =
            (format!("arn:aws:sns:{ACCOUNT}:{name}"), format!("arn:aws:sqs:{ACCOUNT}:{name}"));
        let subscribe =
            [("Action", "Subscribe"), ("Protocol", "sqs"), ("TopicArn", &topic), ("Endpoint", &queue)];
        self.ask("sns", sns, &subscribe);
        topic
    }

    fn received(&self, name: &str) -> Vec<Value> {
        let queue = format!("http://{}/123456789012/{name}", self.at);
        let fields =
            [("Action", "ReceiveMessage"), ("MaxNumberOfMessages", "10"), ("QueueUrl", queue.as_str())];
        let said = self.ask("sqs", "2012-11-05", &fields);
        let bodies = said.split("<Body>").skip(1).map(|rest| rest.split("</Body>").next().unwrap());
        let plain = |text: &str| {
            text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        };
        let envelopes = bodies.map(|body| serde_json::from_str::<Value>(&plain(body)).unwrap());
        envelopes
            .map(|envelope| serde_json::from_str(envelope["Message"].as_str().unwrap()).unwrap())
            .collect()
    }
}

/// How many requests from now on need no signature.
fn open_actions(at: SocketAddr, count: u32) -> Option<(u16, String)> {
    post(at, "/moto-api/reset-auth", &[("Content-Type", "text/plain")], count.to_string().as_bytes())
}

fn element<'t>(text: &'t str, name: &str) -> &'t str {
    text.split(&format!("<{name}>")).nth(1).and_then(|rest| rest.split("</").next()).expect("an element")
}

#[test]
fn what_is_signed_for_sns_arrives_at_sqs() {
    let packages = installed("moto-5.2.1", |fresh| {
        let mut command = Command::new("python3");
        let quiet = ["--quiet", "--disable-pip-version-check", "--no-input", "--root-user-action", "ignore"];
        let requirements = scripts().join("moto-5.2.1.txt");
        command.args(["-m", "pip", "install"]).args(quiet).arg("--target").arg(fresh);
        command.arg("--requirement").arg(requirements);
        Ok(command)
    });
    let Some(home) = home("moto", packages) else { return };
    let moto = Moto::start(&home);
    let iam = "2010-05-08";
    let policy =
        r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}"#;
    moto.ask("iam", iam, &[("Action", "CreateUser"), ("UserName", "u")]);
    let fields =
        [("Action", "PutUserPolicy"), ("UserName", "u"), ("PolicyName", "p"), ("PolicyDocument", policy)];
    moto.ask("iam", iam, &fields);
    let key = moto.ask("iam", iam, &[("Action", "CreateAccessKey"), ("UserName", "u")]);
    let (id, secret) = (element(&key, "AccessKeyId"), element(&key, "SecretAccessKey"));
    let topics = BTreeMap::from([("pages", false), ("pages.fifo", true)]);
    let arns: Vec<String> = topics.iter().map(|(name, fifo)| moto.topic(name, *fifo)).collect();

    open_actions(moto.at, 0).unwrap();
    let at = surroundings(&format!("http://{}/", moto.at));
    let settings =
        |arn: &str, secret: &str| json!({"topic_arn": arn, "access_key_id": id, "secret_access_key": secret});
    for arn in &arns {
        for message in [trigger(), message(What::Clear { how: How::Manual })] {
            assert_eq!(sent(&request("sns", &settings(arn, secret), &message, &at)), Outcome::Taken, "{arn}");
        }
        let wrong = request("sns", &settings(arn, "wrong"), &trigger(), &at);
        assert_eq!(sent(&wrong), Outcome::Lasting, "{arn}");
    }
    open_actions(moto.at, 1_000).unwrap();
    for name in topics.keys() {
        let received = moto.received(name);
        let mut said: Vec<_> =
            received.iter().map(|one| (one["clear"].clone(), one["alert"]["name"].clone())).collect();
        said.sort_by_key(|(clear, _)| clear.is_string());
        assert_eq!(said, [(Value::Null, json!("db.slow")), (json!("manual"), json!("db.slow"))], "{name}");
        let first = received.iter().find(|one| one["clear"].is_null()).unwrap();
        assert_eq!(first["violations"].as_object().unwrap().len(), 100, "{name}");
    }
}
