//! Several servers over one PostgreSQL, each a process of its own. Run where `TEST_STORE=postgres`.

mod applied;
mod clocks;
mod compacting;
mod controls;
mod failover;
mod flags;
mod full;
mod grouped;
mod killed;
mod levels;
mod link;
mod moved;
mod paged;
mod patroni;
mod shared;
mod slow;
mod standby;
mod upgraded;
mod writers;

use std::process::Command;

use crate::server::{Server, TOKEN, USER};
use crate::store;

/// Servers over one database, which goes with them. They are called n0, n1 and so on.
struct Cluster {
    nodes: Vec<Server>,
    /// With which options they are started.
    more: &'static [&'static str],
    address: String,
    postgres: store::Server,
}

impl Cluster {
    /// As many servers over a new database, which evaluate no alerts; nothing where there is no PostgreSQL.
    fn start(nodes: usize, options: &[&str]) -> Option<Cluster> {
        Cluster::start_with(nodes, options, &["--no-alerts"])
    }

    /// The same with other options of the servers.
    fn start_with(nodes: usize, options: &[&str], more: &'static [&'static str]) -> Option<Cluster> {
        let postgres = store::durable(options)?;
        let address = postgres.create("monitoring");
        Some(Cluster::over(postgres, address, nodes, more))
    }

    fn over(
        postgres: store::Server,
        address: String,
        nodes: usize,
        more: &'static [&'static str],
    ) -> Cluster {
        let mut cluster = Cluster { nodes: Vec::new(), more, address, postgres };
        cluster.nodes = (0..nodes).map(|node| cluster.serve(node)).collect();
        cluster
    }

    fn serve(&self, node: usize) -> Server {
        serve_with(&self.address, &[&["--node", &format!("n{node}")], self.more].concat())
    }

    /// Ends a server without warning, and starts another in its place.
    fn replace(&mut self, node: usize) {
        self.nodes[node].kill();
        self.nodes[node] = self.serve(node);
    }

    fn hosts(&self) -> Vec<String> {
        hosts(&self.nodes)
    }
}

fn hosts(nodes: &[Server]) -> Vec<String> {
    nodes.iter().map(|node| node.host.clone()).collect()
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
