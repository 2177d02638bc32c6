//! One gate for all: what the service asks of one request, every request of the client heeds.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::upstream::{self, Upstream};
use axum::response::Response;
use futures_util::future::join_all;
use librato_apply::remote::{ApiError, Call, Client, Config, Method, ReadApi, RetryPolicy, WriteApi};
use serde_json::json;

/// A service whose first answer has this status and header, and which is content from then on.
async fn service(status: u16, header: &'static str, value: String) -> Upstream {
    Upstream::start(move |seen| {
        let mut response = upstream::json(if seen.index == 0 { status } else { 200 }, &json!({}));
        if seen.index == 0 {
            response.headers_mut().insert(header, value.parse().unwrap());
        }
        response
    })
    .await
}

fn put() -> Call {
    Call { method: Method::Put, path: "/metrics/a".into(), body: Some(json!({})) }
}

/// Lets one write meet the pause, then sends five writes and five reads at once; when the first of these came.
async fn first_after_the_pause(service: &Upstream, client: &Client) -> Instant {
    let _ = client.send(&put()).await;
    let writes = join_all((0..5).map(|_| async { client.send(&put()).await.map(drop) }));
    let reads = join_all((0..5).map(|_| async { client.get("/metrics", &[]).await.map(drop) }));
    let (writes, reads) = tokio::join!(writes, reads);
    assert!(writes.iter().chain(&reads).all(Result::is_ok), "{writes:?} {reads:?}");
    service.seen()[1..].iter().map(|seen| seen.at).min().unwrap()
}

#[tokio::test]
async fn one_429_pauses_every_request() {
    let service = service(429, "retry-after", "1".into()).await;
    let begun = Instant::now();
    let first = first_after_the_pause(&service, &upstream::client(service.addr)).await;
    assert!(first.duration_since(begun) >= Duration::from_secs(1));
}

#[tokio::test]
async fn so_does_a_503_with_a_time_and_an_allowance_that_is_used_up() {
    for (status, header) in [(503, "retry-after"), (200, "x-librato-ratelimit-std")] {
        let reset = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 2;
        let value = match status {
            503 => "1".to_owned(),
            _ => format!("limit=10,remaining=0,reset={reset}"),
        };
        let service = service(status, header, value).await;
        let begun = Instant::now();
        let first = first_after_the_pause(&service, &upstream::client(service.addr)).await;
        assert!(first.duration_since(begun) >= Duration::from_secs(1), "{header}");
    }
}

#[tokio::test]
async fn clones_share_the_pause_and_a_date_is_as_good_as_seconds() {
    let date = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    let service = service(429, "retry-after", date).await;
    let client = upstream::client(service.addr);
    let error = client.send(&put()).await.unwrap_err();
    let asked = error.retry_after().unwrap();
    assert!((1..=3).contains(&asked.as_secs()), "{asked:?}");
    let begun = Instant::now();
    client.clone().send(&put()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_millis(900));
}

#[tokio::test]
async fn a_pause_too_long_to_sit_out_ends_everything_at_once_and_says_so() {
    let service = service(429, "retry-after", "3600".into()).await;
    let client = upstream::client(service.addr);
    let error = client.get("/metrics", &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /metrics: 429 Too Many Requests; the service asks to wait 3600 s");
    let error = client.send(&put()).await.unwrap_err();
    assert!(matches!(error, ApiError::Paused { .. }) && !error.may_have_been_executed(), "{error}");
    assert!(error.to_string().contains("more than the 3 s this program waits"), "{error}");
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn an_allowance_that_comes_back_much_later_stops_nothing_by_itself() {
    let service = service(200, "x-librato-ratelimit-agg", "reset=99999999999,remaining=0".into()).await;
    let client = upstream::client(service.addr);
    for _ in 0..3 {
        client.send(&put()).await.unwrap();
    }
}

#[tokio::test]
async fn a_service_that_is_always_busy_is_given_up() {
    let service = Upstream::start(|_| upstream::json(429, &json!({"errors": {"request": ["busy"]}}))).await;
    let error = upstream::client(service.addr).get("/metrics", &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /metrics: 429 Too Many Requests: busy");
    assert_eq!(service.seen().len(), RetryPolicy::quick().max_attempts);
}

/// The most requests that were ever under way at once.
#[derive(Default)]
struct Peak {
    now: AtomicUsize,
    most: AtomicUsize,
}

#[tokio::test]
async fn reads_and_writes_have_limits_of_their_own() {
    let peaks: &'static [Peak; 2] = Box::leak(Box::default());
    let app = axum::Router::new().fallback(move |method: axum::http::Method| async move {
        let peak = &peaks[usize::from(method == axum::http::Method::GET)];
        peak.most.fetch_max(peak.now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(20)).await;
        peak.now.fetch_sub(1, Ordering::SeqCst);
        Response::new("{}".to_owned())
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = upstream::config(listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::new(Config { read_concurrency: 4, write_concurrency: 2, ..config }).unwrap();
    let writes = join_all((0..10).map(|_| async { client.send(&put()).await.map(drop) }));
    let reads = join_all((0..20).map(|_| async { client.get("/metrics", &[]).await.map(drop) }));
    let (writes, reads) = tokio::join!(writes, reads);
    assert!(writes.iter().chain(&reads).all(Result::is_ok));
    let [writes, reads] = peaks.each_ref().map(|peak| peak.most.load(Ordering::SeqCst));
    assert!((1..=2).contains(&writes) && (1..=4).contains(&reads), "{writes} {reads}");
}
