//! Looking back: what is counted, what is marked, and that rolled-up data errs only in the direction that is said.

use proptest::prelude::*;

use super::backtest::{Backtest, Incident, Totals, backtest};
use super::compare::{changed, compare};
use super::fidelity::Fidelity;
use super::history::{History, Span, Stretch};
use super::run::{Moments, Script, run};
use super::subject::{Metric, Subject, subject};
use super::sweep::{Sweep, check, most_sensitive, sweep};
use crate::model::{Alert, MetricType};
use crate::watch::{Message, Sample, Series, Transition};

/// On the hour, and late enough for a warm-up.
const START: i64 = 360_000;

fn metric() -> Metric {
    Metric { metric_type: Some(MetricType::Gauge), period: Some(60), ..Metric::default() }
}

fn alert(condition: &str) -> Subject {
    let text = format!(r#"{{"conditions": [{condition}], "services": ["hook"], "rearm_seconds": 600}}"#);
    let alert: Alert = serde_json::from_str(&text).unwrap();
    subject("web.slow", &alert, &|_: &str| metric()).unwrap()
}

fn above(threshold: f64, more: &str) -> Subject {
    alert(&format!(r#"{{"type": "above", "metric_name": "m", "threshold": {threshold}{more}}}"#))
}

/// Values from the start on, a minute apart.
fn minutes(values: &[f64]) -> Vec<(i64, f64)> {
    (0..).zip(values).map(|(minute, value)| (START + 60 * minute, *value)).collect()
}

fn history(stretches: &[(i64, i64, i64)], values: &[(i64, f64)]) -> History {
    let stretches = stretches.iter().map(|(start, end, resolution)| Stretch {
        start: *start,
        end: *end,
        resolution: *resolution,
    });
    let samples = values.iter().map(|(time, value)| (*time, Sample::single(*value))).collect();
    let series = vec![(Series::Source(Some("a".into())), samples)];
    History { metric: "m".into(), known: metric(), stretches: stretches.collect(), series }
}

fn exact(end: i64, values: &[(i64, f64)]) -> History {
    history(&[(0, end, 1)], values)
}

fn look(subject: &Subject, history: &History, end: i64) -> Backtest {
    backtest(subject, std::slice::from_ref(history), Span { start: START, end }).unwrap()
}

#[test]
fn incidents_are_counted_as_services_would_see_them() {
    let mut values = vec![1.0; 60];
    values[10..35].fill(9.0);
    values[34] = 12.0;
    values[50..].fill(7.0);
    let end = START + 60 * 60 - 1;
    let found = look(&above(5.0, ""), &exact(end, &minutes(&values)), end);
    let shown: Vec<_> = found
        .incidents
        .iter()
        .map(|one| {
            ((one.opened - START) / 60, one.closed.map(|at| (at - START) / 60), one.peak, one.notifications)
        })
        .collect();
    // Triggered, and repeated after ten and twenty minutes; the second one is still open.
    assert_eq!(shown, [(10, Some(35), Some(12.0), 3), (50, None, Some(7.0), 1)]);
    let totals = found.totals();
    assert_eq!((totals.incidents, totals.notifications, totals.clears), (2, 4, 1));
    assert_eq!((totals.longest, totals.firing), (25 * 60, 35 * 60));
    assert!((found.share().unwrap() - 35.0 / 60.0).abs() < 1e-9);
    assert!(!found.is_partly_covered() && found.blind.is_empty());
}

/// Half an hour of measurements in a week is no week: shares are of what is known.
#[test]
fn shares_are_of_the_time_that_measurements_cover() {
    let mut values = vec![1.0; 30];
    values[10..16].fill(9.0);
    let end = START + 7 * 86_400 - 1;
    let found = look(&above(5.0, ""), &exact(end, &minutes(&values)), end);
    assert_eq!((found.seconds_covered(), found.is_partly_covered()), (1_800, true));
    assert!((found.share().unwrap() - 0.2).abs() < 1e-9);
    // An incident that nothing ends is open in time that no one measured, too.
    values[25..].fill(9.0);
    let found = look(&above(5.0, ""), &exact(end, &minutes(&values)), end);
    assert!((found.share().unwrap() - 11.0 / 30.0).abs() < 1e-9);
    let nothing = look(&above(5.0, ""), &exact(end, &[]), end);
    assert_eq!((nothing.share(), nothing.is_partly_covered(), nothing.blind), (None, true, vec![0]));
}

#[test]
fn a_condition_without_any_stream_is_named_where_all_was_read() {
    let values = minutes(&[9.0; 60]);
    let end = START + 3_599;
    let typo = above(5.0, r#", "source": "b*""#);
    let found = look(&typo, &exact(end, &values), end);
    assert_eq!((found.totals().incidents, found.blind), (0, vec![0]));
    // Of what was not read no one knows.
    let found = look(&typo, &history(&[(START + 60, end, 1)], &values), end);
    assert_eq!(found.blind, [0; 0]);
}

#[test]
fn without_services_nobody_is_told() {
    let values = minutes(&[[9.0; 30], [1.0; 30]].concat());
    let end = START + 3_599;
    let mut nobody = above(5.0, "");
    nobody.services.clear();
    nobody.alert.services.clear();
    let Totals { incidents, notifications, clears, .. } = look(&nobody, &exact(end, &values), end).totals();
    assert_eq!((incidents, notifications, clears), (1, 0, 0));
}

#[test]
fn what_was_open_before_is_marked_and_what_was_over_is_left_out() {
    let mut values = minutes(&[9.0, 9.0, 1.0]);
    values.extend([(START - 1_200, 9.0), (START - 1_100, 1.0), (START - 600, 9.0)]);
    values.sort_by_key(|(time, _)| *time);
    let end = START + 3_600;
    let found = look(&above(5.0, ""), &exact(end, &values), end);
    let [one] = found.incidents.as_slice() else { panic!("{:?}", found.incidents) };
    assert!(one.before && one.opened == START - 600 && one.closed == Some(START + 120));
    // Its trigger came before; the repetition did not.
    assert_eq!((one.notifications, found.totals().firing), (1, 120));
}

#[test]
fn stretches_that_cannot_be_compared_are_left_out_and_those_that_cannot_tell_counted_apart() {
    let edge = START + 7_200;
    let end = edge + 7_199;
    let coarse = [(0, edge - 1, 900), (edge, end, 1)];
    let values = [(START + 900, 9.0), (START + 1_800, 1.0), (edge + 60, 9.0), (edge + 120, 1.0)];
    let sums = above(5.0, r#", "summary_function": "sum""#);
    let found = look(&sums, &history(&coarse, &values), end);
    assert_eq!(found.span, Some(Span { start: edge, end }));
    assert_eq!(found.totals().incidents, 1);
    assert_eq!(found.known[0].fidelity, Fidelity::Incomparable);

    let change = above(5.0, r#", "summary_function": "derivative""#);
    let values = [
        (START, 1.0),
        (START + 900, 9.0),
        (START + 1_800, 9.0),
        (edge, 9.0),
        (edge + 60, 20.0),
        (edge + 120, 20.0),
    ];
    let found = look(&change, &history(&coarse, &values), end);
    assert_eq!((found.totals().incidents, found.unsure().incidents), (1, 1));
    assert_eq!(found.span, Some(Span { start: START, end }));

    // What was not read is no silence.
    let found = look(&above(5.0, ""), &history(&[(edge, end, 1)], &values), end);
    assert_eq!(found.span, Some(Span { start: edge, end }));
    let nothing = look(&above(5.0, ""), &history(&[], &[]), end);
    assert_eq!((nothing.span, nothing.totals().incidents, nothing.share()), (None, 0, None));
}

#[test]
fn two_definitions_are_compared() {
    let mut values = vec![1.0; 60];
    values[10..12].fill(6.0);
    values[30..32].fill(9.0);
    values[50] = 7.0;
    let end = START + 60 * 60 - 1;
    let past = exact(end, &minutes(&values));
    let (low, high) = (above(5.0, ""), above(6.5, ""));
    let (before, after) = (look(&low, &past, end), look(&high, &past, end));
    let times = |these: &[&Incident]| these.iter().map(|it| (it.opened - START) / 60).collect::<Vec<_>>();
    let found = compare(&before, &after);
    assert_eq!((times(&found.new), times(&found.gone)), (vec![], vec![10]));
    let found = compare(&after, &before);
    assert_eq!((times(&found.new), times(&found.gone)), (vec![10], vec![]));
    assert_eq!(changed(&low.alert, &high.alert), ["threshold 5 → 6.5"]);
    assert_eq!(changed(&low.alert, &above(5.0, r#", "duration": 120"#).alert), ["duration none → 2m"]);
    assert_eq!(changed(&low.alert, &low.alert), [""; 0]);

    let sweeps = [Sweep::parse("conditions[0].threshold=4..10:2").unwrap()];
    check(&low, &sweeps).unwrap();
    let runs = sweep(&low, &[past], Span { start: START, end }, &sweeps).unwrap();
    let counts: Vec<_> = runs.iter().map(|run| (run.values[0], run.totals.notifications)).collect();
    assert_eq!(counts, [(4.0, 3), (6.0, 2), (8.0, 1), (10.0, 0)]);
    assert_eq!(most_sensitive(&low, &sweeps, &runs, 2).unwrap().values, [6.0]);
    assert!(check(&low, &[Sweep::parse("conditions[1].threshold=4..10:2").unwrap()]).is_err());
}

/// Samples of intervals, as a service rolls them up.
fn rolled(values: &[(i64, f64)], resolution: i64) -> History {
    let mut samples: Vec<(i64, Sample)> = Vec::new();
    for (time, value) in values {
        let start = time.div_euclid(resolution) * resolution;
        match samples.last_mut() {
            Some((last, all)) if *last == start => all.merge(&Sample::single(*value)),
            _ => samples.push((start, Sample::single(*value))),
        }
    }
    let end = values.last().map_or(START, |(time, _)| *time);
    let mut history = history(&[(0, end + 86_400, resolution)], &[]);
    history.series[0].1 = samples;
    history
}

/// Whether each of these has one of the others near it.
fn covered(these: &[Incident], others: &[Incident], slack: i64) -> bool {
    let end = |one: &Incident| one.closed.unwrap_or(i64::MAX / 2);
    these
        .iter()
        .all(|one| others.iter().any(|it| it.opened <= end(one) + slack && end(it) + slack >= one.opened))
}

prop_compose! {
    /// Values between 0 and 10, from 5 to 70 seconds apart.
    fn past()(steps in prop::collection::vec((5_i64..70, 0_u8..=10, 1_usize..8), 1..60)) -> Vec<(i64, f64)> {
        let mut time = START;
        let mut values = Vec::new();
        for (step, value, times) in steps {
            for _ in 0..times {
                time += step;
                values.push((time, f64::from(value)));
            }
        }
        values
    }
}

fn condition() -> impl Strategy<Value = String> {
    let function = prop::sample::select(vec!["min", "max", "average"]);
    let duration = prop::option::of(prop::sample::select(vec![60_i64, 120, 150, 180, 300]));
    (any::<bool>(), function, duration, 1_u8..10).prop_map(|(above, function, duration, threshold)| {
        let word = if above { "above" } else { "below" };
        let lasting = duration.map_or(String::new(), |it| format!(r#", "duration": {it}"#));
        format!(
            r#"{{"type": "{word}", "metric_name": "m", "threshold": {threshold}, "summary_function": "{function}"{lasting}}}"#
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// However far the machine is driven at once, a look back finds what it does second by second.
    #[test]
    fn a_look_back_is_the_machine_itself(values in past(), condition in condition()) {
        let subject = alert(&condition);
        let end = values.last().unwrap().0 + 100;
        let history = exact(end, &values);
        let found = look(&subject, &history, end);
        let given: Vec<_> = history.given(0, end).collect();
        let script = Script { start: START, until: end, ..Script::default() };
        let outcome = run(&subject, &given, &script, &Moments::new(), false).unwrap();
        let opened = outcome.transitions.iter().filter(|it| matches!(it, Transition::Opened { .. }));
        let opened: Vec<i64> = opened.map(Transition::at).collect();
        prop_assert_eq!(found.incidents.iter().map(|one| one.opened).collect::<Vec<_>>(), opened);
        let triggers = outcome.transitions.iter().filter(|it| {
            matches!(it, Transition::Notice(notice) if matches!(notice.message, Message::Trigger { .. }))
        });
        prop_assert_eq!(found.totals().notifications, triggers.count());
    }

    /// Rolled-up data errs only in the direction that is said.
    #[test]
    fn what_is_rolled_up_errs_as_it_is_said(values in past(), condition in condition(), coarse in prop::sample::select(vec![60_i64, 900])) {
        let subject = alert(&condition);
        let end = values.last().unwrap().0 + 1;
        let raw = look(&subject, &exact(end, &values), end);
        let found = look(&subject, &rolled(&values, coarse), end);
        let (fewer, more) = (
            covered(&raw.incidents, &found.incidents, coarse),
            covered(&found.incidents, &raw.incidents, coarse),
        );
        match found.known[0].fidelity {
            Fidelity::Shifted => prop_assert!(fewer && more, "{:?} {:?}", raw.incidents, found.incidents),
            Fidelity::More => prop_assert!(fewer, "{:?} {:?}", raw.incidents, found.incidents),
            Fidelity::Less => prop_assert!(more, "{:?} {:?}", raw.incidents, found.incidents),
            Fidelity::Unknown => prop_assert!(found.incidents.iter().all(|one| !one.sure)),
            _ => {}
        }
    }

    /// Silence is found where it lasts an interval longer than is asked for, and nowhere it lasts an interval less.
    #[test]
    fn silence_is_found_to_an_interval(gaps in prop::collection::vec(5_i64..600, 1..20), duration in prop::sample::select(vec![120_i64, 180, 240])) {
        let times = gaps.iter().scan(START, |time, gap| { *time += gap; Some((*time, 1.0)) });
        let values: Vec<(i64, f64)> = std::iter::once((START, 1.0)).chain(times).collect();
        let end = values.last().unwrap().0;
        let subject = alert(&format!(r#"{{"type": "absent", "metric_name": "m", "duration": {duration}}}"#));
        let found = look(&subject, &rolled(&values, 60), end).incidents.len();
        let longer = |than: i64| gaps.iter().filter(|gap| **gap > than).count();
        prop_assert!(found >= longer(duration + 60) && found <= longer(duration - 60));
    }
}
