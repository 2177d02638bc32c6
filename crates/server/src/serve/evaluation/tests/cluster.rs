//! Several servers over one database: each evaluates some groups of alerts, which go from one to another.

use super::*;
use crate::serve::Node;
use crate::serve::Telemetry;
use crate::serve::cluster::Divided;
use crate::serve::evaluation::Work;
use crate::serve::heartbeat::verdict;
use crate::serve::store::tx::params;

/// Waits until groups are had as they should be.
async fn held(duty: &Divided, as_they_should: impl Fn(&Share) -> bool) -> Share {
    for _ in 0..400 {
        let share = duty.held();
        if as_they_should(&share) {
            return share;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{:?}", duty.held());
}

/// Changes a lease.
async fn change(bench: &Bench, sql: &'static str, lease: &str) {
    let lease = lease.to_owned();
    assert_eq!(bench.store.write(move |tx: &Tx| tx.execute(sql, params![lease])).await.unwrap(), 1);
}

fn above() -> Value {
    json!({ "type": "above", "metric_name": "m", "threshold": 1 })
}

/// A server that hung while another was given one of its groups: of the alerts of that nothing is written, and what happened to them happens once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_a_group_writes_nothing_of_it_and_who_has_it_goes_on() {
    let mut bench = Bench::new().await;
    if bench.address.is_none() {
        return;
    }
    let cluster = Cluster::join(&bench.store, Node::default(), &Telemetry::default()).unwrap();
    let duty = cluster.divided("alerts");
    bench.share = held(&duty, |share| share.tokens.len() == 64).await;
    bench.kill().await;
    let mut ids = Vec::new();
    for name in ["kept", "lost"] {
        let alert = json!({ "name": name, "rearm_seconds": 60, "conditions": [above()] });
        ids.push(bench.good("POST", "/v1/alerts", &alert).await["id"].as_i64().unwrap());
    }
    let [kept, lost] = ids[..] else { panic!() };
    bench.pass(1).await;
    bench.value("web", 1, 2.0).await;
    bench.pass(5).await;
    let lease = format!("alerts/{}", bench.share.group(lost));
    let given = "UPDATE leases SET token = token + 1, holder = 1, until = until + 3600000 WHERE name = ?1";
    change(&bench, given, &lease).await;
    bench.pass(15).await;
    assert_eq!(bench.log(), [""; 0], "both were to be written together");
    assert_eq!((bench.status(kept).await.as_str(), bench.status(lost).await.as_str()), ("ok", "ok"));

    bench.share = held(&duty, |share| share.tokens.len() == 63).await;
    assert!(bench.share.has(kept) && !bench.share.has(lost), "{:?}", bench.share);
    bench.pass(1).await;
    let once = ["1 opened 1", "1 trigger 1.0 web/0=2(1..1 x1)"];
    assert_eq!(bench.log(), once);
    assert_eq!((bench.status(kept).await.as_str(), bench.status(lost).await.as_str()), ("triggered", "ok"));

    change(&bench, "UPDATE leases SET holder = NULL, until = 0 WHERE name = ?1", &lease).await;
    bench.share = held(&duty, |share| share.tokens.len() == 64).await;
    bench.pass(1).await;
    assert_eq!(bench.status(lost).await, "triggered");
    assert_eq!(bench.log(), [once, once].concat());
}

/// Whoever has no group waits, which is nothing wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_no_group_waits() {
    let bench = Bench::new().await;
    if bench.address.is_none() {
        return;
    }
    let telemetry = bench.options.telemetry.clone();
    telemetry.evaluates();
    let by = Evaluation::new(bench.options.alerts.clone(), bench.users.clone(), telemetry.lost_states());
    let duty = Cluster::by_hand(&bench.store).divided("alerts");
    let work = Work::new(bench.store.clone(), by, telemetry.clone(), duty);
    let (mut engine, mut failures) = (None, 0);
    work.turn(&mut engine, &mut failures).await;
    assert!(engine.is_none());
    assert_eq!(verdict(&bench.store, &telemetry, &Cluster::default()).failures(), None);
}

/// A server with an engine, which is heard when a test says so.
struct Server {
    cluster: Cluster,
    duty: Divided,
    engine: Option<Engine>,
}

