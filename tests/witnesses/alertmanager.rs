//! Alertmanager as a witness of when services are told: the rendered configuration with a second for each minute, alerts as a Prometheus
//! would send them, and a webhook that writes down what comes. Two streams: one fires from 0 to 50, the other from 7 to 50.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::prometheus::{program, rendered, said};

/// Notifications of one route: seconds since the beginning, whether it is a clear, and the streams that fire.
type Told = Vec<(f64, bool, Vec<String>)>;

/// Ended with the test.
struct Alertmanager(Child, String);

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn ask(host: &str, call: &str, body: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(host) else { return false };
    let length = body.len();
    let head = format!(
        "{call} HTTP/1.0\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    );
    let mut answer = String::new();
    stream.write_all((head + body).as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.split(' ').nth(1).is_some_and(|status| status.starts_with('2'))
}

impl Alertmanager {
    /// The program is unpacked and not installed, so that what it reads from a fixed place lies elsewhere: a copy of it looks where it stands.
    fn start(binary: &Path, config: &Path, data: &Path) -> Alertmanager {
        const INSTALLED: &[u8] = b"/usr/share/prometheus/alertmanager";
        let mut bytes = std::fs::read(binary).unwrap();
        let mut here = b"/proc/self/cwd".to_vec();
        here.resize(INSTALLED.len(), b'/');
        let places: Vec<usize> = memchr::memmem::find_iter(&bytes, INSTALLED).collect();
        places.into_iter().for_each(|at| bytes[at..at + here.len()].copy_from_slice(&here));
        let copy = data.with_extension("program");
        std::fs::write(&copy, bytes).unwrap();
        std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let home = binary.parent().unwrap().with_file_name("share").join("prometheus/alertmanager");
        let host = format!("127.0.0.1:{}", free_port());
        let child = Command::new(copy)
            .current_dir(home)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.path={}", data.display()))
            .arg(format!("--web.listen-address={host}"))
            .arg("--cluster.listen-address=")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (found, begun) = (Alertmanager(child, host), Instant::now());
        while !ask(&found.1, "GET /-/ready", "") {
            assert!(begun.elapsed() < Duration::from_secs(60), "Alertmanager does not start");
            thread::sleep(Duration::from_millis(100));
        }
        found
    }
}

/// A webhook: every notification with the moment at which it came.
fn listen(heard: &Arc<Mutex<Vec<(Instant, Value)>>>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let (mut text, mut part) = (Vec::new(), [0; 4096]);
            let at = Instant::now();
            // The body is whole once it reads as JSON.
            while let Ok(length @ 1..) = stream.read(&mut part) {
                text.extend_from_slice(&part[..length]);
                let whole = String::from_utf8_lossy(&text);
                let body = whole.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
                if let Some(body) = body {
                    heard.lock().unwrap().push((at, body));
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        }
    });
    port
}

/// The rendered configuration, a second for each minute, with the webhook in place of the file of its address.
fn config(dir: &Path, rearm: &str, port: u16) -> std::path::PathBuf {
    let (file, out) = (dir.join(format!("{rearm}.yaml")), dir.join(format!("out-{rearm}")));
    let text = format!(
        "settings: {{ prometheus: {{ owner: am, alertmanager: {{ rearm: {rearm} }} }} }}\n\
         metrics: {{ g: {{ type: gauge, period: 60s }} }}\n\
         services: {{ hook: {{ type: webhook, settings: {{ url: 'https://example.org' }} }} }}\nalerts:\n  \
         together: {{ rearm_seconds: 20m, rearm_per_signal: false, services: [hook], conditions: [{{ type: above, metric_name: g, threshold: 1 }}] }}\n  \
         apart: {{ rearm_seconds: 20m, rearm_per_signal: true, services: [hook], conditions: [{{ type: above, metric_name: g, threshold: 1 }}] }}\n"
    );
    std::fs::write(&file, text).unwrap();
    let done = rendered(&[file.to_str().unwrap()], &out, &["--tests", "none"]);
    assert_eq!(done.status.code(), Some(0), "{}", said(&done));
    let text = std::fs::read_to_string(out.join("alertmanager.yml")).unwrap();
    let mut changed = String::new();
    for line in text.lines() {
        let line = match line.split_once("_interval: ") {
            Some((name, span)) => {
                // 19m30s becomes 19s500ms.
                let (minutes, seconds) = span.split_once('m').unwrap();
                let rest: u32 = seconds.trim_end_matches('s').parse().unwrap_or(0);
                format!(
                    "{name}_interval: {minutes}s{}",
                    if rest > 0 { format!("{}ms", rest * 1_000 / 60) } else { String::new() }
                )
            }
            None if line.contains("url_file:") => {
                let (before, _) = line.split_once("url_file:").unwrap();
                format!("{before}url: http://127.0.0.1:{port}/")
            }
            None => line.to_owned(),
        };
        changed += &(line + "\n");
    }
    let path = out.join("seconds.yml");
    std::fs::write(&path, changed).unwrap();
    path
}

/// Sends what fires now and what ended, as a Prometheus does again and again.
fn send(hosts: &[&str], ended: bool, second: bool) {
    let time = |from_now: i64| {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        jiff::Timestamp::from_second(i64::try_from(now).unwrap() + from_now).unwrap().to_string()
    };
    let ends = time(if ended { 0 } else { 15 });
    let mut all = Vec::new();
    for alert in ["together", "apart"] {
        for source in if second { &["web-1", "web-2"][..] } else { &["web-1"][..] } {
            let labels = json!({ "alertname": alert, "librato_apply": "am", "source": source });
            all.push(json!({ "labels": labels, "endsAt": ends }));
        }
    }
    for host in hosts {
        assert!(ask(host, "POST /api/v2/alerts", &Value::from(all.clone()).to_string()));
    }
}

/// What was told of one alert, and of one stream where each has its own.
fn told(heard: &[(Instant, Value)], begun: Instant, alert: &str, stream: Option<&str>) -> Told {
    let mut found = Told::new();
    for (at, body) in heard {
        let of = |name: &str| body["groupLabels"][name].as_str().unwrap_or_default().to_owned();
        if of("alertname") != alert || stream.is_some_and(|stream| of("source") != stream) {
            continue;
        }
        let alerts = body["alerts"].as_array().unwrap().iter();
        let firing = alerts.filter(|alert| alert["status"] == "firing");
        let mut streams: Vec<String> =
            firing.map(|alert| alert["labels"]["source"].as_str().unwrap().to_owned()).collect();
        streams.sort();
        found.push((at.duration_since(begun).as_secs_f64(), body["status"] == "resolved", streams));
    }
    found
}

#[test]
fn services_are_told_again_when_the_time_has_passed() {
    let binary = "usr/bin/prometheus-alertmanager";
    let Some(binary) = program("alertmanager-0.25", "prometheus-alertmanager", binary) else { return };
    let dir = tempfile::tempdir().unwrap();
    let started: Vec<_> = ["prompt", "strict"]
        .iter()
        .map(|rearm| {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let config = config(dir.path(), rearm, listen(&heard));
            (Alertmanager::start(&binary, &config, &dir.path().join(format!("data-{rearm}"))), heard)
        })
        .collect();
    let hosts: Vec<&str> = started.iter().map(|(one, _)| one.1.as_str()).collect();
    let begun = Instant::now();
    // Seventy seconds, since this is about what a clock that is not ours does.
    for second in 0..70 {
        if second <= 50 {
            send(&hosts, second == 50, second >= 7);
        }
        let next = begun + Duration::from_secs(second + 1);
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    let (mut rows, mut notifications) = (0, 0);
    // How the alert groups, which stream, and at which seconds it is told; the last one is the clear.
    for (place, alert, stream, expected) in [
        (0, "together", None, &[0, 8, 28, 48, 51][..]),
        (0, "apart", Some("web-1"), &[0, 20, 40, 51]),
        (0, "apart", Some("web-2"), &[7, 27, 47, 51]),
        (1, "together", None, &[0, 20, 40, 60]),
        (1, "apart", Some("web-1"), &[0, 20, 40, 60]),
        (1, "apart", Some("web-2"), &[7, 27, 47, 67]),
    ] {
        let heard = started[place].1.lock().unwrap().clone();
        let told = told(&heard, begun, alert, stream);
        let what = format!("{alert} {stream:?} of {place}: {told:?}");
        assert_eq!(told.len(), expected.len(), "{what}");
        for (count, ((at, cleared, streams), expected)) in told.iter().zip(expected).enumerate() {
            // A tick, and what a busy machine takes.
            assert!((at - f64::from(*expected)).abs() < 4.0, "{expected}: {what}");
            assert_eq!(*cleared, count + 1 == told.len(), "{what}");
            assert_eq!(streams.is_empty(), *cleared, "{what}");
        }
        rows += 1;
        notifications += told.len();
    }
    println!("Alertmanager: {notifications} notifications of {rows} routes come when they are due");
}
