//! Times that are not as they should be: imports, wrong clocks, suspended machines, stops.

use super::*;

fn both() -> Value {
    json!([{ "type": "above", "metric_name": "m", "threshold": 1 }])
}

fn absent(duration: i64) -> Value {
    json!([{ "type": "absent", "metric_name": "m", "duration": duration }])
}

/// Importing history pages no one, nor does a clock that is far ahead, nor a correction.
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

/// A machine that slept, or whose clock was set forward: no one could report.
#[tokio::test]
async fn silence_while_nobody_listened_is_no_absence() {
    for how in ["slept", "restarted", "without the group"] {
        let mut bench = Bench::new().await;
        let alert = bench.alert(&absent(120)).await;
        bench.pass(1).await;
        bench.value("web", 1, 1.0).await;
        bench.pass(59).await;
        match how {
            "restarted" => {
                bench.clock.pass(Duration::from_secs(7_200));
                bench.kill().await;
            }
            "slept" => {
                bench.clock.set(BORN + 60 + 7_200);
                bench.pass(1).await;
                assert_eq!(bench.figure("alert_clock_steps_total").await, "1");
            }
            _ => {
                for _ in 0..7_200 / 50 {
                    bench.lose().await;
                    bench.clock.pass(Duration::from_secs(50));
                }
                bench.pass(1).await;
            }
        }
        // The rest of the 120 seconds, a grace of 60, and what everything waits for.
        bench.pass(110).await;
        assert_eq!((bench.log(), bench.status(alert).await.as_str()), (vec![], "ok"), "{how}");
        bench.pass(40).await;
        assert_eq!(bench.status(alert).await, "triggered", "it is absent after all: {how}");
    }
}

/// A database that fails over: neither could anybody report while it was gone.
#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
async fn silence_while_the_database_is_gone_is_no_absence() {
    let mut bench = Bench::new().await;
    let Some(address) = bench.address.clone() else { return };
    let alert = bench.alert(&absent(120)).await;
    bench.pass(1).await;
    bench.value("web", 1, 1.0).await;
    bench.pass(59).await;
    let (_, database) = address.rsplit_once('/').unwrap();
    let server = crate::serve::store::postgres::test_server::server().unwrap();
    let allow =
        |yes: bool| server.sql("postgres", &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS {yes}"));
    allow(false);
    let of = format!("FROM pg_stat_activity WHERE datname = '{database}'");
    server.sql("postgres", &format!("SELECT pg_terminate_backend(pid) {of}"));
    bench.clock.pass(Duration::from_secs(80));
    assert!(bench.tick().await.is_err());
    allow(true);
    // The rest of the 120 seconds, a grace of 60, and what everything waits for.
    bench.pass(110).await;
    assert_eq!((bench.log(), bench.status(alert).await.as_str()), (vec![], "ok"));
    bench.pass(40).await;
    assert_eq!(bench.status(alert).await, "triggered", "it is absent after all");
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

/// A year of history (what is older is refused) comes in, of a stream that fires and of a new one, while an incident is open and an absence runs. It is kept, and
/// nothing comes of it: not when it comes, not when it is packed, not after a restart, and not when what it seems to begin is over.
#[tokio::test]
async fn a_year_that_is_imported_while_alerts_run_pages_nobody() {
    const DAY: i64 = 86_400;
    for restart in [false, true] {
        let mut bench = Bench::new().await;
        let open = bench
            .alert(&json!([{ "type": "above", "metric_name": "m", "source": "web", "threshold": 1 }]))
            .await;
        for (name, condition) in [
            ("new", json!({ "type": "above", "metric_name": "m", "source": "db", "threshold": 1 })),
            ("held", json!({ "type": "above", "metric_name": "m", "threshold": 100, "duration": 600 })),
            ("gone", json!({ "type": "absent", "metric_name": "m", "duration": 1_200 })),
        ] {
            bench.good("POST", "/v1/alerts", &json!({ "name": name, "conditions": [condition] })).await;
        }
        bench.pass(1).await;
        bench.value("web", 1, 5.0).await;
        bench.pass(20).await;
        assert_eq!(bench.status(open).await, "triggered");
        let before = bench.log().len();

        // Every six hours, and every minute of the last one, the newest of them 920 s old.
        let times: Vec<i64> =
            (-364 * DAY..-3_600).step_by(21_600).chain((-3_600..-900).step_by(60)).collect();
        for some in times.chunks(100) {
            let gauge = |source: &str, value: f64, t: i64| json!({ "name": "m", "source": source, "value": value, "measure_time": BORN + t });
            let gauges = some.iter().flat_map(|t| [gauge("web", 0.0, *t), gauge("db", 900.0, *t)]);
            bench.good("POST", "/v1/metrics", &json!({ "gauges": Vec::from_iter(gauges) })).await;
            bench.pass(1).await;
        }
        bench.compact().await;
        if restart {
            bench.clock.pass(Duration::from_secs(2));
            bench.kill().await;
        }
        // The stream that was there goes on, so that nothing is absent that was ever heard of.
        for _ in 0..25 {
            bench.value("web", bench.store.now() - BORN, 5.0).await;
            bench.pass(60).await;
        }
        let mut news = bench.log().split_off(before);
        news.retain(|line| !line.contains(" again "));
        assert_eq!(news, [""; 0], "restart: {restart}");
        assert_eq!(bench.status(open).await, "triggered", "no old normal value has closed it");
    }
}
