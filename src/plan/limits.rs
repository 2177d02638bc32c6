//! What a run may not do without being told: too many deletes, lost data, protected objects, services in use.
//! Refuses; never decides what changes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Impact, Indirect, Step, Verdict};
use crate::diag::{Code, counted, plural};
use crate::diff::scope::Globs;
use crate::diff::{Action, Change};
use crate::model::{Address, Collection, Desired, Resource, State, belongs_to_the_service, contents};

/// How many deletes and replaces a run may make unless told otherwise.
pub const DEFAULT_MAX_DELETES: u32 = 10;

/// Why a plan must not be applied as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Refusal {
    /// A stable code, such as `too-many-deletes`.
    pub code: String,
    /// What is refused, with numbers.
    pub message: String,
    /// The objects it is about.
    pub names: Vec<String>,
    /// How to lift it, where that is possible.
    pub lift: Option<String>,
}

/// What a run may do.
#[derive(Debug)]
pub struct Limits {
    /// How many deletes and replaces.
    pub max_deletes: u32,
    /// Whether measurements and events may be lost.
    pub delete_data: bool,
    /// Objects that are never replaced or deleted.
    pub protect: Globs,
    /// Whether alerts may not page less than before, nor in a way that cannot be told.
    pub deny_weaker_alerts: bool,
}

impl Limits {
    /// No limit but those that nothing lifts.
    pub fn lifted() -> Self {
        Self {
            max_deletes: u32::MAX,
            delete_data: true,
            protect: Globs::default(),
            deny_weaker_alerts: false,
        }
    }

    /// Everything in the changes that must not happen without being asked for.
    pub fn refusals(&self, changes: &[Change], desired: &Desired, actual: &State) -> Vec<Refusal> {
        let lost: Vec<&Change> = changes.iter().filter(|change| change.action.destroys()).collect();
        let rules =
            [self.too_many(&lost), self.data_lost(&lost), self.protected(&lost, desired), reserved(&lost)];
        rules.into_iter().flatten().chain(in_use(changes, actual)).collect()
    }

    /// Every alert that pages less than before, or may, with the reasons.
    pub fn weaker_alerts(&self, steps: &[Step], indirect: &[Indirect]) -> Option<Refusal> {
        let changed =
            steps.iter().filter_map(|step| Some((&step.change.address.name, step.impact.as_ref()?)));
        let weaker: Vec<String> = changed
            .chain(indirect.iter().map(|indirect| (&indirect.alert, &indirect.impact)))
            .filter(|(_, impact)| impact.verdict() != Verdict::No)
            .map(|(alert, impact)| format!("{}/{alert}: {}", Impact::OF, impact.reasons().join("; ")))
            .collect();
        (self.deny_weaker_alerts && !weaker.is_empty()).then(|| Refusal {
            code: Code::WeakerAlerts.name().into(),
            message: format!("{} would page less than before, or may", counted(weaker.len(), "alert")),
            names: weaker,
            lift: Some("apply without --deny weaker-alerts after a human agreed".into()),
        })
    }

    /// Whether what a change touches must not be replaced or deleted.
    pub fn protects(&self, change: &Change, desired: &Desired) -> bool {
        let kind = change.action.before().map_or(change.kind, Resource::kind);
        let old = match &change.action {
            Action::Update { renamed_from, .. } => renamed_from.as_ref(),
            _ => None,
        };
        let named = |address: &Address| self.protect.contains(kind, &address.to_string());
        desired.objects.get(&change.address).is_some_and(|declared| declared.protect)
            || named(&change.address)
            || old.is_some_and(named)
            || lost_with(change).iter().any(|inner| self.protect.contains(inner.kind(), &inner.to_string()))
    }

    fn too_many(&self, lost: &[&Change]) -> Option<Refusal> {
        // A space takes its charts along.
        let charts: usize = lost.iter().map(|change| lost_with(change).len()).sum();
        let count = u32::try_from(lost.len() + charts).unwrap_or(u32::MAX);
        (count > self.max_deletes).then(|| Refusal {
            code: Code::TooManyDeletes.name().into(),
            message: format!(
                "{count} objects would be deleted or replaced, and the limit is {}",
                self.max_deletes
            ),
            names: names(lost),
            lift: Some(format!("--max-deletes {count}")),
        })
    }

    fn data_lost(&self, lost: &[&Change]) -> Option<Refusal> {
        let holds_data = |change: &&&Change| {
            change.action.destroys()
                && change.action.before().is_some_and(|before| before.spec().holds_data())
        };
        let lost: Vec<&Change> = lost.iter().filter(holds_data).copied().collect();
        (!lost.is_empty() && !self.delete_data).then(|| Refusal {
            code: Code::DataLost.name().into(),
            message: format!(
                "{} with data that no backup can restore would be deleted or replaced",
                counted(lost.len(), "object")
            ),
            names: names(&lost),
            lift: Some("--delete-data".into()),
        })
    }

