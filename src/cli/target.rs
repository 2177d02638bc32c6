//! Which service is meant: flags win over the environment, the environment over the files.
//! Guards the token: it is never sent where only a file of the repository points.

use std::path::{Path, PathBuf};

use librato_apply::diag::suggest;
use librato_apply::remote::ruler::Flavour;
use librato_apply::remote::{ApiError, Endpoint, EndpointError};

use super::args::Global;
use super::credentials::{Given, env};
use super::exit::{Exit, Stop, chain};
use super::ui::Ui;

/// A service that can be talked to, and who says that it is meant.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub place: Place,
    /// Who says so, where that is not the command line itself: everybody sees what they typed.
    origin: Option<String>,
}

/// Where a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// On the network.
    Remote(Endpoint),
    /// A file of the built-in server; its path leads there from the working directory.
    Embedded(PathBuf),
    /// A ruler on the network.
    Ruler(Flavour, Endpoint),
}

impl Target {
    /// What tells this service from every other one, wherever it is named from.
    pub fn identity(&self) -> String {
        match &self.place {
            Place::Remote(endpoint) => endpoint.to_string(),
            Place::Embedded(path) => {
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                format!("embedded:{}", whole.display())
            }
            Place::Ruler(..) => self.to_string(),
        }
    }

    /// An error of what was asked there, with who says that this is the place, where another one might mend it.
    pub fn explain(&self, error: anyhow::Error) -> anyhow::Error {
        if is_about_the_place(&error) { self.explain_way(error) } else { error }
    }

    /// An error of getting there, with who says that this is the place.
    pub fn explain_way(&self, mut error: anyhow::Error) -> anyhow::Error {
        let Some(origin) = &self.origin else { return error };
        let help = format!("the endpoint {self} is from {origin}");
        match error.downcast_mut::<Stop>() {
            Some(stop) => {
                stop.help.push(help);
                error
            }
            None => Stop { exit: Exit::Error, message: chain(&error), help: vec![help] }.into(),
        }
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.place {
            Place::Remote(endpoint) => endpoint.fmt(f),
            // What is printed can be typed back: it means the same file.
            Place::Embedded(path) => write!(f, "embedded:{}", path.display()),
            Place::Ruler(flavour, endpoint) => {
                write!(f, "{flavour}+{}", endpoint.to_string().trim_end_matches('/'))
            }
        }
    }
}

/// Whether another endpoint might mend an error: no one answers there, someone else does, or they know no such user.
fn is_about_the_place(error: &anyhow::Error) -> bool {
    let failed = error.chain().find_map(|cause| cause.downcast_ref::<ApiError>());
    match failed {
        Some(ApiError::Transport { .. } | ApiError::Unreachable { .. } | ApiError::Decode { .. }) => true,
        Some(ApiError::Status { status, .. }) => matches!(status, 300..=399 | 401 | 404 | 405 | 415),
        Some(_) | None => false,
    }
}

/// An endpoint that a file names.
#[derive(Debug, Clone)]
pub struct Written {
    /// As it stands there.
    pub text: String,
    /// The directory that relative paths start from.
    pub dir: PathBuf,
    /// Which file, in words.
    pub place: String,
}

/// Decides which service is meant; `written` looks into the files, where no one says it who counts more.
///
/// # Errors
/// Without an endpoint, with one that cannot be used, and where a rule guards the token or the data.
pub fn target(
    global: &Global,
    written: impl FnOnce() -> Result<Option<Written>, Stop>,
    given: &Given,
    ui: &Ui,
) -> anyhow::Result<Target> {
    if let Some(text) = &global.endpoint {
        return Ok(Target { place: parse(text, Path::new(""), global)?, origin: None });
    }
    if let Some(text) = env("LIBRATO_ENDPOINT") {
        let target = |place| Target { place, origin: Some("LIBRATO_ENDPOINT".to_owned()) };
        return parse(&text, Path::new(""), global)
            .map(target)
            .map_err(|stop| from(stop, "LIBRATO_ENDPOINT").into());
    }
    let Some(Written { text, dir, place: origin }) = written()? else {
        return Err(Stop::usage(
            "there is no endpoint: which service is meant?",
            "give --endpoint https://…, set LIBRATO_ENDPOINT, or write `settings: { endpoint: … }` into the definitions; \
             to try things out, `--endpoint embedded:./librato.db` is a file of the built-in server",
        )
        .into());
    };
    let place = parse(&text, &dir, global).map_err(|stop| from(stop, &origin))?;
    let target = Target { place, origin: Some(origin.clone()) };
    guard(&target, &text, &origin, given.any(), global, ui)?;
    Ok(target)
}

