//! What is said as long as the built-in server keeps alerts without evaluating them: nobody shall find out in the night.
//! When it evaluates them, this file goes, and with it all that the compiler then misses.

use librato_apply::diag::{Code, Diagnostic};
use librato_apply::model::{Collection, Desired, Intent};
use librato_apply::remote::Client;

/// What a table shows as the state of every alert.
pub const STATUS: &str = "not evaluated";

/// Below the flags of `serve`.
pub const HELP: &str = "Alerts are kept, but not evaluated yet: this server notifies nobody.";

/// When `serve` starts.
#[cfg(feature = "serve")]
pub const WARNING: &str = "warning: alerts are kept, but not evaluated yet: this server notifies nobody";

const NOTE: &str = "this server keeps alerts, but does not evaluate them yet: none of them notifies anybody";

/// Behind what a command did with alerts, where the service is such a server.
pub fn note(client: &Client) -> Option<String> {
    client.leaves_alerts_unevaluated().then(|| format!("note: {NOTE}"))
}

/// The same as a diagnostic, where the files declare alerts.
pub fn diagnostic(client: &Client, desired: &Desired) -> Option<Diagnostic> {
    let mut ours = desired.objects.iter().filter(|(_, wish)| wish.intent != Intent::Absent);
    let alerts = ours.any(|(address, _)| address.collection == Collection::Alerts);
    (alerts && client.leaves_alerts_unevaluated()).then(|| Diagnostic::note(Code::AlertsNotEvaluated, NOTE))
}
