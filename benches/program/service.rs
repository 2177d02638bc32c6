//! The program as a server over a file of its own, and as a client of it.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

#[path = "../../tests/support/server.rs"]
mod server;

pub use server::{TOKEN, USER};

use server::Server;

/// A running server. It ends with its value, and its file with it.
pub struct Service {
    server: Server,
    directory: TempDir,
}

impl Service {
    /// Over a file on the disk that also holds `target/`: the temporary directory may be in memory, where flushing costs nothing.
    pub fn start() -> Service {
        let directory = scratch();
        let server = Server::start(&directory.path().join("bench.db"), &["--quiet"]);
        Service { server, directory }
    }

    /// Host and port.
    pub fn host(&self) -> &str {
        &self.server.host
    }

    /// A directory beside its file.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// The most memory it ever had, in bytes.
    pub fn peak(&self) -> u64 {
        self.server.peak_mb().unwrap_or_default() << 20
    }
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
