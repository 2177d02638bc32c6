//! What every kind of object must be able to say of itself. Knows no kind.

use serde::Serialize;
use serde_json::{Map, Value};

use super::check::Checker;
use super::{Address, Collection, Kind, TypeOf, compare};
use crate::diag::{Part, Route};

/// How a field is owned and compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    Plain,
    /// A map of which every key belongs to the definition: keys that are not written go.
    OwnedMap,
    /// A list of texts whose order means nothing.
    Set,
    /// A list of objects whose order means nothing.
    Items,
    /// A list of objects in an order that means something.
    Sequence,
}

/// What an object is to the alerts that use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertUse {
    /// They watch its values.
    Watched,
    /// They notify it.
    Notified,
}

/// A use of another object.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// What is used.
    pub to: Address,
    /// Where inside the object that uses it.
    pub route: Route,
    /// Which part of what stands there.
    pub part: Part,
}

impl Reference {
    /// A use of a metric or composite.
    pub fn metric(name: impl Into<String>, route: Route) -> Self {
        Self { to: Address::metric(name), route, part: Part::Value }
    }

    /// A use of an annotation stream.
    pub fn annotation(name: impl Into<String>, route: Route) -> Self {
        Self { to: Address::new(Collection::Annotations, name), route, part: Part::Value }
    }

    /// A use of a service, by its title.
    pub fn service(title: impl Into<String>, route: Route) -> Self {
        Self { to: Address::service(title), route, part: Part::Value }
    }
}

/// What every kind says of itself. Fields are named as they are written, those of a map key by key: `attributes.color`.
pub trait Spec {
    fn kind(&self) -> Kind;

    /// Problems that can be known from the object alone.
    fn check(&self, found: &mut Checker<'_>);

    /// Which other objects it uses.
    fn references(&self) -> Vec<Reference>;

    /// Which metrics it uses by patterns, which stand in the place of names.
    fn patterns(&self) -> Vec<Reference> {
        Vec::new()
    }

    /// The form of a field's value in which two sides can be compared.
    fn canonical(&self, field: &str, value: &Value) -> Value;

    /// How a field is owned; `attributes` of any kind are managed key by key and never get here.
    fn shape(&self, _field: &str) -> Shape {
        Shape::Plain
    }

    /// Whether one key of two list items says the same; given the whole items, since keys can depend on each other.
    fn same_in_item(&self, key: &str, want: &Value, have: &Value) -> bool {
        compare::plain(&want[key]) == compare::plain(&have[key])
    }

    /// How much it counts, in finding which item of a list answers to which, that two agree in a key.
    fn weight_in_item(&self, _field: &str, _key: &str) -> usize {
        1
    }

    /// What two items of a list have in common before any key is looked at; none where they can never answer to each other.
    fn kinship(&self, _field: &str, _want: &Value, _have: &Value) -> Option<usize> {
        Some(0)
    }

    /// Fields that make the object what it is, which another one that takes its place does not inherit.
    fn identity(&self) -> &'static [&'static str] {
        &[]
    }

    /// What people call an object of its type.
    fn type_noun(&self) -> String {
        self.kind().noun().to_owned()
    }

    /// Whether it holds measurements or events, which go with it and which no definition brings back.
    fn holds_data(&self) -> bool {
        false
    }

    /// What alerts that use it have of it.
    fn use_to_alerts(&self) -> Option<AlertUse> {
        None
    }

    /// Whether alerts that use it may do otherwise once this field says something else.
    fn matters_to_alerts(&self, _field: &str) -> bool {
        false
    }

    /// Problems with the periods of the metrics it puts together; `known` has the seconds of each that a name or a pattern means.
    fn check_periods(&self, _known: &dyn Fn(&str) -> Vec<u64>, _found: &mut Checker<'_>) {}

    /// Problems with the statistics it takes of metrics, as far as the types of these are known.
    fn check_functions(&self, _type_of: &TypeOf<'_>, _found: &mut Checker<'_>) {}

    /// Lets what it refers to by name follow a rename; `renamed` gives new names.
    fn follow_renames(&mut self, _renamed: &dyn Fn(&Address) -> Option<String>) {}

    /// Fields that `null` clears; attributes can always be cleared.
    fn clearable(&self) -> &'static [&'static str];

    /// Fields without which the object cannot be created.
    fn creation_needs(&self) -> &'static [&'static str];

    /// Whether a field's value must never be shown.
    fn is_sensitive(&self, _field: &str) -> bool {
        false
    }
}

/// The fields of an object as they were written, unwritten ones left out.
pub(super) fn fields(object: &impl Serialize) -> Map<String, Value> {
    match as_json(object) {
        Value::Object(fields) => fields,
        // Only structs have fields.
        _ => Map::new(),
    }
}

/// An object, or part of one, as JSON.
#[expect(
    clippy::expect_used,
    reason = "plain structs of text, numbers and maps with text keys always serialise"
)]
pub(crate) fn as_json(plain: &impl Serialize) -> Value {
    serde_json::to_value(plain).expect("text, numbers and maps with text keys")
}
