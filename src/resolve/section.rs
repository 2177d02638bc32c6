//! The sections of a document: names, `for_each`, `defaults`, and names that are declared twice.
//! What an object says is read in `entry`.

use serde_json::{Map, Value};

use super::entry::{self, Context};
use super::interpolate::{Each, Resolved, describe};
use super::problem;
use crate::diag::{Diagnostic, Files, Part, Place, Report, Route};
use crate::load::Document;
use crate::model::check::Finding;
use crate::model::{Address, Desired, Kind, META_KEYS, Origin, Wish};

/// The kinds that have a section of their own.
const KINDS: [Kind; 5] = [Kind::Metric, Kind::Composite, Kind::Annotation, Kind::Service, Kind::Alert];

/// Reads all objects of a document into `desired`.
pub fn read_all(
    document: &Document,
    context: &Context<'_>,
    files: &Files,
    desired: &mut Desired,
    report: &mut Report,
) {
    if document.value.get("spaces").is_some_and(|section| !section.is_null()) {
        let place = Place::Node { file: document.file, route: Route::root().key("spaces"), part: Part::Key };
        let message = "spaces and charts are not supported by this version";
        report.push(Diagnostic::error("not-supported", message).at(place, "remove this section"));
    }
    let all_defaults = read_defaults(document, report);
    for kind in KINDS {
        let Some(section) = document.value.get(kind.section()) else { continue };
        let route = Route::root().key(kind.section());
        let Some(section) = as_map(section, document, &route, report) else { continue };
        let defaults = all_defaults.get(kind.section()).and_then(Value::as_object);
        for (name, body) in section {
            let origin = Origin {
                file: document.file,
                route: route.key(name),
                defaults: defaults.map(|_| Route::root().key("defaults").key(kind.section())),
            };
            let template = Template { kind, name, body, defaults, document, origin };
            for (address, wish) in template.expand(context, files, report) {
                insert(address, wish, files, desired, report);
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
        if !KINDS.iter().any(|kind| kind.section() == name) {
            let close = crate::diag::suggest(name, KINDS.iter().map(|kind| kind.section()));
            let hint = close.map_or_else(
                || "defaults are given by section: metrics, alerts and so on".into(),
                |close| format!("did you mean `{close}`?"),
            );
            let message = format!("`{name}` is not a kind of object");
            report.push(Diagnostic::error("unknown-field", message).at(place(Part::Key), "").help(hint));
            continue;
        }
        if !matches!(fields, Value::Object(_) | Value::Null) {
            let message = format!("expected a map of fields, found {}", describe(fields));
            report.push(Diagnostic::error("wrong-type", message).at(place(Part::Value), ""));
        }
        for key in
            fields.as_object().into_iter().flat_map(Map::keys).filter(|key| META_KEYS.contains(&key.as_str()))
        {
            let place = Place::Node { file: document.file, route: route.key(name).key(key), part: Part::Key };
            let message = format!("`{key}` is said of one object and cannot be a default");
            report.push(Diagnostic::error("misplaced-field", message).at(place, ""));
        }
    }
    section.clone()
}

fn as_map<'d>(
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
            report.push(Diagnostic::error("wrong-type", message).at(place, ""));
            None
        }
    }
}

/// An object as written, before `for_each` makes any number of it.
struct Template<'a> {
    kind: Kind,
    name: &'a str,
    body: &'a Value,
    defaults: Option<&'a Map<String, Value>>,
    document: &'a Document,
    origin: Origin,
}

