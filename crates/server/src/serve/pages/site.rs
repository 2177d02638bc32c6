//! The parts of the pages: what handlers ask for, and what is asked at the gate.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;

use super::api::Api;
use super::definitions::Definitions;
use super::options::{OneTimeLinks, PageOptions};
use super::prefix::Prefix;
use super::sessions::Sessions;
use crate::serve::drawing::cache::Drawings;
use crate::serve::http::address::Client;
use crate::serve::http::auth::Authenticator;
use crate::serve::http::body::Limits;
use crate::serve::http::host::Hosts;
use crate::serve::store::Store;

/// The parts of the pages. Clones share them.
#[derive(Clone)]
pub struct Pages(Arc<Parts>);

struct Parts {
    api: Api,
    definitions: Definitions,
    gate: Gate,
    store: Store,
    drawings: Drawings,
}

/// What is asked at the gate.
pub struct Gate {
    pub authenticator: Authenticator,
    pub sessions: Sessions,
    pub hosts: Hosts,
    /// Whether people reach the server by HTTPS, though a proxy speaks plain HTTP to it.
    pub is_public_https: bool,
    pub links: OneTimeLinks,
    pub prefix: Prefix,
    /// Whether every page says that it is invented.
    pub is_demo: bool,
    /// How long the body of a form may take.
    pub body_time: Duration,
}

impl Gate {
    /// Whether the browser speaks HTTPS.
    pub fn is_secure(&self, client: Client) -> bool {
        client.secure || client.proxied && self.is_public_https
    }
}

/// What the pages are made with.
pub struct Surroundings<'a> {
    /// The routes of the API, before anybody is asked who they are.
    pub api: Router,
    pub authenticator: Authenticator,
    pub store: Store,
    pub options: &'a PageOptions,
    pub public_url: Option<&'a str>,
    pub limits: Limits,
}

impl Pages {
    pub fn new(around: Surroundings<'_>) -> Pages {
        let Surroundings { api, authenticator, store, options, public_url, limits } = around;
        let public_url = public_url.and_then(|url| url::Url::parse(url).ok());
        let idle = i64::try_from(options.session.as_secs()).unwrap_or(i64::MAX);
        let gate = Gate {
            authenticator,
            sessions: Sessions::new(store.clone(), idle),
            hosts: Hosts::new(public_url.as_ref(), &options.allowed_hosts),
            prefix: Prefix::of(public_url.as_ref()),
            is_public_https: public_url.is_some_and(|url| url.scheme() == "https"),
            links: options.links.clone(),
            is_demo: options.demo,
            body_time: limits.time,
        };
        Pages(Arc::new(Parts {
            api: Api::new(api),
            definitions: options.definitions,
            gate,
            store,
            drawings: Drawings::default(),
        }))
    }

    /// How objects are written as definitions.
    pub fn definitions(&self) -> &Definitions {
        &self.0.definitions
    }

    /// The routes of the API.
    pub fn api(&self) -> &Api {
        &self.0.api
    }

    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// What charts are drawn from.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// What was drawn of it lately.
    pub fn drawings(&self) -> &Drawings {
        &self.0.drawings
    }
}
