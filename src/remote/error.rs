//! How talking to the service fails, in words that help at three in the morning.
//! Holds no credential and no request body. Does not decide about retries beyond telling what may pass.
use std::path::PathBuf;
use std::time::Duration;

use crate::remote::Method;
use crate::wire::{ApiMessages, Failures};

/// Why one request, or one listing, did not bring what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ApiError {
    /// The request or its answer was lost on the way.
    #[error("{method} {path}: {kind}: {detail}{}", kind.hint())]
    Transport {
        /// What gave way.
        kind: TransportKind,
        /// The method of the request.
        method: Method,
        /// Its path below `/v1`.
        path: String,
        /// The cause in the words of the library that met it.
        detail: String,
        /// False only where it is certain that the request did not reach the service.
        may_have_been_executed: bool,
    },
    /// The service answered, but not with success.
    #[error("{}", describe_status(*status, messages, *method, path, *retry_after))]
    Status {
        /// The status code, never 2xx.
        status: u16,
        /// What the service said about it; may be empty.
        messages: ApiMessages,
        /// The method of the request.
        method: Method,
        /// Its path below `/v1`.
        path: String,
        /// How long the service asked to be left alone, by `Retry-After` or its rate-limit headers.
        retry_after: Option<Duration>,
    },
    /// The service reported success in a form this program cannot read. A write has been executed.
    #[error(
        "{path}: the service reports success, but its answer cannot be read: {detail}; is the endpoint really a Librato v1 API?"
    )]
    Decode {
        /// The path below `/v1`.
        path: String,
        /// What was found instead.
        detail: String,
    },
    /// The service reported success, and failures with it. Part of a write has been executed, or all of it, or none.
    #[error("{method} {path}: the service reports success, but tells of failures: {failures}")]
    Told {
        /// The method of the request.
        method: Method,
        /// Its path below `/v1`.
        path: String,
        /// What it tells.
        failures: Failures,
    },
    /// The collection kept changing while it was read.
    #[error(
        "GET {path}: the listing kept changing while it was read: the service speaks of {found} entries, \
         {distinct} different ones came; run again when nobody else is writing"
    )]
    Incomplete {
        /// The path below `/v1`.
        path: String,
        /// How many entries the service says there are.
        found: u64,
        /// How many different ones its pages held.
        distinct: u64,
    },
    /// Not sent: the service asked for a longer pause than this program is willing to make.
    #[error(
        "{method} {path}: not sent: the service asked to be left alone for another {} s, more than the {} s \
         this program waits; run again later",
        wait.as_secs(),
        limit.as_secs()
    )]
    Paused {
        /// The method of the request.
        method: Method,
        /// Its path below `/v1`.
        path: String,
        /// What is left of the pause.
        wait: Duration,
        /// The longest pause that is waited for.
        limit: Duration,
    },
    /// Not sent: the service has answered nothing for as long as this program waits.
    #[error("{method} {path}: not sent: the service has answered nothing for {} s", silent.as_secs())]
    Unreachable {
        /// The method of the request.
        method: Method,
        /// Its path below `/v1`.
        path: String,
        /// For how long.
        silent: Duration,
    },
    /// Not sent: no URL leads there. The names `.` and `..` are legal in the API, but every URL parser
    /// takes them, encoded or not, for steps in the path.
    #[error("{method} {path}: not sent: this name cannot be part of a URL")]
    Unaddressable {
        /// The method of the request.
        method: Method,
        /// The path that cannot be asked for.
        path: String,
    },
}

/// What gave way between here and the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// No connection came about (refused, unreachable, unknown host). Nothing was sent.
    Connect,
    /// No complete answer within the time limit.
    Timeout,
    /// The connection was lost before the answer began.
    Reset,
    /// The answer broke off.
    Truncated,
    /// No secure connection: certificate, protocol version.
    Tls,
    /// What came back is no HTTP.
    Foreign,
}

impl TransportKind {
    fn hint(self) -> &'static str {
        match self {
            Self::Connect => "; check the endpoint's host and port, and that the service is up",
            Self::Timeout => "; a longer limit can be given with --timeout",
            // What is said of these says it itself.
            Self::Tls => "",
            Self::Foreign => "; this port does not speak http; is it https?",
            Self::Reset | Self::Truncated => "",
        }
    }
}

impl std::fmt::Display for TransportKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Connect => "cannot connect",
            Self::Timeout => "no answer in time",
            Self::Reset => "the connection was lost before the answer",
            Self::Truncated => "the answer broke off",
            Self::Tls => "no secure connection",
            Self::Foreign => "the answer is not HTTP",
        })
    }
}

