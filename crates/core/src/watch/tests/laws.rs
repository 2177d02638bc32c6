//! Laws over generated alerts and readings: the machine against the model, restarts, outages, edits, notifications.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::model::{Model, Script};
use super::*;

/// So many cases where `PROPTEST_CASES` asks for no other number, and in proportion where it does.
pub(super) fn cases(number: u32) -> ProptestConfig {
    let usual = ProptestConfig::default();
    ProptestConfig { cases: (usual.cases * number / 256).max(1), failure_persistence: None, ..usual }
}

/// Readings are generated up to this second.
const UNTIL: i64 = 900;

fn any_condition() -> impl Strategy<Value = Condition> {
    let duration = || prop_oneof![Just(None), Just(Some(60)), Just(Some(120))];
    prop_oneof![
        3 => duration().prop_map(above),
        1 => duration().prop_map(|duration| threshold(false, 1.0, duration, Function::Average)),
        2 => prop_oneof![Just(60), Just(150)].prop_map(absent),
    ]
}

pub(super) fn any_alert() -> impl Strategy<Value = Alert> {
    let rearm = prop_oneof![Just(0), Just(60), Just(180), Just(600)];
    (proptest::collection::vec(any_condition(), 1..3), rearm, any::<bool>())
        .prop_map(|(conditions, rearm, per_signal)| Alert { rearm, per_signal, ..alert(conditions) })
}

/// The readings of one stream: seconds since the one before, seconds late, the value.
type Steps = Vec<(i64, i64, Option<f64>)>;

fn any_steps() -> impl Strategy<Value = Steps> {
    let step = prop_oneof![Just(10), Just(20), Just(60), Just(60), Just(200)];
    let late = prop_oneof![5 => Just(0), 1 => Just(45)];
    let value = prop_oneof![
        3 => Just(Some(2.0)),
        2 => Just(Some(0.0)),
        1 => Just(Some(1.0)),
        1 => Just(None),
    ];
    proptest::collection::vec((step, late, value), 0..12)
}

/// Three streams for each of two conditions.
pub(super) fn any_readings() -> impl Strategy<Value = Vec<Reading>> {
    proptest::collection::vec(any_steps(), 6).prop_map(|streams| {
        let mut readings = Vec::new();
        for (at, steps) in streams.iter().enumerate() {
            let stream: Stream = ["s", "t", "u"][at % 3].into();
            let (mut t, mut u) = (i64::try_from(at).unwrap(), 0);
            for (step, late, value) in steps {
                t += step;
                u = u.max(t + late);
                if u <= UNTIL {
                    readings.push(Reading { u, t, condition: at / 3, stream: stream.clone(), value: *value });
                }
            }
        }
        readings
    })
}

fn any_silences() -> impl Strategy<Value = Vec<Silence>> {
    let stream = prop_oneof![Just("*"), Just("s"), Just("t")];
    let one = (stream, 0..UNTIL, 1_i64..400).prop_map(|(stream, starts, length)| Silence {
        alert: "*".into(),
        stream: stream.into(),
        starts,
        ends: starts + length,
    });
    proptest::collection::vec(one, 0..3)
}

fn of_alert(alert: &Alert, mut readings: Vec<Reading>) -> Vec<Reading> {
    readings.retain(|reading| reading.condition < alert.conditions.len());
    // Only differences may be missing.
    for reading in readings.iter_mut().filter(|reading| alert.conditions[reading.condition].is_absent()) {
        reading.value = reading.value.or(Some(0.0));
    }
    readings
}

