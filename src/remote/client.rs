//! The HTTP client: one authenticated exchange at a time, over kept connections, through the shared gate.
//! Reads are repeated while that may help; a write is sent once.
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, IF_MATCH, IF_NONE_MATCH};
use reqwest::redirect;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use serde_json::value::RawValue;
use tokio::sync::Semaphore;
use url::form_urlencoded;

use crate::remote::answer::{Answer, Place};
use crate::remote::reach::{Reach, Trouble};
use crate::remote::throttle::Throttle;
use crate::remote::{
    ApiError, Call, ClientError, Endpoint, Listing, Method, ReadApi, Reply, RetryPolicy, Terms, WriteApi, tls,
};
use crate::wire::{Failures, entity_tags, ours, unevaluated as wire};

/// The time limit of one request where nothing else is said; python-librato has the same.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// How the program introduces itself; the service keeps it as `created_by_ua` of metrics it creates.
pub const USER_AGENT: &str = concat!("librato-apply/", env!("CARGO_PKG_VERSION"));

/// Connections idle for longer are not used again: servers close theirs after about a minute, and a write
/// sent just then would be lost without a trace.
const IDLE_LIMIT: Duration = Duration::from_secs(20);

/// Whose data is meant, where one service holds that of several.
const TENANT: HeaderName = HeaderName::from_static("x-scope-orgid");

/// The part of the time limit that connecting may take. Less than all of it, so that a host that does not
/// react is told from a request that may have been executed.
const CONNECT_SHARE: f32 = 0.9;

/// Everything a client needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the service is.
    pub endpoint: Endpoint,
    /// The account's e-mail address; AppOptics wants the word `token`.
    pub user: String,
    /// The API token.
    pub token: SecretString,
    /// How the two are said.
    pub auth: Auth,
    /// The tenant that is meant, where one service has several (`X-Scope-OrgID`).
    pub tenant: Option<String>,
    /// For one whole request, connecting included.
    pub timeout: Duration,
    /// PEM certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// Whether the proxy of the environment or system is used; never for loopback endpoints.
    pub use_proxy: bool,
    /// How many reads may be under way at once.
    pub read_concurrency: usize,
    /// How many writes may be under way at once.
    pub write_concurrency: usize,
    /// How to introduce ourselves, usually [`USER_AGENT`].
    pub user_agent: String,
    /// How patient to be.
    pub retry: RetryPolicy,
    /// How long the service may answer nothing at all until no request is sent any more; without it every request finds
    /// out for itself.
    pub give_up_after: Option<Duration>,
}

impl Config {
    /// The defaults of the program for an endpoint and its credentials.
    pub fn new(endpoint: Endpoint, user: impl Into<String>, token: SecretString) -> Self {
        Self {
            endpoint,
            user: user.into(),
            token,
            auth: Auth::Basic,
            tenant: None,
            timeout: DEFAULT_TIMEOUT,
            ca_file: None,
            use_proxy: true,
            read_concurrency: 32,
            write_concurrency: 8,
            user_agent: USER_AGENT.to_owned(),
            retry: RetryPolicy::default(),
            give_up_after: None,
        }
    }
}

/// How credentials are said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Auth {
    /// User and token.
    #[default]
    Basic,
    /// The token alone.
    Bearer,
    /// There are none.
    None,
}

