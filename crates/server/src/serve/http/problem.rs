//! Refusals, and the one shape they are told in: `{"errors": {"params" | "request" | "system": …}}`.
//! Values are always lists with at most one level of nesting, since published clients crash on other forms.

use std::fmt::Display;
use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use super::reply;
use crate::serve::budget::Exceeded;
use crate::serve::refusal::{Errors, Refusal};
use crate::serve::store::error::{Displaced, Failure, StoreError, Trouble};

/// A request that was not carried out, as the client will read it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    status: StatusCode,
    errors: Value,
    /// Epoch seconds at which the server judged a time, so that a client with a wrong clock can tell.
    request_time: Option<i64>,
    /// Seconds after which another try makes sense.
    retry_after: Option<i64>,
    /// Where what stands in the way is found.
    location: Option<String>,
    trouble: Option<Trouble>,
}

impl Problem {
    /// A refusal of the request as a whole.
    pub fn request(status: StatusCode, message: impl Into<String>) -> Problem {
        Problem::of(status, json!({ "request": [message.into()] }))
    }

    fn of(status: StatusCode, errors: Value) -> Problem {
        Problem { status, errors, request_time: None, retry_after: None, location: None, trouble: None }
    }

    /// 400 for a request that cannot be read at all.
    pub fn unreadable(message: impl Into<String>) -> Problem {
        Problem::request(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found() -> Problem {
        Problem::request(StatusCode::NOT_FOUND, "Not Found")
    }

    /// 400 for one parameter.
    pub fn param(name: &str, message: impl Into<String>) -> Problem {
        Problem::of_params(StatusCode::BAD_REQUEST, single(name, message.into()))
    }

    /// 422: the documented answer when a unique name is in use.
    pub fn taken(name: &str) -> Problem {
        Problem::of_params(StatusCode::UNPROCESSABLE_ENTITY, single(name, "is already taken".to_owned()))
    }

    fn of_params(status: StatusCode, params: Map<String, Value>) -> Problem {
        let errors = Map::from_iter([("params".to_owned(), Value::Object(params))]);
        Problem::of(status, Value::Object(errors))
    }

    /// 500. The cause goes to the log, never to the client.
    pub fn internal(cause: impl Display) -> Problem {
        tracing::error!(target: "librato_apply::serve", %cause, "request failed inside the server");
        Problem::system(StatusCode::INTERNAL_SERVER_ERROR, "The server failed to process the request.")
    }

    /// 503 while the server stops, or when the store cannot begin a transaction.
    pub fn unavailable() -> Problem {
        let message = "The server cannot take the request now. Try again shortly.";
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    }

    /// 503 since what is written now would be found by no one. Where the file lies is the operator's business.
    pub fn displaced(displaced: Displaced) -> Problem {
        let message = match displaced {
            Displaced::Removed => {
                "The server's data file was removed or renamed, so nothing can be stored. The server stops."
            }
            Displaced::LogGone => {
                "The server's write-ahead log was removed or replaced, so nothing can be stored. The server stops."
            }
            Displaced::Replaced => {
                "Another file took the place of the server's data file, so nothing can be stored. The server stops."
            }
        };
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(5)
    }

    /// 507 where the disk is full, 503 where it refuses for another reason: worth another try once someone saw to it.
    pub fn cannot_write(trouble: Trouble) -> Problem {
        let status = match trouble {
            Trouble::Full => StatusCode::INSUFFICIENT_STORAGE,
            Trouble::Refused | Trouble::Unanswered => StatusCode::SERVICE_UNAVAILABLE,
        };
        let message = format!("Nothing was stored: {}.", trouble.reason());
        Problem { trouble: Some(trouble), ..Problem::system(status, &message).retry_after(30) }
    }

    /// 507 since the data have reached the limit that was set for them.
    pub fn no_room() -> Problem {
        let message = "Nothing was stored: the data have reached the limit of this server (--max-disk). Delete what is not needed, or have the limit raised; definitions, silences and reading go on.";
        Problem::system(StatusCode::INSUFFICIENT_STORAGE, message).retry_after(30)
    }

    /// 503 since measurements come faster than the database can put them in order.
    pub fn backlog(why: &str) -> Problem {
        let message = format!(
            "Nothing was stored: {why}. Send the measurements again in a while; definitions, reading and alerts go on."
        );
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, &message).retry_after(10)
    }

    /// 503 for whoever asks whether requests may be sent to a server that does other things.
    pub fn no_requests() -> Problem {
        let message =
            "No requests are to be sent to this server: it was started with other duties (--duties).";
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 503 for whoever asks whether the server is ready.
    pub fn not_ready(error: StoreError) -> Problem {
        Problem { status: StatusCode::SERVICE_UNAVAILABLE, ..Problem::from(error) }
    }

    /// 503 because others are being served.
    pub fn busy() -> Problem {
        let message = "The server is busy. Try again shortly.";
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, message).retry_after(1)
    }

    /// 503 since the database broke off in the middle of a commit.
    pub fn unknown_outcome() -> Problem {
        let message = "The database broke off. It is not known whether this was carried out: look before you repeat it.";
        Problem::system(StatusCode::SERVICE_UNAVAILABLE, message)
    }

    /// 413 for a body that would take more memory than the server has for all requests together.
    pub fn too_much() -> Problem {
        let message = "The request body holds too many values. Send it in parts.";
        Problem::request(StatusCode::PAYLOAD_TOO_LARGE, message)
    }

    /// 400 for a question whose answer would take more memory than the server has for all answers together, `limit`
    /// bytes.
    pub fn too_large(limit: usize) -> Problem {
        Problem::unreadable(format!(
            "The answer takes more than the {limit} bytes of memory that the server has for answers. Ask for less: a shorter page, \
             less time, fewer sources or tags, a longer resolution."
        ))
    }

    /// 400 for a question that takes longer to answer than the server lets one read take. No 5xx: python-librato asks for
    /// ever again after one, and the next try would take as long.
    pub fn too_long(limit: Duration) -> Problem {
        Problem::unreadable(format!(
            "The read took longer than {} s, which is the most this server allows. Ask for less: less time, fewer metrics, \
             sources, tags or patterns, a longer resolution.",
            limit.as_secs_f64()
        ))
    }

    /// 413 for an answer that takes more than there is, to clients that know what that means.
    pub fn beyond(exceeded: Exceeded) -> Problem {
        let problem = Problem::from(exceeded);
        match exceeded {
            Exceeded::Time(_) | Exceeded::Answer(_) => {
                Problem { status: StatusCode::PAYLOAD_TOO_LARGE, ..problem }
            }
            Exceeded::Request | Exceeded::Busy | Exceeded::Abandoned => problem,
        }
    }

    /// The same with the advice to try again after `seconds`.
    pub fn retry_after(mut self, seconds: i64) -> Problem {
        self.retry_after = Some(seconds);
        self
    }

    /// The same with the path of what stands in the way.
    pub fn located(mut self, location: &str) -> Problem {
        self.location = Some(location.to_owned());
        self
    }

    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What is told, by what it is about.
    pub fn errors(&self) -> &Value {
        &self.errors
    }

    /// What a client would read, for the log.
    pub fn told(&self) -> String {
        self.errors.to_string()
    }

    /// Whether another try may end otherwise.
    pub fn is_passing(&self) -> bool {
        self.status.is_server_error()
    }

    fn system(status: StatusCode, message: &str) -> Problem {
        Problem::of(status, json!({ "system": [message] }))
    }

    pub fn judged_at(mut self, now: i64) -> Problem {
        self.request_time = Some(now);
        self
    }
}

fn single(name: &str, message: String) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), Value::Array(vec![Value::String(message)]))])
}

