//! How using the library fails: what talking to the service came to, and what was asked for that makes no sense.
//! Holds no credential.

use crate::remote::{ApiError, ClientError, EndpointError};

/// Why something could not be done.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not the address of a service.
    #[error(transparent)]
    Endpoint(#[from] EndpointError),
    /// The connection cannot be prepared.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The service refused, or could not be talked to.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Only objects that came from the service have what addresses them there.
    #[error("this {kind} has no id: it was not read from the service")]
    NoId {
        /// What it is, such as `alert`.
        kind: &'static str,
    },
    /// An object that cannot be written as JSON.
    #[error("this {kind} cannot be written as JSON: {why}")]
    Unwritable {
        /// What it is, such as `alert`.
        kind: &'static str,
        /// Why not.
        why: String,
    },
    /// A job that the service took on did not come to a good end.
    #[error("the service took the work on as a job, and the job is {state}{}", why.as_deref().map(|why| format!(": {why}")).unwrap_or_default())]
    Job {
        /// Its last state: `failed`, `canceled`, or one that was not left in time.
        state: String,
        /// What it says about it.
        why: Option<String>,
    },
}

impl Error {
    /// Whether the object does not exist, or is not visible with this token.
    pub fn is_not_found(&self) -> bool {
        self.api().is_some_and(ApiError::is_not_found)
    }

    /// The status code, where the service gave one.
    pub fn status(&self) -> Option<u16> {
        self.api()?.status()
    }

    /// What talking to the service came to, if that is what failed.
    pub fn api(&self) -> Option<&ApiError> {
        match self {
            Self::Api(error) => Some(error),
            _ => None,
        }
    }
}
