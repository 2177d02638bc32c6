//! HTTP Basic authentication: who may ask, and for what. Compares digests in constant time and keeps no token.

use std::fmt;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};

use super::problem::Problem;
use super::role::Role;
use crate::serve::{Store, tokens};

/// The user name of AppOptics' clients: the token alone decides.
const ANONYMOUS: &str = "token";

/// The routes that answer without credentials: whether the process lives, and whether it can do its work.
pub const HEALTH: &str = "/healthz";
pub const READY: &str = "/readyz";

/// Whether the path is one of theirs.
pub fn is_probe(path: &str) -> bool {
    path == HEALTH || path == READY
}

/// One user and token that may use the server. Keeps digests only.
#[derive(Clone)]
pub struct Credentials {
    user: [u8; 32],
    token: [u8; 32],
    role: Role,
}

/// Who made a request, for the handlers that care: a request extension.
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The digest of the user's name, or of an API token.
    pub account: [u8; 32],
    pub role: Role,
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    /// Nobody is let in without being known, so a request without a caller is a mistake of ours; it sees nothing.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        let known = parts.extensions.get::<Caller>().copied();
        known.ok_or_else(|| Problem::internal("a route asks for the caller but lets everybody in"))
    }
}

impl Credentials {
    /// A user with the role of an admin. `user` is compared without regard to case, as e-mail addresses are.
    pub fn new(user: &str, token: &SecretString) -> Credentials {
        Credentials::with_role(user, token, Role::Admin)
    }

    /// A user whose token may do what `role` allows.
    pub fn with_role(user: &str, token: &SecretString, role: Role) -> Credentials {
        Credentials { user: digest(&user.to_lowercase()), token: digest(token.expose_secret()), role }
    }

    fn accept(&self, user: &[u8; 32], token: &[u8; 32]) -> Choice {
        let anonymous = user.ct_eq(&digest(ANONYMOUS));
        (self.user.ct_eq(user) | anonymous) & self.token.ct_eq(token)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

fn digest(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

/// What is asked whether somebody may come in.
#[derive(Clone)]
pub struct Door {
    accepted: Arc<[Credentials]>,
    store: Store,
}

impl Door {
    /// Lets `accepted` in, and whoever has an active API token of `store`.
    pub fn new(accepted: Vec<Credentials>, store: Store) -> Door {
        Door { accepted: accepted.into(), store }
    }

    /// The account and the role of whoever sent this header. An API token counts whatever the user is called: the
    /// account it belonged to had one name, here there are several users.
    async fn identify(&self, header: &[u8]) -> Result<Option<([u8; 32], Role)>, Problem> {
        let Some((user, token)) = decode(header) else { return Ok(None) };
        if let Some(known) = find(&self.accepted, &user, &token) {
            return Ok(Some((known.user, known.role)));
        }
        let account = digest(&token);
        let found = tokens::rights(&self.store, token).await?;
        Ok(found.filter(|(_, active)| *active).map(|(role, _)| (account, role)))
    }
}

/// Answers 401 unless the request carries credentials that are known, 403 when their role does not reach that far.
pub async fn require(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let sent = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes().to_owned());
    let known = match sent {
        Some(sent) => door.identify(&sent).await,
        None => Ok(None),
    };
    let (account, role) = match known {
        Ok(Some(known)) => known,
        Ok(None) => {
            return Problem::request(StatusCode::UNAUTHORIZED, "Authorization Required").into_response();
        }
        Err(problem) => return problem.into_response(),
    };
    if !role.permits(request.method(), request.uri().path()) {
        let message = "This token is not permitted to perform this action on this resource";
        return Problem::request(StatusCode::FORBIDDEN, message).into_response();
    }
    request.extensions_mut().insert(Caller { account, role });
    next.run(request).await
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
