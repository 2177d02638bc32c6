//! One object: defaults laid under it, references replaced, held against the schema, read, checked.
//! Every mistake is found in one go; what is broken is left out so that the rest can still be checked.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::interpolate::{Each, Resolved, Scope, interpolate, refers};
use super::ledger::Ledger;
use super::outside::Outside;
use super::{check, shape};
use crate::diag::{Code, Part, Route, Seg, Severity};
use crate::model::bounds;
use crate::model::check::{Checker, Finding};
use crate::model::{
    Declared, Ensure, FieldError, Intent, Kind, META_KEYS, Meta, Origin, Resource, as_written, at_route,
};

/// What reading an object needs to know.
pub struct Context<'a> {
    /// The schema of the file format.
    pub schema: &'a shape::Rules<'a>,
    /// Variables by name.
    pub variables: &'a BTreeMap<String, Resolved>,
    /// What was used so far.
    pub ledger: &'a Ledger,
    /// The environment and files.
    pub outside: &'a dyn Outside,
    /// Whether a secret that is not set is a warning.
    pub lenient_secrets: bool,
}

impl Context<'_> {
    /// Replaces references; without a directory only `var` and `each` may stand.
    pub fn interpolate(
        &self,
        value: &Value,
        each: Option<&Each>,
        dir: Option<&Path>,
        findings: &mut Vec<Finding>,
    ) -> Resolved {
        let scope = Scope {
            variables: self.variables,
            ledger: self.ledger,
            each,
            outside: dir.map(|dir| (self.outside, dir)),
            lenient_secrets: self.lenient_secrets,
        };
        interpolate(value, &scope, findings)
    }
}

/// An object as it was written, its name resolved.
pub struct Written<'a> {
    /// The kind of its section.
    pub kind: Kind,
    pub name: &'a str,
    /// Its fields and the keys of [`Meta`] but `for_each`. Most objects are what is written and nothing else, and these are not
    /// copied.
    pub body: Cow<'a, Value>,
    /// The fields of the file's defaults for the kind.
    pub defaults: Option<&'a Map<String, Value>>,
}

