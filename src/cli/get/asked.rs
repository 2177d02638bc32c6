//! What is asked of what alerts came to, once or again and again.

use librato_apply::remote::{ApiError, Client, Listing, ReadApi};
use librato_apply::wire::lenient;
use serde_json::Value;

use crate::cli::args::kind::Kind;
use crate::cli::exit::{Exit, Stop};

/// What is asked for, again and again where it is watched.
pub struct Asked {
    pub kind: Kind,
    pub query: Vec<(String, String)>,
}

impl Asked {
    /// The open incidents of an alert.
    pub fn open(alert: u64) -> Asked {
        let query = [("alert", alert.to_string()), ("status", "open".to_owned())];
        Asked { kind: Kind::Incidents, query: query.map(|(key, value)| (key.to_owned(), value)).into() }
    }

    /// All of them, oldest first.
    ///
    /// # Errors
    /// Where the service does not say it.
    pub async fn read(&self, client: &Client) -> Result<Vec<Value>, ApiError> {
        let identity = |raw: &Value| lenient::id(&raw["id"]).map(|id| id.to_string());
        let key = self.kind.plural();
        let (path, query) = (format!("/{key}"), self.query.clone());
        client.list(&Listing { path, key, query, order: None, identity, tagged: false }).await
    }

    /// A service that has no such thing says only that there is nothing of that name.
    pub fn explained(&self, error: ApiError) -> anyhow::Error {
        if !error.is_not_found() {
            return error.into();
        }
        let message = format!("this service keeps no {}", self.kind.plural());
        let help = vec!["`librato-apply serve` does; the API that others speak has none".to_owned()];
        Stop { exit: Exit::Error, message, help }.into()
    }
}
