//! The circuit of a service: opened by failures, half open for one probe at a time, closed by the first that is taken; and what people
//! are shown of it meanwhile.

use axum::body::{Body, to_bytes};
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tower::ServiceExt as _;

use super::*;
use crate::serve::telemetry::Circuit;
use crate::serve::{Options, router};

impl World {
    fn circuit(&self) -> Option<Circuit> {
        self.telemetry.circuits().get(&SERVICE).copied()
    }

    /// What `/v1/deliveries` says.
    async fn shown(&self) -> Vec<Value> {
        let options = Options { telemetry: self.telemetry.clone(), ..Options::default() };
        let router = router(self.store.clone(), vec![Credentials::new("u", &"t".into())], &options);
        let request = Request::get("/v1/deliveries")
            .header(header::AUTHORIZATION, format!("Basic {}", STANDARD.encode("u:t")))
            .body(Body::empty())
            .unwrap();
        let answer = router.oneshot(request).await.unwrap();
        let body = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        answer["deliveries"].as_array().unwrap().clone()
    }

    fn open_circuits(&self) -> String {
        let verdict = crate::serve::heartbeat::verdict(&self.store, &self.telemetry, &Cluster::default());
        let page = self.telemetry.page(self.store.condition(), &verdict).unwrap();
        let line = |line: &str| line.strip_prefix("librato_apply_delivery_circuits_open ").map(str::to_owned);
        page.lines().find_map(line).unwrap()
    }
}

#[tokio::test]
async fn who_fails_again_and_again_is_probed_by_one_at_a_time_until_it_answers() {
    let down = Arc::new(AtomicBool::new(true));
    let is_down = Arc::clone(&down);
    let act =
        move |_: usize, _: &str| answer(if is_down.load(Ordering::Relaxed) { 503 } else { 200 }, "", "");
    let mut world = World::new("webhook", act).await;
    world.queue((0..9).map(|number| trigger(&format!("i{number}"), 0)).collect()).await;

    // Closed: two at a time, each a failure. The fifth opens it while the sixth is under way, which doubles the wait.
    world.pass(1).await;
    assert_eq!((world.sink.count(), world.circuit()), (4, None));
    world.pass(2).await;
    let opened = START + 1;
    assert_eq!(
        (world.sink.count(), world.circuit()),
        (6, Some(Circuit { since: opened, next: opened + 10 }))
    );
    assert_eq!(world.open_circuits(), "1");
    let shown = world.shown().await;
    let circuit = json!({ "open_since": opened, "next_attempt_at": opened + 10 });
    assert!(
        shown.len() == 9 && shown.iter().all(|one| one["service"]["circuit"] == circuit),
        "also where a delivery itself was not tried yet: {shown:?}"
    );

    // Open: nothing goes, although three were never tried and the others are due again.
    world.pass(7).await;
    assert_eq!((world.store.now(), world.sink.count()), (opened + 9, 6));

    // Half open: one probe, which fails, so that it opens again for twice as long.
    world.pass(2).await;
    let probed = opened + 10;
    assert_eq!(
        (world.sink.count(), world.circuit()),
        (7, Some(Circuit { since: opened, next: probed + 20 }))
    );
    world.pass(18).await;
    assert_eq!(world.sink.count(), 7);

    // A probe that is taken closes it, and what waited goes as before.
    down.store(false, Ordering::Relaxed);
    world.pass(1).await;
    assert_eq!((world.store.now(), world.sink.count()), (probed + 20, 8));
    world.round().await;
    assert_eq!((world.sink.count(), world.circuit(), world.open_circuits().as_str()), (10, None, "0"));
    assert!(world.shown().await.iter().all(|one| one["service"]["circuit"].is_null()));
    world.pass(5).await;
    assert!(world.statuses().await.iter().all(|status| status == "sent"), "{:?}", world.rows().await);

    // One failure more is one, and not the sixth.
    down.store(true, Ordering::Relaxed);
    world.queue(vec![trigger("later", 0)]).await;
    world.pass(2).await;
    assert_eq!(world.circuit(), None);
}

/// What a far end refuses is an answer: it lives.
#[tokio::test]
async fn refusals_open_no_circuit_and_close_one() {
    let status = Arc::new(std::sync::atomic::AtomicU16::new(400));
    let now = Arc::clone(&status);
    let act = move |_: usize, _: &str| answer(now.load(Ordering::Relaxed), "", "");
    let mut world = World::new("webhook", act).await;
    world.queue((0..9).map(|number| trigger(&format!("i{number}"), 0)).collect()).await;
    world.pass(8).await;
    assert_eq!((world.sink.count(), world.circuit()), (9, None));

    status.store(503, Ordering::Relaxed);
    world.queue((0..6).map(|number| trigger(&format!("j{number}"), 0)).collect()).await;
    world.pass(5).await;
    assert!(world.circuit().is_some());
    status.store(404, Ordering::Relaxed);
    world.pass(20).await;
    assert_eq!(world.circuit(), None);
}

/// No one will ever probe it, so nothing is shown of it.
#[tokio::test]
async fn a_service_that_is_deleted_leaves_no_circuit() {
    let mut world = World::new("webhook", |_, _| answer(503, "", "")).await;
    world.queue((0..6).map(|number| trigger(&format!("i{number}"), 0)).collect()).await;
    world.pass(3).await;
    assert!(world.circuit().is_some());
    world.sql("DELETE FROM services").await;
    world.pass(20).await;
    assert!(world.statuses().await.iter().all(|status| status == "failed"), "{:?}", world.rows().await);
    assert_eq!((world.circuit(), world.open_circuits().as_str()), (None, "0"));
}
