//! Listings are whole or an error: paging, short pages, collections that change while they are read.

use crate::upstream::{self, Seen, Upstream};
use axum::response::Response;
use librato_apply::remote::{ApiError, Listing, ReadApi};
use librato_apply::wire::lenient;
use serde_json::{Value, json};

fn alerts() -> Listing {
    Listing {
        path: "/alerts".into(),
        key: "alerts",
        query: vec![("name".into(), "web&more".into())],
        order: Some("updated_at"),
        identity: |alert| lenient::id(alert.get("id")?).map(|id| id.to_string()),
        tagged: false,
    }
}

/// The page of `ids` that `seen` asks for, with at most `longest` entries.
fn page(seen: &Seen, ids: &[u64], longest: usize) -> Response {
    let items: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
    let rest = items.get(seen.number("offset")..).unwrap_or_default();
    let items = &rest[..rest.len().min(seen.number("length")).min(longest)];
    let query =
        json!({"found": ids.len(), "total": 9999, "offset": seen.number("offset"), "length": items.len()});
    upstream::json(200, &json!({"query": query, "alerts": items}))
}

fn ids(items: &[Value]) -> Vec<u64> {
    items.iter().filter_map(|item| item["id"].as_u64()).collect()
}

async fn list(service: &Upstream) -> Result<Vec<u64>, ApiError> {
    upstream::client(service.addr).list(&alerts()).await.map(|items| ids(&items))
}

#[tokio::test]
async fn every_page_is_read_in_order_with_filter_and_order() {
    for count in [0, 1, 99, 100, 101, 250, 1000] {
        let all: Vec<u64> = (0..count).rev().collect();
        let served = all.clone();
        let service = Upstream::start(move |seen| page(seen, &served, 100)).await;
        assert_eq!(list(&service).await.unwrap(), all);
        let seen = service.seen();
        assert_eq!(seen.len() as u64, count.div_ceil(100).max(1), "no page is read in vain");
        for (key, value) in
            [("name", "web&more"), ("orderby", "updated_at"), ("sort", "asc"), ("length", "100")]
        {
            assert!(seen.iter().all(|seen| seen.query[key] == value), "{key}");
        }
    }
}

#[tokio::test]
async fn pages_may_be_shorter_than_asked_for() {
    let all: Vec<u64> = (0..47).collect();
    let served = all.clone();
    let service = Upstream::start(move |seen| page(seen, &served, 10)).await;
    assert_eq!(list(&service).await.unwrap(), all);
    assert_eq!(service.seen().len(), 5);
}

#[tokio::test]
async fn a_bare_array_is_the_whole() {
    let service = Upstream::start(|_| upstream::json(200, &json!([{"id": 1}, {"id": "2"}, {"id": 1}]))).await;
    let items = upstream::client(service.addr).list(&alerts()).await.unwrap();
    assert_eq!(items, [json!({"id": 1}), json!({"id": "2"})]);
}

#[tokio::test]
async fn a_listing_that_changed_is_read_again() {
    // Alerts are ordered by their last change: one that is written while we read moves from the first page to
    // the end, so every entry behind it moves up, and the first of the second page is never seen.
    let before: Vec<u64> = (0..150).collect();
    let after: Vec<u64> = (1..150).chain([0]).collect();
    let expected = after.clone();
    let service =
        Upstream::start(move |seen| page(seen, if seen.index == 0 { &before } else { &after }, 100)).await;
    assert_eq!(list(&service).await.unwrap(), expected);
    assert_eq!(service.seen().len(), 4);
}

#[tokio::test]
async fn a_count_that_changes_between_pages_is_noticed_even_if_the_entries_add_up() {
    // One entry is deleted and one created: 150 different ones are seen, one of them gone.
    let before: Vec<u64> = (0..150).collect();
    let during: Vec<u64> = (0..151).collect();
    let after: Vec<u64> = (1..151).collect();
    let expected = after.clone();
    let service = Upstream::start(move |seen| match seen.index {
        0 => page(seen, &before, 100),
        1 => page(seen, &during, 50),
        _ => page(seen, &after, 100),
    })
    .await;
    assert_eq!(list(&service).await.unwrap(), expected);
}

#[tokio::test]
async fn a_listing_that_never_stands_still_is_an_error() {
    let service = Upstream::start(|seen| page(seen, &[1, 2, 2], 100)).await;
    let error = list(&service).await.unwrap_err();
    assert!(matches!(error, ApiError::Incomplete { found: 3, distinct: 2, .. }), "{error}");
    assert!(error.to_string().starts_with("GET /alerts: the listing kept changing"), "{error}");
    assert_eq!(service.seen().len(), 3);
}

#[tokio::test]
async fn a_service_that_promises_more_than_it_has_does_not_keep_us_busy() {
    for first in [json!([{"id": 1}]), json!([])] {
        let service = Upstream::start(move |seen| {
            let items = if seen.number("offset") == 0 { first.clone() } else { json!([]) };
            upstream::json(200, &json!({"query": {"found": 3_000}, "alerts": items}))
        })
        .await;
        let error = list(&service).await.unwrap_err();
        assert!(matches!(error, ApiError::Incomplete { .. }), "{error}");
        assert!(service.seen().len() <= 3 * 34);
    }
}

#[tokio::test]
async fn what_cannot_be_told_apart_or_is_no_page_is_an_error() {
    for (body, words) in [
        (json!([{"name": "x"}]), "an entry of `alerts` has no identity"),
        (json!({"alerts": []}), "no `query` object"),
        (json!({"query": {"found": 0}}), "no list `alerts`"),
    ] {
        let service = Upstream::start(move |_| upstream::json(200, &body)).await;
        let error = list(&service).await.unwrap_err();
        assert!(matches!(error, ApiError::Decode { .. }) && error.to_string().contains(words), "{error}");
        assert_eq!(service.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_page_that_fails_is_read_again_alone() {
    let all: Vec<u64> = (0..250).collect();
    let served = all.clone();
    let service = Upstream::start(move |seen| match seen.index {
        1 => upstream::answer(503, "text/html", "<title>busy</title>"),
        _ => page(seen, &served, 100),
    })
    .await;
    assert_eq!(list(&service).await.unwrap(), all);
    assert_eq!(service.seen().len(), 4);
}
