//! Which database is meant, how its connections are protected (names are verified over TLS unless all hosts are this machine), and how
//! it is used. Says nothing of the password to anybody.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};

use super::passfile::{self, Wanted};
use super::tls::Tls;
use crate::serve::store::{Duties, pressure};

/// A PostgreSQL database that holds the data, in its schema `librato_apply`.
#[derive(Clone)]
pub struct Postgres {
    config: Config,
    tls: Tls,
    using: Using,
    keeps_nothing: bool,
}

/// How a server uses a database.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Using {
    /// Transactions at one time, each over a connection of its own; a third of them may write. 12 by default.
    pub connections: usize,
    /// How long a request waits for its turn to write, and for a database that does not answer. 5 s by default.
    pub patience: Duration,
    /// Into how many parts measurements are divided in a new database. 64 by default; an older one has to have as many, if any number is
    /// named.
    pub parts: Option<u16>,
    /// What the server is called among those of the database.
    pub node: Option<String>,
    /// What it does. Everything by default.
    pub duties: Duties,
    /// How many bytes of measurements may wait to be compacted before they are stored more slowly. 256 MB by default.
    pub journal_soft: u64,
    /// How many before no more are taken. 2 GB by default.
    pub journal_hard: u64,
}

impl Default for Using {
    fn default() -> Using {
        Using {
            connections: 12,
            patience: Duration::from_secs(5),
            parts: None,
            node: None,
            duties: Duties::default(),
            journal_soft: pressure::SOFT,
            journal_hard: pressure::HARD,
        }
    }
}

/// What an address leaves open.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Connecting {
    /// The password, where it does not stand in the address.
    pub password: Option<SecretString>,
    /// A file of passwords, as `PGPASSFILE` names one. Asked where no other password is there.
    pub passfile: Option<PathBuf>,
    /// A file of certificates in PEM form that vouch for the servers. Those of the web by default.
    pub ca: Option<PathBuf>,
    /// Whether passwords and data may cross a network unprotected.
    pub allow_insecure: bool,
}

/// Why an address of a database cannot be used. Never holds the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// It is not an address.
    #[error("this is not the address of a PostgreSQL database ({0}); write postgres://USER@HOST/DATABASE")]
    Address(String),
    /// It names no host.
    #[error("the address of the database names no host; write postgres://USER@HOST/DATABASE")]
    NoHost,
    /// It has a password, and another one is given.
    #[error("the address of the database holds a password, and another one is given; leave one of them out")]
    TwoPasswords,
    /// The file of passwords cannot be used.
    #[error("cannot use the passwords of {}: {why}", path.display())]
    Passfile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// It asks for connections that others can read.
    #[error(
        "connections to {0} would cross the network unprotected; leave out sslmode, since names are verified over TLS then, or give --allow-insecure-store"
    )]
    Insecure(String),
    /// The option is not one that is known.
    #[error(
        "sslmode={0} is not known; verify-full is what is done without it, and disable is for this machine"
    )]
    Mode(String),
    /// The file cannot be read, or is not PEM with certificates inside.
    #[error("cannot read certificates in PEM form from {}: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// As people may see it: hosts and database.
impl fmt::Display for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hosts: Vec<String> = self.config.get_hosts().iter().map(shown).collect();
        write!(f, "postgres://{}/{}", hosts.join(","), self.config.get_dbname().unwrap_or_default())
    }
}

impl PartialEq for Postgres {
    fn eq(&self, other: &Postgres) -> bool {
        self.config == other.config
    }
}

impl Eq for Postgres {}

impl Postgres {
    /// Reads an address, as `postgres://USER@HOST1,HOST2/DATABASE`.
    ///
    /// # Errors
    /// When it is not one, or asks for connections that others could read.
    pub fn new(address: &str, connecting: &Connecting) -> Result<Postgres, TargetError> {
        if !(address.starts_with("postgres://") || address.starts_with("postgresql://")) {
            return Err(TargetError::Address("it does not begin with postgres://".to_owned()));
        }
        let (address, mode) = without_mode(address);
        let mut config = Config::from_str(&address).map_err(|error| TargetError::Address(words(&error)))?;
        if config.get_hosts().is_empty() {
            return Err(TargetError::NoHost);
        }
        let far = config.get_hosts().iter().find(|host| !is_here(host));
        let mode = match (mode.as_deref(), far) {
            (None | Some("disable" | "allow" | "prefer"), Some(_)) if connecting.allow_insecure => {
                SslMode::Disable
            }
            (None, Some(_)) | (Some("require" | "verify-ca" | "verify-full"), _) => SslMode::Require,
            (None | Some("disable" | "allow" | "prefer"), None) => SslMode::Disable,
            (Some("disable" | "allow" | "prefer"), Some(host)) => {
                return Err(TargetError::Insecure(shown(host)));
            }
            (Some(other), _) => return Err(TargetError::Mode(other.to_owned())),
        };
        config
            .ssl_mode(mode)
            .target_session_attrs(TargetSessionAttrs::ReadWrite)
            .tcp_user_timeout(Duration::from_secs(5));
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(2));
        }
        if config.get_application_name().is_none() {
            config.application_name("librato-apply");
        }
        match (&connecting.password, &connecting.passfile, config.get_password()) {
            (Some(_), _, Some(_)) => return Err(TargetError::TwoPasswords),
            (Some(password), _, None) => {
                config.password(password.expose_secret());
            }
            (None, Some(path), None) => {
                let user = config.get_user().unwrap_or_default();
                let database = config.get_dbname().unwrap_or(user);
                let wanted = Wanted { places: places(&config).collect(), database, user };
                let found = passfile::find(path, &wanted);
                let found = found.map_err(|why| TargetError::Passfile { path: path.clone(), why })?;
                if let Some(password) = found {
                    config.password(password);
                }
            }
            (None, ..) => {}
        }
        let tls = Tls::trusting(roots(connecting.ca.as_deref())?)?;
        Ok(Postgres { config, tls, using: Using::default(), keeps_nothing: false })
    }

    /// Used in this way.
    #[must_use]
    pub fn used(mut self, using: Using) -> Postgres {
        if let Some(node) = &using.node {
            self.config.application_name(format!("librato-apply {node}"));
        }
        Postgres { using, ..self }
    }

    pub(in crate::serve) fn using(&self) -> &Using {
        &self.using
    }

    /// For tests: a server that forgets what it acknowledged when its machine stops will do.
    #[doc(hidden)]
    #[must_use]
    pub fn that_may_forget(self) -> Postgres {
        Postgres { keeps_nothing: true, ..self }
    }

    pub(super) fn may_forget(&self) -> bool {
        self.keeps_nothing
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    pub(super) fn tls(&self) -> Tls {
        self.tls.clone()
    }
}

