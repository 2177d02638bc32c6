//! Pages while servers and databases die: whichever server evaluates and sends, people hear once that something is wrong, and once that it
//! is over.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::time::sleep;

use super::Cluster;
use crate::server::{Server, TOKEN, USER, client};
use crate::sinks::Sink;
use crate::store;

pub const OPTIONS: &[&str] = &["--alert-settle", "1", "--notify-allow", "127.0.0.1"];

/// How long one page may take when a server dies: until its duties run out, others take them, and the value is judged and sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that arrived: of which incident, whether it is over, and what it is known by when it comes again.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    incident: String,
    is_clear: bool,
    id: String,
}

/// Servers with an alert, and where its service hears of it.
pub struct Watched {
    pub cluster: Cluster,
    sink: Sink,
    all: Vec<Told>,
    pub longest: Duration,
}

pub async fn post(node: &Server, route: &str, body: &Value) -> String {
    // A database that was just started is waited for.
    let mut tries = 0..20;
    loop {
        let request = client().post(node.url(route)).basic_auth(USER, Some(TOKEN)).json(body);
        let answer = request.send().await.unwrap();
        if answer.status() != 503 {
            assert!(answer.status().is_success(), "{route}: {answer:?}");
            return answer.text().await.unwrap();
        }
        tries.next().unwrap_or_else(|| panic!("{route} is refused for long"));
        sleep(Duration::from_millis(500)).await;
    }
}

impl Watched {
    /// Servers with a service that answers by this sink.
    pub async fn begin(sink: Sink) -> Option<Watched> {
        let postgres = store::durable(&[])?;
        let address = postgres.create("monitoring");
        Some(Watched::over(Cluster::over(postgres, address, 3, OPTIONS), sink).await)
    }

    pub async fn over(cluster: Cluster, sink: Sink) -> Watched {
        let url = format!("http://{}/webhook/ops", sink.address);
        let service = json!({"type": "webhook", "title": "ops", "settings": {"url": url}});
        let service = post(&cluster.nodes[0], "/v1/services", &service).await;
        let service: Value = serde_json::from_str(&service).unwrap();
        let condition = json!({"type": "above", "metric_name": "load", "threshold": 10});
        let alert = json!({"name": "slow", "conditions": [condition], "services": [service["id"]], "rearm_seconds": 60,
            "rearm_per_signal": true});
        post(&cluster.nodes[1], "/v1/alerts", &alert).await;
        let watched = Watched { cluster, sink, all: Vec::new(), longest: Duration::ZERO };
        watched.submit(0, "s", 1).await;
        watched
    }

    /// Has a value acknowledged that somebody is to hear of. Each source is an incident of its own, since re-arm would hold back what
    /// follows too soon.
    pub async fn submit(&self, node: usize, source: &str, value: u32) {
        // Of one second the last value would be seen with the first.
        sleep(Duration::from_millis(1_500)).await;
        let body = json!({"gauges": [{"name": "load", "source": source, "value": value}]});
        post(&self.cluster.nodes[node], "/v1/metrics", &body).await;
    }

    fn arrived(&mut self) -> Option<Told> {
        let (verdict, arrived) = self.sink.waiting()?;
        assert_eq!(verdict.map(|(kind, _)| kind), Ok("webhook"), "{arrived:?}");
        let payload = arrived.payload().unwrap();
        let is_clear = payload["violations"].as_object().is_none_or(serde_json::Map::is_empty);
        let incident = payload["incident_key"].as_str().unwrap().to_owned();
        let told = Told { incident, is_clear, id: arrived.header("idempotency-key").to_owned() };
        self.all.push(told.clone());
        Some(told)
    }

