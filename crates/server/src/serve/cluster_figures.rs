//! What is counted of servers over one database, for the page of the server's figures.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct ClusterFigures {
    pub held: Gauge,
    pub acquired: Counter,
    pub lost: Counter,
    pub taken_over: Counter,
    duties: Family<Duty, Gauge>,
    behind: Family<Duty, Gauge<f64, AtomicU64>>,
    pub nodes: Gauge,
    pub strangers: Gauge,
    pub clock: Gauge<f64, AtomicU64>,
    pub unheard: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Duty {
    duty: String,
}

impl ClusterFigures {
    /// Notes whether this server has a duty, or how many groups of one that is divided.
    pub fn has(&self, duty: &str, count: i64) {
        self.duties.get_or_create(&Duty { duty: duty.to_owned() }).set(count);
    }

    /// Notes how far behind a duty is, whoever has it.
    pub fn is_behind(&self, duty: &str, behind: Duration) {
        self.behind.get_or_create(&Duty { duty: duty.to_owned() }).set(behind.as_secs_f64());
    }

    pub fn register(&self, all: &mut Registry) {
        let help = "What this server does that one of all servers does at a time: leases that it has";
        all.register("leases_held", help, self.held.clone());
        all.register("leases_acquired", "Leases that were given to this server", self.acquired.clone());
        let help = "Leases that other servers took over, since this one was not heard";
        all.register("leases_lost", help, self.lost.clone());
        let help =
            "Of the leases that were given to this server, those whose servers were not heard any more";
        all.register("leases_taken_over", help, self.taken_over.clone());
        let help =
            "Whether this server does what one of all servers does at a time, or how many of its groups";
        all.register("duty", help, self.duties.clone());
        let help = "How far behind that is, whichever server does it: of groups the one that is furthest";
        all.register_with_unit("duty_behind", help, Unit::Seconds, self.behind.clone());
        let help = "Servers of the same database that were heard lately; 0 where there can be no others";
        all.register("nodes", help, self.nodes.clone());
        let help =
            "Of these, how many let others in than this one does: --credentials must be the same everywhere";
        all.register("nodes_with_other_credentials", help, self.strangers.clone());
        let help = "How far the clock of the database is ahead of that of this server";
        all.register_with_unit("database_clock_ahead", help, Unit::Seconds, self.clock.clone());
        let help = "Times that this server could not be heard by the others";
        all.register("node_unheard", help, self.unheard.clone());
    }
}
