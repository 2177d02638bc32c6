//! Several servers over one database: one of them evaluates at a time.

use super::*;
use crate::serve::Node;
use crate::serve::Telemetry;
use crate::serve::cluster::Duty;
use crate::serve::evaluation::Work;
use crate::serve::heartbeat::verdict;
use crate::serve::store::tx::params;

/// Waits until a duty is had.
async fn held(duty: &Duty) -> Token {
    for _ in 0..400 {
        if let Some(token) = duty.held() {
            return token;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the duty is not had");
}

/// A server that hung while another took over: what it works out is not written, and happens once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_lost_the_duty_writes_nothing_and_who_has_it_goes_on() {
    let mut bench = Bench::new().await;
    if bench.address.is_none() {
        return;
    }
    let cluster = Cluster::join(&bench.store, Node::default(), &Telemetry::default()).unwrap();
    let duty = cluster.duty("alerts");
    bench.token = held(&duty).await;
    bench.kill().await;
    let alert = bench.alert(&json!([{ "type": "above", "metric_name": "m", "threshold": 1 }])).await;
    bench.pass(1).await;
    bench.value("web", 1, 2.0).await;
    bench.pass(5).await;
    let give = |tx: &Tx| tx.execute("UPDATE leases SET token = token + 1 WHERE name = 'alerts'", params![]);
    assert_eq!(bench.store.write(give).await.unwrap(), 1);
    bench.pass(15).await;
    assert_eq!((bench.log(), bench.status(alert).await.as_str()), (vec![], "ok"));
    let token = held(&duty).await;
    assert_ne!(token, bench.token);
    bench.token = token;
    bench.kill().await;
    bench.pass(1).await;
    assert_eq!(bench.status(alert).await, "triggered");
    assert_eq!(bench.log(), ["1 opened 1", "1 trigger 1.0 web/0=2(1..1 x1)"]);
}

/// Whoever has not the duty waits, which is nothing wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_evaluates_and_another_waits() {
    let bench = Bench::new().await;
    if bench.address.is_none() {
        return;
    }
    let [first, second] =
        [(); 2].map(|()| Cluster::join(&bench.store, Node::default(), &Telemetry::default()).unwrap());
    held(&first.duty("alerts")).await;
    let telemetry = bench.options.telemetry.clone();
    telemetry.evaluates();
    let by = Evaluation::new(bench.options.alerts.clone(), bench.users.clone(), telemetry.lost_states());
    let work = Work::new(bench.store.clone(), by, telemetry.clone(), second.duty("alerts"));
    let (mut engine, mut failures) = (None, 0);
    work.turn(&mut engine, &mut failures).await;
    assert!(engine.is_none());
    assert_eq!(verdict(&bench.store, &telemetry, &Cluster::default()).failures(), None);
}
