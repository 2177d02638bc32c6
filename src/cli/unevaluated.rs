//! What is said where a server keeps alerts without evaluating them, as an embedded one does: no one shall find out in the night.

use librato_apply::diag::{Code, Diagnostic};
use librato_apply::model::{Collection, Desired, Intent};
use librato_apply::remote::Client;

/// What a table shows as the state of every alert.
pub const STATUS: &str = "not evaluated";

/// When `serve` starts so.
#[cfg(feature = "serve")]
pub const WARNING: &str =
    "warning: alerts are kept, but not evaluated (--no-alerts): this server notifies nobody";

const NOTE: &str = "this server evaluates no alerts (an embedded one never does, nor one with --no-alerts): none of them notifies anybody before `serve` runs over its file";

/// Behind what a command did with alerts, where the service is such a server.
pub fn note(client: &Client) -> Option<String> {
    client.leaves_alerts_unevaluated().then(|| format!("note: {NOTE}"))
}

/// The same as a diagnostic, where the files declare alerts.
pub fn diagnostic(client: &Client, desired: &Desired) -> Option<Diagnostic> {
    let mut ours = desired.objects.iter().filter(|(_, declared)| declared.intent != Intent::Absent);
    let alerts = ours.any(|(address, _)| address.collection == Collection::Alerts);
    (alerts && client.leaves_alerts_unevaluated()).then(|| Diagnostic::note(Code::AlertsNotEvaluated, NOTE))
}
