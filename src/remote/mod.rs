//! The way to the service: what can be read, what can be written, and how either fails.
//! All remote weirdness (paging, rate limits, lost answers, odd error bodies) ends in here.
//! Never prints, and never decides whether a write may be repeated.
mod answer;
pub mod call;
mod client;
mod decode;
mod distrust;
mod endpoint;
mod error;
pub mod fetch;
mod fetch_plan;
mod listing;
mod method;
pub mod placeholder;
pub mod promql;
mod raw;
mod reach;
mod retry;
pub mod ruler;
mod throttle;
mod tls;

use std::fmt;
use std::future::Future;

use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

pub use client::{Auth, Client, Config, DEFAULT_TIMEOUT, USER_AGENT};
pub use endpoint::{Endpoint, EndpointError, segment};
pub use error::{ApiError, ClientError, TransportKind};
pub use listing::{Listing, Part, Progress, Stage};
pub use method::Method;
pub use reach::Trouble;
pub use retry::{Attempts, Decision, RetryPolicy, sleep};

/// Reading the service. Reads are idempotent, so an implementation may repeat them as it sees fit.
pub trait ReadApi: Send + Sync {
    /// One `GET`. `path` is below `/v1`, starts with `/` and has its segments percent-encoded
    /// (see [`segment`]); `query` is plain text. An answer without a body is `Value::Null`.
    ///
    /// # Errors
    /// Whatever is left after retries; see [`ApiError`].
    fn get(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> impl Future<Output = Result<Value, ApiError>> + Send;

    /// All entries of a paginated collection, each once, in the order the service lists them.
    ///
    /// # Errors
    /// [`ApiError::Incomplete`] when the collection kept changing while it was read; else as [`ReadApi::get`].
    fn list(&self, listing: &Listing) -> impl Future<Output = Result<Vec<Value>, ApiError>> + Send;

    /// The same, of each entry what `each` makes of it and of its text. An implementation that reads page by page needs not hold
    /// the entries of them all, and can read several pages at once.
    ///
    /// # Errors
    /// As [`ReadApi::list`].
    fn list_as<T: Send + 'static>(
        &self,
        listing: &Listing,
        each: impl Fn(Value, &RawValue) -> T + Clone + Send + Sync + 'static,
    ) -> impl Future<Output = Result<Vec<T>, ApiError>> + Send {
        async move {
            let one = |entry: Value| {
                let text = to_raw_value(&entry).map_err(|error| listing.unreadable(error.to_string()))?;
                Ok(each(entry, &text))
            };
            self.list(listing).await?.into_iter().map(one).collect()
        }
    }
}

/// Reading and writing the service.
pub trait WriteApi: ReadApi {
    /// Sends one call once. Waits first while the service asked for a pause, and never retries: `POST` is
    /// not idempotent in this API, so only the caller can know what a repetition would do.
    ///
    /// # Errors
    /// Any status but 2xx, and everything that can go wrong on the way; see [`ApiError`].
    fn send(&self, call: &Call) -> impl Future<Output = Result<Reply, ApiError>> + Send;

    /// The same under conditions. Services that know nothing of them do as without, and so may an implementation.
    ///
    /// # Errors
    /// As [`WriteApi::send`]; a status of 412 where a condition does not hold.
    fn send_under(
        &self,
        call: &Call,
        _terms: &Terms,
    ) -> impl Future<Output = Result<Reply, ApiError>> + Send {
        self.send(call)
    }

    /// Whether the service has answered nothing for so long that nothing is sent any more.
    fn has_given_up(&self) -> bool {
        false
    }

    /// Sends one `POST` whose JSON is text already, otherwise as [`WriteApi::send`]. Measurements come by the million:
    /// an implementation that can send the text as it is saves building a tree of it.
    ///
    /// # Errors
    /// As [`WriteApi::send`].
    fn post_text(&self, path: &str, body: String) -> impl Future<Output = Result<Reply, ApiError>> + Send {
        let body = serde_json::from_str(&body).ok();
        let call = Call { method: Method::Post, path: path.to_owned(), body };
        async move { self.send(&call).await }
    }
}

/// Under which conditions a write is to be carried out, and how it is known when it comes again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Terms {
    /// The `Idempotency-Key`: requests with the same one are one request.
    pub key: Option<String>,
    /// Only where no object has that name (`If-None-Match: *`).
    pub only_if_absent: bool,
    /// Only if the object still has this tag (`If-Match`).
    pub tag: Option<String>,
}

impl Terms {
    /// Those of a creation: with a key of its own, and only where nothing has the name.
    pub fn of_creation() -> Self {
        let mut bytes = [0; 16];
        // Without randomness there is no key, and the request is like those of everybody else.
        let key = getrandom::fill(&mut bytes).ok().map(|()| hex::encode(bytes));
        Self { key, only_if_absent: true, tag: None }
    }
}

/// One write as a value.
#[derive(Clone, PartialEq)]
pub struct Call {
    /// What to do.
    pub method: Method,
    /// Below `/v1`, starting with `/`, segments percent-encoded (see [`segment`]).
    pub path: String,
    /// The JSON to send. May hold secrets (service settings), which is why `Debug` leaves it out.
    pub body: Option<Value>,
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = if self.body.is_some() { " {..}" } else { "" };
        write!(f, "Call({} {}{body})", self.method, self.path)
    }
}

/// What a successful call brought back.
#[derive(Clone)]
pub struct Reply {
    /// The status, always 2xx.
    pub status: u16,
    /// The JSON of the answer; `None` where there was no body (204, or an empty 200).
    pub body: Option<Value>,
    /// The `Location` header: of a 201 the path of the new object, of a 202 that of the job.
    pub location: Option<String>,
    /// What will not work of what was taken, where the service says so.
    pub warning: Option<String>,
}

impl fmt::Debug for Reply {
    /// Without the values: the answer to a service's creation repeats its settings.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = if self.body.is_some() { " {..}" } else { "" };
        write!(f, "Reply({}{body})", self.status)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn debug_of_calls_and_replies_hides_values() {
        let body = Some(json!({"settings": {"url": "https://canary"}}));
        let call = Call { method: Method::Post, path: "/services".into(), body: body.clone() };
        let reply = Reply { status: 201, body, location: None, warning: None };
        assert_eq!(format!("{call:?} {reply:?}"), "Call(POST /services {..}) Reply(201 {..})");
    }
}
