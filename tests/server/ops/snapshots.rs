//! Snapshots of charts: the requests of a chat bot, who sees the pictures, a queue that is full, and servers that are killed in every state.

use std::path::Path;
use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, TOKEN, USER, client, fresh};

/// Starts a server, with what makes what it tells readable.
fn serve(data: &Path, seen_by: &str) -> Server {
    Server::start(data, &["-q", "--snapshots", seen_by])
}

async fn call(server: &Server, method: &str, path: &str, body: Value) -> (StatusCode, Value) {
    let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
    let request = client().request(method, server.url(path)).basic_auth(USER, Some(TOKEN)).json(&body);
    let response = request.send().await.unwrap();
    let (status, text) = (response.status(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A chart with something to see.
async fn chart(server: &Server) {
    let gauges: Vec<Value> = (0..30)
        .map(|n| json!({"name": "web.ms", "source": "web-1", "value": n, "measure_time": crate::harness::epoch() - 60 * n}))
        .collect();
    assert_eq!(call(server, "POST", "/v1/metrics", json!({ "gauges": gauges })).await.0, 200);
    assert_eq!(call(server, "POST", "/v1/spaces", json!({"name": "Web"})).await.0, 201);
    let chart = json!({"name": "Times", "type": "line", "streams": [{"metric": "web.ms", "source": "%"}]});
    assert_eq!(call(server, "POST", "/v1/spaces/1/charts", chart).await.0, 201);
}

fn declared() -> Value {
    json!({"subject": {"chart": {"id": 1, "source": "*", "type": "line"}}, "duration": 3600})
}

/// Asks again and again, as the bot does, until a job has ended.
async fn ended(server: &Server, job: i64) -> Value {
    for _ in 0..600 {
        let (_, found) = call(server, "GET", &format!("/v1/jobs/{job}"), Value::Null).await;
        if !matches!(found["state"].as_str(), Some("queued" | "working")) {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("job {job} does not end")
}

/// What anybody gets without credentials.
async fn bare(url: &str) -> (StatusCode, Vec<u8>) {
    let response = client().get(url).send().await.unwrap();
    (response.status(), response.bytes().await.unwrap().to_vec())
}

/// Word for word what hubot-librato sends: it waits at `href` for `image_href`, and posts that into a chat.
#[tokio::test]
async fn a_bot_gets_a_picture_that_a_chat_can_show() {
    let (_dir, data) = fresh();
    let server = serve(&data, "link");
    chart(&server).await;
    let (status, made) = call(&server, "POST", "/v1/snapshots", declared()).await;
    assert_eq!(status, 202, "{made}");
    let href = made["href"].as_str().unwrap().to_owned();
    assert!(href.starts_with("http://127.0.0.1:") && href.ends_with("/v1/snapshots/1"), "{made}");
    let mut tries = 0..600;
    let image = loop {
        let request = client().get(&href).basic_auth(USER, Some(TOKEN));
        let found: Value = request.send().await.unwrap().json().await.unwrap();
        if let Some(image) = found["image_href"].as_str() {
            break image.to_owned();
        }
        tries.next().unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(ended(&server, 1).await, json!({"id": 1, "state": "complete", "progress": 100.0}));
    let (status, png) = bare(&image).await;
    assert!(status == 200 && png.starts_with(b"\x89PNG") && png.len() < 200_000, "{status} {}", png.len());

    // What is guessed, or asked for under the name of somebody else, shows nothing.
    let (path, file) = image.rsplit_once('/').unwrap();
    assert_eq!(file.len(), "0123456789abcdef0123456789abcdef.png".len());
    for guess in ["0123456789abcdef0123456789abcdef.png", "1.png", "", &file[..32], "..%2f1.png"] {
        assert_eq!(bare(&format!("{path}/{guess}")).await.0, 404, "{guess}");
    }
    let foreign = client().get(&image).header("host", "evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 421);
    let (_, made) = call(
        &server,
        "POST",
        "/v1/snapshots",
        json!({"subject": {"chart": {"id": 1}}, "duration": 2_419_201}),
    )
    .await;
    assert!(made["errors"]["params"]["duration"].is_array(), "{made}");
}

#[tokio::test]
async fn private_pictures_are_for_whoever_may_see_spaces() {
    let (dir, data) = fresh();
    let users = dir.path().join("users");
    std::fs::write(&users, "eve a-token-of-eve recorder\nviv a-token-of-viv viewer\n").unwrap();
    let server = Server::start(&data, &["-q", "--credentials", users.to_str().unwrap()]);
    chart(&server).await;
    call(&server, "POST", "/v1/snapshots", declared()).await;
    ended(&server, 1).await;
    let (_, found) = call(&server, "GET", "/v1/snapshots/1", Value::Null).await;
    let image = found["image_href"].as_str().unwrap().to_owned();
    assert!(image.ends_with("/ui/v1/snapshots/1.png"), "{image}");
    let by = async |user: &str, token: &str| {
        let response = client().get(&image).basic_auth(user, Some(token)).send().await.unwrap();
        (response.status().as_u16(), response.headers().get("content-type").cloned())
    };
    assert_eq!(by(USER, TOKEN).await, (200, Some("image/png".parse().unwrap())));
    assert_eq!(by("viv", "a-token-of-viv").await.0, 200);
    assert_eq!(by("eve", "a-token-of-eve").await.0, 403);
    assert_eq!(by("eve", "wrong").await.0, 401);
    let (status, shown) = bare(&image).await;
    assert!(!shown.starts_with(b"\x89PNG"), "{status}");
    // There is no link that would open it.
    assert_eq!(bare(&server.url("/snapshots/0123456789abcdef0123456789abcdef.png")).await.0, 404);
}

/// `kill -9` while some wait and one is being drawn: each is drawn in the end, none twice.
#[tokio::test]
async fn killed_in_every_state_none_is_lost_or_drawn_twice() {
    let (_dir, data) = fresh();
    let mut server = serve(&data, "off");
    chart(&server).await;
    for _ in 0..6 {
        call(&server, "POST", "/v1/snapshots", declared()).await;
    }
    let (_, job) = call(&server, "GET", "/v1/jobs/6", Value::Null).await;
    assert!(job["state"] == "queued" && job["output"].as_str().unwrap().contains("--snapshots off"), "{job}");
    server.kill();
    // One was being drawn when the last server died.
    sqlite(&data, "UPDATE jobs SET state = 'working' WHERE id = 2");
    for _ in 0..3 {
        let mut server = serve(&data, "link");
        call(&server, "GET", "/v1/jobs/1", Value::Null).await;
        server.kill();
    }
    let server = serve(&data, "link");
    for job in 1..=6 {
        assert_eq!(ended(&server, job).await["state"], "complete", "{job}");
    }
    drop(server);
    assert_eq!(sqlite(&data, "SELECT count(*) || ' ' || count(DISTINCT snapshot_id) FROM pictures"), "6 6");
}

#[tokio::test]
async fn a_full_queue_is_refused_until_there_is_room() {
    let (_dir, data) = fresh();
    let mut server = serve(&data, "off");
    chart(&server).await;
    call(&server, "POST", "/v1/snapshots", declared()).await;
    server.kill();
    let many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 999) INSERT INTO jobs (state) SELECT 'queued' FROM n";
    sqlite(&data, many);
    let server = serve(&data, "off");
    let (status, refused) = call(&server, "POST", "/v1/snapshots", declared()).await;
    assert!(status == 429 && refused["errors"]["request"].is_array(), "{status} {refused}");
    drop(server);
    sqlite(&data, "DELETE FROM jobs WHERE id = 1000");
    let server = serve(&data, "off");
    assert_eq!(call(&server, "POST", "/v1/snapshots", declared()).await.0, 202);
}

/// Runs a statement on a file that no server has open; the first value of its answer.
fn sqlite(data: &Path, statement: &str) -> String {
    let program = "import sqlite3, sys\nwith sqlite3.connect(sys.argv[1]) as file:\n    row = file.execute(sys.argv[2]).fetchone()\nprint(row[0] if row else '')";
    let output = std::process::Command::new("python3")
        .args(["-c", program])
        .arg(data)
        .arg(statement)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
