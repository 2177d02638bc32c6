//! What could not be shown or done, as a page says it.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use maud::html;
use serde_json::Value;

use super::frame::{self, Here};
use super::visit::Visit;
use crate::serve::http::problem::Problem;

/// A refusal in words.
#[derive(Debug)]
pub struct Refused {
    pub status: StatusCode,
    pub message: String,
}

impl Refused {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Refused {
        Refused { status, message: message.into() }
    }

    /// From the body of an error of the API.
    pub fn read(status: StatusCode, body: &Value) -> Refused {
        let mut told = Vec::new();
        collect("", &body["errors"], &mut told);
        let message = match status {
            StatusCode::FORBIDDEN => "Your role may not see or do this.".to_owned(),
            StatusCode::NOT_FOUND if told.iter().all(|one| one == "Not Found") => {
                "There is nothing here: it was renamed or deleted, or the address is wrong.".to_owned()
            }
            _ if told.is_empty() => format!("The server answered {status}."),
            _ => told.join("; "),
        };
        Refused { status, message }
    }

    /// As a page for someone who is known.
    pub fn shown(&self, visit: &Visit) -> Response {
        let body = html! {
            (frame::heading(self.title(), &html! {}, &html! {}))
            section.card {
                p { (self.message) }
                p { a href="/ui/" { "To the spaces" } }
            }
        };
        (self.status, frame::page(visit, Here::Nowhere, self.title(), &body)).into_response()
    }

    fn title(&self) -> &'static str {
        match self.status {
            StatusCode::FORBIDDEN => "Not allowed",
            StatusCode::NOT_FOUND => "Nothing here",
            status if status.is_server_error() => "The server cannot do this now",
            _ => "This could not be done",
        }
    }
}

/// The messages of an error body with the names of what they are about.
fn collect(name: &str, value: &Value, told: &mut Vec<String>) {
    match value {
        Value::String(text) if name.is_empty() => told.push(text.clone()),
        Value::String(text) => told.push(format!("{name} {text}")),
        Value::Array(all) => all.iter().for_each(|one| collect(name, one, told)),
        Value::Object(all) => all.iter().for_each(|(key, one)| {
            let inner = if matches!(key.as_str(), "params" | "request" | "system") { name } else { key };
            collect(inner, one, told);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Refused {
        let status = problem.status();
        Refused::read(status, problem.errors())
    }
}

/// Where no one is known, only the words.
impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.status, frame::bare(self.title(), &html! { p { (self.message) } })).into_response()
    }
}
