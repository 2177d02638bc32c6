//! People without credentials: they hold neither the door nor the shutdown, and guess slowly. And pages of others, which
//! write nothing with credentials that a browser remembers.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::raw::{connect, until_closed};
use super::reload::renew;
use crate::server::{Server, TOKEN, USER, client, fresh};

/// A connection that has sent half a header.
fn half(server: &Server) -> TcpStream {
    let mut stream = connect(server);
    stream.write_all(b"GET /v1/metrics HTTP/1.1\r\nhost: x\r\n").unwrap();
    stream
}

/// With the usual time limits of a minute: what makes room is not the time that passes.
#[tokio::test]
async fn half_a_header_does_not_hold_the_door() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--max-connections", "20"]);
    let ask = async || {
        let request = client().get(server.url("/v1/metrics")).basic_auth(USER, Some(TOKEN));
        request
            .timeout(std::time::Duration::from_secs(20))
            .send()
            .await
            .map(|answer| answer.status().as_u16())
    };
    let mut strangers = Vec::new();
    for _ in 0..10 {
        strangers.extend((0..30).map(|_| half(&server)));
        assert_eq!(ask().await.unwrap(), 200);
    }
    for stream in &mut strangers[..200] {
        assert_eq!(until_closed(stream), "", "who has waited longest goes first");
    }
}

#[test]
fn half_a_header_does_not_hold_the_shutdown() {
    let (_dir, data) = fresh();
    let mut server = Server::start(&data, &[]);
    let mut strangers = [half(&server), connect(&server)];
    let mut answered = connect(&server);
    answered.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /heal").unwrap();
    let mut answer = String::new();
    while !answer.ends_with("ok\n") {
        let mut chunk = [0; 4096];
        let length = answered.read(&mut chunk).unwrap();
        answer += std::str::from_utf8(&chunk[..length]).unwrap();
    }
    // all of them were taken in, and none has a request to be answered
    server.ask_to_stop();
    assert!(server.wait().success(), "{}", server.log());
    for stream in strangers.iter_mut().chain([&mut answered]) {
        assert_eq!(until_closed(stream), "");
    }
    // what is said of requests that had to be cut off
    assert!(!server.log().contains("did not finish in time"), "{}", server.log());
}

/// Neither does half a handshake.
#[test]
fn half_a_handshake_does_not_hold_the_shutdown() {
    let (dir, data) = fresh();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    renew(&certificate, &key);
    let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let mut server = Server::start(&data, &files);
    let mut stranger = connect(&server);
    stranger.write_all(&[22, 3, 1]).unwrap();
    server.ask_to_stop();
    assert!(server.wait().success(), "{}", server.log());
    assert_eq!(until_closed(&mut stranger), "");
    assert!(!server.log().contains("did not finish in time"), "{}", server.log());
}

async fn status(server: &Server, user: &str, token: &str, from: &str) -> u16 {
    let request = client().get(server.url("/v1/metrics")).basic_auth(user, Some(token));
    let answer = request.header("x-forwarded-for", from).send().await.unwrap();
    let status = answer.status().as_u16();
    if status == 429 {
        let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=60).contains(&wait));
        let body: Value = answer.json().await.unwrap();
        assert!(body["errors"]["request"][0].as_str().unwrap().contains("Too many wrong credentials"));
    }
    status
}

#[tokio::test]
async fn guesses_are_slowed_down_for_each_address_behind_a_trusted_proxy() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--trusted-proxy", "10.0.0.0/8,127.0.0.0/8"]);
    let (guesser, other) = ("6.6.6.6, 203.0.113.9", "203.0.113.10");
    let tomorrow = "tomorrow@example.org";
    let made = client().post(server.url("/v1/api_tokens")).basic_auth(USER, Some(TOKEN));
    let made = made.json(&json!({"name": tomorrow, "role": "viewer"})).send().await.unwrap();
    let made: Value = made.json().await.unwrap();
    let token = made["token"].as_str().unwrap();
    // let in before it guessed
    assert_eq!(status(&server, USER, TOKEN, guesser).await, 200);
    let mut answers = Vec::new();
    for n in 0..12 {
        // a new first entry helps nothing
        answers.push(status(&server, USER, &format!("guess-{n}"), &format!("6.6.6.{n}, 203.0.113.9")).await);
    }
    assert_eq!(answers, [401, 401, 401, 401, 401, 401, 401, 401, 401, 401, 429, 429]);
    assert_eq!(status(&server, tomorrow, token, guesser).await, 429, "a right guess looks like a wrong one");
    assert_eq!(status(&server, USER, TOKEN, guesser).await, 200);
    assert_eq!(status(&server, tomorrow, token, other).await, 200);
    assert_eq!(status(&server, USER, "wrong", other).await, 401);
    let log = server.log_with("peer=203.0.113.10");
    assert!(log.contains("peer=203.0.113.9 ") && !log.contains("6.6.6."), "{log}");
}

#[tokio::test]
async fn nobody_is_believed_who_is_no_trusted_proxy() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &["--trusted-proxy", "10.0.0.0/8"]);
    assert_eq!(status(&server, USER, "wrong", "203.0.113.9").await, 401);
    let log = server.log_with("peer=127.0.0.1");
    assert!(!log.contains("203.0.113.9"), "{log}");
}

#[tokio::test]
async fn pages_of_others_write_nothing() {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &[]);
    let space = async |headers: &[(&str, &str)]| {
        let mut request = client().post(server.url("/v1/spaces")).basic_auth(USER, Some(TOKEN));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.header("content-type", "application/x-www-form-urlencoded").body("name=s");
        request.send().await.unwrap()
    };
    for foreign in [
        &[("origin", "https://evil.example")][..],
        &[("origin", "null")],
        &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")],
        &[("sec-fetch-site", "same-site")],
        &[("origin", &format!("https://{}", server.host))],
    ] {
        let answer = space(foreign).await;
        assert_eq!(answer.status(), 403, "{foreign:?}");
        let body: Value = answer.json().await.unwrap();
        assert!(body["errors"]["request"][0].as_str().unwrap().contains("page of another site"));
    }
    let read = client().get(server.url("/v1/spaces")).basic_auth(USER, Some(TOKEN));
    let read = read.header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(read.headers()["cache-control"], "no-store");
    assert_eq!(read.json::<Value>().await.unwrap()["query"]["total"], 0);
    for own in [&[][..], &[("origin", server.url("").as_str()), ("sec-fetch-site", "same-origin")]] {
        assert_eq!(space(own).await.status(), 201, "{own:?}");
    }
    // who is no browser is asked for credentials, who is one would remember them
    let plain = client().get(server.url("/v1/spaces")).send().await.unwrap();
    assert_eq!((plain.status().as_u16(), plain.headers().contains_key("www-authenticate")), (401, true));
    let page = client().get(server.url("/v1/spaces")).header("sec-fetch-mode", "cors").send().await.unwrap();
    assert_eq!((page.status().as_u16(), page.headers().contains_key("www-authenticate")), (401, false));
}
