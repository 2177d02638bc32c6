//! What a request says beside its body: who sends it from where, which state of an object it is meant for (`If-Match`,
//! `If-None-Match`), and by which key it is known when it comes again (`Idempotency-Key`). Decides nothing, but refuses conditions
//! that no one would look at.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::table::Request;
use super::tag::Expected;
use crate::serve::http::address::Client;
use crate::serve::http::auth::Caller;
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::wire::entity_tags;

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key.
const LONGEST: usize = 255;

/// What a request says beside its body.
#[derive(Debug, Clone)]
pub struct Terms {
    pub caller: Caller,
    /// Where it comes from, as far as that is known.
    pub address: Option<IpAddr>,
    /// The path, in which a key means something.
    pub path: Arc<str>,
    pub expected: Option<Expected>,
    /// Whether nothing of that name may be there.
    pub only_if_absent: bool,
    pub key: Option<Arc<str>>,
    /// What tells its body from another one, where there is a key.
    pub digest: [u8; 32],
}

impl<S: Send + Sync> FromRequestParts<S> for Terms {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Terms, Problem> {
        let caller = Caller::from_request_parts(parts, state).await?;
        let expected = list(&parts.headers, &header::IF_MATCH)?.map(|sent| {
            Expected::read(&sent)
                .ok_or_else(|| unreadable(&header::IF_MATCH, "* or a list of tags between quotation marks"))
        });
        let key = text(&parts.headers, &KEY)?.map(|sent| match sent.len() {
            1..=LONGEST if sent.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ') => {
                Ok(Arc::from(sent))
            }
            _ => Err(unreadable(&KEY, "1 to 255 characters of ASCII")),
        });
        Ok(Terms {
            caller,
            address: parts.extensions.get::<Client>().and_then(|client| client.address),
            path: Arc::from(parts.uri.path()),
            expected: expected.transpose()?,
            only_if_absent: match text(&parts.headers, &header::IF_NONE_MATCH)?.map(str::trim) {
                None => false,
                Some("*") => true,
                // What would be ignored is refused: whoever sends it relies on it.
                Some(_) => return Err(unreadable(&header::IF_NONE_MATCH, "*")),
            },
            key: key.transpose()?,
            digest: [0; 32],
        })
    }
}

/// What a request says beside its body where no state of an object is looked at: one that names a state is refused, since it
/// would be carried out in any.
pub struct Unconditional(pub Terms);

impl<S: Send + Sync> FromRequestParts<S> for Unconditional {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Unconditional, Problem> {
        for name in [header::IF_MATCH, header::IF_NONE_MATCH] {
            if parts.headers.contains_key(&name) {
                return Err(unheeded(&name, "this request is carried out whatever is there"));
            }
        }
        Terms::from_request_parts(parts, state).await.map(Unconditional)
    }
}

/// Whether the tags of what is listed are asked for, which no client of the API does.
#[derive(Debug, Clone, Copy)]
pub struct Tags {
    pub wanted: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Tags {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Tags, Infallible> {
        let mut declarations =
            parts.headers.get_all("prefer").iter().filter_map(|declared| declared.to_str().ok());
        Ok(Tags { wanted: declarations.any(|declared| prefers(declared, entity_tags::PREFERENCE)) })
    }
}

/// Whether a header `Prefer` names this preference, in any case, among others or with parameters.
fn prefers(header: &str, preference: &str) -> bool {
    let mut quoted = false;
    let apart = |sign: char| {
        quoted ^= sign == '"';
        sign == ',' && !quoted
    };
    header.split(apart).any(|declared| {
        let name = declared.split([';', '=']).next().unwrap_or_default();
        name.trim().eq_ignore_ascii_case(preference)
    })
}

/// A header that is a list, which may come in several lines.
fn list(headers: &HeaderMap, name: &HeaderName) -> Result<Option<String>, Problem> {
    let lines = headers.get_all(name).iter().map(|line| line.to_str().map_err(|_| unreadable(name, "ASCII")));
    let lines = lines.collect::<Result<Vec<_>, _>>()?;
    Ok((!lines.is_empty()).then(|| lines.join(",")))
}

/// A header that is there once at most, as text.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(|_| unreadable(name, "ASCII")),
        (Some(_), Some(_)) => Err(unreadable(name, "sent once")),
    }
}

fn unreadable(name: &HeaderName, wanted: &str) -> Problem {
    Problem::unreadable(format!("The header {name} cannot be used: it must be {wanted}."))
}

/// A condition that would not be looked at, so that whoever sends it would rely on it in vain.
pub fn unheeded(name: &HeaderName, reason: &str) -> Problem {
    Problem::unreadable(format!(
        "The header {name} means nothing here: {reason}. Send the request without it."
    ))
}

impl Terms {
    /// Those of a request with this body, however it was spelt and in whatever order.
    pub fn over(mut self, body: &Object) -> Terms {
        if self.key.is_some() {
            let mut body = json!(body);
            body.sort_all_objects();
            self.digest = Sha256::digest(body.to_string()).into();
        }
        self
    }

    /// The request that this key is for.
    pub fn request<'a>(&'a self, key: &'a str) -> Request<'a> {
        Request { account: &self.caller.account, path: &self.path, key }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_may_stand_among_others() {
        for header in
            ["entity-tags", "Entity-Tags", "return=minimal, entity-tags", "entity-tags;a=b , wait=1"]
        {
            assert!(prefers(header, entity_tags::PREFERENCE), "{header}");
        }
        for header in ["", "entity", "no-entity-tags", "a=\"x, entity-tags\"", "a; entity-tags"] {
            assert!(!prefers(header, entity_tags::PREFERENCE), "{header}");
        }
    }
}
