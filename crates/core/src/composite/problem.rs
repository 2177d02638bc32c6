//! What is wrong with a definition, where, and what to do about it.
//! Knows the definition alone: which file it stands in is for others to say.

use std::{fmt, ops::Range};

use crate::diag::{Code, Severity};

/// One thing to say about a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is. Only an error keeps a definition from being used.
    pub severity: Severity,
    /// A stable name of the kind of problem, `unknown-function`.
    pub code: &'static str,
    /// Bytes of the definition.
    pub span: Range<usize>,
    /// One sentence without a full stop.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
    /// Whether it is only unknown here: a service may have a function or an option that we cannot evaluate.
    pub unknown: bool,
}

impl Problem {
    /// Adds a hint.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// As a doubt about a definition that is kept for a service which may know more.
    pub(super) fn into_doubt(mut self) -> Self {
        if self.unknown {
            self.severity = Severity::Warning;
            let kept = "it is kept as it is, for a service that knows it; the built-in server refuses it";
            self.help = Some(match self.help.take() {
                // What was most likely meant says more.
                Some(help) if help.starts_with("did you mean") => help,
                Some(choices) if choices.len() < 100 => format!("{choices}; {kept}"),
                _ => kept.to_owned(),
            });
        }
        self
    }

    /// The problem with its line and column in the definition (both from 1, columns in characters), as an HTTP answer tells it.
    pub fn located(&self, definition: &str) -> String {
        let before = definition.get(..self.span.start).unwrap_or(definition);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let help = self.help.as_ref().map(|help| format!("; {help}")).unwrap_or_default();
        format!("{} (line {line}, column {column}){help}", self.message)
    }
}

/// What is said of a composite that reads another one: the API has no nested composites.
pub fn nested(name: &str) -> String {
    format!("`{name}` is a composite, and composites cannot be nested")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Collects problems and never stops; beyond a certain number it only counts.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
}

/// So many problems of one definition are worth reading.
const MAX_PROBLEMS: usize = 20;

/// A place to write the hint of a problem that is not kept.
type Dropped = Problem;

impl Problems {
    /// Adds an error; add a hint to what is returned.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Error, code, span, message.into())
    }

    /// Adds an error about something that only we may not know; add a hint to what is returned.
    pub(super) fn unknown(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        let problem = self.error(code, span, message);
        problem.unknown = true;
        problem
    }

    /// Adds a warning; add a hint to what is returned.
    pub(super) fn warning(
        &mut self,
        code: Code,
        span: Range<usize>,
        message: impl Into<String>,
    ) -> &mut Problem {
        self.add(Severity::Warning, code, span, message.into())
    }

    fn add(&mut self, severity: Severity, code: Code, span: Range<usize>, message: String) -> &mut Dropped {
        // One place past the end takes what is beyond the limit.
        self.found.truncate(MAX_PROBLEMS);
        self.found.push(Problem { severity, code: code.name(), span, message, help: None, unknown: false });
        let last = self.found.len() - 1;
        &mut self.found[last]
    }

    /// Whether something inside these bytes was reported.
    pub(super) fn any_within(&self, span: &Range<usize>) -> bool {
        self.found.iter().any(|problem| span.start <= problem.span.start && problem.span.end <= span.end)
    }

    /// Whether any of them forbids using the definition.
    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// Forgets what is not an error.
    pub(super) fn drop_warnings(&mut self) {
        self.found.retain(|problem| problem.severity == Severity::Error);
    }

    /// All of them in the order of the definition.
    pub(super) fn into_sorted(mut self) -> Vec<Problem> {
        self.found.truncate(MAX_PROBLEMS);
        self.found.sort_by_key(|problem| (problem.span.start, problem.severity));
        self.found
    }
}
