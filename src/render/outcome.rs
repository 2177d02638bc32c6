//! What became of a plan, as text and as a JSON document that contains the plan.

use std::fmt::Write;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::json::{FORMAT_VERSION, PlanDocument};
use crate::diag::{counted, printable};
use crate::model::Kind;
use crate::plan::{Done, INTERRUPTED, Outcome, Plan, Remedy, SourcePlace, Step, UNREACHED};

/// The outcome of an apply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeDocument {
    /// The version of this form: 1.
    pub format_version: u32,
    /// What was to be done.
    pub plan: PlanDocument,
    /// What became of each change, in the order of the plan; empty where nothing was tried.
    pub steps: Vec<StepDocument>,
    /// How many changes were written.
    pub done: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were not tried, since something they need failed.
    pub skipped: usize,
    /// Whether it was stopped by the user.
    pub interrupted: bool,
    /// Remarks.
    pub notes: Vec<String>,
    /// What exists more than once in the end, or may, since another run wrote at the same time or an answer was lost.
    #[serde(default)]
    pub duplicates: Vec<String>,
}

/// What became of one change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StepDocument {
    /// `create`, `update`, `rename`, `replace` or `delete`.
    pub action: String,
    /// The kind of the object.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// `done`, `failed` or `skipped`.
    pub result: String,
    /// Why it failed or was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where the object stands in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourcePlace>,
}

/// The outcome as a document.
pub fn outcome_document(plan: &Plan, document: PlanDocument, outcome: &Outcome) -> OutcomeDocument {
    let (done, failed, skipped) = outcome.counts();
    let step = |(step, done): (&Step, &Done)| {
        let (result, message) = match done {
            Done::Written => ("done", None),
            Done::Met => ("done", Some("somebody else had done it already".to_owned())),
            Done::Failed(why) => ("failed", Some(why.message.clone())),
            Done::Skipped(why) => ("skipped", Some(why.clone())),
        };
        StepDocument {
            action: step.change.action.verb().to_owned(),
            kind: step.change.kind,
            name: step.change.address.to_string(),
            result: result.to_owned(),
            message,
            place: step.place.clone(),
        }
    };
    OutcomeDocument {
        format_version: FORMAT_VERSION,
        plan: document,
        steps: plan.steps.iter().zip(&outcome.steps).map(step).collect(),
        done,
        failed,
        skipped,
        interrupted: outcome.interrupted,
        notes: outcome.notes.clone(),
        duplicates: outcome.duplicates.clone(),
    }
}

/// The outcome as text: what was done in one line, and everything that was not, with its reason and place.
pub fn outcome_text(plan: &Plan, outcome: &Outcome) -> String {
    let mut out = String::new();
    for (step, done) in plan.steps.iter().zip(&outcome.steps) {
        let (word, why) = match done {
            Done::Written | Done::Met => continue,
            // The last line counts these.
            Done::Skipped(why) if why == INTERRUPTED || why == UNREACHED => continue,
            Done::Failed(why) => ("failed", &why.message),
            Done::Skipped(why) => ("skipped", why),
        };
        let change = &step.change;
        let place = step.place.as_ref().map(|place| format!("  ({place})")).unwrap_or_default();
        let name = printable(&change.address.to_string());
        let _ = writeln!(out, "{word}: {} {} {name}{place}", change.action.verb(), change.kind);
        let _ = writeln!(out, "    {}", printable(why));
    }
    for note in &outcome.notes {
        let _ = writeln!(out, "note: {}", printable(note));
    }
    for duplicate in &outcome.duplicates {
        let _ = writeln!(out, "duplicate: {}", printable(duplicate));
    }
    out.push_str(&last_line(outcome));
    out.push('\n');
    out
}

fn last_line(outcome: &Outcome) -> String {
    let (done, failed, skipped) = outcome.counts();
    if failed + skipped == 0 && !outcome.interrupted {
        let see = if outcome.duplicates.is_empty() { "" } else { ", but see above" };
        return format!("Done: {} written{}{see}.", counted(done - outcome.met(), "change"), met(outcome));
    }
    let next = next(outcome);
    if outcome.interrupted {
        return format!("Interrupted: {done} done, {failed} failed, {skipped} not tried. {next}");
    }
    let part = if done == 0 { "Not done: ".to_owned() } else { format!("Done in part: {done} done, ") };
    if outcome.was_cut_off() {
        return format!("{part}{failed} failed, {skipped} not tried, since {UNREACHED}. {next}");
    }
    match outcome.denied() {
        Some(role) if done == 0 => {
            format!(
                "Nothing was written: the token lacks the role for it. Run it with a token of the role {role}."
            )
        }
        Some(role) => format!(
            "{part}{failed} refused to this token, {skipped} skipped. For the rest run it with a token of the role {role}."
        ),
        None => format!("{part}{failed} failed, {skipped} skipped. {next}"),
    }
}

/// What to do about what was not done.
fn next(outcome: &Outcome) -> &'static str {
    match outcome.remedy() {
        Remedy::Again => "Run again to go on.",
        Remedy::Plan => "Somebody has changed what was planned for: plan again to go on.",
        Remedy::Mend => "Mend what failed, for the reasons above, then run again.",
    }
}

/// How many of the changes someone else had made.
fn met(outcome: &Outcome) -> String {
    match outcome.met() {
        0 => String::new(),
        1 => ", 1 made already by somebody else".to_owned(),
        met => format!(", {met} made already by somebody else"),
    }
}
