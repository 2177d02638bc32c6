//! A plan: changes in the order in which they will be written, and what speaks against writing them.
//! A value: it can be printed, counted, saved and refused. Knows nothing of requests or ids.

mod charts;
mod evidence;
pub mod impact;
mod limits;
mod lookalike;
mod masked;
mod metrics;
mod order;
mod outcome;
mod saved;
mod step;
mod unmanaged;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diag::{Code, Diagnostic, Files, Part, Place, Report, Route, Seg};
use crate::diff::{Diff, FieldChange, Obstacle};
use crate::model::{Address, Desired, State};

pub use charts::note_other_orders;
pub use evidence::{Evidence, Figures, Finding, KnownStretch, Looked, Sketch, StreamsFound, length};
pub use impact::{Effect, Impact, Indirect, Verdict};
pub use limits::{DEFAULT_MAX_DELETES, Limits, Refusal, ambiguous, lost_with};
pub use outcome::{Done, Failure, INTERRUPTED, Outcome, Remedy, UNREACHED};
pub use saved::{SavedError, SavedPlan};
pub use step::{SourcePlace, Step};
pub use unmanaged::{Named, Unmanaged, UnmanagedDocument};

/// Everything that would be written, and everything that speaks against it.
#[derive(Debug, Default)]
pub struct Plan {
    /// The service, as people name it.
    pub target: String,
    /// In the order of writing.
    pub steps: Vec<Step>,
    /// How many declared objects are as written already.
    pub unchanged: usize,
    /// Safety rules that forbid the apply.
    pub refusals: Vec<Refusal>,
    /// What the changes mean to alerts that are not changed themselves.
    pub indirect: Vec<Indirect>,
    /// What exists and is not in the files; empty where no one looked.
    pub unmanaged: Unmanaged,
    /// What measurements say of it, where that was asked for.
    pub evidence: Option<Evidence>,
    /// What its target needs to write it, in a form of its own and without secrets; null where the steps say it all.
    pub writing: Value,
}

/// How many objects are changed in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[allow(missing_docs)]
pub struct Counts {
    pub create: usize,
    pub update: usize,
    pub rename: usize,
    pub replace: usize,
    pub delete: usize,
}

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How many objects are changed in which way. The step that parks an object in a circle of renames is not counted.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for step in self.steps.iter().filter(|step| !step.parks()) {
            match step.change.action.verb() {
                "create" => counts.create += 1,
                "update" => counts.update += 1,
                "rename" => counts.rename += 1,
                "replace" => counts.replace += 1,
                _ => counts.delete += 1,
            }
        }
        counts
    }
}

/// What a plan is made from.
pub struct Input<'a> {
    /// The service, as people name it.
    pub target: String,
    /// What is asked for.
    pub desired: &'a Desired,
    /// What exists.
    pub actual: &'a State,
    /// Several remote objects under one name, with their ids.
    pub duplicates: &'a BTreeMap<Address, Vec<u64>>,
    /// The difference of the two.
    pub diff: Diff,
    /// What a run may do.
    pub limits: &'a Limits,
    /// The files, for places.
    pub files: &'a Files,
}

/// Orders the changes and holds them against the limits. What is wrong with the files goes into the report.
pub fn build(input: Input<'_>, report: &mut Report) -> Plan {
    let Input { target, desired, actual, duplicates, diff, limits, files } = input;
    let mut refusals = ambiguous(duplicates, desired, &diff.changes);
    for obstacle in &diff.obstacles {
        report_obstacle(obstacle, desired, files, &mut refusals, report);
    }
    metrics::report(desired, actual, &diff.changes, files, report);
    lookalike::note(&diff.changes, desired, files, report);
    masked::note_masked(desired, actual, report);
    refusals.extend(limits.refusals(&diff.changes, desired, actual));
    let touched = impact::Touched::of(&diff.changes, actual, desired);
    let indirect = impact::indirect(&diff.changes, &touched);
    let steps = order::order(diff.changes, &|address| charts::rank(address, desired));
    let mut steps: Vec<Step> = steps.into_iter().map(|step| with_places(step, desired, files)).collect();
    for step in steps.iter_mut().filter(|step| !step.parks()) {
        step.impact = impact::impact(&step.change, &touched);
    }
    for step in &mut steps {
        step.protected = limits.protects(&step.change, desired);
    }
    refusals.extend(limits.weaker_alerts(&steps, &indirect));
    Plan {
        target,
        steps,
        unchanged: diff.unchanged,
        refusals,
        indirect,
        unmanaged: Unmanaged::default(),
        evidence: None,
        writing: Value::Null,
    }
}

