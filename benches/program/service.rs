//! The program as a server over a file of its own, and as a client of it.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

#[path = "../../tests/support/server.rs"]
mod server;

pub use server::{TOKEN, USER};

use server::Server;

const FILE: &str = "bench.db";

/// A running server. It ends with its value, and its file with it.
pub struct Service {
    server: Server,
    directory: TempDir,
}

impl Service {
    /// Over a file on the disk that also holds `target/`: the temporary directory may be in memory, where flushing costs nothing.
    pub fn start() -> Service {
        Service::with(&[])
    }

    /// The same, with more options.
    pub fn with(more: &[&str]) -> Service {
        let directory = scratch();
        let server = serve(&directory, more);
        Service { server, directory }
    }

    /// Kills it and starts another over its file.
    pub fn kill_and_start(&mut self, more: &[&str]) {
        self.server.kill();
        self.server = serve(&self.directory, more);
    }

    /// Asks it to stop, and waits until it has closed its file.
    pub fn stop(&mut self) {
        self.server.ask_to_stop();
        assert!(self.server.wait().success(), "{}", self.server.log());
    }

    /// Bytes of its file after a clean stop.
    pub fn stopped(mut self) -> u64 {
        self.stop();
        self.bytes()
    }

    /// Its data file.
    pub fn file(&self) -> PathBuf {
        self.directory.path().join(FILE)
    }

    /// Bytes of its data file.
    pub fn bytes(&self) -> u64 {
        std::fs::metadata(self.file()).unwrap().len()
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.server.host
    }

    /// A directory beside its file.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The memory it has, in bytes.
    pub fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.server.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
    }

    /// The processor time that it has used, in the program and in the system for it. Counted in hundredths of a second.
    pub fn cpu(&self) -> Duration {
        cpu_of(self.server.id())
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.server.id()
    }

    /// The most memory it ever had, in bytes.
    pub fn peak(&self) -> u64 {
        peak_of(self.server.id())
    }
}

/// The processor time that a process has used, in hundredths of a second.
pub fn cpu_of(id: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).unwrap();
    // The name of the program, in parentheses, may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    Duration::from_millis(10 * fields[11..13].iter().map(|ticks| ticks.parse::<u64>().unwrap()).sum::<u64>())
}

/// The most memory that a process ever had, in bytes.
pub fn peak_of(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}

fn serve(directory: &TempDir, more: &[&str]) -> Server {
    Server::start(&directory.path().join(FILE), &[&["--quiet"], more].concat())
}

/// A directory on the disk that also holds `target/`.
pub fn scratch() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// The program.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    for name in ["CI", "LIBRATO_EMAIL", "LIBRATO_USERNAME", "NO_COLOR"] {
        command.env_remove(name);
    }
    command
}

/// The program, told to talk to `host`.
pub fn client(host: &str) -> Command {
    let mut command = program();
    command
        .env("LIBRATO_ENDPOINT", format!("http://{host}"))
        .env("LIBRATO_USER", USER)
        .env("LIBRATO_TOKEN", TOKEN)
        .arg("--no-progress");
    command
}
