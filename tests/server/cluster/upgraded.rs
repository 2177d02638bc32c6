//! `serve upgrade` and `--duties`: what is refused while an older server is there, what a restored database may do, and who takes requests.

use std::process::Command;

use serde_json::Value;

use super::{serve, store};
use crate::server::{Server, TOKEN, USER, client};

/// Runs `serve upgrade`: its exit code and all it said.
fn upgrade(arguments: &[&str]) -> (Option<i32>, String) {
    let program = env!("CARGO_BIN_EXE_librato-apply");
    let done = Command::new(program).args(["serve", "upgrade"]).args(arguments).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout) + &text(&done.stderr))
}

async fn get(server: &Server, path: &str) -> (u16, String) {
    let answer = client().get(server.url(path)).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn two_versions_share_a_database_until_it_is_upgraded() {
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    let server = serve(&address, &["--node", "web-1"]);
    assert_eq!(get(&server, "/readyz").await.0, 200);
    let (code, said) = upgrade(&[&address]);
    assert!(code == Some(0) && said.contains("is at level 5 already"), "{said}");
    // As a server of the version before says of itself.
    postgres.sql("monitoring", "UPDATE librato_apply.nodes SET level = 2");
    let (code, said) = upgrade(&[&address]);
    assert!(code == Some(1) && said.contains("older version use the database: web-1 ("), "{said}");
    server.stop();
    let (code, said) = upgrade(&["--adopt", &address]);
    assert!(code == Some(0) && said.contains("nothing to adopt"), "{said}");
    let (code, said) = upgrade(&["librato.db"]);
    assert!(code == Some(64) && said.contains("this is a file"), "{said}");
}

#[tokio::test]
async fn a_restored_database_notifies_nobody_until_it_is_adopted() {
    let Some(postgres) = store::durable(&[]) else { return };
    let address = postgres.create("monitoring");
    serve(&address, &[]).stop();
    postgres.sql("monitoring", "UPDATE librato_apply.meta SET origin = '1'");
    let server = serve(&address, &["--duties", "maintenance,alerts"]);
    server.log_with("was restored from another PostgreSQL: a server over it notifies nobody");
    let health: Value = serde_json::from_str(&get(&server, "/v1/health").await.1).unwrap();
    let original = health["checks"].as_array().unwrap().iter().find(|check| check["name"] == "original");
    assert_eq!(original.unwrap()["status"], "failing", "{health}");
    let (status, body) = get(&server, "/readyz").await;
    assert!(status == 503 && body.contains("--duties"), "{body}");
    server.stop();
    let (code, said) = upgrade(&["--adopt", &address]);
    assert!(code == Some(0) && said.contains("is the original from now on"), "{said}");
    let server = serve(&address, &[]);
    assert!(get(&server, "/metrics").await.1.contains("\nlibrato_apply_unadopted_copy 0\n"));
    server.stop();
}
