//! One condition, one stream: every row of its rules.

use super::*;

#[test]
fn without_a_duration_one_violating_reading_is_enough() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put_all(0, "s", &[(60, 1.0), (120, 2.0), (180, 3.0), (240, 1.0)]);
    assert_eq!(desk.to(60), [""; 0]);
    assert_eq!(desk.to(120), ["120 opened 1", "120 trigger 1.0 to [7] s/0=2(120..120 x1)"]);
    assert_eq!(desk.states(0), ["s met since 120 x1"]);
    assert_eq!(desk.to(239), [""; 0]);
    assert_eq!(desk.states(0), ["s met since 120 x2"]);
    assert_eq!(desk.to(240), ["240 closed 1 Normal", "240 clear 1.1 to [7] Normal"]);
    assert_eq!(desk.states(0), [""; 0]);
}

#[test]
fn with_a_duration_all_readings_of_that_time_violate() {
    let mut desk = Desk::new(alert(vec![above(Some(300))]));
    desk.put_all(0, "s", &[(0, 9.0), (60, 2.0), (120, 2.0), (180, 2.0), (240, 2.0), (300, 2.0), (360, 5.0)]);
    assert_eq!(desk.to(359), [""; 0]);
    assert_eq!(
        desk.states(0),
        ["s pending since 60 x5"],
        "what is not after the condition was made does not count"
    );
    assert_eq!(desk.to(360), ["360 opened 1", "360 trigger 1.0 to [7] s/0=5(60..360 x6)"], "the sixth");
}

#[test]
fn any_normal_reading_ends_a_run_from_pending_as_from_met() {
    let mut desk = Desk::new(alert(vec![above(Some(60))]));
    desk.put_all(0, "s", &[(60, 2.0), (90, 1.0), (120, 2.0), (150, 2.0), (180, 2.0), (210, 0.0), (240, 2.0)]);
    desk.to(89);
    assert_eq!(desk.states(0), ["s pending since 60 x1"]);
    desk.to(90);
    assert_eq!(desk.states(0), [""; 0]);
    desk.to(180);
    assert_eq!(desk.states(0), ["s met since 120 x3"]);
    desk.to(240);
    assert_eq!(desk.states(0), ["s pending since 240 x1"]);
}

#[test]
fn a_gap_neither_breaks_a_run_nor_completes_it() {
    let mut desk = Desk::new(alert(vec![above(Some(300))]));
    desk.put_all(0, "s", &[(60, 2.0), (3_660, 4.0)]);
    assert_eq!(desk.to(3_659), [""; 0]);
    assert_eq!(desk.to(3_660), ["3660 opened 1", "3660 trigger 1.0 to [7] s/0=4(60..3660 x2)"]);
}

#[test]
fn durations_are_of_the_readings_own_time() {
    let mut desk = Desk::new(alert(vec![above(Some(60))]));
    // A batch: received together, judged in its order.
    for t in [940, 970, 1_000] {
        desk.waiting.push(Reading { u: 1_000, t, condition: 0, stream: "s".into(), value: Some(2.0) });
    }
    assert_eq!(desk.to(1_000), ["1000 opened 1", "1000 trigger 1.0 to [7] s/0=2(940..1000 x3)"]);
}

#[test]
fn what_happens_within_a_batch_is_not_overlooked() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    for (t, value) in [(970, 2.0), (1_000, 0.0)] {
        desk.waiting.push(Reading { u: 1_000, t, condition: 0, stream: "s".into(), value: Some(value) });
    }
    let log = desk.to(1_000);
    assert_eq!(log.len(), 4, "{log:?}");
}

#[test]
fn met_stays_met_in_silence() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put(0, "s", 60, 2.0);
    assert_eq!(desk.to(60).len(), 2);
    assert_eq!(desk.to(60 + 10 * 86_400 - 1), [""; 0], "no further notice without a violating reading");
    assert_eq!(
        desk.to(60 + 10 * 86_400),
        ["864060 closed 1 Auto", "864060 clear 1.1 to [7] Auto"],
        "until ten days are over"
    );
    assert_eq!(desk.states(0), [""; 0]);
}

