//! The compatible server: Librato's v1 API over one SQLite file, or over a PostgreSQL database that several servers share.
//! Owns the route table, the rules of the API and the storage. It knows nothing of plans or files of definitions:
//! the rest of the program reaches it over HTTP only.

mod alert_figures;
mod alerts;
mod annotations;
mod app;
mod audit;
mod backup;
mod budget;
mod catalog;
mod changes;
mod clock;
mod cluster;
mod cluster_figures;
mod compose;
mod connections;
mod dashboards;
mod data;
mod deliveries;
mod delivery;
mod drawing;
#[cfg(test)]
mod driven;
mod evaluation;
mod health;
mod heartbeat;
mod http;
mod incidents;
mod lane_figures;
#[cfg(any(test, fuzzing))]
pub mod laws;
mod listen;
mod measurements;
mod metrics;
mod migrate;
mod names;
mod operations;
mod pages;
mod reading;
mod refusal;
mod remote_read;
mod router;
mod series;
mod services;
mod silences;
mod snapshots;
mod sources;
mod spaces;
#[cfg(test)]
mod statements;
mod store;
mod submit;
mod telemetry;
mod tls;
mod tokens;
mod troubles;
mod tsdb;
mod write_timeout;

pub use crate::notify::Allowed;
pub use app::Options;
pub use catalog::alerting::options::AlertOptions;
pub use catalog::alerting::standing::{Standing, Starting, standing};
pub use clock::Clock;
pub use cluster::{Cluster, Node};
pub use data::{check, copy};
pub use delivery::{Dispatcher, NotifyError, NotifyOptions, Sending, Smtp, host_name};
pub use evaluation::Evaluator;
pub use heartbeat::beat as heartbeat;
pub use http::address::Network;
pub use http::credentials::{Credentials, CredentialsError};
pub use http::role::Role;
pub use http::users::{UserChanges, Users};
pub use listen::{Listening, run};
pub use migrate::{MigrateError, Moved, Place, migrate};
pub use pages::{Definitions, OneTimeLinks, PageOptions, Written};
pub use router::{listed as listed_routes, router};
pub use snapshots::draw_snapshots;
pub use snapshots::options::{SnapshotOptions, Snapshots};
#[cfg(feature = "postgres")]
pub use store::{Connecting, Postgres, SetupError, TargetError, Upgraded, Using};
pub use store::{Copied, CopyError, Copying, Data, Duties, OpenError, Opening, Report, Store, adopt};
pub use telemetry::Telemetry;
pub use tls::{Tls, TlsError};
pub use tsdb::retention::Retention;

/// How points are kept, for benches: pairs of epoch seconds and value.
#[doc(hidden)]
pub mod packing {
    use super::tsdb::aggregate::{Aggregate, Point};
    use super::tsdb::block;

    pub fn pack(points: &[(i64, f64)]) -> Vec<u8> {
        let point = |(time, value): &(i64, f64)| Point { time: *time, stats: Aggregate::single(*value) };
        block::encode(&points.iter().map(point).collect::<Vec<_>>())
    }

    pub fn unpack(packed: &[u8]) -> Option<Vec<(i64, f64)>> {
        let points = block::decode(packed)?;
        Some(points.into_iter().map(|point| (point.time, point.stats.last)).collect())
    }
}