impl Template<'_> {
    fn expand(&self, context: &Context<'_>, files: &Files, report: &mut Report) -> Vec<(Address, Wish)> {
        let mut findings = Vec::new();
        let items = self.items(context, &mut findings);
        let mut made = Vec::new();
        for each in &items {
            if let Some(object) = self.instance(each.as_ref(), context, &mut findings) {
                findings.extend(self.lost_color(&object.1, files));
                made.push(object);
            }
        }
        // Each item of a `for_each` meets the same mistakes at the same places: say them once.
        let mut said: Vec<Finding> = Vec::new();
        for finding in findings {
            if !said.contains(&finding) {
                let place = self.origin.place(files, &finding.route, finding.part);
                said.push(finding.clone());
                report.push(problem(finding, place));
            }
        }
        made
    }

    /// A colour that YAML took for a comment, which would clear the colour instead of setting it.
    fn lost_color(&self, wish: &Wish, files: &Files) -> Option<Finding> {
        let route = Route::root().key("attributes").key("color");
        let fields = Value::Object(wish.resource.fields());
        let cleared = super::at_route(&fields, &route) == Some(&Value::Null);
        // Looking for the place reads the whole file again, so only for a reason.
        let place = cleared.then(|| wish.origin.place(files, &route, Part::Value))?;
        let position = files.locate(&place)?;
        let rest = files.text(wish.origin.file).get(position.span.end..)?;
        // A value that is left blank is shown by its key.
        let comment = rest.lines().next()?.trim_start_matches([':', ' ', '"', '\'']);
        comment.starts_with('#').then(|| Finding {
            severity: crate::diag::Severity::Warning,
            code: "lost-color",
            route,
            part: Part::Value,
            message: "this clears the colour, since `#` starts a comment in YAML".to_owned(),
            help: vec!["write it quoted, color: \"#52D74C\"; or only `null`, to clear it".to_owned()],
        })
    }

    fn items(&self, context: &Context<'_>, findings: &mut Vec<Finding>) -> Vec<Option<Each>> {
        let Some(for_each) = self.body.get("for_each").filter(|items| !items.is_null()) else {
            return vec![None];
        };
        let mut inside = Vec::new();
        let found = context.interpolate(for_each, None, None, &mut inside);
        let here = Route::root().key("for_each");
        let broken = !inside.is_empty();
        findings.extend(inside.into_iter().map(|f| Finding { route: here.join(&f.route), ..f }));
        let below = |route: &Route| Resolved {
            value: super::at_route(&found.value, route).cloned().unwrap_or_default(),
            secrets: found
                .secrets
                .iter()
                .filter_map(|(at, text)| {
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
                                "wrong-type",
                                message,
                                "write a map of key: value",
                            ));
                            return None;
                        }
                    };
                    Some(Some(Each { key, value: below(&Route::root().index(i)) }))
                };
                list.iter().enumerate().filter_map(key).collect()
            }
            Value::Object(map) => map
                .keys()
                .map(|key| Some(Each { key: key.clone(), value: below(&Route::root().key(key)) }))
                .collect(),
            _ if broken => Vec::new(),
            other => {
                let message = format!("expected a list or a map, found {}", describe(other));
                findings.push(error(
                    here,
                    "wrong-type",
                    &message,
                    "or a reference to one, such as `${var.regions}`",
                ));
                Vec::new()
            }
        }
    }

    fn instance(
        &self,
        each: Option<&Each>,
        context: &Context<'_>,
        findings: &mut Vec<Finding>,
    ) -> Option<(Address, Wish)> {
        let mut in_name = Vec::new();
        let Resolved { value: name, secrets } =
            context.interpolate(&Value::String(self.name.to_owned()), each, None, &mut in_name);
        if !secrets.is_empty() {
            let message = "a secret cannot be part of a name: names are shown everywhere";
            in_name.push(error(
                Route::root(),
                "misplaced-reference",
                message,
                "use a variable without a secret in it",
            ));
        }
        let name = match &name {
            Value::String(name) => name.clone(),
            Value::Number(_) | Value::Bool(_) => name.to_string(),
            _ => String::new(),
        };
        if !in_name.is_empty() {
            findings.extend(in_name.into_iter().map(|f| Finding {
                part: Part::Key,
                route: Route::root(),
                ..f
            }));
            return None;
        }
        let body = match self.body {
            // Not with the list of a `for_each`, which would be copied for each of its items.
            Value::Object(body) => body
                .iter()
                .filter(|(key, _)| *key != "for_each")
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            Value::Null => Map::new(),
            other => {
                let message = format!("expected a map of fields, found {}", describe(other));
                findings.push(error(
                    Route::root(),
                    "wrong-type",
                    &message,
                    "write `{}` for an object without fields",
                ));
                return None;
            }
        };
        let written = entry::Written { kind: self.kind, name: &name, body, defaults: self.defaults };
        let wish = entry::read(written, each, &self.document.dir, self.origin.clone(), context, findings)?;
        Some((Address::new(self.kind.collection(), name), wish))
    }
}

fn error(route: Route, code: &'static str, message: &str, help: &str) -> Finding {
    Finding {
        severity: crate::diag::Severity::Error,
        code,
        route,
        part: Part::Value,
        message: message.to_owned(),
        help: vec![help.to_owned()],
    }
}

/// Adds an object, unless its name is taken: metrics and composites share one name space, case ignored.
fn insert(address: Address, wish: Wish, files: &Files, desired: &mut Desired, report: &mut Report) {
    let Some(first) = desired.objects.get(&address) else {
        desired.objects.insert(address, wish);
        return;
    };
    let (here, there) = [&wish, first].map(|w| w.origin.place(files, &Route::root(), Part::Key)).into();
    let what = match (first.kind == wish.kind, here == there) {
        (_, true) => format!("`for_each` makes more than one {} called `{address}`", wish.kind),
        (true, false) => format!("the {} `{address}` is declared twice", wish.kind),
        (false, false) => format!("`{address}` is declared as {} and as {}", first.kind, wish.kind),
    };
    let diagnostic = Diagnostic::error("repeated-name", what);
    report.push(if here == there {
        diagnostic.at(here, "").help("use `${each.key}` in the name")
    } else {
        let diagnostic = diagnostic.at(here, "declared again here").also(there, "declared here");
        if wish.kind.collection().ignores_case() {
            diagnostic.help("metrics and composites share one name space, in which case makes no difference")
        } else {
            diagnostic
        }
    });
}
