//! Edits, ends and clears.

use proptest::prelude::*;

use super::laws::{any_alert, any_readings, cases};
use super::*;

/// An alert of one stream that has been violating for two minutes when it is triggered, at 180.
fn triggered() -> Desk {
    let mut desk = Desk::new(alert(vec![Condition { id: Some(5), ..above(Some(120)) }]));
    desk.put_all(0, "s", &[(60, 2.0), (120, 2.0), (180, 2.0)]);
    assert_eq!(desk.to(190).len(), 2);
    desk
}

#[test]
fn names_services_and_re_arm_leave_states_and_keys() {
    let mut desk = triggered();
    let log = desk.edit(200, |alert| {
        alert.name = "b".into();
        alert.services = vec![9];
        alert.rearm = 60;
    });
    assert_eq!(log, [""; 0]);
    assert_eq!(desk.to(500), [""; 0], "what was told is not told again");
    desk.put(0, "s", 540, 3.0);
    assert_eq!(desk.to(540), ["540 again 1.1 to [9] s/0=3(60..540 x4)"]);
}

#[test]
fn conditions_are_known_by_id_by_content_or_by_what_they_watch() {
    for change in [
        |condition: &mut Condition| condition.id = None,
        |condition: &mut Condition| condition.id = Some(77),
        |_: &mut Condition| {},
    ] {
        let mut desk = triggered();
        assert_eq!(desk.edit(200, |alert| change(&mut alert.conditions[0])), [""; 0]);
        assert_eq!(desk.states(0), ["s met since 60 x3"]);
    }
    // Their order is of no matter.
    let mut desk = Desk::new(alert(vec![above(None), absent(60)]));
    desk.put(0, "s", 60, 2.0);
    desk.to(60);
    desk.edit(70, |alert| alert.conditions.reverse());
    assert_eq!((desk.states(0).len(), desk.states(1)), (0, vec!["s met since 60 x1".to_owned()]));
    // Without an id, a changed threshold is known by metric, streams and type.
    let mut desk = triggered();
    let higher = threshold(true, 1.5, Some(120), Function::Average);
    assert_eq!(desk.edit(200, |alert| alert.conditions[0] = higher), [""; 0]);
    assert_eq!(desk.states(0), ["s held until 800"]);
}

#[test]
fn what_is_met_is_held_until_its_next_reading_decides() {
    let raise = |desk: &mut Desk, to: f64| {
        desk.edit(200, |alert| {
            alert.conditions[0].test = threshold(true, to, Some(120), Function::Average).test;
        })
    };
    let mut desk = triggered();
    assert_eq!(raise(&mut desk, 1.5), [""; 0]);
    desk.put(0, "s", 190, 0.0);
    assert_eq!(desk.to(239), [""; 0], "nothing from before the edit decides");
    desk.put(0, "s", 240, 2.0);
    assert_eq!(desk.to(240), [""; 0]);
    assert_eq!(desk.states(0), ["s met since 240 x1"], "without waiting anew");

    let mut desk = triggered();
    raise(&mut desk, 10.0);
    desk.put(0, "s", 240, 2.0);
    assert_eq!(desk.to(240), ["240 closed 1 Normal", "240 clear 1.1 to [7] Normal"], "one clear");

    let mut desk = triggered();
    raise(&mut desk, 1.5);
    assert_eq!(desk.to(799), [""; 0]);
    assert_eq!(desk.to(800), ["800 closed 1 Normal", "800 clear 1.1 to [7] Normal"], "nothing has decided");

    let mut desk = Desk::new(alert(vec![above(Some(120))]));
    desk.put(0, "s", 60, 2.0);
    desk.to(100);
    raise(&mut desk, 1.5);
    assert_eq!(desk.states(0), [""; 0], "what was pending begins anew");
}

