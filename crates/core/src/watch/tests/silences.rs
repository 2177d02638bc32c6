//! Silences, judged at the transition.

use super::*;

fn silence(stream: &str, starts: i64, ends: i64) -> Silence {
    Silence { alert: "*".into(), stream: stream.into(), starts, ends }
}

#[test]
fn silenced_streams_are_left_out_until_the_silence_ends() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.silences = vec![silence("s", 0, 300)];
    desk.put_all(0, "s", &[(60, 2.0)]);
    desk.put_all(0, "t", &[(60, 3.0)]);
    assert_eq!(desk.to(299), ["60 opened 1", "60 trigger 1.0 to [7] t/0=3(60..60 x1)"]);
    assert_eq!(
        desk.to(300),
        ["300 again 1.1 to [7] s/0=2(60..60 x1) t/0=3(60..60 x1)"],
        "as if re-arm had passed"
    );
}

#[test]
fn all_silenced_is_kept_not_sent_and_starts_no_re_arm() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.silences = vec![silence("*", 0, 300)];
    desk.put_all(0, "s", &[(60, 2.0), (120, 2.0), (180, 2.0)]);
    assert_eq!(desk.to(299), ["60 opened 1", "60 silenced 1.0 to [7] s/0=2(60..60 x1)"], "once");
    assert_eq!(desk.to(300), ["300 trigger 1.1 to [7] s/0=2(60..180 x3)"], "never told: at once");
}

#[test]
fn a_stream_that_is_not_silenced_is_told_of_at_once() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.silences = vec![silence("s", 0, 900)];
    desk.put_all(0, "s", &[(60, 2.0), (120, 2.0)]);
    desk.put_all(0, "t", &[(150, 3.0)]);
    assert_eq!(
        desk.to(200),
        [
            "60 opened 1",
            "60 silenced 1.0 to [7] s/0=2(60..60 x1)",
            "150 trigger 1.1 to [7] t/0=3(150..150 x1)"
        ]
    );
}

#[test]
fn a_clear_is_sent_where_a_trigger_was_and_only_there() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.silences = vec![silence("*", 100, 1_000)];
    desk.put_all(0, "s", &[(60, 2.0), (120, 0.0), (700, 2.0), (760, 0.0)]);
    assert_eq!(
        desk.to(1_000),
        [
            "60 opened 1",
            "60 trigger 1.0 to [7] s/0=2(60..60 x1)",
            "120 closed 1 Normal",
            "120 clear 1.1 to [7] Normal",
            "700 opened 2",
            "700 silenced 2.0 to [7] s/0=2(700..700 x1)",
            "760 closed 2 Normal unnotified",
        ]
    );
}

#[test]
fn repeats_stop_under_a_silence_and_come_at_its_end() {
    let mut desk = Desk::new(Alert { rearm: 60, ..alert(vec![above(None)]) });
    desk.silences = vec![silence("*", 100, 400)];
    (1..=10).for_each(|minute| desk.put(0, "s", minute * 60, 2.0));
    let log = desk.to(460);
    assert_eq!(
        log,
        [
            "60 opened 1",
            "60 trigger 1.0 to [7] s/0=2(60..60 x1)",
            "400 again 1.1 to [7] s/0=2(60..360 x6)",
            "460 again 1.2 to [7] s/0=2(60..420 x7)",
        ]
    );
}

#[test]
fn a_silence_over_others_or_that_overlaps_releases_nothing() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    let other = Silence { alert: "b*".into(), ..silence("*", 0, 200) };
    desk.silences = vec![silence("*", 0, 300), other, silence("t", 0, 250), silence("s*", 100, 400)];
    desk.put(0, "s", 60, 2.0);
    assert_eq!(desk.to(399).len(), 2);
    assert_eq!(desk.to(400), ["400 trigger 1.1 to [7] s/0=2(60..60 x1)"]);
}

#[test]
fn a_silence_is_of_the_clock_which_is_ahead_of_the_frontier() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.settings.settle = 10;
    desk.silences = vec![silence("*", 70, 310)];
    desk.put(0, "s", 60, 2.0);
    assert_eq!(desk.to(299), ["60 opened 1", "60 silenced 1.0 to [7] s/0=2(60..60 x1)"]);
    assert_eq!(
        desk.state.next_wake(&Context {
            alert: &desk.alert,
            settings: &desk.settings,
            silences: &desk.silences
        }),
        Some(300)
    );
    assert_eq!(desk.to(300), ["300 trigger 1.1 to [7] s/0=2(60..60 x1)"]);
}
