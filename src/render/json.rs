//! A plan as a JSON document with a committed schema. Sensitive values are left out, never masked in place.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::diff::{Action, FieldChange};
use crate::model::{Address, Collection, Kind};
use crate::plan::{
    Counts, Effect, Finding, Impact, Indirect, Looked, Plan, Refusal, SourcePlace, Step, UnmanagedDocument,
    lost_with,
};

/// The version of the documents; it grows when a reader of an older one could be misled.
pub const FORMAT_VERSION: u32 = 1;

/// A plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanDocument {
    /// The version of this form: 1.
    pub format_version: u32,
    /// Why there is no plan. Where this is said, nothing else but the diagnostics means anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The service the plan is for; empty where there is no plan.
    pub target: String,
    /// How many objects change in which way.
    pub counts: Counts,
    /// How many declared objects are as written already.
    pub unchanged: usize,
    /// What will be written, in the order of writing.
    pub changes: Vec<ChangeDocument>,
    /// What the changes mean to alerts that are not changed themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub indirect: Vec<IndirectDocument>,
    /// What the service has and no file declares; only `plan` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged: Option<UnmanagedDocument>,
    /// What measurements were looked at, where evidence was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Looked>,
    /// Safety rules that forbid the apply.
    pub refusals: Vec<Refusal>,
    /// What was found in the files: severity, code, message, file, line, column, help. Errors only where there is no plan.
    pub diagnostics: Vec<Value>,
}

/// One object and what happens to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeDocument {
    /// `create`, `update`, `rename`, `replace` or `delete`.
    pub action: String,
    /// The kind of the object.
    pub kind: Kind,
    /// Its name (a service's title), or the one it will have.
    pub name: String,
    /// The name it has now, where it is renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    /// Why it must be replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Whether it is deleted because it is no longer in the files.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pruned: bool,
    /// The names of the charts that are deleted with their space.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub charts: Vec<String>,
    /// Where the object stands in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourcePlace>,
    /// What is written of it.
    pub fields: Vec<FieldDocument>,
    /// What it means to the people on call; for alerts only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub impact: Vec<Effect>,
    /// What measurements say of it, where evidence was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Finding>,
}

/// What the plan means to an alert that it does not change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndirectDocument {
    /// The alert's name.
    pub alert: String,
    /// What it means.
    pub impact: Impact,
    /// What measurements say of it, where evidence was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Finding>,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FieldDocument {
    /// Where in the object, such as `conditions[0].threshold`.
    pub path: String,
    /// What the service has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What it will have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// Whether the values are secret, and therefore not here.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sensitive: bool,
    /// Where the field stands in the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SourcePlace>,
}

/// The document of a plan; `diagnostics` as the renderer of diagnostics gives them.
pub fn document(plan: &Plan, diagnostics: Vec<Value>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION,
        error: None,
        target: plan.target.clone(),
        counts: plan.counts(),
        unchanged: plan.unchanged,
        changes: plan.steps.iter().map(|step| change(step, plan)).collect(),
        indirect: plan.indirect.iter().map(|one| indirect(one, plan)).collect(),
        unmanaged: plan.unmanaged.document(),
        evidence: plan.evidence.as_ref().map(|evidence| evidence.looked.clone()),
        refusals: plan.refusals.clone(),
        diagnostics,
    }
}

/// The document where no plan could be made: why, and what was found in the files.
pub fn document_without_plan(why: &str, diagnostics: Vec<Value>) -> PlanDocument {
    PlanDocument {
        format_version: FORMAT_VERSION,
        error: Some(why.to_owned()),
        target: String::new(),
        counts: Counts::default(),
        unchanged: 0,
        changes: Vec::new(),
        indirect: Vec::new(),
        unmanaged: None,
        evidence: None,
        refusals: Vec::new(),
        diagnostics,
    }
}

fn indirect(one: &Indirect, plan: &Plan) -> IndirectDocument {
    let address = Address::new(Collection::Alerts, one.alert.as_str());
    IndirectDocument {
        alert: one.alert.clone(),
        impact: one.impact.clone(),
        evidence: finding(plan, &address),
    }
}

fn finding(plan: &Plan, address: &Address) -> Option<Finding> {
    plan.evidence.as_ref().and_then(|evidence| evidence.of(address)).cloned()
}

fn change(step: &Step, plan: &Plan) -> ChangeDocument {
    let (renamed_from, because, pruned) = match &step.change.action {
        Action::Update { renamed_from, .. } => (renamed_from.as_ref().map(ToString::to_string), None, false),
        Action::Replace { because, .. } => (None, Some(because.clone()), false),
        Action::Delete { pruned, .. } => (None, None, *pruned),
        Action::Create { .. } => (None, None, false),
    };
    let places = step.field_places.iter().cloned().chain(std::iter::repeat(None));
    ChangeDocument {
        action: step.change.action.verb().to_owned(),
        kind: step.change.kind,
        name: step.change.address.to_string(),
        renamed_from,
        because,
        pruned,
        charts: lost_with(&step.change).into_iter().map(|chart| chart.name).collect(),
        place: step.place.clone(),
        evidence: if step.parks() { None } else { finding(plan, &step.change.address) },
        impact: step.impact.iter().flat_map(|impact| impact.effects.clone()).collect(),
        fields: step
            .change
            .action
            .fields()
            .iter()
            .zip(places)
            .map(|(field, place)| self::field(field, place))
            .collect(),
    }
}

fn field(field: &FieldChange, place: Option<SourcePlace>) -> FieldDocument {
    let shown = |value: &Option<Value>| value.clone().filter(|_| !field.sensitive);
    FieldDocument {
        path: field.route.to_string(),
        before: shown(&field.before),
        after: shown(&field.after),
        sensitive: field.sensitive,
        place,
    }
}
