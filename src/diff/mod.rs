//! What must change so that the remote becomes what the files ask for. Pure: two states in, changes out.
//! Knows kinds only through what they say of themselves, and nothing of ids, order or the wire.

pub mod fields;
pub mod items;
pub mod lists;
mod origins;
pub mod rename;
pub mod scope;
pub mod spaces;
mod view;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{
    Address, Collection, Declared, Desired, Intent, Kind, Reference, Resource, State, TypeOf, with_contents,
};
pub use fields::{Comparison, FieldChange};
pub use origins::Origins;
use rename::Rename;
use view::View;

/// One object and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The object, by the name it will have.
    pub address: Address,
    pub kind: Kind,
    /// What happens.
    pub action: Action,
}

/// What happens to an object. `before` is all that is known of the remote one, `after` what it becomes, `origins` which items of
/// `before` those of `after` are made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Action {
    Create {
        after: Resource,
        fields: Vec<FieldChange>,
    },
    Update {
        before: Resource,
        after: Resource,
        fields: Vec<FieldChange>,
        renamed_from: Option<Address>,
        #[serde(default, skip_serializing_if = "Origins::is_empty")]
        origins: Origins,
    },
    Replace {
        before: Resource,
        after: Resource,
        fields: Vec<FieldChange>,
        because: String,
    },
    Delete {
        before: Resource,
        pruned: bool,
    },
}

impl Action {
    /// The word people use for it.
    pub fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Update { renamed_from: Some(_), .. } => "rename",
            Self::Update { .. } => "update",
            Self::Replace { .. } => "replace",
            Self::Delete { .. } => "delete",
        }
    }

    /// The remote object that is touched.
    pub fn before(&self) -> Option<&Resource> {
        match self {
            Self::Create { .. } => None,
            Self::Update { before, .. } | Self::Replace { before, .. } | Self::Delete { before, .. } => {
                Some(before)
            }
        }
    }

    /// What there will be.
    pub fn after(&self) -> Option<&Resource> {
        match self {
            Self::Delete { .. } => None,
            Self::Create { after, .. } | Self::Update { after, .. } | Self::Replace { after, .. } => {
                Some(after)
            }
        }
    }

    /// What is written, field by field.
    pub fn fields(&self) -> &[FieldChange] {
        match self {
            Self::Delete { .. } => &[],
            Self::Create { fields, .. } | Self::Update { fields, .. } | Self::Replace { fields, .. } => {
                fields
            }
        }
    }

    /// Of which items of the remote object those of the new one are made.
    pub fn origins(&self) -> Option<&Origins> {
        match self {
            Self::Update { origins, .. } => Some(origins),
            _ => None,
        }
    }

    /// Whether something is lost that stood on the remote.
    pub fn destroys(&self) -> bool {
        matches!(self, Self::Replace { .. } | Self::Delete { .. })
    }
}

