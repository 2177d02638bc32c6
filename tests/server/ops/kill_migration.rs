//! Sudden death while blocks of an older file become pages: nothing of them may be missing, and nothing may be there twice.
//!
//! KILLS=25 in the environment asks for more rounds than the usual four.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use librato_apply::serve::packing;
use rusqlite::{Connection, params};
use serde_json::{Value, json};

use super::kill::random;
use crate::server::{Server, TOKEN, USER, check, client, fresh};

const SERIES: i64 = 1_500;
const HOURS: i64 = 8;

async fn send(server: &Server, time: i64, value: f64) {
    let one = |n: i64| json!({"name": "m", "time": time, "value": value, "tags": {"n": n.to_string()}});
    let body = json!({ "measurements": (0..SERIES).map(one).collect::<Vec<_>>() });
    let request = client().post(server.url("/v1/measurements")).basic_auth(USER, Some(TOKEN)).json(&body);
    assert_eq!(request.send().await.unwrap().status(), 202);
}

/// What is stored of each series: how many points, and their sum.
async fn stored(server: &Server) -> BTreeMap<String, (f64, f64)> {
    let mut found = BTreeMap::new();
    for (place, function) in ["count", "sum"].into_iter().enumerate() {
        let mut path = format!("/v1/measurements/m?resolution=1&duration=86400&summary_function={function}");
        loop {
            let answer = client().get(server.url(&path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
            let page: Value = answer.json().await.unwrap();
            for stream in page["series"].as_array().unwrap_or_else(|| panic!("{page}")) {
                let sum = stream["measurements"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|point| point["value"].as_f64().unwrap());
                let both: &mut (f64, f64) =
                    found.entry(stream["tags"]["n"].as_str().unwrap().to_owned()).or_default();
                *(if place == 0 { &mut both.0 } else { &mut both.1 }) += sum.sum::<f64>();
            }
            match page["links"][0]["href"].as_str() {
                Some(next) => path = next.to_owned(),
                None => break,
            }
        }
    }
    found
}

/// Puts blocks, as earlier versions wrote them, in the place of what is in pages: one for each series and hour.
fn make_older(data: &Path, now: i64) -> i64 {
    let mut file = Connection::open(data).unwrap();
    let change = file.transaction().unwrap();
    change.execute("DELETE FROM pages", []).unwrap();
    let series: Vec<i64> = change
        .prepare("SELECT id FROM series ORDER BY id")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for id in series {
        for hour in 1..=HOURS {
            let start = now - now.rem_euclid(3600) - 3600 * hour;
            let block =
                packing::pack(&(0..4).map(|n| (start + 600 * n + id % 600, n as f64)).collect::<Vec<_>>());
            let sql = "INSERT INTO blocks (series_id, resolution, start, block) VALUES (?1, 1, ?2, ?3)";
            change.execute(sql, params![id, start, block]).unwrap();
        }
    }
    let count = change.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0)).unwrap();
    change.commit().unwrap();
    count
}

async fn to_go(server: &Server) -> u64 {
    let page = client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let page = page.text().await.unwrap();
    let line = page.lines().find_map(|line| line.strip_prefix("librato_apply_blocks_to_migrate "));
    line.unwrap_or_else(|| panic!("{page}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_server_is_killed_while_blocks_become_pages() {
    let rounds: usize = std::env::var("KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4);
    let (_dir, data) = fresh();
    let now = jiff::Timestamp::now().as_second();
    let server = Server::start(&data, &["-q"]);
    send(&server, now - 60, 1.0).await;
    server.stop();
    let blocks = make_older(&data, now);
    assert_eq!(blocks, SERIES * HOURS);
    let before = std::fs::metadata(&data).unwrap().len();
    let mut sent = 0;
    for round in 0..rounds {
        let mut server = Server::start(&data, &["-q"]);
        send(&server, now - 3600, 0.5).await;
        sent += 1;
        // The first step is taken after a second.
        tokio::time::sleep(Duration::from_millis(800 + random(600))).await;
        server.kill();
        let (sound, report) = check(&data);
        assert!(sound, "after round {round}: {report}");
    }
    let server = Server::start(&data, &["-q"]);
    let expected = (f64::from(4 * HOURS as i32 + sent), 6.0 * HOURS as f64 + 0.5 * f64::from(sent));
    loop {
        let left = to_go(&server).await;
        let found = stored(&server).await;
        assert_eq!(found.len(), SERIES as usize);
        let wrong: Vec<_> = found.iter().filter(|(_, both)| **both != expected).take(3).collect();
        assert!(wrong.is_empty(), "{wrong:?} instead of {expected:?}, with {left} blocks to go");
        if left == 0 {
            break;
        }
    }
    server.stop();
    let file = Connection::open(&data).unwrap();
    let left: i64 = file.query_row("SELECT count(*) FROM blocks", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
    let after = std::fs::metadata(&data).unwrap().len();
    assert!(after <= before + before / 10, "{after} bytes, from {before}");
    assert!(check(&data).0);
}
