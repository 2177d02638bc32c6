//! How the client reads answers: bodies, odd successes, refusals, redirects.

use crate::upstream::{self, Upstream, answer};
use axum::response::Response;
use librato_apply::remote::{ApiError, Call, Method, ReadApi, Reply, WriteApi};
use serde_json::{Value, json};

async fn send(respond: impl Fn() -> Response + Clone + Send + Sync + 'static) -> Result<Reply, ApiError> {
    let service = Upstream::start(move |_| respond()).await;
    let body = json!({"title": "x", "settings": {"url": "https://hooks/canary-setting", "on": "1"}});
    let call = Call { method: Method::Post, path: "/services".into(), body: Some(body) };
    let result = upstream::client(service.addr).send(&call).await;
    assert_eq!(service.seen().len(), 1, "one attempt");
    result
}

#[tokio::test]
async fn a_created_object_comes_with_its_location() {
    let created = || {
        let mut response = upstream::json(201, &json!({"id": 5}));
        response.headers_mut().insert("location", "/v1/services/5".parse().unwrap());
        response
    };
    let reply = send(created).await.unwrap();
    assert_eq!(
        (reply.status, reply.body, reply.location.as_deref()),
        (201, Some(json!({"id": 5})), Some("/v1/services/5"))
    );
}

#[tokio::test]
async fn a_success_without_a_body_is_a_success() {
    for (status, body) in [(204, ""), (200, ""), (200, "\r\n")] {
        let reply = send(move || answer(status, "text/plain", body)).await.unwrap();
        assert_eq!((reply.status, reply.body), (status, None));
    }
}

#[tokio::test]
async fn a_success_that_is_not_json_is_no_success() {
    let page = "<html><title>Sign in</title></html>";
    let error = send(move || answer(200, "text/html", page)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "/services: the service reports success, but its answer cannot be read: 200 with a body that is not JSON (text/html): an HTML page: Sign in; \
         is the endpoint really a Librato v1 API?"
    );
    assert!(!error.is_passing() && error.may_have_been_executed());
    let error = send(|| answer(200, "application/json", r#"{"url": canary}"#)).await.unwrap_err();
    assert!(matches!(&error, ApiError::Decode { .. }) && !error.to_string().contains("canary"), "{error}");
}

#[tokio::test]
async fn json_is_read_whatever_type_it_claims() {
    let reply = send(|| answer(200, "text/plain", "{}")).await.unwrap();
    assert_eq!(reply.body, Some(json!({})));
}

#[tokio::test]
async fn refusals_carry_the_messages_and_a_way_out() {
    for (status, body, expected) in [
        (
            400,
            json!({"errors": {"params": {"name": ["is already taken"]}}}),
            "POST /services: 400 Bad Request: name is already taken",
        ),
        (422, Value::Null, "POST /services: 422 Unprocessable Entity"),
        (
            401,
            json!({"errors": {"request": ["Authorization Required"]}}),
            "POST /services: 401 Unauthorized: Authorization Required; check the user (--user, LIBRATO_USER) and the \
             token (--token-file, LIBRATO_TOKEN)",
        ),
    ] {
        let error = send(move || upstream::json(status, &body)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(
            (error.status(), error.is_passing(), error.may_have_been_executed()),
            (Some(status), false, false)
        );
    }
    let error = send(|| answer(404, "text/plain", "")).await.unwrap_err();
    assert!(error.is_not_found());
}

#[tokio::test]
async fn a_403_may_be_a_busy_account() {
    let busy = json!({"request_time": 1, "error": "You have hit the API limit for measurements [measure:raw_rate]."});
    assert!(send(move || upstream::json(403, &busy)).await.unwrap_err().is_passing());
    let denied = json!({"errors": {"request": ["This token is not permitted to perform this action on this resource"]}});
    assert!(!send(move || upstream::json(403, &denied)).await.unwrap_err().is_passing());
}

#[tokio::test]
async fn settings_and_token_do_not_come_back_in_errors() {
    let echo = format!("bad url https://hooks/canary-setting for {}", upstream::TOKEN);
    let echo = json!({"errors": {"params": {"settings": {"url": [echo]}}}});
    let error = send(move || upstream::json(400, &echo)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "POST /services: 400 Bad Request: settings.url bad url [hidden] for [hidden]"
    );
    assert!(!format!("{error:?}").contains("canary"));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let service = Upstream::start(|seen| {
        let location = if seen.path == "/v1/away" { "https://evil.example.com/?canary" } else { "/v1/there" };
        Response::builder().status(302).header("location", location).body("".into()).unwrap()
    })
    .await;
    let client = upstream::client(service.addr);
    let away = client.get("/away", &[]).await.unwrap_err().to_string();
    assert!(
        away.starts_with("GET /away: 302 Found: the service points to https://evil.example.com;"),
        "{away}"
    );
    assert!(!away.contains("canary"));
    let near = client.get("/near", &[]).await.unwrap_err().to_string();
    assert!(near.contains("points to another path; redirects are never followed"), "{near}");
    assert_eq!(service.seen().len(), 2);
}

#[tokio::test]
async fn endless_bodies_are_cut_off() {
    let chunk = axum::body::Bytes::from(vec![b' '; 1 << 20]);
    let endless = move || {
        let chunks = futures_util::stream::repeat(Ok::<_, std::convert::Infallible>(chunk.clone()));
        answer(200, "application/json", axum::body::Body::from_stream(chunks))
    };
    let error = send(endless).await.unwrap_err();
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
}

#[tokio::test]
async fn names_that_cannot_be_in_a_url_are_refused_before_sending() {
    let service = Upstream::start(|_| upstream::json(204, &Value::Null)).await;
    let call = Call { method: Method::Delete, path: "/metrics/..".into(), body: None };
    let error = upstream::client(service.addr).send(&call).await.unwrap_err();
    assert!(matches!(error, ApiError::Unaddressable { .. }), "{error}");
    assert_eq!(service.seen().len(), 0);
}
