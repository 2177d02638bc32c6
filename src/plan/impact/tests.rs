//! Every rule of what weakens an alert, in both directions, and the words for it.

mod laws;
mod uses;

use serde_json::{Value, json};

use super::*;
use crate::diff::{Comparison, Origins};
use crate::model::{Address, Collection, Desired, Kind, State};

const YES: Verdict = Verdict::Yes;
const NO: Verdict = Verdict::No;
const UNSURE: Verdict = Verdict::CannotTell;

fn resource(kind: Kind, fields: Value) -> Resource {
    let Value::Object(fields) = fields else { panic!("an object has fields") };
    Resource::from_fields(kind, &fields).unwrap()
}

fn address(name: &str) -> Address {
    Address::new(Collection::Alerts, name)
}

fn update(before: Value, after: Value) -> Change {
    let (before, after) = (resource(Kind::Alert, before), resource(Kind::Alert, after));
    let origins = Comparison::literal(&after, &before).origins();
    let action = Action::Update { before, after, fields: Vec::new(), renamed_from: None, origins };
    Change { address: address("slow"), kind: Kind::Alert, action }
}

fn judge(change: &Change, others: &[Change], actual: &State) -> Vec<(Verdict, String)> {
    let desired = Desired::default();
    let found = impact(change, &Touched::of(others, actual, &desired)).unwrap();
    found.effects.into_iter().map(|effect| (effect.weakens, effect.text)).collect()
}

fn between(before: Value, after: Value) -> Vec<(Verdict, String)> {
    judge(&update(before, after), &[], &State::new())
}

fn verdict(effects: &[(Verdict, String)]) -> Verdict {
    effects.iter().map(|(verdict, _)| *verdict).max().unwrap_or(NO)
}

/// One condition on `m`, with the fields laid over it.
fn on_m(fields: &Value) -> Value {
    let mut condition = json!({"type": "above", "metric_name": "m", "threshold": 5});
    for (key, value) in fields.as_object().unwrap() {
        condition[key] = value.clone();
    }
    json!({"conditions": [condition]})
}

#[test]
fn a_change_of_one_condition_says_what_it_does_and_whether_it_weakens() {
    let above = |threshold: f64| on_m(&json!({"threshold": threshold}));
    let below = |threshold: f64| on_m(&json!({"type": "below", "threshold": threshold}));
    let lasting = |duration: Value| on_m(&json!({"duration": duration}));
    let silent =
        |duration: u64| json!({"conditions": [{"type": "absent", "metric_name": "m", "duration": duration}]});
    let source = |source: &str| on_m(&json!({"source": source}));
    let tags = |values: Value| on_m(&json!({"tags": [{"name": "env", "values": values}]}));
    let of = |function: &str| on_m(&json!({"summary_function": function}));
    for (before, after, there, back) in [
        (
            above(5.0),
            above(7.5),
            (YES, "fires less often: conditions[0] (m) holds above 7.5 instead of above 5"),
            (NO, "fires more often: conditions[0] (m) holds above 5 instead of above 7.5"),
        ),
        (
            below(5.0),
            below(4.0),
            (YES, "fires less often: conditions[0] (m) holds below 4 instead of below 5"),
            (NO, "fires more often: conditions[0] (m) holds below 5 instead of below 4"),
        ),
        (
            lasting(json!(300)),
            lasting(json!(600)),
            (YES, "fires later: conditions[0] (m) must hold for 10m instead of 5m"),
            (NO, "fires sooner: conditions[0] (m) must hold for 5m instead of 10m"),
        ),
        (
            lasting(json!(0)),
            lasting(json!(300)),
            (YES, "fires later: conditions[0] (m) must hold for 5m instead of at the first value"),
            (NO, "fires sooner: conditions[0] (m) holds at the first value instead of after 5m"),
        ),
        (
            silent(300),
            silent(600),
            (YES, "fires later: conditions[0] (m) must be silent for 10m instead of 5m"),
            (NO, "fires sooner: conditions[0] (m) must be silent for 5m instead of 10m"),
        ),
        (
            source("*"),
            source("web*"),
            (YES, "covers fewer streams: conditions[0] (m) watches source web* instead of every source"),
            (NO, "covers more streams: conditions[0] (m) watches every source instead of source web*"),
        ),
        (
            source("web*"),
            source("db*"),
            (UNSURE, "covers other streams: conditions[0] (m) watches source db* instead of source web*"),
            (UNSURE, "covers other streams: conditions[0] (m) watches source web* instead of source db*"),
        ),
        (
            tags(json!(["a", "b"])),
            tags(json!(["a"])),
            (YES, "covers fewer streams: conditions[0] (m) watches tags env=a instead of tags env=a|b"),
            (NO, "covers more streams: conditions[0] (m) watches tags env=a|b instead of tags env=a"),
        ),
        (
            source("web1"),
            tags(json!(["a"])),
            (UNSURE, "covers other streams: conditions[0] (m) watches tags env=a instead of source web1"),
            (UNSURE, "covers other streams: conditions[0] (m) watches source web1 instead of tags env=a"),
        ),
        (
            of("max"),
            of("min"),
            (UNSURE, "may page differently: conditions[0] (m) takes min instead of max"),
            (UNSURE, "may page differently: conditions[0] (m) takes max instead of min"),
        ),
        (
            on_m(&json!({"summary_function": "derivative", "detect_reset": false})),
            on_m(&json!({"summary_function": "derivative", "detect_reset": true})),
            (UNSURE, "may page differently: conditions[0] (m) takes a falling counter in another way"),
            (UNSURE, "may page differently: conditions[0] (m) takes a falling counter in another way"),
        ),
        (
            above(5.0),
            below(5.0),
            (
                UNSURE,
                "may page differently: conditions[0] asks whether m is below 5; it asked whether m is above 5",
            ),
            (
                UNSURE,
                "may page differently: conditions[0] asks whether m is above 5; it asked whether m is below 5",
            ),
        ),
        (
            above(5.0),
            json!({"conditions": [{"type": "above", "metric_name": "n", "threshold": 5, "source": "web*", "duration": 60}]}),
            (
                UNSURE,
                "may page differently: conditions[0] asks whether n (source web*) is above 5 for 1m; it asked whether m is above 5",
            ),
            (
                UNSURE,
                "may page differently: conditions[0] asks whether m is above 5; it asked whether n (source web*) is above 5 for 1m",
            ),
        ),
    ] {
        let clock = |(_, text): &(Verdict, String)| !text.ends_with("its duration clock may restart");
        for (from, to, (weakens, text)) in [(&before, &after, there), (&after, &before, back)] {
            let found: Vec<_> = between(from.clone(), to.clone()).into_iter().filter(clock).collect();
            assert_eq!(found, [(weakens, text.to_owned())], "{from} to {to}");
        }
    }
}

