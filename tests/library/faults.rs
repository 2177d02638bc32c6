//! What the client makes of every fault on the way: reads are repeated, writes never.

use std::time::Duration;

use crate::fault_proxy::{Fault, FaultProxy};
use crate::upstream::{self, Upstream};
use librato_apply::remote::{ApiError, Call, Client, Method, ReadApi, TransportKind, WriteApi};
use serde_json::json;

/// All faults that may pass, with whether the service executes the request and what the client should think.
const PASSING: [(Fault, Executed); 12] = [
    (Fault::Refuse, Executed::Unclear),
    (Fault::CutBeforeForward, Executed::Unclear),
    (Fault::CutAfterExecuted, Executed::Unclear),
    (Fault::LateExecute, Executed::Unclear),
    (Fault::Delay(Duration::from_secs(60)), Executed::Unclear),
    (Fault::TooManyRequests { retry_after: None }, Executed::No),
    (Fault::TooManyRequests { retry_after: Some(0) }, Executed::No),
    (Fault::Unavailable503 { html: false }, Executed::Unclear),
    (Fault::Unavailable503 { html: true }, Executed::Unclear),
    (Fault::TruncatedJson, Executed::Unclear),
    (Fault::HtmlErrorPage(500), Executed::Unclear),
    (Fault::BadGatewayAfterExecuted, Executed::Unclear),
];

#[derive(Debug, Clone, Copy, PartialEq)]
enum Executed {
    No,
    Unclear,
}

async fn service() -> Upstream {
    Upstream::start(|seen| upstream::json(200, &json!({"id": 7, "method": seen.method}))).await
}

fn impatient(proxy: &FaultProxy) -> Client {
    let config = upstream::config(proxy.addr());
    Client::new(librato_apply::remote::Config { timeout: Duration::from_millis(200), ..config }).unwrap()
}

#[tokio::test]
async fn reads_survive_every_passing_fault() {
    let service = service().await;
    for (fault, _) in PASSING {
        let proxy = FaultProxy::start(service.addr, move |info| (info.index < 2).then_some(fault)).await;
        let body = impatient(&proxy).get("/alerts/7", &[]).await;
        assert_eq!(body.map_err(|e| e.to_string()), Ok(json!({"id": 7, "method": "GET"})), "{fault:?}");
        assert_eq!(proxy.requests().len(), 3, "{fault:?}");
        proxy.stop().await;
    }
}

#[tokio::test]
async fn a_write_is_sent_once_and_its_error_says_whether_it_may_have_been_executed() {
    let service = service().await;
    let call = Call { method: Method::Post, path: "/alerts".into(), body: Some(json!({"name": "x"})) };
    for (fault, executed) in PASSING {
        let proxy = FaultProxy::start(service.addr, move |_| Some(fault)).await;
        let error = impatient(&proxy).send(&call).await.unwrap_err();
        assert!(error.is_passing(), "{fault:?}: {error}");
        assert_eq!(error.may_have_been_executed(), executed == Executed::Unclear, "{fault:?}: {error}");
        assert_eq!(proxy.requests().len(), 1, "{fault:?}");
        proxy.stop().await;
    }
}

#[tokio::test]
async fn with_retry_lets_a_caller_repeat_a_write() {
    let service = service().await;
    let proxy =
        FaultProxy::start(service.addr, |info| (info.index < 3).then_some(Fault::CutAfterExecuted)).await;
    let client = impatient(&proxy);
    let call = Call { method: Method::Put, path: "/alerts/7".into(), body: Some(json!({"name": "x"})) };
    let reply = client.with_retry(|| client.send(&call)).await.unwrap();
    assert_eq!(reply.status, 200);
    assert_eq!(service.seen().len(), 4);
}

#[tokio::test]
async fn the_last_error_is_told_when_a_fault_does_not_pass() {
    let service = service().await;
    let proxy = FaultProxy::start(service.addr, |_| Some(Fault::Unavailable503 { html: true })).await;
    let error = impatient(&proxy).get("/metrics", &[]).await.unwrap_err();
    assert_eq!(error.to_string(), "GET /metrics: 503 Service Unavailable: an HTML page: 503 fault");
    assert!(proxy.requests().len() > 2);
    assert_eq!(service.seen().len(), 0);
}

#[tokio::test]
async fn a_late_execution_happens_after_the_client_gave_up() {
    let service = service().await;
    let proxy = FaultProxy::start(service.addr, |_| Some(Fault::LateExecute)).await;
    let call = Call { method: Method::Post, path: "/alerts".into(), body: Some(json!({"name": "x"})) };
    let error = impatient(&proxy).send(&call).await.unwrap_err();
    assert!(matches!(error, ApiError::Transport { kind: TransportKind::Timeout, .. }), "{error}");
    proxy.drained().await;
    assert_eq!(service.seen().len(), 1);
}

#[tokio::test]
async fn stopping_the_proxy_calls_off_late_executions() {
    let service = service().await;
    let proxy = FaultProxy::start(service.addr, |_| Some(Fault::LateExecute)).await;
    let client = upstream::client(proxy.addr());
    let call = Call { method: Method::Post, path: "/alerts".into(), body: None };
    let waiting = tokio::spawn(async move { client.send(&call).await });
    while proxy.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    proxy.stop().await;
    assert!(waiting.await.unwrap().is_err());
    assert_eq!(service.seen().len(), 0);
}

#[tokio::test]
async fn connections_are_kept_through_the_proxy() {
    let service = service().await;
    let proxy = FaultProxy::start(service.addr, |_| None).await;
    let client = upstream::client(proxy.addr());
    let body = json!({"name": "x".repeat(200_000)});
    for _ in 0..20 {
        let call = Call { method: Method::Put, path: "/metrics/a".into(), body: Some(body.clone()) };
        client.send(&call).await.unwrap();
    }
    assert_eq!((proxy.requests().len(), proxy.connections()), (20, 1));
    assert_eq!(service.seen()[19].headers["content-length"], body.to_string().len().to_string());
}

#[tokio::test]
async fn nobody_listening_is_told_with_the_address_and_was_certainly_not_executed() {
    let addr = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let error = upstream::client(addr).get("/metrics", &[]).await.unwrap_err();
    assert!(error.is_passing() && !error.may_have_been_executed());
    let text = error.to_string();
    assert!(text.starts_with(&format!("GET /metrics: cannot connect: {addr}: ")), "{text}");
    assert!(text.contains("check the endpoint"), "{text}");
}
