//! Sudden death while alerts fire: the server is killed again and again under load, over one and the same file, while streams violate
//! conditions and come back. Each incident that must be there is told to each service at least once, and nobody hears of an end before
//! a beginning. What arrives twice was on its way when the server was killed, and can be known by its key.
//!
//! KILLS=200 in the environment asks for more rounds than the usual ten.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::kill::{post, random, rounds};
use crate::server::{Server, TOKEN, USER, check, client, fresh};
use crate::sinks::{Arrived, Sink, Verdict};

/// Each with a webhook and a PagerDuty of its own, and an incident for each stream.
const ALERTS: usize = 6;

/// How long is waited at the end for the next of what was not told yet: a service hears of one thing a second.
const PATIENCE: Duration = Duration::from_secs(60);

/// Of one alert, by the names of streams.
#[derive(Clone, Default)]
struct Provoked {
    /// Those that violate, or may: nobody answered.
    sent: BTreeSet<String>,
    /// Those that do.
    acknowledged: BTreeSet<String>,
    /// Those of which no normal value was acknowledged.
    open: BTreeSet<String>,
}

type Shared = Arc<Mutex<Provoked>>;

/// A request as the model sees it.
#[derive(Debug)]
struct Told {
    begun: Instant,
    /// `webhook/3`, `pagerduty/3`.
    service: String,
    alert: usize,
    incident: String,
    /// Known of triggers.
    stream: Option<String>,
    is_clear: bool,
    /// What it is to be known by when it comes twice.
    id: String,
    body: String,
}

async fn next_second() {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let rest = Duration::from_secs(1) - Duration::from_nanos(now.subsec_nanos().into());
    tokio::time::sleep(rest + Duration::from_micros(random(300_000))).await;
}

/// What an alert is sent in one second: a stream that was not there before violates, those that did are normal again.
fn second(alert: usize, open: &BTreeSet<String>, new: Option<&str>) -> Value {
    let one =
        |stream: &str, value: u32| json!({"name": format!("m{alert}"), "source": stream, "value": value});
    let gauges: Vec<Value> =
        open.iter().map(|stream| one(stream, 1)).chain(new.map(|stream| one(stream, 100))).collect();
    json!({ "gauges": gauges })
}

/// Provokes an incident a second until the server is gone.
async fn provoke(host: String, alert: usize, round: usize, all: Shared) {
    let client = client();
    for n in 0.. {
        next_second().await;
        let (stream, open) = (format!("r{round}n{n}"), all.lock().unwrap().open.clone());
        all.lock().unwrap().sent.insert(stream.clone());
        let heard = post(&client, &host, "metrics", &second(alert, &open, Some(&stream)), 200).await;
        let mut all = all.lock().unwrap();
        if heard {
            all.open.retain(|stream| !open.contains(stream));
            all.acknowledged.insert(stream.clone());
        }
        all.open.insert(stream);
        if !heard {
            return;
        }
    }
}

/// Sends what nobody is told of, as fast as it goes, until the server is gone.
async fn load(host: String, writer: usize) {
    let client = client();
    let calm =
        |n: usize| json!({"name": format!("m{}", n % ALERTS), "source": format!("calm{n}"), "value": 1});
    let other = |n: usize| json!({"name": "elsewhere", "source": format!("w{writer}.{n}"), "value": n});
    let gauges: Vec<Value> = (0..150).map(calm).chain((0..150).map(other)).collect();
    let body = json!({ "gauges": gauges });
    while post(&client, &host, "metrics", &body, 200).await {}
}

fn start(data: &Path, sink: &Sink) -> Server {
    let base = format!("pagerduty=http://{}", sink.address);
    Server::start(data, &["-q", "--alert-settle", "1", "--notify-allow", "127.0.0.1", "--notify-base", &base])
}