    /// Waits for news of this kind.
    pub async fn hears(&mut self, is_clear: bool) {
        let begun = Instant::now();
        loop {
            while let Some(one) = self.arrived() {
                if one.is_clear == is_clear && self.all.iter().filter(|other| other.id == one.id).count() == 1
                {
                    self.longest = self.longest.max(begun.elapsed());
                    return;
                }
            }
            assert!(begun.elapsed() < PATIENCE, "nobody is told (clear: {is_clear}): {:#?}", self.all);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until so many incidents were told of, or their ends.
    pub async fn hears_of(&mut self, incidents: usize, is_clear: bool) {
        let begun = Instant::now();
        loop {
            while self.arrived().is_some() {}
            let told = self.all.iter().filter(|one| one.is_clear == is_clear);
            if told.map(|one| &one.incident).collect::<BTreeSet<_>>().len() == incidents {
                self.longest = self.longest.max(begun.elapsed());
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "not all are told (clear: {is_clear}): {:#?}", self.all);
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Which server sends.
    pub fn sender(&self) -> usize {
        let holder = "SELECT name FROM librato_apply.nodes WHERE id = (SELECT holder FROM librato_apply.leases WHERE name = 'outbox')";
        self.cluster.postgres.sql("monitoring", holder)[1..].parse().unwrap()
    }

    /// Each incident was told once, and so was its end. How many messages came again by the same key.
    pub async fn told_once(mut self, incidents: usize) -> usize {
        // What would come twice had been on its way by now.
        sleep(Duration::from_secs(3)).await;
        while self.arrived().is_some() {}
        let mut found: BTreeMap<String, Vec<Told>> = BTreeMap::new();
        for one in &self.all {
            found.entry(one.incident.clone()).or_default().push(one.clone());
        }
        assert_eq!(found.len(), incidents, "{:#?}", self.all);
        let mut again = 0;
        for (incident, mut told) in found {
            let arrived = told.len();
            told.dedup();
            again += arrived - told.len();
            let news: Vec<bool> = told.iter().map(|one| one.is_clear).collect();
            assert_eq!(news, [false, true], "{incident}: {told:#?}");
        }
        again
    }
}

/// Kills each server in turn, right after a value was acknowledged that somebody is to hear of.
#[tokio::test(flavor = "multi_thread")]
async fn people_hear_once_of_what_happens_whichever_server_dies() {
    let Some(mut watched) = Watched::begin(Sink::open()).await else { return };
    for node in 0..3 {
        for value in [100, 1] {
            let dies = if value == 100 { node } else { (node + 1) % 3 };
            watched.submit((dies + 1) % 3, &format!("s{node}"), value).await;
            watched.cluster.nodes[dies].kill();
            watched.hears(value == 1).await;
            watched.cluster.nodes[dies] = watched.cluster.serve(dies);
        }
    }
    let longest = watched.longest.as_millis();
    let again = watched.told_once(3).await;
    assert!(again <= 6, "more came again than servers were killed");
    eprintln!(
        "6 servers killed while 3 incidents opened and closed: each told once, {again} messages again with the same key, longest wait {longest} ms"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn people_hear_once_of_what_happens_when_the_database_dies() {
    let Some(mut watched) = Watched::begin(Sink::open()).await else { return };
    for incident in 0..2 {
        for value in [100, 1] {
            watched.submit(incident, &format!("s{incident}"), value).await;
            watched.cluster.postgres.kill();
            watched.cluster.postgres.start_again();
            watched.hears(value == 1).await;
        }
    }
    let longest = watched.longest.as_millis();
    let again = watched.told_once(2).await;
    assert!(again <= 4, "more came again than databases were killed");
    eprintln!(
        "database killed 4 times while 2 incidents opened and closed: each told once, {again} messages again with the same key, longest wait {longest} ms"
    );
}

/// What was sent by a server that dies before it has noted that comes once more, and can be known by its key.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_and_not_noted_comes_once_more() {
    // The answer comes when the sender is dead, so it cannot have noted it.
    let Some(mut watched) = Watched::begin(Sink::slow(|| Duration::from_secs(3))).await else { return };
    for value in [100, 1] {
        watched.submit(0, "a", value).await;
        watched.hears(value == 1).await;
        let sender = watched.sender();
        watched.cluster.replace(sender);
        let (begun, before) = (Instant::now(), watched.all.len());
        while watched.arrived().is_none() {
            assert!(begun.elapsed() < PATIENCE, "it does not come again");
            sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(watched.all[before], watched.all[before - 1], "not the same message");
        watched.longest = watched.longest.max(begun.elapsed());
    }
    let longest = watched.longest.as_millis();
    assert_eq!(watched.told_once(1).await, 2, "one repetition for each server that was killed");
    eprintln!(
        "2 servers killed between sending and noting: 2 messages again with the same key, longest wait {longest} ms"
    );
}
