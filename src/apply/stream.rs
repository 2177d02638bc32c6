//! Annotation streams, which come into being with their first event: a PUT that may need an event to be posted first.
//! Leaves no event behind that it made, not even one that an interrupted run left.

use serde_json::json;

use super::run::Run;
use crate::plan::Failure;
use crate::remote::placeholder::{PLACEHOLDER, placeholders};
use crate::remote::{ApiError, Call, Method, WriteApi};

impl<A: WriteApi> Run<'_, A> {
    /// Sends the PUT of a stream; where there is no such stream yet, makes it by an event that is deleted again.
    pub(super) async fn put_stream(&self, put: &Call) -> Result<(), Failure> {
        let result = match self.try_send(put).await {
            Err(error) if error.is_not_found() => self.make_stream(put).await,
            Ok(_) => self.remove_placeholders(&put.path).await,
            Err(error) => Err(error),
        };
        Ok(result?)
    }

    /// The PUT comes last: as long as it has not been sent the next run knows that there is something left to do.
    async fn make_stream(&self, put: &Call) -> Result<(), ApiError> {
        let body = Some(json!({"title": PLACEHOLDER}));
        // A repeated event is found and removed like the first one.
        self.try_send(&Call { method: Method::Post, path: put.path.clone(), body }).await?;
        self.remove_placeholders(&put.path).await?;
        self.try_send(put).await.map(|_| ())
    }

    async fn remove_placeholders(&self, path: &str) -> Result<(), ApiError> {
        for id in placeholders(self.api, path).await? {
            self.try_send(&Call { method: Method::Delete, path: format!("{path}/{id}"), body: None }).await?;
        }
        Ok(())
    }
}