#[test]
fn a_change_of_the_alert_says_what_it_does_and_whether_it_weakens() {
    let (one, two) = (
        on_m(&json!({}))["conditions"][0].clone(),
        json!({"type": "below", "metric_name": "n", "threshold": 1}),
    );
    for (before, after, there, back) in [
        (
            json!({"conditions": [one]}),
            json!({"conditions": [two, one]}),
            vec![(YES, "fires less often: also needs that n is below 1")],
            vec![(NO, "fires more often: no longer needs that n is below 1")],
        ),
        (
            json!({"conditions": [one]}),
            json!({"conditions": []}),
            vec![(YES, "never fires any more: it has no condition left")],
            vec![(NO, "can fire now: it had no condition, and fires when m is above 5")],
        ),
        (
            json!({}),
            json!({"rearm_seconds": 1200}),
            vec![(YES, "notifies less often: stays silent for 20m instead of 10m after a notification")],
            vec![(NO, "notifies more often: stays silent for 10m instead of 20m after a notification")],
        ),
        (
            json!({"rearm_per_signal": true}),
            json!({}),
            vec![(
                YES,
                "notifies less often: a stream that has paged silences the others until the alert re-arms",
            )],
            vec![(NO, "notifies more often: a stream that has paged no longer silences the others")],
        ),
        (
            json!({"services": ["a", "b"]}),
            json!({"services": ["b", "c"]}),
            vec![(YES, "stops notifying \"a\""), (NO, "also notifies \"c\"")],
            vec![(YES, "stops notifying \"c\""), (NO, "also notifies \"a\"")],
        ),
        (
            json!({"services": ["a"]}),
            json!({"services": []}),
            vec![(YES, "stops notifying \"a\""), (YES, "notifies nobody any more")],
            vec![(NO, "also notifies \"a\"")],
        ),
        (
            json!({"attributes": {"runbook_url": "https://x"}}),
            json!({"attributes": {}}),
            vec![(NO, "loses its runbook")],
            vec![(NO, "gains a runbook")],
        ),
        (
            json!({"attributes": {"runbook_url": "https://x"}}),
            json!({"attributes": {"runbook_url": "https://y"}}),
            vec![(NO, "points to another runbook")],
            vec![(NO, "points to another runbook")],
        ),
        (
            json!({"active": true}),
            json!({"active": false}),
            vec![(YES, "is switched off: pages nobody any more")],
            vec![(NO, "is switched on and may page at once")],
        ),
        (
            json!({"md": true}),
            json!({}),
            vec![(UNSURE, "may page differently: it no longer watches tagged measurements")],
            vec![(UNSURE, "may page differently: it watches tagged measurements now")],
        ),
        (json!({"description": "x"}), json!({"description": "y"}), vec![], vec![]),
    ] {
        for (from, to, expected) in [(&before, &after, there), (&after, &before, back)] {
            let expected: Vec<_> = expected.into_iter().map(|(v, text)| (v, text.to_owned())).collect();
            assert_eq!(between(from.clone(), to.clone()), expected, "{from} to {to}");
        }
    }
}

