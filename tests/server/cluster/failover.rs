//! Failovers under Patroni while clients write: nothing acknowledged is lost or doubled, and the next answer comes in time.
//!
//! One Patroni for all of it, since making one takes as long as most of what is done to it. Long; a slice of `.ci/run` has it.

use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::killed::rounds;
use super::patroni::Patroni;
use super::writers::{Ledger, Writers};
use super::{applied, hosts, serve};
use crate::server::Server;

/// What becomes of the primary.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    SwitchedOver,
    /// All processes of its PostgreSQL are killed; Patroni lives.
    Killed,
    /// Patroni, too.
    MachineKilled,
    /// It hears neither etcd nor its standby, and clients still reach it.
    CutOff,
}

/// Each with the longest pause between two answers that it may make, in seconds.
const FAULTS: [(Fault, &str, u64); 4] = [
    (Fault::SwitchedOver, "switched over", 5),
    (Fault::Killed, "processes of the primary killed", 6),
    (Fault::MachineKilled, "primary killed with its Patroni", 30),
    (Fault::CutOff, "primary cut off from etcd and its standby", 30),
];

/// Within what everybody is told where nothing can be stored: half a minute after its batch or its commit is under way, for which it waits no longer
/// than the patience.
const TOLD: Duration = Duration::from_secs(38);

#[tokio::test(flavor = "multi_thread")]
async fn failovers_lose_nothing_that_was_acknowledged() {
    let Some(mut patroni) = Patroni::start().await else { return };
    let address = patroni.create("monitoring", patroni.whole().await);
    let nodes = [serve(&address, &[]), serve(&address, &[])];
    let mut ledger = Ledger::new(hosts(&nodes));
    for (fault, what, limit) in FAULTS {
        ledger = survived(&mut patroni, &nodes[0], ledger, (fault, what, limit)).await;
    }
    ledger = without_a_standby(&mut patroni, &nodes[0], ledger).await;
    drop(ledger);
    applied::through_failovers(&mut patroni, &nodes, rounds(2).min(20)).await;
}

async fn survived(
    patroni: &mut Patroni,
    node: &Server,
    ledger: Ledger,
    (fault, what, limit): (Fault, &str, u64),
) -> Ledger {
    let primary = patroni.whole().await;
    let writers = Writers::go_on_in(ledger);
    writers.go_on(30).await;
    match fault {
        Fault::SwitchedOver => patroni.switch_over(primary).await,
        Fault::Killed => patroni.kill_postgres(primary),
        Fault::MachineKilled => patroni.kill_machine(primary),
        Fault::CutOff => patroni.cut_off(primary),
    }
    patroni.leads(1 - primary).await;
    writers.go_on(limit).await;
    sleep(Duration::from_secs(1)).await;
    let pause = writers.pause();
    let ledger = writers.settle(what, node).await;
    assert!(pause < Duration::from_secs(limit), "{what}: nothing was stored for {pause:?}");
    assert!(fault != Fault::SwitchedOver || ledger.refused == 0, "{what}: {} were refused", ledger.refused);
    match fault {
        Fault::MachineKilled => patroni.start_machine(primary),
        Fault::CutOff => patroni.connect(primary),
        Fault::SwitchedOver | Fault::Killed => {}
    }
    ledger
}

/// A standby that is gone is done without, after a pause; or, where that is not wanted, nothing is acknowledged until it is back.
async fn without_a_standby(patroni: &mut Patroni, node: &Server, ledger: Ledger) -> Ledger {
    let primary = patroni.whole().await;
    let writers = Writers::go_on_in(ledger);
    writers.go_on(30).await;
    patroni.kill_machine(1 - primary);
    sleep(Duration::from_secs(4)).await;
    writers.go_on(10).await;
    let pause = writers.pause();
    let ledger = writers.settle("standby killed", node).await;
    assert!(pause < Duration::from_secs(3), "nothing was stored for {pause:?}");
    assert_eq!(ledger.refused, 0, "within their patience");
    patroni.start_machine(1 - primary);
    patroni.whole().await;

    let writers = Writers::go_on_in(ledger);
    patroni.configure(primary, &json!({"synchronous_mode_strict": true})).await;
    patroni.kill_machine(1 - primary);
    let names = "SELECT current_setting('synchronous_standby_names')";
    let mut tries = 0..100;
    while patroni.sql(primary, "postgres", names) != "*" {
        tries.next().expect("Patroni does not become strict");
        sleep(Duration::from_millis(200)).await;
    }
    sleep(Duration::from_secs(1)).await;
    let before = writers.acknowledged();
    sleep(TOLD + Duration::from_secs(5)).await;
    assert_eq!(writers.acknowledged(), before, "acknowledged on one machine alone");
    patroni.start_machine(1 - primary);
    writers.go_on(60).await;
    let ledger = writers.settle("standby killed where one is wanted", node).await;
    assert!(ledger.refused > 0, "nobody was told");
    let longest = ledger.longest.max(ledger.longest_refused);
    assert!(longest < TOLD, "somebody was told after {longest:?}");
    patroni.configure(primary, &json!({"synchronous_mode_strict": false})).await;
    ledger
}
