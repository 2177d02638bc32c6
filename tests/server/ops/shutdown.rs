//! A server that is asked to stop while clients write: what it acknowledged is in its file, and the file is sound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use crate::server::{Server, TOKEN, USER, check, client, fresh};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_asked_to_stop_under_load_loses_nothing() {
    let (dir, data) = fresh();
    let mut server = Server::start(&data, &["-q"]);
    let (client, acknowledged) = (client(), Arc::new(AtomicU64::new(0)));
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (client, acknowledged, url) = (client.clone(), Arc::clone(&acknowledged), server.url("/v1/measurements"));
            tokio::spawn(async move {
                for n in 0.. {
                    let body = json!({"tags": {"n": format!("{writer}.{n}")}, "measurements": [{"name": "m", "value": n}]});
                    let request = client.post(&url).basic_auth(USER, Some(TOKEN)).json(&body);
                    match request.send().await {
                        Ok(answer) if answer.status() == 202 => acknowledged.fetch_add(1, Ordering::SeqCst),
                        Ok(answer) => panic!("answered {}", answer.status()),
                        // the connection was refused, or closed while it was idle
                        Err(_) => return n,
                    };
                }
                0
            })
        })
        .collect();
    while acknowledged.load(Ordering::SeqCst) < 300 {
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    server.ask_to_stop();
    assert!(server.wait().success(), "{}", server.log());
    for writer in writers {
        assert!(writer.await.unwrap() > 0);
    }
    assert!(!dir.path().join("a.db-wal").exists(), "the log was folded into the file");
    let (sound, report) = check(&data);
    assert!(sound, "{report}");
    let acknowledged = acknowledged.load(Ordering::SeqCst);
    let series = number_of(&report, "series");
    assert!((acknowledged..=acknowledged + 8).contains(&series), "{acknowledged} acknowledged, {report}");
}

/// The number before `name` in a report of `serve --check`.
pub fn number_of(report: &str, name: &str) -> u64 {
    let counts = report.lines().flat_map(|line| line.split(", "));
    let counted = counts.filter_map(|count| count.strip_suffix(&format!(" {name}"))).next();
    counted
        .and_then(|count| count.split_whitespace().last()?.parse().ok())
        .unwrap_or_else(|| panic!("no {name} in {report}"))
}
