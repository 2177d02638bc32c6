//! The server against clients as they were published: other people's code is the witness of compatibility.
//! Installs them with their own package managers into target/, drives each against a server of its own, and prints a
//! table. Where that is not possible it says so and passes, unless CONFORMANCE=required is set.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // Helpers of tests are tests to us.

#[path = "support/server.rs"]
mod server;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use server::{Server, TOKEN, USER, client, fresh};

/// A published client and the script that drives it.
struct Client {
    name: &'static str,
    version: &'static str,
    install: fn(&Client) -> Result<PathBuf, String>,
    /// Runs the script; the directory is where `install` put the client.
    command: fn(&Path) -> Command,
}

const CLIENTS: &[Client] = &[
    Client {
        name: "python-librato",
        version: "0.8.6",
        install: pip,
        command: |home| python(home, "python_librato_086.py"),
    },
    Client {
        name: "python-librato",
        version: "3.1.0",
        install: pip,
        command: |home| python(home, "python_librato_310.py"),
    },
    Client {
        name: "statsd-librato-backend",
        version: "2.0.16",
        install: npm,
        command: |home| node(home, "statsd.js"),
    },
    Client {
        name: "librato-node",
        version: "5.0.6",
        install: npm,
        command: |home| node(home, "librato_node.js"),
    },
    Client { name: "collectd", version: "5.12.0", install: apt, command: collectd },
];

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// The directory called `name`, which `make` fills when it is not there. It is moved into place when it is whole, so
/// that a run that was cut short leaves nothing that looks finished.
fn installed(name: &str, make: impl FnOnce(&Path) -> Result<Command, String>) -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let home = target.join(name);
    if home.is_dir() {
        return Ok(home);
    }
    let fresh = tempfile::tempdir_in(target).map_err(|error| error.to_string())?;
    let mut command = make(fresh.path())?;
    let program = command.get_program().to_string_lossy().into_owned();
    let done = command.output().map_err(|error| format!("{program} cannot be run: {error}"))?;
    if !done.status.success() {
        let reason = String::from_utf8_lossy(&done.stderr);
        return Err(format!("{name} cannot be installed with {program}:\n{}", reason.trim_end()));
    }
    std::fs::rename(fresh.path(), &home).map_err(|error| error.to_string())?;
    Ok(home)
}

fn pip(wanted: &Client) -> Result<PathBuf, String> {
    let requirements = format!("python_librato_{}.txt", wanted.version.replace('.', ""));
    installed(&format!("{}-{}", wanted.name, wanted.version), |fresh| {
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
            .args(["--root-user-action", "ignore", "--no-deps", "--require-hashes", "--requirement"])
            .arg(scripts().join(requirements))
            .arg("--target")
            .arg(fresh);
        Ok(command)
    })
}

/// All of Node's clients are in one directory, at the versions and contents that the committed lock file names.
fn npm(_: &Client) -> Result<PathBuf, String> {
    installed("node-clients", |fresh| {
        for file in ["package.json", "package-lock.json"] {
            std::fs::copy(scripts().join("node").join(file), fresh.join(file))
                .map_err(|error| error.to_string())?;
        }
        let mut command = Command::new("npm");
        command
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--omit=optional"])
            .current_dir(fresh);
        Ok(command)
    })
}

/// Unpacked, not installed: the tests change nothing outside of target/. What else it needs is part of most systems.
fn apt(wanted: &Client) -> Result<PathBuf, String> {
    installed(&format!("{}-{}", wanted.name, wanted.version), |fresh| {
        // A new machine has no lists of packages yet.
        let script = "take() { apt-get download --quiet collectd-core libyajl2; }; take || { apt-get update --quiet; take; }; \
                      for one in *.deb; do dpkg -x \"$one\" .; done";
        let mut command = Command::new("sh");
        command.args(["-e", "-c", script]).current_dir(fresh);
        Ok(command)
    })
}

fn collectd(home: &Path) -> Command {
    let mut command = Command::new("python3");
    command.arg(scripts().join("collectd.py")).env("COLLECTD_ROOT", home);
    command
}

fn python(home: &Path, script: &str) -> Command {
    let mut command = Command::new("python3");
    command.arg(scripts().join(script)).env("PYTHONPATH", home).env("PYTHONDONTWRITEBYTECODE", "1");
    command
}

fn node(home: &Path, script: &str) -> Command {
    let mut command = Command::new("node");
    command.arg(scripts().join(script)).env("NODE_PATH", home.join("node_modules"));
    command
}

/// What one client showed.
struct Shown {
    steps: u32,
    /// Methods and routes.
    calls: usize,
    requests: u64,
}

async fn drive(wanted: &Client, home: &Path) -> Shown {
    let (_dir, data) = fresh();
    let server = Server::start(&data, &[]);
    let mut command = (wanted.command)(home);
    command.env("CONFORMANCE_HOST", &server.host);
    command.env("LIBRATO_USER", USER).env("LIBRATO_TOKEN", TOKEN);
    let driven = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&driven.stderr) + String::from_utf8_lossy(&driven.stdout);
    let name = format!("{} {}", wanted.name, wanted.version);
    assert!(driven.status.success(), "{name}: {said}\n--- the server's log:\n{}", server.log());
    assert!(!server.log().contains(TOKEN), "the token is in the server's log");
    let (calls, requests) = exercised(&server).await;
    let steps = number_after(&said, "passed ").or_else(|| number_after(&said, "Ran "));
    let steps = steps.unwrap_or_else(|| panic!("{name} does not say what it did: {said}"));
    assert!(steps > 0 && requests > 0, "{name}: {said}");
    Shown { steps, calls, requests }
}

fn number_after(text: &str, mark: &str) -> Option<u32> {
    let (_, rest) = text.rsplit_once(mark)?;
    rest.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok()
}

/// How many methods of how many routes were asked for, and how often: what the server itself counted.
async fn exercised(server: &Server) -> (usize, u64) {
    let answer = client().get(server.url("/metrics")).basic_auth(USER, Some(TOKEN)).send().await.unwrap();
    let page = answer.text().await.unwrap();
    let (mut calls, mut requests) = (BTreeSet::new(), 0);
    for line in page.lines().filter_map(|line| line.strip_prefix("librato_apply_requests_total{")) {
        let (labels, count) = line.rsplit_once("} ").unwrap();
        let (call, _) = labels.split_once(",status=").unwrap();
        calls.insert(call.to_owned());
        requests += count.parse::<u64>().unwrap();
    }
    (calls.len(), requests)
}

#[tokio::test(flavor = "multi_thread")]
async fn published_clients_work_unmodified() {
    let required = std::env::var_os("CONFORMANCE").is_some_and(|wish| wish == "required");
    let mut table =
        format!("\n{:<24}{:<10}{:>7}{:>10}{:>7}\n", "client", "version", "calls", "requests", "passed");
    for wanted in CLIENTS {
        let row = match (wanted.install)(wanted) {
            Ok(home) => {
                let shown = drive(wanted, &home).await;
                format!("{:>7}{:>10}{:>7}", shown.calls, shown.requests, shown.steps)
            }
            Err(reason) if required => panic!("CONFORMANCE=required, but {reason}"),
            Err(reason) => format!("  SKIPPED: {reason}"),
        };
        table += &format!("{:<24}{:<10}{row}\n", wanted.name, wanted.version);
    }
    // Past the capture of the test runner, which would swallow it.
    let _ = writeln!(std::io::stderr(), "{table}");
}
