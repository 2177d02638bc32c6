//! The dispatcher over a store in memory, by a clock that tests move, at far ends that take or refuse.

#[cfg(feature = "png")]
mod chats;
mod circuit;
#[cfg(unix)]
#[cfg(feature = "postgres")]
mod notifying;
#[cfg(unix)]
#[cfg(feature = "postgres")]
mod postgres;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::notify::sink::{Act, Sink, answer};
use crate::notify::{How, Message, Subject, Test, Violation, What};
use crate::serve::catalog::alerting::deliveries::delivery::{self, Delivery, Status};
use crate::serve::catalog::alerting::deliveries::table as deliveries;
use crate::serve::catalog::alerting::log::tests::Lines;
use crate::serve::catalog::services::settings;
use crate::serve::catalog::services::table::{self as services, Service};
use crate::serve::cluster::Cluster;
use crate::serve::refusal::Errors;
use crate::serve::store::Store;
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::{Tx, params};
use crate::serve::{AlertOptions, Clock, Credentials, Data, Opening, Starting, Telemetry, Users, standing};

const START: i64 = 1_480_000_000;
const SERVICE: i64 = 1;

struct World {
    clock: Clock,
    store: Store,
    dispatcher: Dispatcher,
    telemetry: Telemetry,
    sink: Arc<Sink>,
}

/// What became of one delivery.
type Row = (String, i64, String, i64);

impl World {
    /// One service of a type, with the sink as its URL.
    async fn new(kind: &str, act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> World {
        let sink = Arc::new(Sink::start(act).await);
        let clock = Clock::standing_at(START);
        let opening = Opening { clock: clock.clone(), ..Opening::default() };
        let store = Store::open_with(&Data::Memory, opening).unwrap();
        let world = World::of(store, clock, &Cluster::default(), sink);
        world.save(0, kind, &json!({"url": world.sink.url(), "service_key": "s3cret"})).await;
        world
    }

    /// One server of a cluster.
    fn of(store: Store, clock: Clock, cluster: &Cluster, sink: Arc<Sink>) -> World {
        let telemetry = Telemetry::default();
        let dispatcher = dispatcher_of(&store, &telemetry, cluster);
        World { clock, store, dispatcher, telemetry, sink }
    }

    async fn save(&self, id: i64, kind: &str, all: &Value) {
        let settings = settings::read(all.as_object().unwrap(), &mut Errors::default());
        let stored = settings.stored();
        let kind = kind.to_owned();
        let write = move |tx: &Tx| {
            let all: Value = serde_json::from_str(&stored).unwrap();
            let settings = settings::read(all.as_object().unwrap(), &mut Errors::default());
            let (service_type, title) = (kind.clone(), "ops".to_owned());
            services::save(tx, &mut Service { id, service_type, title, settings }, START)
        };
        self.store.write(write).await.unwrap();
    }

    async fn queue(&self, messages: Vec<Message>) {
        let (kind, now) = ("webhook".to_owned(), self.store.now());
        let service = delivery::Service { id: SERVICE, kind, title: "ops".to_owned() };
        let new = |message: &Message| Delivery::new(message.clone(), service.clone(), now, Status::Waiting);
        let all: Vec<Delivery> = messages.iter().map(new).collect();
        self.store.write(move |tx: &Tx| deliveries::insert(tx, &all)).await.unwrap();
    }

    /// One look for what is due, and the end of all that it started.
    async fn round(&mut self) {
        self.dispatcher.round().await;
        self.dispatcher.quiet().await;
    }

    /// Time passes, second by second.
    async fn pass(&mut self, seconds: i64) {
        self.pass_by(seconds, 1).await;
    }

    async fn pass_by(&mut self, seconds: i64, step: u64) {
        let end = self.store.now() + seconds;
        self.round().await;
        while self.store.now() < end {
            self.clock.pass(Duration::from_secs(step));
            self.round().await;
        }
    }

    async fn rows(&self) -> Vec<Row> {
        let read = |tx: &Tx| {
            tx.all("SELECT * FROM deliveries ORDER BY id", params![], |row| {
                Ok::<_, StoreError>((
                    row.get("key")?,
                    row.get("seq")?,
                    row.get("status")?,
                    row.get("attempts")?,
                ))
            })
        };
        self.store.query(read).await.unwrap()
    }

    async fn statuses(&self) -> Vec<String> {
        self.rows().await.into_iter().map(|(_, _, status, _)| status).collect()
    }

    async fn sql(&self, sql: &'static str) {
        self.store.write(move |tx: &Tx| tx.execute(sql, params![])).await.unwrap();
    }
}

fn dispatcher(store: &Store, telemetry: &Telemetry) -> Dispatcher {
    dispatcher_of(store, telemetry, &Cluster::default())
}

fn dispatcher_of(store: &Store, telemetry: &Telemetry, cluster: &Cluster) -> Dispatcher {
    let users = Users::from(vec![Credentials::new("ops@example.org", &"t".into())]);
    let options =
        NotifyOptions { allow: vec!["127.0.0.1".parse().unwrap()].into(), ..NotifyOptions::default() };
    let mut dispatcher =
        Dispatcher::new(store, users, telemetry, &AlertOptions::default(), &options, cluster).unwrap();
    dispatcher.without_chance();
    dispatcher
}

fn message(key: &str, seq: u32, what: What) -> Message {
    let alert = Subject { id: 7, name: "db.slow".into(), description: None, runbook_url: None };
    let (key, account) = (key.to_owned(), "ops@example.org".to_owned());
    let (opened, stream, conditions) = (None, None, Vec::new());
    Message { key, seq, at: START, opened, account, alert, stream, conditions, what, test: false }
}

fn trigger(key: &str, seq: u32) -> Message {
    let violation = Violation {
        stream: "db1".into(),
        condition_id: 1,
        metric: "db.ms".into(),
        threshold: Some(10.0),
        test: Test::Above,
        value: 11.0,
        begin: START,
        end: START,
        count: 1,
        recorded_at: START,
    };
    message(key, seq, What::Trigger { violations: vec![violation], truncated: 0, again: seq > 0 })
}

fn clear(key: &str, seq: u32) -> Message {
    message(key, seq, What::Clear { how: How::Normal })
}

/// The names of requests, which are the same for each attempt, in the order in which they came.
fn names(sink: &Sink) -> Vec<String> {
    let name = |request: &String| {
        let line = request
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("idempotency-key: ").map(str::to_owned));
        line.unwrap()
    };
    sink.requests.lock().unwrap().iter().map(name).collect()
}