/// Reads an object. `None` where too little of it can be read; the findings say why.
pub fn read(
    object: Written<'_>,
    each: Option<&Each>,
    dir: &Path,
    origin: Origin,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Option<Declared> {
    let Written { kind, name, mut body, defaults } = object;
    if defaults.is_some() && body.get("external") != Some(&Value::Bool(true)) {
        lay_under(&mut body, defaults);
    }
    let before = findings.len();
    let (mut written, mut secrets) = (None, BTreeMap::new());
    if refers(&body) {
        let resolved = context.interpolate(&body, each, Some(dir), findings);
        secrets = resolved.secrets;
        written = Some(std::mem::replace(&mut body, Cow::Owned(resolved.value)));
    }
    let places = |severity| -> BTreeSet<Route> {
        let of = findings[before..].iter().filter(|finding| finding.severity == severity);
        of.map(|finding| finding.route.clone()).collect()
    };
    // A secret that is not set: that it is a text is known, what it says is not.
    let (broken, unset) = (places(Severity::Error), places(Severity::Warning));
    let mut shape = Vec::new();
    context.schema.check(&body, definition(kind), &mut shape);
    // What a broken reference left behind fits nowhere.
    let follows = |finding: &Finding| {
        broken.contains(&finding.route)
            || finding.code != Code::WrongType.name() && unset.contains(&finding.route)
    };
    findings.extend(shape.into_iter().filter(|finding| !follows(finding)));
    findings[before..]
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .for_each(|f| take_out(body.to_mut(), &f.route, broken.contains(&f.route)));

    let meta = take_meta(kind, &mut body, findings)?;
    if kind == Kind::Chart {
        // Its identity, which stands beside its fields.
        body.to_mut().as_object_mut()?.shift_remove("name");
    }
    let resource = read_fields(kind, &mut body, &unset, findings)?;

    let mut checker = Checker::new(name);
    check::meta(&meta, kind, &mut checker);
    if body.as_object()?.values().any(Value::is_null) {
        check::cleared(&resource, &mut checker);
    }
    if meta.external == Some(true) {
        check::external(&resource, &mut checker);
    } else {
        resource.spec().check(&mut checker);
        bounds::check(kind, &body, &mut checker);
    }
    let intent = match (meta.external, meta.ensure) {
        (Some(true), _) => Intent::External,
        (_, Some(Ensure::Absent)) => Intent::Absent,
        _ => Intent::Present,
    };
    let protect = meta.protect.unwrap_or(false);
    add(checker.into_findings(), &resource, written.as_deref(), &unset, before, findings);
    Some(Declared { kind, resource, intent, protect, renamed_from: meta.renamed_from, origin, secrets })
}

/// Adds what the checks found to the findings of the object, which begin at `before`.
fn add(
    found: Vec<Finding>,
    resource: &Resource,
    written: Option<&Value>,
    unset: &BTreeSet<Route>,
    before: usize,
    findings: &mut Vec<Finding>,
) {
    if found.is_empty() {
        return;
    }
    let errors = findings[before..].iter().filter(|finding| finding.severity == Severity::Error);
    let broken: Vec<Route> = errors.map(|f| f.route.clone()).filter(|r| *r != Route::root()).collect();
    // What follows from something already reported would only repeat it.
    let follows = |f: &Finding| {
        let below = || broken.iter().any(|b| b.0.starts_with(&f.route.0));
        f.route != Route::root() && (unset.contains(&f.route) || below())
    };
    let resolved = Value::Object(resource.fields());
    for finding in found.into_iter().filter(|finding| !follows(finding)) {
        let part = {
            let text = |value| at_route(value, &finding.route).and_then(Value::as_str);
            as_written(finding.part, text(&resolved), text(written.unwrap_or(&resolved)))
        };
        findings.push(Finding { part, ..finding });
    }
}

/// Takes the keys of [`Meta`] out of an object.
fn take_meta(kind: Kind, body: &mut Cow<'_, Value>, findings: &mut Vec<Finding>) -> Option<Meta> {
    let mut keys = body.as_object()?.keys();
    if !keys.any(|key| META_KEYS.contains(&key.as_str())) {
        return Some(Meta::default());
    }
    let body = body.to_mut().as_object_mut()?;
    let meta = META_KEYS.iter().filter_map(|key| Some(((*key).to_owned(), body.shift_remove(*key)?)));
    // Of the right types, as the shape was checked; if not, then no object is better than one without its `protect`.
    let meta = Meta::deserialize(Value::Object(meta.collect()));
    let found = |error: serde_json::Error| {
        findings.push(misfit(kind, FieldError { route: Route::root(), message: error.to_string() }));
    };
    meta.map_err(found).ok()
}

/// The name of a kind's entry in the schema.
pub(super) fn definition(kind: Kind) -> &'static str {
    match kind {
        Kind::Service => "ServiceEntry",
        Kind::Metric => "MetricEntry",
        Kind::Composite => "CompositeEntry",
        Kind::Annotation => "AnnotationEntry",
        Kind::Alert => "AlertEntry",
        Kind::Space => "SpaceEntry",
        Kind::Chart => "ChartEntry",
    }
}

/// Gives an object the default fields it does not write; attributes key by key, as they are managed.
fn lay_under(body: &mut Cow<'_, Value>, defaults: Option<&Map<String, Value>>) {
    let Value::Object(body) = body.to_mut() else { return };
    for (field, default) in defaults.into_iter().flatten() {
        match (body.get_mut(field), default) {
            (None, _) => {
                body.insert(field.clone(), default.clone());
            }
            (Some(Value::Object(own)), Value::Object(more)) if field == "attributes" => {
                for (key, value) in more {
                    own.entry(key.clone()).or_insert_with(|| value.clone());
                }
            }
            _ => {}
        }
    }
}

/// What stands for a text that a broken reference would have given, where what is around it can still be checked.
pub(super) const LOST: &str = "lost.invalid";

