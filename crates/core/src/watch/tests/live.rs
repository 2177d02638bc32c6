//! All stages together: samples, groups, functions. However samples come in time, the same happens as when they are looked at later.

use proptest::prelude::*;

use super::laws::cases;
use super::model::{Model, Script};
use super::*;

/// A sample of a series: its second, its value, seconds on its way.
type Sent = (usize, i64, f64, i64);

/// Seconds after the start of a bucket at which its samples may still come.
const SETTLE: i64 = 10;

fn series(at: usize) -> Series {
    let tags = |pairs: &[(&str, &str)]| {
        Series::Tags(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    };
    match at {
        0 => Series::Source(Some("s".into())),
        1 => Series::Source(Some("r".into())),
        2 => tags(&[("az", "a"), ("host", "x")]),
        3 => tags(&[("az", "a"), ("host", "y")]),
        _ => tags(&[("az", "b"), ("host", "x")]),
    }
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let function = prop_oneof![
        Just(Function::Average),
        Just(Function::Sum),
        Just(Function::Count),
        Just(Function::Min),
        Just(Function::Max),
        Just(Function::Derivative { detect_reset: true }),
        Just(Function::Derivative { detect_reset: false }),
    ];
    let grouped = Streams::Tags(vec![Tag { name: "az".into(), grouped: true, ..Tag::default() }]);
    let streams = prop_oneof![Just(Streams::All), Just(Streams::Source("*".into())), Just(grouped)];
    let duration = prop_oneof![Just(None), Just(Some(60))];
    let test =
        (any::<bool>(), function, duration, 0..4).prop_map(|(above, function, duration, threshold)| {
            Test::Threshold { above, threshold: f64::from(threshold), duration, function }
        });
    let test = prop_oneof![4 => test, 1 => Just(Test::Absent { duration: 60 })];
    (test, streams).prop_map(|(test, streams)| Condition { test, streams, ..above(None) })
}

fn any_samples() -> impl Strategy<Value = Vec<Sent>> {
    let sample = (0_usize..5, 1_i64..400, 0_i32..5, 0..=SETTLE);
    let sample = sample.prop_map(|(series, t, value, late)| (series, t, f64::from(value), late));
    proptest::collection::vec(sample, 0..60)
}

fn floored(shape: Shape, t: i64) -> i64 {
    if shape.aggregate { t - t.rem_euclid(60) } else { t }
}

/// What happens when samples come after so many seconds, and time is looked at in steps.
fn fed(alert: &Alert, settle: i64, sent: &[Sent], steps: &[i64], late: bool) -> Vec<String> {
    let shape = alert.conditions[0].shape;
    let mut feed = Feed::new(alert.clone(), Settings { settle, ..Settings::offline() }, 0);
    let mut sent: Vec<_> =
        sent.iter().map(|(s, t, value, wait)| (*s, *t, *value, t + if late { *wait } else { 0 })).collect();
    sent.sort_by_key(|(_, _, _, r)| *r);
    let mut sent = sent.into_iter().peekable();
    let (mut clock, mut log) = (0, Vec::new());
    for step in steps.iter().cycle() {
        if clock > 1_500 {
            break;
        }
        clock += step;
        while let Some((at, t, value, r)) = sent.next_if(|(_, _, _, r)| *r <= clock) {
            let class = feed.sample("M", &series(at), floored(shape, t), r, &Sample::single(value));
            assert_eq!(class, Some(Class::InTime));
        }
        log.extend(feed.tick(clock).iter().map(line));
    }
    log
}

/// Readings, from all samples there are.
fn readings(alert: &Alert, sent: &[Sent]) -> Vec<Reading> {
    let mut readings = Vec::new();
    for (place, condition) in alert.conditions.iter().enumerate() {
        let grouped = condition.streams.is_grouped();
        let mut found: Vec<(Stream, i64, Vec<f64>, Option<f64>)> = Vec::new();
        for at in 0..5 {
            let Some(stream) = condition.streams.stream_of(&series(at)) else { continue };
            let mut times: Vec<i64> =
                sent.iter().filter(|s| s.0 == at).map(|s| floored(condition.shape, s.1)).collect();
            times.sort_unstable();
            times.dedup();
            let mut before: Option<(i64, f64)> = None;
            for t in times {
                let here = sent.iter().filter(|s| s.0 == at && floored(condition.shape, s.1) == t);
                let values: Vec<f64> = here.map(|s| s.2).collect();
                let average = values.iter().sum::<f64>() / values.len() as f64;
                // A bucket from before the alert was made is none of its own.
                let known = before.filter(|(when, _)| *when > 0 && t - when <= 900);
                let change = known.map(|(_, x)| match condition.test {
                    Test::Threshold { function: Function::Derivative { detect_reset: true }, .. } => {
                        (average - x).max(0.0)
                    }
                    _ => average - x,
                });
                before = Some((t, average));
                let u = if grouped { t - t.rem_euclid(60) } else { t };
                match found.iter_mut().find(|(key, when, ..)| grouped && *key == stream && *when == u) {
                    Some((_, _, all, total)) => {
                        all.extend(values);
                        *total = total.map_or(change, |total| Some(total + change.unwrap_or(0.0)));
                    }
                    None => found.push((stream.clone(), u, values, change)),
                }
            }
        }
        for (stream, t, values, change) in found {
            let fold = |first: f64, f: fn(f64, f64) -> f64| values.iter().copied().fold(first, f);
            let average = Some(fold(0.0, |a, b| a + b) / values.len() as f64);
            let value = match condition.test {
                Test::Absent { .. } => average,
                Test::Threshold { function, .. } => match function {
                    Function::Average => average,
                    Function::Sum => Some(fold(0.0, |a, b| a + b)),
                    Function::Count => Some(values.len() as f64),
                    Function::Min => Some(fold(f64::MAX, f64::min)),
                    Function::Max => Some(fold(f64::MIN, f64::max)),
                    Function::Derivative { .. } => change,
                    Function::AbsoluteValue => None,
                },
            };
            readings.push(Reading { u: t, t, condition: place, stream, value });
        }
    }
    readings
}

proptest! {
    #![proptest_config(cases(60))]

    /// Order and batches of what comes in time make no difference, nor does how often one looks: it is what is computed from all
    /// samples at once.
    #[test]
    fn live_is_offline_is_the_model(
        conditions in proptest::collection::vec(any_condition(), 1..3),
        per_signal in any::<bool>(),
        aggregate in any::<bool>(),
        sent in any_samples(),
        steps in proptest::collection::vec(prop_oneof![Just(1_i64), Just(3), Just(50)], 1..6),
    ) {
        let shape = Shape { aggregate, ..Shape::default() };
        let conditions = conditions.into_iter().map(|condition| Condition { shape, ..condition }).collect();
        let alert = Alert { rearm: 60, per_signal, ..alert(conditions) };
        let script = Script { until: 1_400, ..Script::default() };
        let (mut expected, _) = Model::run(&alert, Settings::offline(), &readings(&alert, &sent), &script);
        // Ends of the runs differ by what has not been looked at.
        let known = |log: &mut Vec<String>| log.retain(|line| line.split(' ').next().unwrap().parse::<i64>().unwrap() <= 1_300);
        known(&mut expected);
        for (settle, steps, late) in [(0, &[1][..], false), (SETTLE, &[1], true), (SETTLE, &steps, true), (0, &steps, false)] {
            let mut found = fed(&alert, settle, &sent, steps, late);
            known(&mut found);
            prop_assert_eq!(&found, &expected, "settle {} steps {:?} late {}", settle, steps, late);
        }
    }
}

#[test]
fn late_old_and_future_samples_fire_nothing() {
    let mut feed = Feed::new(alert(vec![above(None)]), Settings::default(), 0);
    let source = Series::Source(None);
    let mut send = |t: i64, r: i64| feed.sample("m", &source, t, r, &Sample::single(9.0));
    assert_eq!(send(10_000, 20_000), Some(Class::Old));
    assert_eq!(send(20_301, 20_000), Some(Class::Future));
    assert_eq!(feed.tick(30_000), []);
    let mut send = |t: i64, r: i64, value| feed.sample("M", &source, t, r, &Sample::single(value));
    assert_eq!(send(30_000, 30_000, 0.0), Some(Class::InTime));
    assert_eq!(send(30_000, 30_011, 9.0), Some(Class::Late));
    assert_eq!(feed.tick(40_000), []);
    assert_eq!(feed.sample("other", &source, 40_000, 40_000, &Sample::single(9.0)), None);
}

#[test]
fn clocks_that_are_fast_or_slow_delay_nothing() {
    for skew in [-200, 200] {
        let mut feed = Feed::new(alert(vec![above(Some(60))]), Settings::default(), 900);
        let mut log = Vec::new();
        for r in [1_000, 1_030, 1_060] {
            feed.sample("m", &Series::Source(None), r + skew, r, &Sample::single(2.0));
            log.extend(feed.tick(r + 10));
        }
        assert_eq!(log.len(), 2, "{skew} {log:?}");
        assert_eq!(log[0].at(), 1_060);
    }
}

#[test]
fn what_comes_in_both_dialects_is_watched_once() {
    let mut feed = Feed::new(alert(vec![above(None)]), Settings::offline(), 0);
    for series in [series(0), Series::Tags([("source".to_owned(), "S".to_owned())].into())] {
        feed.sample("m", &series, 60, 60, &Sample::single(2.0));
    }
    let log: Vec<_> = feed.tick(60).iter().map(line).collect();
    assert_eq!(log[1], "60 trigger 1.0 to [7] source=S/0=2(60..60 x1)");
}

#[test]
fn results_of_composites_are_points_with_the_width_of_their_period_and_lag() {
    let shape = Shape { kind: Kind::Composite { lag: 120 }, ..Shape::default() };
    let mut feed = Feed::new(alert(vec![Condition { shape, ..above(None) }]), Settings::default(), 0);
    feed.result(0, &Series::of_labels(&[("source".to_owned(), "s".to_owned())].into()), 600, 2.0);
    assert_eq!(feed.tick(600 + 60 + 120 + 9), []);
    let log: Vec<_> = feed.tick(600 + 60 + 120 + 10).iter().map(line).collect();
    assert_eq!(log[1], "600 trigger 1.0 to [7] s/0=2(600..600 x1)");
}

#[test]
fn what_is_on_its_way_follows_its_condition_through_an_edit() {
    let grouped = Streams::Tags(vec![Tag { name: "az".into(), grouped: true, ..Tag::default() }]);
    let group = Condition { streams: grouped, ..threshold(true, 1.0, None, Function::Sum) };
    let mut feed = Feed::new(alert(vec![above(None), group]), Settings::offline(), 0);
    feed.sample("m", &series(2), 61, 61, &Sample::single(1.0));
    feed.tick(62);
    let mut edited = feed.alert().clone();
    edited.conditions.remove(0);
    assert_eq!(feed.edit(edited, 62), []);
    feed.sample("m", &series(3), 63, 63, &Sample::single(1.0));
    assert_eq!(feed.tick(120), [], "nothing from before the edit opens it");
    let found: Vec<_> = feed.state().statuses(&feed.context(), 0).iter().map(status).collect();
    assert_eq!(found, ["az=a met since 60 x1"]);
}
