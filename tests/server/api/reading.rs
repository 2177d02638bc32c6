//! Measurements going out: `GET /v1/metrics/:name` with a time and `GET /v1/measurements/:name`.

use serde_json::{Value, json};

use crate::harness::{Api, FORM, epoch};

#[tokio::test]
async fn legacy_data_by_source() {
    let api = Api::new();
    let time = epoch() - 100;
    let body = json!({"measure_time": time, "gauges": [
        {"name": "cpu", "value": 3.5, "source": "web1"},
        {"name": "cpu", "value": 1, "source": "Web2"},
        {"name": "cpu", "count": 5, "sum": 17.5, "min": 3.5, "max": 3.5, "sum_squares": 61.25}]});
    api.post("/v1/metrics", &body.to_string()).await.expect(200);
    let read = api.get(&format!("/v1/metrics/cpu?start_time={time}&resolution=1")).await.expect(200);
    assert_eq!(
        (&read["name"], &read["type"], &read["resolution"]),
        (&json!("cpu"), &json!("gauge"), &json!(1))
    );
    assert!(read.get("query").is_none() && read["period"].is_null() && read["attributes"].is_object());
    let one = |value: f64, count: u64, sum: f64, squares: f64| {
        json!([{"measure_time": time, "value": value, "count": count, "min": value, "max": value, "sum": sum,
            "sum_squares": squares}])
    };
    let expected = json!({
        "unassigned": one(3.5, 5, 17.5, 61.25), "web1": one(3.5, 1, 3.5, 12.25), "Web2": one(1.0, 1, 1.0, 1.0),
    });
    assert_eq!(read["measurements"], expected);
    // python-librato writes a list as Python does
    let query = "count=1&resolution=1&sources=%5B%27web1%27%2C+%27nobody%27%5D";
    let read = api.get(&format!("/v1/metrics/cpu?{query}")).await.expect(200);
    assert_eq!(read["measurements"], json!({"web1": one(3.5, 1, 3.5, 12.25)}));
    let read = api.get("/v1/metrics/cpu?count=1&sources[]=web*&group_by=sum").await.expect(200);
    let all = &read["measurements"]["all"][0];
    assert_eq!((&all["value"], &all["summarized"], &all["count"]), (&json!(4.5), &json!(2), &json!(2)));
    let plain = api.get("/v1/metrics/cpu?resolution=60").await.expect(200);
    assert!(plain.get("measurements").is_none(), "no time is asked for");
}

