//! What is remembered of drawings is what would be drawn anew, whatever is asked of the server in between; and it has a bound.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::cache::Drawings;
use super::{PictureRequest, draw};
use crate::chart::View;
use crate::picture::Window;
use crate::serve::driven::Server;

/// What can happen between two looks.
#[derive(Debug, Clone)]
enum Act {
    Measure { metric: u8, minute: i64, value: i64 },
    Event { minute: i64 },
    Period { metric: u8, seconds: i64 },
    Delete { metric: u8 },
    Wait { seconds: u64 },
}

fn any_act() -> impl Strategy<Value = Act> {
    prop_oneof![
        5 => (0..3_u8, 0..30_i64, 0..100_i64).prop_map(|(metric, minute, value)| Act::Measure { metric, minute, value }),
        1 => (0..30_i64).prop_map(|minute| Act::Event { minute }),
        1 => (0..3_u8, 1..10_i64).prop_map(|(metric, tens)| Act::Period { metric, seconds: 10 * tens }),
        1 => (0..3_u8).prop_map(|metric| Act::Delete { metric }),
        1 => (0..90_u64).prop_map(|seconds| Act::Wait { seconds }),
    ]
}

struct World {
    server: Server,
    drawings: Drawings,
}

impl World {
    fn new() -> World {
        World { server: Server::new(), drawings: Drawings::default() }
    }

    /// Some of it is refused, such as changes of metrics that are not there.
    async fn act(&self, act: &Act) {
        let now = self.server.store.now();
        let (method, path, body) = match act {
            Act::Wait { seconds } => return self.server.clock.pass(Duration::from_secs(*seconds)),
            Act::Measure { metric, minute, value } => {
                let gauge = json!({"name": format!("shop.m{metric}"), "value": value, "source": "a", "measure_time": now - 60 * minute});
                ("POST", "/v1/metrics".to_owned(), json!({"gauges": [gauge]}))
            }
            Act::Event { minute } => {
                let event = json!({"title": "release", "start_time": now - 60 * minute});
                ("POST", "/v1/annotations/shop.deploys".to_owned(), event)
            }
            Act::Period { metric, seconds } => {
                ("PUT", format!("/v1/metrics/shop.m{metric}"), json!({"period": seconds}))
            }
            Act::Delete { metric } => ("DELETE", format!("/v1/metrics/shop.m{metric}"), Value::Null),
        };
        self.server.ask(method, &path, body).await;
    }

    /// A metric, a composite of another one, and one of all that a pattern means.
    fn request(&self) -> PictureRequest {
        let now = self.server.store.now();
        let chart = |streams: Value| json!({"name": "c", "type": "line", "streams": streams});
        PictureRequest {
            charts: vec![
                chart(json!([{"metric": "shop.m0"}])),
                chart(json!([{"composite": "sum(s(\"shop.m1\",\"*\"))"}])),
                chart(json!([{"composite": "s(\"shop.m*\",\"*\")"}])),
            ],
            view: View {
                window: Window { start: now - 1_800, end: now },
                now,
                kept: 1,
                width: 640,
                height: 192,
                whole: false,
                zone: TimeZone::UTC,
                source: None,
                tags: Vec::new(),
                hidden: Vec::new(),
            },
            events: None,
            with_alerts: true,
            only_alert: None,
            only_series: None,
        }
    }

    /// Whether the tables were asked for it.
    async fn is_read(&self, request: PictureRequest) -> bool {
        let statements = || self.server.store.condition().statements.load(Ordering::Relaxed);
        let before = statements();
        self.drawings.draw(&self.server.store, request).await.unwrap();
        statements() > before
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 10, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_remembered_drawing_never_differs_from_a_new_one(acts in prop::collection::vec(any_act(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::new();
            for act in &acts {
                world.act(act).await;
                for _ in 0..2 {
                    let found = world.drawings.draw(&world.server.store, world.request()).await.unwrap();
                    let new = draw(&world.server.store, world.request()).await.unwrap();
                    assert_eq!(format!("{found:?}"), format!("{new:?}"), "after {act:?}");
                }
            }
        });
    }
}

/// What nothing touched is not read again: measurements of one metric leave drawings of others as they are.
#[tokio::test]
async fn drawings_are_kept_until_what_they_show_changes() {
    let world = World::new();
    for metric in 0..2 {
        world.act(&Act::Measure { metric, minute: 3, value: 1 }).await;
    }
    let only = |place: usize| PictureRequest {
        charts: vec![world.request().charts[place].clone()],
        ..world.request()
    };
    let reads =
        async || [world.is_read(only(0)).await, world.is_read(only(1)).await, world.is_read(only(2)).await];
    assert_eq!(reads().await, [true, true, true]);
    assert_eq!(reads().await, [false, false, false]);
    world.act(&Act::Measure { metric: 0, minute: 2, value: 5 }).await;
    assert_eq!(reads().await, [true, false, true]);
    world.act(&Act::Measure { metric: 1, minute: 2, value: 5 }).await;
    assert_eq!(reads().await, [false, true, true]);
    world.act(&Act::Event { minute: 1 }).await;
    assert_eq!(reads().await, [true, true, true]);
    world.act(&Act::Wait { seconds: 1 }).await;
    assert_eq!(reads().await, [true, true, true]);
}

#[tokio::test]
async fn there_is_room_for_so_many() {
    let world = World::new();
    world.act(&Act::Measure { metric: 0, minute: 3, value: 1 }).await;
    for width in 200..1_300 {
        let view = View { width, ..world.request().view };
        assert!(world.is_read(PictureRequest { view, ..world.request() }).await);
    }
    let (places, bytes) = world.drawings.held();
    assert!(places <= 500 && 0 < bytes && bytes <= 16_000_000, "{places} {bytes}");
}

/// Many who ask at once wait for one drawing.
#[tokio::test]
async fn a_wall_of_screens_costs_one_drawing() {
    let world = World::new();
    world.act(&Act::Measure { metric: 0, minute: 3, value: 1 }).await;
    let statements = || world.server.store.condition().statements.load(Ordering::Relaxed);
    let before = statements();
    draw(&world.server.store, world.request()).await.unwrap();
    let one = statements() - before;
    let all: Vec<_> = (0..30)
        .map(|_| {
            let (drawings, store, request) =
                (world.drawings.clone(), world.server.store.clone(), world.request());
            tokio::spawn(async move { drawings.draw(&store, request).await.unwrap() })
        })
        .collect();
    for each in all {
        assert_eq!(each.await.unwrap().scenes.len(), 3);
    }
    assert_eq!(statements() - before, 2 * one);
}
