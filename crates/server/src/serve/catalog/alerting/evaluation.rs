//! How alerts are evaluated here, for whoever changes something that evaluation has to do with.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use prometheus_client::metrics::counter::Counter;

use super::options::AlertOptions;
use super::terms::Terms;
use crate::serve::http::users::Users;
use crate::serve::store::Store;
use crate::watch::Settings;

/// How alerts are evaluated.
#[derive(Debug, Clone)]
pub struct Evaluation {
    options: Arc<AlertOptions>,
    users: Users,
    lost: Counter,
    /// Whether another server notifies, though this one may not.
    others: Arc<AtomicBool>,
}

impl Evaluation {
    /// By these options, on the account of these users. `lost` counts states that could not be read.
    pub fn new(options: AlertOptions, users: Users, lost: Counter) -> Evaluation {
        Evaluation { options: Arc::new(options), users, lost, others: Arc::default() }
    }

    /// The same among the servers that share the data of a store.
    #[must_use]
    pub fn among(self, store: &Store) -> Evaluation {
        Evaluation { others: Arc::clone(&store.condition().others_notify), ..self }
    }

    /// Whether anybody evaluates.
    pub fn is_on(&self) -> bool {
        self.options.evaluate
    }

    pub fn settings(&self) -> Settings {
        self.options.settings()
    }

    /// On what terms something is written in this second.
    pub fn terms(&self, now: i64) -> Terms {
        let notify = self.options.notify || self.others.load(Ordering::Relaxed);
        Terms { account: self.users.account(), notify, now }
    }

    /// Tells that the state of an alert cannot be read, so that it begins as if it were made now.
    pub fn loses(&self, alert: &str, why: &str) {
        self.lost.inc();
        tracing::error!(
            target: "librato_apply::serve",
            "the state of the alert {alert} cannot be read, so it begins as if it were made now: {why}"
        );
    }
}