    fn protected(&self, lost: &[&Change], desired: &Desired) -> Option<Refusal> {
        let lost: Vec<&Change> =
            lost.iter().filter(|change| self.protects(change, desired)).copied().collect();
        (!lost.is_empty()).then(|| Refusal {
            code: Code::Protected.name().into(),
            message: format!(
                "{} protected against being deleted or replaced",
                plural(lost.len(), "object is", "objects are")
            ),
            names: names(&lost),
            lift: Some("remove `protect` from the object, or its pattern from `settings.protect`".into()),
        })
    }
}

fn reserved(lost: &[&Change]) -> Option<Refusal> {
    let lost: Vec<&Change> =
        lost.iter().filter(|change| belongs_to_the_service(&change.address)).copied().collect();
    lost.first().map(|stream| Refusal {
        code: Code::Reserved.name().into(),
        message: format!("the stream `{}` belongs to the service and is never deleted", stream.address),
        names: names(&lost),
        lift: None,
    })
}

/// Services that would go while an alert that stays uses them, whoever owns that alert.
fn in_use(changes: &[Change], actual: &State) -> Vec<Refusal> {
    let by_address: BTreeMap<&Address, &Change> = changes
        .iter()
        .flat_map(|change| {
            let old = match &change.action {
                Action::Update { renamed_from: Some(old), .. } => old,
                _ => &change.address,
            };
            [(old, change)]
        })
        .collect();
    let stays = |address: &Address| match by_address.get(address) {
        None => actual.get(address),
        Some(change) => change.action.after(),
    };
    let deleted = changes.iter().filter(|change| matches!(change.action, Action::Delete { .. }));
    let needed: BTreeMap<&Address, Collection> = deleted
        .filter_map(|change| Some((&change.address, change.address.collection.needed_by()?)))
        .collect();
    let by: BTreeSet<Collection> = needed.values().copied().collect();
    let mut users: BTreeMap<&Address, Vec<&Address>> = BTreeMap::new();
    for user in actual.keys().filter(|address| by.contains(&address.collection)) {
        let references = stays(user).map(|after| after.spec().references()).unwrap_or_default();
        let used: BTreeSet<Address> = references.into_iter().map(|reference| reference.to).collect();
        for (&object, _) in used.iter().filter_map(|used| needed.get_key_value(used)) {
            users.entry(object).or_default().push(user);
        }
    }
    let refuse = |(object, users): (&Address, Vec<&Address>)| {
        let (noun, user) = (object.kind().noun(), needed[object].kind());
        let count = counted(users.len(), user.noun());
        Refusal {
            code: Code::ServiceInUse.name().into(),
            message: format!("the {noun} \"{object}\" is still used by {count}"),
            names: users.into_iter().map(Address::to_string).collect(),
            lift: Some(format!("take the {noun} out of these {} first", user.section())),
        }
    };
    users.into_iter().map(refuse).collect()
}

/// Several remote objects under a name that the plan would have to choose one of.
pub fn ambiguous(
    duplicates: &BTreeMap<Address, Vec<u64>>,
    desired: &Desired,
    changes: &[Change],
) -> Vec<Refusal> {
    // A backup holds one object of each name, so a space with duplicates inside cannot go either.
    let goes = |space: Address| {
        let deleted = |change: &&Change| matches!(change.action, Action::Delete { .. });
        changes.iter().filter(deleted).any(|change| change.address == space)
    };
    let concerned = |address: &&Address| {
        desired.objects.contains_key(*address)
            || address.container().is_some_and(goes)
            || changes.iter().any(|change| change.address == **address)
            || desired.objects.iter().any(|(to, declared)| {
                declared.renamed_from.as_ref().is_some_and(|old| to.renamed(old) == **address)
            })
    };
    let refuse = |address: &Address| {
        let ids = duplicates[address].iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
        let kind = address.collection.kind();
        Refusal {
            code: Code::Ambiguous.name().into(),
            message: format!(
                "{} {} are called \"{address}\": ids {ids}",
                duplicates[address].len(),
                kind.section()
            ),
            names: vec![address.to_string()],
            lift: Some(format!(
                "rename or delete all but one of them: librato-apply delete {} --id ID",
                kind.noun()
            )),
        }
    };
    duplicates.keys().filter(concerned).map(refuse).collect()
}

/// The charts that go with a space.
pub fn lost_with(change: &Change) -> Vec<Address> {
    match &change.action {
        Action::Delete { before, .. } => contents(&change.address, before),
        _ => Vec::new(),
    }
}

/// `space/Shop (with 2 charts)`.
fn names(changes: &[&Change]) -> Vec<String> {
    let with = |change: &Change| match lost_with(change).as_slice() {
        [] => String::new(),
        inner @ [one, ..] => format!(" (with {})", counted(inner.len(), one.kind().noun())),
    };
    changes.iter().map(|change| format!("{}/{}{}", change.kind, change.address, with(change))).collect()
}
