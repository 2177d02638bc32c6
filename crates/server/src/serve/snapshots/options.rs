//! How snapshots are to behave: whether they are drawn, and who may see their pictures at which address.

use std::sync::Arc;

use axum::http::{HeaderMap, header};
use tokio::sync::Notify;

use crate::serve::http::address::Client;
use crate::serve::http::host::Hosts;

/// Who may see the pictures of snapshots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Snapshots {
    /// Whoever may see spaces, in a session of a browser or with credentials.
    #[default]
    Private,
    /// Whoever has the link, which cannot be guessed.
    Link,
    /// No one: none are drawn.
    Off,
}

/// How snapshots behave.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct SnapshotOptions {
    /// Who may see their pictures.
    pub seen_by: Snapshots,
    /// Told when there is one to be drawn. Clones share it.
    pub(super) wake: Arc<Notify>,
}

/// What handlers know of them.
#[derive(Clone)]
pub struct Known {
    pub options: SnapshotOptions,
    pub public_url: Option<Arc<str>>,
    pub hosts: Arc<Hosts>,
    pub has_pages: bool,
}

impl Known {
    pub fn new(
        options: &SnapshotOptions,
        public_url: Option<&str>,
        allowed: &[String],
        has_pages: bool,
    ) -> Known {
        let parsed = public_url.and_then(|url| url::Url::parse(url).ok());
        Known {
            options: options.clone(),
            public_url: public_url.map(Arc::from),
            hosts: Arc::new(Hosts::new(parsed.as_ref(), allowed)),
            has_pages,
        }
    }

    /// Where the server is, as whoever asks sees it. A name that is not known as ours is not repeated.
    pub fn place(&self, headers: &HeaderMap, client: Client) -> Place {
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let scheme = if client.secure { "https" } else { "http" };
        let base = match (&self.public_url, host.filter(|host| self.hosts.are(host))) {
            (Some(url), _) => url.trim_end_matches('/').to_owned(),
            (None, Some(host)) => format!("{scheme}://{host}"),
            (None, None) => String::new(),
        };
        Place { base, seen_by: self.options.seen_by, has_pages: self.has_pages }
    }
}

/// Where the server is.
pub struct Place {
    base: String,
    seen_by: Snapshots,
    has_pages: bool,
}

impl Place {
    pub fn absolute(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Where the picture of a snapshot is.
    pub fn image(&self, id: i64, key: &str) -> Option<String> {
        match self.seen_by {
            Snapshots::Private if self.has_pages => {
                Some(self.absolute(&format!("/ui/v1/snapshots/{id}.png")))
            }
            Snapshots::Private => Some(self.absolute(&format!("/v1/snapshots/{id}/image"))),
            Snapshots::Link => Some(self.absolute(&format!("/snapshots/{key}.png"))),
            Snapshots::Off => None,
        }
    }
}
