//! The sections of a document: names, `for_each`, `defaults`, and names that are declared twice.
//! What an object says is read in `entry`, the charts of a space in `charts`.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::blueprint::{Spot, Template};
use super::charts;
use super::colors;
use super::entry::{self, Context};
use super::findings::{error, tell};
use super::interpolate::{Each, Resolved, describe};
use super::ledger::{MAX_OBJECTS, Refused};
use super::template;
use crate::diag::{Code, Diagnostic, Files, Part, Place, Report, Route, Seg};
use crate::load::Document;
use crate::model::check::Finding;
use crate::model::{Address, Collection, Declared, Desired, Intent, Kind, META_KEYS};

/// The kinds that have a section of their own.
const KINDS: [Kind; 6] =
    [Kind::Metric, Kind::Composite, Kind::Annotation, Kind::Service, Kind::Alert, Kind::Space];

/// Reads all objects of a document into `desired`.
pub fn read_all(
    document: &Document,
    context: &Context<'_>,
    files: &Files,
    desired: &mut Desired,
    report: &mut Report,
) {
    let all_defaults = read_defaults(document, report);
    for kind in KINDS {
        let Some(section) = document.value.get(kind.section()) else { continue };
        let route = Route::root().key(kind.section());
        let Some(section) = as_map(section, document, &route, report) else { continue };
        let mut above: Option<&str> = None;
        for (name, body) in section {
            let (space, outer) = (None, None);
            let at = Spot { document, route: route.key(name), all_defaults: &all_defaults };
            let template = Template { kind, name, body, at, space, outer, above };
            above = Some(name);
            for (address, declared) in template.expand(context, files, report) {
                insert(address, declared, files, desired, report);
            }
        }
    }
}

/// The defaults of a document, held against the schema as a whole. Blank is empty.
fn read_defaults(document: &Document, report: &mut Report) -> Map<String, Value> {
    let route = Route::root().key("defaults");
    let Some(section) = document.value.get("defaults") else { return Map::new() };
    let Some(section) = as_map(section, document, &route, report) else { return Map::new() };
    for (name, fields) in section {
        let place = |part| Place::Node { file: document.file, route: route.key(name), part };
        // Charts have no section, but defaults.
        let kinds = || KINDS.iter().chain([&Kind::Chart]).map(|kind| kind.section());
        if !kinds().any(|section| section == name) {
            let close = crate::diag::suggest(name, kinds());
            let hint = close.map_or_else(
                || "defaults are given by section: metrics, alerts and so on".into(),
                |close| format!("did you mean `{close}`?"),
            );
            let message = format!("`{name}` is not a kind of object");
            report.push(Diagnostic::error(Code::UnknownField, message).at(place(Part::Key), "").help(hint));
            continue;
        }
        if !matches!(fields, Value::Object(_) | Value::Null) {
            let message = format!("expected a map of fields, found {}", describe(fields));
            report.push(Diagnostic::error(Code::WrongType, message).at(place(Part::Value), ""));
        }
        for key in fields.as_object().into_iter().flat_map(Map::keys).filter(|key| is_of_one(name, key)) {
            let place = Place::Node { file: document.file, route: route.key(name).key(key), part: Part::Key };
            let message = format!("`{key}` is said of one object and cannot be a default");
            report.push(Diagnostic::error(Code::MisplacedField, message).at(place, ""));
        }
    }
    section.clone()
}

/// Whether a key makes sense for one object only.
fn is_of_one(section: &str, key: &str) -> bool {
    META_KEYS.contains(&key) || matches!((section, key), ("spaces", "charts") | ("charts", "name"))
}

/// A section as a map of names; nothing where it is blank, or is reported to be something else.
pub(super) fn as_map<'d>(
    section: &'d Value,
    document: &Document,
    route: &Route,
    report: &mut Report,
) -> Option<&'d Map<String, Value>> {
    match section {
        Value::Object(map) => Some(map),
        Value::Null => None,
        other => {
            let place = Place::Node { file: document.file, route: route.clone(), part: Part::Value };
            let message = format!("expected a map of names, found {}", describe(other));
            let mut wrong = Diagnostic::error(Code::WrongType, message).at(place, "");
            if let (Value::Array(_), Some(Seg::Key(section))) = (other, route.segs().last()) {
                wrong = wrong.help(format!(
                    "each stands below its name, without `-` and `name:`: `{section}: {{ NAME: {{ … }} }}`"
                ));
            }
            report.push(wrong);
            None
        }
    }
}