#[tokio::test]
async fn legacy_refusals() {
    let api = Api::new();
    api.put("/v1/metrics/a", r#"{"type":"gauge"}"#).await.expect(201);
    let old = epoch() - 5 * 86_400;
    for (query, pointer, text) in [
        ("count=0".to_owned(), "/params/count", "positive"),
        ("count=x".to_owned(), "/params/count", "integer"),
        ("start_time=noon".to_owned(), "/params/start_time", "is not a number"),
        ("start_time=5&end_time=9&count=1".to_owned(), "/params/count", "cannot be used"),
        ("count=1&group_by=median".to_owned(), "/params/group_by", "is not one of"),
        (format!("start_time={old}&resolution=1"), "/request", "requested data resolution is unavailable"),
    ] {
        api.get(&format!("/v1/metrics/a?{query}")).await.refused(400, pointer, text);
    }
    let coarser = api.get(&format!("/v1/metrics/a?start_time={old}&resolution=60")).await.expect(200);
    assert_eq!(coarser["measurements"], json!({}));
    api.get("/v1/metrics/nobody?count=1").await.refused(404, "/request", "Not Found");
}

#[tokio::test]
async fn counters_and_summaries() {
    let api = Api::new();
    let now = epoch();
    for (ago, value) in [(90, 10), (60, 15), (30, 4)] {
        let body = json!({"counters": {"hits": {"value": value, "measure_time": now - ago, "source": "a"}}});
        api.post("/v1/metrics", &body.to_string()).await.expect(200);
    }
    let read = api.get("/v1/metrics/hits?count=2&resolution=1").await.expect(200);
    let expected = json!({"a": [
        {"measure_time": now - 60, "value": 15.0, "delta": 5.0},
        {"measure_time": now - 30, "value": 4.0, "delta": 4.0}]});
    assert_eq!((&read["type"], &read["measurements"]), (&json!("counter"), &expected));
    let read =
        api.get("/v1/metrics/hits?count=3&summarize_time=true&breakout_sources=false").await.expect(200);
    assert_eq!((&read["measurements"]["all"][0]["sum"], read["measurements"].get("a")), (&json!(9.0), None));
}

#[tokio::test]
async fn long_legacy_answers_go_on_at_next_time() {
    let api = Api::new();
    let start = epoch() - 6000;
    for source in ["a", "b"] {
        let gauges: Vec<_> =
            (0..6000).map(|n| json!({"name": "m", "value": n, "measure_time": start + n})).collect();
        api.post("/v1/metrics", &json!({"source": source, "gauges": gauges}).to_string()).await.expect(200);
    }
    let (mut from, mut pages) = (start, 0);
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let query = format!("start_time={from}&end_time={}&resolution=1", start + 5999);
        let read = api.get(&format!("/v1/metrics/m?{query}")).await.expect(200);
        let (a, b) = (&read["measurements"]["a"], &read["measurements"]["b"]);
        assert_eq!(a, b, "cut at the same time");
        seen.extend(a.as_array().unwrap().iter().map(|one| one["value"].clone()));
        pages += 1;
        let Some(next) = read["query"]["next_time"].as_i64() else { break };
        from = next;
    }
    assert_eq!(pages, 2);
    assert_eq!(seen, (0..6000).map(|n| json!(f64::from(n))).collect::<Vec<_>>());
}

#[tokio::test]
async fn aggregation_by_the_service_itself() {
    let api = Api::new();
    api.put("/v1/metrics/a", r#"{"type":"gauge","period":10,"attributes":{"aggregate":true}}"#)
        .await
        .expect(201);
    let time = epoch() / 10 * 10 - 100;
    for (offset, value) in [(0, 1), (3, 5), (9, 6), (10, 7)] {
        let form = format!("gauges[a][value]={value}&gauges[a][measure_time]={}", time + offset);
        api.form("POST", "/v1/metrics", &form).await.expect(200);
    }
    let read = api.get(&format!("/v1/metrics/a?start_time={time}&resolution=1")).await.expect(200);
    let found: Vec<_> = read["measurements"]["unassigned"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["measure_time"].as_i64().unwrap() - time, one["count"].clone(), one["value"].clone()))
        .collect();
    assert_eq!(found, [(0, json!(3), json!(4.0)), (10, json!(1), json!(7.0))]);
}

async fn tagged() -> (Api, i64) {
    let api = Api::new();
    let time = epoch() / 60 * 60 - 120;
    let body = json!({"time": time, "measurements": [
        {"name": "mem", "value": 6.9, "tags": {"region": "EU", "az": "a"}},
        {"name": "mem", "value": 1, "tags": {"region": "us", "az": "a"}},
        {"name": "mem", "value": 2, "tags": {"region": "us", "az": "b"}},
        {"name": "mem", "value": 4, "tags": {"region": "us", "az": "b"}, "time": time + 7},
        {"name": "mem", "count": 4, "sum": 8, "min": 1, "max": 3, "last": 2, "stddev": 0.5, "tags": {"host": "h"}}]});
    api.post("/v1/measurements", &body.to_string()).await.expect(202);
    (api, time)
}