fn ok(_: usize, _: &str) -> Act {
    answer(200, "", "ok")
}

#[tokio::test]
async fn of_an_incident_one_goes_after_the_other_and_only_the_newest_trigger() {
    let mut world = World::new("webhook", ok).await;
    world.queue(vec![trigger("a", 0), trigger("a", 1), clear("a", 2), trigger("b", 0)]).await;
    world.pass(5).await;
    assert_eq!(world.statuses().await, ["replaced", "sent", "sent", "sent"]);
    let sent = names(&world.sink);
    let at = |name: &str| sent.iter().position(|sent| sent == name).unwrap();
    assert!(sent.len() == 3 && at("a-1") < at("a-2"), "{sent:?}");
}

#[tokio::test]
async fn failures_are_repeated_at_growing_distances_with_the_same_name() {
    let mut world =
        World::new("webhook", |number, _| answer(if number < 3 { 503 } else { 200 }, "", "")).await;
    world.queue(vec![trigger("a", 0), clear("a", 1)]).await;
    world.round().await;
    for (seconds, attempts) in [(4, 1), (1, 2), (9, 2), (1, 3), (19, 3), (1, 4)] {
        world.pass(seconds).await;
        assert_eq!(world.rows().await[0].3, attempts, "after {} s", world.store.now() - START);
    }
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["sent", "sent"]);
    assert_eq!(names(&world.sink), ["a-0", "a-0", "a-0", "a-0", "a-1"], "a clear waits for its trigger");
}

#[tokio::test]
async fn who_says_how_long_to_wait_is_left_alone() {
    let busy = |number, _: &str| match number {
        0 => answer(429, "retry-after: 120\r\n", ""),
        _ => answer(200, "", ""),
    };
    let mut world = World::new("webhook", busy).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.round().await;
    world.queue(vec![trigger("b", 0)]).await;
    world.pass(119).await;
    assert_eq!(world.sink.count(), 1, "neither this nor another");
    world.pass(3).await;
    assert_eq!(world.statuses().await, ["sent", "sent"]);
}

