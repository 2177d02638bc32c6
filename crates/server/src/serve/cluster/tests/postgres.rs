//! Servers of one database that stall, die and wake again: a duty is had by one at a time, and who was thought dead does no harm.

mod routes;
mod shares;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use proptest::prelude::{Strategy as _, prop};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use crate::serve::cluster::member::{LEASE, MARGIN, Member};
use crate::serve::cluster::*;
use crate::serve::cluster_figures::ClusterFigures;
use crate::serve::store::error::StoreError;
use crate::serve::store::postgres::target::Connecting;
use crate::serve::store::postgres::test_server;
use crate::serve::store::tx::{Tx, params};
use crate::serve::{Clock, Opening, Postgres, Telemetry, Using};

const DUTY: &str = "outbox";

/// A server that is heard only when a test says so.
struct Server {
    member: Arc<Member>,
    store: Store,
    clock: Clock,
}

fn connect(address: &str, clock: &Clock) -> Store {
    let target = Postgres::new(address, &Connecting::default()).unwrap().that_may_forget();
    Store::connect(&target, Opening { clock: clock.clone(), ..Opening::default() }).unwrap()
}

impl Server {
    fn new(address: &str) -> Server {
        let clock = Clock::standing_at(1_000_000);
        let store = connect(address, &clock);
        let member =
            Arc::new(Member::new(store.clone(), Node::default(), ClusterFigures::default()).unwrap());
        member.want(DUTY);
        Server { member, store, clock }
    }

    fn duty(&self) -> Duty {
        Duty { member: Some(Arc::clone(&self.member)), name: DUTY.into() }
    }

    fn beat(&self) {
        self.member.beat().unwrap();
    }

    /// Writes because of the duty.
    fn writes(&self, token: &Token) -> bool {
        match self.store.apart(|tx| token.fence(tx)) {
            Ok(()) => true,
            Err(StoreError::Superseded) => false,
            Err(error) => panic!("{error}"),
        }
    }

    fn sql(&self, sql: &str) {
        self.store.apart(|tx| tx.execute(sql, params![])).unwrap();
    }

    fn sql_number(&self, sql: &str) -> i64 {
        let sql = format!("SELECT ({sql}) AS n");
        self.store.apart(|tx| tx.one(&sql, params![], |row| row.get("n"))).unwrap().unwrap()
    }

    /// The database's clock goes on until all leases have run out.
    fn time_runs_out(&self) {
        self.sql("UPDATE leases SET until = 0");
    }
}

fn servers(count: usize) -> Option<Vec<Server>> {
    let address = test_server::fresh(|model| connect(model, &Clock::system()).close())?;
    Some((0..count).map(|_| Server::new(&address)).collect())
}

#[test]
fn a_server_takes_no_duty_that_it_was_started_without() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let using = Using { duties: "http".parse().unwrap(), ..Using::default() };
    let target = Postgres::new(&address, &Connecting::default()).unwrap().that_may_forget().used(using);
    let store = Store::connect(&target, Opening::default()).unwrap();
    let member = Member::new(store.clone(), Node::default(), ClusterFigures::default()).unwrap();
    for duty in [DUTY, "snapshots"] {
        member.want(duty);
    }
    member.want_share("alerts");
    member.beat().unwrap();
    assert!(member.held(DUTY).is_none() && member.held("snapshots").is_some());
    assert!(member.share("alerts").1.is_empty());
    let said = store.apart(|tx| tx.one("SELECT duties FROM nodes", params![], |row| row.get("duties")));
    assert_eq!(said.unwrap(), Some("http".to_owned()));
}

#[test]
fn a_duty_is_had_by_the_first_until_its_time_has_run_out() {
    let Some(servers) = servers(2) else { return };
    let [one, two] = servers.as_slice() else { panic!() };
    one.beat();
    two.beat();
    let token = one.duty().held().unwrap();
    assert_eq!(two.duty().held(), None);
    one.beat();
    assert_eq!(one.duty().held().as_ref(), Some(&token), "what is kept stays the same");
    one.time_runs_out();
    one.beat();
    assert_eq!(one.duty().held().as_ref(), Some(&token), "nobody took it");
    one.time_runs_out();
    two.beat();
    let next = two.duty().held().unwrap();
    assert!(two.writes(&next) && !one.writes(&token), "who wakes too late is refused");
    assert_eq!(one.duty().held(), None, "and forgets it");
    one.beat();
    assert_eq!(one.duty().held(), None);
}

