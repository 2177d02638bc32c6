//! The options of `serve`: one row each, and nothing about any of them elsewhere. A new option is a row.

use std::path::PathBuf;
use std::time::Duration;

use librato_apply::serve::{Smtp, Snapshots};

use super::Settings;
use super::read::{
    address, choice, database, host, node, parts, positive, seconds, size, switch, time, token, url,
    url_with_secrets,
};

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    Text,
    /// A path; in a file it is relative to that file.
    Path,
    /// A path of a file that holds a secret: what the key without `_file` would say.
    SecretFile,
    Number,
    /// `20GB`, `512MiB`; in a file also a number of bytes.
    Size,
    /// `10s`, `5m`; in a file also a number of seconds.
    Time,
    /// On or off.
    Switch,
    List,
    /// `NAME=VALUE`, in a file a mapping.
    Pairs,
    Choice(&'static [&'static str]),
}

/// Whether a value must not be shown, nor be an argument, which everybody on the machine can see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secret {
    No,
    /// Always.
    Whole,
    /// A URL that may hold credentials: not to be shown, and an argument only without them.
    Url,
}

/// One option.
#[derive(Clone, Copy)]
pub struct Opt {
    /// Where it stands in a file: `limits.max_body`.
    pub key: &'static str,
    /// Without dashes; nothing where no flag of `serve` itself says it.
    pub flag: &'static str,
    /// What stands for its value in the help.
    pub value: &'static str,
    pub shape: Shape,
    /// For the help and for the page; without a full stop.
    pub help: &'static str,
    /// Variables of the environment that are not named after the flag.
    pub variables: &'static [&'static str],
    /// As it would be written; nothing where none.
    pub default: &'static str,
    pub secret: Secret,
    /// Whether a hangup signal has it read again.
    pub again: bool,
    /// Takes a value, or one of several, into the settings; or says what is wrong with it.
    pub set: fn(&mut Settings, &str) -> Result<(), String>,
}

type Set = fn(&mut Settings, &str) -> Result<(), String>;

const fn opt(key: &'static str, flag: &'static str, value: &'static str, shape: Shape, set: Set) -> Opt {
    let (help, default, variables) = ("", "", &[]);
    Opt { key, flag, value, shape, help, variables, default, secret: Secret::No, again: false, set }
}

impl Opt {
    const fn help(self, help: &'static str) -> Opt {
        Opt { help, ..self }
    }

    const fn by_default(self, default: &'static str) -> Opt {
        Opt { default, ..self }
    }

    const fn secret(self, secret: Secret) -> Opt {
        Opt { secret, ..self }
    }

    const fn again(self) -> Opt {
        Opt { again: true, ..self }
    }

    const fn from(self, variables: &'static [&'static str]) -> Opt {
        Opt { variables, ..self }
    }

    /// Under which heading it stands; nothing for what comes first.
    pub fn heading(&self) -> Option<&'static str> {
        let section = self.key.split('.').next().unwrap_or_default();
        match section {
            "user" | "token" | "token_file" | "credentials" => Some("Users"),
            "store" => Some("PostgreSQL"),
            "limits" => Some("Limits"),
            "alerts" => Some("Alerts"),
            "notify" | "smtp" => Some("Notifications"),
            "heartbeat" => Some("Heartbeat"),
            "pages" => Some("Pages"),
            "log" => Some("Output"),
            _ => None,
        }
    }
}

/// The option of a key.
pub fn named(key: &str) -> Option<&'static Opt> {
    TABLE.iter().find(|opt| opt.key == key)
}

/// Takes nothing: what a file says is taken by the option that it stands for.
const BY_FILE: Set = |_, _| Ok(());

const LEVELS: &[&str] = &["error", "warn", "info", "debug", "trace"];