#[test]
fn a_changed_condition_with_a_duration_may_start_again_and_the_others_do_not() {
    let calm = json!({"type": "above", "metric_name": "n", "threshold": 1, "duration": 60});
    let with = |threshold: u64| {
        let mut alert = on_m(&json!({"threshold": threshold, "duration": 300}));
        alert["conditions"].as_array_mut().unwrap().push(calm.clone());
        alert
    };
    let clocks: Vec<_> = between(with(5), with(4)).into_iter().map(|(_, text)| text).collect();
    assert_eq!(clocks[1..], ["conditions[0] (m): its duration clock may restart".to_owned()]);
}

#[test]
fn the_order_of_conditions_and_services_means_nothing() {
    let (one, two) = (
        json!({"type": "above", "metric_name": "m", "threshold": 5}),
        json!({"type": "absent", "metric_name": "m", "duration": 60}),
    );
    let before = json!({"conditions": [one, two], "services": ["a", "b"]});
    let after = json!({"conditions": [two, one], "services": ["b", "a"]});
    assert_eq!(between(before, after), []);
}

#[test]
fn what_stays_switched_off_pages_nobody_either_way() {
    let off = |threshold: u64, active: bool| {
        let mut alert = on_m(&json!({"threshold": threshold}));
        alert["active"] = active.into();
        alert
    };
    let stays = between(off(5, false), off(9, false));
    // It may be switched on again by someone who never saw this plan.
    assert_eq!(verdict(&stays), YES);
    assert_eq!(stays[0].1, "stays switched off: nothing of this pages anybody now");
    assert_eq!(
        stays[1].1,
        "once switched on, fires less often: conditions[0] (m) holds above 9 instead of above 5"
    );
    assert_eq!(verdict(&between(off(5, true), off(4, false))), YES);
    // Switching an alert on does not excuse making it weaker on the way.
    assert_eq!(verdict(&between(off(5, false), off(9, true))), YES);
}

#[test]
fn new_removed_and_renamed_alerts_are_described() {
    let whole = json!({"services": ["ops", "boss"], "conditions": [
        {"type": "above", "metric_name": "m", "threshold": 0.5, "source": "web*", "summary_function": "max", "duration": 300},
        {"type": "absent", "metric_name": "beat", "duration": 600},
    ]});
    let of = |action: Action| {
        let change = Change { address: address("slow"), kind: Kind::Alert, action };
        judge(&change, &[], &State::new())
    };
    let create =
        |fields: Value| of(Action::Create { after: resource(Kind::Alert, fields), fields: Vec::new() });
    let delete = |fields: Value| of(Action::Delete { before: resource(Kind::Alert, fields), pruned: false });
    assert_eq!(
        create(whole.clone()),
        [(NO, "new: fires when m (max, source web*) is above 0.5 for 5m and beat is silent for 10m; notifies \"ops\" and \"boss\"".to_owned())]
    );
    assert_eq!(
        create(json!({"active": false, "conditions": []})),
        [
            (NO, "new: never fires, having no condition; notifies nobody".to_owned()),
            (NO, "is created switched off: pages nobody until it is switched on".to_owned()),
        ]
    );
    let removed = |more: Value| {
        let mut alert = on_m(&json!({}));
        alert.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        delete(alert)
    };
    for (more, expected) in [
        (json!({"services": ["ops"]}), (YES, "is removed: it fires when m is above 5; it notifies \"ops\"")),
        // What calls no one cannot call anybody less often.
        (json!({}), (NO, "is removed: it fires when m is above 5; it notifies nobody")),
        (
            json!({"services": ["ops"], "conditions": []}),
            (NO, "is removed: it never fires, having no condition; it notifies \"ops\""),
        ),
        (
            json!({"services": ["ops"], "active": false}),
            (NO, "is removed: it fires when m is above 5; it notifies \"ops\"; it was switched off"),
        ),
    ] {
        assert_eq!(removed(more), [(expected.0, expected.1.to_owned())]);
    }
    let (before, after) = (resource(Kind::Alert, whole.clone()), resource(Kind::Alert, whole));
    let (renamed_from, origins) = (Some(address("old")), Origins::default());
    let renamed = of(Action::Update { before, after, fields: Vec::new(), renamed_from, origins });
    assert_eq!(renamed, [(NO, "is renamed, and keeps its id and its state".to_owned())]);
}
