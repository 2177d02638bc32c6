//! The thread that evaluates: what a panic in it does to the server, and what is known of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::serve::cluster::Cluster;
use crate::serve::evaluation::Work;
use crate::serve::heartbeat::verdict;

/// What the thread runs, without a thread, for so many seconds.
struct Thread {
    work: Work,
    engine: Option<Engine>,
    failures: u32,
}

impl Thread {
    async fn pass(&mut self, bench: &Bench, seconds: i64) {
        let end = bench.store.now() + seconds;
        while bench.store.now() < end {
            let pause = self.work.turn(&mut self.engine, &mut self.failures).await;
            bench.clock.pass(pause);
        }
    }
}

/// The server serves, health says what is wrong, and nothing is lost: it begins again until it can.
#[tokio::test]
async fn a_panic_ends_neither_the_server_nor_the_evaluation() {
    let mut bench = Bench::new().await;
    bench.engine = None;
    let alert = bench.alert(&json!([{ "type": "above", "metric_name": "m", "threshold": 1 }])).await;
    let telemetry = bench.options.telemetry.clone();
    telemetry.evaluates();
    let by = Evaluation::new(bench.options.alerts.clone(), bench.users.clone(), telemetry.lost_states());
    let mut work =
        Work::new(bench.store.clone(), by, telemetry.clone(), Cluster::default().divided("alerts"));
    let panics = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&panics);
    work.meanwhile = Box::new(move || assert!(!does.load(Ordering::Relaxed), "as the test wants it"));
    let mut thread = Thread { work, engine: None, failures: 0 };
    let failures = || verdict(&bench.store, &telemetry, &Cluster::default()).failures();

    thread.pass(&bench, 4).await;
    bench.value("web", 4, 0.0).await;
    thread.pass(&bench, 20).await;
    assert_eq!((failures(), bench.status(alert).await.as_str()), (None, "ok"));

    panics.store(true, Ordering::Relaxed);
    thread.pass(&bench, 1).await;
    assert!(thread.engine.is_none(), "what it held may be half done");
    bench.value("web", 25, 5.0).await;
    thread.pass(&bench, 80).await;
    let why = failures().unwrap();
    assert!(why.starts_with("the evaluation lags ") && why.ends_with(" s, more than 60 s"), "{why}");
    assert_eq!(bench.status(alert).await, "ok", "requests are answered, from what was known");
    let panicked = bench.figure("alert_evaluation_failures_total").await;
    assert_eq!(panicked, "7", "after 1, 2, 4, 8, 16 and 32 s, and then each minute");

    panics.store(false, Ordering::Relaxed);
    thread.pass(&bench, 2).await;
    assert_eq!((failures(), bench.status(alert).await.as_str()), (None, "triggered"));
    bench.value("web", bench.store.now() - BORN, 0.0).await;
    thread.pass(&bench, 15).await;
    assert_eq!(bench.status(alert).await, "ok", "each second again");
}
