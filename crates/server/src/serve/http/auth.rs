//! HTTP Basic authentication: who asks. Compares digests in constant time and keeps no token; slows guesses down, and refuses
//! what pages of others make a browser send. Knows no routes but those of the probes.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};
use subtle::ConditionallySelectable as _;

use super::address::Client;
use super::credentials::{ANONYMOUS, Credentials, digest};
use super::cross_site;
use super::guesses::{Attempt, Guesses, Wait};
use super::problem::Problem;
use super::role::Role;
use super::users::Users;
use crate::serve::store::Store;
use crate::serve::telemetry::Telemetry;

/// The routes that answer without credentials: whether the process lives, and whether it can do its work.
pub const HEALTH: &str = "/healthz";
pub const READY: &str = "/readyz";

/// Below this lie pictures for whoever has their address.
pub const OPEN_PICTURES: &str = "/snapshots/";

/// Whether the path is one of theirs.
pub fn is_probe(path: &str) -> bool {
    path == HEALTH || path == READY
}

/// Who made a request, for the handlers that care: a request extension.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The digest of the user's name, or of an API token.
    pub account: [u8; 32],
    pub role: Role,
    /// What logs call it: the user as the file has it, or the number and the name of an API token.
    pub name: Arc<str>,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// No one is let in without being known, so a request without a caller is a mistake of ours; it sees nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let known = parts.extensions.get::<Caller>().cloned();
        known.ok_or_else(|| Problem::internal("a route asks for the caller but lets everybody in"))
    }
}

/// What an API token is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rights {
    pub id: i64,
    /// The digest of the token.
    pub digest: [u8; 32],
    pub role: Role,
    pub active: bool,
    /// What logs call it.
    pub label: String,
}

/// Whoever knows the API tokens.
pub trait TokenLookup: Send + Sync {
    /// What `token` is good for; `None` when it is no one's.
    fn rights(&self, token: String) -> BoxFuture<'_, Result<Option<Rights>, Problem>>;

    /// The same for the token with this id.
    fn rights_of(&self, id: i64) -> BoxFuture<'_, Result<Option<Rights>, Problem>>;
}

/// By what someone was known, to be asked again later: see [`Authenticator::again`].
pub struct Identity {
    /// The id of an API token; nothing for a user of the files.
    pub token: Option<i64>,
    /// What is another one as soon as anything about the credential is. As secret as its digest.
    pub secret: [u8; 32],
}

impl Identity {
    fn new(token: Option<i64>, user: &[u8], secret: &[u8], role: Role) -> Identity {
        let mut digest = Sha256::new();
        for part in [user, secret, role.name().as_bytes()] {
            digest.update(part);
        }
        Identity { token, secret: digest.finalize().into() }
    }
}

/// What is asked whether someone may come in.
#[derive(Clone)]
pub struct Authenticator {
    users: Users,
    tokens: Arc<dyn TokenLookup>,
    guesses: Guesses,
    telemetry: Telemetry,
}

impl Authenticator {
    /// Lets `users` in, and whoever has an active API token.
    pub fn new(users: Users, tokens: Arc<dyn TokenLookup>, telemetry: Telemetry) -> Authenticator {
        Authenticator { users, tokens, guesses: Guesses::new(), telemetry }
    }

    /// The same among servers that may use the same data.
    pub fn among(self, store: &Store) -> Authenticator {
        Authenticator { guesses: self.guesses.among(store), ..self }
    }

    /// Whoever sends these headers from there, or the answer to someone unknown.
    pub async fn admit(&self, headers: &HeaderMap, client: Client) -> Result<Caller, Problem> {
        let unknown = || Problem::request(StatusCode::UNAUTHORIZED, "Authorization Required");
        let sent = headers.get(header::AUTHORIZATION).ok_or_else(unknown)?.as_bytes();
        let attempt = Attempt::new(client.address, sent);
        match self.known(&attempt, decode(sent)).await? {
            Some((caller, _)) => Ok(caller),
            None => Err(unknown()),
        }
    }

    /// Whoever gives this user and token in a form; no one where they are wrong.
    pub async fn log_in(
        &self,
        user: &str,
        token: &str,
        client: Client,
    ) -> Result<Option<(Caller, Identity)>, Problem> {
        let attempt = Attempt::new(client.address, &encode(user, token));
        self.known(&attempt, Some((user.to_owned(), token.to_owned()))).await
    }

    /// The admin who comes in by a link that the program itself has made.
    pub fn first_admin(&self) -> Option<(Caller, Identity)> {
        self.users.accepted().iter().find(|one| one.role == Role::Admin).map(of_user)
    }

    /// Whoever was known by an identity of which `accept` knows the secret, if that is still so.
    pub async fn again(
        &self,
        token: Option<i64>,
        accept: impl Fn(&[u8; 32]) -> bool,
    ) -> Result<Option<Caller>, Problem> {
        let found = match token {
            Some(id) => self.tokens.rights_of(id).await?.filter(|rights| rights.active).map(of_token),
            None => {
                let users = self.users.accepted();
                users.iter().map(of_user).find(|(_, identity)| accept(&identity.secret))
            }
        };
        Ok(found.filter(|(_, identity)| accept(&identity.secret)).map(|(caller, _)| caller))
    }