#[test]
fn a_stream_is_absent_when_its_deadline_passes_and_was_seen() {
    let mut desk = Desk::new(alert(vec![absent(300)]));
    desk.put_all(0, "s", &[(60, 5.0), (360, 6.0), (700, 7.0)]);
    assert_eq!(desk.to(59), [""; 0], "nothing is absent that was never seen");
    desk.to(60);
    assert_eq!(desk.states(0), ["s seen, absent at 360"]);
    assert_eq!(desk.to(659), [""; 0], "a reading comes before a deadline of its second");
    assert_eq!(desk.to(660), ["660 opened 1", "660 trigger 1.0 to [7] s/0=6(360..360 x0)"]);
    assert_eq!(desk.to(700), ["700 closed 1 Normal", "700 clear 1.1 to [7] Normal"]);
    assert_eq!(desk.states(0), ["s seen, absent at 1000"]);
}

#[test]
fn a_reading_without_a_value_is_seen_but_neither_violates_nor_is_normal() {
    let nothing = |t| Reading { u: t, t, condition: 0, stream: "s".into(), value: None };
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put(0, "s", 60, 2.0);
    desk.waiting.push(nothing(120));
    desk.waiting.push(Reading { value: Some(f64::NAN), ..nothing(180) });
    desk.to(180);
    assert_eq!(desk.states(0), ["s met since 60 x1"]);
    let mut desk = Desk::new(alert(vec![absent(60)]));
    desk.waiting.push(nothing(60));
    desk.to(60);
    assert_eq!(desk.states(0), ["s seen, absent at 120"]);
}

#[test]
fn conditions_are_met_apart_from_each_other() {
    let mut desk = Desk::new(alert(vec![above(None), threshold(false, 0.0, None, Function::Min)]));
    desk.put(0, "s", 60, 2.0);
    desk.put(1, "t", 120, -1.0);
    desk.put(0, "u", 180, 3.0);
    desk.put(0, "s", 240, 0.0);
    desk.put(0, "u", 300, 0.0);
    assert_eq!(desk.to(119), [""; 0]);
    assert_eq!(desk.to(120), ["120 opened 1", "120 trigger 1.0 to [7] s/0=2(60..60 x1) t/1=-1(120..120 x1)"]);
    assert_eq!(desk.to(299), [""; 0], "while another stream meets it, it is met");
    assert_eq!(desk.to(300), ["300 closed 1 Normal", "300 clear 1.1 to [7] Normal"]);
}

#[test]
fn a_deleted_metric_takes_its_streams_along() {
    let other = Condition { metric: "other".into(), ..above(None) };
    let mut desk = Desk::new(alert(vec![above(None), other]));
    desk.put(0, "s", 60, 2.0);
    desk.put(1, "s", 60, 2.0);
    desk.to(60);
    let ctx = Context { alert: &desk.alert, settings: &desk.settings, silences: &[] };
    let log: Vec<_> = desk.state.drop_metric(&ctx, "OTHER", 100).iter().map(line).collect();
    assert_eq!(log, ["100 closed 1 Auto", "100 clear 1.1 to [7] Auto"]);
    assert_eq!((desk.states(0).len(), desk.states(1).len()), (1, 0));
}

#[test]
fn outages_move_deadlines_and_leave_incidents() {
    let mut desk = Desk::new(alert(vec![absent(300)]));
    desk.put_all(0, "dead", &[(60, 1.0)]);
    desk.put_all(0, "live", &[(300, 1.0), (340, 1.0)]);
    assert_eq!(desk.to(400).len(), 2);
    desk.outage(400, 1_000);
    assert_eq!(desk.states(0), ["dead met since 360 x0", "live seen, absent at 1320"], "640, 600 and 80");
    (0..10).for_each(|at| desk.put(0, "live", 1_010 + at * 100, 1.0));
    assert_eq!(desk.to(1_599), [""; 0], "a repeat that was due meanwhile is not made up for");
    assert_eq!(desk.to(1_600), ["1600 again 1.1 to [7] dead/0=1(60..60 x0)"]);
}
