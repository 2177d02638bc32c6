//! What must hold of every kind alike: the keys beside its own fields, and which fields `null` may clear.
//! Checks that belong to one kind stand with the kind.

use crate::diag::{Code, Route};
use crate::model::check::{Checker, at};
use crate::model::{Ensure, Kind, Meta, Resource, Shape};

/// Combinations of `external`, `ensure`, `renamed_from` that mean nothing.
pub fn meta(meta: &Meta, kind: Kind, found: &mut Checker<'_>) {
    let absent = meta.ensure == Some(Ensure::Absent);
    let external = meta.external == Some(true);
    if external && meta.ensure.is_some() {
        found
            .error(
                at(["ensure"]),
                Code::MisplacedField,
                "an external object is never written, so `ensure` means nothing",
            )
            .on_key();
    }
    let Some(old) = &meta.renamed_from else { return };
    if !kind.can_be_renamed() {
        found
            .error(
                at(["renamed_from"]),
                Code::MisplacedField,
                format!("the API cannot rename {}", kind.section()),
            )
            .on_key()
            .help("its name is its identity, and the data stays under the old one");
    } else if external || absent {
        let message = "only an object that is written can be renamed";
        found.error(at(["renamed_from"]), Code::MisplacedField, message).on_key();
    } else if old == found.name() {
        let message = "the former name is the same as the name";
        found.error(at(["renamed_from"]), Code::WrongValue, message).help("remove the line");
    }
}

/// `null` only where the API can clear the field.
pub fn cleared(resource: &Resource, found: &mut Checker<'_>) {
    let spec = resource.spec();
    for (field, value) in &resource.fields() {
        if value.is_null() && !spec.clearable().contains(&field.as_str()) {
            let hint = match (spec.shape(field), field.as_str()) {
                (Shape::Set | Shape::Items | Shape::Sequence, _) => {
                    "write `[]` for an empty list, or leave the field out"
                }
                (Shape::OwnedMap, _) => "write `{}` for an empty map, or leave the field out",
                (Shape::Plain, _) => "write a value, or leave the field out to keep what the service has",
            };
            found.error(at([field]), Code::CannotClear, format!("the API cannot clear `{field}`")).help(hint);
        }
    }
}

/// An external object is only referred to. Of a service the type may be said, since several types may share a title.
pub fn external(resource: &Resource, found: &mut Checker<'_>) {
    let compared = |field: &str| field == "type" && resource.kind() == Kind::Service;
    if let Some(field) = resource.fields().keys().find(|field| !compared(field)) {
        let message = format!("an external object is never written, so `{field}` has no effect");
        found
            .error(Route::root().key(field), Code::MisplacedField, message)
            .on_key()
            .help("remove the field, or `external: true`");
    }
}
