//! A plan in a file: exactly what will be written, fingerprints of what it was made from, and no secret.
//! Opening it again takes the same secrets and an unchanged remote; anything else is refused by name.

mod error;
mod key;
mod names;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Indirect, Plan, Step};
use crate::diag::{Route, Seg};
use crate::diff::{Action, Change};
use crate::model::{Address, Collection, Kind, Resource, State};
pub use error::SavedError;
use key::Key;
use names::Names;

/// The version of the form. Another one is refused.
pub const FORMAT_VERSION: u32 = 1;

/// The key of what stands for a secret that is known by a reference.
const SECRET: &str = "$secret";
/// What stands for a secret that only the remote has.
const HIDDEN: &str = "$hidden";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// The version of the form: 1.
    pub format_version: u32,
    /// The program that wrote it.
    pub program: String,
    /// The service, as people name it.
    pub target: String,
    /// The service, told from every other one.
    pub endpoint: String,
    /// How many declared objects needed no change.
    pub unchanged: usize,
    /// The steps, secrets taken out.
    steps: Vec<Value>,
    /// What the changes mean to alerts that are not changed themselves.
    indirect: Vec<Indirect>,
    /// What its target needs to write it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub writing: Value,
    /// Keyed digests of the touched objects' remote form; of their absence where there was none.
    fingerprints: Vec<Fingerprint>,
    /// A keyed digest of everything above: what is written is what was planned, or nothing.
    seal: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fingerprint {
    address: Address,
    digest: String,
    /// Whether it was made by a role that may not read the secrets of the object: then these are left out of it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    masked: bool,
}

impl SavedPlan {
    /// Takes the secrets out of a plan and notes what it was made from. `references` gives, by object and field, how a
    /// secret can be read again; `key` makes digests useless to whoever does not have it.
    ///
    /// # Errors
    /// Where a secret is written into the files as it is, or the key is none.
    pub fn new(
        plan: &Plan,
        endpoint: &str,
        state: &State,
        references: &dyn Fn(&Address) -> BTreeMap<Route, String>,
        key: &[u8],
    ) -> Result<Self, SavedError> {
        let key = &Key::new(key)?;
        let conceal = |step: &Step| conceal(step, &references(&step.change.address), key);
        let steps: Vec<Value> = plan.steps.iter().map(conceal).collect::<Result<_, _>>()?;
        let names = Names::of(&steps);
        let taken = |address: Address| {
            let masked = names.is_masked(&address, state);
            Fingerprint { digest: key.digest(&names.form(&address, state, masked)), address, masked }
        };
        let mut saved = Self {
            format_version: FORMAT_VERSION,
            program: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            target: plan.target.clone(),
            endpoint: endpoint.to_owned(),
            unchanged: plan.unchanged,
            steps,
            indirect: plan.indirect.clone(),
            writing: plan.writing.clone(),
            fingerprints: touched(&plan.steps).into_iter().map(taken).collect(),
            seal: String::new(),
        };
        saved.seal = key.digest(&saved.sealed()?);
        Ok(saved)
    }

