//! Measurements coming in: `POST /v1/metrics` and `POST /v1/measurements`.

use serde_json::{Value, json};

use crate::harness::{Api, FORM, JSON, column};

async fn metrics(api: &Api) -> Vec<String> {
    column(&api.get("/v1/metrics").await.expect(200), "metrics", "name")
}

#[tokio::test]
async fn the_three_legacy_shapes_and_their_form() {
    let form = "source=eu&counters[0][name]=conn&counters[0][value]=5&gauges[0][name]=temp&gauges[0][value]=88.4&gauges[0][source]=us";
    let array = r#"{"source":"eu","counters":[{"name":"conn","value":5}],"gauges":[{"name":"temp","value":88.4,"source":"us"}]}"#;
    let keyed =
        r#"{"source":"eu","counters":{"conn":{"value":5}},"gauges":{"temp":{"value":88.4,"source":"us"}}}"#;
    let numbered = r#"{"counters":{"0":{"name":"conn","value":"5"}},"gauges":{"0":{"name":"temp","value":88.4},"1":{"name":"temp","value":1}}}"#;
    for (content_type, body) in [(FORM, form), (JSON, array), (JSON, keyed), (JSON, numbered), (FORM, array)]
    {
        let api = Api::new();
        let answer = api.send("POST", "/v1/metrics", content_type, body.to_owned()).await;
        assert_eq!(answer.expect(200), Value::Null, "{body}");
        assert_eq!(metrics(&api).await, ["conn", "temp"]);
        let conn = api.get("/v1/metrics/conn").await.expect(200);
        let expected = json!({
            "name": "conn", "display_name": null, "type": "counter", "attributes": {"created_by_ua": "fixture/1.0"},
            "description": null, "period": null, "source_lag": null,
        });
        assert_eq!(conn, expected);
    }
}

