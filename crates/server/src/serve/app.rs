//! The parts of a running server, and how it is to behave. Handlers and extractors ask for the part that they need
//! (`FromRef`), so that none of them knows the whole; only the router does.

use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::extract::FromRef;

use super::backup;
use super::catalog::alerting::evaluation::Evaluation;
use super::catalog::alerting::options::AlertOptions;
use super::catalog::cache::SeriesCache;
use super::cluster::Cluster;
use super::delivery::{NotifyOptions, Sending};
use super::http::address::Network;
use super::http::body::Limits;
use super::http::rates::Rates;
use super::http::users::Users;
use super::pages::PageOptions;
use super::snapshots::options::{Known, SnapshotOptions};
use super::store::Store;
use super::submit::Intake;
use super::telemetry::Telemetry;
use super::tokens::Tokens;

/// How the server behaves; [`Options::default`] is right for most.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Longest request body in bytes, before and after decompression. 10 MB by default.
    pub max_body_bytes: usize,
    /// Bytes that the data may take in their file; what brings more is refused with 507. Without limit by default.
    pub max_disk: Option<u64>,
    /// How long a client may take to send a body. A minute by default.
    pub body_timeout: Duration,
    /// Requests worked on at one time; more are turned away with 503. 256 by default.
    pub max_in_flight: usize,
    /// Memory in bytes for the bodies and answers of these requests, estimated from their size and the number of values
    /// in them; what does not fit is turned away with 503. Answers take three quarters of it at most. 256 MB by default.
    pub max_request_memory: usize,
    /// How long one read may take, and wait before it begins; 400 for one that takes longer. 30 s by default.
    pub read_timeout: Duration,
    /// Measurements that one user may submit a minute; more are turned away with 429. No limit by default.
    pub measurements_per_minute: Option<u64>,
    /// Whose `X-Forwarded-For` is believed. No one's by default.
    pub trusted_proxies: Vec<Network>,
    /// Which server this is among those of the same data. The only one by default.
    pub cluster: Cluster,
    /// What counts the requests. A new one by default.
    pub telemetry: Telemetry,
    /// How alerts are evaluated.
    pub alerts: AlertOptions,
    /// How services are notified.
    pub notify: NotifyOptions,
    /// What people see in a browser.
    pub pages: PageOptions,
    /// How charts are pictured for chats and mails.
    pub snapshots: SnapshotOptions,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            max_body_bytes: 10_000_000,
            max_disk: None,
            body_timeout: Duration::from_secs(60),
            max_in_flight: 256,
            max_request_memory: 256_000_000,
            read_timeout: Duration::from_secs(30),
            measurements_per_minute: None,
            trusted_proxies: Vec::new(),
            cluster: Cluster::default(),
            telemetry: Telemetry::default(),
            alerts: AlertOptions::default(),
            notify: NotifyOptions::default(),
            pages: PageOptions::default(),
            snapshots: SnapshotOptions::default(),
        }
    }
}

/// Everything that handlers can ask for.
#[derive(Clone)]
pub struct App {
    pub store: Store,
    pub telemetry: Telemetry,
    pub rates: Rates,
    pub tokens: Tokens,
    cluster: Cluster,
    known: SeriesCache,
    bodies: Limits,
    evaluation: Evaluation,
    sending: Sending,
    backups: backup::Turn,
    snapshots: Known,
}

impl App {
    pub fn new(store: Store, users: Users, options: &Options) -> App {
        let telemetry = options.telemetry.clone();
        let clock = store.clock();
        telemetry.serves_copy(store.is_unadopted_copy());
        store.condition().room.limit(options.max_disk);
        store.condition().history.store(options.alerts.history, Ordering::Relaxed);
        let rates = Rates::new(options.measurements_per_minute, telemetry.clone(), clock).among(&store);
        let evaluation =
            Evaluation::new(options.alerts.clone(), users, telemetry.lost_states()).among(&store);
        App {
            known: SeriesCache::of(store.condition().epoch.clone()),
            tokens: Tokens::new(store.clone()),
            store,
            rates,
            telemetry,
            cluster: options.cluster.clone(),
            bodies: Limits { bytes: options.max_body_bytes, time: options.body_timeout },
            evaluation,
            sending: Sending::new(&options.notify),
            backups: backup::Turn::default(),
            snapshots: Known::new(
                &options.snapshots,
                options.notify.public_url.as_deref(),
                &options.pages.allowed_hosts,
                options.pages.enabled,
            ),
        }
    }
}

impl FromRef<App> for Store {
    fn from_ref(app: &App) -> Store {
        app.store.clone()
    }
}

impl FromRef<App> for Telemetry {
    fn from_ref(app: &App) -> Telemetry {
        app.telemetry.clone()
    }
}

impl FromRef<App> for Cluster {
    fn from_ref(app: &App) -> Cluster {
        app.cluster.clone()
    }
}

impl FromRef<App> for Tokens {
    fn from_ref(app: &App) -> Tokens {
        app.tokens.clone()
    }
}

impl FromRef<App> for Rates {
    fn from_ref(app: &App) -> Rates {
        app.rates.clone()
    }
}

impl FromRef<App> for SeriesCache {
    fn from_ref(app: &App) -> SeriesCache {
        app.known.clone()
    }
}

impl FromRef<App> for Evaluation {
    fn from_ref(app: &App) -> Evaluation {
        app.evaluation.clone()
    }
}

impl FromRef<App> for Sending {
    fn from_ref(app: &App) -> Sending {
        app.sending.clone()
    }
}

impl FromRef<App> for Limits {
    fn from_ref(app: &App) -> Limits {
        app.bodies
    }
}

impl FromRef<App> for Known {
    fn from_ref(app: &App) -> Known {
        app.snapshots.clone()
    }
}

impl FromRef<App> for backup::Turn {
    fn from_ref(app: &App) -> backup::Turn {
        app.backups.clone()
    }
}

impl FromRef<App> for Intake {
    fn from_ref(app: &App) -> Intake {
        Intake { store: app.store.clone(), known: app.known.clone(), telemetry: app.telemetry.clone() }
    }
}
