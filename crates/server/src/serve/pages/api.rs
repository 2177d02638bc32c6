//! The routes of the API, asked in the name of whoever looks at a page: the same rights, masks and checks as from outside.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use axum::response::Response;
use serde_json::Value;
use tower::ServiceExt as _;

use super::refused::Refused;
use super::visit::Visit;
use crate::serve::http::auth::Caller;
use crate::serve::http::problem::Problem;

/// Longer answers are not read; no page asks for one.
const LONGEST: usize = 64 * 1024 * 1024;

#[derive(Clone)]
pub struct Api(Router);

impl Api {
    pub fn new(routes: Router) -> Api {
        Api(routes)
    }

    /// What is answered to a GET.
    pub async fn get(&self, visit: &Visit, path: &str) -> Result<Value, Refused> {
        self.ask(visit, Method::GET, path, Body::empty()).await
    }

    /// What is answered to a POST.
    pub async fn post(&self, visit: &Visit, path: &str, body: &Value) -> Result<Value, Refused> {
        self.ask(visit, Method::POST, path, Body::from(body.to_string())).await
    }

    /// What is answered to a DELETE.
    pub async fn delete(&self, visit: &Visit, path: &str) -> Result<Value, Refused> {
        self.ask(visit, Method::DELETE, path, Body::empty()).await
    }

    /// The answer to a GET as it is, in the name of whoever this is.
    pub async fn fetch(&self, caller: Caller, path: &str) -> Result<Response, Refused> {
        let request = Request::get(path).extension(caller).body(Body::empty()).map_err(Problem::internal)?;
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        if status.is_success() { Ok(response) } else { Err(Refused::read(status, &Value::Null)) }
    }

    async fn ask(&self, visit: &Visit, method: Method, path: &str, body: Body) -> Result<Value, Refused> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .extension(visit.caller.clone())
            .extension(visit.client)
            .body(body)
            .map_err(Problem::internal)?;
        if let Some(claim) = &visit.claim {
            request.extensions_mut().insert(claim.clone());
        }
        let response = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let status = response.status();
        let bytes = to_bytes(response.into_body(), LONGEST).await.map_err(Problem::internal)?;
        if bytes.is_empty() {
            return if status.is_success() {
                Ok(Value::Null)
            } else {
                Err(Refused::read(status, &Value::Null))
            };
        }
        let body = serde_json::from_slice(&bytes).map_err(Problem::internal)?;
        if status.is_success() { Ok(body) } else { Err(Refused::read(status, &body)) }
    }
}
