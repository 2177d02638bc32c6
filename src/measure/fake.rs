//! A service for tests: takes measurements or not, as a function says, and remembers those it took.

use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::remote::{ApiError, Call, Listing, Method, ReadApi, Reply, TransportKind, WriteApi};
use crate::wire::{ApiMessages, Failures};

type Judge = dyn Fn(usize, &[String]) -> Verdict + Send + Sync;

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    Take,
    /// Takes it, but the answer is lost.
    TakeAndLose,
    Refuse,
    /// Reports success and so many failures.
    Tell {
        failed: Option<u64>,
    },
    Fail(u16),
    NoConnection,
}

/// Clones share everything.
#[derive(Clone)]
pub struct Fake {
    judge: Arc<Judge>,
    requests: Arc<Mutex<Vec<Vec<Value>>>>,
    taken: Arc<Mutex<Vec<Value>>>,
}

impl Fake {
    /// Judges each request by its number, from 0, and the names in it.
    pub fn new(judge: impl Fn(usize, &[String]) -> Verdict + Send + Sync + 'static) -> Self {
        Self { judge: Arc::new(judge), requests: Arc::default(), taken: Arc::default() }
    }

    /// How many measurements each request held.
    pub fn sizes(&self) -> Vec<usize> {
        self.requests.lock().unwrap().iter().map(Vec::len).collect()
    }

    /// What was taken, in order.
    pub fn taken(&self) -> Vec<Value> {
        self.taken.lock().unwrap().clone()
    }

    /// The names of what was taken, in order.
    pub fn names(&self) -> Vec<String> {
        self.taken().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    }
}

fn lost(kind: TransportKind) -> ApiError {
    let may_have_been_executed = kind != TransportKind::Connect;
    ApiError::Transport {
        kind,
        method: Method::Post,
        path: "/metrics".into(),
        detail: "gone".into(),
        may_have_been_executed,
    }
}

fn status(status: u16, message: &str) -> ApiError {
    let messages = ApiMessages::from_text(message, &[]);
    ApiError::Status { status, messages, method: Method::Post, path: "/metrics".into(), retry_after: None }
}

impl ReadApi for Fake {
    async fn get(&self, _: &str, _: &[(&str, String)]) -> Result<Value, ApiError> {
        Err(status(404, ""))
    }

    async fn list(&self, _: &Listing) -> Result<Vec<Value>, ApiError> {
        Err(status(404, ""))
    }
}

impl WriteApi for Fake {
    async fn send(&self, call: &Call) -> Result<Reply, ApiError> {
        tokio::task::yield_now().await;
        let body = call.body.clone().unwrap_or_default();
        let lists =
            ["gauges", "counters", "measurements"].into_iter().filter_map(|list| body[list].as_array());
        let items: Vec<Value> = lists.flatten().cloned().collect();
        let names: Vec<String> = items.iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect();
        let number = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(items.clone());
            requests.len() - 1
        };
        let verdict = (self.judge)(number, &names);
        if matches!(verdict, Verdict::Take | Verdict::TakeAndLose) {
            self.taken.lock().unwrap().extend(items);
        }
        match verdict {
            Verdict::Take => Ok(Reply { status: 200, body: None, location: None, warning: None }),
            Verdict::TakeAndLose => Err(lost(TransportKind::Reset)),
            Verdict::Tell { failed } => {
                let messages = ApiMessages::from_text("too old", &[]);
                let failures = Failures { messages, accepted: None, failed };
                Err(ApiError::Told { method: Method::Post, path: "/metrics".into(), failures })
            }
            Verdict::Refuse => Err(status(400, &format!("one of {} is bad", names.len()))),
            Verdict::Fail(code) => Err(status(code, "")),
            Verdict::NoConnection => Err(lost(TransportKind::Connect)),
        }
    }
}