async fn define(server: &Server, sink: &Sink) {
    let (client, mut services) = (client(), 0);
    for alert in 0..ALERTS {
        let url = format!("http://{}/webhook/{alert}", sink.address);
        for (kind, settings) in [
            ("webhook", json!({ "url": url })),
            (
                "pagerduty",
                json!({ "service_key": alert.to_string(), "event_type": "trigger", "description": "d", "api": "v2" }),
            ),
        ] {
            let service = json!({ "type": kind, "title": format!("{kind}{alert}"), "settings": settings });
            assert!(post(&client, &server.host, "services", &service, 201).await);
            services += 1;
        }
        let condition = json!({"type": "above", "metric_name": format!("m{alert}"), "threshold": 10});
        let alert = json!({
            "name": format!("a{alert}"), "conditions": [condition], "services": [services - 1, services],
            "rearm_per_signal": true,
        });
        assert!(post(&client, &server.host, "alerts", &alert, 201).await);
    }
}

/// What a request tells of.
fn read((verdict, arrived): (Verdict, Arrived)) -> Told {
    let (kind, is_clear) = verdict.unwrap_or_else(|why| panic!("{why}: {arrived:?}"));
    let id = arrived.header("idempotency-key").to_owned();
    let begun = arrived.begun;
    let told = |service: &str, incident: &Value, stream: Option<String>| Told {
        begun,
        service: format!("{kind}/{service}"),
        alert: service.parse().unwrap(),
        incident: incident.as_str().unwrap().to_owned(),
        stream,
        is_clear,
        id,
        body: arrived.body.clone(),
    };
    if kind == "webhook" {
        let payload = arrived.payload().unwrap();
        let streams: Vec<&String> =
            payload["violations"].as_object().into_iter().flat_map(|all| all.keys()).collect();
        assert!(streams.len() == usize::from(!is_clear), "{payload}");
        let stream = streams.first().map(|stream| (*stream).clone());
        told(arrived.path.rsplit('/').next().unwrap(), &payload["incident_key"], stream)
    } else {
        let event = arrived.json().unwrap();
        let stream = event["payload"]["source"].as_str().filter(|_| !is_clear).map(str::to_owned);
        told(event["routing_key"].as_str().unwrap(), &event["dedup_key"], stream)
    }
}

async fn page(server: &Server, path: &str) -> Value {
    let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    answer.json().await.unwrap()
}

/// How many of a collection the server has that are asked for.
async fn total(server: &Server, path: &str) -> u64 {
    let page = page(server, path).await;
    page["query"]["found"].as_u64().unwrap_or_else(|| panic!("{path}: {page}"))
}

/// Ends what is open and waits until everybody was told.
async fn settle(server: &Server, all: &[Shared]) {
    next_second().await;
    for (alert, one) in all.iter().enumerate() {
        let open = one.lock().unwrap().open.clone();
        assert!(post(&client(), &server.host, "metrics", &second(alert, &open, None), 200).await);
    }
    // The last values are judged within a few seconds, and then nothing is open and nothing waits.
    let (mut still, mut before, mut begun) = (0, u64::MAX, Instant::now());
    while still < 8 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let waits = total(server, "/v1/deliveries?status=waiting&length=1").await
            + total(server, "/v1/incidents?status=open&length=1").await;
        still = if waits == 0 { still + 1 } else { 0 };
        if waits != before {
            (before, begun) = (waits, Instant::now());
        }
        if begun.elapsed() > PATIENCE {
            let waiting = page(server, "/v1/deliveries?status=waiting&length=5").await;
            let open = page(server, "/v1/incidents?status=open&length=5").await;
            let figures =
                client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
            let figures = figures.text().await.unwrap();
            panic!("{waits} wait: {waiting:#}\n{open:#}\n{figures}\n{}", server.log());
        }
    }
}

#[derive(Debug, Default)]
struct Counts {
    incidents: usize,
    certain: usize,
    triggers: usize,
    clears: usize,
    again: usize,
}

