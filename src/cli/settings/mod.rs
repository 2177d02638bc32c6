//! What `serve` is told: by flags, which win over the environment, which wins over the file of `--config`. What can be told
//! stands in one table (`table.rs`), of which flags, variables, keys, help, schema and documentation are made.

mod args;
mod env;
mod file;
mod layers;
mod read;
mod shown;
mod table;
#[cfg(test)]
mod tests;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use librato_apply::serve::{Duties, Listening, Options, Retention};
use secrecy::SecretString;
use tracing_subscriber::filter::LevelFilter;

pub use args::Flags;
pub use env::unknown as unknown_variables;
pub use layers::{Resolved, resolve};
pub use read::{is_database, parts, shows_credentials};
pub use shown::schema;
pub use table::TABLE;

/// What a server starts with.
pub struct Settings {
    pub listen: SocketAddr,
    pub data: PathBuf,
    /// The database that holds the data instead.
    pub store: Store,
    pub accept_clock: bool,
    /// For how long measurements are kept, where that was said.
    pub retention: Option<Retention>,
    pub user: Option<String>,
    pub token: Option<SecretString>,
    pub credentials: Option<PathBuf>,
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    pub options: Options,
    pub listening: Listening,
    /// Whether anybody is to be notified, where that was said.
    pub notify: Option<bool>,
    pub log_json: bool,
    pub log_level: LevelFilter,
    /// Whether a browser is shown the way in.
    pub open: bool,
    /// How long it is served on after it was told to stop.
    pub drain: Duration,
    /// Whether everything is invented.
    pub demo: bool,
    /// What writes in pictures what the built-in font lacks.
    pub picture_font: Option<PathBuf>,
}

/// A database that holds the data, and how it is used; nothing of it where a file does.
#[derive(Default)]
pub struct Store {
    pub url: Option<SecretString>,
    pub password: Option<SecretString>,
    pub ca_file: Option<PathBuf>,
    pub allow_insecure: bool,
    pub parts: Option<u16>,
    pub node: Option<String>,
    pub connections: usize,
    pub patience: Duration,
    pub duties: Duties,
    pub journal_soft: u64,
    pub journal_hard: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        let mut options = Options::default();
        options.notify.links_to_pages = options.pages.enabled;
        options.pages.definitions = librato_apply::definition::writer();
        let mut listening = Listening::default();
        listening.telemetry = options.telemetry.clone();
        Settings {
            listen: (Ipv4Addr::LOCALHOST, 8080).into(),
            data: PathBuf::new(),
            store: Store::default(),
            accept_clock: false,
            retention: None,
            user: None,
            token: None,
            credentials: None,
            tls_cert: None,
            tls_key: None,
            options,
            listening,
            notify: None,
            log_json: false,
            log_level: LevelFilter::INFO,
            open: false,
            drain: Duration::ZERO,
            demo: false,
            picture_font: None,
        }
    }
}
