//! A ruler over HTTP: groups of rules below a namespace, as Mimir and Cortex keep them, and the configuration of their Alertmanager.
//! Knows the paths of the two, and what a 404 means; knows nothing of what rules say. Never repeats a write.

use std::fmt;

use reqwest::header::HeaderMap;
use serde_json::{Map, Value};

use super::client::Body;
use super::{ApiError, Client, Method, segment};

/// Which of the two it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Grafana Mimir; known from its documentation.
    Mimir,
    /// Cortex.
    Cortex,
}

impl Flavour {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Mimir, Self::Cortex];

    /// The name, as endpoints say it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mimir => "mimir",
            Self::Cortex => "cortex",
        }
    }

    /// Where the rules stand.
    fn rules(self) -> &'static str {
        match self {
            Self::Mimir => "/prometheus/config/v1/rules",
            Self::Cortex => "/api/v1/rules",
        }
    }
}

impl fmt::Display for Flavour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Where rules stand as they are evaluated.
const VIEW: &str = "/prometheus/api/v1/rules";

/// Where the configuration of Alertmanager stands.
const ALERTMANAGER: &str = "/api/v1/alerts";

/// Where a tenant learns what limits are set for it.
const LIMITS: &str = "/api/v1/user_limits";

/// A group of rules, with whatever keys it has.
pub type Group = Map<String, Value>;

/// Why something of a ruler could not be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RulerError {
    /// As of any service.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The path is unknown there.
    #[error(
        "GET {path}: 404{said}: no {flavour} ruler answers there; is the API of rules switched on, and the prefix right?"
    )]
    NotThere {
        /// Which ruler was meant.
        flavour: Flavour,
        /// What was asked for.
        path: String,
        /// What was said to it.
        said: String,
    },
    /// The answer is not what it should be.
    #[error("GET {path}: the answer cannot be read: {detail}")]
    Unreadable {
        /// What was asked for.
        path: String,
        /// What is wrong with it.
        detail: String,
    },
}

/// A ruler.
#[derive(Debug, Clone)]
pub struct Ruler {
    client: Client,
    flavour: Flavour,
}

impl Ruler {
    /// One that a client reaches, whose endpoint is what stands before the paths.
    pub fn new(client: Client, flavour: Flavour) -> Self {
        Self { client, flavour }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Which of the two it is.
    pub fn flavour(&self) -> Flavour {
        self.flavour
    }

    /// The tenant that is meant.
    pub fn tenant(&self) -> &str {
        self.client.config().tenant.as_deref().unwrap_or_default()
    }

    /// The groups of a namespace.
    ///
    /// # Errors
    /// Where they cannot be read as a whole.
    pub async fn groups(&self, namespace: &str) -> Result<Vec<Group>, RulerError> {
        let path = format!("{}/{}", self.flavour.rules(), segment(namespace));
        let Some(text) =
            self.read(&path, &["no rule groups found", "group namespace does not exist"]).await?
        else {
            return Ok(Vec::new());
        };
        let unreadable = |detail: String| RulerError::Unreadable { path: path.clone(), detail };
        let mut all: Map<String, Value> = parse(&text).map_err(&unreadable)?;
        let groups = match all.remove(namespace) {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(groups)) => groups,
            Some(_) => return Err(unreadable("its groups are no list".to_owned())),
        };
        groups.into_iter().map(|group| fit(group).map_err(&unreadable)).collect()
    }

    /// One group, if it is there.
    ///
    /// # Errors
    /// As of [`Ruler::groups`].
    pub async fn group(&self, namespace: &str, name: &str) -> Result<Option<Group>, RulerError> {
        let path = self.path(namespace, name);
        let gone = ["group does not exist", "group namespace does not exist", "no rule groups found"];
        let Some(text) = self.read(&path, &gone).await? else { return Ok(None) };
        let unreadable = |detail: String| RulerError::Unreadable { path: path.clone(), detail };
        parse(&text).and_then(fit).map(Some).map_err(unreadable)
    }

    /// Writes a group, in place of the one of its name.
    ///
    /// # Errors
    /// As of any write.
    pub async fn set_group(&self, namespace: &str, group: &Group) -> Result<(), ApiError> {
        let path = format!("{}/{}", self.flavour.rules(), segment(namespace));
        // Every YAML reader takes JSON.
        let text = Value::Object(group.clone()).to_string();
        self.exchange(Method::Post, &path, Body::Yaml(text, &[])).await.map(drop)
    }

