//! A law over generated values and requests: what the server keeps of an alert, and takes up from the file each time, does as the machine
//! does that is never put down; no request by itself opens an incident or repeats a trigger; each service is told in order.

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::serve::catalog::alerting::record::{Terms, record};
use crate::serve::catalog::alerts::table;
use crate::serve::catalog::alerts::watched::Watched;
use crate::serve::driven::{NOW, SETTINGS, Server, take_up};
use crate::serve::http::problem::Problem;
use crate::serve::store::tx::{Tx, params};
use crate::watch::{Alert, AlertState, Context, Message, Reading, Transition};

#[derive(Debug, Clone)]
enum Step {
    /// A value of a metric and a stream, some seconds later.
    Value(u64, usize, usize, f64),
    Put(Value),
    Attach(i64),
    Detach(i64),
    Clear,
    DeleteMetric(usize),
}

const METRICS: [&str; 2] = ["m", "n"];
const STREAMS: [&str; 2] = ["web1", "web2"];

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let condition = (0..2_usize, prop_oneof![Just(10), Just(50)], any::<bool>(), 0..3_u8).prop_map(
        |(metric, threshold, lasts, kind)| {
            let metric = METRICS[metric];
            match kind {
                0 => json!({ "type": "absent", "metric_name": metric, "duration": 120 }),
                _ if lasts => {
                    json!({ "type": "above", "metric_name": metric, "threshold": threshold, "duration": 60 })
                }
                _ => json!({ "type": "above", "metric_name": metric, "threshold": threshold }),
            }
        },
    );
    let alert = (prop::collection::vec(condition, 0..3), prop::bool::weighted(0.8), any::<bool>(), 0..2_i64);
    let put = alert.prop_map(|(conditions, active, per_signal, rearm)| {
        json!({ "name": "a", "conditions": conditions, "active": active, "rearm_per_signal": per_signal,
            "rearm_seconds": rearm * 600 })
    });
    let value = (1..200_u64, 0..2_usize, 0..2_usize, prop_oneof![Just(1.0), Just(20.0), Just(90.0)]);
    let step = prop_oneof![
        12 => value.prop_map(|(time, metric, stream, value)| Step::Value(time, metric, stream, value)),
        3 => put.prop_map(Step::Put),
        1 => (1..3_i64).prop_map(Step::Attach),
        1 => (1..3_i64).prop_map(Step::Detach),
        1 => Just(Step::Clear),
        1 => (0..2_usize).prop_map(Step::DeleteMetric),
    ];
    prop::collection::vec(step, 1..40)
}

/// The machine that is never put down, and what it said.
struct Model {
    alert: Alert,
    state: AlertState,
    /// By their numbers: when it opened and closed, and how.
    incidents: BTreeMap<u64, (i64, Option<i64>)>,
    /// Incident, number of the notice, service, and whether it is a clear.
    told: Vec<(u64, u32, i64, bool)>,
}

impl Model {
    fn note(&mut self, transitions: &[Transition]) {
        for transition in transitions {
            match transition {
                Transition::Opened { incident, at, .. } => {
                    self.incidents.insert(*incident, (*at, None));
                }
                Transition::Closed { incident, at, .. } => {
                    if let Some((_, closed)) = self.incidents.get_mut(incident) {
                        *closed = Some(*at);
                    }
                }
                Transition::Notice(notice) => {
                    let is_clear = matches!(notice.message, Message::Clear(_));
                    let told = |service: &i64| (notice.incident, notice.seq, *service, is_clear);
                    self.told.extend(notice.services.iter().map(told));
                }
            }
        }
    }

