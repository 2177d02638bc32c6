//! Which service is meant and how to get there: flags win over the environment, the environment over the files.
//! Guards the token: it is never sent where only a file of the repository points.

use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "serve")]
use anyhow::Context;
use base64::Engine;
use librato_apply::model::Settings;
use librato_apply::remote::{Client, Config, Endpoint};
use secrecy::{ExposeSecret, SecretString};

use super::args::Global;
use super::exit::Stop;
use super::patience::Patience;
use super::ui::Ui;

/// How long a command that only reads tries a service that it cannot connect to.
const LOOK: Duration = Duration::from_secs(2);

/// A service that can be talked to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A service on the network.
    Remote(Endpoint),
    /// A file of the built-in server; its path leads there from the working directory.
    Embedded(PathBuf),
}

impl Target {
    /// What tells this service from every other one, wherever it is named from.
    pub fn identity(&self) -> String {
        match self {
            Self::Remote(endpoint) => endpoint.to_string(),
            Self::Embedded(path) => {
                format!("embedded:{}", std::path::absolute(path).unwrap_or_else(|_| path.clone()).display())
            }
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Remote(endpoint) => endpoint.fmt(f),
            // What is printed can be typed back: it means the same file.
            Self::Embedded(path) => write!(f, "embedded:{}", path.display()),
        }
    }
}

/// A user and a token, as far as they were given.
pub struct Given {
    user: Option<String>,
    token: Option<SecretString>,
}

fn env(name: &str) -> Option<String> {
    let value = std::env::var(name).ok()?.trim().to_owned();
    Some(value).filter(|value| !value.is_empty())
}

/// The credentials of flags and environment.
///
/// # Errors
/// Where the token file cannot be read.
pub fn credentials(global: &Global, ui: &Ui) -> anyhow::Result<Given> {
    let user = global.user.clone();
    let user =
        user.or_else(|| ["LIBRATO_USER", "LIBRATO_EMAIL", "LIBRATO_USERNAME"].into_iter().find_map(env));
    let token = match &global.token_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|error| {
                Stop::usage(
                    format!("cannot read the token file {}: {error}", file.display()),
                    "give a file that holds the token alone",
                )
            })?;
            let token = text.trim();
            if token.is_empty() || token.contains(char::is_whitespace) {
                return Err(Stop::usage(
                    format!("the token file {} does not hold exactly one token", file.display()),
                    "give a file that holds the token alone",
                )
                .into());
            }
            Some(token.to_owned())
        }
        None => env("LIBRATO_TOKEN"),
    };
    if let Some(token) = &token {
        ui.hide(token);
        // A service that echoes headers would show it in this form.
        let user = user.as_deref().unwrap_or_default();
        ui.hide(&base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}")));
    }
    Ok(Given { user, token: token.map(SecretString::from) })
}

impl Given {
    /// Whether a user or a token was given.
    pub fn any(&self) -> bool {
        self.user.is_some() || self.token.is_some()
    }

    /// User and token for `serve`.
    ///
    /// # Errors
    /// Where one of them was not given.
    pub fn both(&self) -> Result<(&str, &SecretString), Stop> {
        let user = self
            .user
            .as_deref()
            .ok_or_else(|| Stop::usage("there is no user", "give --user, or set LIBRATO_USER"))?;
        let token = self
            .token
            .as_ref()
            .ok_or_else(|| Stop::usage("there is no token", "set LIBRATO_TOKEN, or give --token-file"))?;
        Ok((user, token))
    }
}

/// Decides which service is meant.
///
/// # Errors
/// Without an endpoint, with one that cannot be used, and where a rule guards the token or the data.
pub fn target(global: &Global, settings: &Settings, given: &Given, ui: &Ui) -> anyhow::Result<Target> {
    let explicit = global.endpoint.clone().or_else(|| env("LIBRATO_ENDPOINT"));
    let credentials = given.any();
    if let Some(text) = explicit {
        return parse(&text, Path::new(""), global);
    }
    let Some((text, dir)) = &settings.endpoint else {
        return Err(Stop::usage(
            "there is no endpoint: which service is meant?",
            "give --endpoint https://…, set LIBRATO_ENDPOINT, or try `--endpoint embedded:./librato.db`, a file of the built-in server",
        )
        .into());
    };
    let target = parse(text, dir, global)?;
    match &target {
        Target::Embedded(_) if credentials => Err(Stop::usage(
            format!("credentials are given, but the only endpoint is `{text}` from the settings"),
            "set LIBRATO_ENDPOINT (is it misspelt?), or give --endpoint to say that the file is meant",
        )
        .into()),
        Target::Embedded(_) => {
            if env("CI").is_some() {
                ui.complain(&format!("warning: under CI the endpoint is `{text}` from the settings, a file that may not be kept"));
            }
            Ok(target)
        }
        Target::Remote(_) if credentials && !global.trust_settings_endpoint => Err(Stop::usage(
            format!("the endpoint {target} comes only from the settings, and credentials are not sent there"),
            "set LIBRATO_ENDPOINT or give --endpoint, or --trust-settings-endpoint if nobody else can change these files",
        )
        .into()),
        Target::Remote(_) => Ok(target),
    }
}

