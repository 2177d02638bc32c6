//! What came of tests as a JSON document with a committed schema.

use librato_apply::diag::{Position, Route, to_json};
use librato_apply::offline::Failure;
use librato_apply::render::FORMAT_VERSION;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::super::inputs::Read;
use super::case::Result;
use super::gaps::Gaps;

/// What came of `test`.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct TestDocument {
    /// The version of this form: 1.
    pub format_version: u32,
    /// How many tests there are, and what came of them.
    pub counts: Counts,
    /// The tests, in the order of the files; none where the files have mistakes.
    pub tests: Vec<OneTest>,
    /// What the tests leave out; not said where only some of them were run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageDocument>,
    /// What is to be said of the files, as by `validate`.
    pub diagnostics: Value,
}

/// How many tests there are.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct Counts {
    /// All.
    pub tests: usize,
    /// Those of which all expectations hold.
    pub ok: usize,
    /// The others.
    pub failed: usize,
}

/// A test.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OneTest {
    /// Its name.
    pub name: String,
    /// The alert.
    pub alert: String,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceDocument>,
    /// Whether all expectations hold.
    pub ok: bool,
    /// How many expectations it has.
    pub expectations: usize,
    /// Why it cannot be evaluated at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What does not hold.
    pub failures: Vec<FailureDocument>,
}

/// A place in a file.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PlaceDocument {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// An expectation that does not hold.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailureDocument {
    /// Seconds after the start; not said of all notifications together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// Where it is written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceDocument>,
    /// What was expected, as YAML, an item a line.
    pub expected: Vec<String>,
    /// What there was, likewise: in the place of what was expected, it holds.
    pub actual: Vec<String>,
    /// Why it was so, in words.
    pub reasons: Vec<String>,
}

/// What the tests leave out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CoverageDocument {
    /// How many alerts the files declare.
    pub alerts: usize,
    /// Those without a test.
    pub untested: Vec<String>,
    /// Conditions that no test has met.
    pub never_met: Vec<ConditionDocument>,
    /// Conditions that are met to the end of each test that meets them.
    pub never_left: Vec<ConditionDocument>,
}

/// A condition.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConditionDocument {
    /// Its alert.
    pub alert: String,
    /// Its place there, from 0.
    pub condition: usize,
}

impl TestDocument {
    /// Of files that have mistakes.
    pub fn broken(diagnostics: Value) -> Self {
        Self { format_version: FORMAT_VERSION, diagnostics, ..Self::default() }
    }

    /// Of tests that were run.
    pub fn of(results: &[Result<'_>], gaps: Option<&Gaps>, read: &Read) -> Self {
        let failed = results.iter().filter(|result| result.failed()).count();
        Self {
            format_version: FORMAT_VERSION,
            counts: Counts { tests: results.len(), ok: results.len() - failed, failed },
            tests: results.iter().map(|result| one(result, read)).collect(),
            coverage: gaps.map(coverage),
            diagnostics: to_json(&read.report, &read.files),
        }
    }
}

fn one(result: &Result<'_>, read: &Read) -> OneTest {
    let (expectations, failures, error) = match &result.verdict {
        Ok(verdict) => (verdict.checks, verdict.failures.as_slice(), None),
        Err(problem) => (0, &[][..], Some(problem.message.clone())),
    };
    let failure = |failure: &Failure| FailureDocument {
        at: failure.at,
        place: result.case.position(&read.files, &failure.route).map(place),
        expected: failure.expected.clone(),
        actual: failure.actual.clone(),
        reasons: failure.reasons.clone(),
    };
    OneTest {
        name: result.case.name().to_owned(),
        alert: result.case.alert().to_owned(),
        place: result.case.position(&read.files, &Route::root()).map(place),
        ok: !result.failed(),
        expectations,
        error,
        failures: failures.iter().map(failure).collect(),
    }
}

fn place(position: Position) -> PlaceDocument {
    PlaceDocument { file: position.file, line: position.line, column: position.column }
}

fn coverage(gaps: &Gaps) -> CoverageDocument {
    let conditions = |all: &[(String, usize)]| {
        let one =
            |(alert, place): &(String, usize)| ConditionDocument { alert: alert.clone(), condition: *place };
        all.iter().map(one).collect()
    };
    CoverageDocument {
        alerts: gaps.alerts,
        untested: gaps.untested.clone(),
        never_met: conditions(&gaps.never_met),
        never_left: conditions(&gaps.never_left),
    }
}