/// The machine over the same script, in steps of the given lengths, restarting where it is told to.
fn run(desk: &mut Desk, readings: &[Reading], script: &Script, steps: &[i64], restarts: bool) -> Vec<String> {
    desk.silences.clone_from(&script.silences);
    let mut log = Vec::new();
    let mut stops: BTreeSet<i64> = script.clears.iter().copied().collect();
    stops.extend(script.outages.iter().map(|outage| outage.from));
    stops.insert(script.until);
    let mut at = 0;
    for step in steps.iter().cycle() {
        if at >= script.until {
            break;
        }
        let next = stops.range(at + 1..).next().copied().unwrap_or(script.until);
        let to = next.min(at + step);
        let (from, until) = (at, to);
        let here = readings.iter().filter(|reading| from < reading.u && reading.u <= until).cloned();
        desk.waiting.extend(here);
        log.extend(desk.to(to));
        for outage in script.outages.iter().filter(|outage| outage.from == to) {
            desk.outage(outage.from, outage.to);
        }
        if script.clears.contains(&to) {
            log.extend(desk.clear(to));
        }
        if restarts {
            let stored: Vec<_> = readings.iter().filter(|reading| reading.u <= to).cloned().collect();
            desk.restart(&stored);
        }
        at = to;
    }
    log
}

fn clears() -> impl Strategy<Value = Vec<i64>> {
    proptest::collection::vec(1..UNTIL, 0..3)
}

/// Stretches in which nothing is received.
fn outages() -> impl Strategy<Value = Vec<Outage>> {
    proptest::option::weighted(0.4, (100_i64..600, 60_i64..400)).prop_map(|found| {
        found.map(|(from, length)| Outage { from, to: from + length }).into_iter().collect()
    })
}

fn heard(readings: Vec<Reading>, outages: &[Outage]) -> Vec<Reading> {
    let is_heard = |reading: &Reading| !outages.iter().any(|o| o.from <= reading.u && reading.u < o.to);
    readings.into_iter().filter(is_heard).collect()
}

