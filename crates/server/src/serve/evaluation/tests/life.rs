//! From a measurement to an incident and back; edits, deletions, and what is in no one's way.

use super::*;

fn above() -> Value {
    json!([{ "type": "above", "metric_name": "m", "threshold": 1 }])
}

#[tokio::test]
async fn a_value_beyond_its_threshold_opens_an_incident_and_a_normal_one_closes_it() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.pass(1).await;
    bench.value("web", 1, 2.0).await;
    bench.pass(10).await;
    assert_eq!((bench.log(), bench.status(alert).await.as_str()), (vec![], "ok"));
    bench.pass(1).await;
    assert_eq!(bench.log(), ["1 opened 1", "1 trigger 1.0 web/0=2(1..1 x1)"]);
    assert_eq!(bench.status(alert).await, "triggered");
    assert_eq!(bench.figure("alert_incidents_open").await, "1");
    bench.value("web", 12, 0.0).await;
    bench.pass(11).await;
    assert_eq!(bench.log()[2..], ["12 closed 1 Normal"]);
    assert_eq!(bench.status(alert).await, "ok");
    assert_eq!(bench.figure("alert_streams").await, "1");
    assert_eq!(bench.figure("alert_evaluation_lag_seconds").await, "0.0");
}

#[tokio::test]
async fn what_a_start_finds_is_not_lost_when_it_is_killed_at_once() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.pass(1).await;
    bench.value("web", 1, 2.0).await;
    // No one evaluates for a while; then two of them begin, the first of which never comes to a round.
    bench.clock.pass(Duration::from_secs(20));
    bench.kill().await;
    bench.kill().await;
    bench.pass(1).await;
    assert_eq!(bench.status(alert).await, "triggered");
    bench.value("web", 22, 0.0).await;
    bench.clock.pass(Duration::from_secs(20));
    bench.kill().await;
    bench.kill().await;
    bench.pass(1).await;
    assert_eq!(bench.status(alert).await, "ok");
    assert_eq!(
        bench.log(),
        ["1 opened 1", "1 trigger 1.0 web/0=2(1..1 x1)", "22 closed 1 Normal"],
        "everything once"
    );
}

#[tokio::test]
async fn values_of_the_second_in_which_an_alert_is_made_count() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.value("web", 0, 2.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
}

#[tokio::test]
async fn series_metrics_and_alerts_may_come_in_any_order() {
    let mut bench = Bench::new().await;
    bench.value("web", 0, 2.0).await;
    bench.pass(2).await;
    let old = bench.alert(&above()).await;
    bench.pass(1).await;
    bench.value("db", 3, 3.0).await;
    let body =
        json!({ "name": "b", "conditions": [{ "type": "above", "metric_name": "c", "threshold": 1 }] });
    let new = bench.good("POST", "/v1/alerts", &body).await["id"].as_i64().unwrap();
    bench.pass(3).await;
    // A counter that is made after its alert, whose condition then means its differences.
    for (t, value) in [(6, 10), (8, 12)] {
        let counter = json!({ "name": "C", "value": value, "measure_time": BORN + t });
        bench.good("POST", "/v1/metrics", &json!({ "counters": [counter] })).await;
        bench.pass(2).await;
    }
    bench.pass(12).await;
    assert_eq!(
        (bench.status(old).await.as_str(), bench.status(new).await.as_str()),
        ("triggered", "triggered")
    );
    assert_eq!(
        bench.log().iter().filter(|line| line.contains("trigger")).collect::<Vec<_>>(),
        ["3 trigger 1.0 db/0=3(3..3 x1)", "8 trigger 1.0 unassigned/0=2(8..8 x1)",]
    );
}

#[tokio::test]
async fn what_is_changed_meanwhile_counts_at_once() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.value("web", 0, 2.0).await;
    bench.pass(12).await;
    bench.value("web", 12, 2.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
    // Nothing is closed by the edit, but by the next value.
    let raised = json!([{ "type": "above", "metric_name": "m", "threshold": 5 }]);
    bench.good("PUT", &format!("/v1/alerts/{alert}"), &json!({ "name": "a", "conditions": raised })).await;
    bench.pass(2).await;
    assert_eq!(bench.status(alert).await, "triggered");
    bench.value("web", 26, 2.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "ok");
    bench.value("web", 38, 6.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
    bench.good("POST", &format!("/v1/alerts/{alert}/clear"), &Value::Null).await;
    assert_eq!(bench.status(alert).await, "ok");
    bench.pass(2).await;
    bench.value("web", 52, 6.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
    bench.good("DELETE", "/v1/metrics/m", &Value::Null).await;
    bench.pass(2).await;
    assert_eq!(
        (bench.status(alert).await.as_str(), bench.figure("alert_streams").await.as_str()),
        ("ok", "0")
    );
    // The metric of the same name that is made later is watched again.
    bench.value("web", 66, 7.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
    bench.good("DELETE", &format!("/v1/alerts/{alert}"), &Value::Null).await;
    bench.pass(2).await;
    assert_eq!(bench.figure("alerts_evaluated").await, "0");
}

#[tokio::test]
async fn composites_are_evaluated_for_their_conditions() {
    let mut bench = Bench::new().await;
    let composite =
        json!({ "type": "composite", "period": 60, "source_lag": 0, "composite": "sum(s(\"m\", \"*\"))" });
    bench.good("PUT", "/v1/metrics/total", &composite).await;
    let conditions = json!([{ "type": "above", "metric_name": "total", "threshold": 4 }]);
    let alert = bench.alert(&conditions).await;
    bench.pass(60).await;
    bench.value("web", 60, 2.0).await;
    bench.value("db", 61, 3.0).await;
    bench.pass(70).await;
    assert_eq!(bench.log(), [] as [&str; 0]);
    bench.pass(1).await;
    assert_eq!(bench.log(), ["60 opened 1", "60 trigger 1.0 unassigned/0=5(60..60 x1)"]);
    assert_eq!(bench.status(alert).await, "triggered");
    // A restart evaluates again, and knows what has happened.
    bench.kill().await;
    bench.value("web", 121, 1.0).await;
    bench.pass(70).await;
    assert_eq!(bench.log()[2..], ["120 closed 1 Normal"]);
}

#[tokio::test]
async fn what_is_compacted_unread_is_found_in_storage() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.value("web", 0, 0.0).await;
    bench.pass(2).await;
    bench.value("web", 2, 2.0).await;
    bench.compact().await;
    bench.value("web", 3, 2.0).await;
    bench.pass(12).await;
    assert_eq!(bench.status(alert).await, "triggered");
    assert_eq!(bench.figure("alert_catch_ups_total").await, "1");
    assert_eq!(bench.log(), ["2 opened 1", "2 trigger 1.0 web/0=2(2..2 x1)"]);
}

/// Writes fail for a while: nothing is lost, and nothing happens twice.
#[tokio::test]
async fn what_cannot_be_written_is_written_later() {
    let mut bench = Bench::new().await;
    let alert = bench.alert(&above()).await;
    bench.pass(1).await;
    bench.value("web", 1, 2.0).await;
    bench.pass(5).await;
    bench.engine().rest = (i64::MAX, 1_000);
    bench.pass(20).await;
    assert_eq!(bench.status(alert).await, "ok");
    bench.engine().rest = (i64::MIN, 0);
    bench.pass(1).await;
    assert_eq!(bench.status(alert).await, "triggered");
    assert_eq!(bench.log(), ["1 opened 1", "1 trigger 1.0 web/0=2(1..1 x1)"]);
}