#[test]
fn an_edit_of_the_duration_of_silence_keeps_what_was_seen() {
    let shorter = |desk: &mut Desk, duration| {
        desk.edit(400, |alert| alert.conditions[0].test = Test::Absent { duration })
    };
    let new = || {
        let mut desk = Desk::new(alert(vec![absent(300)]));
        desk.put(0, "s", 60, 2.0);
        desk
    };
    // Met, and met by the new one.
    let mut desk = new();
    assert_eq!(desk.to(400).len(), 2);
    assert_eq!(shorter(&mut desk, 200), [""; 0]);
    assert_eq!(desk.states(0), ["s met since 360 x0"]);
    // Met, and held until the new deadline.
    let mut desk = new();
    desk.to(400);
    shorter(&mut desk, 600);
    assert_eq!(desk.states(0), ["s held until 660"]);
    assert_eq!(desk.to(900), [""; 0]);
    assert_eq!(desk.states(0), ["s met since 660 x0"]);
    // Not met, and by the new one already absent: a minute later, so that it is not the edit that opens it.
    let mut desk = new();
    desk.put(0, "s", 350, 2.0);
    desk.to(400);
    shorter(&mut desk, 60);
    assert_eq!(desk.to(459), [""; 0]);
    assert_eq!(desk.to(460)[0], "460 opened 1");
}

#[test]
fn other_streams_or_another_type_begin_empty() {
    let changes: [fn(&mut Condition); 4] = [
        |condition| condition.metric = "other".into(),
        |condition| condition.streams = Streams::Source("s*".into()),
        |condition| condition.streams = Streams::Tags(vec![Tag { name: "t".into(), ..Tag::default() }]),
        |condition| condition.test = threshold(false, 5.0, None, Function::Average).test,
    ];
    for change in changes {
        let mut desk = triggered();
        let log = desk.edit(200, |alert| change(&mut alert.conditions[0]));
        assert_eq!(log, ["200 closed 1 Normal", "200 clear 1.1 to [7] Normal"]);
        assert_eq!(desk.states(0), [""; 0]);
    }
    let mut desk = triggered();
    let log = desk.edit(200, |alert| alert.conditions.push(absent(60)));
    assert_eq!(log.len(), 2, "an added condition begins empty: {log:?}");
}

#[test]
fn what_fires_without_a_condition_opens_with_the_next_applied_reading() {
    let mut desk = Desk::new(alert(vec![above(None), threshold(false, 0.0, None, Function::Min)]));
    desk.put(0, "s", 60, 2.0);
    desk.to(100);
    assert_eq!(desk.edit(100, |alert| alert.conditions.truncate(1)), [""; 0]);
    desk.put(0, "t", 90, 0.0);
    assert_eq!(desk.to(119), [""; 0]);
    desk.put(0, "t", 120, 0.0);
    assert_eq!(desk.to(120), ["120 opened 1", "120 trigger 1.0 to [7] s/0=2(60..60 x1)"]);
    // What is absent sends no reading; a minute of silence counts as one.
    let mut desk = Desk::new(alert(vec![absent(60), above(None)]));
    desk.put(0, "s", 10, 2.0);
    desk.to(100);
    desk.edit(100, |alert| alert.conditions.truncate(1));
    assert_eq!(desk.to(159), [""; 0]);
    assert_eq!(desk.to(160)[0], "160 opened 1");
}

#[test]
fn switched_off_or_without_conditions_everything_ends() {
    for change in [(|alert| alert.active = false) as fn(&mut Alert), |alert| alert.conditions.clear()] {
        let mut desk = triggered();
        assert_eq!(desk.edit(200, change), ["200 closed 1 Manual", "200 clear 1.1 to [7] Manual"]);
        assert_eq!(desk.states(0), [""; 0]);
        desk.put(0, "s", 240, 2.0);
        assert_eq!(desk.to(300), [""; 0]);
        desk.edit(400, |alert| *alert = triggered().alert);
        desk.put_all(0, "s", &[(390, 2.0), (420, 2.0), (480, 2.0), (540, 2.0)]);
        assert_eq!(desk.to(539), [""; 0], "it begins like one that is made");
        assert_eq!(desk.to(540), ["540 opened 2", "540 trigger 2.0 to [7] s/0=2(420..540 x3)"]);
    }
    let mut desk = triggered();
    let log: Vec<_> = desk.state.end(&desk.alert, 200).iter().map(line).collect();
    assert_eq!(log, ["200 closed 1 Manual", "200 clear 1.1 to [7] Manual"]);
}