impl ApiError {
    /// Whether the same request may well succeed a little later.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Transport { kind, .. } => !matches!(kind, TransportKind::Tls | TransportKind::Foreign),
            Self::Status { status: 408 | 429 | 500.., .. } => true,
            Self::Status { status: 403, messages, .. } => messages.speak_of_a_rate_limit(),
            Self::Status { .. }
            | Self::Decode { .. }
            | Self::Told { .. }
            | Self::Incomplete { .. }
            | Self::Paused { .. }
            | Self::Unreachable { .. }
            | Self::Unaddressable { .. } => false,
        }
    }

    /// The status code, where the service gave one.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// The roles that may do this, where the token has none of them.
    pub fn needed_role(&self) -> Option<&'static str> {
        match self {
            Self::Status { status: 403, messages, method, path, .. }
                if !messages.speak_of_a_rate_limit() && has_roles(path) =>
            {
                Some(roles(*method, path))
            }
            _ => None,
        }
    }

    /// Whether the object does not exist (or is not visible with this token).
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the service may have executed the request all the same: its answer was lost, could not be
    /// read, or was a 5xx, which says nothing about how far the service got.
    pub fn may_have_been_executed(&self) -> bool {
        match self {
            Self::Transport { may_have_been_executed, .. } => *may_have_been_executed,
            Self::Status { status, .. } => *status == 408 || *status >= 500,
            Self::Decode { .. } | Self::Told { .. } => true,
            Self::Incomplete { .. }
            | Self::Paused { .. }
            | Self::Unreachable { .. }
            | Self::Unaddressable { .. } => false,
        }
    }

    /// How long the service asked to be left alone.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            Self::Paused { wait, .. } => Some(*wait),
            _ => None,
        }
    }
}

/// `PUT /alerts/7: 400 Bad Request: name is already taken`, with a hint where one can be given.
fn describe_status(
    status: u16,
    messages: &ApiMessages,
    method: Method,
    path: &str,
    retry_after: Option<Duration>,
) -> String {
    let reason = reqwest::StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason());
    let mut text = format!("{method} {path}: {status}");
    for part in [reason.map(str::to_owned), Some(messages.to_string())].into_iter().flatten() {
        if !part.is_empty() {
            text.push_str(if text.ends_with(|c: char| c.is_ascii_digit()) { " " } else { ": " });
            text.push_str(&part);
        }
    }
    match status {
        300..=399 => {
            text.push_str("; redirects are never followed, so give the final address as the endpoint");
        }
        401 => text
            .push_str("; check the user (--user, LIBRATO_USER) and the token (--token-file, LIBRATO_TOKEN)"),
        403 if !messages.speak_of_a_rate_limit() && has_roles(path) => {
            text.push_str(&format!("; the token lacks the role for this, {}", roles(method, path)));
        }
        415 => text.push_str("; is the endpoint really a Librato v1 API?"),
        _ => {}
    }
    if let Some(wait) = retry_after {
        text.push_str(&format!("; the service asks to wait {} s", wait.as_secs_f64().ceil()));
    }
    text
}

/// Whether a path is of the API that has roles; those of rulers begin otherwise.
fn has_roles(path: &str) -> bool {
    !["/api/", "/prometheus/"].iter().any(|begin| path.starts_with(begin))
}

/// Who may do this, by the table of roles.
fn roles(method: Method, path: &str) -> &'static str {
    let mut segments = path.trim_start_matches('/').split(['/', '?']);
    let (first, last) = (segments.next().unwrap_or_default(), path.rsplit('/').next());
    match (method, first) {
        (Method::Get, "alerts") => "`recorder`, `operator` or `admin`",
        (Method::Get, "services" | "audit") => "`operator` or `admin`",
        (Method::Post, "alerts") if last == Some("clear") => "`operator` or `admin`",
        (Method::Get, "spaces" | "instruments" | "dashboards") => "`viewer`, `operator` or `admin`",
        (Method::Get, "metrics" | "measurements" | "annotations" | "sources") => {
            "`recorder`, `viewer`, `operator` or `admin`"
        }
        (Method::Post, "metrics" | "measurements" | "annotations") => "`recorder` or `admin`",
        _ => "`admin`",
    }
}

/// Why there is no client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The CA file cannot be used.
    #[error("cannot use the CA file {}: {why}", file.display())]
    CaFile {
        /// The file as given.
        file: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// Basic authentication ends the user name at the first colon.
    #[error("the user name must not contain a colon or control characters")]
    User,
    /// The HTTP library refuses.
    #[error("cannot set up the HTTP client: {0}")]
    Build(String),
}
