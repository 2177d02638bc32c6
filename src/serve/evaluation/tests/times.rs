//! Times that are not as they should be: imports, wrong clocks, suspended machines, stops.

use super::*;

fn both() -> Value {
    json!([{ "type": "above", "metric_name": "m", "threshold": 1 }])
}

fn absent(duration: i64) -> Value {
    json!([{ "type": "absent", "metric_name": "m", "duration": duration }])
}

/// Importing history pages nobody, nor does a clock that is far ahead, nor a correction.
#[tokio::test]
async fn late_old_and_future_values_are_counted_and_page_nobody() {
    let mut bench = Bench::new().await;
    bench.alert(&both()).await;
    bench.value("web", 0, 0.0).await;
    bench.pass(1).await;
    bench.value("web", 1, 0.0).await;
    bench.pass(19).await;
    for (t, value) in [(-901, 9.0), (-80_000, 9.0), (20 + 301, 9.0), (0, 9.0), (-1, 9.0)] {
        bench.value("web", t, value).await;
    }
    bench.pass(400).await;
    assert_eq!(bench.log(), [] as [&str; 0]);
    for (class, count) in [("in_time", "1"), ("old", "2"), ("future", "1"), ("late", "2")] {
        assert_eq!(
            bench.figure(&format!("alert_samples_total{{class=\"{class}\"}}")).await,
            count,
            "{class}"
        );
    }
}

#[tokio::test]
async fn clocks_of_senders_that_are_off_delay_nothing() {
    for skew in [-200, 200] {
        let mut bench = Bench::new().await;
        let alert = bench.alert(&both()).await;
        bench.pass(1).await;
        bench.value("web", 1 + skew, 2.0).await;
        bench.pass(11).await;
        assert_eq!(bench.status(alert).await, "triggered", "{skew}");
    }
}

/// A machine that slept, or whose clock was set forward: nobody could report.
#[tokio::test]
async fn silence_while_nobody_listened_is_no_absence() {
    for restart in [false, true] {
        let mut bench = Bench::new().await;
        let alert = bench.alert(&absent(120)).await;
        bench.pass(1).await;
        bench.value("web", 1, 1.0).await;
        bench.pass(59).await;
        if restart {
            bench.clock.pass(Duration::from_secs(7_200));
            bench.kill().await;
        } else {
            bench.clock.set(BORN + 60 + 7_200);
            bench.pass(1).await;
            assert_eq!(bench.figure("alert_clock_steps_total").await, "1");
        }
        // The rest of the 120 seconds, a grace of 60, and what everything waits for.
        bench.pass(110).await;
        assert_eq!((bench.log(), bench.status(alert).await.as_str()), (vec![], "ok"), "{restart}");
        bench.pass(40).await;
        assert_eq!(bench.status(alert).await, "triggered", "it is absent after all: {restart}");
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_nothing_happen_and_nothing_wait() {
    for restart in [false, true] {
        let mut bench = Bench::new().await;
        let alert = bench
            .alert(&json!([
                { "type": "above", "metric_name": "m", "threshold": 1 },
                { "type": "absent", "metric_name": "n", "duration": 60 },
            ]))
            .await;
        bench.pass(1).await;
        bench.value("web", 1, 0.0).await;
        let gauge = json!({ "name": "n", "value": 1, "measure_time": BORN + 1 });
        bench.good("POST", "/v1/metrics", &json!({ "gauges": [gauge] })).await;
        bench.pass(39).await;
        bench.clock.set(BORN - 3_600);
        if restart {
            bench.kill().await;
        }
        bench.pass(1).await;
        assert_eq!(bench.log(), [] as [&str; 0]);
        bench.value("web", -3_599, 2.0).await;
        bench.pass(15).await;
        assert_eq!(bench.status(alert).await, "ok", "the other one is not absent yet: {restart}");
        if !restart {
            bench.pass(20).await;
            assert_eq!(bench.status(alert).await, "triggered");
        }
    }
}

/// A stop writes down how far it came, so that a start goes on from there.
#[tokio::test]
async fn a_short_stop_changes_nothing() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&absent(60)).await;
    bench.pass(1).await;
    bench.value("web", 1, 1.0).await;
    bench.pass(29).await;
    bench.engine().close().await;
    bench.clock.pass(Duration::from_secs(3));
    bench.kill().await;
    bench.pass(61 + 11 - 33 - 1).await;
    assert_eq!(bench.status(alert).await, "ok");
    bench.pass(1).await;
    assert_eq!(bench.log(), ["61 opened 1", "61 trigger 1.0 web/0=1(1..1 x0)"]);
}
