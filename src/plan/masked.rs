//! Services whose settings the user's role may not read: what of them a plan cannot tell. Knows no roles.

use crate::diag::{Code, Diagnostic, Report, counted};
use crate::model::{Desired, Intent, Resource, State};

/// Notes, once, that settings of declared services could not be compared. That is no drift.
pub fn note_masked(desired: &Desired, actual: &State, report: &mut Report) {
    let masked = desired.objects.iter().filter(|(address, declared)| {
        declared.intent == Intent::Present && actual.get(*address).is_some_and(Resource::is_masked)
    });
    let count = masked.count();
    if count > 0 {
        let services = counted(count, "service");
        let message =
            format!("the secret settings of {services} are hidden from this token and were not compared");
        report.push(
            Diagnostic::note(Code::SettingsNotComparable, message)
                .help("a token of the role `admin` sees them; whether anything else differs is known"),
        );
    }
}
