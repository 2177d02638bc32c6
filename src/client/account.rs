//! API tokens and snapshots. Tokens are kept in a form that no output shows.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::object::{Collection, Identity, Object, object_id};
use super::read::decode;
use super::words::Role;
use super::{Error, Librato, More, read};
use crate::remote::{Call, Method, ReadApi};

/// A token that gives access to the account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApiToken {
    /// Its name; several tokens may have the same, or none.
    #[serde(default)]
    pub name: Option<String>,
    /// What it may do.
    pub role: Role,
    /// Whether it is let in.
    #[serde(default = "yes", deserialize_with = "read::unless_false")]
    pub active: bool,
    /// The token itself, made by the service.
    #[serde(default, skip_serializing)]
    pub token: Option<SecretString>,
    /// Its path; its id stands only there.
    #[serde(default, skip_serializing)]
    pub href: Option<String>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

fn yes() -> bool {
    true
}

impl ApiToken {
    /// An active token.
    pub fn new(name: impl Into<String>, role: Role) -> Self {
        Self { name: Some(name.into()), role, active: true, token: None, href: None, more: More::new() }
    }
}

impl Object for ApiToken {
    const COLLECTION: Collection = Collection {
        noun: "API token",
        path: "/api_tokens",
        key: "api_tokens",
        name: "name",
        identity: Identity::Id,
        searchable: true,
        order: None,
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        let id = self.more.get("id").cloned().unwrap_or_default();
        object_id(&json!({"id": id, "href": self.href}))
    }
}

/// A picture of a chart.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Snapshot {
    /// Its path; its id stands at the end.
    pub href: String,
    /// The picture's address; nothing until it is drawn.
    #[serde(default)]
    pub image_href: Option<String>,
    /// How many seconds it shows.
    #[serde(default, deserialize_with = "read::whole")]
    pub duration: Option<u64>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Snapshot {
    /// What it is asked for by.
    pub fn id(&self) -> Option<u64> {
        object_id(&json!({"href": self.href}))
    }
}

/// Snapshots, which can be made and looked at but not listed.
#[derive(Debug, Clone)]
pub struct Snapshots<'a> {
    librato: &'a Librato,
}

impl<'a> Snapshots<'a> {
    pub(super) fn new(librato: &'a Librato) -> Self {
        Self { librato }
    }

    /// Has a picture of a chart drawn: the id of the chart, its type, and the sources, `*` for all.
    ///
    /// # Errors
    /// Where the service refuses.
    pub async fn create(&self, chart: u64, kind: &str, source: &str) -> Result<Snapshot, Error> {
        let subject = json!({"chart": {"id": chart, "type": kind, "source": source}});
        let body = Some(json!({ "subject": subject }));
        let call = Call { method: Method::Post, path: "/snapshots".into(), body };
        let reply = self.librato.write(&call).await?;
        Ok(decode("/snapshots", reply.body.unwrap_or(Value::Null))?)
    }

    /// One snapshot.
    ///
    /// # Errors
    /// 404 where there is none.
    pub async fn get(&self, id: u64) -> Result<Snapshot, Error> {
        let path = format!("/snapshots/{id}");
        Ok(decode(&path, self.librato.client().get(&path, &[]).await?)?)
    }
}