impl Template<'_> {
    fn expand(&self, context: &Context<'_>, files: &Files, report: &mut Report) -> Vec<(Address, Declared)> {
        let mut findings = Vec::new();
        let made = self.make(context, files, &mut findings);
        for finding in findings {
            let place = self.at.origin(self.kind).place(files, &finding.route, finding.part);
            tell(finding, place, report);
        }
        made
    }

    /// The objects, each space followed by its charts.
    pub fn make(
        &self,
        context: &Context<'_>,
        files: &Files,
        findings: &mut Vec<Finding>,
    ) -> Vec<(Address, Declared)> {
        let mut made = Vec::new();
        let items = items(self.body, self.outer, context, findings);
        // Before any is made: there may be more than any memory holds.
        let made_by_lists = items.iter().flatten().count();
        match context.ledger.takes_objects(made_by_lists) {
            Ok(()) => {}
            Err(Refused::First) => {
                findings.push(too_many(made_by_lists));
                return Vec::new();
            }
            Err(Refused::Again) => return Vec::new(),
        }
        for each in &items {
            let Some((address, declared)) = self.instance(each.as_ref(), context, findings) else {
                if self.kind == Kind::Space {
                    self.charts(entry::LOST, each.as_ref(), context, files, findings);
                }
                continue;
            };
            findings.extend(colors::lost(self.body, &declared, files));
            let charts = match self.kind {
                Kind::Space => self.charts(&address.name, each.as_ref(), context, files, findings),
                _ => Vec::new(),
            };
            // Charts of a space that shall not exist are checked and left out: they go with it.
            let goes = declared.intent == Intent::Absent;
            made.push((address, declared));
            made.extend(charts.into_iter().filter(|_| !goes));
        }
        made
    }

    /// The charts of a space that this makes.
    fn charts(
        &self,
        space: &str,
        each: Option<&Each>,
        context: &Context<'_>,
        files: &Files,
        findings: &mut Vec<Finding>,
    ) -> Vec<(Address, Declared)> {
        let mut made = Vec::new();
        for chart in charts::read(self, space, each) {
            let (route, chart) = match chart {
                Ok(chart) => chart,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let mut inside = Vec::new();
            made.extend(chart.make(context, files, &mut inside));
            findings
                .extend(inside.into_iter().map(|found| Finding { route: route.join(&found.route), ..found }));
        }
        made
    }

    fn instance(
        &self,
        each: Option<&Each>,
        context: &Context<'_>,
        findings: &mut Vec<Finding>,
    ) -> Option<(Address, Declared)> {
        let mut in_name = Vec::new();
        let Resolved { value: name, secrets } =
            context.interpolate(&Value::String(self.name.to_owned()), each, None, &mut in_name);
        if !secrets.is_empty() {
            let message = "a secret cannot be part of a name: names are shown everywhere";
            in_name.push(error(
                Route::root(),
                Code::MisplacedReference,
                message,
                "use a variable without a secret in it",
            ));
        }
        let name = match &name {
            Value::String(name) => name.clone(),
            Value::Number(_) | Value::Bool(_) => name.to_string(),
            _ => String::new(),
        };
        // It is read all the same, for what else is wrong with it.
        let is_named = in_name.is_empty();
        let name = if is_named { name } else { entry::LOST.to_owned() };
        findings.extend(in_name.into_iter().map(|f| Finding { part: Part::Key, route: Route::root(), ..f }));
        // Not with the list of a `for_each`, which would be copied for each of its items.
        let left_out = |key: &str| key == "for_each" || key == "charts" && self.kind == Kind::Space;
        let is_name = |key: &str| key == "name" && self.kind == Kind::Chart;
        let body = match self.body {
            Value::Object(body) if body.keys().any(|key| left_out(key) || is_name(key)) => {
                let rest = body.iter().filter(|(key, _)| !left_out(key));
                let rest = rest.map(|(key, value)| match is_name(key) {
                    true => (key.clone(), template::escape(&name).into()),
                    false => (key.clone(), value.clone()),
                });
                Cow::Owned(Value::Object(rest.collect()))
            }
            Value::Object(_) => Cow::Borrowed(self.body),
            Value::Null => Cow::Owned(Value::Object(Map::new())),
            other => {
                findings.push(self.no_fields(other, context));
                return None;
            }
        };
        let defaults = self.at.all_defaults.get(self.kind.section()).and_then(Value::as_object);
        let written = entry::Written { kind: self.kind, name: &name, body, defaults };
        let origin = self.at.origin(self.kind);
        let declared = entry::read(written, each, &self.at.document.dir, origin, context, findings)?;
        if !is_named {
            return None;
        }
        let address = match self.space {
            Some(space) => Address::chart(space, name),
            None => Address::new(self.kind.collection(), name),
        };
        Some((address, declared))
    }
}