/// The address without its `sslmode`, of which we know more values than the driver.
fn without_mode(address: &str) -> (String, Option<String>) {
    let Some((before, query)) = address.split_once('?') else { return (address.to_owned(), None) };
    let (modes, others): (Vec<&str>, Vec<&str>) =
        query.split('&').partition(|option| option.starts_with("sslmode="));
    let mode = modes.last().and_then(|mode| mode.strip_prefix("sslmode=")).map(str::to_owned);
    (format!("{before}?{}", others.join("&")), mode)
}

/// What the driver says of an address; it names options, never values.
fn words(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// The hosts with their ports, as an address names them.
fn places(config: &Config) -> impl Iterator<Item = (String, u16)> + '_ {
    let ports = config.get_ports();
    let port = move |at: usize| ports.get(at).or(ports.first()).copied().unwrap_or(5432);
    config.get_hosts().iter().enumerate().map(move |(at, host)| (shown(host), port(at)))
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn shown(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

fn roots(ca: Option<&Path>) -> Result<RootCertStore, TargetError> {
    let mut roots = RootCertStore::empty();
    let Some(path) = ca else {
        roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        return Ok(roots);
    };
    let failed = |source| TargetError::File { path: path.to_owned(), source };
    let all: Vec<_> = CertificateDer::pem_file_iter(path).and_then(Iterator::collect).map_err(failed)?;
    if all.is_empty() {
        return Err(failed(pem::Error::NoItemsFound));
    }
    for one in all {
        roots.add(one)?;
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(address: &str) -> Result<SslMode, TargetError> {
        Ok(Postgres::new(address, &Connecting::default())?.config.get_ssl_mode())
    }

    #[test]
    fn names_are_verified_unless_all_hosts_are_this_machine() {
        for near in
            ["postgres://u@localhost/d", "postgres://u@127.0.0.1:5433,[::1]/d", "postgres://u@%2Frun%2Fpg/d"]
        {
            assert_eq!(mode(near).unwrap(), SslMode::Disable, "{near}");
            assert_eq!(mode(&format!("{near}?sslmode=verify-full")).unwrap(), SslMode::Require);
        }
        for far in
            ["postgres://u@db/d", "postgresql://u@localhost,10.0.0.1/d", "postgres://u@db/d?sslmode=require"]
        {
            assert_eq!(mode(far).unwrap(), SslMode::Require, "{far}");
        }
        for open in ["disable", "prefer", "allow"] {
            let address = format!("postgres://u@localhost,db/d?connect_timeout=1&sslmode={open}");
            assert!(matches!(mode(&address), Err(TargetError::Insecure(host)) if host == "db"));
        }
        let insecure = Connecting { allow_insecure: true, ..Connecting::default() };
        for (wanted, mode) in [
            ("postgres://u@db/d?sslmode=disable", SslMode::Disable),
            ("postgres://u@db/d", SslMode::Disable),
            ("postgres://u@db/d?sslmode=verify-full", SslMode::Require),
        ] {
            assert_eq!(Postgres::new(wanted, &insecure).unwrap().config.get_ssl_mode(), mode, "{wanted}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_address_is_told_without_its_password() {
        for bad in [
            "mysql://u:canary@h/d",
            "postgres://u:canary@h:canaryport/d",
            "postgres:///d",
            "postgres://u:canary@h/d?canary",
            "postgres://u:canary@h/d?sslmode=odd",
            "postgres://u:canary@h/d?unknown=canary",
        ] {
            let error = Postgres::new(bad, &Connecting::default()).unwrap_err().to_string();
            assert!(!error.contains("canary"), "{bad}: {error}");
        }
        let good = Postgres::new("postgres://u:canary@h1,h2:5433/d", &Connecting::default()).unwrap();
        assert_eq!(format!("{good} {good:?}"), "postgres://h1,h2/d postgres://h1,h2/d");
        let given = Connecting { password: Some("other".into()), ..Connecting::default() };
        let both = Postgres::new("postgres://u:canary@h/d", &given);
        assert!(matches!(both, Err(TargetError::TwoPasswords)));
        let alone = Postgres::new("postgres://u@h/d", &given).unwrap();
        assert_eq!(alone.config.get_password(), Some(&b"other"[..]));
    }
}
