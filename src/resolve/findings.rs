//! From findings inside an object to diagnostics at places.

use crate::diag::{Code, Coded, Diagnostic, Part, Place, Report, Route, Severity};
use crate::model::check::Finding;

/// The code of a finding that marks a place about which everything is said already, elsewhere.
const FOLLOWS: &str = "follows";

/// What such a finding is given for a code.
pub(super) struct Follows;

impl Coded for Follows {
    fn code(self) -> &'static str {
        FOLLOWS
    }
}

/// Reports a finding at a place, unless it only follows from others.
pub(super) fn tell(finding: Finding, place: Place, report: &mut Report) {
    if finding.code != FOLLOWS {
        report.push(diagnostic(finding, place));
    }
}

fn diagnostic(finding: Finding, place: Place) -> Diagnostic {
    let diagnostic = Diagnostic::new(finding.severity, finding.code, finding.message);
    finding.help.into_iter().fold(diagnostic.at(place, ""), Diagnostic::help)
}

/// An error about a value.
pub(super) fn error(route: Route, code: Code, message: &str, help: &str) -> Finding {
    Finding {
        severity: Severity::Error,
        code: code.name(),
        route,
        part: Part::Value,
        message: message.to_owned(),
        help: vec![help.to_owned()],
    }
}