#[tokio::test]
async fn a_refusal_is_tried_once_more_and_then_given_up_with_its_clear() {
    let mut world = World::new("webhook", |_, _| answer(404, "", "nothing there: s3cret")).await;
    world.queue(vec![trigger("a", 0), clear("a", 1)]).await;
    world.pass(59).await;
    assert_eq!(world.statuses().await, ["waiting", "waiting"]);
    world.pass(3).await;
    assert_eq!(world.statuses().await, ["failed", "dropped"]);
    assert_eq!(world.sink.count(), 2);
    let detail = world.store.read(|tx: &Tx| {
        tx.one("SELECT * FROM deliveries WHERE seq = 0", params![], |row| row.get::<String>("detail"))
    });
    let detail = detail.await.unwrap().unwrap();
    assert!(detail.contains("nothing there") && !detail.contains("s3cret"), "{detail}");
    let page = world
        .telemetry
        .page(
            world.store.condition(),
            &crate::serve::heartbeat::verdict(&world.store, &world.telemetry, &Cluster::default()),
        )
        .unwrap();
    for line in [
        r#"librato_apply_deliveries_total{type="webhook",outcome="failed"} 1"#,
        r#"librato_apply_deliveries_total{type="webhook",outcome="dropped"} 1"#,
        r#"librato_apply_deliveries_total{type="webhook",outcome="retried"} 1"#,
        "librato_apply_deliveries_waiting 0",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in\n{page}");
    }
}

/// A webhook may answer 404 while it is being put in place; whoever is on call must hear of what is still open then.
#[tokio::test]
async fn a_refusal_is_repeated_while_the_incident_is_open_for_a_day() {
    for status in [302, 400, 401, 404, 410] {
        let act = move |number: usize, _: &str| answer(if number < 9 { status } else { 200 }, "", "");
        let mut world = World::new("webhook", act).await;
        world.queue(vec![trigger("a", 0)]).await;
        world.pass_by(55, 5).await;
        assert_eq!(world.rows().await[0].3, 1, "{status}: not before a minute");
        world.pass_by(2_400, 5).await;
        assert_eq!(world.statuses().await, ["sent"], "{status}");
    }
    let mut world = World::new("webhook", |_, _| answer(404, "", "nobody")).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.pass_by(24 * 3_600 - 600, 60).await;
    assert_eq!(world.statuses().await, ["waiting"]);
    assert!(world.sink.count() < 300, "{} requests: five minutes apart", world.sink.count());
    world.pass_by(1_200, 60).await;
    assert_eq!(world.statuses().await, ["failed"]);
    let detail = world
        .store
        .read(|tx: &Tx| tx.one("SELECT * FROM deliveries", params![], |row| row.get::<String>("detail")));
    assert_eq!(detail.await.unwrap().unwrap(), "HTTP 404: nobody");
}

/// What the server itself does not send is no refusal of the far end, but is as little worth once the incident is over.
#[tokio::test]
async fn a_target_that_is_not_allowed_gets_what_waits_once_it_is() {
    let mut world = World::new("webhook", ok).await;
    world.save(SERVICE, "webhook", &json!({"url": "http://10.0.0.1/"})).await;
    world.queue(vec![trigger("open", 0), trigger("over", 0), clear("over", 1)]).await;
    world.pass_by(3_600, 5).await;
    assert_eq!(world.statuses().await, ["waiting", "failed", "dropped"]);
    world.save(SERVICE, "webhook", &json!({"url": world.sink.url()})).await;
    world.pass_by(300, 5).await;
    assert_eq!(world.statuses().await, ["sent", "failed", "dropped"]);
}

fn arrival(world: &World) -> String {
    let verdict = crate::serve::heartbeat::verdict(&world.store, &world.telemetry, &Cluster::default());
    let check = verdict.checks.iter().find(|check| check.name == "arrival").unwrap();
    format!("{:?}: {}", check.status, check.message)
}

