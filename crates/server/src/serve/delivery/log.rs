//! What the log says of attempts to notify: which alert, which incident, which service, and what came of it.

use super::table::{Head, Written};
use crate::serve::troubles::To;

/// One attempt; of many messages in one, the first lends its names.
pub fn attempt(to: To<'_>, heads: &[Head], outcome: &str, written: &[Written]) {
    let Some(first) = heads.first().map(|head| &head.delivery) else { return };
    let To { id: service, kind, title } = to;
    let (alert, incident, what) = (first.alert_name.as_str(), first.key.as_str(), first.kind.name());
    let (attempts, count) = (first.attempts + 1, heads.len());
    let detail = written.first().and_then(|one| one.detail.as_deref());
    match outcome {
        "sent" if first.attempts > 0 => {
            tracing::info!(target: "librato_apply::serve", alert, incident, what, service, kind, title, attempts, count, "a notification was taken at last");
        }
        "sent" => {
            tracing::debug!(target: "librato_apply::serve", alert, incident, what, service, kind, title, count, "notified");
        }
        "retried" => {
            tracing::warn!(target: "librato_apply::serve", alert, incident, what, service, kind, title, attempts, detail, count, "a notification was not taken; it is tried again");
        }
        "dropped" => {}
        _ => {
            tracing::error!(target: "librato_apply::serve", alert, incident, what, service, kind, title, attempts, detail, count, outcome, "a notification was given up");
        }
    }
}