    /// Removes a group. One that is not there is as good.
    ///
    /// # Errors
    /// As of any write.
    pub async fn remove_group(&self, namespace: &str, name: &str) -> Result<(), ApiError> {
        match self.exchange(Method::Delete, &self.path(namespace, name), Body::None).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(drop),
        }
    }

    /// The rules as they are evaluated.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub async fn evaluated(&self) -> Result<Value, RulerError> {
        let text = self.read(VIEW, &[]).await?.unwrap_or_default();
        let detail = |error: serde_json::Error| error.to_string();
        serde_json::from_str(&text)
            .map_err(|error| RulerError::Unreadable { path: VIEW.to_owned(), detail: detail(error) })
    }

    /// How many rules a group may have; 0 where there is no limit, and nothing where this ruler does not tell.
    ///
    /// # Errors
    /// Where it fails to answer.
    pub async fn most_rules(&self) -> Result<Option<usize>, RulerError> {
        let look = || self.exchange(Method::Get, LIMITS, Body::None);
        match self.client.with_retry(look).await {
            Ok(text) => Ok(most_rules(&text)),
            // Cortex has no such path, and a gateway may keep it to itself.
            Err(ApiError::Status { status: 401..=405 | 501, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The configuration of Alertmanager, if there is one: the keys of its envelope, one of which holds the text.
    ///
    /// # Errors
    /// Where it cannot be read.
    pub async fn alertmanager(&self) -> Result<Option<Map<String, Value>>, RulerError> {
        let none = ["alertmanager storage object not found", "the Alertmanager is not configured"];
        let Some(text) = self.read(ALERTMANAGER, &none).await? else { return Ok(None) };
        // What stands in it is not repeated: it holds the secrets of all.
        let unreadable = |_| RulerError::Unreadable {
            path: ALERTMANAGER.to_owned(),
            detail: "it is not the envelope of a configuration".to_owned(),
        };
        parse(&text).map(Some).map_err(unreadable)
    }

    /// Writes the configuration of Alertmanager. Of an error none of the `secrets` is repeated.
    ///
    /// # Errors
    /// As of any write.
    pub async fn set_alertmanager(
        &self,
        envelope: &Map<String, Value>,
        secrets: &[String],
    ) -> Result<(), ApiError> {
        let text = Value::Object(envelope.clone()).to_string();
        self.exchange(Method::Post, ALERTMANAGER, Body::Yaml(text, secrets)).await.map(drop)
    }

    fn path(&self, namespace: &str, group: &str) -> String {
        format!("{}/{}/{}", self.flavour.rules(), segment(namespace), segment(group))
    }

    /// A text, or nothing where a 404 says one of these: any other one is of something that is no ruler.
    async fn read(&self, path: &str, none: &[&str]) -> Result<Option<String>, RulerError> {
        let look = || self.exchange(Method::Get, path, Body::None);
        let error = match self.client.with_retry(look).await {
            Ok(text) => return Ok(Some(text)),
            Err(error) => error,
        };
        let ApiError::Status { status: 404, messages, .. } = &error else { return Err(error.into()) };
        let said = messages.to_string();
        if none.iter().any(|words| said.contains(words)) {
            return Ok(None);
        }
        let prefix = self.client.config().endpoint.url().path().trim_end_matches('/');
        let said = if said.is_empty() { said } else { format!(" ({said})") };
        Err(RulerError::NotThere { flavour: self.flavour, path: format!("{prefix}{path}"), said })
    }

    async fn exchange(&self, method: Method, path: &str, body: Body<'_>) -> Result<String, ApiError> {
        let read = |bytes: &[u8]| Ok(String::from_utf8_lossy(bytes).into_owned());
        let (text, _) = self.client.exchange_for(method, path, &[], (body, HeaderMap::new()), read).await?;
        Ok(text.unwrap_or_default())
    }
}

fn parse<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, String> {
    // Messages of the reader show what stands in the text.
    serde_yaml::from_str(text).map_err(|_| "it is not the YAML that is expected".to_owned())
}

/// The limit among those of a tenant.
fn most_rules(text: &str) -> Option<usize> {
    let limits: Value = serde_json::from_str(text).ok()?;
    usize::try_from(limits.get("ruler_max_rules_per_rule_group")?.as_u64()?).ok()
}

fn fit(group: Value) -> Result<Group, String> {
    match group {
        Value::Object(group) if group.get("name").is_some_and(Value::is_string) => Ok(group),
        _ => Err("a group has no name".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_known_only_where_it_is_told() {
        for (text, expected) in [
            (r#"{"ingestion_rate": 10000, "ruler_max_rules_per_rule_group": 35}"#, Some(35)),
            (r#"{"ruler_max_rules_per_rule_group": 0}"#, Some(0)),
            (r#"{"ruler_max_rules_per_rule_group": -1}"#, None),
            (r#"{"ingestion_rate": 10000}"#, None),
            ("<html>a gateway</html>", None),
            ("", None),
        ] {
            assert_eq!(most_rules(text), expected, "{text}");
        }
    }
}
