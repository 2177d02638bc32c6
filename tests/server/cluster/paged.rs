//! Pages while servers die: whichever of them evaluates and sends, people hear once that something is wrong, and once that it is over.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{Cluster, serve_with};
use crate::server::{Server, TOKEN, USER, client};
use crate::sinks::Sink;
use crate::store;

/// How long one page may take when a server dies: until its duties run out, others take them, and the value is judged and sent.
const PATIENCE: Duration = Duration::from_secs(60);

/// A message that arrived: of which incident, whether it is over, and what it is known by when it comes again.
#[derive(Debug, Clone, PartialEq)]
struct Told {
    incident: String,
    is_clear: bool,
    id: String,
}

fn told(sink: &Sink) -> Option<Told> {
    let (verdict, arrived) = sink.waiting()?;
    assert_eq!(verdict.map(|(kind, _)| kind), Ok("webhook"), "{arrived:?}");
    let payload = arrived.payload().unwrap();
    let is_clear = payload["violations"].as_object().is_none_or(serde_json::Map::is_empty);
    let incident = payload["incident_key"].as_str().unwrap().to_owned();
    Some(Told { incident, is_clear, id: arrived.header("idempotency-key").to_owned() })
}

async fn post(node: &Server, route: &str, body: &Value) -> String {
    let request = client().post(node.url(route)).basic_auth(USER, Some(TOKEN)).json(body);
    let answer = request.send().await.unwrap();
    assert!(answer.status().is_success(), "{route}: {answer:?}");
    answer.text().await.unwrap()
}

async fn submit(node: &Server, source: &str, value: u32) {
    post(node, "/v1/metrics", &json!({"gauges": [{"name": "m", "source": source, "value": value}]})).await;
}

/// Waits for news of this kind, and keeps what comes.
async fn until(sink: &Sink, is_clear: bool, all: &mut Vec<Told>) -> Duration {
    let begun = Instant::now();
    loop {
        while let Some(one) = told(sink) {
            all.push(one.clone());
            if one.is_clear == is_clear && all.iter().filter(|other| other.id == one.id).count() == 1 {
                return begun.elapsed();
            }
        }
        assert!(begun.elapsed() < PATIENCE, "nobody is told (clear: {is_clear}): {all:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Kills each server in turn, right after a value was acknowledged that somebody is to hear of.
#[tokio::test(flavor = "multi_thread")]
async fn people_hear_once_of_what_happens_whichever_server_dies() {
    const OPTIONS: &[&str] = &["--alert-settle", "1", "--notify-allow", "127.0.0.1"];
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    let nodes = (0..3).map(|_| serve_with(&address, OPTIONS)).collect();
    let mut cluster = Cluster { nodes, address, postgres };
    let sink = Sink::open();
    let url = format!("http://{}/webhook/ops", sink.address);
    let service = json!({"type": "webhook", "title": "ops", "settings": {"url": url}});
    let service = post(&cluster.nodes[0], "/v1/services", &service).await;
    let service: Value = serde_json::from_str(&service).unwrap();
    let condition = json!({"type": "above", "metric_name": "m", "threshold": 10});
    let alert = json!({"name": "slow", "conditions": [condition], "services": [service["id"]], "rearm_seconds": 60,
        "rearm_per_signal": true});
    post(&cluster.nodes[1], "/v1/alerts", &alert).await;
    submit(&cluster.nodes[0], "s", 1).await;

    let (mut all, mut longest) = (Vec::new(), Duration::ZERO);
    for node in 0..3 {
        // One of its own, since re-arm would hold back what follows too soon.
        let source = format!("s{node}");
        for value in [100, 1] {
            let dies = if value == 100 { node } else { (node + 1) % 3 };
            let lives = (dies + 1) % 3;
            // Of one second the last value would be seen with the first.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            submit(&cluster.nodes[lives], &source, value).await;
            cluster.nodes[dies].kill();
            longest = longest.max(until(&sink, value == 1, &mut all).await);
            cluster.nodes[dies] = serve_with(&cluster.address, OPTIONS);
        }
    }
    // What would come twice had been on its way by now.
    tokio::time::sleep(Duration::from_secs(3)).await;
    all.extend(std::iter::from_fn(|| told(&sink)));
    let mut incidents: BTreeMap<String, Vec<Told>> = BTreeMap::new();
    for one in &all {
        incidents.entry(one.incident.clone()).or_default().push(one.clone());
    }
    assert_eq!(incidents.len(), 3, "{all:#?}");
    let mut again = 0;
    for (incident, mut told) in incidents {
        let arrived = told.len();
        told.dedup();
        again += arrived - told.len();
        let news: Vec<bool> = told.iter().map(|one| one.is_clear).collect();
        assert_eq!(news, [false, true], "{incident}: {told:#?}");
    }
    assert!(again <= 6, "more came again than servers were killed");
    eprintln!(
        "6 servers killed while 3 incidents opened and closed: each told once, {again} messages again with the same key, longest wait {} ms",
        longest.as_millis()
    );
}
