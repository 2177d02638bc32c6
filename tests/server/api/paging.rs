//! Every published client's way of walking through a list, against the same 205 entries.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Api, column};

const ALL: usize = 205;

async fn filled() -> Api {
    let api = Api::new();
    let gauges: Vec<Value> = (0..ALL).map(|n| json!({"name": format!("m{n:03}"), "value": n})).collect();
    api.post("/v1/metrics", &json!({"gauges": gauges}).to_string()).await.expect(200);
    api
}

async fn page(api: &Api, query: &str) -> (Vec<String>, [i64; 4]) {
    let list = api.get(&format!("/v1/metrics?{query}")).await.expect(200);
    let count = |key: &str| list["query"][key].as_i64().unwrap();
    (column(&list, "metrics", "name"), [count("found"), count("length"), count("offset"), count("total")])
}

fn expect_all(names: &[String]) {
    assert_eq!((names.len(), names.iter().collect::<BTreeSet<_>>().len()), (ALL, ALL));
}

/// python-librato 0.8: stops at a page shorter than what it asked for.
#[tokio::test]
async fn until_a_short_page() {
    let api = filled().await;
    for length in [100, 41, 7] {
        let (mut names, mut offset) = (Vec::new(), 0);
        loop {
            let (page, _) = page(&api, &format!("offset={offset}&length={length}")).await;
            offset += length;
            let short = page.len() < length;
            names.extend(page);
            if short {
                break;
            }
        }
        expect_all(&names);
    }
}

/// python-librato 3: adds `query.length` until it reaches `query.total` or gets nothing.
#[tokio::test]
async fn until_total() {
    let api = filled().await;
    for (filter, expected) in [("", ALL), ("name=M00&", 10)] {
        let (mut names, mut offset) = (Vec::new(), 0);
        loop {
            let (page, [_, length, _, total]) = page(&api, &format!("{filter}offset={offset}")).await;
            names.extend(page);
            offset += length;
            if offset >= total || length == 0 {
                break;
            }
        }
        assert_eq!(names.len(), expected);
    }
}

/// go-librato, the ruby clients and others: `found` is the bound.
#[tokio::test]
async fn until_found() {
    let api = filled().await;
    for step in [100, 30] {
        let (mut names, mut offset) = (Vec::new(), 0);
        loop {
            let (page, [found, ..]) =
                page(&api, &format!("offset={offset}&length={step}&orderby=name&sort=desc")).await;
            names.extend(page);
            offset += step;
            if offset >= found {
                break;
            }
        }
        expect_all(&names);
        assert!(names.is_sorted_by(|a, b| a > b));
    }
}

#[tokio::test]
async fn bounds_and_aliases() {
    let api = filled().await;
    assert_eq!(page(&api, "").await.1, [205, 100, 0, 205]);
    assert_eq!(page(&api, "length=5000").await.1, [205, 100, 0, 205]);
    assert_eq!(page(&api, "limit=10").await.1, [205, 10, 0, 205]);
    assert_eq!(page(&api, "length=0").await.1, [205, 0, 0, 205]);
    assert_eq!(page(&api, "offset=200&length=10&sort=").await.1, [205, 5, 200, 205]);
    assert_eq!(page(&api, "offset=9000").await.1, [205, 0, 9000, 205]);
    assert_eq!(page(&api, "name=m00&offset=8").await.1, [10, 2, 8, 205]);
}

#[tokio::test]
async fn bad_parameters() {
    let api = Api::new();
    for list in ["metrics", "alerts", "services", "annotations"] {
        for (query, field) in [
            ("offset=-1", "offset"),
            ("offset=x", "offset"),
            ("length=-5", "length"),
            ("length[]=5", "length"),
            ("sort=up", "sort"),
            ("orderby=color", "orderby"),
        ] {
            api.get(&format!("/v1/{list}?{query}")).await.refused(400, &format!("/params/{field}"), "");
        }
        api.get(&format!("/v1/{list}?unknown=1")).await.expect(200);
    }
}

/// A list is sorted by `updated_at`, the id breaking ties, so pages of one state neither overlap nor leave gaps.
#[tokio::test]
async fn alerts_and_services_page_too() {
    let api = Api::new();
    for n in 0..12 {
        api.post("/v1/alerts", &json!({"name": format!("a{n}")}).to_string()).await.expect(201);
        let service = json!({"type": "neptune", "title": format!("s{n:02}"), "settings": {"api_key": "k"}});
        api.post("/v1/services", &service.to_string()).await.expect(201);
        api.post(&format!("/v1/annotations/s{n:02}"), r#"{"title":"t"}"#).await.expect(201);
    }
    for (kind, key) in [("alerts", "id"), ("services", "title"), ("annotations", "name")] {
        let mut seen = Vec::new();
        for offset in [0, 5, 10] {
            let list = api.get(&format!("/v1/{kind}?offset={offset}&length=5")).await.expect(200);
            let length = if offset == 10 { 2 } else { 5 };
            assert_eq!(list["query"], json!({"found": 12, "length": length, "offset": offset, "total": 12}));
            seen.extend(column(&list, kind, key));
        }
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 12, "{kind}");
    }
}