/// Whoever asks how the server does hears of it, time and again, until something arrives.
#[tokio::test]
async fn health_says_what_does_not_arrive_where() {
    let taken = Arc::new(AtomicBool::new(false));
    let takes = Arc::clone(&taken);
    let act =
        move |_: usize, _: &str| answer(if takes.load(Ordering::Relaxed) { 200 } else { 404 }, "", "gone");
    let mut world = World::new("webhook", act).await;
    world.telemetry.delivers();
    world.pass(1).await;
    assert_eq!(arrival(&world), "Ok: no notification is known that did not arrive");
    world.queue(vec![trigger("a", 0), clear("a", 1), trigger("b", 0)]).await;
    for seconds in [1, 50, 100, 100] {
        world.pass(seconds).await;
        let said = arrival(&world);
        assert!(said.starts_with("Warn: 2 notifications to \"ops\" (webhook) did not arrive"), "{said}");
        assert!(said.ends_with(": HTTP 404: gone"), "{said}");
    }
    let page = world.telemetry.page(
        world.store.condition(),
        &crate::serve::heartbeat::verdict(&world.store, &world.telemetry, &Cluster::default()),
    );
    assert!(page.unwrap().contains("librato_apply_notifications_undelivered 2\n"));
    // A restart forgets nothing of what was given up.
    world
        .sql("UPDATE deliveries SET status = 'failed', ended_at = 1480000200 WHERE status = 'waiting'")
        .await;
    world.telemetry = Telemetry::default();
    world.telemetry.delivers();
    world.dispatcher = dispatcher(&world.store, &world.telemetry);
    world.dispatcher.recall().await.unwrap();
    world.pass(1).await;
    assert!(
        arrival(&world).contains("2 notifications to \"ops\" (webhook) did not arrive, given up"),
        "{}",
        arrival(&world)
    );
    taken.store(true, Ordering::Relaxed);
    world.queue(vec![trigger("c", 0)]).await;
    world.pass(2).await;
    assert_eq!(arrival(&world), "Ok: no notification is known that did not arrive");
}

/// What is wrong here fails: first said of what alerts name, then of what was not sent.
#[tokio::test]
async fn health_fails_where_this_server_keeps_notifications_back() {
    let mut world = World::new("mail", ok).await;
    world.telemetry.delivers();
    world.sql("INSERT INTO alerts (id, key, name, attributes, active, rearm_seconds, rearm_per_signal, md, created_at, updated_at) VALUES (7, 'db.slow', 'db.slow', '{}', 1, 600, 0, 1, 1, 1)").await;
    world.sql("INSERT INTO alert_services (alert_id, service_id, position) VALUES (7, 1, 0)").await;
    world.pass(40).await;
    let ahead = "no mail relay is configured (`serve --smtp`), so the service \"ops\" of 1 active alert reaches nobody";
    assert_eq!(arrival(&world), format!("Warn: {ahead}"));
    world.save(SERVICE, "mail", &json!({"addresses": "ops@example.org"})).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.pass(2).await;
    let said = arrival(&world);
    assert!(
        said.starts_with("Failing: 1 notification to \"ops\" (mail) did not arrive: no mail relay"),
        "{said}"
    );
}

/// At night the log must say of which alert no one heard, and that someone has at last.
#[tokio::test]
async fn the_log_names_the_alert_and_the_incident_of_what_fails_and_says_when_it_was_taken() {
    let lines = Lines::default();
    let guard = lines.listen();
    let mut world =
        World::new("webhook", |number, _| answer(if number < 2 { 500 } else { 200 }, "", "")).await;
    world.queue(vec![trigger("beef-7-1", 0)]).await;
    world.pass(60).await;
    drop(guard);
    let text = lines.text();
    let of_it: Vec<&str> =
        text.lines().filter(|line| line.contains("beef-7-1") && line.contains("db.slow")).collect();
    assert_eq!(
        of_it
            .iter()
            .filter(|line| line.contains("not taken; it is tried again") && line.contains("HTTP 500"))
            .count(),
        2
    );
    assert_eq!(of_it.iter().filter(|line| line.contains("taken at last")).count(), 1, "{text}");
}

/// A far end that is down for 25 hours.
#[tokio::test]
async fn who_is_down_for_a_day_is_given_up_and_later_incidents_flow() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let act =
        move |_: usize, _: &str| answer(if is_down.load(Ordering::Relaxed) { 429 } else { 200 }, "", "");
    let mut world = World::new("webhook", act).await;
    world.queue((0..30).map(|number| trigger(&format!("old{number}"), 0)).collect()).await;
    world.pass_by(24 * 3_600 - 60, 30).await;
    assert!(world.statuses().await.iter().all(|status| status == "waiting"));
    let asked = world.sink.count();
    assert!(asked < 400, "{asked} requests: only probes, five minutes apart");
    world.pass_by(3_600, 30).await;
    assert!(world.statuses().await.iter().all(|status| status == "expired"), "{:?}", world.rows().await);
    world.queue(vec![trigger("new", 0), clear("new", 1)]).await;
    world.pass_by(600, 30).await;
    down.store(false, Ordering::Relaxed);
    world.pass_by(600, 10).await;
    assert_eq!(world.statuses().await[30..], ["sent", "sent"]);
}