/// What a request carries.
pub(super) enum Body<'a> {
    None,
    Json(&'a Value),
    /// JSON that is text already.
    Text(String),
    /// YAML, and what of it errors must not repeat.
    Yaml(String, &'a [String]),
    /// A question that is too long for a path; it writes nothing.
    Form(Vec<(&'a str, &'a str)>),
}

/// A connection to the service. Cheap to clone; clones share connections, limits and pauses.
#[derive(Clone)]
pub struct Client {
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    http: reqwest::Client,
    throttle: Throttle,
    reads: Semaphore,
    writes: Semaphore,
    /// Answers are read on as many threads as can run.
    cores: Semaphore,
    reach: Reach,
    /// Whether it is the server of this program.
    ours: AtomicBool,
    /// Whether it said that it evaluates no alerts.
    unevaluated: AtomicBool,
    /// The last failure of something that was then tried again.
    retried: Mutex<Option<ApiError>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

impl Client {
    /// Prepares a client; connects to nothing.
    ///
    /// # Errors
    /// A CA file that cannot be used, a user name that cannot be sent, or no working TLS.
    pub fn new(config: Config) -> Result<Self, ClientError> {
        if config.user.chars().any(|c| c == ':' || c.is_control()) {
            return Err(ClientError::User);
        }
        // A proxy would see the requests to this very machine, and their token, in the clear.
        let direct = !config.use_proxy || config.endpoint.is_loopback();
        let builder = || {
            let builder = reqwest::Client::builder()
                .redirect(redirect::Policy::none())
                .retry(reqwest::retry::never())
                .timeout(config.timeout)
                .connect_timeout(config.timeout.mul_f32(CONNECT_SHARE))
                .pool_idle_timeout(IDLE_LIMIT)
                .user_agent(&config.user_agent)
                .default_headers(
                    [(ACCEPT, HeaderValue::from_static("application/json"))].into_iter().collect(),
                );
            if direct { builder.no_proxy() } else { builder }
        };
        let encrypted = !direct || config.endpoint.is_encrypted();
        let http = tls::build(builder, config.ca_file.as_deref(), encrypted)?;
        let shared = Shared {
            http,
            throttle: Throttle::new(config.retry.max_pause, config.retry.base),
            reads: Semaphore::new(config.read_concurrency.max(1)),
            writes: Semaphore::new(config.write_concurrency.max(1)),
            cores: Semaphore::new(thread::available_parallelism().map_or(1, usize::from)),
            reach: Reach::new(config.retry.first_contact, config.give_up_after),
            ours: AtomicBool::new(false),
            unevaluated: AtomicBool::new(false),
            retried: Mutex::new(None),
            config,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What this client was made with.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Whether the service said, in an answer so far, that it is the server of this program.
    pub fn asks_the_built_in_server(&self) -> bool {
        self.shared.ours.load(Ordering::Relaxed)
    }

    /// Whether the service said, in an answer so far, that it keeps alerts without evaluating them.
    pub fn leaves_alerts_unevaluated(&self) -> bool {
        self.shared.unevaluated.load(Ordering::Relaxed)
    }

    /// Does `op` again while it fails for a reason that may pass, by this client's [`RetryPolicy`]. Only for
    /// what may be done twice.
    ///
    /// # Errors
    /// The last error of `op`.
    pub async fn with_retry<T, F>(&self, mut op: impl FnMut() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let Shared { config, reach, retried, .. } = &*self.shared;
        let mut attempts = config.retry.attempts(Method::Get);
        let rest = async |delay| reach.given_up().is_none() && reach.rest(delay).await;
        loop {
            match op().await {
                Ok(value) => return Ok(value),
                Err(error) => {
                    *retried.lock() = Some(error.clone());
                    attempts.next(error, rest).await?;
                }
            }
        }
    }

    /// The last failure of something that is done again while it fails, since this was last asked: for whoever did not wait until it
    /// was given up.
    pub fn take_failure(&self) -> Option<ApiError> {
        self.shared.retried.lock().take()
    }

    /// What keeps requests waiting, for whoever tells people of it.
    pub fn trouble(&self) -> Option<Trouble> {
        let Shared { throttle, reach, .. } = &*self.shared;
        throttle.left().map(|left| Trouble::Paused { left }).or_else(|| reach.trouble())
    }

    /// From now on nothing is waited for but requests under way: no pause, and nothing that would be tried again.
    pub fn stop_waiting(&self) {
        self.shared.reach.stop();
    }

    /// One exchange: through the gate, at most so many at once, and its outcome told to the gate.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        (body, headers): (Body<'_>, HeaderMap),
    ) -> Result<Reply, ApiError> {
        let read = |body: &[u8]| serde_json::from_slice(body);
        let (body, reply) = self.exchange_for(method, path, query, (body, headers), read).await?;
        Ok(Reply { body, ..reply })
    }

    /// An exchange that writes: a success that tells of failures is none.
    async fn write(
        &self,
        method: Method,
        path: &str,
        body: Body<'_>,
        terms: &Terms,
    ) -> Result<Reply, ApiError> {
        let token = self.shared.config.token.expose_secret();
        let secrets: Vec<String> = hidden(token, &body).into_iter().map(str::to_owned).collect();
        let reply = self.exchange(method, path, &[], (body, headers(terms))).await?;
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        match reply.body.as_ref().and_then(|body| Failures::told(body, &secrets)) {
            Some(failures) => Err(ApiError::Told { method, path: path.to_owned(), failures }),
            None => Ok(reply),
        }
    }

    /// The same, its body given as `read` understands it.
    pub(super) async fn exchange_for<T: Send + 'static>(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        (body, headers): (Body<'_>, HeaderMap),
        read: impl FnOnce(&[u8]) -> serde_json::Result<T> + Send + 'static,
    ) -> Result<(Option<T>, Reply), ApiError> {
        let Shared { config, http, throttle, reads, writes, cores, reach, ours: known, unevaluated, .. } =
            &*self.shared;
        let hidden = hidden(config.token.expose_secret(), &body);
        let ca_file = config.ca_file.is_some();
        let place = Place { endpoint: &config.endpoint, method, path, hidden: &hidden, ca_file };
        let url = config.endpoint.join(path, query).ok_or_else(|| place.unaddressable())?;
        let only_reads = method == Method::Get || matches!(body, Body::Form(_));
        let permits = if only_reads { reads } else { writes };
        // The semaphores are never closed, so there is nothing to do about the error.
        let _permit = permits.acquire().await;
        let passed = reach.unless_stopped(throttle.pass()).await;
        let passed = passed.unwrap_or_else(|| throttle.left().map_or(Ok(()), Err));
        passed.map_err(|wait| place.paused(wait, throttle.limit()))?;
        if let Some(silent) = reach.is_closed() {
            return Err(ApiError::Unreachable { method, path: path.to_owned(), silent });
        }

        let mut request = http.request(method.into(), url);
        request = request.headers(headers);
        request = match config.auth {
            Auth::Basic => request.basic_auth(&config.user, Some(config.token.expose_secret())),
            Auth::Bearer => request.bearer_auth(config.token.expose_secret()),
            Auth::None => request,
        };
        if let Some(tenant) = &config.tenant {
            request = request.header(TENANT, tenant);
        }
        request = match body {
            Body::None => request,
            Body::Json(json) => request.json(json),
            Body::Text(text) => request.header(CONTENT_TYPE, "application/json").body(text),
            Body::Yaml(text, _) => request.header(CONTENT_TYPE, "application/yaml").body(text),
            Body::Form(pairs) => {
                let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
                request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(text)
            }
        };
        let begun = Instant::now();
        let answer = async {
            let response = request.send().await.map_err(|error| place.transport(&error))?;
            Answer::read(response, place).await
        };
        let asking = reach.ask();
        let answer = answer.await.inspect_err(|error| tracing::debug!(%method, path, %error, "no answer"));
        asking.heard(&answer);
        drop(asking);
        let answer = answer?;
        if answer.headers.contains_key(ours::HEADER) {
            known.store(true, Ordering::Relaxed);
        }
        if answer.headers.get(wire::HEADER).is_some_and(|said| said == wire::VALUE) {
            unevaluated.store(true, Ordering::Relaxed);
        }
        tracing::debug!(%method, path, status = answer.status, duration = ?begun.elapsed(), "answer");
        let pause = answer.pause(SystemTime::now());
        self.heed(answer.status, pause);
        let _core = cores.acquire().await;
        answer.into_reply(place, pause, read).await
    }

    /// Lets one answer's declared for a pause hold for all requests.
    fn heed(&self, status: u16, asked: Option<Duration>) {
        let Shared { config, throttle, .. } = &*self.shared;
        match asked {
            // On a success the used-up allowance may be that of measurements alone; one that comes back in an
            // hour is no reason to stop everything before the service itself says so.
            Some(pause) if status < 400 && pause > throttle.limit() => {}
            Some(pause) => throttle.pause(pause),
            None if status == 429 => throttle.pause(config.retry.base * 4),
            None => {}
        }
    }
}

impl ReadApi for Client {
    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, ApiError> {
        let reply = self
            .with_retry(|| self.exchange(Method::Get, path, query, (Body::None, HeaderMap::new())))
            .await?;
        Ok(reply.body.unwrap_or_default())
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<Value>, ApiError> {
        self.list_as(listing, |entry, _| entry).await
    }

    async fn list_as<T: Send + 'static>(
        &self,
        listing: &Listing,
        each: impl Fn(Value, &RawValue) -> T + Clone + Send + Sync + 'static,
    ) -> Result<Vec<T>, ApiError> {
        let each = &each;
        let page = |offset| async move {
            let query = listing.page_at(offset);
            let look = || {
                let (whole, each) = (listing.clone(), each.clone());
                let read = move |body: &[u8]| whole.read_page(body, each);
                self.exchange_for(Method::Get, &listing.path, &query, (Body::None, wished(listing)), read)
            };
            let (page, _) = self.with_retry(look).await?;
            page.unwrap_or_else(|| Err("neither an object nor an array".to_owned()))
                .map_err(|detail| listing.unreadable(detail))
        };
        let config = &self.shared.config;
        listing.fetch(page, config.read_concurrency.max(1), config.retry.base).await
    }
}

impl WriteApi for Client {
    async fn send(&self, call: &Call) -> Result<Reply, ApiError> {
        self.send_under(call, &Terms::default()).await
    }

    async fn send_under(&self, call: &Call, terms: &Terms) -> Result<Reply, ApiError> {
        let body = call.body.as_ref().map_or(Body::None, Body::Json);
        self.write(call.method, &call.path, body, terms).await
    }

    fn has_given_up(&self) -> bool {
        self.shared.reach.is_closed().is_some()
    }

    async fn post_text(&self, path: &str, body: String) -> Result<Reply, ApiError> {
        self.write(Method::Post, path, Body::Text(body), &Terms::default()).await
    }
}

impl From<Method> for reqwest::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => Self::GET,
            Method::Post => Self::POST,
            Method::Put => Self::PUT,
            Method::Delete => Self::DELETE,
        }
    }
}

