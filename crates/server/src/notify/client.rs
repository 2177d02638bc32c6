//! One attempt over HTTP: bounded in time and in what is read, guarded, never redirected, and silent about URLs, which hold secrets.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::header::RETRY_AFTER;
use reqwest::{Certificate, ClientBuilder, Proxy, Response, redirect};
use secrecy::{ExposeSecret, SecretString};

use super::guard::{Guard, Refusal};
use super::{AllowList, Http};

/// How the program introduces itself.
const USER_AGENT: &str = concat!("librato-apply/", env!("CARGO_PKG_VERSION"));

/// What is read of an answer. No one who takes messages has more to say.
const READ: usize = 16 * 1024;

/// Connections that wait for longer are not used again: many servers close theirs after a minute.
const IDLE: Duration = Duration::from_secs(20);

/// How long one attempt may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// To look up the name and connect, TLS included.
    pub connect: Duration,
    /// From the beginning to the end of the answer.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { connect: Duration::from_secs(5), whole: Duration::from_secs(15) }
    }
}

/// How the internet is reached.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Private targets that are let through.
    pub allow: AllowList,
    /// The proxy for everything. It looks up the names of targets, so that only addresses in URLs can be refused then.
    pub proxy: Option<SecretString>,
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long an attempt may take.
    pub patience: Patience,
}

/// Why no client can be made of a [`Way`].
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The certificates.
    #[error("{}: {why}", file.display())]
    CaFile {
        /// Where they should be.
        file: PathBuf,
        /// What is wrong with them.
        why: String,
    },
    /// The proxy; its URL may hold a password.
    #[error(
        "the URL of the proxy for notifications cannot be used: write http://HOST:PORT or https://HOST:PORT"
    )]
    Proxy,
    /// TLS and the like.
    #[error("no client for notifications can be made: {0}")]
    Build(String),
}

/// What sends requests.
#[derive(Debug, Clone)]
pub struct Client {
    guard: Guard,
    guarded: reqwest::Client,
    /// For addresses that the operator chose.
    open: reqwest::Client,
}

/// What the far end said.
#[derive(Debug, PartialEq, Eq)]
pub struct Answered {
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The beginning of the body.
    pub body: Vec<u8>,
    /// Whether the body ended, or at least as much of it came as is read.
    pub whole: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failed {
    /// It was not even tried.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nothing was sent.
    #[error("{0}")]
    Unconnected(String),
    /// It may have been sent, and may have arrived.
    #[error("{0}")]
    Unanswered(String),
}

impl Client {
    /// A client for this way out. Connects to nothing.
    ///
    /// # Errors
    /// When the certificates or the proxy cannot be used.
    pub fn new(way: &Way) -> Result<Client, ClientError> {
        // reqwest is built without a provider of its own; a second installation fails, which is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let own = way.ca_file.as_deref().map(read_certificates).transpose()?.unwrap_or_default();
        let guard = Guard::new(&way.allow);
        let proxy = way.proxy.as_ref().map(|url| proxy(url.expose_secret())).transpose()?;
        let open = || builder(way.patience, proxy.clone());
        // With a proxy the only names that are looked up here are the proxy's own.
        let guarded = || match proxy {
            Some(_) => open(),
            None => open().dns_resolver(guard.clone()),
        };
        Ok(Client { guarded: build(guarded, &own)?, open: build(open, &own)?, guard })
    }

    /// Sends one request once.
    ///
    /// # Errors
    /// When there was no answer; a refusal of the far end is one.
    pub async fn send(&self, request: &Http) -> Result<Answered, Failed> {
        let client = if request.trusted {
            &self.open
        } else {
            self.guard.check(&request.url)?;
            &self.guarded
        };
        let mut sent = client.post(request.url.clone()).body(request.body.clone());
        for (name, value) in &request.headers {
            sent = sent.header(*name, value);
        }
        let answer = sent.send().await.map_err(failed)?;
        Ok(read(answer).await)
    }

    /// Asks for a URL of the operator's, to be seen there.
    ///
    /// # Errors
    /// When there was no answer.
    pub async fn call(&self, url: &SecretString) -> Result<u16, Failed> {
        let answer = self.open.get(url.expose_secret()).send().await.map_err(failed)?;
        Ok(answer.status().as_u16())
    }
}

fn builder(patience: Patience, proxy: Option<Proxy>) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .redirect(redirect::Policy::none())
        .retry(reqwest::retry::never())
        .timeout(patience.whole)
        .connect_timeout(patience.connect)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(2)
        .no_gzip()
        .referer(false)
        .user_agent(USER_AGENT);
    match proxy {
        Some(proxy) => builder.proxy(proxy),
        // Never the one of the environment.
        None => builder.no_proxy(),
    }
}

/// With the roots of the system or, where there are none, those of the public web.
fn build(builder: impl Fn() -> ClientBuilder, own: &[Certificate]) -> Result<reqwest::Client, ClientError> {
    let public = || {
        let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
        roots.filter_map(|der| Certificate::from_der(der).ok()).chain(own.iter().cloned())
    };
    builder()
        .tls_certs_merge(own.to_vec())
        .build()
        .or_else(|_| builder().tls_certs_only(public()).build())
        .map_err(|error| ClientError::Build(innermost(&error)))
}

fn proxy(url: &str) -> Result<Proxy, ClientError> {
    let parsed = url::Url::parse(url).map_err(|_| ClientError::Proxy)?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none_or(str::is_empty) {
        return Err(ClientError::Proxy);
    }
    Proxy::all(parsed).map_err(|_| ClientError::Proxy)
}

/// The certificates in a PEM file.
fn read_certificates(file: &Path) -> Result<Vec<Certificate>, ClientError> {
    let unreadable = |why: String| ClientError::CaFile { file: file.to_owned(), why };
    let pem = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| unreadable(innermost(&error)))?;
    if certificates.is_empty() {
        return Err(unreadable("no PEM certificate in it".to_owned()));
    }
    Ok(certificates)
}

/// Reads no more than is needed, and takes what came before the time was up.
async fn read(mut answer: Response) -> Answered {
    let status = answer.status().as_u16();
    let retry_after =
        answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut body = Vec::new();
    let whole = loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => {
                body.extend_from_slice(&chunk[..chunk.len().min(READ - body.len())]);
                if body.len() == READ {
                    break true;
                }
            }
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    Answered { status, retry_after, body, whole }
}

/// What an error of the client means, without the URL.
fn failed(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    if let Some(refusal) = refusal(&error) {
        return Failed::Refused(refusal);
    }
    let (timeout, connect) = (error.is_timeout(), error.is_connect());
    match (connect, timeout) {
        (true, true) => Failed::Unconnected("no connection in time".to_owned()),
        (true, false) => Failed::Unconnected(format!("no connection: {}", innermost(&error))),
        (false, true) => Failed::Unanswered("no answer in time".to_owned()),
        (false, false) if error.is_builder() => {
            Failed::Unconnected("the request cannot be made of these settings".to_owned())
        }
        (false, false) => Failed::Unanswered(format!("no answer: {}", innermost(&error))),
    }
}

fn refusal(error: &(dyn Error + 'static)) -> Option<Refusal> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        next = error.source();
    }
    None
}

/// The innermost reason: what is around it only says that a request failed.
fn innermost(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests;
