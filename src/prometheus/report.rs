//! What is said of a rendering: every object with its fidelity and the reasons, as a document and as text.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;

use super::fidelity::{Fidelity, Reason};
use super::history::{Fired, Question};

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Report {
    /// The version of this form: 1.
    pub format_version: u32,
    /// `prometheus`.
    pub target: String,
    /// 2 or 3.
    pub engine: u32,
    /// Who the definitions belong to.
    pub owner: String,
    /// How many objects came to what.
    pub counts: Counts,
    /// What holds for all alerts.
    pub standing: Vec<Standing>,
    /// Alerts, composites and services, in the order of the files.
    pub objects: Vec<ReportedObject>,
    /// Kinds without a counterpart, and how many there are of each.
    pub without_counterpart: BTreeMap<String, usize>,
    /// The files that Alertmanager reads secrets from.
    pub secrets: Vec<SecretFile>,
    /// Tests for promtool.
    pub tests: ReportedTests,
    /// What was rendered, below the directory.
    pub files: Vec<String>,
    /// How often alerts would have fired in the last seven days, where a Prometheus was asked; not in the file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    pub evidence: Vec<ReportedEvidence>,
}

/// How often an alert would have fired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReportedEvidence {
    /// Its name.
    pub alert: String,
    /// How often a stream began to fire; nothing where that is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<usize>,
    /// How many streams did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub streams: Option<usize>,
    /// Seconds in which at least one did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<i64>,
    /// Why it is not known, or only nearly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ReportedEvidence {
    /// What was found; `missing` has no samples there.
    pub fn known(question: &Question, found: Fired, missing: &[String]) -> Self {
        let recorded =
            question.reads_recorded.then(|| "it reads a recorded series, which may be younger".to_owned());
        let missing = missing.iter().map(|series| format!("there are no samples of `{series}`"));
        let notes: Vec<String> = missing.chain(recorded).collect();
        Self {
            alert: question.alert.clone(),
            times: Some(found.times),
            streams: Some(found.streams),
            seconds: Some(found.seconds),
            note: (!notes.is_empty()).then(|| notes.join("; ")),
        }
    }

    /// That nothing was.
    pub fn unknown(question: &Question, why: String) -> Self {
        let (times, streams, seconds) = (None, None, None);
        Self { alert: question.alert.clone(), times, streams, seconds, note: Some(why) }
    }
}

/// How many objects came to what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, JsonSchema)]
#[allow(missing_docs)]
pub struct Counts {
    pub exact: usize,
    pub approximate: usize,
    pub refused: usize,
    pub skipped: usize,
}

/// What holds for all alerts.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Standing {
    /// A name that stays.
    pub code: String,
    /// In a sentence.
    pub text: String,
}

/// An object and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportedObject {
    /// `alert`, `composite` or `service`.
    pub kind: String,
    /// Its name or title.
    pub name: String,
    /// `exact`, `approximate`, `refused` or `skipped`.
    pub fidelity: String,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<ReportedPlace>,
    /// Where it went.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Output>,
    /// Why it is what it is.
    pub reasons: Vec<ReportedReason>,
}

/// A place in a file.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportedPlace {
    /// The file.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// A rule or receiver.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Output {
    /// The file below the directory.
    pub file: String,
    /// The group of rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// The rule or receiver.
    pub rule: String,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReportedReason {
    /// `note`, `approximate` or `refused`.
    pub weight: String,
    /// Of the list of codes.
    pub code: String,
    /// In a sentence.
    pub text: String,
    /// Where it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<ReportedPlace>,
    /// A way out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// Tests for promtool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ReportedTests {
    /// How many were rendered.
    pub rendered: usize,
    /// Tests of the files that were not, and why.
    pub left_out: Vec<LeftOut>,
}

/// A test that was not rendered.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LeftOut {
    /// Its name.
    pub test: String,
    /// Why.
    pub text: String,
}

/// A file with a secret.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SecretFile {
    /// The title of the service.
    pub service: String,
    /// The setting.
    pub setting: String,
    /// The file where Alertmanager runs.
    pub file: String,
}

impl Counts {
    /// Counts one more.
    pub fn add(&mut self, fidelity: Fidelity) {
        *match fidelity {
            Fidelity::Exact => &mut self.exact,
            Fidelity::Approximate => &mut self.approximate,
            Fidelity::Refused => &mut self.refused,
            Fidelity::Skipped => &mut self.skipped,
        } += 1;
    }
}

impl ReportedReason {
    /// A reason and where it stands.
    pub fn of(reason: &Reason, place: Option<ReportedPlace>) -> Self {
        Self {
            weight: if reason.weight == Fidelity::Exact { "note" } else { reason.weight.word() }.to_owned(),
            code: reason.code.name().to_owned(),
            text: reason.text.clone(),
            place,
            help: reason.help.clone(),
        }
    }
}

impl std::fmt::Display for ReportedPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
