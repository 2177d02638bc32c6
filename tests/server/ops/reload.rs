//! Users and certificates that are read again on a hangup signal, while the server runs.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::server::{Server, TOKEN, USER, client, fresh};

/// Sends the signal and waits until the log has said `words` so many times.
async fn read_again(server: &Server, words: &str, times: usize) {
    server.hang_up();
    let mut tries = 0..1000;
    while server.log().matches(words).count() < times {
        tries.next().unwrap_or_else(|| panic!("no {words:?} in {}", server.log()));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn status(server: &Server, user: &str, token: &str) -> u16 {
    let request = client().get(server.url("/v1/metrics")).basic_auth(user, Some(token));
    request.send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_token_is_revoked_and_another_given_without_a_restart() {
    let (dir, data) = fresh();
    let users = dir.path().join("users");
    let write = |text: &str| std::fs::write(&users, text).unwrap();
    write("agent agent-canary-1 recorder\nwall wall-canary viewer\nci ci-canary-1 operator\n");
    let mut server = Server::start(&data, &["--credentials", users.to_str().unwrap()]);
    assert_eq!(status(&server, "agent", "agent-canary-1").await, 200);
    write("agent agent-canary-2 recorder\nnight short operator\nci ci-canary-1 operator\n");
    read_again(&server, "credentials were read again", 1).await;
    let log = server.log();
    assert!(log.contains("added night; changed agent; removed wall"), "{log}");
    assert!(log.contains("less than 8 characters") && log.contains("longer ones to night"), "{log}");
    for (user, token, expected) in [
        ("agent", "agent-canary-1", 401),
        ("agent", "agent-canary-2", 200),
        ("wall", "wall-canary", 401),
        ("ci", "ci-canary-1", 200),
        (USER, TOKEN, 200),
    ] {
        assert_eq!(status(&server, user, token).await, expected, "{user}");
    }
    // a file that cannot be used changes nothing
    write("agent agent-canary-3 owner\n");
    read_again(&server, "the credentials stay as they were", 1).await;
    assert!(server.log().contains("the role in line 1 is none of"), "{}", server.log());
    std::fs::remove_file(&users).unwrap();
    read_again(&server, "the credentials stay as they were", 2).await;
    // a pipe would be waited for, and all that the server does with it
    assert!(std::process::Command::new("mkfifo").arg(&users).status().unwrap().success());
    read_again(&server, "no regular file", 1).await;
    assert_eq!(status(&server, "agent", "agent-canary-2").await, 200);
    assert!(server.runs() && !server.log().contains("canary-"), "{}", server.log());
}

#[tokio::test]
async fn a_token_file_is_read_again() {
    let (dir, data) = fresh();
    let file = dir.path().join("token");
    std::fs::write(&file, "first-canary\n").unwrap();
    let server = Server::start(&data, &["--token-file", file.to_str().unwrap()]);
    assert_eq!(status(&server, USER, "first-canary").await, 200);
    std::fs::write(&file, "second-canary\n").unwrap();
    read_again(&server, "credentials were read again", 1).await;
    assert_eq!(
        (status(&server, USER, "first-canary").await, status(&server, USER, "second-canary").await),
        (401, 200)
    );
}

/// Writes a new pair over the files and returns the certificate.
pub fn renew(certificate: &Path, key: &Path) -> String {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(certificate, made.cert.pem()).unwrap();
    std::fs::write(key, made.signing_key.serialize_pem()).unwrap();
    made.cert.pem()
}

async fn trusts(server: &Server, certificate: &str) -> bool {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = reqwest::Certificate::from_pem(certificate.as_bytes()).unwrap();
    let client =
        reqwest::Client::builder().no_proxy().tls_certs_only([trusted]).timeout(Duration::from_secs(30));
    let request = client.build().unwrap().get(format!("https://{}/healthz", server.host));
    request.send().await.is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn a_certificate_is_renewed_without_a_restart() {
    let (dir, data) = fresh();
    let path = |name: &str| -> PathBuf { dir.path().join(name) };
    let (certificate, key) = (path("cert.pem"), path("key.pem"));
    let first = renew(&certificate, &key);
    let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let server = Server::start(&data, &files);
    assert!(trusts(&server, &first).await);
    let second = renew(&certificate, &key);
    read_again(&server, "the certificate was read again", 1).await;
    assert!(trusts(&server, &second).await && !trusts(&server, &first).await);
    // a key of another certificate: the pair at hand is kept
    renew(&path("other"), &key);
    read_again(&server, "the certificate stays as it was", 1).await;
    assert!(server.log().contains("cannot be used together"), "{}", server.log());
    assert!(trusts(&server, &second).await);
}

/// As a terminal that is closed expects.
#[test]
fn with_nothing_to_read_again_a_hangup_ends_the_server() {
    let (_dir, data) = fresh();
    let mut server = Server::start(&data, &[]);
    server.hang_up();
    server.wait();
}