/// Holds what one service was told of one alert against what was provoked.
fn judge(service: &str, provoked: &Provoked, told: &[&Told], kills: &[Instant], counts: &mut Counts) {
    let mut incidents: BTreeMap<&str, Vec<&Told>> = BTreeMap::new();
    for one in told {
        incidents.entry(&one.incident).or_default().push(one);
    }
    let mut streams = BTreeSet::new();
    for (incident, told) in incidents {
        let first = told[0];
        assert!(!first.is_clear, "{service} hears of the end of {incident} first: {told:#?}");
        let stream = first.stream.clone().unwrap();
        assert!(provoked.sent.contains(&stream), "{service}: nothing was ever sent for {stream}");
        assert!(streams.insert(stream.clone()), "{service}: {stream} has two incidents");
        for is_clear in [false, true] {
            let mut same = told.iter().filter(|one| one.is_clear == is_clear);
            let first =
                same.next().unwrap_or_else(|| panic!("{service} never hears of the end of {incident}"));
            let mut before = first.begun;
            for one in same {
                assert_eq!(
                    (&one.id, &one.body),
                    (&first.id, &first.body),
                    "{service}: told twice, differently"
                );
                let killed = kills.iter().any(|kill| (before..one.begun).contains(kill));
                assert!(killed, "{service}: told twice of {incident} by one and the same process");
                before = one.begun;
                counts.again += 1;
            }
            *if is_clear { &mut counts.clears } else { &mut counts.triggers } += 1;
        }
    }
    let lost: Vec<_> = provoked.acknowledged.difference(&streams).collect();
    assert!(lost.is_empty(), "{service} was never told of {lost:?}");
    counts.incidents += streams.len();
    counts.certain += provoked.acknowledged.len();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_incident_is_told_when_the_server_is_killed() {
    let (_dir, data) = fresh();
    let sink = Sink::slow(|| Duration::from_micros(random(200_000)));
    let all: Vec<Shared> = (0..ALERTS).map(|_| Shared::default()).collect();
    let mut kills = Vec::new();
    let mut server = start(&data, &sink);
    define(&server, &sink).await;
    let rounds = rounds();
    for round in 0..rounds {
        let host = &server.host;
        let mut writers: Vec<_> = (0..2).map(|writer| tokio::spawn(load(host.clone(), writer))).collect();
        writers.extend(
            all.iter()
                .enumerate()
                .map(|(alert, one)| tokio::spawn(provoke(host.clone(), alert, round, Arc::clone(one)))),
        );
        tokio::time::sleep(Duration::from_micros(random(1_600_000))).await;
        server.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        kills.push(Instant::now());
        server = start(&data, &sink);
    }
    settle(&server, &all).await;
    let (incidents, deliveries) =
        (total(&server, "/v1/incidents?length=1").await, total(&server, "/v1/deliveries?length=1").await);
    let sent = total(&server, "/v1/deliveries?length=1&status=sent").await;
    server.stop();
    let (sound, report) = check(&data);
    assert!(sound, "{report}");

    let mut told: Vec<Told> = std::iter::from_fn(|| sink.waiting()).map(read).collect();
    told.sort_by_key(|one| one.begun);
    let mut counts = Counts::default();
    for (alert, one) in all.iter().enumerate() {
        for kind in ["webhook", "pagerduty"] {
            let service = format!("{kind}/{alert}");
            let to: Vec<&Told> = told.iter().filter(|one| one.service == service).collect();
            assert!(to.iter().all(|one| one.alert == alert));
            judge(&service, &one.lock().unwrap(), &to, &kills, &mut counts);
        }
    }
    let keys: BTreeSet<&str> = told.iter().map(|one| &*one.incident).collect();
    assert_eq!((keys.len() as u64, counts.incidents), (incidents, 2 * keys.len()), "told, kept");
    assert_eq!(
        (deliveries, sent),
        (4 * incidents, 4 * incidents),
        "one trigger and one clear for each service"
    );
    let Counts { certain, triggers, clears, again, .. } = counts;
    let certain = certain / 2;
    let _ = writeln!(
        std::io::stderr(),
        "\nkilled {rounds} times: {incidents} incidents at 2 services each ({certain} of these certain, 0 lost), {triggers} triggers and \
         {clears} clears arrived, {again} of them again, with the same key; 0 clears before their trigger\n"
    );
}