/// The rules for an endpoint that only a file names.
fn guard(
    target: &Target,
    text: &str,
    origin: &str,
    credentials: bool,
    global: &Global,
    ui: &Ui,
) -> Result<(), Stop> {
    match &target.place {
        Place::Embedded(_) if credentials => Err(Stop::usage(
            format!("credentials are given, but the only endpoint is `{text}` from {origin}"),
            "set LIBRATO_ENDPOINT (is it misspelt?), or give --endpoint to say that the file is meant",
        )),
        Place::Embedded(_) => {
            if env("CI").is_some() {
                ui.complain(&format!(
                    "warning: under CI the endpoint is `{text}` from {origin}, a file that may not be kept"
                ));
            }
            Ok(())
        }
        Place::Remote(_) | Place::Ruler(..) if credentials && !global.trust_settings_endpoint => {
            Err(Stop::usage(
                format!("the endpoint {target} comes only from {origin}, and credentials are not sent there"),
                "set LIBRATO_ENDPOINT or give --endpoint, or --trust-settings-endpoint if nobody else can change these files",
            ))
        }
        Place::Remote(_) | Place::Ruler(..) => Ok(()),
    }
}

fn from(mut stop: Stop, origin: &str) -> Stop {
    stop.help.push(format!("this endpoint is from {origin}"));
    stop
}

fn parse(text: &str, dir: &Path, global: &Global) -> Result<Place, Stop> {
    if let Some(path) = text.strip_prefix("embedded:") {
        if path.trim().is_empty() {
            return Err(Stop::usage("`embedded:` needs a path", "such as embedded:./librato.db"));
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| path.starts_with(scheme)) {
            let help = "start `librato-apply serve --store` over it, and give the address of that server";
            return Err(Stop::usage("`embedded:` takes a file, and this is a database", help));
        }
        return Ok(Place::Embedded(from_here(dir, path)));
    }
    let ruler =
        |flavour: &Flavour| Some((*flavour, text.trim().strip_prefix(flavour.name())?.strip_prefix('+')?));
    if let Some((flavour, url)) = Flavour::ALL.iter().find_map(ruler) {
        let endpoint = Endpoint::bare(url, global.allow_insecure_http);
        return endpoint.map(|endpoint| Place::Ruler(flavour, endpoint)).map_err(|error| {
            Stop::usage(
                error.to_string(),
                format!("write {flavour}+https://host, with the prefix of its API if it has one"),
            )
        });
    }
    Endpoint::parse(text, global.allow_insecure_http).map(Place::Remote).map_err(|error| {
        let (error, hint) = match (misspelt(text), scheme_for(text)) {
            (Some(path), _) => {
                ("the endpoint is not a URL".to_owned(), format!("did you mean `embedded:{path}`?"))
            }
            (None, Some(scheme)) => (
                "the endpoint is not a URL: it says no scheme".to_owned(),
                format!("write {scheme}://{text}"),
            ),
            (None, None) if matches!(error, EndpointError::Version(_)) => {
                (error.to_string(), "write https://host; what other paths an endpoint has is kept".to_owned())
            }
            (None, None) => {
                let hint = "write https://host, or embedded:PATH for a file of the built-in server";
                (error.to_string(), hint.to_owned())
            }
        };
        Stop::usage(error, hint)
    })
}

/// The path of a file that `dir` speaks of, without the steps in between that lead nowhere; as it is written where that is here.
fn from_here(dir: &Path, path: &str) -> PathBuf {
    let here = dir.components().all(|step| step == std::path::Component::CurDir);
    if here { PathBuf::from(path) } else { dir.join(path).components().collect() }
}

/// The path behind what was to be `embedded:`.
fn misspelt(text: &str) -> Option<&str> {
    let (word, path) = text.split_once(':')?;
    suggest(word, ["embedded"]).filter(|_| !path.is_empty() && !path.starts_with("//")).map(|_| path)
}

/// What is missing before a text that is a host, with a port or without.
fn scheme_for(text: &str) -> Option<&'static str> {
    let place = text.split('/').next().unwrap_or_default();
    let (host, port) = place.split_once(':').unwrap_or((place, "80"));
    let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c));
    let ported = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let local = host == "localhost" || host.starts_with("127.");
    let scheme = if local { "http" } else { "https" };
    (named && ported && !text.contains("//") && (local || host.contains('.'))).then_some(scheme)
}
