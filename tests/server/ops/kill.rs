//! Sudden death: the server is killed again and again while clients write, over one and the same file. Nothing that
//! was acknowledged may be missing and nothing may be there twice.
//!
//! KILLS=200 in the environment asks for more rounds than the usual ten.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::server::{Server, TOKEN, USER, check, client, fresh};

/// What one round or all of them sent and saw acknowledged, by name.
#[derive(Clone, Default)]
pub struct Written {
    pub sent: BTreeSet<String>,
    pub acknowledged: BTreeSet<String>,
}

#[derive(Default)]
struct Ledger {
    measurements: Written,
    alerts: Written,
}

type Shared = Arc<Mutex<Ledger>>;

pub fn rounds() -> usize {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

pub fn random(below: u64) -> u64 {
    getrandom::u64().unwrap() % below
}

/// Writes until the server is gone: a batch of three measurements, then an alert, each under a name of its own.
async fn write(client: reqwest::Client, host: String, mark: String, ledger: Shared) {
    for n in 0.. {
        let batch: Vec<String> = (0..3).map(|part| format!("{mark}.{n}.{part}")).collect();
        let items: Vec<Value> =
            batch.iter().map(|name| json!({"name": "m", "value": 1, "tags": {"n": name}})).collect();
        ledger.lock().unwrap().measurements.sent.extend(batch.iter().cloned());
        let body = json!({ "measurements": items });
        if !post(&client, &host, "measurements", &body, 202).await {
            return;
        }
        let name = format!("{mark}.{n}");
        ledger.lock().unwrap().measurements.acknowledged.extend(batch);
        ledger.lock().unwrap().alerts.sent.insert(name.clone());
        let condition = json!({"type": "above", "metric_name": "m", "threshold": n});
        if !post(&client, &host, "alerts", &json!({"name": name, "conditions": [condition]}), 201).await {
            return;
        }
        ledger.lock().unwrap().alerts.acknowledged.insert(name);
    }
}

/// Whether the server acknowledged; a connection that broke tells nothing.
pub async fn post(client: &reqwest::Client, host: &str, route: &str, body: &Value, status: u16) -> bool {
    let url = format!("http://{host}/v1/{route}");
    match client.post(url).basic_auth(USER, Some(TOKEN)).json(body).send().await {
        Ok(answer) if answer.status() == status => true,
        Ok(answer) => panic!("{route} answered {}: {:?}", answer.status(), answer.text().await),
        Err(_) => false,
    }
}

async fn round(number: usize, data: &Path, ledger: &Shared) {
    let mut server = Server::start(data, &["-q"]);
    let client = client();
    let writers: Vec<_> = (0..6)
        .map(|writer| {
            let (client, host, ledger) = (client.clone(), server.host.clone(), Arc::clone(ledger));
            tokio::spawn(write(client, host, format!("r{number}.w{writer}"), ledger))
        })
        .collect();
    tokio::time::sleep(Duration::from_micros(random(400_000))).await;
    server.kill();
    for writer in writers {
        writer.await.unwrap();
    }
    let (sound, report) = check(data);
    assert!(sound, "after round {number}: {report}");
}

/// Every page of the alerts.
pub async fn alerts(server: &Server) -> Vec<String> {
    let mut names = Vec::new();
    loop {
        let url = server.url(&format!("/v1/alerts?offset={}", names.len()));
        let answer = client().get(url).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        let page = page["alerts"].as_array().unwrap().clone();
        if page.is_empty() {
            return names;
        }
        names.extend(page.iter().map(|alert| {
            assert_eq!(alert["conditions"].as_array().unwrap().len(), 1, "half an alert: {alert}");
            alert["name"].as_str().unwrap().to_owned()
        }));
    }
}

/// The `n` tag of every stored measurement, as often as it is stored: measurements of one second are merged when they
/// are read, and their number tells how many there were.
pub async fn measurements(server: &Server) -> Vec<String> {
    let mut names = Vec::new();
    let mut path = "/v1/measurements/m?resolution=1&duration=86400&summary_function=count".to_owned();
    loop {
        let answer = client().get(server.url(&path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
        let page: Value = answer.json().await.unwrap();
        for stream in page["series"].as_array().unwrap_or_else(|| panic!("{page}")) {
            let name = stream["tags"]["n"].as_str().unwrap();
            let counts = stream["measurements"]
                .as_array()
                .unwrap()
                .iter()
                .map(|point| point["value"].as_f64().unwrap());
            names.extend(std::iter::repeat_n(name.to_owned(), counts.sum::<f64>() as usize));
        }
        match page["links"][0]["href"].as_str() {
            Some(next) => path = next.to_owned(),
            None => return names,
        }
    }
}

impl Written {
    /// What was acknowledged and is not kept.
    pub fn lost<'w>(&'w self, kept: &'w BTreeSet<String>) -> Vec<&'w String> {
        self.acknowledged.difference(kept).collect()
    }
}

pub fn compare(what: &str, written: &Written, kept: &[String]) -> String {
    let found: BTreeSet<String> = kept.iter().cloned().collect();
    let lost = written.lost(&found);
    let invented: Vec<_> = found.difference(&written.sent).collect();
    assert!(lost.is_empty(), "{what} acknowledged and lost: {lost:?}");
    assert!(invented.is_empty(), "{what} never sent: {invented:?}");
    assert_eq!(kept.len(), found.len(), "{what} stored twice");
    let unanswered = found.len() - written.acknowledged.len();
    format!(
        "{} {what} acknowledged, 0 lost, 0 doubled ({unanswered} more were stored before their answer was)",
        written.acknowledged.len()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_or_doubled_when_the_server_is_killed() {
    let (_dir, data) = fresh();
    let ledger = Shared::default();
    let rounds = rounds();
    for number in 0..rounds {
        round(number, &data, &ledger).await;
    }
    let server = Server::start(&data, &["-q"]);
    let (alerts, measurements) = (alerts(&server).await, measurements(&server).await);
    let ledger = ledger.lock().unwrap();
    // A batch is stored whole or not at all, also where its answer was lost.
    let mut batches = BTreeMap::<&str, usize>::new();
    for name in &measurements {
        *batches.entry(name.rsplit_once('.').unwrap().0).or_default() += 1;
    }
    assert!(batches.values().all(|parts| *parts == 3), "half a batch: {batches:?}");
    let alerts = compare("alerts", &ledger.alerts, &alerts);
    let measurements = compare("measurements", &ledger.measurements, &measurements);
    let _ = writeln!(std::io::stderr(), "\nkilled {rounds} times: {measurements}; {alerts}\n");
    drop(server);
    let (sound, report) = check(&data);
    assert!(sound, "{report}");
}
