//! What a kind may say about an object: findings at places inside it, all of them, never stopping at the first.
//! Knows nothing of files and lines; `resolve` turns findings into diagnostics.

use crate::composite::Problem;
use crate::diag::{Code, Coded, Part, Route, Severity};

/// A route inside an object, from keys alone.
pub fn at<const N: usize>(keys: [&str; N]) -> Route {
    keys.into_iter().fold(Route::root(), |route, key| route.key(key))
}

/// Whether this is `#RRGGBB`.
pub fn is_color(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

/// Whether this can be a formula of `x` and `p`.
pub fn is_transform(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_digit() || " xp()*+,-./".contains(c))
}

/// Whether this can be the name of a metric.
pub fn is_name(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.chars().all(is_name_char)
}

fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || ".:-_".contains(c)
}

/// One problem of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The stable code, such as `invalid-color`.
    pub code: &'static str,
    /// Where inside the object.
    pub route: Route,
    /// Which half of `key: value` is meant.
    pub part: Part,
    /// What is wrong, in a sentence that can stand alone.
    pub message: String,
    /// How to mend it.
    pub help: Vec<String>,
}

impl Finding {
    /// Adds a hint.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help.push(text.into());
        self
    }

    /// Points at the key instead of the value.
    pub fn on_key(&mut self) -> &mut Self {
        self.part = Part::Key;
        self
    }
}

/// Collects the findings of one object.
#[derive(Debug)]
pub struct Checker<'a> {
    name: &'a str,
    findings: Vec<Finding>,
}

impl<'a> Checker<'a> {
    /// A checker for the object of this name.
    pub fn new(name: &'a str) -> Self {
        Self { name, findings: Vec::new() }
    }

    /// The name (or title) of the object.
    pub fn name(&self) -> &str {
        self.name
    }

    /// Reports an error; add hints to what is returned.
    pub fn error(&mut self, route: Route, code: impl Coded, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Error, route, code.code(), message.into())
    }

    /// Reports a warning; add hints to what is returned.
    pub fn warning(&mut self, route: Route, code: impl Coded, message: impl Into<String>) -> &mut Finding {
        self.add(Severity::Warning, route, code.code(), message.into())
    }

    /// Reports a problem of a definition in the composite language that stands at `route`.
    pub fn composite(&mut self, route: Route, problem: Problem) {
        let found = self.add(problem.severity, route, problem.code, problem.message);
        found.part = Part::Text { start: problem.span.start, end: problem.span.end };
        found.help.extend(problem.help);
    }

    fn add(&mut self, severity: Severity, route: Route, code: &'static str, message: String) -> &mut Finding {
        self.findings.push(Finding { severity, code, route, part: Part::Value, message, help: Vec::new() });
        let last = self.findings.len() - 1;
        &mut self.findings[last]
    }

    /// The alphabet of metric names, which annotation streams and alerts share: 1 to 255 of `A-Z a-z 0-9 . : - _`.
    pub fn name_of_letters(&mut self) {
        let name = self.name;
        if let Some(wrong) = name.chars().find(|c| !is_name_char(*c)) {
            self.error(
                Route::root(),
                Code::InvalidName,
                format!("the name holds {wrong:?}, which the API does not take"),
            )
            .on_key()
            .help("names are made of letters, digits, `.`, `:`, `-` and `_`");
        }
        if name.is_empty() || name.len() > 255 {
            self.error(
                Route::root(),
                Code::InvalidName,
                format!("a name has 1 to 255 characters, this one has {}", name.len()),
            )
            .on_key();
        }
    }

    /// Titles are free text, but neither empty nor boundless.
    pub fn name_of_text(&mut self) {
        let length = self.name.chars().count();
        if length == 0 || length > 255 || self.name.trim() != self.name {
            self.error(
                Route::root(),
                Code::InvalidName,
                "a title has 1 to 255 characters and neither begins nor ends with a blank",
            )
            .on_key();
        }
    }

    /// Numbers have fewer digits at the service than here.
    pub fn number(&mut self, route: Route, number: Option<&f64>) {
        if number.is_some_and(|number| number.abs() >= 1e127) {
            self.error(route, Code::OutOfRange, "the API takes numbers below 1e127 only");
        }
    }

    /// What was found.
    pub fn into_findings(self) -> Vec<Finding> {
        self.findings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(name: &str) -> usize {
        let mut checker = Checker::new(name);
        checker.name_of_letters();
        checker.into_findings().len()
    }

    #[test]
    fn names_follow_the_alphabet_of_the_api() {
        assert_eq!(codes("shop.checkout:ms-p95_x"), 0);
        assert_eq!(codes("shop/checkout"), 1);
        assert_eq!(codes("schön"), 1);
        assert_eq!(codes(""), 1);
        assert_eq!(codes(&"x".repeat(255)), 0);
        assert_eq!(codes(&"x".repeat(256)), 1);
    }
}
