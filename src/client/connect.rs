//! The connection: how one comes about, and how it writes.
//! Holds the token in a form that no output shows.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::Error;
use crate::measure::{Measurement, Options, Queue, Sanitizer, SubmitError, Submitted};
use crate::remote::{Call, Client, Config, Endpoint, Method, Reply, RetryPolicy, WriteApi, sleep};

/// An API token on its way into a connection; made from any kind of text, also from one that is secret already.
pub struct Token(SecretString);

impl From<&str> for Token {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Token {
    fn from(text: &String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<String> for Token {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<SecretString> for Token {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

/// A connection in the making.
#[must_use = "nothing is connected before `open`"]
pub struct Connect {
    endpoint: String,
    user: String,
    token: SecretString,
    allow_insecure_http: bool,
    timeout: Option<Duration>,
    user_agent: Option<String>,
    ca_file: Option<PathBuf>,
    retry: Option<RetryPolicy>,
    sanitizer: Option<Sanitizer>,
}

impl Connect {
    /// The time limit of one request, connecting included; 10 s where nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How to introduce the program; the service keeps it as `created_by_ua` of metrics it creates.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = Some(user_agent.into());
        self
    }

    /// What is made of every metric name before it is sent. Without one the service judges names.
    pub fn sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.sanitizer = Some(sanitizer);
        self
    }

    /// Certificates (PEM) to trust beside those of the system.
    pub fn ca_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(file.into());
        self
    }

    /// How patient to be with what may pass.
    pub fn retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = Some(policy);
        self
    }

    /// Allows `http://` to hosts other than this machine: the token then crosses the network unprotected.
    pub fn allow_insecure_http(mut self) -> Self {
        self.allow_insecure_http = true;
        self
    }

    /// Prepares the connection; the first request makes it.
    ///
    /// # Errors
    /// Where the endpoint, the user or the certificates cannot be used.
    pub fn open(self) -> Result<Librato, Error> {
        let endpoint = Endpoint::parse(&self.endpoint, self.allow_insecure_http)?;
        let mut config = Config::new(endpoint, self.user, self.token);
        config.timeout = self.timeout.unwrap_or(config.timeout);
        config.user_agent = self.user_agent.unwrap_or(config.user_agent);
        config.retry = self.retry.unwrap_or(config.retry);
        config.ca_file = self.ca_file;
        Ok(Librato { client: Client::new(config)?, sanitizer: self.sanitizer })
    }
}

impl fmt::Debug for Connect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the endpoint either: before it is parsed it may hold a password.
        f.debug_struct("Connect").field("user", &self.user).finish_non_exhaustive()
    }
}

/// A connection to a Librato-v1-compatible service. Cheap to clone; clones share connections, limits and pauses.
#[derive(Clone)]
pub struct Librato {
    client: Client,
    sanitizer: Option<Sanitizer>,
}

impl fmt::Debug for Librato {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Librato").field("client", &self.client).finish_non_exhaustive()
    }
}

impl From<Client> for Librato {
    /// Over a transport that is there already, without a sanitizer.
    fn from(client: Client) -> Self {
        Self { client, sanitizer: None }
    }
}

impl Librato {
    /// Begins a connection: the service's address (`https://host[/prefix]`; `http://` for this machine), the account and
    /// its API token.
    pub fn connect(endpoint: impl Into<String>, user: impl Into<String>, token: impl Into<Token>) -> Connect {
        Connect {
            endpoint: endpoint.into(),
            user: user.into(),
            token: token.into().0,
            allow_insecure_http: false,
            timeout: None,
            user_agent: None,
            ca_file: None,
            retry: None,
            sanitizer: None,
        }
    }

    /// Changes the time limit of one request from now on. Clones made before keep theirs.
    ///
    /// # Errors
    /// Where the certificates cannot be read again.
    pub fn set_timeout(&mut self, timeout: Duration) -> Result<(), Error> {
        let config = Config { timeout, ..self.client.config().clone() };
        self.client = Client::new(config)?;
        Ok(())
    }

    /// The time limit of one request.
    pub fn timeout(&self) -> Duration {
        self.client.config().timeout
    }

    /// The transport, for requests this library has no words for.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// A metric name as it is sent.
    pub fn metric_name(&self, name: &str) -> String {
        self.sanitizer.map_or_else(|| name.to_owned(), |sanitize| sanitize(name))
    }

    /// Sends one measurement. For more than a few see [`Librato::queue`].
    ///
    /// # Errors
    /// Where the service refuses it, or cannot be talked to.
    pub async fn submit(&self, measurement: Measurement) -> Result<Submitted, SubmitError> {
        let queue = self.queue();
        // A queue without limits sends nothing by itself, so what goes wrong comes out of `submit`.
        queue.add(measurement).await?;
        let sent = queue.submit().await;
        // No one could have it sent later.
        drop(queue.take());
        sent.map_err(|error| SubmitError { held: 0, ..error })
    }

    /// A queue of measurements, sent in batches: when it is told to, or when its scope ends.
    pub fn queue(&self) -> Queue<Client> {
        self.queue_with(Options { retry: self.client.config().retry, ..Options::default() })
    }

    /// A queue that submits by itself at a count or an age, has tags of its own, and so on. Names pass this connection's
    /// sanitizer where the options name none.
    pub fn queue_with(&self, options: Options) -> Queue<Client> {
        let sanitizer = options.sanitizer.or(self.sanitizer);
        Queue::with(self.client.clone(), Options { sanitizer, ..options })
    }

    /// One write. PUT and DELETE are tried again while that may help; a POST only where it certainly was not executed.
    pub(super) async fn write(&self, call: &Call) -> Result<Reply, Error> {
        let mut attempts = self.client.config().retry.attempts(call.method);
        loop {
            match self.client.send(call).await {
                Ok(reply) => return Ok(reply),
                // Deleted by the attempt whose answer was lost.
                Err(error)
                    if attempts.may_have_been_executed()
                        && call.method == Method::Delete
                        && error.is_not_found() =>
                {
                    return Ok(Reply { status: 204, body: None, location: None, warning: None });
                }
                Err(error) => attempts.next(error, sleep).await?,
            }
        }
    }
}