/// Takes out what is broken: with something in its place where it is a reference in a list, whose other items are to be checked.
fn take_out(value: &mut Value, route: &Route, is_reference: bool) {
    let in_place = match route.segs().split_last() {
        Some((Seg::Key(key), above)) if above.iter().any(|seg| matches!(seg, Seg::Index(_))) => {
            is_required(key).then(|| if key == "value" { 0.into() } else { LOST.into() })
        }
        Some((Seg::Index(at), above)) => {
            let list = at_route(value, &Route(above.to_vec())).and_then(Value::as_array);
            let mut others = list.into_iter().flatten().enumerate().filter(|(i, _)| i != at);
            others.all(|(_, other)| other.is_string() || other.is_null()).then(|| LOST.into())
        }
        _ => None,
    };
    let found = route.segs().iter().try_fold(&mut *value, |value, seg| match seg {
        Seg::Key(key) => value.get_mut(key),
        Seg::Index(i) => value.get_mut(*i),
    });
    match (in_place, found) {
        (Some(in_place), Some(found)) if is_reference => *found = in_place,
        _ => cut(value, route),
    }
}

/// What an item of a list cannot do without.
fn is_required(key: &str) -> bool {
    matches!(key, "type" | "metric_name" | "name" | "operator" | "value")
}

/// Removes what is broken. Inside a list item that cannot do without it, the whole list goes, lest indices shift.
fn cut(value: &mut Value, route: &Route) {
    let segs = route.segs();
    let list = segs.iter().position(|seg| matches!(seg, Seg::Index(_)));
    let end = match (list, segs.last()) {
        (Some(list), Some(Seg::Index(_))) => list,
        (Some(list), Some(Seg::Key(key))) if is_required(key) => list,
        _ => segs.len(),
    };
    // A list item that lacks a field is reported at the item, so its last step is an index.
    let Some((Seg::Key(last), parents)) = segs[..end].split_last() else { return };
    let parent = parents.iter().try_fold(value, |value, seg| match seg {
        Seg::Key(key) => value.get_mut(key),
        Seg::Index(i) => value.get_mut(*i),
    });
    if let Some(Value::Object(map)) = parent {
        map.shift_remove(last);
    }
}

/// Reads the fields of a kind, leaving out one after another those that do not fit.
fn read_fields(
    kind: Kind,
    body: &mut Cow<'_, Value>,
    unset: &BTreeSet<Route>,
    findings: &mut Vec<Finding>,
) -> Option<Resource> {
    loop {
        match Resource::from_fields(kind, body.as_object()?) {
            Ok(resource) => return Some(resource),
            Err(error) => {
                let before = body.clone().into_owned();
                cut(body.to_mut(), &error.route);
                if !unset.contains(&error.route) {
                    findings.push(misfit(kind, error));
                }
                if **body == before {
                    return None;
                }
            }
        }
    }
}

/// What the reader of a field says repeats its value, which of a service may be a secret.
fn misfit(kind: Kind, error: FieldError) -> Finding {
    let message = if kind == Kind::Service { "this does not fit here".to_owned() } else { error.message };
    Finding {
        severity: Severity::Error,
        code: Code::WrongValue.name(),
        route: error.route,
        part: Part::Value,
        message,
        help: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::check::at;

    #[test]
    fn what_is_broken_is_cut_without_moving_the_rest() {
        let whole = json!({"a": 1, "conditions": [{"type": "x", "threshold": 1}, {"duration": 2}]});
        let cut_at = |route: Route| {
            let mut value = whole.clone();
            cut(&mut value, &route);
            value
        };
        assert_eq!(cut_at(at(["a"])), json!({"conditions": whole["conditions"]}));
        let list = at(["conditions"]);
        assert_eq!(cut_at(list.index(0).key("threshold"))["conditions"][0], json!({"type": "x"}));
        assert_eq!(cut_at(list.index(0).key("type")), json!({"a": 1}));
        assert_eq!(cut_at(list.index(1)), json!({"a": 1}));
    }

    #[test]
    fn defaults_fill_attributes_key_by_key() {
        let mut body = Cow::Owned(json!({"attributes": {"color": "#fff000"}, "period": null}));
        let defaults =
            json!({"attributes": {"color": "#000000", "aggregate": true}, "period": 60, "type": "gauge"});
        lay_under(&mut body, defaults.as_object());
        let expected =
            json!({"attributes": {"color": "#fff000", "aggregate": true}, "period": null, "type": "gauge"});
        assert_eq!(*body, expected);
    }
}
