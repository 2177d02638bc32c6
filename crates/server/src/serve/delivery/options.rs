//! How services are reached: what the operator says of it. URLs that can hold a password are secrets as a whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::SecretString;

use crate::notify::AllowList;

/// How services are reached; [`NotifyOptions::default`] is right where all of them are on the internet and none is mail.
/// Whether anything is sent at all stands in the options of alerts.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct NotifyOptions {
    /// Private targets that may be notified all the same. None by default; clones of the options share it.
    pub allow: AllowList,
    /// Base URLs instead of the usual ones, by type of service (`pagerduty`): regions, tests. Not guarded.
    pub bases: BTreeMap<String, String>,
    /// The proxy that all requests go through. Never taken from the environment, where it would bypass the guard unnoticed.
    pub proxy: Option<SecretString>,
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Where people reach this server; without it notifications hold no links to it.
    pub public_url: Option<String>,
    /// Whether these links lead to pages for people. The server must have them.
    pub links_to_pages: bool,
    /// Whether chats are shown pictures at addresses of this server that anybody may open.
    pub links_pictures: bool,
    /// The relay that takes mail. Without one, services of type `mail` fail saying so.
    pub smtp: Option<Smtp>,
    /// From whom mail is. `librato-apply@HOST` by default, the host being that of `public_url` or of this machine.
    pub mail_from: Option<String>,
    /// Whether nothing is ever sent, tests and heartbeat included: everything is invented. Not by default.
    pub sends_nothing: bool,
    /// A URL that is called each minute while alerts are evaluated and delivered in time.
    pub heartbeat: Option<SecretString>,
}

/// A mail relay.
#[derive(Debug, Clone)]
pub struct Smtp {
    /// `smtp://` or `smtps://`, with `?tls=opportunistic` where encryption may fail.
    pub url: SecretString,
    /// The password of the user in the URL, if it does not stand there.
    pub password: Option<SecretString>,
}
