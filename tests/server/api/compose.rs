//! Composite queries: `compose=` on both routes, and the data of composite metrics.

use serde_json::{Value, json};

use crate::harness::{Api, epoch};

/// An hour that is over, whole.
fn hour() -> i64 {
    epoch() / 3600 * 3600 - 7200
}

/// Two sources of a gauge with gaps at different minutes, and a tagged metric; everything within [`hour`].
async fn filled() -> Api {
    let api = Api::new();
    let hour = hour();
    api.put("/v1/metrics/x", r#"{"type":"gauge","period":60,"description":"of two"}"#).await.expect(201);
    for (source, minute, value) in [("a", 0, 1), ("a", 1, 2), ("B", 1, 10), ("B", 2, 20)] {
        let one = json!({"gauges": [{"name": "x", "value": value, "source": source, "measure_time": hour + 60 * minute}]});
        api.post("/v1/metrics", &one.to_string()).await.expect(200);
    }
    for (region, host, value) in [("eu", "h1", 3), ("eu", "h2", 4), ("us", "h3", 50), ("us", "h4", 0)] {
        let one = json!({"time": hour, "measurements": [{"name": "hits", "value": value, "tags": {"region": region, "host": host}}]});
        api.post("/v1/measurements", &one.to_string()).await.expect(202);
    }
    api.put("/v1/sources/a", r#"{"display_name":"The first"}"#).await.expect(204);
    api
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The query for a definition over [`hour`].
fn asked(text: &str) -> String {
    let hour = hour();
    format!("compose={}&resolution=60&start_time={hour}&end_time={}", encoded(text), hour + 3599)
}

async fn tagged(api: &Api, text: &str) -> Value {
    api.get(&format!("/v1/measurements?{}", asked(text))).await.expect(200)
}

/// Values by minute.
fn values(series: &Value, list: &str, time: &str) -> Vec<(i64, f64)> {
    let points = series[list].as_array().unwrap();
    points
        .iter()
        .map(|point| ((point[time].as_i64().unwrap() - hour()) / 60, point["value"].as_f64().unwrap()))
        .collect()
}

#[tokio::test]
async fn the_dialect_of_sources_tells_where_each_series_comes_from() {
    let api = filled().await;
    let text = r#"derive(s("x","*"))"#;
    let read = api.get(&format!("/v1/metrics?{}", asked(text))).await.expect(200);
    let hour = hour();
    let metric = json!({"name": "x", "type": "gauge", "period": 60, "display_name": null, "description": "of two",
        "attributes": {"created_by_ua": "fixture/1.0"}});
    let expected = json!({"compose": text, "resolution": 60, "measurements": [
        {"metric": metric, "source": {"name": "B", "display_name": null}, "query": {"metric": "x", "source": "*"},
         "period": 60, "series": [{"measure_time": hour + 120, "value": 10.0}]},
        {"metric": metric, "source": {"name": "a", "display_name": "The first"}, "query": {"metric": "x", "source": "*"},
         "period": 60, "series": [{"measure_time": hour + 60, "value": 1.0}]}]});
    let mut found = read;
    found["measurements"].as_array_mut().unwrap().iter_mut().for_each(|one| {
        // As the metric was made by a PUT of this very client.
        one["metric"]["attributes"] = metric["attributes"].clone();
    });
    assert_eq!(found, expected);
    let sum =
        api.get(&format!("/v1/metrics?{}", asked(r#"sum([s("x","a"), s("hits","*")])"#))).await.expect(200);
    let one = &sum["measurements"][0];
    assert_eq!(values(one, "series", "measure_time"), [(0, 58.0), (1, 2.0)]);
    for absent in ["metric", "source", "query", "tags"] {
        assert!(one.get(absent).is_none(), "nothing all inputs agree in: {one}");
    }
    let nothing = api.get(&format!("/v1/metrics?{}", asked(r#"sum(s("nobody","*"))"#))).await.expect(200);
    assert_eq!(nothing["measurements"], json!([]), "not an error");
}

#[tokio::test]
async fn the_dialect_of_tags() {
    let api = filled().await;
    let read = tagged(&api, r#"group_by("region", sum(s("hits", {})))"#).await;
    assert_eq!((&read["links"], &read["resolution"]), (&json!([]), &json!(60)));
    let metric = json!({"name": "hits", "type": "gauge", "period": null, "attributes": {"created_by_ua": "fixture/1.0"}});
    let eu = json!({"metric": metric, "tags": {"region": "eu"}, "query": {"metric": "hits", "tags": {}}, "period": 60,
        "measurements": [{"time": hour(), "value": 7.0}]});
    assert_eq!(read["series"][0], eu);
    assert_eq!(read["series"][1]["tags"], json!({"region": "us"}));
    let sources = tagged(&api, r#"s("x", "b*")"#).await;
    assert_eq!(sources["series"][0]["tags"], json!({"source": "B"}), "case makes no difference");
    assert_eq!(values(&sources["series"][0], "measurements", "time"), [(1, 10.0), (2, 20.0)]);
    // Clients that pass an empty metric name send the slash.
    let slash = api.get(&format!("/v1/measurements/?{}", asked(r#"s("x","b")"#))).await.expect(200);
    assert_eq!(slash["series"], tagged(&api, r#"s("x","b")"#).await["series"]);
}

/// A host with a single point has no difference, and a window no mean over too few: such series are left out, not empty.
#[tokio::test]
async fn series_without_points_are_left_out() {
    let api = filled().await;
    for text in [r#"derive(s("hits", {}))"#, r#"window(s("hits", {}), {size: "3"})"#] {
        assert_eq!(tagged(&api, text).await["series"], json!([]), "{text}");
    }
    let both = r#"[derive(s("hits", {})), s("x", "a")]"#;
    assert_eq!(tagged(&api, both).await["series"].as_array().unwrap().len(), 1);
    let read = api.get(&format!("/v1/metrics?{}", asked(both))).await.expect(200);
    assert_eq!(read["measurements"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn periods_are_whole_and_resolutions_are_never_too_fine() {
    let api = filled().await;
    let (hour, text) = (hour(), encoded(r#"mean(s("x","*",{function:"sum",period:"3600"}))"#));
    // In the middle of the hour, as the clock of a client has it.
    let read = api
        .get(&format!(
            "/v1/metrics?compose={text}&resolution=1&start_time={}&end_time={}",
            hour + 90,
            hour + 3599
        ))
        .await
        .expect(200);
    assert_eq!(values(&read["measurements"][0], "series", "measure_time"), [(0, 16.5)]);
    assert_eq!(read["measurements"][0]["period"], 3600);
    let old = epoch() - 20 * 86_400;
    let read = api
        .get(&format!(
            "/v1/measurements?compose={}&resolution=1&start_time={old}",
            encoded(r#"sum(s("x","*"))"#)
        ))
        .await
        .expect(200);
    assert_eq!(read["series"][0]["period"], 900, "as it is kept after that time");
    let lasting = format!("compose={}&resolution=60&duration=86400", encoded(r#"sum(s("x","*"))"#));
    let read = api.get(&format!("/v1/measurements?{lasting}")).await.expect(200);
    assert_eq!(values(&read["series"][0], "measurements", "time"), [(0, 1.0), (1, 12.0), (2, 20.0)]);
}

#[tokio::test]
async fn composite_metrics_have_data() {
    let api = filled().await;
    let hour = hour();
    let put = |text: &str| json!({"type": "composite", "composite": text, "display_name": "C"}).to_string();
    api.put("/v1/metrics/c", &put(r#"abs(s("x","*"))"#)).await.expect(201);
    api.put("/v1/metrics/Total", &put(r#"sum(s("hits","*"))"#)).await.expect(201);
    api.put("/v1/metrics/shifted", &put(r#"timeshift("0,1m", s("x","a"))"#)).await.expect(201);
    let time = format!("resolution=60&start_time={hour}&end_time={}", hour + 3599);

    let read = api.get(&format!("/v1/metrics/c?{time}")).await.expect(200);
    assert_eq!(
        (&read["name"], &read["type"], &read["display_name"]),
        (&json!("c"), &json!("composite"), &json!("C"))
    );
    assert_eq!(values(&read["measurements"], "B", "measure_time"), [(1, 10.0), (2, 20.0)]);
    let read = api.get(&format!("/v1/metrics/c?{time}&sources[]=a&summarize_time=true")).await.expect(200);
    assert_eq!(read["measurements"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a"]);
    assert_eq!(values(&read["measurements"], "a", "measure_time"), [(0, 1.5)]);
    let read = api.get(&format!("/v1/metrics/shifted?{time}")).await.expect(200);
    assert_eq!(read["measurements"].as_object().unwrap().keys().collect::<Vec<_>>(), ["a", "a (2)"]);

    let read = api.get(&format!("/v1/measurements/total?{time}")).await.expect(200);
    assert_eq!((&read["name"], &read["compose"]), (&json!("Total"), &json!("sum(s(\"hits\",\"*\"))")));
    assert_eq!(values(&read["series"][0], "measurements", "time"), [(0, 57.0)]);
    let read = api.get(&format!("/v1/measurements/total?{time}&tags_search=region%3Deu")).await.expect(200);
    assert_eq!(values(&read["series"][0], "measurements", "time"), [(0, 7.0)], "narrows what is summed up");
    for (query, pointer, text) in [
        ("tags[region]=eu", "/params/tags", "use tags_search"),
        ("group_by=region&group_by_function=sum", "/params/group_by", "in their definition"),
        ("summary_function=stddev", "/params/summary_function", "is not one of"),
    ] {
        api.get(&format!("/v1/measurements/total?{time}&{query}")).await.refused(400, pointer, text);
    }
    api.get("/v1/measurements/total").await.refused(400, "/params/resolution", "is not present");
}

#[tokio::test]
async fn what_cannot_be_answered_is_told_with_its_place() {
    let api = filled().await;
    let refused = async |query: String, pointer: &str, text: &str| {
        for route in ["/v1/metrics", "/v1/measurements"] {
            api.get(&format!("{route}?{query}")).await.refused(400, pointer, text);
        }
    };
    refused("compose=&resolution=60&start_time=5".into(), "/params/compose", "is not present").await;
    let good = encoded(r#"s("x","*")"#);
    refused(format!("compose={good}&start_time=5"), "/params/resolution", "is not present").await;
    refused(format!("compose={good}&resolution=60"), "/params/start_time", "must be set").await;
    for (text, said) in [
        (r#"summ(s("x","*"))"#, "there is no function `summ` (line 1, column 1); did you mean sum("),
        ("sum(s(\"x\",\"*\"),\n  3)", "(line 2, column 3)"),
        (r#"sum(s("x","*")"#, "(line 1, column"),
        (r#"sum([s("x","*"), 3])"#, "the number 3 cannot stand here"),
        (
            r#"zero_fill(s("hits","*"))"#,
            "gaps cannot be filled without knowing the period of `hits` (line 1, column 1)",
        ),
    ] {
        refused(asked(text), "/params/compose", said).await;
    }
    api.put("/v1/metrics/c", r#"{"type":"composite","composite":"abs(s(\"x\",\"*\"))"}"#).await.expect(201);
    refused(
        asked(r#"sum(s("C","*"))"#),
        "/params/compose",
        "`c` is a composite, and composites cannot be nested (line 1, column 5)",
    )
    .await;
    assert_eq!(
        tagged(&api, r#"s("*","a")"#).await["series"].as_array().unwrap().len(),
        1,
        "patterns pass them by"
    );
    let shifts = (0..64).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let deep =
        (0..4).fold(r#"s("x","*")"#.to_owned(), |inner, _| format!("timeshift(\"{shifts}m\", {inner})"));
    refused(asked(&deep), "/params/compose", "more work than is allowed").await;
}

#[tokio::test]
async fn composites_that_cannot_be_read_are_not_stored() {
    let api = Api::new();
    let put = |text: &str| json!({"type": "composite", "composite": text}).to_string();
    let refused = "there is no function `summ` (line 1, column 1); did you mean sum(";
    api.put("/v1/metrics/c", &put(r#"summ(s("x","*"))"#)).await.refused(400, "/params/composite", refused);
    api.get("/v1/metrics/c").await.refused(404, "/request", "Not Found");
    api.put("/v1/metrics/c", &put(r#"sum(s("x","%"))"#)).await.expect(201);
    api.put("/v1/metrics/c", &put(r#"sum(s("x""#)).await.refused(400, "/params/composite", "column");
    api.put("/v1/metrics/c", r#"{"display_name":"C"}"#).await.expect(204);
    assert_eq!(api.get("/v1/metrics/c").await.expect(200)["composite"], r#"sum(s("x","%"))"#);
}

/// The tags of the vendor's own agents, in every place where a tag is named.
#[tokio::test]
async fn names_of_tags_may_begin_with_an_at_sign() {
    let api = Api::new();
    for (host, value) in [("prod-1", 1), ("prod-2", 2), ("test", 4)] {
        let one = json!({"time": hour(), "measurements": [{"name": "cpu", "value": value, "tags": {"@Host": host}}]});
        api.post("/v1/measurements", &one.to_string()).await.expect(202);
    }
    let sum = |read: &Value| values(&read["series"][0], "measurements", "time")[0].1;
    assert_eq!(sum(&tagged(&api, r#"sum(s("cpu", {"@host": "prod*"}))"#).await), 3.0);
    assert_eq!(
        tagged(&api, r#"group_by("@host", s("cpu", {}))"#).await["series"].as_array().unwrap().len(),
        3
    );
    for narrowed in ["tags%5B%40host%5D=prod*", "tags_search=%40host%3Dprod*"] {
        let range = format!("resolution=60&start_time={}&end_time={}", hour(), hour() + 60);
        let read = api.get(&format!("/v1/measurements/cpu?{narrowed}&{range}")).await.expect(200);
        assert_eq!(read["series"].as_array().unwrap().len(), 2, "{narrowed}");
    }
    let composite = json!({"type": "composite", "composite": r#"floor(scale(s("cpu", {"@host": "test"}), {factor: -0.375}))"#});
    api.put("/v1/metrics/cpu.whole", &composite.to_string()).await.expect(201);
    let range = format!("resolution=60&start_time={}&end_time={}", hour(), hour() + 60);
    assert_eq!(sum(&api.get(&format!("/v1/measurements/cpu.whole?{range}")).await.expect(200)), -2.0);
    for name in ["@", "a@b", "@@a"] {
        let one = json!({"measurements": [{"name": "cpu", "value": 1, "tags": {name: "x"}}]});
        let said = "may begin with @";
        api.post("/v1/measurements", &one.to_string()).await.refused(400, "/params/tags", said);
    }
}
