//! Laws that hold for whatever the files ask for, on our own service and on one with other habits.
#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used)] // helpers of tests

mod support;

use serde_json::json;
use support::world::{self, Whose, World};

#[tokio::test]
async fn smoke() {
    for whose in [Whose::Ours, Whose::Other(1), Whose::Other(2), Whose::Other(3)] {
        let world = World::new(whose).await;
        world::seed_foreign(&world).await;
        let before = world.truth().await;
        let text = json!({"metrics": {"a.b": {"type": "gauge", "period": "1m", "attributes": {"display_max": 5, "color": "#AABBCC"}}},
            "services": {"ops": {"type": "slack", "settings": {"url": "https://x/${secret.X}"}}, "foreign-mail": {"external": true}},
            "annotations": {"deploys": {}, "d2": {"display_name": "D"}},
            "alerts": {"a": {"services": ["ops", "foreign-mail"], "conditions": [{"type": "above", "metric_name": "A.B", "threshold": 5, "duration": "5m"},
              {"type": "absent", "metric_name": "foreign.counter", "duration": 60}]}}}).to_string();
        let start = std::time::Instant::now();
        let client = world.client();
        println!("client {:?}", start.elapsed());
        let (planned, outcome) = world::apply(&client, &text, 8).await.unwrap();
        assert!(
            outcome.is_complete(),
            "{whose:?} {}",
            librato_apply::render::outcome_text(&planned.plan, &outcome)
        );
        let again = world::plan(&client, &text).await.unwrap();
        assert!(again.plan.is_empty(), "{whose:?} {}", again.text);
        let after = world.truth().await;
        assert_eq!(world::foreign(&before), world::foreign(&after));
        println!("{:?} {}", start.elapsed(), world.take_log().len());
    }
}
