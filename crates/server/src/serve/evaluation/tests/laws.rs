//! Laws over generated alerts and measurements, through the real store: however measurements come in time, and however often the
//! engine is killed, what happens is what happens to who looks at all of them later.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::watch::{Feed, Sample, Series, Settings};

/// A measurement: of which series, its second, its value, seconds on its way.
type Sent = (usize, i64, i32, i64);

const UNTIL: i64 = 240;

fn series(at: usize) -> Series {
    let tags = |az: &str, host: &str| {
        let pairs = [("az", az), ("host", host)];
        Series::Tags(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    match at {
        0 => Series::Source(Some("s".into())),
        1 => Series::Source(Some("r".into())),
        2 => tags("a", "x"),
        3 => tags("a", "y"),
        _ => tags("b", "x"),
    }
}

async fn send(bench: &Bench, at: usize, t: i64, value: i32) {
    let time = BORN + t;
    match series(at) {
        Series::Source(source) => {
            let gauge = json!({ "name": "m", "value": value, "source": source, "measure_time": time });
            bench.good("POST", "/v1/metrics", &json!({ "gauges": [gauge] })).await;
        }
        Series::Tags(tags) => {
            let one = json!({ "name": "m", "value": value, "time": time, "tags": tags });
            bench.good("POST", "/v1/measurements", &json!({ "measurements": [one] })).await;
        }
    }
}

fn any_condition() -> impl Strategy<Value = Value> {
    let function = prop_oneof![Just("average"), Just("sum"), Just("count"), Just("max"), Just("derivative")];
    let duration = prop_oneof![Just(0), Just(60)];
    let threshold = (any::<bool>(), function, duration, 0..4).prop_map(|(above, function, duration, threshold)| {
        let kind = if above { "above" } else { "below" };
        json!({ "type": kind, "metric_name": "m", "threshold": threshold, "summary_function": function, "duration": duration })
    });
    let absent = Just(json!({ "type": "absent", "metric_name": "M", "duration": 60 }));
    let streams = prop_oneof![
        2 => Just(json!({})),
        1 => Just(json!({ "source": "*" })),
        1 => Just(json!({ "source": "s" })),
        1 => Just(json!({ "tags": [{ "name": "az", "grouped": true }] })),
        1 => Just(json!({ "tags": [{ "name": "host", "values": ["x"] }] })),
    ];
    (prop_oneof![4 => threshold, 1 => absent], streams).prop_map(|(mut condition, streams)| {
        condition.as_object_mut().unwrap().extend(streams.as_object().unwrap().clone());
        condition
    })
}

fn any_sent() -> impl Strategy<Value = Vec<Sent>> {
    proptest::collection::vec((0_usize..5, 1..UNTIL, 0..5, 0_i64..=10), 0..40)
}

/// Something that must change nothing: a kill, or the journal being packed.
fn any_trouble() -> impl Strategy<Value = BTreeMap<i64, bool>> {
    proptest::collection::btree_map(1..UNTIL + 100, any::<bool>(), 0..8)
}

/// What happens to an alert.
async fn live(
    conditions: &[Value],
    per_signal: bool,
    sent: &[Sent],
    steps: &[i64],
    trouble: &BTreeMap<i64, bool>,
) -> (Vec<String>, Vec<String>) {
    let mut bench = Bench::new().await;
    let body =
        json!({ "name": "a", "rearm_seconds": 60, "rearm_per_signal": per_signal, "conditions": conditions });
    bench.good("POST", "/v1/alerts", &body).await;
    bench.tick().await.unwrap();
    let mut coming = sent.to_vec();
    coming.sort_by_key(|(_, t, _, wait)| t + wait);
    let (mut now, mut next) = (0, 0);
    for step in steps.iter().cycle() {
        if now > UNTIL + 200 {
            break;
        }
        for _ in 0..*step {
            now += 1;
            bench.clock.pass(Duration::from_secs(1));
            while let Some((at, t, value, _)) = coming.get(next).filter(|(_, t, _, wait)| t + wait <= now) {
                send(&bench, *at, *t, *value).await;
                next += 1;
            }
            match trouble.get(&now) {
                Some(true) if now % 2 == 0 => bench.kill().await,
                Some(true) => bench.lose().await,
                Some(false) => bench.compact().await,
                None => {}
            }
        }
        bench.tick().await.unwrap();
    }
    let watched = bench.engine().seats.iter().flatten().next().unwrap().watched.as_ref().clone();
    // The second in which it was made counts.
    let mut feed = Feed::new(watched, Settings::offline(), BORN - 1);
    let mut sent = sent.to_vec();
    sent.sort_by_key(|(at, t, _, wait)| (*t, *wait, *at));
    let (mut sent, mut expected) = (sent.into_iter().peekable(), Vec::new());
    for second in 1..=UNTIL + 200 {
        while let Some((at, t, value, _)) = sent.next_if(|(_, t, _, _)| *t <= second) {
            feed.sample("m", &series(at), BORN + t, BORN + t, &Sample::single(f64::from(value)));
        }
        expected.extend(feed.tick(BORN + second).iter().map(line));
    }
    (known(bench.log()), known(expected))
}

/// Ends of the runs differ by what has not been looked at.
fn known(mut log: Vec<String>) -> Vec<String> {
    log.retain(|line| line.split(' ').next().unwrap().parse::<i64>().unwrap() <= UNTIL + 100);
    log
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// So many where `PROPTEST_CASES` asks for no other number, and in proportion where it does.
fn cases(number: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = (usual.cases * number / 256).max(1);
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..usual }
}

proptest! {
    #![proptest_config(cases(12))]

    #[test]
    fn live_is_offline(
        conditions in proptest::collection::vec(any_condition(), 1..3),
        per_signal in any::<bool>(),
        sent in any_sent(),
        steps in proptest::collection::vec(prop_oneof![Just(1_i64), Just(3), Just(20)], 1..6),
    ) {
        let (found, expected) = runtime().block_on(live(&conditions, per_signal, &sent, &steps, &BTreeMap::new()));
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn kills_and_compaction_change_nothing(
        conditions in proptest::collection::vec(any_condition(), 1..3),
        per_signal in any::<bool>(),
        sent in any_sent(),
        trouble in any_trouble(),
    ) {
        let (found, expected) = runtime().block_on(live(&conditions, per_signal, &sent, &[1], &trouble));
        prop_assert_eq!(found, expected);
    }
}