#[tokio::test]
async fn an_answer_that_was_lost_leaves_it_in_doubt() {
    let mut world =
        World::new("webhook", |number, _| if number == 0 { Act::Cut } else { answer(400, "", "") }).await;
    world.queue(vec![trigger("a", 0), clear("a", 1)]).await;
    world.round().await;
    world.sql("INSERT INTO silences (alert, stream, starts, ends, made_by, why, created_at) VALUES ('*', '*', 0, 9000000000, 'me', 'x', 0)").await;
    world.pass(70).await;
    // it may have arrived: so it is not withdrawn, and when it fails for good its clear still goes
    assert_eq!(world.rows().await[0].2, "failed");
    assert_eq!(names(&world.sink)[..3], ["a-0", "a-0", "a-0"]);
    assert!(names(&world.sink).contains(&"a-1".to_owned()));
}

#[tokio::test]
async fn a_silence_withdraws_triggers_but_never_the_clear_of_one_that_arrived() {
    let mut world = World::new("webhook", ok).await;
    world.queue(vec![trigger("told", 0)]).await;
    world.pass(1).await;
    world.sql("INSERT INTO silences (alert, stream, starts, ends, made_by, why, created_at) VALUES ('db.*', 'db*', 0, 1480000100, 'me', 'x', 0)").await;
    world.queue(vec![clear("told", 1), trigger("new", 0), clear("new", 1)]).await;
    world.pass(3).await;
    assert_eq!(world.statuses().await, ["sent", "sent", "silenced", "dropped"]);
    world.pass(100).await;
    world.queue(vec![trigger("later", 0)]).await;
    world.pass(2).await;
    assert_eq!(world.statuses().await[4], "sent", "the silence is over");
}

/// Those that are due later, after a failure, as those that are due now; and what waits is not what the end of it finds.
#[tokio::test]
async fn a_silence_that_begins_withdraws_what_waits_then() {
    let mut world = World::new("webhook", |_, _| answer(503, "", "")).await;
    world.sql("INSERT INTO silences (alert, stream, starts, ends, made_by, why, created_at) VALUES ('db.*', 'db*', 1480000100, 1480000103, 'me', 'x', 0)").await;
    world.pass(97).await;
    world.queue(vec![trigger("tried", 0), trigger("doubted", 0)]).await;
    world.pass(2).await;
    world.sql("UPDATE deliveries SET in_doubt = (key = 'doubted'), next_at = 1480000500").await;
    assert_eq!(world.statuses().await, ["waiting", "waiting"]);
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["silenced", "waiting"], "although neither is due");
}

/// The far end has it, so it has to hear that it is over.
#[tokio::test]
async fn what_arrives_while_it_is_withdrawn_counts_as_sent() {
    let mut world = World::new("webhook", ok).await;
    world.queue(vec![trigger("a", 0), clear("a", 1)]).await;
    world.dispatcher.round().await;
    world.sql("UPDATE deliveries SET status = 'silenced' WHERE kind = 'trigger'").await;
    world.sql("UPDATE deliveries SET status = 'dropped' WHERE kind = 'clear'").await;
    world.dispatcher.quiet().await;
    assert_eq!(world.statuses().await, ["sent", "waiting"]);
    world.pass(2).await;
    assert_eq!(names(&world.sink), ["a-0", "a-1"]);
}

#[tokio::test]
async fn settings_that_are_repaired_heal_the_backlog() {
    let mut world = World::new("webhook", ok).await;
    world.save(SERVICE, "webhook", &json!({"url": "ftp://127.0.0.1/"})).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.pass_by(3_600, 5).await;
    assert_eq!((world.statuses().await, world.sink.count()), (vec!["waiting".to_owned()], 0));
    world.save(SERVICE, "webhook", &json!({"url": world.sink.url()})).await;
    world.pass_by(300, 5).await;
    assert_eq!((world.statuses().await, world.sink.count()), (vec!["sent".to_owned()], 1));
}

