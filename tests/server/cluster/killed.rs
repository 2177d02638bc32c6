//! Sudden death among several servers: of one of them, of PostgreSQL, of connections. Nothing that was acknowledged may be missing, and
//! nothing may be there twice.
//!
//! KILLS=30 in the environment asks for more rounds than the usual few.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::Cluster;
use crate::ops::kill::{Written, alerts, compare, measurements, random};
use crate::server::{TOKEN, USER, client};

/// What was sent and answered so far, and to whom more is sent.
#[derive(Default)]
struct Ledger {
    hosts: Vec<String>,
    measurements: Written,
    alerts: Written,
    /// Requests that were told that nothing was stored, or that no one knows.
    refused: usize,
    /// The longest that one had to wait for being acknowledged.
    longest: Duration,
}

type Shared = Arc<Mutex<Ledger>>;

/// Those who write, until they are stopped.
struct Writers {
    ledger: Shared,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
}

fn rounds(usual: usize) -> usize {
    std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

impl Writers {
    fn start(cluster: &Cluster) -> Writers {
        let ledger = Shared::default();
        ledger.lock().unwrap().hosts = cluster.hosts();
        let stop = Arc::new(AtomicBool::new(false));
        let write =
            |writer| tokio::spawn(write(format!("w{writer}"), Arc::clone(&ledger), Arc::clone(&stop)));
        let running = (0..6).map(write).collect();
        Writers { ledger, stop, running }
    }

    fn acknowledged(&self) -> usize {
        self.ledger.lock().unwrap().measurements.acknowledged.len()
    }

    /// Waits until something more is acknowledged; how long that took.
    async fn go_on(&self) -> Duration {
        let (begun, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() == before {
            assert!(begun.elapsed() < Duration::from_secs(30), "nothing is acknowledged any more");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        begun.elapsed()
    }

    /// Stops them, and compares what was answered with what is kept.
    async fn settle(self, what: &str, cluster: &Cluster) {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.running {
            writer.await.unwrap();
        }
        let node = cluster.nodes.last().unwrap();
        let kept = (measurements(node).await, alerts(node).await);
        let ledger = self.ledger.lock().unwrap();
        let told = [
            compare("measurements", &ledger.measurements, &kept.0),
            compare("alerts", &ledger.alerts, &kept.1),
        ];
        let (refused, longest) = (ledger.refused, ledger.longest.as_millis());
        let _ = writeln!(
            std::io::stderr(),
            "{what}: {}; {refused} requests refused, longest wait {longest} ms",
            told.join(", ")
        );
        assert!(ledger.measurements.acknowledged.len() > 20, "too little was written to tell anything");
    }
}

/// Writes three measurements and an alert, again and again, each under a name of its own and through any of the servers.
async fn write(mark: String, ledger: Shared, stop: Arc<AtomicBool>) {
    let client = client();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let batch: Vec<String> = (0..3).map(|part| format!("{mark}.{n}.{part}")).collect();
        let items: Vec<Value> =
            batch.iter().map(|name| json!({"name": "m", "value": 1, "tags": {"n": name}})).collect();
        ledger.lock().unwrap().measurements.sent.extend(batch.iter().cloned());
        if post(&client, &ledger, "measurements", &json!({ "measurements": items }), 202).await {
            ledger.lock().unwrap().measurements.acknowledged.extend(batch);
        }
        let name = format!("{mark}.{n}");
        ledger.lock().unwrap().alerts.sent.insert(name.clone());
        let condition = json!({"type": "above", "metric_name": "m", "threshold": n});
        let alert = json!({"name": name, "conditions": [condition]});
        if post(&client, &ledger, "alerts", &alert, 201).await {
            ledger.lock().unwrap().alerts.acknowledged.insert(name);
        }
    }
}

/// Whether a server acknowledged; one that is gone, busy or without a database tells nothing.
async fn post(client: &reqwest::Client, ledger: &Shared, route: &str, body: &Value, status: u16) -> bool {
    let host = {
        let hosts = &ledger.lock().unwrap().hosts;
        hosts[random(hosts.len() as u64) as usize].clone()
    };
    let (begun, url) = (Instant::now(), format!("http://{host}/v1/{route}"));
    let answer = client.post(url).basic_auth(USER, Some(TOKEN)).json(body).send().await;
    let took = begun.elapsed();
    let mut ledger = ledger.lock().unwrap();
    match answer {
        Ok(answer) if answer.status() == status => {
            ledger.longest = ledger.longest.max(took);
            return true;
        }
        Ok(answer) => assert_eq!(answer.status(), 503, "{route}"),
        Err(_) => {}
    }
    ledger.refused += 1;
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_takes_nothing_along() {
    let Some(mut cluster) = Cluster::start(3, &[]) else { return };
    let writers = Writers::start(&cluster);
    for _ in 0..rounds(5) {
        writers.go_on().await;
        tokio::time::sleep(Duration::from_micros(random(300_000))).await;
        cluster.replace(random(3) as usize);
        writers.ledger.lock().unwrap().hosts = cluster.hosts();
    }
    writers.go_on().await;
    writers.settle("servers killed", &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_killed_and_started_again_has_all_that_was_acknowledged() {
    let Some(mut cluster) = Cluster::start(2, &[]) else { return };
    let writers = Writers::start(&cluster);
    for _ in 0..rounds(3) {
        writers.go_on().await;
        tokio::time::sleep(Duration::from_micros(random(300_000))).await;
        cluster.postgres.kill();
        cluster.postgres.start_again();
        let pause = writers.go_on().await;
        assert!(pause < Duration::from_secs(20), "it took {pause:?} until something was stored again");
    }
    writers.settle("database killed", &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_are_ended_again_and_again_lose_nothing() {
    let Some(cluster) = Cluster::start(2, &[]) else { return };
    let writers = Writers::start(&cluster);
    writers.go_on().await;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'librato-apply%'";
    for _ in 0..rounds(10) {
        cluster.postgres.sql("monitoring", end);
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let pause = writers.go_on().await;
    assert!(pause < Duration::from_secs(10), "it took {pause:?} until something was stored again");
    writers.settle("connections ended", &cluster).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_others_use_up_are_waited_for() {
    let Some(cluster) = Cluster::start(2, &["-c", "max_connections=20"]) else { return };
    let writers = Writers::start(&cluster);
    writers.go_on().await;
    let mut held: Vec<_> = (0..20).map(|_| cluster.postgres.hold("monitoring", 3)).collect();
    for other in &mut held {
        other.wait().unwrap();
    }
    let pause = writers.go_on().await;
    assert!(pause < Duration::from_secs(10), "it took {pause:?} until something was stored again");
    writers.settle("connections used up", &cluster).await;
}
