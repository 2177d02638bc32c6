//! What objects are called before a saved plan is written, and the form in which what stands under a name is compared.
//! Reads the steps as they are saved; knows nothing of their secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::diff::fields;
use crate::model::{Address, Resource, State, with_contents};

/// What the steps of a plan do to names.
pub(super) struct Names {
    /// The names of objects before they are renamed, by those they get.
    former: BTreeMap<Address, Address>,
    /// What goes, with all that it holds.
    deleted: BTreeSet<Address>,
}

impl Names {
    pub fn of(steps: &[Value]) -> Self {
        let of = |step: &Value, pointer: &str| step.pointer(pointer).and_then(address_in);
        let address = |step: &Value| of(step, "/change/address");
        let renamed = |step: &Value| Some((address(step)?, of(step, "/change/action/update/renamed_from")?));
        let deleted = |step: &Value| step.pointer("/change/action/delete").and_then(|_| address(step));
        Self {
            former: steps.iter().filter_map(renamed).collect(),
            deleted: steps.iter().filter_map(deleted).collect(),
        }
    }

    /// The name an object has before the plan is written.
    pub fn before(&self, name: &Address, state: &State) -> Address {
        let old = match self.former.get(name) {
            // An object that an earlier step parks, in a circle of renames, still has the name it is parked from.
            Some(old) if !state.contains_key(old) => self.former.get(old).unwrap_or(old),
            Some(old) => old,
            None => name,
        };
        self.place(old, state)
    }

    /// Where an object of this name stands before the plan is written: charts come along when their space is renamed.
    fn place(&self, name: &Address, state: &State) -> Address {
        match name.container() {
            Some(space) => Address::chart(self.before(&space, state).name, &name.name),
            None => name.clone(),
        }
    }

    /// Whether an object was read by a role that may not see all of it.
    pub fn is_masked(&self, name: &Address, state: &State) -> bool {
        state.get(&self.place(name, state)).is_some_and(Resource::is_masked)
    }

    /// An object's canonical form as text, with its secrets or without, or its absence.
    pub fn form(&self, name: &Address, state: &State, masked: bool) -> String {
        let place = self.place(name, state);
        let whole = |object: &Resource| match (masked, self.deleted.contains(name)) {
            (true, _) => object.masked(),
            (false, true) => with_contents(&place, object, state),
            (false, false) => object.clone(),
        };
        let form = |object: Resource| json!([object.kind(), fields::canonical_form(&object)]);
        let form = state.get(&place).map(whole).map_or(Value::Null, form);
        form.to_string()
    }
}

fn address_in(value: &Value) -> Option<Address> {
    Option::<Address>::deserialize(value).ok().flatten()
}
