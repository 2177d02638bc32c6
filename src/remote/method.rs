//! The methods of HTTP that the API knows.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The HTTP methods of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Read.
    Get,
    /// Create (not idempotent), submit, clear.
    Post,
    /// Update; for metrics, sources and annotation streams also create.
    Put,
    /// Delete.
    Delete,
}

impl Method {
    /// Whether executing a request twice comes to the same as once.
    pub fn is_idempotent(self) -> bool {
        self != Method::Post
    }

    /// The word on the request line.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Delete => "DELETE",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
