//! Clients that write without end and note what they were answered. What is kept in the end must have all that was acknowledged, once.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::ops::kill::{Written, alerts, compare, measurements, random};
use crate::server::{Server, TOKEN, USER, client};

/// Writers at one time.
const WRITERS: usize = 6;

/// What was sent and answered so far, and to whom more is sent.
#[derive(Default)]
pub struct Ledger {
    hosts: Vec<String>,
    /// How often it was written on in the same ledger, so that names stay unique.
    times: usize,
    measurements: Written,
    alerts: Written,
    /// Requests that were told that nothing was stored, or that no one knows.
    pub refused: usize,
    /// What they were told.
    reasons: BTreeSet<String>,
    /// The longest that one of them had to wait for being told.
    pub longest_refused: Duration,
    /// The longest that one had to wait for being acknowledged.
    pub longest: Duration,
    /// The longest between two that were, whoever sent them.
    pub pause: Duration,
    last: Option<Instant>,
}

type Shared = Arc<Mutex<Ledger>>;

/// Those who write, until they are stopped.
pub struct Writers {
    ledger: Shared,
    stop: Arc<AtomicBool>,
    running: Vec<JoinHandle<()>>,
}

impl Ledger {
    pub fn new(hosts: Vec<String>) -> Ledger {
        Ledger { hosts, ..Ledger::default() }
    }

    fn acknowledged(&self) -> usize {
        self.measurements.acknowledged.len() + self.alerts.acknowledged.len()
    }

    fn acknowledge(&mut self, took: Duration) {
        let last = self.last.replace(Instant::now());
        self.pause = self.pause.max(last.map_or(Duration::ZERO, |last| last.elapsed()));
        self.longest = self.longest.max(took);
    }

    fn refuse(&mut self, reason: String, took: Duration) {
        self.refused += 1;
        self.reasons.insert(reason);
        self.longest_refused = self.longest_refused.max(took);
    }

    /// Compares what was answered with what a server shows, and tells it.
    pub async fn compare(&self, what: &str, node: &Server) {
        let kept = (measurements(node).await, alerts(node).await);
        let told =
            [compare("measurements", &self.measurements, &kept.0), compare("alerts", &self.alerts, &kept.1)];
        let [longest, refused, pause] =
            [self.longest, self.longest_refused, self.pause].map(|time| time.as_millis());
        let _ = writeln!(
            std::io::stderr(),
            "{what}: {}; {} requests refused within {refused} ms {:?}, longest wait {longest} ms, longest pause {pause} ms",
            told.join(", "),
            self.refused,
            self.reasons,
        );
        assert!(self.tells(), "too little was written to tell anything");
    }

    /// Whether enough was written to tell anything.
    fn tells(&self) -> bool {
        self.measurements.acknowledged.len() > 20
    }

    /// How much was acknowledged that a server does not show.
    pub async fn lost(&self, node: &Server) -> usize {
        let kept: (BTreeSet<_>, BTreeSet<_>) =
            (measurements(node).await.into_iter().collect(), alerts(node).await.into_iter().collect());
        self.measurements.lost(&kept.0).len() + self.alerts.lost(&kept.1).len()
    }
}

impl Writers {
    pub fn start(hosts: Vec<String>) -> Writers {
        Writers::go_on_in(Ledger::new(hosts))
    }

    /// Writes more in a ledger; what is told of waiting begins anew.
    pub fn go_on_in(ledger: Ledger) -> Writers {
        let (zero, times) = (Duration::ZERO, ledger.times + 1);
        let ledger = Ledger {
            times,
            refused: 0,
            reasons: BTreeSet::new(),
            longest_refused: zero,
            longest: zero,
            pause: zero,
            last: None,
            ..ledger
        };
        let (ledger, stop) = (Arc::new(Mutex::new(ledger)), Arc::new(AtomicBool::new(false)));
        let write = |writer| {
            tokio::spawn(write(format!("t{times}w{writer}"), Arc::clone(&ledger), Arc::clone(&stop)))
        };
        let running = (0..WRITERS).map(write).collect();
        Writers { ledger, stop, running }
    }

    /// Has the next requests go to these.
    pub fn send_to(&self, hosts: Vec<String>) {
        self.ledger.lock().unwrap().hosts = hosts;
    }

    pub fn acknowledged(&self) -> usize {
        self.ledger.lock().unwrap().acknowledged()
    }

    /// The longest pause so far.
    pub fn pause(&self) -> Duration {
        self.ledger.lock().unwrap().pause
    }

    /// Waits until something more is acknowledged.
    pub async fn go_on(&self, seconds: u64) {
        let (begun, before) = (Instant::now(), self.acknowledged());
        while self.acknowledged() == before {
            assert!(begun.elapsed() < Duration::from_secs(seconds), "nothing was stored for {seconds} s");
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops them, once they have written enough to tell anything, if that is to be had.
    pub async fn stop(self) -> Ledger {
        let begun = Instant::now();
        while !self.ledger.lock().unwrap().tells() && begun.elapsed() < Duration::from_secs(30) {
            sleep(Duration::from_millis(10)).await;
        }
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.running {
            writer.await.unwrap();
        }
        Arc::into_inner(self.ledger).unwrap().into_inner().unwrap()
    }

    /// Stops them, and compares what was answered with what a server shows.
    pub async fn settle(self, what: &str, node: &Server) -> Ledger {
        let ledger = self.stop().await;
        ledger.compare(what, node).await;
        ledger
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

/// Whether a server acknowledged; one that is gone, busy, full or without a database tells nothing.
async fn post(client: &reqwest::Client, ledger: &Shared, route: &str, body: &Value, status: u16) -> bool {
    let host = {
        let hosts = &ledger.lock().unwrap().hosts;
        hosts[random(hosts.len() as u64) as usize].clone()
    };
    let (begun, url) = (Instant::now(), format!("http://{host}/v1/{route}"));
    let answer = client.post(url).basic_auth(USER, Some(TOKEN)).json(body).send().await;
    let reason = match answer {
        Ok(answer) if answer.status() == status => {
            ledger.lock().unwrap().acknowledge(begun.elapsed());
            return true;
        }
        Ok(answer) => {
            let (told, said) = (answer.status(), answer.text().await);
            assert!(told == 503 || told == 507, "{route}: {told} {said:?}");
            said.unwrap_or_else(|error| error.to_string())
        }
        Err(_) => "broken off".to_owned(),
    };
    ledger.lock().unwrap().refuse(reason, begun.elapsed());
    // Who is refused at once does not ask again at once.
    sleep(Duration::from_millis(20)).await;
    false
}
