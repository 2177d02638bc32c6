//! A deletion and a creation that differ in nothing but the name: most likely a rename that was not said, which would have kept
//! id, state and data. Only noted: it may be meant.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::limits::lost_with;
use crate::diag::{Code, Diagnostic, Files, Part, Report, Route};
use crate::diff::{Action, Change, fields};
use crate::model::{Address, Desired};

/// Notes such pairs, where one deletion fits one creation alone.
pub(super) fn note(changes: &[Change], desired: &Desired, files: &Files, report: &mut Report) {
    let deleted: Vec<&Change> = changes.iter().filter(|change| is_delete(change)).collect();
    let created: Vec<&Change> =
        changes.iter().filter(|change| matches!(change.action, Action::Create { .. })).collect();
    let charts = charts_by_space(&created);
    let pairs: Vec<(&Change, &Change)> = deleted
        .iter()
        .flat_map(|old| created.iter().filter(|new| alike(old, new, &charts)).map(|new| (*old, *new)))
        .collect();
    let once = |of: &dyn Fn(&(&Change, &Change)) -> bool| pairs.iter().filter(|pair| of(pair)).count() == 1;
    for (old, new) in &pairs {
        let alone =
            once(&|pair| pair.0.address == old.address) && once(&|pair| pair.1.address == new.address);
        let Some(declared) = desired.objects.get(&new.address).filter(|_| alone) else { continue };
        let (kind, name) = (new.kind, &old.address.name);
        let message = format!("this looks like a rename: the {kind} \"{name}\" is deleted, and was the same");
        let place = declared.origin.place(files, &Route::root(), Part::Key);
        report.push(
            Diagnostic::note(Code::LooksLikeARename, message)
                .at(place, "created here")
                .help(format!("`renamed_from: {name}` keeps its id and its state")),
        );
    }
}

fn is_delete(change: &Change) -> bool {
    matches!(change.action, Action::Delete { .. })
}

/// The names of the charts that are created, by their space.
fn charts_by_space<'a>(created: &[&'a Change]) -> BTreeMap<Address, BTreeSet<&'a str>> {
    let mut charts: BTreeMap<Address, BTreeSet<&str>> = BTreeMap::new();
    for change in created {
        if let Some(space) = change.address.container() {
            charts.entry(space).or_default().insert(&change.address.name);
        }
    }
    charts
}

/// Whether two objects of a kind that can be renamed are the same but for their names.
fn alike(old: &Change, new: &Change, charts: &BTreeMap<Address, BTreeSet<&str>>) -> bool {
    let (Some(before), Some(after)) = (old.action.before(), new.action.after()) else { return false };
    if old.kind != new.kind || old.address.parent != new.address.parent {
        return false;
    }
    // Of a space hardly anything but its charts tells it from others.
    if old.address.collection.holds().is_some() {
        let lost = lost_with(old);
        let lost: BTreeSet<&str> = lost.iter().map(|chart| chart.name.as_str()).collect();
        return !lost.is_empty() && charts.get(&new.address) == Some(&lost);
    }
    // Conditions, settings or streams: with none of these it would be like any other.
    let says = |value: &Value| value.as_array().is_some_and(|all| !all.is_empty()) || value.is_object();
    old.kind.can_be_renamed()
        && after.fields().values().any(says)
        && fields::changes(after, before, &BTreeMap::new()).is_empty()
}