#[test]
fn who_is_not_heard_begins_nothing_before_others_may_take_over() {
    let Some(servers) = servers(1) else { return };
    let one = &servers[0];
    one.beat();
    let passes = |time: i64| one.clock.pass(Duration::from_millis(time.unsigned_abs()));
    passes(LEASE - MARGIN - 1);
    assert!(one.duty().held().is_some());
    passes(1);
    assert_eq!(one.duty().held(), None);
    one.beat();
    assert!(one.duty().held().is_some(), "nobody took it meanwhile");
    // A machine that was suspended knows it by the time of day alone.
    one.clock.set(1_000_000 + LEASE);
    assert_eq!(one.duty().held(), None);
}

#[test]
fn what_is_given_back_is_had_by_the_next_at_once() {
    let Some(servers) = servers(2) else { return };
    let [one, two] = servers.as_slice() else { panic!() };
    one.beat();
    let token = one.duty().held().unwrap();
    one.member.give_back(DUTY).unwrap();
    assert_eq!(one.duty().held(), None);
    assert!(one.writes(&token), "what was begun may end as long as nobody else begins");
    one.beat();
    two.beat();
    assert!(two.duty().held().is_some() && !one.writes(&token));
}

/// A transaction that goes by a token is not overtaken, nor does it hold up the keeping of the lease, though it may have begun before.
#[test]
fn a_transaction_that_was_let_through_ends_before_another_is_given_the_duty() {
    let Some(servers) = servers(2) else { return };
    let [one, two] = servers.as_slice() else { panic!() };
    one.beat();
    let token = one.duty().held().unwrap();
    let tries = Arc::new(AtomicU32::new(0));
    let tried = Arc::clone(&tries);
    let (member, clock_runs_out, taker) = (Arc::clone(&one.member), one, two);
    thread::scope(|scope| {
        let (inside, is_inside) = std::sync::mpsc::channel();
        let (go, may_go) = std::sync::mpsc::channel::<()>();
        let may_go = std::sync::Mutex::new(may_go);
        let store = one.store.clone();
        let write = scope.spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let job = move |tx: &Tx<'_>| {
                tried.fetch_add(1, Ordering::Relaxed);
                tx.exists("SELECT 1 FROM leases", params![])?;
                // The lease is kept after the snapshot of this transaction was taken.
                member.beat()?;
                token.fence(tx)?;
                inside.send(()).unwrap();
                may_go.lock().unwrap().recv().unwrap();
                tx.execute("INSERT INTO streams (key, name) VALUES ('a', 'a')", params![]).map(drop)
            };
            // The jobs of a store may wait for others, but a scope does not outlive what it borrows.
            runtime.block_on(store.write(job))
        });
        is_inside.recv().unwrap();
        one.beat();
        clock_runs_out.time_runs_out();
        taker.beat();
        assert_eq!(taker.duty().held(), None, "it waits for who was let through");
        go.send(()).unwrap();
        write.join().unwrap().unwrap();
        taker.beat();
        assert!(taker.duty().held().is_some());
    });
    assert_eq!(tries.load(Ordering::Relaxed), 1, "keeping a lease repeats nobody");
}

#[test]
fn servers_know_of_each_other_until_they_leave() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let store = connect(&address, &Clock::system());
    let names = || {
        let sql = "SELECT name, level FROM nodes ORDER BY name";
        let row = |row: &crate::serve::store::tx::Row<'_>| Ok((row.get("name")?, row.get("level")?));
        store.apart(|tx| tx.all::<(String, i64)>(sql, params![], row)).unwrap()
    };
    let join = |name: &str| {
        let using = Using { node: Some(name.to_owned()), ..Using::default() };
        let target = Postgres::new(&address, &Connecting::default()).unwrap().that_may_forget().used(using);
        let store = Store::connect(&target, Opening::default()).unwrap();
        Cluster::join(&store, Node::default(), &Telemetry::default()).unwrap()
    };
    let (a, b) = (join("a"), join("b"));
    until(|| names().len() == 2);
    assert_eq!(names(), [("a".to_owned(), store.level()), ("b".to_owned(), store.level())]);
    assert!(a.id().is_some() && a.id() != b.id());
    let (first, second) = (a.duty(DUTY), b.duty(DUTY));
    until(|| first.held().is_some() || second.held().is_some());
    let (a, left, other) = if first.held().is_some() { (a, first, second) } else { (b, second, first) };
    a.leave();
    assert!(a.is_leaving() && left.held().is_none());
    assert_eq!(names().len(), 1);
    until(|| other.held().is_some());
}

