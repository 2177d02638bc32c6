//! HTTPS by certificate and key files.

use std::io::Write as _;
use std::process::Command;
use std::time::Duration;

use crate::raw::{connect, until_closed};
use crate::server::{Server, TOKEN, USER, fresh};

#[tokio::test]
async fn https_with_a_certificate_of_ones_own() {
    let (dir, data) = fresh();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let paths = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let server = Server::start(&data, &paths);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .no_proxy()
        .tls_certs_only([trusted])
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap();
    let url = format!("https://{}/v1/metrics", server.host);
    let answer = client.get(&url).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    // plain text is no handshake
    let mut plain = connect(&server);
    plain.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    assert!(!until_closed(&mut plain).contains("HTTP/1.1 200"));
    assert_eq!(client.get(&url).basic_auth(USER, Some(TOKEN)).send().await.unwrap().status(), 200);
    server.ask_to_stop();
    let mut server = server;
    assert!(server.wait().success());
}

#[test]
fn files_that_are_no_pair_are_refused() {
    let (dir, data) = fresh();
    let pair = |name: &str| {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let (certificate, key) =
            (dir.path().join(format!("{name}.cert")), dir.path().join(format!("{name}.key")));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        (certificate, key)
    };
    let (one, other) = (pair("one"), pair("other"));
    for (certificate, key, text) in [
        (&one.0, &other.1, "cannot be used together"),
        (&one.1, &one.1, "certificate in PEM form"),
        (&one.0, &one.0, "private key in PEM form"),
        (&one.0, &dir.path().join("none"), "private key in PEM form"),
    ] {
        let done = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
            .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"])
            .arg(&data)
            .arg("--tls-cert")
            .arg(certificate)
            .arg("--tls-key")
            .arg(key)
            .env("LIBRATO_TOKEN", TOKEN)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(64), "{said}");
        assert!(said.contains(text), "{said}");
    }
}
