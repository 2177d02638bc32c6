//! Drives the router in process: one call, one answer.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, header};
use base64::Engine as _;
use librato_apply::serve::{Credentials, Data, Options, Store, router};
use serde_json::Value;
use tower::ServiceExt as _;

pub const USER: &str = "ops@example.org";
pub const TOKEN: &str = "s3cret";
pub const JSON: &str = "application/json";
pub const FORM: &str = "application/x-www-form-urlencoded";

pub fn credentials() -> Vec<Credentials> {
    vec![Credentials::new(USER, &TOKEN.into())]
}

pub fn basic(user: &str, token: &str) -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{token}")))
}

/// An empty store, which goes with the test: in memory, or in PostgreSQL where the tests are to run on that.
pub fn store() -> Store {
    #[cfg(all(unix, feature = "postgres"))]
    if let Some(address) = crate::store::database(|model| drop(connect(model))) {
        return connect(&address);
    }
    Store::open(&Data::Memory).unwrap()
}

#[cfg(all(unix, feature = "postgres"))]
pub fn connect(address: &str) -> Store {
    use librato_apply::serve::{Connecting, Opening, Postgres};
    let database = Postgres::new(address, &Connecting::default()).unwrap().that_may_forget();
    Store::connect(&database, Opening::default()).unwrap()
}

pub struct Api {
    pub router: Router,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `Null` when there was no body.
    pub body: Value,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Expects a refusal whose error for `pointer` (such as `/params/name`) contains `text`.
    #[track_caller]
    pub fn refused(self, status: u16, pointer: &str, text: &str) {
        assert_eq!(self.status, status, "{}", self.body);
        assert_eq!(self.header("content-type"), Some("application/json;charset=utf-8"));
        let messages = self.body["errors"].pointer(pointer).and_then(Value::as_array);
        let found =
            messages.is_some_and(|all| all.iter().any(|one| one.as_str().is_some_and(|m| m.contains(text))));
        assert!(found, "no {text:?} at {pointer} of {}", self.body);
    }
}

impl Api {
    pub fn new() -> Api {
        Api::with(&Options::default())
    }

    pub fn with(options: &Options) -> Api {
        Api { router: router(store(), credentials(), options) }
    }

    pub async fn call(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes)
                .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into()))
        };
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    pub async fn send(&self, method: &str, path: &str, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, basic(USER, TOKEN))
            .header(header::USER_AGENT, "fixture/1.0")
            .header(header::CONTENT_TYPE, content_type);
        self.call(request.body(body.into()).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header(header::AUTHORIZATION, basic(USER, TOKEN));
        self.call(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, path: &str, json: &str) -> Answer {
        self.send("POST", path, JSON, json.to_owned()).await
    }

    pub async fn put(&self, path: &str, json: &str) -> Answer {
        self.send("PUT", path, JSON, json.to_owned()).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, JSON, "").await
    }

    pub async fn form(&self, method: &str, path: &str, form: &str) -> Answer {
        self.send(method, path, FORM, form.to_owned()).await
    }
}

/// The `name`s (or other `key`) of the items of a listing.
pub fn column(list: &Value, collection: &str, key: &str) -> Vec<String> {
    let text = |item: &Value| item[key].as_str().map_or_else(|| item[key].to_string(), str::to_owned);
    list[collection].as_array().unwrap().iter().map(text).collect()
}

/// Seconds since the epoch.
pub fn epoch() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}
