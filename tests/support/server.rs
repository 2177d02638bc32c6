//! The real binary as a server of its own process, over a file in a directory of its own. It ends with its value.

#![allow(dead_code)] // Not every test that includes this uses all of it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

pub const USER: &str = "ops@example.org";
pub const TOKEN: &str = "s3cret-canary";

/// How long a server may take until it says where it listens.
const START: Duration = Duration::from_secs(30);

pub struct Server {
    process: Child,
    /// Host and port.
    pub host: String,
    log: Arc<Mutex<String>>,
}

impl Server {
    /// Serves the file at `data` with more arguments.
    pub fn start(data: &Path, more: &[&str]) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--color", "never", "--data"])
            .arg(data)
            .args(more)
            .env("LIBRATO_TOKEN", TOKEN);
        Server::spawn(command)
    }

    /// Runs a command that becomes a server.
    pub fn spawn(mut command: Command) -> Server {
        let mut process =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let stderr = BufReader::new(process.stderr.take().unwrap());
        let log = Arc::new(Mutex::new(String::new()));
        let (found, host) = mpsc::channel();
        let lines = Arc::clone(&log);
        // Reads for as long as the server lives, or its log would fill the pipe and stop it.
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, address)) = line.split_once("listening on http") {
                    let address = address.trim_start_matches('s').trim_start_matches("://");
                    let _ = found.send(address.split_whitespace().next().unwrap_or_default().to_owned());
                }
                lines.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        let host = host.recv_timeout(START).unwrap_or_else(|_| {
            let _ = process.kill();
            panic!("the server does not say where it listens:\n{}", log.lock().unwrap())
        });
        Server { process, host, log }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.host)
    }

    /// What it wrote to stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    /// What it wrote once the words are among it: a line may come after the answer it is about.
    pub fn log_with(&self, words: &str) -> String {
        let mut tries = 0..1000;
        while !self.log().contains(words) {
            tries.next().unwrap_or_else(|| panic!("no {words:?} in {}", self.log()));
            thread::sleep(Duration::from_millis(10));
        }
        self.log()
    }

    /// The most memory it ever had, in MB; `None` where the system does not tell.
    pub fn peak_mb(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib / 1024)
    }

    /// The id of its process.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        self.process.try_wait().unwrap().is_none()
    }

    /// Ends it without warning.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Asks it to stop, as an operating system does.
    pub fn ask_to_stop(&self) {
        self.signal("-TERM");
    }

    /// Asks it to read its files again.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Stops it in the midst of whatever it does, until it is woken.
    pub fn falls_asleep(&self) {
        self.signal("-STOP");
    }

    pub fn wakes_up(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, name: &str) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Asks it to stop, and waits until it has closed its file.
    pub fn stop(mut self) {
        self.ask_to_stop();
        assert!(self.wait().success(), "{}", self.log());
    }

    pub fn wait(&mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A directory for a data file, and the path of the file that is not there yet.
pub fn fresh() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    (dir, path)
}

/// Runs `serve --check`: whether the file is sound, and the report.
pub fn check(data: &Path) -> (bool, String) {
    let done = Command::new(env!("CARGO_BIN_EXE_librato-apply"))
        .args(["serve", "--check"])
        .arg(data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (done.status.success(), said)
}

/// An HTTP client that knows no proxies.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}
