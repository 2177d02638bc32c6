//! The aggregator against a model that keeps every value.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

type Values = BTreeMap<(String, Labels, Option<i64>), Vec<f64>>;

fn added() -> impl Strategy<Value = (String, Labels, Option<i64>, f64)> {
    let name = prop::sample::select(vec!["a", "b", "c.d"]).prop_map(str::to_owned);
    let labels = prop::sample::select(vec![
        Labels::Source(None),
        Labels::Source(Some("web".to_owned())),
        Labels::Tags(Tags::from([("region".to_owned(), "eu".to_owned())])),
        Labels::Tags(Tags::from([("region".to_owned(), "us".to_owned())])),
    ]);
    (name, labels, prop::option::of(-200_i64..400), -1e6..1e6_f64)
}

proptest! {
    #[test]
    fn it_is_the_same_as_keeping_every_value(
        values in prop::collection::vec(added(), 0..60),
        period in prop::option::of(1_u32..120),
    ) {
        let mut aggregator = Aggregator::new();
        aggregator.period = period.map(i64::from);
        let mut model = Values::new();
        for (name, labels, time, value) in values {
            let floored = time.map(|time| period.map_or(time, |period| time.div_euclid(i64::from(period)) * i64::from(period)));
            model.entry((name.clone(), labels.clone(), floored)).or_default().push(value);
            aggregator.add_measurement(Measurement { labels, time, ..Measurement::gauge(name, value) });
        }
        prop_assert_eq!(aggregator.len(), model.len());
        let (present, sent) = (now(), aggregator.take());
        prop_assert!(aggregator.is_empty());
        for measurement in sent {
            let Reading::Summary(found) = measurement.reading else { panic!("a value") };
            // What had no time has the present.
            let time = measurement.time.filter(|time| *time < present - 1000);
            let expected = model.remove(&(measurement.name, measurement.labels, time)).unwrap();
            prop_assert_eq!(found.count, expected.len() as u64);
            prop_assert_eq!(found.min, expected.iter().copied().reduce(f64::min));
            prop_assert_eq!(found.max, expected.iter().copied().reduce(f64::max));
            prop_assert_eq!(found.last, expected.last().copied());
            prop_assert!((found.sum - expected.iter().sum::<f64>()).abs() <= 1e-3);
            let squares: f64 = expected.iter().map(|value| value * value).sum();
            prop_assert!((found.sum_squares.unwrap() - squares).abs() <= squares * 1e-9);
        }
        prop_assert!(model.is_empty());
    }
}

#[test]
fn the_latest_reading_of_a_counter_stays() {
    let mut aggregator = Aggregator::new().period(60);
    for (time, value) in [(61, 5.0), (119, 9.0), (70, 7.0), (120, 11.0)] {
        aggregator.add_measurement(Measurement::counter("c", value).measure_time(time));
    }
    let expected =
        [(60, 9.0), (120, 11.0)].map(|(time, value)| Measurement::counter("c", value).measure_time(time));
    assert_eq!(aggregator.measurements(), expected);
}

#[test]
fn clearing_forgets_values_and_time_but_not_the_source() {
    let mut aggregator = Aggregator::new().source("s").measure_time(7);
    aggregator.add("a", 1.0);
    aggregator.clear();
    assert_eq!(aggregator.measurements(), []);
    aggregator.add("a", 2.0);
    let left = aggregator.measurements();
    assert_eq!((&left[0].labels, left[0].time), (&Labels::Source(Some("s".to_owned())), None));
}