impl Server {
    fn new(bench: &Bench) -> Server {
        let cluster = Cluster::by_hand(&bench.store);
        let duty = cluster.divided("alerts");
        Server { cluster, duty, engine: None }
    }

    /// Is heard, evaluates once, and leaves to others what it has too much of.
    async fn goes_on(&mut self, bench: &Bench) {
        let cluster = self.cluster.clone();
        tokio::task::spawn_blocking(move || cluster.beat()).await.unwrap();
        let share = self.duty.held();
        match &mut self.engine {
            Some(engine) => engine.tick(&share).await.unwrap(),
            None if share.tokens.is_empty() => return,
            None => self.engine = Some(bench.another(&share).await),
        }
        if let (Some(group), Some(engine)) = (self.duty.surplus(), &mut self.engine) {
            engine.write_states().await;
            self.duty.let_go(group).await;
        }
    }

    /// What it wrote of the kind.
    fn wrote(&self, kind: &str) -> usize {
        let log = self.engine.iter().flat_map(|engine| &engine.log);
        log.filter(|transition| line(transition).split(' ').nth(1) == Some(kind)).count()
    }
}

/// So many alerts, their groups spread over servers of which one dies while they fire, and one comes: each opens once, and each closes once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_alert_is_told_once_whoever_dies_and_whoever_comes() {
    const ALERTS: usize = 50;
    let bench = Bench::new().await;
    if bench.address.is_none() {
        return;
    }
    let (mut one, mut two) = (Server::new(&bench), Server::new(&bench));
    for _ in 0..40 {
        bench.clock.pass(Duration::from_secs(1));
        one.goes_on(&bench).await;
        two.goes_on(&bench).await;
    }
    assert_eq!((one.duty.held().tokens.len(), two.duty.held().tokens.len()), (32, 32));
    for name in 0..ALERTS {
        let alert = json!({ "name": format!("a{name}"), "rearm_seconds": 3600, "conditions": [above()] });
        bench.good("POST", "/v1/alerts", &alert).await;
    }
    let begun = bench.store.now() - BORN;
    bench.value("web", begun, 2.0).await;
    for _ in 0..15 {
        bench.clock.pass(Duration::from_secs(1));
        one.goes_on(&bench).await;
        two.goes_on(&bench).await;
    }
    let opened = (one.wrote("opened"), two.wrote("opened"));
    assert!(opened.0 > 0 && opened.1 > 0 && opened.0 + opened.1 == ALERTS, "{opened:?}");

    // The first dies, and it is over before anybody knows of that.
    bench.value("web", bench.store.now() - BORN, 0.0).await;
    let id = one.cluster.id().unwrap();
    let gone = move |tx: &Tx| {
        tx.execute("UPDATE nodes SET seen = 0 WHERE id = ?1", params![id])?;
        tx.execute("UPDATE leases SET until = 0 WHERE holder = ?1", params![id])
    };
    for _ in 0..15 {
        bench.clock.pass(Duration::from_secs(1));
        two.goes_on(&bench).await;
    }
    assert_eq!(two.wrote("closed"), opened.1);
    bench.store.write(gone).await.unwrap();
    let mut three = Server::new(&bench);
    for _ in 0..40 {
        bench.clock.pass(Duration::from_secs(1));
        two.goes_on(&bench).await;
        three.goes_on(&bench).await;
    }
    assert_eq!((two.duty.held().tokens.len(), three.duty.held().tokens.len()), (32, 32));
    assert_eq!((one.wrote("closed"), two.wrote("closed") + three.wrote("closed")), (0, ALERTS));
    assert_eq!((two.wrote("opened"), three.wrote("opened")), (opened.1, 0));

    // And again, now that a third has some of both.
    bench.value("web", bench.store.now() - BORN, 2.0).await;
    for _ in 0..15 {
        bench.clock.pass(Duration::from_secs(1));
        two.goes_on(&bench).await;
        three.goes_on(&bench).await;
    }
    let again = (two.wrote("opened") - opened.1, three.wrote("opened"));
    assert!(again.0 > 0 && again.1 > 0 && again.0 + again.1 == ALERTS, "{again:?}");
    let sql = "SELECT count(*) AS n FROM incidents";
    let incidents = bench.store.read(move |tx: &Tx| tx.one(sql, params![], |row| row.get::<i64>("n")));
    assert_eq!(incidents.await.unwrap(), Some(2 * ALERTS as i64));
}
