//! One diagnostic, and a report that collects them.
//! Collecting never stops at the first problem; nothing here knows how a diagnostic will look.

use std::collections::HashMap;

use super::{Code, Coded, Files, Place};

/// How bad it is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Nothing can be planned with this.
    Error,
    /// Probably not what was meant.
    Warning,
    /// Worth knowing.
    Note,
}

/// A place with a few words about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// What is underlined.
    pub place: Place,
    /// What is written beside the underline; may be empty.
    pub text: String,
}

/// One thing to tell the author of the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable name of the kind of problem, `unknown-service`.
    pub code: &'static str,
    /// One sentence without a full stop.
    pub message: String,
    /// Where it is.
    pub primary: Option<Label>,
    /// What else belongs to it: the other declaration, the place a value came from.
    pub secondary: Vec<Label>,
    /// What can be done about it, one hint a line.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// A problem that stops everything after validation.
    pub fn error(code: impl Coded, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code.code(), message.into())
    }

    /// A problem that stops nothing, unless warnings are treated as errors.
    pub fn warning(code: impl Coded, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code.code(), message.into())
    }

    /// Something worth knowing.
    pub fn note(code: impl Coded, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code.code(), message.into())
    }

    /// Says where it is; the last call wins.
    pub fn at(mut self, place: Place, label: impl Into<String>) -> Self {
        self.primary = Some(Label { place, text: label.into() });
        self
    }

    /// Adds a second place that belongs to it, in this file or another.
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.secondary.push(Label { place, text: label.into() });
        self
    }

    /// Adds a hint.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Of what was found with a code already.
    pub fn new(severity: Severity, code: &'static str, message: String) -> Self {
        Self { severity, code, message, primary: None, secondary: Vec::new(), help: Vec::new() }
    }
}

/// Everything that was noticed, in the order it was noticed until [`Report::sort`] is called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    diagnostics: Vec<Diagnostic>,
}

impl Report {
    /// Adds one.
    pub fn push(&mut self, d: Diagnostic) {
        self.diagnostics.push(d);
    }

    /// Adds all of another report.
    pub fn extend(&mut self, other: Report) {
        self.diagnostics.extend(other.diagnostics);
    }

    /// For a service of which it is known that it refuses each word that this program does not know: what was a warning is an
    /// error.
    pub fn refuse_unknown_words(&mut self) {
        let words =
            [Code::UnknownValue, Code::UnknownServiceType, Code::UnknownFunction, Code::UnknownOption]
                .map(Code::name);
        for found in &mut self.diagnostics {
            if found.severity == Severity::Warning && words.contains(&found.code) {
                found.severity = Severity::Error;
                found.help.retain(|help| help.starts_with("did you mean"));
                found.help.push(
                    "the service refuses it: it is the built-in server, which knows no other words"
                        .to_owned(),
                );
            }
        }
    }

    /// Whether anything in it forbids going on.
    pub fn has_errors(&self) -> bool {
        self.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.count(Severity::Error)
    }

    /// How many warnings there are.
    pub fn warnings(&self) -> usize {
        self.count(Severity::Warning)
    }

    /// Whether there is nothing to say.
    pub fn is_empty(&self) -> bool {
        self.diagnostics.is_empty()
    }

    /// Says once what is said of several objects at one place, which `defaults` or a `for_each` gave to all of them.
    pub fn fold(&mut self) {
        let mut first: HashMap<(&'static str, Place, String), usize> = HashMap::new();
        let mut kept: Vec<(Diagnostic, usize)> = Vec::new();
        for diagnostic in std::mem::take(&mut self.diagnostics) {
            let Some(label) = &diagnostic.primary else {
                kept.push((diagnostic, 0));
                continue;
            };
            let key = (diagnostic.code, label.place.clone(), nameless(&diagnostic.message));
            match first.get(&key).and_then(|at| kept.get_mut(*at)) {
                Some((_, more)) => *more += 1,
                None => {
                    first.insert(key, kept.len());
                    kept.push((diagnostic, 0));
                }
            }
        }
        self.diagnostics.extend(kept.into_iter().map(|(mut diagnostic, more)| {
            if more > 0 {
                diagnostic.message.push_str(&format!(" (and {more} more)"));
            }
            diagnostic
        }));
    }

    /// The report up to the `count`th error, and how many errors come after it.
    pub fn first_errors(&self, count: usize) -> (Report, usize) {
        let errors = self.errors();
        if errors <= count {
            return (self.clone(), 0);
        }
        let mut left = count;
        let shown = self.iter().take_while(|diagnostic| {
            let open = left > 0;
            left -= usize::from(open && diagnostic.severity == Severity::Error);
            open
        });
        (Report { diagnostics: shown.cloned().collect() }, errors - count)
    }

    /// The diagnostics in their present order, to be changed.
    pub fn iter_mut(&mut self) -> std::slice::IterMut<'_, Diagnostic> {
        self.diagnostics.iter_mut()
    }

    /// The diagnostics in their present order.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.diagnostics.iter()
    }

    /// Orders by file (as read), position and severity; what is equal keeps its order, what has no place comes first.
    pub fn sort(&mut self, files: &Files) {
        self.diagnostics.sort_by_cached_key(|d| {
            let place = d.primary.as_ref().map(|label| &label.place);
            let start = place.and_then(|p| files.locate(p)).map(|p| p.span.start);
            (place.map(Place::file), start, d.severity)
        });
    }

    fn count(&self, severity: Severity) -> usize {
        self.iter().filter(|d| d.severity == severity).count()
    }
}

/// A message without the name of the object it is about, which stands between quotes.
fn nameless(message: &str) -> String {
    match (message.find('"'), message.rfind('"')) {
        (Some(start), Some(end)) => format!("{}{}", &message[..start], &message[end..]),
        _ => message.to_owned(),
    }
}

impl<'a> IntoIterator for &'a Report {
    type Item = &'a Diagnostic;
    type IntoIter = std::slice::Iter<'a, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_many_objects_share_is_said_once() {
        let mut files = Files::default();
        let file = files.add("a", String::new(), |_| crate::diag::RouteIndex::default());
        let at = |start| Place::Bytes { file, span: start..start + 1 };
        let mut report = Report::default();
        for (name, place) in [("a", 1), ("b", 1), ("c \" d", 1), ("a", 2)] {
            report.push(Diagnostic::error("x", format!("alert \"{name}\" is wrong")).at(at(place), ""));
        }
        report.push(Diagnostic::error("x", "alert is wrong elsewhere").at(at(1), ""));
        report.push(Diagnostic::error("x", "no place"));
        report.push(Diagnostic::error("x", "no place"));
        report.fold();
        let said: Vec<&str> = report.iter().map(|d| d.message.as_str()).collect();
        assert_eq!(
            said,
            [
                "alert \"a\" is wrong (and 2 more)",
                "alert \"a\" is wrong",
                "alert is wrong elsewhere",
                "no place",
                "no place"
            ]
        );
    }
}
