//! How alerts are evaluated here, for whoever changes something that evaluation has to do with.

use std::sync::Arc;

use prometheus_client::metrics::counter::Counter;

use super::options::AlertOptions;
use super::terms::Terms;
use crate::serve::http::users::Users;
use crate::watch::Settings;

/// How alerts are evaluated.
#[derive(Debug, Clone)]
pub struct Evaluation {
    options: Arc<AlertOptions>,
    users: Users,
    lost: Counter,
}

impl Evaluation {
    /// By these options, on the account of these users. `lost` counts states that could not be read.
    pub fn new(options: AlertOptions, users: Users, lost: Counter) -> Evaluation {
        Evaluation { options: Arc::new(options), users, lost }
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
        Terms { account: self.users.account(), notify: self.options.notify, now }
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