    /// Whoever these are, as long as not too much was guessed.
    async fn known(
        &self,
        attempt: &Attempt,
        given: Option<(String, String)>,
    ) -> Result<Option<(Caller, Identity)>, Problem> {
        self.guesses.admit(attempt).map_err(|wait| self.slow_down(wait))?;
        let found = match given {
            Some((user, token)) => self.identify(&user, token).await?,
            None => None,
        };
        let noted = match found {
            Some(_) => self.guesses.right(attempt),
            None => self.guesses.wrong(attempt).await,
        };
        noted.map_err(|wait| self.slow_down(wait))?;
        Ok(found)
    }

    fn slow_down(&self, wait: Wait) -> Problem {
        self.telemetry.limited();
        let message =
            format!("Too many wrong credentials came from this address or in all. Try again in {wait} s.");
        Problem::request(StatusCode::TOO_MANY_REQUESTS, message).retry_after(wait)
    }

    /// Whoever these belong to. An API token counts whatever the user is called: the account it belonged to had one
    /// name, here there are several users.
    async fn identify(&self, user: &str, token: String) -> Result<Option<(Caller, Identity)>, Problem> {
        if let Some(known) = find(&self.users.accepted(), user, &token) {
            return Ok(Some(of_user(known)));
        }
        let found = self.tokens.rights(token).await?;
        Ok(found.filter(|rights| rights.active).map(of_token))
    }
}

fn of_user(known: &Credentials) -> (Caller, Identity) {
    let caller = Caller { account: known.user, role: known.role, name: Arc::clone(&known.name) };
    (caller, Identity::new(None, &known.user, &known.token, known.role))
}

fn of_token(rights: Rights) -> (Caller, Identity) {
    let identity = Identity::new(Some(rights.id), &[], &rights.digest, rights.role);
    (Caller { account: rights.digest, role: rights.role, name: rights.label.into() }, identity)
}

/// Who made the request that this answers: a response extension, for the log.
#[derive(Clone)]
pub struct Asked(pub Arc<str>);

/// Answers 401 unless the request carries credentials that are known, 403 when a page of another site sent it. What their role
/// may do is asked at the route.
pub async fn require(State(authenticator): State<Authenticator>, request: Request, next: Next) -> Response {
    if is_probe(request.uri().path()) || request.uri().path().starts_with(OPEN_PICTURES) {
        return next.run(request).await;
    }
    let by_a_page = request.headers().contains_key("sec-fetch-mode");
    let mut response =
        answer(&authenticator, request, next).await.unwrap_or_else(IntoResponse::into_response);
    if by_a_page {
        // A browser that is challenged asks for a password, remembers it, and then sends it for every page.
        response.headers_mut().remove(header::WWW_AUTHENTICATE);
    }
    response.headers_mut().entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn answer(
    authenticator: &Authenticator,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let client = request.extensions().get::<Client>().copied().unwrap_or_default();
    cross_site::check(request.method(), request.headers(), client.secure)?;
    let caller = authenticator.admit(request.headers(), client).await?;
    let asked = Asked(Arc::clone(&caller.name));
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(asked);
    Ok(response)
}

fn find<'a>(accepted: &'a [Credentials], user: &str, token: &str) -> Option<&'a Credentials> {
    let (user, token) = (digest(&user.to_lowercase()), digest(token));
    // Every entry is looked at, so the time does not tell which one matched. Zero stands for none.
    let found = accepted
        .iter()
        .zip(1_u64..)
        .fold(0, |found, (one, number)| u64::conditional_select(&found, &number, one.accept(&user, &token)));
    accepted.get(usize::try_from(found).ok()?.checked_sub(1)?)
}

/// The header that gives these.
fn encode(user: &str, token: &str) -> Vec<u8> {
    format!("Basic {}", STANDARD.encode(format!("{user}:{token}"))).into_bytes()
}

fn decode(header: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    match pair.split_once(':')? {
        // AppOptics documented the token as the user, without a password; appoptics-metrics for Python sends that.
        (token, "") => Some((ANONYMOUS.to_owned(), token.to_owned())),
        (user, token) => Some((user.to_owned(), token.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_sent<'a>(accepted: &'a [Credentials], header: &[u8]) -> Option<&'a Credentials> {
        let (user, token) = decode(header)?;
        find(accepted, &user, &token)
    }

    fn sent(pair: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(pair)).into_bytes()
    }

    #[test]
    fn user_ignores_case_token_does_not() {
        let accepted = [Credentials::new("Ops@example.org", &"s3cret".into())];
        for good in ["ops@example.org:s3cret", "OPS@example.ORG:s3cret", "token:s3cret", "s3cret:"] {
            assert!(find_sent(&accepted, &sent(good)).is_some(), "{good}");
        }
        for bad in [
            "ops@example.org:S3cret",
            "eve@example.org:s3cret",
            "token:",
            "token:other",
            "S3cret:",
            "ops@example.org:",
            ":",
            "nocolon",
        ] {
            assert!(find_sent(&accepted, &sent(bad)).is_none(), "{bad}");
        }
        assert!(find_sent(&accepted, b"Bearer s3cret").is_none());
        assert!(find_sent(&accepted, b"Basic !!!").is_none());
        assert!(find_sent(&[], &sent("token:s3cret")).is_none());
    }

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Credentials::new("u", &"t".into())), "Credentials(…)");
    }
}
