//! When services are told: every row of the rules of notification.

use super::*;

/// Violating readings of a stream, every minute.
fn minutes(desk: &mut Desk, stream: &str, from: i64, to: i64, value: f64) {
    (from..=to).for_each(|minute| desk.put(0, stream, minute * 60, value));
}

#[test]
fn it_is_told_once_and_again_after_re_arm_while_there_is_news() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    minutes(&mut desk, "s", 1, 25, 2.0);
    assert_eq!(desk.to(659), ["60 opened 1", "60 trigger 1.0 to [7] s/0=2(60..60 x1)"]);
    assert_eq!(desk.to(660), ["660 again 1.1 to [7] s/0=2(60..660 x11)"]);
    assert_eq!(desk.to(1_260), ["1260 again 1.2 to [7] s/0=2(60..1260 x21)"]);
    // The news of 1320 to 1500 is told when re-arm has passed; after it there is none.
    assert_eq!(desk.to(100_000), ["1860 again 1.3 to [7] s/0=2(60..1500 x25)"]);
    desk.put(0, "t", 100_020, 3.0);
    assert_eq!(
        desk.to(100_020),
        ["100020 again 1.4 to [7] s/0=2(60..1500 x25) t/0=3(100020..100020 x1)"],
        "a stream that joined is in it"
    );
}

#[test]
fn what_opens_before_re_arm_is_silent_until_then() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put_all(0, "s", &[(60, 2.0), (120, 0.0), (180, 2.0), (240, 0.0), (300, 2.0)]);
    assert_eq!(desk.to(120).len(), 4);
    assert_eq!(
        desk.to(659),
        ["180 opened 2 silent", "240 closed 2 Normal unnotified", "300 opened 3 silent"],
        "what closes silent is not told of"
    );
    assert_eq!(desk.to(660), ["660 trigger 3.0 to [7] s/0=2(300..300 x1)"], "still open");
}

#[test]
fn flapping_costs_one_trigger_and_one_clear_per_re_arm() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    (1..=60).for_each(|minute| desk.put(0, "s", minute * 60, if minute % 2 == 1 { 2.0 } else { 0.0 }));
    let log = desk.to(3_600);
    let count = |word: &str| log.iter().filter(|line| line.contains(word)).count();
    assert_eq!((count(" trigger "), count(" clear "), count(" again ")), (6, 6, 0), "{log:#?}");
}

#[test]
fn re_arm_of_zero_counts_as_a_minute() {
    let mut desk = Desk::new(Alert { rearm: 0, ..alert(vec![above(None)]) });
    (0..12).for_each(|at| desk.put(0, "s", 60 + at * 10, 2.0));
    let log = desk.to(170);
    assert_eq!(log.len(), 3, "{log:?}");
    assert!(log[2].starts_with("120 again"), "{log:?}");
}

#[test]
fn what_is_only_still_absent_is_repeated_ever_more_rarely() {
    let mut desk = Desk::new(alert(vec![absent(60)]));
    desk.put(0, "s", 40, 1.0);
    let mut log = desk.to(100);
    assert_eq!(log.len(), 2);
    log = desk.to(4 * 86_400);
    let times: Vec<i64> = log.iter().map(|line| line.split(' ').next().unwrap().parse().unwrap()).collect();
    let gaps: Vec<i64> = [100].iter().chain(&times).zip(&times).map(|(a, b)| b - a).collect();
    assert_eq!(gaps, [600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400, 76_800, 86_400, 86_400]);
    assert!(log.iter().all(|line| line.contains(" again ")));
    // Another host that falls silent is news, and not kept back for a day.
    desk.put(0, "t", 4 * 86_400 + 60, 1.0);
    let log = desk.to(4 * 86_400 + 3_600);
    assert!(log[0].starts_with(&format!("{} again", 4 * 86_400 + 120)), "{log:?}");
    let next: i64 = log[1].split(' ').next().unwrap().parse().unwrap();
    assert_eq!(next, 4 * 86_400 + 120 + 600, "and the interval begins anew");
}

#[test]
fn an_interval_longer_than_a_day_stays() {
    let mut desk = Desk::new(Alert { rearm: 100_020, ..alert(vec![absent(60)]) });
    desk.put(0, "s", 40, 1.0);
    let log = desk.to(250_000);
    assert_eq!(log.len(), 4, "{log:?}");
    assert!(log[2].starts_with("100120 again") && log[3].starts_with("200140 again"), "{log:?}");
}