/// All of them, in the order of help and page.
pub static TABLE: &[Opt] = &[
    opt("listen", "listen", "ADDRESS", Shape::Text, |s, text| {
        s.listen = address(text)?;
        Ok(())
    })
    .by_default("127.0.0.1:8080")
    .help("The address to listen on: `HOST:PORT`, or `:PORT` for every address of this machine; port 0 takes a free one"),
    opt("data", "data", "FILE", Shape::Path, |s, text| {
        s.data = PathBuf::from(text);
        Ok(())
    })
    .by_default("librato.db")
    .help("The file that holds everything; made if it does not exist"),
    opt("store.url", "store", "URL", Shape::Text, |s, text| {
        s.store.url = Some(database(text)?);
        Ok(())
    })
    .from(&["LIBRATO_APPLY_STORE"])
    .secret(Secret::Url)
    .help("The PostgreSQL database that holds everything instead of a file, which several servers may share: `postgres://USER@HOST/DATABASE`, with several hosts as `HOST,HOST`. As an argument without a password"),
    opt("store.url_file", "store-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds this address, with its password"),
    opt("store.password", "store-password", "PASSWORD", Shape::Text, |s, text| {
        s.store.password = Some(text.into());
        Ok(())
    })
    .secret(Secret::Whole)
    .help("The password of the user in the address of the database. Without it the file that `PGPASSFILE` names is asked"),
    opt("store.password_file", "store-password-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds this password"),
    opt("store.ca_file", "store-ca-file", "FILE", Shape::Path, |s, text| {
        s.store.ca_file = Some(text.into());
        Ok(())
    })
    .help("The certificates (PEM) that vouch for the database, instead of those of the web"),
    opt("store.allow_insecure", "allow-insecure-store", "", Shape::Switch, |s, text| {
        s.store.allow_insecure = switch(text)?;
        Ok(())
    })
    .by_default("false")
    .help("Let the password and the data cross the network to the database unprotected; otherwise TLS is used and the names are verified, unless all hosts are this machine"),
    opt("store.parts", "parts", "N", Shape::Number, |s, text| {
        s.store.parts = Some(parts(text)?);
        Ok(())
    })
    .help("Into how many parts a new database divides measurements by their metrics, a power of two from 16 to 1024; 64 without it. It stays so"),
    opt("store.node", "node", "NAME", Shape::Text, |s, text| {
        s.store.node = Some(node(text)?);
        Ok(())
    })
    .help("What this server is called among those of its database; the name of the machine and the id of the process without it"),
    opt("store.connections", "store-connections", "N", Shape::Number, |s, text| {
        s.store.connections = text.parse().ok().filter(|n| (3..=1000).contains(n)).ok_or("write a number from 3 to 1000")?;
        Ok(())
    })
    .by_default("12")
    .help("How many transactions of requests use the database at once, each over a connection of its own; a third of them may write"),
    opt("store.patience", "store-patience", "TIME", Shape::Time, |s, text| {
        s.store.patience = time(text)?;
        Ok(())
    })
    .by_default("5s")
    .help("How long a request waits for a database that does not answer, as while another machine takes over, before it is told to come again (503)"),
    opt("store.duties", "duties", "LIST", Shape::Text, |s, text| {
        s.store.duties = text.parse()?;
        Ok(())
    })
    .by_default("http,maintenance,alerts")
    .help("What this server does of what has to be done over its database, with commas between: `http` takes requests (without it `/readyz` says no), `maintenance` keeps tables in order, `alerts` evaluates and notifies when it is its turn. Each must be done by some server"),
    opt("store.journal_soft", "journal-soft", "SIZE", Shape::Size, |s, text| {
        s.store.journal_soft = size(text, 1_000_000)?;
        Ok(())
    })
    .by_default("256MB")
    .help("How much of measurements may wait in the database to be compacted, 1 MB at least, before more are stored more slowly, so that reading stays quick"),
    opt("store.journal_hard", "journal-hard", "SIZE", Shape::Size, |s, text| {
        s.store.journal_hard = size(text, 1_000_000)?;
        Ok(())
    })
    .by_default("2GB")
    .help("How much may wait before more are refused (503 with `Retry-After`), until a tenth is compacted; also while a standby is more than 10 s behind, as far as the database lets its user know. Definitions, reading and alerts go on"),
    opt("demo", "demo", "", Shape::Switch, |s, text| {
        s.demo = switch(text)?;
        Ok(())
    })
    .by_default("false")
    .help("Show the examples with invented measurements, in a temporary file: nobody is notified, whatever else is given. On addresses of this machine alone"),
    opt("retention", "retention", "TIERS", Shape::Text, |s, text| {
        s.retention = Some(text.parse()?);
        Ok(())
    })
    .help("For how long measurements are kept as they came, by the minute, by the quarter of an hour and by the hour: `1s=2d,60s=8d,900s=32d,3600s=365d` in a new file, and what is left out is as there. The data remember it, so that it need not be said again"),
    opt("accept_clock", "accept-clock", "", Shape::Switch, |s, text| {
        s.accept_clock = switch(text)?;
        Ok(())
    })
    .by_default("false")
    .help("Believe the clock though it is far from the time at which the data file was last written, so that old measurements are rolled up and dropped by it; otherwise it must hold for a day first"),
    opt("public_url", "public-url", "URL", Shape::Text, |s, text| {
        s.options.notify.public_url = Some(url(text, &["http", "https"])?);
        Ok(())
    })
    .help("Where people reach this server, for the links in notifications; without it they have none"),
    opt("tls.cert", "tls-cert", "FILE", Shape::Path, |s, text| {
        s.tls_cert = Some(text.into());
        Ok(())
    })
    .again()
    .help("Speak HTTPS with this certificate (PEM, followed by those that vouch for it)"),
    opt("tls.key", "tls-key", "FILE", Shape::Path, |s, text| {
        s.tls_key = Some(text.into());
        Ok(())
    })
    .again()
    .help("The private key of the certificate (PEM)"),
    opt("trusted_proxies", "trusted-proxy", "NETWORK", Shape::List, |s, text| {
        s.options.trusted_proxies.push(text.parse()?);
        Ok(())
    })
    .help("A proxy in front of the server, as an address or a network such as 10.0.0.0/8: what it writes into X-Forwarded-For is believed. May be repeated"),
    opt("user", "", "USER", Shape::Text, |s, text| {
        s.user = Some(text.to_owned());
        Ok(())
    })
    .from(&["LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"])
    .again()
    .help("The user that clients give, with every right"),
    opt("token", "", "TOKEN", Shape::Text, |s, text| {
        s.token = Some(token(text)?);
        Ok(())
    })
    .from(&["LIBRATO_TOKEN"])
    .secret(Secret::Whole)
    .again()
    .help("The token of this user"),
    opt("token_file", "", "FILE", Shape::SecretFile, BY_FILE).again().help("A file that holds the token"),
    opt("credentials", "credentials", "FILE", Shape::Path, |s, text| {
        s.credentials = Some(text.into());
        Ok(())
    })
    .again()
    .help("More users: a file with `USER TOKEN ROLE` lines, where ROLE is admin, operator, recorder or viewer"),
    opt("limits.max_body", "max-body", "SIZE", Shape::Size, |s, text| {
        s.options.max_body_bytes = size(text, 1)?;
        Ok(())
    })
    .by_default("10MB")
    .help("The longest request body; a longer one is answered 413"),
    opt("limits.max_disk", "max-disk", "SIZE", Shape::Size, |s, text| {
        s.options.max_disk = Some(size(text, 1_000_000)?);
        Ok(())
    })
    .help("What the data may take in their file, 1 MB at least. From nine tenths on it is a warning; from there on measurements, events and snapshots are refused (507), and reading, definitions, silences, deletes and alerts go on. `-wal` and `-reserve` come on top"),
    opt("limits.max_connections", "max-connections", "N", Shape::Number, |s, text| {
        s.listening.max_connections = positive(text)?;
        Ok(())
    })
    .by_default("1024")
    .help("How many connections may be open at once; for more, those go that have been idle longest"),
    opt("limits.max_in_flight", "max-in-flight", "N", Shape::Number, |s, text| {
        s.options.max_in_flight = positive(text)?;
        Ok(())
    })
    .by_default("256")
    .help("How many requests are worked on at once; more are told to come again (503 with `Retry-After`)"),
    opt("limits.max_request_memory", "max-request-memory", "SIZE", Shape::Size, |s, text| {
        s.options.max_request_memory = size(text, 1)?;
        Ok(())
    })
    .by_default("256MB")
    .help("Memory for the bodies and answers of these requests; those that do not fit are told to come again"),
    opt("limits.header_timeout", "header-timeout", "TIME", Shape::Time, |s, text| {
        s.listening.header_timeout = time(text)?;
        Ok(())
    })
    .by_default("60s")
    .help("How long a connection may be idle. Headers that have begun have 10 s at most"),
    opt("limits.body_timeout", "body-timeout", "TIME", Shape::Time, |s, text| {
        s.options.body_timeout = time(text)?;
        Ok(())
    })
    .by_default("60s")
    .help("How long the body of a request may take"),
    opt("limits.read_timeout", "read-timeout", "TIME", Shape::Time, |s, text| {
        s.options.read_timeout = time(text)?;
        Ok(())
    })
    .by_default("30s")
    .help("How long one read may take, and wait before it begins. What takes longer is refused with 400 and told to ask for less, since some clients repeat for ever what is answered 5xx"),
    opt("limits.drain", "drain", "TIME", Shape::Time, |s, text| {
        s.drain = Duration::from_secs(seconds(text, 0, 3600)?.unsigned_abs());
        Ok(())
    })
    .by_default("0s")
    .help("How long a server that is told to stop goes on serving, while `/readyz` answers 503: longer than a load balancer takes to notice"),
    opt("limits.rate_limit", "rate-limit", "N", Shape::Number, |s, text| {
        s.options.measurements_per_minute = Some(positive(text)?.try_into().unwrap_or(u64::MAX));
        Ok(())
    })
    .help("How many measurements a user may submit in a minute; without it there is no limit"),
    opt("alerts.enabled", "alerts", "", Shape::Switch, |s, text| {
        s.options.alerts.evaluate = switch(text)?;
        Ok(())
    })
    .by_default("true")
    .help("Whether alerts are evaluated; `--no-alerts`: they are kept, and none of them ever fires"),
    opt("alerts.settle", "alert-settle", "TIME", Shape::Time, |s, text| {
        s.options.alerts.settle = seconds(text, 1, 300)?;
        Ok(())
    })
    .by_default("10s")
    .help("How long an alert waits for samples that are on their way: 1 s to 5 m"),
    opt("alerts.max_age", "alert-max-age", "TIME", Shape::Time, |s, text| {
        s.options.alerts.max_age = seconds(text, 60, 86_400)?;
        Ok(())
    })
    .by_default("15m")
    .help("How old a sample may be and still be judged: 1 m to 24 h. Older ones are stored and wake nobody"),
    opt("alerts.history", "alert-history", "SIZE", Shape::Size, |s, text| {
        s.options.alerts.history = size(text, 1_000_000)?;
        Ok(())
    })
    .by_default("256MB")
    .help("What incidents and deliveries may take together, 1 MB at least; the oldest that have ended go first"),
    opt("notify.enabled", "notify", "", Shape::Switch, |s, text| {
        let on = switch(text)?;
        s.options.alerts.notify = on;
        s.notify = Some(on);
        Ok(())
    })
    .help("Whether anybody is notified. `--notify` does so also where a data file of an older version holds notifications back; `--no-notify` keeps deliveries as `muted`, for moving in"),
    opt("notify.gather", "notify-gather", "TIME", Shape::Time, |s, text| {
        s.options.alerts.gather = seconds(text, 0, 300)?;
        Ok(())
    })
    .by_default("0s")
    .help("How long to gather streams before the first notification of an incident: 0 s to 5 m"),
    opt("notify.allow", "notify-allow", "TARGET", Shape::List, |s, text| {
        s.options.notify.allow.push(text.parse()?);
        Ok(())
    })
    .again()
    .help("A private target that may be notified all the same: a network, an address or a host. May be repeated"),
    opt("notify.base", "notify-base", "TYPE=URL", Shape::Pairs, |s, text| {
        let (kind, base) = text.split_once('=').ok_or("write TYPE=URL, such as pagerduty=https://events.eu.pagerduty.com")?;
        let base = url(base, &["http", "https"])?;
        s.options.notify.bases.insert(kind.to_owned(), base);
        Ok(())
    })
    .help("Where services of this type are reached, in place of the usual base URL: regions, tests. May be repeated"),
    opt("notify.proxy", "notify-proxy", "URL", Shape::Text, |s, text| {
        s.options.notify.proxy = Some(url_with_secrets(text, &["http", "https"])?);
        Ok(())
    })
    .secret(Secret::Url)
    .help("The proxy that notifications go through; none is ever taken from the environment of other programs"),
    opt("notify.proxy_file", "notify-proxy-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds the URL of the proxy, with its credentials"),
    opt("notify.ca_file", "notify-ca-file", "FILE", Shape::Path, |s, text| {
        s.options.notify.ca_file = Some(text.into());
        Ok(())
    })
    .help("Certificates (PEM) to trust beside those of the system when notifying"),
    opt("smtp.url", "smtp", "URL", Shape::Text, |s, text| {
        let url = url_with_secrets(text, &["smtp", "smtps"])?;
        let password = s.options.notify.smtp.take().and_then(|smtp| smtp.password);
        s.options.notify.smtp = Some(Smtp { url, password });
        Ok(())
    })
    .secret(Secret::Url)
    .help("The relay that takes mail: `smtp://HOST` with STARTTLS, or `smtps://HOST`; `?tls=opportunistic` where encryption may fail"),
    opt("smtp.url_file", "smtp-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds the URL of the relay, with its credentials"),
    opt("smtp.password", "smtp-password", "PASSWORD", Shape::Text, |s, text| {
        let smtp = s.options.notify.smtp.as_mut();
        smtp.ok_or("there is no relay for it; give smtp.url, too")?.password = Some(text.into());
        Ok(())
    })
    .secret(Secret::Whole)
    .help("The password of the user in the URL of the relay"),
    opt("smtp.password_file", "smtp-password-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds this password"),
    opt("smtp.from", "mail-from", "ADDRESS", Shape::Text, |s, text| {
        let known = text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
        s.options.notify.mail_from = Some(known.then(|| text.to_owned()).ok_or("write an address such as alerts@example.org")?);
        Ok(())
    })
    .help("From whom mail is; `librato-apply@HOST` without it, where HOST is that of the public URL or this machine"),
    opt("heartbeat.url", "heartbeat-url", "URL", Shape::Text, |s, text| {
        s.options.notify.heartbeat = Some(url_with_secrets(text, &["http", "https"])?);
        Ok(())
    })
    .secret(Secret::Whole)
    .help("An address that is called each minute as long as alerts are evaluated and what is due is sent, so that a service outside notices a server that is dead or stuck"),
    opt("heartbeat.url_file", "heartbeat-url-file", "FILE", Shape::SecretFile, BY_FILE)
        .help("A file that holds this address, which is a secret"),
    opt("pages.enabled", "ui", "", Shape::Switch, |s, text| {
        s.options.pages.enabled = switch(text)?;
        s.options.notify.links_to_pages = s.options.pages.enabled;
        Ok(())
    })
    .by_default("true")
    .help("Whether there are pages for browsers below `/ui/`; `--no-ui`: there are none"),
    opt("pages.allow_hosts", "allow-host", "HOST", Shape::List, |s, text| {
        s.options.pages.allowed_hosts.push(host(text)?);
        Ok(())
    })
    .help("A name under which browsers reach the pages, beside addresses, `localhost` and the host of the public URL; others are refused (421). May be repeated"),
    opt("pages.session_hours", "session-hours", "N", Shape::Number, |s, text| {
        let hours = positive(text)?;
        if hours > 168 {
            return Err("write a number of hours, 168 at most".to_owned());
        }
        s.options.pages.session = Duration::from_secs(hours as u64 * 3_600);
        Ok(())
    })
    .by_default("12")
    .help("After how many hours a browser that is not used must log in again; after seven days it must in any case"),
    opt("snapshots", "snapshots", "WHO", Shape::Choice(&["private", "link", "off"]), |s, text| {
        s.options.snapshots.seen_by = match choice(text, &["private", "link", "off"])? {
            "link" => Snapshots::Link,
            "off" => Snapshots::Off,
            _ => Snapshots::Private,
        };
        s.options.notify.links_pictures = s.options.snapshots.seen_by == Snapshots::Link;
        Ok(())
    })
    .by_default("private")
    .help("Who may see the pictures of snapshots: those who may see spaces (`private`), or whoever has the link, which cannot be guessed (`link`; with `--public-url`, messages to Slack and Teams then show pictures); `off`: none are drawn"),
    opt("picture_font", "picture-font", "FILE", Shape::Path, |s, text| {
        s.picture_font = Some(text.into());
        Ok(())
    })
    .help("A font (TrueType or OpenType) for what the built-in one lacks in PNG pictures: scripts beside Latin, Greek and Cyrillic, which are boxes without it"),
    opt("pages.open", "open", "", Shape::Switch, |s, text| {
        s.open = switch(text)?;
        Ok(())
    })
    .by_default("false")
    .help("Print a link that lets a browser in once, and open it. Where no user is given there is one until the server stops. On addresses of this machine alone"),
    opt("log.format", "log-format", "FORMAT", Shape::Choice(&["text", "json"]), |s, text| {
        s.log_json = choice(text, &["text", "json"])? == "json";
        Ok(())
    })
    .by_default("text")
    .help("How to write the log: for people, or as one JSON object a line"),
    opt("log.level", "log-level", "LEVEL", Shape::Choice(LEVELS), |s, text| {
        s.log_level = choice(text, LEVELS)?.parse().unwrap_or(s.log_level);
        Ok(())
    })
    .by_default("info")
    .again()
    .help("What to write into the log; `-q` and `-v` win over it"),
];