fn with_places(mut step: Step, desired: &Desired, files: &Files) -> Step {
    let Some(declared) = desired.objects.get(&step.change.address) else { return step };
    let locate =
        |route: &Route, part| files.locate(&declared.origin.place(files, route, part)).map(SourcePlace::from);
    step.place = locate(&Route::root(), Part::Key);
    // What is taken from a list stands nowhere in the files any more; the index is that of the remote list.
    let gone = |change: &FieldChange| {
        change.after.is_none() && matches!(change.route.segs().last(), Some(Seg::Index(_)))
    };
    let fields = step.change.action.fields().iter();
    step.field_places =
        fields.map(|change| (!gone(change)).then(|| locate(&change.route, Part::Value)).flatten()).collect();
    step
}

fn report_obstacle(
    obstacle: &Obstacle,
    desired: &Desired,
    files: &Files,
    refusals: &mut Vec<Refusal>,
    report: &mut Report,
) {
    let place = |address: &Address, route: &Route, part| {
        desired
            .objects
            .get(address)
            .map(|declared| (declared.kind, declared.origin.place(files, route, part)))
    };
    let at = |diagnostic: Diagnostic, place: Place, label: &str| diagnostic.at(place, label);
    match obstacle {
        Obstacle::Missing(address) => {
            let Some((kind, place)) = place(address, &Route::root(), Part::Key) else { return };
            let message = format!("the external {kind} \"{address}\" does not exist");
            report.push(
                at(Diagnostic::error(Code::ExternalMissing, message), place, "declared as external here")
                    .help("create it where it is owned, correct the name, or remove `external: true` to own it here"),
            );
        }
        Obstacle::OtherType(address, of) => {
            let Some((kind, place)) = place(address, &Route::root().key("type"), Part::Value) else { return };
            let message = format!("the external {kind} \"{address}\" is of type {of}");
            report.push(
                at(Diagnostic::error(Code::ExternalType, message), place, "another type is meant here")
                    .help("correct the type, or give one of two services with this title another one"),
            );
        }
        Obstacle::NeededToCreate(address, field) => {
            let Some((kind, place)) = place(address, &Route::root(), Part::Key) else { return };
            let message = format!("the {kind} \"{address}\" cannot be created without `{field}`");
            report.push(
                at(Diagnostic::error(Code::NeededToCreate, message), place, "it does not exist yet").help(
                    format!("write `{field}`, or declare it `external: true` if somebody else makes it"),
                ),
            );
        }
        Obstacle::NeededForType(address, setting) => {
            let Some((kind, place)) = place(address, &Route::root().key("type"), Part::Value) else { return };
            let message =
                format!("the {kind} \"{address}\" cannot have this type without the setting `{setting}`");
            report.push(
                at(
                    Diagnostic::error(Code::NeededForType, message),
                    place,
                    "the service has another type now",
                )
                .help("write its `settings` for this type"),
            );
        }
        Obstacle::RenameBoth(address, old) => {
            let Some((kind, _)) = place(address, &Route::root(), Part::Key) else { return };
            refusals.push(Refusal {
                code: Code::RenameBoth.name().into(),
                message: format!("the {kind} \"{address}\" is to be renamed from \"{old}\", but both exist"),
                names: vec![address.to_string(), old.to_string()],
                lift: Some("remove `renamed_from`, or delete one of the two".into()),
            });
        }
        Obstacle::RenameDone(address) => {
            let Some((_, place)) = place(address, &Route::root().key("renamed_from"), Part::Key) else {
                return;
            };
            let message = format!("\"{address}\" has its new name already");
            report.push(at(Diagnostic::note(Code::RenameDone, message), place, "this line can be removed"));
        }
    }
}