#[tokio::test]
async fn dead_types_and_deleted_services_end_what_waits() {
    let mut world = World::new("flowdock", ok).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.pass(1).await;
    world.sql("DELETE FROM services").await;
    world.queue(vec![trigger("b", 0)]).await;
    world.pass(1).await;
    assert_eq!(world.statuses().await, ["unsupported", "failed"]);
}

/// Its deliveries were given up with it; what the far end then answers changes nothing.
#[tokio::test]
async fn a_service_that_is_deleted_while_it_is_told_is_told_nothing_more() {
    let mut world = World::new("webhook", |_, _| answer(503, "", "")).await;
    world.queue(vec![trigger("a", 0), clear("a", 1), trigger("b", 0)]).await;
    world.dispatcher.round().await;
    let delete = |tx: &Tx| {
        deliveries::give_up(tx, SERVICE, START)?;
        tx.execute("DELETE FROM services", params![])
    };
    world.store.write(delete).await.unwrap();
    world.dispatcher.quiet().await;
    let asked = world.sink.count();
    world.pass(600).await;
    assert_eq!((world.statuses().await, world.sink.count()), (vec!["failed".to_owned(); 3], asked));
}

/// The alert is gone, but not what it had to say: a trigger that waited goes, and so does the clear that the deletion brought.
#[tokio::test]
async fn what_waits_of_an_alert_that_is_deleted_is_sent() {
    let mut world =
        World::new("webhook", |number, _| answer(if number < 2 { 503 } else { 200 }, "", "")).await;
    let alert = "INSERT INTO alerts (id, key, name, attributes, active, rearm_seconds, rearm_per_signal, md, created_at, updated_at) VALUES (7, 'db.slow', 'db.slow', '{}', 1, 60, 0, 0, 0, 0)";
    world.sql(alert).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.pass(1).await;
    world.sql("DELETE FROM alerts").await;
    world.queue(vec![clear("a", 1)]).await;
    world.pass(60).await;
    assert_eq!(world.statuses().await, ["sent", "sent"]);
    assert_eq!(names(&world.sink), ["a-0", "a-0", "a-0", "a-1"]);
}

/// Whatever was put off stands in times to come by then, by as much as the clock was set back.
#[tokio::test]
async fn a_clock_that_is_set_back_delays_nothing() {
    for back in [30, 3_600, 86_400] {
        let mut world =
            World::new("webhook", |number, _| answer(if number < 2 { 503 } else { 200 }, "", "")).await;
        world.queue(vec![trigger("tried", 0), clear("tried", 1), trigger("too", 0)]).await;
        world.round().await;
        world.queue(vec![trigger("untried", 0)]).await;
        world.clock.set(START - back);
        world.pass(30).await;
        assert_eq!(world.statuses().await, ["sent"; 4], "{back}");
        assert_eq!(world.sink.count(), 6, "and nothing is sent twice: {:?}", names(&world.sink));
    }
}

#[tokio::test]
async fn what_was_sent_and_not_marked_is_sent_again_under_the_same_name() {
    let mut world = World::new("webhook", ok).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.dispatcher.round().await;
    while world.sink.count() == 0 {
        tokio::task::yield_now().await;
    }
    // killed between the two
    world.dispatcher = dispatcher(&world.store, &world.telemetry);
    world.pass(1).await;
    assert_eq!(names(&world.sink), ["a-0", "a-0"]);
    assert_eq!(world.statuses().await, ["sent"]);
}

#[tokio::test]
async fn what_cannot_be_marked_is_not_sent_again() {
    let mut world = World::new("webhook", ok).await;
    world.queue(vec![trigger("a", 0)]).await;
    world.dispatcher.round().await;
    world.store.close();
    world.dispatcher.quiet().await;
    for _ in 0..3 {
        world.clock.pass(Duration::from_secs(600));
        world.dispatcher.round().await;
    }
    assert_eq!(world.sink.count(), 1);
}

/// Stands in the outbox: an open incident with two triggers, and one that has closed.
async fn held_or_muted(status: &'static str) -> World {
    let world = World::new("webhook", ok).await;
    world.queue(vec![trigger("open", 0), trigger("open", 1), trigger("closed", 0), clear("closed", 1)]).await;
    let set = move |tx: &Tx| tx.execute("UPDATE deliveries SET status = ?1", params![status]);
    world.store.write(set).await.unwrap();
    world.sql("INSERT INTO incidents (key, alert_id, alert, opened, closed, silent, snapshot) VALUES ('open', 7, 'db.slow', 1, NULL, 0, '{}'), ('closed', 7, 'db.slow', 1, 2, 0, '{}')").await;
    world
}