/// The headers that say so. A tag that cannot stand in one was never in one.
fn headers(terms: &Terms) -> HeaderMap {
    const KEY: HeaderName = HeaderName::from_static("idempotency-key");
    let star = terms.only_if_absent.then_some("*");
    let all = [(KEY, terms.key.as_deref()), (IF_NONE_MATCH, star), (IF_MATCH, terms.tag.as_deref())];
    let value = |(name, value): (HeaderName, Option<&str>)| Some((name, HeaderValue::from_str(value?).ok()?));
    all.into_iter().filter_map(value).collect()
}

/// Asks for the tags of what is listed, where they are wanted.
fn wished(listing: &Listing) -> HeaderMap {
    const PREFER: HeaderName = HeaderName::from_static("prefer");
    let declared = listing.tagged.then(|| (PREFER, HeaderValue::from_static(entity_tags::PREFERENCE)));
    declared.into_iter().collect()
}

/// What an error must not repeat, even if the service does: the token, and the settings of a service. Very short
/// settings (a room number, a flag) would blot out every text, and protect nothing.
fn hidden<'a>(token: &'a str, body: &Body<'a>) -> Vec<&'a str> {
    let body = match body {
        Body::Json(body) => body,
        Body::Yaml(_, hidden) => return hidden.iter().map(String::as_str).chain([token]).collect(),
        Body::None | Body::Text(_) | Body::Form(_) => return vec![token],
    };
    let settings = body.get("settings").and_then(Value::as_object);
    let settings = settings.into_iter().flat_map(|settings| settings.values().filter_map(Value::as_str));
    settings.filter(|setting| setting.len() >= 4).chain([token]).collect()
}
