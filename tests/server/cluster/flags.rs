//! `serve --store`: what it says, what it refuses, and what is told of a database that is gone.

use std::time::Duration;

use serde_json::Value;

use super::{command, serve, store};
use crate::server::{Server, TOKEN, USER, client};

async fn get(server: &Server, path: &str) -> (u16, String) {
    let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn a_server_says_what_it_serves_and_how_the_database_is() {
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    let server = serve(&address, &["--parts", "16", "--node", "web-1"]);
    let log = server.log_with("listening on");
    assert!(
        log.contains("/monitoring, schema librato_apply") && log.contains("not evaluated (--no-alerts)"),
        "{log}"
    );
    let names = "SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'librato-apply web-1'";
    assert_eq!(postgres.sql("monitoring", names), "t");
    assert_eq!(postgres.sql("monitoring", "SELECT parts FROM librato_apply.meta"), "16");
    let (status, body) = get(&server, "/v1/backup").await;
    assert!(status == 409 && body.contains("have PostgreSQL make its backups"), "{body}");

    assert_eq!(get(&server, "/readyz").await, (200, "ok\n".to_owned()));
    let (_, metrics) = get(&server, "/metrics").await;
    assert!(metrics.contains("\nlibrato_apply_file_writable 1\n"), "{metrics}");
    let size = metrics.lines().find_map(|line| line.strip_prefix("librato_apply_data_bytes ")).unwrap();
    assert!(size.parse::<u64>().unwrap() > 100_000, "{size}");

    let refused = command(&address, &["--parts", "64"]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert!(refused.status.code() == Some(1) && said.contains("made with 16 parts"), "{said}");

    drop(postgres);
    let mut tries = 0..300;
    let body = loop {
        match get(&server, "/readyz").await {
            (503, body) => break body,
            _ => tries.next().expect("a server without a database is not ready"),
        };
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(body.contains("the database does not answer"), "{body}");
    assert_eq!(get(&server, "/healthz").await.0, 200, "it lives");
    server.log_with("nothing can be written: the database does not answer");
    let (_, health) = get(&server, "/v1/health").await;
    let health: Value = serde_json::from_str(&health).unwrap();
    assert_eq!(health["status"], "failing");
    assert!(get(&server, "/metrics").await.1.contains("\nlibrato_apply_file_writable 0\n"));
    server.stop();
}

#[test]
fn a_database_that_is_not_there_is_named_without_secrets() {
    if !store::is_postgres() {
        return;
    }
    let mut command = command("postgres://u@127.0.0.1:1/d", &[]);
    command.env("LIBRATO_SERVE_STORE_PASSWORD", "canary");
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert_eq!(done.status.code(), Some(1), "{said}");
    assert!(
        said.contains("cannot use the database postgres://127.0.0.1/d") && !said.contains("canary"),
        "{said}"
    );
}