    fn run(&mut self, change: impl FnOnce(&Context<'_>, &mut AlertState) -> Vec<Transition>) {
        let alert = self.alert.clone();
        let ctx = Context { alert: &alert, settings: &SETTINGS, silences: &[] };
        let transitions = change(&ctx, &mut self.state);
        self.note(&transitions);
    }
}

async fn watched(server: &Server) -> Alert {
    let read = |tx: &Tx| {
        let alert = table::get_all(tx, &vec![1])?.pop().ok_or_else(Problem::not_found)?;
        Ok::<_, Problem>(Watched::of(tx, [&alert])?.watch(&alert))
    };
    server.store.read(read).await.unwrap()
}

/// What the server kept, in the form of the model.
async fn kept(server: &Server) -> (BTreeMap<u64, (i64, Option<i64>)>, Vec<(u64, u32, i64, bool)>) {
    let number = |key: &str| key.rsplit('-').next().unwrap().parse::<u64>().unwrap();
    let read = move |tx: &Tx| {
        let incidents = tx.all("SELECT key, opened, closed FROM incidents", params![], |row| {
            Ok((number(row.get("key")?), (row.get("opened")?, row.get("closed")?)))
        })?;
        let told =
            tx.all("SELECT key, seq, service_id, kind FROM deliveries ORDER BY id", params![], |row| {
                let seq: i64 = row.get("seq")?;
                Ok((
                    number(row.get("key")?),
                    seq as u32,
                    row.get("service_id")?,
                    row.get::<&str>("kind")? == "clear",
                ))
            })?;
        Ok::<_, Problem>((incidents.into_iter().collect(), told))
    };
    server.store.read(read).await.unwrap()
}

/// A value that was sent: second, metric, stream, value.
type Sent = (i64, &'static str, &'static str, f64);

/// What the evaluation does with the last of `sent`: the state is taken up with what the storage knows of before.
async fn evaluate(server: &Server, sent: Vec<Sent>) {
    let Some(to) = sent.last().map(|last| last.0) else { return };
    let job = move |tx: &Tx| {
        let (_, recorded) = take_up(tx, 1, to, |ctx, state| {
            let mut all: Vec<Reading> = sent.iter().flat_map(|sent| readings(ctx, *sent)).collect();
            state.prime(ctx, &all);
            state.advance(ctx, to, &mut all)
        })?;
        let terms = Terms { account: "ops@example.org".into(), notify: true, now: to };
        assert_eq!(record(tx, &terms, &[recorded])?, [0; 0]);
        Ok::<_, Problem>(())
    };
    server.store.write(job).await.unwrap();
}

fn readings(ctx: &Context<'_>, (u, metric, stream, value): Sent) -> Vec<Reading> {
    let conditions = ctx.alert.conditions.iter().enumerate().filter(|(_, one)| one.metric == metric);
    conditions
        .map(|(condition, _)| Reading { u, t: u, condition, stream: stream.into(), value: Some(value) })
        .collect()
}

async fn check(steps: Vec<Step>) {
    let server = Server::with_services().await;
    let first = json!({ "name": "a", "services": [1, 2],
        "conditions": [{ "type": "above", "metric_name": "m", "threshold": 10 }] });
    server.good("POST", "/v1/alerts", first).await;
    let alert = watched(&server).await;
    let state = AlertState::new(&alert, NOW);
    let mut model = Model { alert, state, incidents: BTreeMap::new(), told: Vec::new() };
    let (mut now, mut sent) = (NOW, Vec::<Sent>::new());
    for step in steps {
        let (opened, triggers) = (model.incidents.len(), model.told.iter().filter(|told| !told.3).count());
        match step.clone() {
            Step::Value(time, metric, stream, value) => {
                server.clock.pass(Duration::from_secs(time));
                now += time as i64;
                let last = (now, METRICS[metric], STREAMS[stream], value);
                sent.push(last);
                evaluate(&server, sent.clone()).await;
                model.run(|ctx, state| state.advance(ctx, now, &mut readings(ctx, last)));
            }
            Step::Put(body) => {
                server.good("PUT", "/v1/alerts/1", body).await;
                edited(&server, &mut model, now).await;
            }
            Step::Attach(service) => {
                server.good("POST", "/v1/alerts/1/services", json!({ "service": service })).await;
                edited(&server, &mut model, now).await;
            }
            Step::Detach(service) => {
                server.ask("DELETE", &format!("/v1/alerts/1/services/{service}"), Value::Null).await;
                edited(&server, &mut model, now).await;
            }
            Step::Clear => {
                server.good("POST", "/v1/alerts/1/clear", Value::Null).await;
                model.run(|_, state| state.clear(now.max(state.through())));
            }
            Step::DeleteMetric(metric) => {
                let path = format!("/v1/metrics/{}", METRICS[metric]);
                server.good("PUT", &path, json!({ "type": "gauge" })).await;
                server.good("DELETE", &path, Value::Null).await;
                sent.retain(|(_, name, ..)| *name != METRICS[metric]);
                model.run(|ctx, state| state.drop_metric(ctx, METRICS[metric], now.max(state.through())));
            }
        }
        let (incidents, told) = kept(&server).await;
        assert_eq!((&incidents, &told), (&model.incidents, &model.told), "after {step:?}");
        if !matches!(step, Step::Value(..)) {
            let now = told.iter().filter(|told| !told.3).count();
            assert_eq!((incidents.len(), now), (opened, triggers), "{step:?} opens or repeats something");
        }
        let fires = incidents.values().any(|(_, closed)| closed.is_none());
        let status = server.get("/v1/alerts/1/status").await;
        assert_eq!(status["status"] == "triggered", fires);
        in_order(&told);
    }
}

/// Each service hears numbers that grow, and of a clear once and last.
fn in_order(told: &[(u64, u32, i64, bool)]) {
    let mut last: BTreeMap<(u64, i64), (u32, bool)> = BTreeMap::new();
    for (incident, seq, service, is_clear) in told {
        let before = last.insert((*incident, *service), (*seq, *is_clear));
        assert!(before.is_some() || !is_clear, "a clear of what nobody was told");
        assert!(before.is_none_or(|(before, cleared)| before < *seq && !cleared), "{told:?}");
    }
}

async fn edited(server: &Server, model: &mut Model, now: i64) {
    let (old, new) = (model.alert.clone(), watched(server).await);
    model.alert = new;
    model.run(|ctx, state| state.edit(ctx, &old, now.max(state.through())));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_does_as_what_was_never_put_down(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(check(steps));
    }
}
