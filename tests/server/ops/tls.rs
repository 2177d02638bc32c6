//! HTTPS by certificate and key files.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;
use std::time::Duration;

use super::raw::{connect, until_closed};
use crate::server::{Server, TOKEN, USER, fresh};

#[tokio::test]
async fn https_with_a_certificate_of_ones_own() {
    let (dir, data) = fresh();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (certificate, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let paths = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let server = Server::start(&data, &paths);
    assert!(server.log().contains("others can read the private key in"), "{}", server.log());
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

/// A certificate with its key in files.
fn pair(
    dir: &std::path::Path,
    name: &str,
    change: impl FnOnce(&mut rcgen::CertificateParams),
) -> [std::path::PathBuf; 2] {
    let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    change(&mut params);
    let key = rcgen::KeyPair::generate().unwrap();
    let made = params.self_signed(&key).unwrap();
    let files = [dir.join(format!("{name}.cert")), dir.join(format!("{name}.key"))];
    std::fs::write(&files[0], made.pem()).unwrap();
    std::fs::write(&files[1], key.serialize_pem()).unwrap();
    files
}

/// What `get metrics` says of this endpoint.
fn told(endpoint: &str, ca_file: Option<&std::path::Path>) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command.args(["get", "metrics", "--endpoint", endpoint, "--user", USER]).env("LIBRATO_TOKEN", TOKEN);
    if let Some(file) = ca_file {
        command.arg("--ca-file").arg(file);
    }
    let done = command.output().unwrap();
    assert_eq!(done.status.code(), Some(1), "{done:?}");
    String::from_utf8(done.stderr).unwrap()
}

#[test]
fn a_client_says_in_one_line_what_is_wrong_with_a_certificate_and_how_to_mend_it() {
    let (dir, _) = fresh();
    let expired = pair(dir.path(), "expired", |params| params.not_after = rcgen::date_time_ymd(2021, 1, 1));
    let later = pair(dir.path(), "later", |params| params.not_before = rcgen::date_time_ymd(2990, 1, 2));
    let authority = pair(dir.path(), "authority", |params| {
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    });
    let other_name = pair(dir.path(), "other", |params| {
        params.subject_alt_names = vec![rcgen::SanType::DnsName("metrics.example.org".try_into().unwrap())];
    });
    let own = pair(dir.path(), "own", |_| {});
    let elsewhere = pair(dir.path(), "elsewhere", |params| {
        params.distinguished_name.push(rcgen::DnType::CommonName, "elsewhere");
    });
    let unasked = "comes from an authority that this machine does not know; if it is your own, give its certificate \
                   with --ca-file\n";
    let unhelped = "nor in the file of --ca-file; that file must hold the authority's certificate\n";
    for (name, [certificate, key], trusted, text) in [
        (
            "a",
            &expired,
            Some(&expired[0]),
            "the certificate of the service expired on 2021-01-01; renew it\n",
        ),
        (
            "b",
            &later,
            Some(&later[0]),
            "is valid from 2990-01-02 on only; is the clock of this machine right?\n",
        ),
        ("c", &authority, Some(&authority[0]), "-addext basicConstraints=critical,CA:FALSE`\n"),
        (
            "d",
            &other_name,
            Some(&other_name[0]),
            "is not for 127.0.0.1 but for metrics.example.org; give one of its names as the endpoint, or make it anew \
             with this one\n",
        ),
        ("e", &own, None, unasked),
        ("f", &own, Some(&elsewhere[0]), unhelped),
        ("g", &own, Some(&authority[0]), "though it has the same issuer's name; give the present one\n"),
    ] {
        let data = dir.path().join(name);
        let paths = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
        let server = Server::start(&data, &paths);
        let said = told(&format!("https://{}", server.host), trusted.map(|file| file.as_path()));
        assert!(said.ends_with(text), "{name}: {said}");
        assert!(said.contains("no secure connection"), "{name}: {said}");
        assert_eq!(said.lines().count(), 1, "{name}: {said}");
    }
}

#[test]
fn a_client_that_speaks_the_other_protocol_is_told_which_one_to_write() {
    let (dir, data) = fresh();
    let plain = Server::start(&data, &[]);
    let said = told(&format!("https://{}", plain.host), None);
    assert!(said.ends_with("this port speaks http; write http:// in the endpoint\n"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    let [certificate, key] = pair(dir.path(), "own", |_| {});
    let paths = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let secure = Server::start(&dir.path().join("secure.db"), &paths);
    let said = told(&format!("http://{}", secure.host), None);
    assert!(said.contains("this port does not speak http; is it https?"), "{said}");
}