    /// What the seal is a digest of: everything but itself.
    fn sealed(&self) -> Result<String, SavedError> {
        let mut whole = as_json(self)?;
        whole["seal"] = Value::Null;
        Ok(whole.to_string())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Where it is no saved plan of this version.
    pub fn parse(text: &str) -> Result<Self, SavedError> {
        let value: Value =
            serde_json::from_str(text).map_err(|_| SavedError::NotOurs("it is not JSON".into()))?;
        match value["format_version"].as_u64() {
            Some(version) if version == u64::from(FORMAT_VERSION) => {}
            Some(version) => return Err(SavedError::NotOurs(format!("its format version is {version}"))),
            None => return Err(SavedError::NotOurs("it has no format version".into())),
        }
        Self::deserialize(value).map_err(|error| SavedError::NotOurs(error.to_string()))
    }

    /// The collections that must be read to open the plan.
    pub fn collections(&self) -> BTreeSet<Collection> {
        let mut needed: BTreeSet<Collection> =
            self.fingerprints.iter().map(|f| f.address.collection).collect();
        // Who uses an object, what it names by ids, and what it takes along when it goes.
        let beside = |of: Collection| [of.needed_by(), of.names(), of.holds().map(Kind::collection)];
        for collection in needed.clone() {
            needed.extend(beside(collection).into_iter().flatten());
        }
        needed
    }

    /// The spaces whose charts must be read to open the plan.
    pub fn spaces(&self) -> BTreeSet<String> {
        let touched = self.fingerprints.iter().map(|f| &f.address);
        let space = |address: &Address| match address.collection.holds() {
            Some(_) => Some(address.name.clone()),
            None => address.parent.clone(),
        };
        touched.filter_map(space).collect()
    }

    /// The plan, with its secrets, if nothing it was made from has changed.
    ///
    /// # Errors
    /// When the target, an object or a secret is not what it was.
    pub fn open(
        &self,
        here: &str,
        state: &State,
        resolve: &dyn Fn(&str) -> Result<String, String>,
        key: &[u8],
    ) -> Result<Plan, SavedError> {
        let key = &Key::new(key)?;
        if !key.verifies(&self.sealed()?, &self.seal) {
            return Err(SavedError::Broken);
        }
        if self.endpoint != here {
            return Err(SavedError::OtherTarget { planned: self.endpoint.clone(), here: here.to_owned() });
        }
        let names = Names::of(&self.steps);
        let moved = self
            .fingerprints
            .iter()
            .filter(|f| !key.verifies(&names.form(&f.address, state, f.masked), &f.digest));
        let moved: Vec<String> =
            moved.map(|f| format!("{} \"{}\"", f.address.collection.kind(), f.address)).collect();
        if !moved.is_empty() {
            return Err(SavedError::Moved(moved));
        }
        let steps = self
            .steps
            .iter()
            .map(|step| reveal(step, &names, state, resolve, key))
            .collect::<Result<_, _>>()?;
        let (target, indirect) = (self.target.clone(), self.indirect.clone());
        let writing = self.writing.clone();
        Ok(Plan { target, steps, unchanged: self.unchanged, indirect, writing, ..Plan::default() })
    }
}

/// All objects a plan reads or writes, by their names before and after.
fn touched(steps: &[Step]) -> BTreeSet<Address> {
    let names = |step: &Step| {
        let old = match &step.change.action {
            Action::Update { renamed_from, .. } => renamed_from.clone(),
            _ => None,
        };
        [Some(step.change.address.clone()), old]
    };
    steps.iter().flat_map(names).flatten().collect()
}

/// An error where there is no such form: what is sealed must be what is written.
fn as_json(value: &impl Serialize) -> Result<Value, SavedError> {
    serde_json::to_value(value).map_err(|error| SavedError::Unwritable(error.to_string()))
}

/// A step as JSON with every secret replaced.
fn conceal(step: &Step, references: &BTreeMap<Route, String>, key: &Key) -> Result<Value, SavedError> {
    let mut value = as_json(step)?;
    let change = &step.change;
    let (before, after) = (change.action.before(), change.action.after());
    let verb = action_key(change);
    let parts = &mut value["change"]["action"][verb];
    if let Some(before) = before {
        let part = &mut parts["before"][before.kind().noun()];
        conceal_settings(part, before, &|_, _| Ok(json!({ (HIDDEN): true })))?;
        // What is secret now may have been there before; the whole field is taken from the remote again.
        for field in references
            .keys()
            .filter_map(|route| route.segs().first())
            .filter(|seg| **seg != Seg::Key("settings".into()))
        {
            put(part, &Route(vec![field.clone()]), json!({ (HIDDEN): true }));
        }
    }
    let stand_in = |route: &Route, text: &str| {
        if let Some(reference) = references.get(route) {
            return Ok(json!({ (SECRET): reference, "digest": key.digest(text) }));
        }
        // What only the remote has and the files do not speak of is taken from there again.
        let kept =
            before.map(Resource::fields).and_then(|fields| Some(at(&Value::Object(fields), route)? == text));
        if kept == Some(true) { Ok(json!({ (HIDDEN): true })) } else { Err(literal(step, route)) }
    };
    if let Some(after) = after {
        let part = &mut parts["after"][after.kind().noun()];
        conceal_settings(part, after, &stand_in)?;
        for (route, reference) in references {
            if let Some(text) = at(&Value::Object(after.fields()), route).and_then(Value::as_str) {
                let stand_in = json!({ (SECRET): reference, "digest": key.digest(text) });
                put(part, route, stand_in);
            }
        }
    }
    for field in
        parts["fields"].as_array_mut().into_iter().flatten().filter(|field| field["sensitive"] == true)
    {
        for side in ["before", "after"] {
            if !field[side].is_null() {
                field[side] = json!({ (HIDDEN): true });
            }
        }
    }
    Ok(value)
}

fn literal(step: &Step, route: &Route) -> SavedError {
    let place = step.change.action.fields().iter().position(|field| field.route == *route);
    let place =
        place.and_then(|i| step.field_places.get(i).cloned().flatten()).or_else(|| step.place.clone());
    let Change { kind, address, .. } = &step.change;
    SavedError::Literal { kind: *kind, address: address.clone(), route: route.to_string(), place }
}

fn conceal_settings(
    part: &mut Value,
    object: &Resource,
    stand_in: &dyn Fn(&Route, &str) -> Result<Value, SavedError>,
) -> Result<(), SavedError> {
    for (name, value) in part.get_mut("settings").and_then(Value::as_object_mut).into_iter().flatten() {
        let route = Route::root().key("settings").key(name);
        if let (true, Some(text)) = (object.spec().is_sensitive(&format!("settings.{name}")), value.as_str())
        {
            *value = stand_in(&route, text)?;
        }
    }
    Ok(())
}

/// A step with its secrets: those known by reference are read again, the others taken from the remote.
fn reveal(
    step: &Value,
    names: &Names,
    state: &State,
    resolve: &dyn Fn(&str) -> Result<String, String>,
    key: &Key,
) -> Result<Step, SavedError> {
    let mut step = step.clone();
    let broken = |why: String| SavedError::NotOurs(why);
    let change = &mut step["change"];
    let address = Address::deserialize(&change["address"]).map_err(|error| broken(error.to_string()))?;
    let Some((_, parts)) = change["action"].as_object_mut().and_then(|action| action.iter_mut().next())
    else {
        return Err(broken("a step has no action".into()));
    };
    let source = state.get(&names.before(&address, state));
    let remote = source.map(|object| json!({ (object.kind().noun()): object.fields() })).unwrap_or_default();
    for side in ["before", "after"] {
        if !parts[side].is_null() {
            fill(&mut parts[side], &remote, resolve, key)?;
        }
    }
    Step::deserialize(step).map_err(|error| broken(error.to_string()))
}

/// Replaces stand-ins everywhere inside a value.
fn fill(
    value: &mut Value,
    remote: &Value,
    resolve: &dyn Fn(&str) -> Result<String, String>,
    key: &Key,
) -> Result<(), SavedError> {
    match value {
        Value::Object(map) if map.get(HIDDEN) == Some(&Value::Bool(true)) => *value = remote.clone(),
        Value::Object(map) if map.contains_key(SECRET) => {
            let (Some(reference), Some(digest)) =
                (map[SECRET].as_str(), map.get("digest").and_then(Value::as_str))
            else {
                return Err(SavedError::NotOurs("a secret has no reference or no digest".into()));
            };
            let text = resolve(reference).map_err(SavedError::Unset)?;
            if !key.verifies(&text, digest) {
                return Err(SavedError::Moved(vec![format!("the value of {reference}")]));
            }
            *value = Value::String(text);
        }
        Value::Object(map) => {
            let none = Value::Null;
            for (name, part) in map {
                fill(part, remote.get(name).unwrap_or(&none), resolve, key)?;
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter_mut().enumerate() {
                fill(item, remote.get(i).unwrap_or(&Value::Null), resolve, key)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn action_key(change: &Change) -> &'static str {
    match change.action {
        Action::Create { .. } => "create",
        Action::Update { .. } => "update",
        Action::Replace { .. } => "replace",
        Action::Delete { .. } => "delete",
    }
}

fn at<'v>(value: &'v Value, route: &Route) -> Option<&'v Value> {
    route.segs().iter().try_fold(value, |value, seg| match seg {
        Seg::Key(key) => value.get(key),
        Seg::Index(i) => value.get(*i),
    })
}

fn put(value: &mut Value, route: &Route, new: Value) {
    let place = route.segs().iter().try_fold(value, |value, seg| match seg {
        Seg::Key(key) => value.get_mut(key),
        Seg::Index(i) => value.get_mut(*i),
    });
    if let Some(place) = place {
        *place = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_form_in_json_is_not_sealed() {
        let keyed_by_pairs = BTreeMap::from([((1, 2), 3)]);
        assert!(matches!(as_json(&keyed_by_pairs), Err(SavedError::Unwritable(_))));
    }
}