#[tokio::test]
async fn properties_count_only_for_new_metrics() {
    let api = Api::new();
    let body = r#"{"period":30,"gauges":[{"name":"a","value":1,"type":"gauge","description":"first","attributes":{"aggregate":true}}]}"#;
    api.post("/v1/metrics", body).await.expect(200);
    api.post("/v1/metrics", r#"{"gauges":[{"name":"A","value":1,"description":"second","period":5}]}"#)
        .await
        .expect(200);
    let read = api.get("/v1/metrics/a").await.expect(200);
    assert_eq!((&read["description"], &read["period"]), (&json!("first"), &json!(30)));
    assert_eq!(read["attributes"]["aggregate"], true);
}

#[tokio::test]
async fn another_type_is_refused_in_the_words_clients_look_for() {
    let api = Api::new();
    api.post("/v1/metrics", r#"{"counters":{"conn":{"value":1}}}"#).await.expect(200);
    let words = "'conn' is a counter, but was submitted as different type";
    let mixed = r#"{"gauges":[{"name":"fresh","value":1},{"name":"Conn","value":1}]}"#;
    api.post("/v1/metrics", mixed).await.refused(400, "/params/type", words);
    assert_eq!(metrics(&api).await, ["conn"], "nothing of a refused request stays");
    let tagged = r#"{"tags":{"a":"b"},"measurements":[{"name":"conn","value":1}]}"#;
    api.post("/v1/measurements", tagged).await.refused(400, "/params/type", words);
}

#[tokio::test]
async fn legacy_refusals() {
    let api = Api::new();
    for empty in ["{}", r#"{"gauges":[],"counters":[]}"#, ""] {
        api.post("/v1/metrics", empty).await.refused(400, "/request", "at least one measurement");
    }
    let bad_name = r#"{"gauges":[{"name":"good","value":1},{"name":"b d","value":1}]}"#;
    api.post("/v1/metrics", bad_name).await.refused(400, "/params/name", "characters");
    api.post("/v1/metrics", r#"{"gauges":[{"value":1}]}"#).await.refused(
        400,
        "/params/name",
        "is not present",
    );
    api.post("/v1/metrics", r#"{"gauges":[{"name":"a"}]}"#).await.refused(
        400,
        "/params/value",
        "is not present",
    );
    api.post("/v1/metrics", r#"{"gauges":[{"name":"a","value":1e127}]}"#).await.refused(
        400,
        "/params/value",
        "range",
    );
    api.post("/v1/metrics", r#"{"gauges":[{"name":"a","value":1e999}]}"#).await.refused(
        400,
        "/request",
        "out of range",
    );
    api.post("/v1/metrics", r#"{"gauges":[{"name":"a","value":NaN}]}"#).await.refused(
        400,
        "/request",
        "line 1 column 32",
    );
    let old = api.post("/v1/metrics", r#"{"measure_time":1000,"gauges":[{"name":"a","value":1}]}"#).await;
    assert!(old.body["request_time"].as_i64().unwrap() > 1_600_000_000);
    old.refused(400, "/params/measure_time", "is too far in the past");
    let late = r#"{"measure_time":253402300799,"gauges":[{"name":"a","value":1}]}"#;
    api.post("/v1/metrics", late).await.refused(400, "/params/measure_time", "is too far in the future");
    assert!(metrics(&api).await.is_empty());
}

/// One wrong measurement among many: the response says which.
#[tokio::test]
async fn refusals_name_the_measurement() {
    let api = Api::new();
    let names = |answer: &crate::harness::Answer| answer.body["errors"]["params"]["name"].clone();
    let tags = r#"{"tags":{"a":"b"},"measurements":[{"name":"ok.one","value":1},{"name":"bad.two","value":1,"tags":{"a":"é"}}]}"#;
    let answer = api.post("/v1/measurements", tags).await;
    assert_eq!(names(&answer), json!(["bad.two"]));
    answer.refused(400, "/params/tags", "values must be");
    let unnamed =
        r#"{"gauges":[{"name":"ok","value":1}],"counters":[{"name":"ok.two","value":1},{"value":1}]}"#;
    let answer = api.post("/v1/metrics", unnamed).await;
    assert_eq!(names(&answer), json!(["is not present", "counters[1]"]));
    let old = r#"{"gauges":[{"name":"ok","value":1},{"name":"old","value":1,"measure_time":1000}]}"#;
    let answer = api.post("/v1/metrics", old).await;
    assert_eq!(names(&answer), json!(["old"]));
    answer.refused(400, "/params/measure_time", "365 days");
    let collectd =
        r#"[{"plugin":"cpu","type":"user","values":["x"]},{"plugin":"mem","type":"free","values":[1]}]"#;
    assert_eq!(names(&api.post("/v1/measurements", collectd).await), json!(["cpu.user"]));
    assert!(metrics(&api).await.is_empty());
}

#[tokio::test]
async fn tagged_measurements() {
    let api = Api::new();
    let body = r#"{"time":0,"period":60,"tags":{"region":"eu","az":"a"},"measurements":[
        {"name":"cpu","value":4.5},{"name":"mem","value":34.5,"tags":{"db":"main-1"}},
        {"name":"lat","value":null,"sum":35.0,"count":3,"min":4.5,"max":16.7,"last":12.5,"stddev":1.34,"attributes":{"aggregate":false}}]}"#;
    for path in ["/v1/measurements", "/v1/measurements/"] {
        assert_eq!(api.post(path, body).await.expect(202), json!({"errors": []}));
    }
    assert_eq!(metrics(&api).await, ["cpu", "lat", "mem"]);
    assert_eq!(api.get("/v1/metrics/cpu").await.expect(200)["period"], 60);
}

#[tokio::test]
async fn tagged_refusals() {
    let api = Api::new();
    let fine = r#"{"tags":{"a":"b"},"measurements":[{"name":"a","value":1}]}"#;
    for content_type in [FORM, "text/plain", "multipart/form-data"] {
        let answer = api.send("POST", "/v1/measurements", content_type, fine).await;
        answer.refused(415, "/request", "Content-Type must be application/json");
    }
    api.post("/v1/measurements", r#"{"measurements":[{"name":"a","value":1}]}"#).await.refused(
        400,
        "/params/tags",
        "is not present",
    );
    api.post("/v1/measurements", r#"{"tags":{"a":"b"},"measurements":[]}"#).await.refused(
        400,
        "/request",
        "at least one",
    );
    api.post("/v1/measurements", r#"[{"name":"a"}]"#).await.refused(400, "/request", "must be a JSON object");
    let half = r#"{"tags":{"a":"b"},"measurements":[{"name":"a","sum":1}]}"#;
    api.post("/v1/measurements", half).await.refused(400, "/params/count", "together with sum");
}

#[tokio::test]
async fn what_single_clients_do() {
    let api = Api::new();
    // go-librato loses the prefix; the ruby queue mixes both dialects in one body
    let mixed =
        r#"{"gauges":[{"name":"g","value":1}],"tags":{"a":"b"},"measurements":[{"name":"m","value":1}]}"#;
    api.post("/metrics", mixed).await.expect(200);
    assert_eq!(metrics(&api).await, ["g", "m"]);
}

/// More measurements than are stored in one go: the metrics come into being in turns with other writes.
#[tokio::test]
async fn large_requests_are_stored_whole_or_not_at_all() {
    let api = Api::new();
    api.put("/v1/metrics/taken", r#"{"type":"counter"}"#).await.expect(201);
    let body = |last: Value| {
        let gauges = (0..4000).map(|n| json!({"name": format!("m{n:04}"), "value": n, "source": "a"}));
        json!({"gauges": gauges.chain([last]).collect::<Vec<_>>()}).to_string()
    };
    for (last, pointer, text) in [
        (json!({"name": "Taken", "value": 1}), "/params/type", "'taken' is a counter"),
        (json!({"name": "last", "value": 1, "period": -1}), "/params/period", "positive"),
    ] {
        api.post("/v1/metrics", &body(last)).await.refused(400, pointer, text);
        assert_eq!(metrics(&api).await, ["taken"], "nothing of a refused request stays");
    }
    let both = json!({"gauges": [{"name": "x", "value": 1}], "counters": vec![json!({"name": "X", "value": 1}); 2000]});
    api.post("/v1/metrics", &both.to_string()).await.refused(400, "/params/type", "'x' is a gauge");
    api.post("/v1/metrics", &body(json!({"name": "last", "value": 7}))).await.expect(200);
    let listed = api.get("/v1/metrics?offset=4000").await.expect(200);
    assert_eq!(
        (&listed["query"]["found"], column(&listed, "metrics", "name")),
        (&json!(4002), vec!["m3999".to_owned(), "taken".to_owned()])
    );
    let read = api.get("/v1/metrics/m3999?count=1&resolution=1").await.expect(200);
    assert_eq!(read["measurements"]["a"][0]["value"], 3999.0);
    api.put("/v1/metrics", r#"{"names":"m*","period":30}"#).await.expect(204);
    assert_eq!(api.get("/v1/metrics/m0000").await.expect(200)["period"], 30);
    api.send("DELETE", "/v1/metrics", JSON, r#"{"names":"m*","exclude":["m2000"]}"#).await.expect(204);
    assert_eq!(metrics(&api).await, ["last", "m2000", "taken"]);
    let patterns = json!({"names": (0..1001).map(|n| format!("m{n}*")).collect::<Vec<_>>()}).to_string();
    api.send("DELETE", "/v1/metrics", JSON, patterns).await.refused(400, "/params/names", "more than 1000");
}

/// The series come into being in turns with other writes, among them one that takes the metric away.
#[tokio::test(flavor = "multi_thread")]
async fn a_large_request_is_whole_though_its_metric_is_deleted_meanwhile() {
    const GAUGES: usize = 20_000;
    let time = jiff::Timestamp::now().as_second();
    let gauges = (0..GAUGES).map(|n| json!({"name": "big", "value": 1, "source": format!("host-{n}")}));
    let body = json!({"measure_time": time, "gauges": gauges.collect::<Vec<_>>()}).to_string();
    for round in 0..4 {
        let api = Api::new();
        api.post("/v1/metrics", r#"{"gauges":[{"name":"big","value":1,"source":"earlier"}]}"#)
            .await
            .expect(200);
        let delete = async {
            let mut deleted = 0;
            for _ in 0..=round {
                tokio::time::sleep(std::time::Duration::from_millis(30)).await;
                deleted += usize::from(api.send("DELETE", "/v1/metrics/big", JSON, "").await.status == 204);
            }
            deleted
        };
        let (sent, deleted) = tokio::join!(api.post("/v1/metrics", &body), delete);
        sent.expect(200);
        let path = format!(
            "/v1/metrics/big?start_time={time}&resolution=1&summarize_sources=true&breakout_sources=false"
        );
        let answer = api.get(&path).await;
        let read = answer.body["measurements"]["all"][0]["count"].as_u64();
        let read = read.map(|count| count as usize);
        assert!(deleted > 0, "the metric was there");
        assert!(matches!(read, None | Some(GAUGES | 20_001)), "{read:?} of {GAUGES} are there");
    }
}