impl From<Errors> for Problem {
    fn from(errors: Errors) -> Problem {
        Problem::of_params(StatusCode::BAD_REQUEST, errors.into_params())
    }
}

/// What a refusal is to whoever asked.
impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        match refusal {
            Refusal::Missing => Problem::not_found(),
            Refusal::Over(message) => Problem::request(StatusCode::NOT_FOUND, message),
            Refusal::Taken(field) => Problem::taken(field),
            Refusal::Fields(errors) => errors.into(),
            Refusal::Whole(message) => Problem::unreadable(message),
            Refusal::Store(error) => error.into(),
        }
    }
}

/// What a failure of the store is to whoever asked, and to the log.
impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Unavailable => Problem::unavailable(),
            StoreError::Busy => Problem::busy(),
            StoreError::Superseded => Problem::unavailable(),
            StoreError::Unknown => Problem::unknown_outcome(),
            StoreError::Unstorable => Problem::request(StatusCode::BAD_REQUEST, error.to_string()),
            StoreError::Trouble { trouble, cause } => {
                if let Some(error) = cause {
                    tracing::error!(target: "librato_apply::serve", %error, "the data file cannot be used");
                }
                Problem::cannot_write(trouble)
            }
            StoreError::Displaced(displaced) => Problem::displaced(displaced),
            StoreError::Exceeded(exceeded) => exceeded.into(),
            StoreError::Damaged { .. } | StoreError::Taken | StoreError::Internal(_) => {
                Problem::internal(error)
            }
        }
    }
}

impl From<Exceeded> for Problem {
    fn from(exceeded: Exceeded) -> Problem {
        match exceeded {
            Exceeded::Time(limit) => Problem::too_long(limit),
            Exceeded::Answer(limit) => Problem::too_large(limit),
            Exceeded::Request => Problem::too_much(),
            Exceeded::Busy => Problem::busy(),
            // No one will see it.
            Exceeded::Abandoned => Problem::unavailable(),
        }
    }
}

impl Failure for Problem {
    fn trouble(&self) -> Option<Trouble> {
        self.trouble
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut body = json!({ "errors": self.errors });
        if let Some(time) = self.request_time {
            body["request_time"] = json!(time);
        }
        let mut response = reply::unclaimed(self.status, &body);
        if self.status == StatusCode::UNAUTHORIZED {
            let challenge = HeaderValue::from_static("Basic realm=\"librato-apply\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