/// Why a declaration cannot become a change.
#[derive(Debug, Clone, PartialEq)]
pub enum Obstacle {
    /// An external object does not exist.
    Missing(Address),
    /// An external service exists, but is of this other type.
    OtherType(Address, String),
    /// A field that only a creation needs is not written.
    NeededToCreate(Address, &'static str),
    /// A setting that the new type of a service needs is neither written nor there.
    NeededForType(Address, &'static str),
    /// The former and the new name both exist.
    RenameBoth(Address, Address),
    /// `renamed_from` has done its work; only a note.
    RenameDone(Address),
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Default)]
pub struct Diff {
    /// What must change, by address.
    pub changes: Vec<Change>,
    /// How many declared objects are as written.
    pub unchanged: usize,
    /// What stands in the way, by address.
    pub obstacles: Vec<Obstacle>,
}

/// Compares what is declared and in view with what exists.
pub fn diff(desired: &Desired, actual: &State, view: &View) -> Diff {
    let types = types(desired, actual);
    let (foreseen, renames) = foresee(desired, actual);
    let mut diff = Diff::default();
    for (address, declaration) in desired.objects.iter().filter(|(address, _)| view.includes(address)) {
        match declaration.intent {
            Intent::External => match foreseen.get(address) {
                None => diff.obstacles.push(Obstacle::Missing(address.clone())),
                Some(have) => match declaration.resource.other_type(have) {
                    Some(of) => diff.obstacles.push(Obstacle::OtherType(address.clone(), of.to_owned())),
                    None => diff.unchanged += 1,
                },
            },
            Intent::Absent => match foreseen.get(address) {
                Some(before) => {
                    let before = with_contents(address, before, &foreseen);
                    diff.push(address, Action::Delete { before, pruned: false });
                }
                None => diff.unchanged += 1,
            },
            Intent::Present => {
                present(address, declaration, renames.get(address), &foreseen, &types, &mut diff);
            }
        }
    }
    // No one asks any more for what was to replace these.
    for left in rename::handovers(desired, actual, &renames).iter().filter(|left| !left.wanted) {
        if let (Some(before), true) = (actual.get(&left.replacement), view.includes(left.service)) {
            diff.push(&left.replacement, Action::Delete { before: before.clone(), pruned: false });
        }
    }
    for address in &view.prune {
        if let Some(before) = foreseen.get(address) {
            let before = with_contents(address, before, &foreseen);
            diff.push(address, Action::Delete { before, pruned: true });
        }
    }
    diff.changes.sort_by(|a, b| (a.kind, &a.address).cmp(&(b.kind, &b.address)));
    diff
}

/// The remote as it will be read once what is to be renamed has its new names and everything that belongs to it came
/// along; and what every `renamed_from` comes to.
fn foresee<'a>(desired: &Desired, actual: &'a State) -> (Cow<'a, State>, BTreeMap<Address, Rename>) {
    let decide = |actual: &State| {
        rename::decide(desired, actual, |new, existing| distance(new, existing, desired, actual))
    };
    let first = decide(actual);
    let foreseen = spaces::moved(rename::foresee(desired, actual, &first), &first);
    let mut renames = decide(&foreseen);
    // Of what holds others the first decision counts: only these told which is which, and they have moved.
    renames.extend(first.into_iter().filter(|(address, _)| holds(address)));
    (foreseen, renames)
}

fn holds(address: &Address) -> bool {
    address.collection.holds().is_some()
}

/// The remote with the charts under the names their spaces will have.
pub fn foreseen<'a>(desired: &Desired, actual: &'a State) -> Cow<'a, State> {
    foresee(desired, actual).0
}

/// In how many fields a declared object differs from an existing one. A space differs in what its charts differ.
fn distance(new: &Address, existing: &Address, desired: &Desired, actual: &State) -> usize {
    let types = types(desired, actual);
    let (Some(declaration), Some(have)) = (desired.objects.get(new), actual.get(existing)) else { return 0 };
    let own = differences(declaration, have, &types).unwrap_or(usize::MAX / 4);
    if !holds(new) {
        return own;
    }
    let charts = desired.objects.iter().filter(|(address, _)| address.container().as_ref() == Some(new));
    let of_chart = |(address, declaration): (&Address, &Declared)| {
        let old = declaration.renamed_from.iter().chain([&address.name]);
        let mut names = old.filter_map(|name| actual.get(&Address::chart(&existing.name, name)));
        let found = names.next().and_then(|have| differences(declaration, have, &types));
        found.unwrap_or_else(|| declaration.resource.fields().len() + 1)
    };
    own + charts.map(of_chart).sum::<usize>()
}

impl Diff {
    fn push(&mut self, address: &Address, action: Action) {
        let kind = action.after().or(action.before()).map_or(address.collection.kind(), Resource::kind);
        self.changes.push(Change { address: address.clone(), kind, action });
    }
}