#[tokio::test]
async fn what_was_held_back_goes_once_somebody_says_so_if_it_is_still_open() {
    let mut world = held_or_muted("held").await;
    world.sql("UPDATE alert_clock SET held = 1").await;
    let starts = async |world: &World, release| {
        standing(&world.store, Starting { notify: true, release }).await.unwrap()
    };
    assert!(starts(&world, false).await.held);
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["held"; 4]);
    assert_eq!(world.dispatcher.warnings().await.unwrap().len(), 1);
    assert!(!starts(&world, true).await.held);
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["replaced", "sent", "dropped", "dropped"]);
    assert!(world.dispatcher.warnings().await.unwrap().is_empty());
    // As after `serve adopt`, which only says that nothing is held any more.
    let mut world = held_or_muted("held").await;
    starts(&world, false).await;
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["replaced", "sent", "dropped", "dropped"]);
}

/// `--no-notify` mutes what waits; who notifies again sends the clears of what had arrived, and with `--notify` what is still open.
#[tokio::test]
async fn what_waits_is_muted_where_nobody_is_notified() {
    for release in [false, true] {
        let mut world = held_or_muted("waiting").await;
        world.sql("UPDATE deliveries SET status = 'sent' WHERE key = 'closed' AND kind = 'trigger'").await;
        standing(&world.store, Starting { notify: false, release: false }).await.unwrap();
        assert_eq!(world.statuses().await, ["muted", "muted", "sent", "muted"]);
        world.pass(2).await;
        assert_eq!(world.sink.count(), 0);
        standing(&world.store, Starting { notify: true, release }).await.unwrap();
        world.pass(2).await;
        let open = if release { "sent" } else { "muted" };
        assert_eq!(world.statuses().await, ["muted", open, "sent", "sent"]);
    }
}

/// What was muted long ago is a summary by now, of which nothing can be sent.
#[tokio::test]
async fn what_is_left_as_a_summary_stays_muted() {
    let mut world = held_or_muted("muted").await;
    world.sql("UPDATE deliveries SET status = 'sent' WHERE key = 'closed' AND kind = 'trigger'").await;
    world.sql("UPDATE deliveries SET payload = '{\"violations\": 1}' WHERE key = 'closed'").await;
    standing(&world.store, Starting { notify: true, release: true }).await.unwrap();
    world.pass(2).await;
    assert_eq!(world.statuses().await, ["muted", "sent", "sent", "muted"]);
}

/// Ten thousand incidents at once at one chat service.
#[tokio::test]
async fn a_storm_becomes_digests_at_one_request_a_second() {
    const INCIDENTS: usize = 10_000;
    let mut world = World::new("slack", ok).await;
    world.queue((0..INCIDENTS).map(|number| trigger(&format!("i{number}"), 0)).collect()).await;
    let (mut seconds, mut sent) = (0, Vec::new());
    while world.sink.count() < INCIDENTS / 50 && seconds < 1_000 {
        world.round().await;
        sent.push(world.sink.count());
        world.clock.pass(Duration::from_secs(1));
        seconds += 1;
    }
    assert_eq!(world.sink.count(), INCIDENTS / 50, "after {seconds} s");
    assert!(sent.iter().enumerate().all(|(second, count)| *count <= 10 + second), "at most one a second");
    let count = |sql: &'static str| {
        world.store.query(move |tx: &Tx| tx.one(sql, params![], |row| row.get::<i64>("n")))
    };
    let carried = "SELECT COUNT(*) AS n FROM deliveries AS one WHERE status = 'replaced' AND EXISTS
        (SELECT 1 FROM deliveries AS other WHERE other.id = one.digest AND other.status = 'sent')";
    assert_eq!(count("SELECT COUNT(*) AS n FROM deliveries WHERE status = 'sent'").await.unwrap(), Some(200));
    assert_eq!(count(carried).await.unwrap(), Some(9_800));
    let mut named = names(&world.sink);
    named.sort();
    named.dedup();
    assert_eq!(named.len(), 200, "no digest goes twice");
}