#[tokio::test]
async fn tagged_streams() {
    let (api, time) = tagged().await;
    let read = api.get("/v1/measurements/MEM?resolution=60&duration=3600&tags[region]=eu").await.expect(200);
    let expected = json!({"name": "mem", "resolution": 60, "links": [], "series": [
        {"tags": {"az": "a", "region": "eu"}, "measurements": [{"time": time, "value": 6.9}]}]});
    assert_eq!(read, expected);
    let tags = async |query: &str| {
        let read =
            api.get(&format!("/v1/measurements/mem?resolution=1&duration=3600{query}")).await.expect(200);
        let label = |one: &Value| {
            one["tags"]
                .as_object()
                .unwrap()
                .values()
                .map(|v| v.as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
                .join(".")
        };
        read["series"].as_array().unwrap().iter().map(label).collect::<Vec<_>>()
    };
    assert_eq!(tags("").await, ["a.eu", "a.us", "b.us", "h"]);
    assert_eq!(tags("&tags=*").await.len(), 4);
    assert_eq!(tags("&tags[region][]=e*&tags[region][]=us&tags[az]=a").await, ["a.eu", "a.us"]);
    assert_eq!(tags("&tags[region]=!us").await, ["a.eu"]);
    assert_eq!(tags("&tags%5B!region%5D=1").await, ["h"]);
    assert_eq!(tags("&tags_search=region%3Dus+and+az%3Db+or+host").await, ["b.us", "h"]);
    assert_eq!(tags("&group_by=region&group_by_function=sum").await, ["eu", "us"]);
    assert_eq!(tags("&group_by=*&group_by_function=sum").await, [""]);
}

#[tokio::test]
async fn tagged_functions() {
    let (api, time) = tagged().await;
    let values = async |query: &str| {
        let read = api
            .get(&format!("/v1/measurements/mem?resolution=60&start_time={time}&{query}"))
            .await
            .expect(200);
        read["series"].as_array().unwrap().iter().map(|one| one["measurements"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(values("tags[az]=b").await, [json!([{"time": time, "value": 3.0}])]);
    for (function, value) in
        [("sum", 6.0), ("min", 2.0), ("max", 4.0), ("count", 2.0), ("mean", 3.0), ("stddev", 1.0)]
    {
        let query = format!("tags[az]=b&summary_function={function}");
        assert_eq!(values(&query).await, [json!([{"time": time, "value": value}])], "{function}");
    }
    let all = json!([{"time": time, "value": 2.0, "count": 4, "sum": 8.0, "min": 1.0, "max": 3.0, "last": 2.0, "stddev": 0.5}]);
    assert_eq!(values("tags[host]=h&summary_function=all").await, [all]);
    let grouped = values("tags[region]=us&group_by=region&group_by_function=sum").await;
    assert_eq!(grouped, [json!([{"time": time, "value": 4.0}])]);
    let derived =
        format!("/v1/measurements/mem?resolution=1&start_time={time}&tags[az]=b&summary_function=derivative");
    assert_eq!(
        api.get(&derived).await.expect(200)["series"][0]["measurements"],
        json!([{"time": time + 7, "value": 2.0}])
    );
}

#[tokio::test]
async fn tagged_refusals() {
    let (api, time) = tagged().await;
    for (query, pointer, text) in [
        ("duration=60", "/params/resolution", "is not present"),
        ("resolution=1", "/params/start_time", "must be set"),
        ("resolution=604801&duration=60", "/params/resolution", "between"),
        ("resolution=1&duration=60&start_time=1&end_time=2", "/params/duration", "cannot be used"),
        ("resolution=1&duration=864000", "/request", "resolution is unavailable"),
        ("resolution=1&duration=60&group_by=az", "/params/group_by_function", "must be set"),
        ("resolution=1&duration=60&tags[a]=b&tags_search=a", "/params/tags_search", "together"),
        ("resolution=1&duration=60&tags_search=(a", "/params/tags_search", "parenthesis"),
        ("resolution=1&duration=60&cursor=zz", "/params/cursor", "is not one"),
    ] {
        api.get(&format!("/v1/measurements/mem?{query}")).await.refused(400, pointer, text);
    }
    api.get("/v1/measurements/nobody?resolution=1&duration=60").await.refused(404, "/request", "Not Found");
    assert!(time > 0);
}

#[tokio::test]
async fn sources_appear_among_tags() {
    let api = Api::new();
    api.form("POST", "/v1/metrics", "gauges[a][value]=1&gauges[a][source]=Web-1").await.expect(200);
    let read = api.get("/v1/measurements/a?resolution=1&duration=60&tags[source]=web*").await.expect(200);
    assert_eq!(read["series"][0]["tags"], json!({"source": "Web-1"}));
    assert_eq!(
        api.send("GET", "/v1/measurements/a?resolution=1&duration=60&tags[x]=y", FORM, "").await.expect(200)
            ["series"],
        json!([])
    );
}

#[tokio::test]
async fn many_streams_come_in_pages() {
    let api = Api::new();
    let start = epoch() - 5000;
    for stream in 0..9 {
        let points: Vec<_> =
            (0..5000).map(|n| json!({"name": "m", "value": stream, "time": start + n})).collect();
        let body = json!({"tags": {"n": stream}, "measurements": points});
        api.post("/v1/measurements", &body.to_string()).await.expect(202);
    }
    let mut href = format!("/v1/measurements/m?resolution=1&start_time={start}&tags=*");
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let read = api.get(&href).await.expect(200);
        for one in read["series"].as_array().unwrap() {
            assert_eq!(one["measurements"].as_array().unwrap().len(), 5000);
            seen.push(one["tags"]["n"].as_str().unwrap().to_owned());
        }
        pages += 1;
        let Some(next) = read["links"].as_array().unwrap().first() else { break };
        assert_eq!(next["rel"], "next");
        href = next["href"].as_str().unwrap().to_owned();
    }
    assert_eq!((pages, seen), (2, (0..9).map(|n| n.to_string()).collect()));
}

/// statsd-librato-backend writes every measurement in both dialects when it is told to.
#[tokio::test]
async fn what_is_written_in_both_dialects_counts_once() {
    let api = Api::new();
    let time = epoch() - 100;
    for source in ["Web-1", "web-2"] {
        let legacy = json!({"measure_time": time, "source": source, "gauges": {"hits": {"value": 3}}});
        api.post("/v1/metrics", &legacy.to_string()).await.expect(200);
    }
    let tagged = json!({"time": time, "measurements": [{"name": "hits", "value": 3, "tags": {"source": "web-1", "az": "a"}}]});
    api.post("/v1/measurements", &tagged.to_string()).await.expect(202);
    let sum = "/v1/measurements/hits?resolution=1&duration=600&group_by=*&group_by_function=sum";
    let read = api.get(sum).await.expect(200);
    assert_eq!(read["series"][0]["measurements"], json!([{"time": time, "value": 6.0}]));
    let read = api.get("/v1/metrics/hits?count=1&resolution=1").await.expect(200);
    assert_eq!(read["measurements"].as_object().unwrap().len(), 2, "each dialect shows all that came in it");
}

#[tokio::test]
async fn a_long_stream_comes_in_pages() {
    let api = Api::new();
    let start = epoch() - 40_000;
    for (stream, length) in [("a", 31_000), ("b", 10)] {
        let points: Vec<_> =
            (0..length).map(|n| json!({"name": "m", "value": n, "time": start + n})).collect();
        let body = json!({"tags": {"n": stream}, "measurements": points});
        api.post("/v1/measurements", &body.to_string()).await.expect(202);
    }
    let mut href = format!("/v1/measurements/m?resolution=1&start_time={start}&summary_function=derivative");
    let (mut seen, mut pages) = (Vec::new(), Vec::new());
    loop {
        let read = api.get(&href).await.expect(200);
        let series = read["series"].as_array().unwrap();
        for one in series {
            let tag = one["tags"]["n"].as_str().unwrap().to_owned();
            let points = one["measurements"].as_array().unwrap().iter();
            seen.extend(
                points.map(|point| {
                    (tag.clone(), point["time"].as_i64().unwrap() - start, point["value"].clone())
                }),
            );
        }
        pages.push(series.len());
        let Some(next) = read["links"].as_array().unwrap().first() else { break };
        href = next["href"].as_str().unwrap().to_owned();
    }
    assert_eq!(pages, [1, 2], "streams on each page");
    let expected =
        |stream: &str, length| (1..length).map(|n| (stream.to_owned(), n, json!(1.0))).collect::<Vec<_>>();
    assert!(seen == [expected("a", 31_000), expected("b", 10)].concat(), "{} of them", seen.len());
}
