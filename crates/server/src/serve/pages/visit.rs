//! Who looks at a page, and how it is to look: what the gate found out about a request.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::fields::Params;
use crate::serve::http::address::Client;
use crate::serve::http::admission::MemoryPermit;
use crate::serve::http::auth::Caller;
use crate::serve::http::fields::Object;
use crate::serve::http::problem::Problem;
use crate::serve::http::role::{Access, Role};
use crate::serve::tsdb::aging::Aging;

use super::screen::Screen;
use super::session::Session;
use super::times::Clock;

/// A page of this account is asked for; a request extension.
#[derive(Clone)]
pub struct Visit {
    pub caller: Caller,
    pub session: Session,
    /// What every form holds.
    pub form_token: String,
    pub client: Client,
    pub claim: Option<MemoryPermit>,
    /// How many alerts fire, where this role may know.
    pub firing: Option<usize>,
    /// `light` or `dark` where someone chose.
    pub theme: Option<&'static str>,
    /// How wide it is looked at.
    pub screen: Screen,
    /// Path and query.
    pub address: String,
    pub params: Params,
    /// The clock of the store, in the zone of whoever looks.
    pub clock: Clock,
    /// How measurements age.
    pub aging: Aging,
}

impl Visit {
    /// Whether the role has this access.
    pub fn may(&self, access: Access) -> bool {
        access.roles().contains(&self.caller.role)
    }

    pub fn role(&self) -> Role {
        self.caller.role
    }

    /// Which page is looked at.
    pub fn path(&self) -> &str {
        self.address.split('?').next().unwrap_or("/ui/")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Visit {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visit, Problem> {
        let known = parts.extensions.get::<Visit>().cloned();
        known.ok_or_else(|| Problem::internal("a page asks for the visit but lets everybody in"))
    }
}

/// What a form of ours sent; a request extension.
#[derive(Clone, Default)]
pub struct Sent(pub Object);

impl Sent {
    /// A field; empty where it is missing.
    pub fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().trim()
    }

    /// The page of ours to go to afterwards.
    pub fn back(&self, otherwise: &str) -> String {
        own_path(self.text("to")).unwrap_or(otherwise).to_owned()
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Sent {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Sent, Infallible> {
        Ok(parts.extensions.get::<Sent>().cloned().unwrap_or_default())
    }
}

/// The path, if it is one of a page: no one is sent elsewhere.
pub fn own_path(path: &str) -> Option<&str> {
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'\\' | b'"' | b'<' | b'>');
    let ours = path == "/ui/" || path.starts_with("/ui/") && !path.starts_with("/ui/log");
    (ours && path.bytes().all(plain) && !path.contains("//")).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for ours in ["/ui/", "/ui/alerts?name=a%20b", "/ui/spaces/a%2Fb"] {
            assert_eq!(own_path(ours), Some(ours));
        }
        for foreign in [
            "",
            "/",
            "//evil.example/",
            "https://evil.example/ui/",
            "/ui/\\evil",
            "/ui//evil.example",
            "/v1/metrics",
            "/ui/a b",
            "/ui/\r\nx: y",
            "javascript:alert(1)",
            "/ui/logout",
            "/ui/login",
            "/ui/é",
        ] {
            assert_eq!(own_path(foreign), None, "{foreign}");
        }
    }
}
