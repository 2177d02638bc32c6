//! HTTP Basic authentication: who may ask. Compares digests in constant time and keeps no token.

use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use super::problem::Problem;

/// The route that answers without credentials.
pub const HEALTH: &str = "/healthz";

/// One user and token that may use the server. Keeps digests only.
#[derive(Clone)]
pub struct Credentials {
    user: [u8; 32],
    token: [u8; 32],
}

impl Credentials {
    /// `user` is compared without regard to case, as e-mail addresses are.
    pub fn new(user: &str, token: &SecretString) -> Credentials {
        Credentials { user: digest(&user.to_lowercase()), token: digest(token.expose_secret()) }
    }

    fn accept(&self, user: &[u8; 32], token: &[u8; 32]) -> Choice {
        // AppOptics clients send the fixed user name `token`; then the password alone decides.
        let anonymous = user.ct_eq(&digest("token"));
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

/// Answers 401 unless the request carries one of `accepted`.
pub async fn require(State(accepted): State<Arc<[Credentials]>>, request: Request, next: Next) -> Response {
    let sent = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
    if request.uri().path() == HEALTH || sent.is_some_and(|sent| is_accepted(&accepted, sent)) {
        return next.run(request).await;
    }
    Problem::request(StatusCode::UNAUTHORIZED, "Authorization Required").into_response()
}

fn is_accepted(accepted: &[Credentials], header: &[u8]) -> bool {
    let Some((user, token)) = decode(header) else { return false };
    let (user, token) = (digest(&user.to_lowercase()), digest(&token));
    // Every entry is looked at, so the time does not tell which one matched.
    let found = accepted.iter().fold(Choice::from(0), |found, one| found | one.accept(&user, &token));
    found.into()
}

fn decode(header: &[u8]) -> Option<(String, String)> {
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let pair = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    pair.split_once(':').map(|(user, token)| (user.to_owned(), token.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(pair: &str) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(pair)).into_bytes()
    }

    #[test]
    fn user_ignores_case_token_does_not() {
        let accepted = [Credentials::new("Ops@example.org", &"s3cret".into())];
        for good in ["ops@example.org:s3cret", "OPS@example.ORG:s3cret", "token:s3cret"] {
            assert!(is_accepted(&accepted, &sent(good)), "{good}");
        }
        for bad in ["ops@example.org:S3cret", "eve@example.org:s3cret", "token:", "token:other", "nocolon"] {
            assert!(!is_accepted(&accepted, &sent(bad)), "{bad}");
        }
        assert!(!is_accepted(&accepted, b"Bearer s3cret"));
        assert!(!is_accepted(&accepted, b"Basic !!!"));
        assert!(!is_accepted(&[], &sent("token:s3cret")));
    }

    #[test]
    fn debug_tells_nothing() {
        assert_eq!(format!("{:?}", Credentials::new("u", &"t".into())), "Credentials(…)");
    }
}
