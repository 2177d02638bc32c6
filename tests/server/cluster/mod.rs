//! Several servers over one PostgreSQL, each a process of its own. Run where `TEST_STORE=postgres`.

mod flags;
mod killed;
mod moved;
mod paged;
mod shared;

use std::process::Command;

use crate::server::{Server, TOKEN, USER};
use crate::store;

/// Servers over one database, which goes with them.
struct Cluster {
    nodes: Vec<Server>,
    address: String,
    postgres: store::Server,
}

impl Cluster {
    /// As many servers over a new database; nothing where there is no PostgreSQL.
    fn start(nodes: usize, options: &[&str]) -> Option<Cluster> {
        let postgres = store::durable(options)?;
        let address = postgres.create("monitoring");
        let nodes = (0..nodes).map(|_| serve(&address, &[])).collect();
        Some(Cluster { nodes, address, postgres })
    }

    /// Ends a server without warning, and starts another in its place.
    fn replace(&mut self, node: usize) {
        self.nodes[node].kill();
        self.nodes[node] = serve(&self.address, &[]);
    }

    fn hosts(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.host.clone()).collect()
    }
}

/// A server over the database at this address, which evaluates no alerts.
fn serve(address: &str, more: &[&str]) -> Server {
    serve_with(address, &[&["--no-alerts"], more].concat())
}

fn serve_with(address: &str, more: &[&str]) -> Server {
    Server::spawn(command(address, more))
}

fn command(address: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_librato-apply"));
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--user", USER, "--color", "never"])
        .args(["--store", address])
        .args(more)
        .env("LIBRATO_TOKEN", TOKEN)
        .env_remove("LIBRATO_APPLY_STORE");
    command
}