fn present(
    address: &Address,
    declaration: &Declared,
    rename: Option<&Rename>,
    foreseen: &State,
    types: &TypeOf<'_>,
    diff: &mut Diff,
) {
    let renamed_from = match rename {
        Some(Rename::From(old)) => Some(old.clone()),
        Some(Rename::Both(old)) => {
            diff.obstacles.push(Obstacle::RenameBoth(address.clone(), old.clone()));
            return;
        }
        Some(Rename::Done) => {
            diff.obstacles.push(Obstacle::RenameDone(address.clone()));
            None
        }
        Some(Rename::Neither) | None => None,
    };
    let current = renamed_from.as_ref().unwrap_or(address);
    let Some(before) = foreseen.get(current) else {
        if can_create(address, declaration, diff) {
            let fields = fields::creation(&declaration.resource, &declaration.secrets);
            diff.push(address, Action::Create { after: declaration.resource.clone(), fields });
        }
        return;
    };
    // Nearly every object of nearly every run: no canonical form need be made of it.
    if renamed_from.is_none() && declaration.resource.is_within(before) {
        diff.unchanged += 1;
        return;
    }
    if declaration.resource.is_of_other_type(before) {
        if can_create(address, declaration, diff) {
            let [old, new] = [before, &declaration.resource].map(|object| object.spec().type_noun());
            let because = format!("a {old} cannot become a {new}");
            // What is not written stays, also where the object is recreated.
            let after = fields::carry_over(&declaration.resource, before);
            let fields = fields::creation(&after, &declaration.secrets);
            let before = before.clone();
            diff.push(address, Action::Replace { before, after, fields, because });
        }
        return;
    }
    let comparison = Comparison::of(&declaration.resource, before, types);
    let fields = comparison.changes(&declaration.secrets);
    if fields.is_empty() && renamed_from.is_none() {
        diff.unchanged += 1;
        return;
    }
    let (after, origins) = (comparison.overlay(), comparison.origins());
    if let Some(setting) = after.missing_setting(before) {
        diff.obstacles.push(Obstacle::NeededForType(address.clone(), setting));
        return;
    }
    diff.push(address, Action::Update { before: before.clone(), after, fields, renamed_from, origins });
}

/// In how many fields a declaration differs from a remote object; `None` where that is of another type and must be replaced.
fn differences(declaration: &Declared, have: &Resource, types: &TypeOf<'_>) -> Option<usize> {
    if declaration.resource.is_within(have) {
        return Some(0);
    }
    let comparable = !declaration.resource.is_of_other_type(have);
    comparable.then(|| Comparison::of(&declaration.resource, have, types).changes(&declaration.secrets).len())
}

fn can_create(address: &Address, declaration: &Declared, diff: &mut Diff) -> bool {
    let fields = declaration.resource.fields();
    let missing =
        declaration.resource.spec().creation_needs().iter().find(|need| !fields.contains_key(**need));
    if let Some(need) = missing {
        diff.obstacles.push(Obstacle::NeededToCreate(address.clone(), need));
    }
    missing.is_none()
}

/// The types of native metrics: the declared one, or else the remote's.
fn types<'a>(desired: &'a Desired, actual: &'a State) -> Box<TypeOf<'a>> {
    Box::new(|name| {
        let address = Address::metric(name);
        let declared =
            desired.objects.get(&address).filter(|declaration| declaration.intent == Intent::Present);
        declared
            .and_then(|declaration| declaration.resource.metric_type())
            .or_else(|| actual.get(&address)?.metric_type())
    })
}

/// What of a collection declared objects use and no one declares: what a fetch must look up beside the listings.
pub fn undeclared(collection: Collection, desired: &Desired) -> BTreeMap<Address, Vec<(Address, Reference)>> {
    let mut found: BTreeMap<Address, Vec<(Address, Reference)>> = BTreeMap::new();
    for (address, declaration) in
        desired.objects.iter().filter(|(_, declaration)| declaration.intent == Intent::Present)
    {
        for reference in declaration.resource.spec().references() {
            if reference.to.collection == collection && !desired.objects.contains_key(&reference.to) {
                found.entry(reference.to.clone()).or_default().push((address.clone(), reference));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