fn parse(text: &str, dir: &Path, global: &Global) -> anyhow::Result<Target> {
    if let Some(path) = text.strip_prefix("embedded:") {
        if path.trim().is_empty() {
            return Err(Stop::usage("`embedded:` needs a path", "such as embedded:./librato.db").into());
        }
        return Ok(Target::Embedded(from_here(dir, path)));
    }
    Endpoint::parse(text, global.allow_insecure_http).map(Target::Remote).map_err(|error| {
        let (error, hint) = match scheme_for(text) {
            Some(scheme) => (
                "the endpoint is not a URL: it says no scheme".to_owned(),
                format!("write {scheme}://{text}"),
            ),
            None => {
                let hint = "write https://host, or embedded:PATH for a file of the built-in server";
                (error.to_string(), hint.to_owned())
            }
        };
        Stop::usage(error, hint).into()
    })
}

/// The path of a file that `dir` speaks of, without the steps in between that lead nowhere; as it is written where that is here.
fn from_here(dir: &Path, path: &str) -> PathBuf {
    let here = dir.components().all(|step| step == std::path::Component::CurDir);
    if here { PathBuf::from(path) } else { dir.join(path).components().collect() }
}

/// What is missing before a text that is a host, with a port or without.
fn scheme_for(text: &str) -> Option<&'static str> {
    let host = text.split(['/', ':']).next().unwrap_or_default();
    let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    let local = host == "localhost" || host.starts_with("127.");
    (named && !text.contains("//") && (local || text.contains('.'))).then_some(if local {
        "http"
    } else {
        "https"
    })
}

/// What is done with an embedded file, which decides what becomes of one that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It is read. One that does not exist is an error: who reads means something that is there.
    Read,
    /// It is compared with. An empty one in memory stands in.
    Compare,
    /// What is in it is changed. One that does not exist is an error, too.
    Change,
    /// It is written. One that does not exist is made.
    Write,
}

impl Access {
    /// Whether nothing is written.
    fn only_reads(self) -> bool {
        matches!(self, Self::Read | Self::Compare)
    }
}

/// A way to the service, and what must outlive it.
pub struct Connection {
    /// The client.
    pub client: Client,
    /// Tells what is waited for.
    _patience: Patience,
    #[cfg(feature = "serve")]
    embedded: Option<super::embedded::Embedded>,
}

impl Connection {
    /// Ends the connection; an embedded server closes its file.
    ///
    /// # Errors
    /// Where the file cannot be closed.
    pub async fn close(self) -> anyhow::Result<()> {
        #[cfg(feature = "serve")]
        if let Some(embedded) = self.embedded {
            embedded.close().await.context("the embedded server did not close its file")?;
        }
        Ok(())
    }
}

/// Connects.
///
/// # Errors
/// Without credentials for a service on the network; where the file or the certificates cannot be used.
pub async fn connect(
    global: &Global,
    target: &Target,
    given: &Given,
    access: Access,
    ui: &Ui,
) -> anyhow::Result<Connection> {
    match target {
        Target::Remote(endpoint) => {
            let (user, token) = given.both()?;
            let token = SecretString::from(token.expose_secret().to_owned());
            let config = configure(Config::new(endpoint.clone(), user, token), global, access.only_reads());
            let client = Client::new(config)
                .map_err(|error| Stop::usage(error.to_string(), "see --ca-file and --user"))?;
            Ok(Connection {
                _patience: Patience::begin(&client, ui),
                client,
                #[cfg(feature = "serve")]
                embedded: None,
            })
        }
        #[cfg(feature = "serve")]
        Target::Embedded(path) => {
            let is_new = !path.exists();
            if is_new && matches!(access, Access::Read | Access::Change) {
                return Err(Stop {
                    exit: super::exit::Exit::Error,
                    message: format!("there is no file {}", path.display()),
                    help: vec!["is the path right? `apply` and `submit` make a file, others read one".into()],
                }
                .into());
            }
            let (embedded, config) = super::embedded::start(path, access.only_reads()).await?;
            if is_new && access == Access::Write {
                ui.say(&format!("note: made {}", path.display()));
            }
            let client = Client::new(configure(config, global, access.only_reads()))
                .context("cannot talk to the embedded server")?;
            Ok(Connection { _patience: Patience::begin(&client, ui), client, embedded: Some(embedded) })
        }
        #[cfg(not(feature = "serve"))]
        Target::Embedded(_) => {
            let _ = (access, ui, "these only matter with a file");
            Err(Stop::usage("this build has no embedded server", "build it with the feature `serve`").into())
        }
    }
}

fn configure(mut config: Config, global: &Global, read_only: bool) -> Config {
    let patience = global.give_up_after;
    config.give_up_after = Some(patience);
    config.retry.deadline = patience;
    // The slowest pace of trying again is reached soon, and then kept until the time is up.
    let tries = patience.as_secs() / config.retry.cap.as_secs().max(1);
    config.retry.max_attempts += usize::try_from(tries).unwrap_or(usize::MAX / 2);
    // Who only looks can come again.
    let contact = if read_only { LOOK } else { config.retry.first_contact };
    config.retry.first_contact = contact.min(patience);
    config.timeout = global.timeout;
    config.ca_file.clone_from(&global.ca_file);
    config.write_concurrency = usize::from(global.parallelism);
    config
}
