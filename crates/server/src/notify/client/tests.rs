//! Attempts at a far end that behaves badly in every way.

use std::io::Write as _;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use url::Url;

use super::*;
use crate::notify::judge::Success;
use crate::notify::sink::{Act, Sink, answer};

const SHORT: Patience = Patience { connect: Duration::from_millis(400), whole: Duration::from_millis(600) };

fn client(allow: &[&str]) -> Client {
    let allow = allow.iter().map(|text| text.parse().unwrap()).collect();
    Client::new(&Way { allow, patience: SHORT, ..Way::default() }).unwrap()
}

fn post(url: &str) -> Http {
    let headers =
        vec![("Content-Type", "application/json".to_owned()), ("Idempotency-Key", "k-1".to_owned())];
    let url = Url::parse(url).unwrap();
    Http { url, headers, body: b"{}".to_vec(), success: Success::Status, trusted: false }
}

async fn ask(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> (Result<Answered, Failed>, Sink) {
    let sink = Sink::start(act).await;
    let answered = client(&["127.0.0.1"]).send(&post(&sink.url())).await;
    (answered, sink)
}

#[tokio::test]
async fn what_it_sends_and_hears() {
    let (answered, sink) = ask(|_, _| answer(429, "retry-after: 7\r\n", "slow down")).await;
    let answered = answered.unwrap();
    assert_eq!((answered.status, answered.retry_after.as_deref(), answered.whole), (429, Some("7"), true));
    assert_eq!(answered.body, b"slow down");
    let requests = sink.requests.lock().unwrap();
    let request = requests[0].to_ascii_lowercase();
    assert!(request.starts_with("post /hook/s3cret http/1.1\r\n"), "{request}");
    assert!(
        request.contains("idempotency-key: k-1") && request.contains("user-agent: librato-apply/"),
        "{request}"
    );
}

#[tokio::test]
async fn a_redirection_is_an_answer_like_another() {
    let (answered, sink) =
        ask(|_, _| answer(302, "location: http://169.254.169.254/latest/meta-data/\r\n", "")).await;
    assert_eq!(answered.unwrap().status, 302);
    assert_eq!(sink.count(), 1);
}

#[tokio::test]
async fn who_hangs_is_left_and_who_may_have_read_is_in_doubt() {
    let unanswered = |result: Result<Answered, Failed>| match result.unwrap_err() {
        Failed::Unanswered(why) => why,
        other => panic!("{other:?}"),
    };
    let (before, cut) = tokio::join!(ask(|_, _| Act::Hang(String::new())), ask(|_, _| Act::Cut));
    assert_eq!(unanswered(before.0), "no answer in time");
    let why = unanswered(cut.0);
    assert!(why.starts_with("no answer") && !why.contains("s3cret"), "{why}");
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned();
    let (after, endless) = tokio::join!(ask(move |_, _| Act::Hang(head.clone())), ask(|_, _| Act::Endless));
    let after = after.0.unwrap();
    assert_eq!((after.status, after.body.as_slice(), after.whole), (200, &b"half"[..], false));
    let endless = endless.0.unwrap();
    assert_eq!((endless.status, endless.body.len(), endless.whole), (200, READ, true));
}

#[tokio::test]
async fn nobody_there_means_that_nothing_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let gone = listener.local_addr().unwrap();
    drop(listener);
    let failed = client(&["127.0.0.1"]).send(&post(&format!("http://{gone}/s3cret"))).await.unwrap_err();
    assert!(matches!(&failed, Failed::Unconnected(why) if !why.contains("s3cret")), "{failed:?}");
    // plain HTTP where TLS is spoken
    let sink = Sink::start(|_, _| answer(200, "", "ok")).await;
    let url = sink.url().replace("http:", "https:");
    let failed = client(&["127.0.0.1"]).send(&post(&url)).await.unwrap_err();
    assert!(matches!(failed, Failed::Unconnected(_)), "{failed:?}");
    assert_eq!(sink.count(), 0);
}

#[tokio::test]
async fn the_guard_stands_before_every_connection() {
    let sink = Sink::start(|_, _| answer(200, "", "ok")).await;
    let named = format!("http://localhost:{}/s3cret", sink.address.port());
    for url in [sink.url(), named.clone(), sink.url().replace("127.0.0.1", "2130706433")] {
        let failed = client(&[]).send(&post(&url)).await.unwrap_err();
        assert!(matches!(failed, Failed::Refused(_)), "{url}: {failed:?}");
        let said = failed.to_string();
        assert!(said.contains("--notify-allow") && !said.contains("s3cret"), "{said}");
    }
    assert_eq!(sink.count(), 0);
    assert_eq!(client(&["localhost"]).send(&post(&named)).await.unwrap().status, 200);
    let trusted = Http { trusted: true, ..post(&sink.url()) };
    assert_eq!(client(&[]).send(&trusted).await.unwrap().status, 200, "the operator chose it");
}

/// Answers 200 over TLS with a certificate of its own, which is returned.
async fn encrypted() -> (std::net::SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(made.signing_key.serialize_pem().as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
            let _ = stream.shutdown().await;
        }
    });
    (address, made.cert.pem())
}

#[tokio::test]
async fn a_certificate_must_be_trusted() {
    let (address, pem) = encrypted().await;
    let url = format!("https://{address}/");
    let failed = client(&["127.0.0.1"]).send(&post(&url)).await.unwrap_err();
    assert!(matches!(failed, Failed::Unconnected(_)), "{failed:?}");
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(pem.as_bytes()).unwrap();
    let allow = vec!["127.0.0.1".parse().unwrap()];
    let way = Way { allow: allow.into(), ca_file: Some(file.path().to_owned()), ..Way::default() };
    assert_eq!(Client::new(&way).unwrap().send(&post(&url)).await.unwrap().status, 200);
    file.as_file().set_len(0).unwrap();
    assert!(Client::new(&way).unwrap_err().to_string().contains("no PEM certificate"));
}

#[tokio::test]
async fn everything_goes_through_the_proxy_that_is_given() {
    let proxy = Sink::start(|_, _| answer(200, "", "by proxy")).await;
    let way =
        Way { proxy: Some(format!("http://{}", proxy.address).into()), patience: SHORT, ..Way::default() };
    let client = Client::new(&way).unwrap();
    // The name need not be known here, but addresses are still judged.
    assert_eq!(client.send(&post("http://hooks.invalid/x")).await.unwrap().body, b"by proxy");
    assert!(proxy.requests.lock().unwrap()[0].starts_with("POST http://hooks.invalid/x"));
    assert!(matches!(client.send(&post("http://10.0.0.1/x")).await, Err(Failed::Refused(_))));
    for bad in ["proxy:3128", "socks5://s3cret@proxy", "ftp://proxy"] {
        let error = Client::new(&Way { proxy: Some(bad.into()), ..Way::default() }).unwrap_err().to_string();
        assert!(!error.contains("s3cret"), "{error}");
    }
}