proptest! {
    #![proptest_config(cases(60))]

    /// The machine is the model, however time is cut, and through any number of restarts.
    #[test]
    fn the_machine_is_the_model(
        alert in any_alert(),
        readings in any_readings(),
        clears in clears(),
        outages in outages(),
        silences in any_silences(),
        gather in prop_oneof![2 => Just(0_i64), 1 => Just(30)],
        steps in proptest::collection::vec(prop_oneof![Just(1_i64), Just(7), Just(60), Just(400)], 1..8),
    ) {
        let readings = heard(of_alert(&alert, readings), &outages);
        let script = Script { clears, outages, silences, until: UNTIL + 900 };
        let settings = Settings { gather, ..Settings::offline() };
        let (expected, _) = Model::run(&alert, settings, &readings, &script);
        for restarts in [false, true] {
            let mut desk = Desk { settings, ..Desk::new(alert.clone()) };
            let found = run(&mut desk, &readings, &script, &steps, restarts);
            prop_assert_eq!(&found, &expected, "restarts: {}", restarts);
            let mut again = Desk { settings, ..Desk::new(alert.clone()) };
            prop_assert_eq!(&run(&mut again, &readings, &script, &[1_000], false), &expected);
        }
    }

    /// Each notice has the next number of its incident; clears come last, and only after a trigger that was sent; triggers keep
    /// re-arm unless a silence ends; nothing that is silenced is sent.
    #[test]
    fn notices_are_in_order_and_keep_re_arm(
        alert in any_alert(),
        readings in any_readings(),
        clears in clears(),
        silences in any_silences(),
    ) {
        let script = Script { clears, silences, until: UNTIL + 900, ..Script::default() };
        let mut desk = Desk::new(alert.clone());
        desk.silences.clone_from(&script.silences);
        let mut waiting = of_alert(&alert, readings);
        let mut transitions = Vec::new();
        for second in 1..=script.until {
            let ctx = Context { alert: &desk.alert, settings: &desk.settings, silences: &desk.silences };
            transitions.extend(desk.state.advance(&ctx, second, &mut waiting));
            if script.clears.contains(&second) {
                transitions.extend(desk.state.clear(second));
            }
        }
        prop_assert!(transitions.is_sorted_by_key(Transition::at));
        let mut seqs: BTreeMap<u64, u32> = BTreeMap::new();
        let mut told: BTreeMap<u64, bool> = BTreeMap::new();
        let mut last: BTreeMap<Option<Stream>, i64> = BTreeMap::new();
        for transition in &transitions {
            match transition {
                Transition::Opened { incident, .. } => {
                    prop_assert!(told.insert(*incident, false).is_none(), "a number is used twice");
                }
                Transition::Closed { incident, notified, .. } => {
                    prop_assert_eq!(told.get(incident), Some(notified));
                }
                Transition::Notice(notice) => {
                    let seq = seqs.entry(notice.incident).or_default();
                    prop_assert_eq!(*seq, notice.seq);
                    *seq += 1;
                    match &notice.message {
                        Message::Clear(_) => {
                            prop_assert_eq!(told.insert(notice.incident, false), Some(true));
                            prop_assert_eq!(&notice.services, &alert.services);
                        }
                        Message::Trigger { silenced: true, .. } => {}
                        Message::Trigger { violations, .. } => {
                            prop_assert!(!violations.is_empty());
                            let covered = |v: &Violation| {
                                script.silences.iter().any(|s| s.covers("a", &v.stream, notice.at + alert.delay(&desk.settings)))
                            };
                            prop_assert!(!violations.iter().any(covered));
                            let ends = script.silences.iter().any(|s| s.ends == notice.at);
                            if let Some(last) = last.insert(notice.stream.clone(), notice.at) {
                                prop_assert!(ends || notice.at - last >= alert.rearm(), "{transitions:?}");
                            }
                            told.insert(notice.incident, true);
                        }
                    }
                }
            }
        }
    }

    /// A higher threshold or a further condition never makes an alert fire when it would not.
    #[test]
    fn asking_for_more_never_fires_more(
        duration in prop_oneof![Just(None), Just(Some(60)), Just(Some(120))],
        readings in any_readings(),
        further in any_condition(),
    ) {
        let base = alert(vec![above(duration)]);
        let firing = |alert: &Alert| {
            let script = Script { until: UNTIL + 300, ..Script::default() };
            let readings = of_alert(alert, readings.clone());
            let model = Model::run(alert, Settings::offline(), &readings, &script).1;
            // What the machine says must be the same as what the model says.
            let mut desk = Desk::new(alert.clone());
            let mut waiting = readings;
            let mut found = BTreeSet::new();
            for second in 1..=script.until {
                let ctx = Context { alert: &desk.alert, settings: &desk.settings, silences: &[] };
                desk.state.advance(&ctx, second, &mut waiting);
                if desk.state.is_triggered() {
                    found.insert(second);
                }
            }
            assert_eq!(found, model);
            found
        };
        let all = firing(&base);
        let higher = alert(vec![threshold(true, 1.5, duration, Function::Average)]);
        prop_assert!(firing(&higher).is_subset(&all));
        prop_assert!(firing(&alert(vec![above(duration), further])).is_subset(&all));
    }

    /// No outage lets a stream be absent before it was listened for as long as the condition asks for, nor within its grace.
    #[test]
    fn absence_needs_time_of_listening(
        duration in prop_oneof![Just(60_i64), Just(150), Just(600)],
        readings in any_readings(),
        outages in outages(),
        settle in prop_oneof![Just(0_i64), Just(10)],
    ) {
        let alert = Alert { per_signal: true, ..alert(vec![absent(duration)]) };
        let readings = heard(of_alert(&alert, readings), &outages);
        let mut desk = Desk { settings: Settings { settle, ..Settings::offline() }, ..Desk::new(alert) };
        let mut waiting = readings.clone();
        for second in 1..=UNTIL + 2_500 {
            for outage in outages.iter().filter(|outage| outage.from - settle == second) {
                desk.outage(outage.from, outage.to);
            }
            let ctx = Context { alert: &desk.alert, settings: &desk.settings, silences: &[] };
            for transition in desk.state.advance(&ctx, second, &mut waiting) {
                let Transition::Opened { stream: Some(stream), at, .. } = transition else { continue };
                let seen = readings.iter().filter(|r| r.stream == stream && r.u <= at).map(|r| r.u).max().unwrap();
                let clock = at + settle;
                let deaf: i64 = outages.iter().map(|o| (o.to.min(clock) - o.from.max(seen)).max(0)).sum();
                prop_assert!(clock - seen - deaf >= duration, "{stream} at {at}, seen at {seen}");
                let grace = duration.min(60);
                prop_assert!(!outages.iter().any(|o| o.from < clock && seen < o.to && clock < o.to + grace));
            }
        }
    }
}
