//! Chats are shown what an alert watches at an address that anybody may open, where the operator allows that.

use super::*;
use crate::serve::catalog::cache::SeriesCache;
use crate::serve::catalog::metrics::metric::Kind;
use crate::serve::catalog::metrics::new::NewMetric;
use crate::serve::snapshots::table as pictures;
use crate::serve::submit::measurement::Measurement;
use crate::serve::submit::resolve;
use crate::serve::tsdb::labels::Labels;
use crate::serve::tsdb::sample::Stats;

async fn measured(store: &Store) {
    let at = |minute: i64| Measurement {
        metric: "db.ms".to_owned(),
        kind: Kind::Gauge,
        labels: Labels::Source(Some("db1".to_owned())),
        time: START - 60 * minute,
        stats: Stats::Single(minute as f64),
        new: NewMetric::default(),
    };
    let write = move |tx: &Tx| {
        let samples: Vec<Measurement> = (1..60).map(at).collect();
        resolve::append(tx, &samples, None, &SeriesCache::default(), START).map(drop)
    };
    store.write(write).await.unwrap();
}

fn dispatcher(world: &World, links_pictures: bool) -> Dispatcher {
    let users = Users::from(vec![Credentials::new("ops@example.org", &"t".into())]);
    let options = NotifyOptions {
        allow: vec!["127.0.0.1".parse().unwrap()].into(),
        public_url: Some("https://metrics.example.org/lib".to_owned()),
        links_pictures,
        ..NotifyOptions::default()
    };
    let alerts = AlertOptions::default();
    Dispatcher::new(&world.store, users, &world.telemetry, &alerts, &options, &Cluster::default()).unwrap()
}

/// The pictures that messages show, in the order in which they came.
fn addresses(sink: &Sink) -> Vec<Option<String>> {
    let shown = |request: &String| {
        let (_, body) = request.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).unwrap();
        body["attachments"][0]["image_url"].as_str().map(str::to_owned)
    };
    sink.requests.lock().unwrap().iter().map(shown).collect()
}

#[tokio::test]
async fn chats_show_one_picture_however_often_it_is_sent() {
    let mut world =
        World::new("slack", |count, _| if count == 0 { answer(503, "", "") } else { answer(200, "", "ok") })
            .await;
    measured(&world.store).await;
    world.dispatcher = dispatcher(&world, true);
    world.dispatcher.without_chance();
    let conditions = vec![json!({"id": 1, "type": "above", "metric_name": "db.ms", "threshold": 10.0})];
    world.queue(vec![Message { conditions, ..trigger("a", 0) }, clear("a", 1)]).await;
    world.pass_by(600, 5).await;
    let addresses = addresses(&world.sink);

    let [Some(first), Some(again), None] = addresses.as_slice() else { panic!("{addresses:?}") };
    assert_eq!(first, again);
    let key = first.strip_prefix("https://metrics.example.org/lib/snapshots/").unwrap();
    let key = key.strip_suffix(".png").unwrap().to_owned();
    assert_eq!(key.len(), 32);
    let png = world.store.read(move |tx: &Tx| pictures::picture_at(tx, &key)).await.unwrap().unwrap();
    assert!(png.starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn nothing_is_opened_to_anybody_unless_the_operator_says_so() {
    let mut world = World::new("slack", |_, _| answer(200, "", "ok")).await;
    measured(&world.store).await;
    world.dispatcher = dispatcher(&world, false);
    let conditions = vec![json!({"id": 1, "type": "above", "metric_name": "db.ms", "threshold": 10.0})];
    world.queue(vec![Message { conditions, ..trigger("a", 0) }]).await;
    world.pass(1).await;
    assert_eq!(addresses(&world.sink), [None]);
    let count = |tx: &Tx| tx.one("SELECT count(*) AS n FROM pictures", params![], |row| row.get::<i64>("n"));
    assert_eq!(world.store.read(count).await.unwrap(), Some(0));
}