#[test]
fn an_incident_keeps_its_scope_while_it_is_open() {
    let mut desk = triggered();
    assert_eq!(desk.edit(200, |alert| alert.per_signal = true), [""; 0]);
    desk.put_all(0, "s", &[(240, 2.0), (300, 0.0)]);
    desk.put_all(0, "t", &[(240, 2.0), (400, 2.0), (500, 0.0)]);
    assert_eq!(desk.to(300), ["300 closed 1 Normal", "300 clear 1.1 to [7] Normal"]);
    assert_eq!(desk.to(400)[0], "400 opened 2 t");
    assert_eq!(desk.edit(410, |alert| alert.per_signal = false), [""; 0]);
    assert_eq!(desk.to(500)[0], "500 closed 2 t Normal");
}

#[test]
fn a_clear_ends_what_is_open_and_the_next_violating_reading_opens_anew() {
    let mut desk = triggered();
    assert_eq!(desk.clear(200), ["200 closed 1 Manual", "200 clear 1.1 to [7] Manual"]);
    assert_eq!(desk.clear(200), [""; 0], "nothing is open");
    assert_eq!(desk.states(0), ["s pending since 60 x3"]);
    desk.put_all(0, "s", &[(200, 2.0), (240, 2.0)]);
    assert_eq!(desk.to(200), [""; 0]);
    assert_eq!(desk.to(240), ["240 opened 2 silent"], "without waiting for the duration");
}

#[test]
fn a_clear_holds_for_what_the_frontier_has_not_come_to() {
    let mut desk = Desk::new(alert(vec![above(None), absent(60)]));
    desk.put_all(0, "s", &[(195, 2.0)]);
    desk.put_all(1, "s", &[(140, 2.0), (900, 2.0)]);
    desk.to(190);
    desk.clear(220);
    assert_eq!(desk.to(300), [""; 0], "both were before the clear");
    assert_eq!((desk.states(0), desk.states(1)), (vec!["s pending since 195 x1".to_owned()], vec![]));
    desk.put(0, "s", 930, 2.0);
    assert_eq!(desk.to(960)[0], "960 opened 1");
}

#[test]
fn a_clear_dismisses_what_is_absent() {
    let mut desk = Desk::new(alert(vec![absent(60)]));
    desk.put_all(0, "s", &[(60, 2.0), (1_000, 2.0)]);
    desk.put_all(0, "t", &[(150, 2.0)]);
    assert_eq!(desk.to(160).len(), 2);
    assert_eq!(desk.clear(170).len(), 2);
    assert_eq!(desk.states(0), ["t seen, absent at 210"], "who is not absent is still watched");
    assert_eq!(desk.to(999), ["210 opened 2 silent", "720 trigger 2.0 to [7] t/0=2(150..150 x0)"]);
    desk.to(1_000);
    assert_eq!(desk.states(0), ["s seen, absent at 1060", "t met since 210 x0"]);
}

#[test]
fn ten_days_without_a_reading_make_absent_streams_unseen() {
    let mut desk = Desk::new(Alert { per_signal: true, ..alert(vec![absent(60)]) });
    desk.put(0, "s", 60, 1.0);
    desk.put(0, "t", 86_400, 1.0);
    let log = desk.to(120 + 10 * 86_400);
    let end = &log[log.len() - 2..];
    assert_eq!(end, ["864120 closed 1 s Auto", "864120 clear 1.17 s to [7] Auto"]);
    assert_eq!(desk.states(0), ["t met since 86460 x0"]);
}

