//! Mail and a real server of it: aiosmtpd takes, refuses, puts off and drops, with and without STARTTLS and a password.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use librato_apply::notify::{Handed, Letter, Mail, Patience, Relay, RelayOptions};
use serde_json::Value;

use crate::conformance::{installed, scripts};

/// A mail server that ends with the test.
struct Running {
    program: Child,
    said: BufReader<ChildStdout>,
    port: u16,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Running {
    fn start(home: &Path, arguments: &[&str]) -> Running {
        let mut command = Command::new("python3");
        command.env("PYTHONPATH", home).arg(scripts().join("smtp_server.py")).args(arguments);
        // It tells of every handshake that we break off.
        let mut program = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut running = Running { said: BufReader::new(program.stdout.take().unwrap()), program, port: 0 };
        running.port = running.line().trim().parse().unwrap();
        running
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line
    }

    /// The next mail that it read.
    fn mail(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    fn relay(&self, login: &str, query: &str, ca_file: Option<&Path>) -> Relay {
        let url = format!("smtp://{login}127.0.0.1:{}{query}", self.port).into();
        let patience = Patience::default();
        let options = RelayOptions {
            url: &url,
            password: None,
            from: None,
            host: "librato.example.org",
            ca_file,
            patience,
        };
        Relay::new(options).unwrap()
    }
}

/// Installed once: both tests ask for it at the same time.
static HOME: LazyLock<Option<PathBuf>> = LazyLock::new(install);

fn install() -> Option<PathBuf> {
    let installed = installed("aiosmtpd-1.4.6", |fresh| {
        let mut command = Command::new("python3");
        command
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                "--no-input",
                "--retries",
                "2",
            ])
            .args(["--root-user-action", "ignore", "--requirement"])
            .arg(scripts().join("aiosmtpd-1.4.6.txt"))
            .arg("--target")
            .arg(fresh);
        Ok(command)
    });
    match installed {
        Ok(home) => Some(home),
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|declared| declared == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "aiosmtpd SKIPPED: {reason}");
            None
        }
    }
}

fn mail(addresses: &[&str], first: bool) -> Mail {
    let letter = |to: &&str| Letter {
        to: (*to).to_owned(),
        message_id: format!("<k-1-{}.abc@librato.example.org>", u8::from(!first)),
        answers: (!first).then(|| "<k-1-0.abc@librato.example.org>".to_owned()),
    };
    Mail {
        letters: addresses.iter().map(letter).collect(),
        subject: "[Librato] Alert db.slow has triggered! \u{e9}".to_owned(),
        text: format!("one\n.\n..two\n.three \u{e9}\n{}\nend\n", "long ".repeat(1_000)),
        html: "<p>one</p>\n.\n<p>.two</p>\n".to_owned(),
        picture: None,
    }
}

fn nothing_left(handed: &Handed) -> bool {
    handed.waiting.is_empty() && handed.refused.is_empty() && handed.troubles.is_empty()
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_arrives_as_it_was_written_and_each_address_is_on_its_own() {
    let Some(home) = HOME.as_deref() else { return };
    let mut server = Running::start(home, &[]);
    let relay = server.relay("", "", None);
    let handed = relay.hand_over(&mail(&["a@example.org"], true), &[]).await;
    assert!(nothing_left(&handed) && handed.arrived, "{handed:?}");
    let read = server.mail();
    let sent = mail(&["a@example.org"], true);
    let lines = |text: &str| text.replace("\r\n", "\n").trim_end().to_owned();
    assert_eq!(lines(read["text"].as_str().unwrap()), lines(&sent.text), "dots and long lines survive");
    assert_eq!(lines(read["html"].as_str().unwrap()), lines(&sent.html));
    assert!(read["longest"].as_u64().unwrap() <= 998 && read["ascii"] == true, "{read}");
    let headers = &read["headers"];
    assert_eq!(headers["subject"], sent.subject);
    assert_eq!(
        (&headers["to"], &headers["auto-submitted"]),
        (&"a@example.org".into(), &"auto-generated".into())
    );
    assert_eq!(headers["message-id"], "<k-1-0.abc@librato.example.org>");
    assert_eq!(headers["from"], "librato-apply@librato.example.org");
    assert!(headers["in-reply-to"].is_null() && headers["references"].is_null());

    relay.hand_over(&mail(&["a@example.org"], false), &[]).await;
    let headers = server.mail()["headers"].clone();
    for name in ["in-reply-to", "references"] {
        assert_eq!(headers[name], "<k-1-0.abc@librato.example.org>", "{name}");
    }

    let all = ["bad@example.org", "grey@example.org", "drop@example.org", "z@example.org"];
    let handed = relay.hand_over(&mail(&all, true), &[]).await;
    assert_eq!(handed.refused, ["bad@example.org"]);
    assert_eq!(handed.waiting, ["grey@example.org", "drop@example.org"]);
    assert!(handed.arrived);
    for said in ["550 5.1.1 no such user", "451 4.7.1 greylisted"] {
        assert!(
            handed.troubles.iter().any(|trouble| trouble.contains(said)),
            "{said} in {:?}",
            handed.troubles
        );
    }
    let to = |read: &Value| read["to"].as_array().unwrap().clone();
    assert_eq!(
        (to(&server.mail()), to(&server.mail())),
        (vec!["drop@example.org".into()], vec!["z@example.org".into()])
    );
    let handed = relay.hand_over(&mail(&all, true), &handed.waiting).await;
    assert!(nothing_left(&handed), "{handed:?}");
    assert_eq!(to(&server.mail()), ["grey@example.org"]);
    let again = server.mail();
    assert_eq!(to(&again), ["drop@example.org"]);
    assert_eq!(again["headers"]["message-id"], "<k-1-0.abc@librato.example.org>", "recognisably the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_over_tls_to_a_relay_that_is_trusted() {
    let Some(home) = HOME.as_deref() else { return };
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let (cert, key) = (directory.path().join("cert.pem"), directory.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let files = [cert.to_str().unwrap(), key.to_str().unwrap(), "ops", "s3cret"];
    let mut server = Running::start(home, &files);
    let letter = mail(&["a@example.org"], true);

    let good = server.relay("ops:s3cret@", "?tls=required", Some(&cert));
    assert!(nothing_left(&good.hand_over(&letter, &[]).await));
    assert_eq!(server.mail()["encrypted"], true);
    let unchecked = server.relay("ops:s3cret@", "?tls=opportunistic", None);
    assert!(nothing_left(&unchecked.hand_over(&letter, &[]).await));
    assert_eq!(server.mail()["encrypted"], true);

    let wrong = server.relay("ops:wr0ng@", "?tls=required", Some(&cert)).hand_over(&letter, &[]).await;
    assert_eq!(wrong.refused, ["a@example.org"]);
    assert!(!wrong.arrived && wrong.troubles[0].contains("refuses user and password"), "{wrong:?}");
    assert!(!wrong.troubles[0].contains("wr0ng"));
    let untrusted = server.relay("ops:s3cret@", "?tls=required", None).hand_over(&letter, &[]).await;
    assert!(untrusted.waiting == ["a@example.org"] && !untrusted.arrived, "{untrusted:?}");

    let plain = Running::start(home, &[]);
    let stripped = plain.relay("", "?tls=required", Some(&cert)).hand_over(&letter, &[]).await;
    assert!(stripped.troubles[0].contains("no STARTTLS") && !stripped.arrived, "{stripped:?}");
}