#[test]
fn streams_are_gathered_before_the_first_notice() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.settings.gather = 30;
    desk.put_all(0, "s", &[(60, 2.0)]);
    desk.put_all(0, "t", &[(80, 3.0)]);
    desk.put_all(0, "u", &[(90, 4.0)]);
    assert_eq!(desk.to(89), ["60 opened 1"]);
    assert_eq!(desk.to(90), ["90 trigger 1.0 to [7] s/0=2(60..60 x1) t/0=3(80..80 x1) u/0=4(90..90 x1)"]);
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.settings.gather = 30;
    desk.put_all(0, "s", &[(60, 2.0), (90, 0.0)]);
    assert_eq!(
        desk.to(200),
        ["60 opened 1", "90 closed 1 Normal unnotified"],
        "nothing if it closed meanwhile"
    );
}

#[test]
fn all_that_cross_in_one_second_are_in_one_notice_and_no_name_makes_it_flap() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put_all(0, "a", &[(60, 2.0), (120, 0.0)]);
    desk.put_all(0, "b", &[(60, 2.0), (120, 0.0)]);
    desk.put_all(0, "c", &[(60, 0.0), (120, 2.0)]);
    assert_eq!(
        desk.to(180),
        ["60 opened 1", "60 trigger 1.0 to [7] a/0=2(60..60 x1) b/0=2(60..60 x1)"],
        "one takes over from the others"
    );
}

#[test]
fn streams_that_recover_are_missing_from_the_next_notice() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    desk.put_all(0, "s", &[(60, 2.0), (120, 0.0)]);
    desk.put_all(0, "t", &[(60, 3.0), (660, 4.0)]);
    assert_eq!(desk.to(659).len(), 2);
    assert_eq!(desk.to(660), ["660 again 1.1 to [7] t/0=4(60..660 x2)"]);
}

#[test]
fn each_stream_re_arms_by_itself_where_the_alert_says_so() {
    let mut desk = Desk::new(Alert { per_signal: true, ..alert(vec![above(None), above(None)]) });
    desk.put_all(0, "s", &[(60, 2.0), (180, 0.0), (240, 2.0)]);
    desk.put_all(0, "t", &[(120, 3.0)]);
    desk.put_all(1, "t", &[(120, 4.0), (300, 0.0)]);
    assert_eq!(desk.to(119), [""; 0]);
    assert_eq!(
        desk.to(299),
        [
            "120 opened 1 s",
            "120 opened 2 t",
            "120 trigger 1.0 s to [7] s/0=2(60..60 x1)",
            "120 trigger 2.0 t to [7] t/0=3(120..120 x1) t/1=4(120..120 x1)",
            "180 closed 1 s Normal",
            "180 clear 1.1 s to [7] Normal",
            "240 opened 3 s silent",
        ]
    );
    assert_eq!(
        desk.to(300),
        ["300 closed 3 s Normal unnotified", "300 closed 2 t Normal", "300 clear 2.1 t to [7] Normal"],
        "the second condition has no stream left"
    );
}

#[test]
fn a_hundred_streams_are_listed_in_order() {
    let mut desk = Desk::new(alert(vec![above(None), threshold(true, 0.0, None, Function::Max)]));
    for at in (0..250).rev() {
        desk.put(0, &format!("s{at:03}"), 60, 2.0);
        desk.put(1, &format!("s{at:03}"), 60, 2.0);
    }
    let log = desk.to(60);
    assert!(log[1].contains(" s000/0=2(60..60 x1) s000/1=2(60..60 x1) s001/0="), "{}", log[1]);
    assert!(log[1].ends_with(" s099/1=2(60..60 x1) and 150"), "{}", log[1]);
}

#[test]
fn who_was_told_hears_of_the_end() {
    let mut desk = Desk::new(alert(vec![above(None)]));
    minutes(&mut desk, "s", 1, 22, 2.0);
    desk.put(0, "s", 1_380, 0.0);
    desk.to(100);
    desk.edit(100, |alert| alert.services = vec![8, 9]);
    let log = desk.to(1_400);
    assert!(log[0].starts_with("660 again 1.1 to [8, 9] "), "{log:?}");
    assert_eq!(log.last().unwrap(), "1380 clear 1.3 to [7, 8, 9] Normal");
    let mut nobody = Desk::new(Alert { services: vec![], ..alert(vec![above(None)]) });
    nobody.put_all(0, "s", &[(60, 2.0), (120, 0.0)]);
    assert_eq!(
        nobody.to(120),
        ["60 opened 1", "60 trigger 1.0 to [] s/0=2(60..60 x1)", "120 closed 1 Normal"]
    );
}

#[test]
fn without_conditions_or_switched_off_nothing_fires() {
    let mut desk = Desk::new(alert(vec![]));
    assert_eq!(desk.to(1_000), [""; 0]);
    let mut desk = Desk::new(Alert { active: false, ..alert(vec![above(None)]) });
    desk.put(0, "s", 60, 2.0);
    assert_eq!((desk.to(1_000).len(), desk.state.through()), (0, 1_000));
}