#[test]
fn a_state_of_another_version_or_of_another_alert_is_refused() {
    let desk = triggered();
    let ctx = Context { alert: &desk.alert, settings: &desk.settings, silences: &[] };
    let pages = serde_json::to_string(&desk.state.pages(&desk.alert, 100)).unwrap();
    let read = |text: &str, ctx: &Context<'_>| {
        AlertState::from_pages(ctx, serde_json::from_str(text).unwrap()).map(|_| ()).unwrap_err()
    };
    assert_eq!(read(&pages.replace("\"version\":1", "\"version\":9"), &ctx), Unreadable::Version(9));
    assert_eq!(read("[]", &ctx), Unreadable::Incomplete);
    let other = alert(vec![]);
    assert_eq!(read(&pages, &Context { alert: &other, ..ctx }), Unreadable::Conditions(1, 0));
    assert!(pages.len() < 600, "{pages}");
}

fn stored(desk: &Desk) -> String {
    serde_json::to_string(&desk.state.pages(&desk.alert, 10)).unwrap()
}

proptest! {
    #![proptest_config(cases(100))]

    /// No edit opens an incident, by itself or before something new is applied; one that changes nothing changes nothing.
    #[test]
    fn no_edit_opens_an_incident(
        alert in any_alert(),
        edits in proptest::collection::vec((20_i64..800, any_alert()), 1..4),
        readings in any_readings(),
    ) {
        let mut edits = edits;
        edits.sort_by_key(|(at, _)| *at);
        let mut desk = Desk::new(alert);
        for (at, edited) in edits {
            let here = readings.iter().filter(|r| desk.state.through() < r.u && r.u <= at);
            desk.waiting.extend(here.cloned());
            desk.to(at);
            let pages = stored(&desk);
            prop_assert_eq!(desk.edit(at, |_| {}), [""; 0]);
            prop_assert_eq!(stored(&desk), pages);
            let log = desk.edit(at, |alert| *alert = edited);
            prop_assert!(log.iter().all(|line| line.contains(" closed ") || line.contains(" clear ")), "{log:?}");
            let log = desk.to(at + 19);
            // A stream may just fall silent then, edit or not.
            let absent = desk.alert.conditions.iter().any(Condition::is_absent);
            prop_assert!(absent || !log.iter().any(|line| line.contains(" opened ")), "{log:?}");
        }
    }

    /// Where streams keep reporting, any edits end as an alert would that is made with the last one.
    #[test]
    fn edits_end_as_a_new_alert_would(
        alert in any_alert(),
        edits in proptest::collection::vec((20_i64..800, any_alert()), 1..4),
        values in proptest::collection::vec(prop_oneof![3 => Just(2.0), 1 => Just(0.0)], 400),
    ) {
        let mut edits = edits;
        edits.sort_by_key(|(at, _)| *at);
        let readings: Vec<Reading> = values.iter().enumerate().map(|(at, value)| {
            let t = 30 * (1 + i64::try_from(at / 4).unwrap());
            let stream = if at % 4 < 2 { "s" } else { "t" };
            Reading { u: t, t, condition: at % 2, stream: stream.into(), value: Some(*value) }
        }).collect();
        let feed = |desk: &mut Desk, to: i64| {
            let from = desk.state.through();
            let here = readings.iter().filter(|r| from < r.u && r.u <= to && r.condition < desk.alert.conditions.len());
            desk.waiting.extend(here.cloned());
            desk.to(to);
        };
        let mut desk = Desk::new(alert);
        let mut last = 0;
        for (at, edited) in edits {
            feed(&mut desk, at);
            desk.edit(at, |alert| *alert = edited);
            last = at;
        }
        let mut fresh = Desk { state: AlertState::new(&desk.alert, last), ..Desk::new(desk.alert.clone()) };
        feed(&mut desk, last + 700);
        feed(&mut fresh, last + 700);
        for place in 0..desk.alert.conditions.len() {
            let met = |desk: &Desk| -> Vec<String> {
                let states = desk.states(place).into_iter().filter(|state| !state.contains("pending"));
                states.map(|state| state.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
            };
            // A run that was met before an edit need not wait again, but one that is new must have met it by now.
            prop_assert_eq!(met(&desk), met(&fresh));
        }
        prop_assert_eq!(desk.state.is_triggered(), fresh.state.is_triggered());
    }
}
