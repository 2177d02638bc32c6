//! The credential goes to the endpoint and nowhere else: headers, proxies, certificates, texts.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::Arc;

use crate::upstream::{self, Upstream};
use librato_apply::remote::{Client, ClientError, Config, Endpoint, ReadApi, TransportKind};
use serde_json::json;

#[tokio::test]
async fn credentials_go_as_basic_authentication_and_appear_nowhere_else() {
    let service = Upstream::start(|_| upstream::json(401, &json!({"errors": {"request": ["no"]}}))).await;
    let client = upstream::client(service.addr);
    let error = client.get("/metrics", &[]).await.unwrap_err();
    // base64 of `me@example.com:canary-token-0123`
    let basic = "Basic bWVAZXhhbXBsZS5jb206Y2FuYXJ5LXRva2VuLTAxMjM=";
    let seen = service.seen().remove(0);
    assert_eq!(seen.headers["authorization"], basic);
    assert_eq!(seen.headers["accept"], "application/json");
    assert!(seen.headers["user-agent"].to_str().unwrap().starts_with("librato-apply/"));
    let said = format!("{client:?} {:?} {error} {error:?}", client.config());
    assert!(!said.contains("canary") && !said.contains("bWVA"), "{said}");
}

#[test]
fn a_user_name_with_a_colon_is_refused() {
    let config = upstream::config(SocketAddr::from(([127, 0, 0, 1], 1)));
    let error = Client::new(Config { user: "a:b".into(), ..config }).unwrap_err();
    assert_eq!(error, ClientError::User);
}

/// This test program, to be run with its ignored test `name` alone: environments belong to processes.
fn alone(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored"]);
    command
}

fn succeeds(mut command: Command) {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Runs the ignored test `name` with proxy variables that point at `proxy`.
fn run_behind_proxy(name: &str, proxy: SocketAddr) {
    let mut command = alone(name);
    for variable in ["NO_PROXY", "no_proxy", "REQUEST_METHOD"] {
        command.env_remove(variable);
    }
    for variable in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env(variable, format!("http://{proxy}"));
    }
    succeeds(command);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_environments_proxy_is_used_only_where_it_may_be() {
    let proxy = Upstream::start(|_| upstream::json(200, &json!("from the proxy"))).await;
    let addr = proxy.addr;
    tokio::task::spawn_blocking(move || run_behind_proxy("secrecy::behind_a_proxy", addr)).await.unwrap();
    assert_eq!(proxy.seen().len(), 1, "of three clients one uses the proxy");
}

#[tokio::test]
#[ignore = "run by another test, in an environment with a proxy"]
async fn behind_a_proxy() {
    let service = Upstream::start(|_| upstream::json(200, &json!("direct"))).await;
    // Reaches the same service, but does not count as a loopback address.
    let by_other_name = Endpoint::parse(&format!("http://0.0.0.0:{}", service.addr.port()), true).unwrap();
    let config = upstream::config(service.addr);
    for (endpoint, use_proxy, expected) in [
        (by_other_name.clone(), true, "from the proxy"),
        (by_other_name, false, "direct"),
        (config.endpoint.clone(), true, "direct"),
    ] {
        let client = Client::new(Config { endpoint, use_proxy, ..config.clone() }).unwrap();
        assert_eq!(client.get("/metrics", &[]).await.unwrap(), json!(expected));
    }
}

/// An HTTPS server with a certificate of its own for `localhost`: its port, and the certificate as PEM.
fn https_server() -> (u16, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(certified.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let Ok(session) = rustls::ServerConnection::new(Arc::clone(&config)) else { continue };
            let mut tls = rustls::StreamOwned::new(session, stream);
            if tls.read(&mut [0; 4096]).is_ok() {
                let _ =
                    tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\ntrue");
                tls.conn.send_close_notify();
                let _ = tls.flush();
            }
        }
    });
    (port, certified.cert.pem())
}

#[tokio::test]
async fn a_certificate_of_ones_own_is_trusted_only_with_the_ca_file() {
    let (port, pem) = https_server();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), pem).unwrap();
    let endpoint = Endpoint::parse(&format!("https://localhost:{port}"), false).unwrap();
    let config = Config { endpoint, ..upstream::config(SocketAddr::from(([127, 0, 0, 1], 1))) };

    let error = Client::new(config.clone()).unwrap().get("/metrics", &[]).await.unwrap_err();
    assert!(error.to_string().contains("--ca-file"), "{error}");
    let kind = matches!(error, librato_apply::remote::ApiError::Transport { kind: TransportKind::Tls, .. });
    assert!(kind && !error.is_passing() && !error.may_have_been_executed(), "{error:?}");

    let trusting = Client::new(Config { ca_file: Some(file.path().to_owned()), ..config }).unwrap();
    assert_eq!(trusting.get("/metrics", &[]).await.unwrap(), json!(true));
}

#[test]
fn a_ca_file_without_certificates_is_refused_by_name() {
    let config = upstream::config(SocketAddr::from(([127, 0, 0, 1], 1)));
    let empty = tempfile::NamedTempFile::new().unwrap();
    for (file, words) in [(empty.path(), "no PEM certificate"), ("/nowhere/ca.pem".as_ref(), "No such file")]
    {
        let error = Client::new(Config { ca_file: Some(file.to_owned()), ..config.clone() }).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(words) && text.contains(&file.display().to_string()), "{text}");
    }
}

#[test]
fn a_machine_without_ca_store_can_still_have_a_client() {
    let mut command = alone("secrecy::without_ca_store");
    command.envs([("SSL_CERT_FILE", "/nowhere"), ("SSL_CERT_DIR", "/nowhere")]);
    succeeds(command);
}

#[tokio::test]
#[ignore = "run by another test, in an environment without root certificates"]
async fn without_ca_store() {
    let service = Upstream::start(|_| upstream::json(200, &json!("direct"))).await;
    assert_eq!(upstream::client(service.addr).get("/metrics", &[]).await.unwrap(), json!("direct"));
}