impl Template<'_> {
    /// Where something else stands in the place of an object's fields.
    fn no_fields(&self, found: &Value, context: &Context<'_>) -> Finding {
        let misplaced = context.schema.has_field(entry::definition(self.kind), self.name);
        if let (true, Some(above)) = (misplaced, self.above) {
            let message = format!("`{}` is a field, not the name of an object", self.name);
            let help = format!("indent it below `{above}`");
            return Finding { part: Part::Key, ..error(Route::root(), Code::WrongType, &message, &help) };
        }
        let message = format!("expected a map of fields, found {}", describe(found));
        let help = match (self.kind, found.as_str()) {
            (Kind::Metric, Some(word @ ("gauge" | "counter"))) => format!("write `{{ type: {word} }}`"),
            (Kind::Composite, Some(_)) => "write `{ composite: '…' }`".to_owned(),
            (Kind::Annotation, Some(_)) => "write `{ display_name: … }`".to_owned(),
            _ => "write `{}` for an object without fields".to_owned(),
        };
        error(Route::root(), Code::WrongType, &message, &help)
    }
}

/// What a `for_each` makes its object for; without one, the object itself once.
pub(super) fn items(
    body: &Value,
    outer: Option<&Each>,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Vec<Option<Each>> {
    let Some(for_each) = body.get("for_each").filter(|items| !items.is_null()) else {
        return vec![outer.cloned()];
    };
    let mut inside = Vec::new();
    let found = context.interpolate(for_each, None, None, &mut inside);
    let here = Route::root().key("for_each");
    let broken = !inside.is_empty();
    findings.extend(inside.into_iter().map(|f| Finding { route: here.join(&f.route), ..f }));
    let below = |route: &Route| Resolved {
        value: crate::model::at_route(&found.value, route).cloned().unwrap_or_default(),
        // In the order of routes, what is below one comes right behind it.
        secrets: found
            .secrets
            .range(route..)
            .map_while(|(at, text)| {
                Some((Route(at.0.strip_prefix(route.0.as_slice())?.to_vec()), text.clone()))
            })
            .collect(),
    };
    match &found.value {
        Value::Array(list) => {
            let key = |(i, item): (usize, &Value)| {
                let key = match item {
                    Value::String(text) => text.clone(),
                    Value::Number(_) | Value::Bool(_) => item.to_string(),
                    // What a broken reference left behind was reported there.
                    Value::Null if broken => return None,
                    _ => {
                        let message =
                            "items of a list must be text, numbers or booleans, since they become keys";
                        findings.push(error(
                            here.index(i),
                            Code::WrongType,
                            message,
                            "write a map of key: value",
                        ));
                        return None;
                    }
                };
                Some(Some(Each { key, value: below(&Route::root().index(i)), is_unknown: false }))
            };
            list.iter().enumerate().filter_map(key).collect()
        }
        Value::Object(map) => map
            .keys()
            .map(|key| {
                let value = below(&Route::root().key(key));
                Some(Each { key: key.clone(), value, is_unknown: false })
            })
            .collect(),
        // One, so that what else is wrong with it is found.
        _ if broken => {
            let value = Resolved { value: Value::Null, secrets: Default::default() };
            vec![Some(Each { key: String::new(), value, is_unknown: true })]
        }
        other => {
            let message = format!("expected a list or a map, found {}", describe(other));
            findings.push(error(
                here,
                Code::WrongType,
                &message,
                "or a reference to one, such as `${var.regions}`",
            ));
            Vec::new()
        }
    }
}

pub(super) fn too_many(here: usize) -> Finding {
    let message = format!("`for_each` makes more than {MAX_OBJECTS} objects, with the {here} of this one");
    let help = "do lists repeat each other? Split what is meant into several runs";
    error(Route::root().key("for_each"), Code::TooLarge, &message, help)
}

/// Adds an object, unless its name is taken: metrics and composites share one name space, and case is ignored as the service does.
fn insert(address: Address, declared: Declared, files: &Files, desired: &mut Desired, report: &mut Report) {
    let Some((name, first)) = desired.objects.get_key_value(&address) else {
        if let Some(space) = &address.parent {
            desired.chart_order.entry(space.clone()).or_default().push(address.name.clone());
        }
        desired.objects.insert(address, declared);
        return;
    };
    let (here, there) = [&declared, first].map(|w| w.origin.place(files, &Route::root(), Part::Key)).into();
    let what = match (first.kind == declared.kind, here == there) {
        (_, true) => format!("`for_each` makes more than one {} called `{address}`", declared.kind),
        (true, false) => format!("the {} `{address}` is declared twice", declared.kind),
        (false, false) => format!("`{address}` is declared as {} and as {}", first.kind, declared.kind),
    };
    let diagnostic = Diagnostic::error(Code::RepeatedName, what);
    report.push(if here == there {
        diagnostic.at(here, "").help("use `${each.key}` in the name")
    } else {
        let diagnostic = diagnostic.at(here, "declared again here").also(there, "declared here");
        match declared.kind.collection() {
            Collection::Metrics => diagnostic
                .help("metrics and composites share one name space, in which case makes no difference"),
            _ if name.name != address.name => {
                diagnostic.help("in these names case makes no difference to the service")
            }
            _ => diagnostic,
        }
    });
}