/// What happens to one of three servers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Heard(usize),
    /// It uses the token it had last, however long ago that was.
    Writes(usize),
    GivesBack(usize),
    TimeRunsOut,
    /// Another process takes its place.
    Restarts(usize),
}

/// Of all that happens in any order: only the last token that was given lets anybody write.
#[test]
fn whatever_happens_only_who_was_given_a_duty_last_writes() {
    let Some(address) = test_server::fresh(|model| connect(model, &Clock::system()).close()) else { return };
    let which = 0..3_usize;
    let step = proptest::prop_oneof![
        4 => which.clone().prop_map(Step::Heard),
        4 => which.clone().prop_map(Step::Writes),
        1 => which.clone().prop_map(Step::GivesBack),
        2 => proptest::strategy::Just(Step::TimeRunsOut),
        1 => which.prop_map(Step::Restarts),
    ];
    let law = |steps: Vec<Step>| {
        let mut servers: Vec<Server> = (0..3).map(|_| Server::new(&address)).collect();
        let (mut known, mut last) = (vec![None::<Token>; 3], 0);
        for step in steps {
            match step {
                Step::Heard(at) => {
                    servers[at].beat();
                    servers[at].member.want(DUTY);
                    if let Some(token) = servers[at].duty().held() {
                        last = last.max(token.number);
                        known[at] = Some(token);
                    }
                }
                Step::Writes(at) => {
                    if let Some(token) = &known[at] {
                        let may = token.number == last;
                        proptest::prop_assert_eq!(servers[at].writes(token), may, "{:?} of {}", token, last);
                    }
                }
                Step::GivesBack(at) => servers[at].member.give_back(DUTY).unwrap(),
                Step::TimeRunsOut => servers[0].time_runs_out(),
                Step::Restarts(at) => servers[at] = Server::new(&address),
            }
        }
        Ok::<(), TestCaseError>(())
    };
    let config = Config { cases: Config::default().cases.min(32), ..Config::default() };
    TestRunner::new(config).run(&prop::collection::vec(step, 1..40), law).unwrap();
}

/// Servers that are heard when they like, one of which always believes to have what was taken from it.
#[test]
fn of_servers_that_race_none_writes_after_one_that_was_given_the_duty_later() {
    let Some(servers) = servers(3) else { return };
    servers[0].sql("INSERT INTO streams (key, name, display_name) VALUES ('n', 'n', '0')");
    let (done, written) = (AtomicBool::new(false), AtomicU32::new(0));
    thread::scope(|scope| {
        for server in &servers {
            scope.spawn(|| {
                let mut token = None;
                while !done.load(Ordering::Relaxed) {
                    server.beat();
                    token = server.duty().held().or(token);
                    let Some(token) = &token else { continue };
                    let write = |tx: &Tx<'_>| {
                        token.fence(tx)?;
                        let read = "SELECT display_name AS n FROM streams FOR UPDATE";
                        let before: Option<String> = tx.one(read, params![], |row| row.get("n"))?;
                        let before: i64 = before.unwrap().parse().unwrap();
                        assert!(before <= token.number, "{before} wrote before {token:?}");
                        let write = "UPDATE streams SET display_name = ?1";
                        tx.execute(write, params![token.number.to_string()]).map(drop)
                    };
                    match server.store.apart(write) {
                        Ok(()) => _ = written.fetch_add(1, Ordering::Relaxed),
                        Err(StoreError::Superseded) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            });
        }
        for _ in 0..30 {
            thread::sleep(Duration::from_millis(10));
            servers[0].time_runs_out();
        }
        done.store(true, Ordering::Relaxed);
    });
    assert!(written.load(Ordering::Relaxed) > 0);
}

fn until(holds: impl Fn() -> bool) {
    let mut tries = 0..3000;
    while !holds() {
        tries.next().expect("it never comes to that");
        thread::sleep(Duration::from_millis(10));
    }
}
