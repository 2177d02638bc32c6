//! The server against python-librato 0.8.6 as it was published: other people's code is the witness of compatibility.
//! Installs the client from PyPI into target/. Where that is not possible the test says so and passes, unless
//! CONFORMANCE=required is set.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests are tests to us.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

const USER: &str = "ops@example.org";
const TOKEN: &str = "conformance-canary";

/// How long a server may take until it says where it listens.
const START: Duration = Duration::from_secs(30);

/// The real binary, serving a new file.
struct Server {
    process: Child,
    /// Host and port.
    host: String,
    log: Arc<Mutex<String>>,
    _data: tempfile::TempDir,
}

impl Server {
    fn start() -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
            .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--data"])
            .arg(data.path().join("conformance.db"))
            .env("LIBRATO_TOKEN", TOKEN)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (found, host) = mpsc::channel();
        let lines = Arc::clone(&log);
        // Reads for as long as the server lives, or its log would fill the pipe and stop it.
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("http://") {
                    let _ = found.send(address.split_whitespace().next().unwrap_or_default().to_owned());
                }
                lines.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let host = host.recv_timeout(START).unwrap_or_else(|_| {
            let _ = process.kill();
            panic!("the server does not say where it listens:\n{}", log.lock().unwrap())
        });
        Self { process, host, log, _data: data }
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The directory of the installed client, or why there is none.
fn client() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join("python-librato-0.8.6");
    if home.is_dir() {
        return Ok(home);
    }
    let fresh = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
    let installed = Command::new("python3")
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
        .args(["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--requirement"])
        .arg(clients().join("python_librato_086.txt"))
        .arg("--target")
        .arg(fresh.path())
        .output()
        .map_err(|error| format!("python3 cannot be run: {error}"))?;
    if !installed.status.success() {
        let reason = String::from_utf8_lossy(&installed.stderr);
        return Err(format!("python-librato 0.8.6 cannot be installed with pip:\n{}", reason.trim_end()));
    }
    // Moved into place when it is whole, so that a run that was cut short leaves nothing that looks finished.
    std::fs::rename(fresh.path(), &home).map_err(|error| error.to_string())?;
    Ok(home)
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

#[test]
fn python_librato_works_unmodified() {
    let client = match client() {
        Ok(client) => client,
        Err(reason) if std::env::var_os("CONFORMANCE").is_some_and(|wish| wish == "required") => {
            panic!("CONFORMANCE=required, but {reason}")
        }
        Err(reason) => {
            // Past the capture of the test runner, which would swallow it.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED python_librato_works_unmodified: {reason}\n");
            return;
        }
    };
    let server = Server::start();
    let driven = Command::new("python3")
        .arg(clients().join("python_librato_086.py"))
        .env("PYTHONPATH", client)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("CONFORMANCE_HOST", &server.host)
        .env("LIBRATO_USER", USER)
        .env("LIBRATO_TOKEN", TOKEN)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&driven.stderr);
    assert!(driven.status.success(), "{said}\n--- the server's log:\n{}", server.log());
    assert!(said.contains("\nOK"), "{said}");
    assert!(!server.log().contains(TOKEN), "the token is in the server's log");
}
