//! From statements to definitions: `alert`, `service`, `space` with its charts. Each knows the words lbrt has for it.
//! A word it does not have, and everything computed, is reported.

use std::ops::Range;

use serde_json::Value;

use super::super::Source;
use super::super::collected::Collected;
use super::super::draft::Draft;
use super::super::node::{Node, Val};
use super::super::reader::{Reader, Want};
use super::super::settings;
use super::names::{Meant, Services, notified, reserve};
use super::parser::{Parsed, Statement};
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Report};
use crate::model::Kind;

/// What may be shown of a file, and what of that may not: definitions, but no settings; of everything else the first word.
pub(super) fn visible(parsed: &Parsed) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut shown, mut hidden) = (Vec::new(), Vec::new());
    if !parsed.closed {
        return (shown, hidden);
    }
    for statement in &parsed.statements {
        let known = matches!(statement.name.as_str(), "alert" | "service" | "space");
        match &statement.call {
            Some(call) if known => {
                shown.push(statement.span.clone());
                let inside = call.block.iter().flatten();
                let settings = inside.filter(|_| statement.name == "service").map(|inner| inner.span.clone());
                hidden.extend(settings);
            }
            _ => shown.push(statement.head.clone()),
        }
    }
    (shown, hidden)
}

/// Makes definitions of all files.
pub(super) fn make(
    all: Vec<Parsed>,
    sources: &[Source],
    files: &mut Files,
    out: &mut Collected,
    report: &mut Report,
) {
    let mut services = Services::new();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for parsed in all {
        if !parsed.closed {
            let found = Diagnostic::error(Code::InvalidRuby, "a text or a block in this file is not closed")
                .at(Place::File(parsed.file), "")
                .help("what stands before it was read as far as it is plain");
            report.push(found);
        }
        for statement in parsed.statements {
            reserve(&statement, out);
            let of_a_service = statement.name == "service";
            if of_a_service { &mut first } else { &mut second }.push((parsed.file, statement));
        }
    }
    // What others refer to comes first: by then it has the name it is referred to by.
    for (file, statement) in first.into_iter().chain(second) {
        let mut making = Making {
            file,
            sources,
            files: &mut *files,
            out: &mut *out,
            services: &mut services,
            report: &mut *report,
        };
        making.statement(statement);
    }
}

struct Making<'a> {
    file: FileId,
    sources: &'a [Source],
    files: &'a mut Files,
    out: &'a mut Collected,
    services: &'a mut Services,
    report: &'a mut Report,
}

impl Making<'_> {
    fn place(&self, span: &Range<usize>) -> Place {
        Place::Bytes { file: self.file, span: span.clone() }
    }

    fn statement(&mut self, statement: Statement) {
        let place = self.place(&statement.head);
        let Some(call) = statement.call else {
            return self.report.push(not_plain(&statement.name, place));
        };
        let mut names = Vec::new();
        for argument in &call.arguments {
            let mut reader = Reader::new(format!("`{}`", statement.name), HINT, self.report);
            match &argument.value {
                Val::Map(_) => {}
                _ => names.push(reader.text(argument, "name")),
            }
        }
        let names: Option<Vec<String>> = names.into_iter().collect();
        let known = names.is_some();
        match (statement.name.as_str(), names.unwrap_or_default().as_slice(), call.block) {
            ("alert", [name], Some(block)) => self.alert(name, place, block),
            ("service", [of, title], Some(block)) => self.service(of, title, place, block),
            ("space", [name], Some(block)) => self.space(name, place, block),
            ("template", ..) => {
                let found = Diagnostic::note(Code::Template, "templates are not expanded").at(place, "");
                self.report.push(found.help("what uses one by `include_template` is reported where it does"));
            }
            ("require", [path], None) => self.require(path, place),
            // A name that could not be read has been reported.
            ("alert" | "service" | "space", _, Some(_)) if !known => {}
            (name, ..) => self.report.push(not_plain(name, place)),
        }
    }

    /// A file that is read anyway is no loss.
    fn require(&mut self, path: &str, place: Place) {
        let name = path.rsplit('/').next().unwrap_or(path);
        let name = name.strip_suffix(".rb").unwrap_or(name);
        let given = |source: &Source| {
            let own = source.name.rsplit('/').next().unwrap_or(&source.name);
            own.strip_suffix(".rb").unwrap_or(own) == name
        };
        if !self.sources.iter().any(given) {
            let found = Diagnostic::error(Code::NotRead, "this file was not given").at(place, "");
            self.report.push(found.help("give it to this command as well"));
        }
    }

    fn service(&mut self, of: &str, title: &str, place: Place, block: Vec<Statement>) {
        let who = format!("service \"{title}\"");
        let mut draft = Draft::new(&who, place.clone());
        draft.put("type", Some((of.into(), place)));
        for mut statement in block {
            let here = self.place(&statement.head);
            let word = std::mem::take(&mut statement.name);
            let mut reader = Reader::new(&who, HINT, self.report);
            match (word.as_str(), one(statement)) {
                ("settings", Some(node)) => {
                    let files = &mut *self.files;
                    let read = reader.whole(|reader| {
                        let fields = reader.map(node, "settings").unwrap_or_default();
                        settings::read(fields, Some(of), files, reader)
                    });
                    draft.put("settings", read.map(|map| (Value::Object(map), here)));
                }
                (name, _) => misplaced(&mut reader, name, here),
            }
        }
        let identity = (of.to_owned(), title.to_owned());
        let title = self.out.add(Kind::Service, None, title, draft);
        let meant = match (self.services.contains_key(&identity), title) {
            (true, _) => Meant::Several,
            (false, Some(title)) => Meant::Title(title),
            (false, None) => Meant::LeftOut,
        };
        self.services.insert(identity, meant);
    }

    fn alert(&mut self, name: &str, place: Place, block: Vec<Statement>) {
        let who = format!("alert \"{name}\"");
        let mut draft = Draft::new(&who, place.clone());
        let (file, mut conditions, mut titles) = (self.file, Vec::new(), Vec::<String>::new());
        let mut reader = Reader::new(&who, HINT, self.report);
        let mut whole = true;
        for mut statement in block {
            let here = Place::Bytes { file, span: statement.head.clone() };
            let name = std::mem::take(&mut statement.name);
            if ALERT_FIELDS.contains(&name.as_str()) {
                alert_field(&mut draft, &name, statement, here, &mut reader);
                continue;
            }
            // A statement that is not understood may add a condition or a service, so neither list would be whole.
            let read = reader.whole(|reader| match name.as_str() {
                "condition" => conditions.extend(condition(statement, &here, file, reader)),
                "service" => match texts(statement, reader).as_deref() {
                    Some([of, title]) => {
                        let title = notified(of, title, here, self.services, self.out, reader);
                        titles.extend(title.filter(|title| !titles.contains(title)));
                    }
                    _ => misplaced(reader, &name, here),
                },
                _ => misplaced(reader, &name, here),
            });
            whole &= read.is_some();
        }
        if whole {
            draft.put_items("conditions", conditions);
            draft.put("services", (!titles.is_empty()).then(|| (titles.into(), place)));
        } else {
            reader.leave_out(place, "`conditions` and `services`", &who);
        }
        self.out.add(Kind::Alert, None, name, draft);
    }

    fn space(&mut self, name: &str, place: Place, block: Vec<Statement>) {
        let who = format!("space \"{name}\"");
        let draft = Draft::new(&who, place);
        let space = self.out.add(Kind::Space, None, name, draft);
        for mut statement in block {
            let here = self.place(&statement.head);
            let word = std::mem::take(&mut statement.name);
            let call = statement.call;
            let named = call.as_ref().and_then(|call| match call.arguments.as_slice() {
                [Node { value: Val::Text(name), .. }] => Some(name.clone()),
                _ => None,
            });
            match (word.as_str(), named, call.and_then(|call| call.block)) {
                ("chart", Some(chart), Some(inside)) => match &space {
                    Some(space) => self.chart(space, &chart, here, inside),
                    None => {
                        let message = format!("the chart \"{chart}\" is left out with its space");
                        self.report.push(Diagnostic::error(Code::UnknownSpace, message).at(here, ""));
                    }
                },
                ("chart", None, Some(_)) => {
                    let mut reader = Reader::new(&who, HINT, self.report);
                    let help = "lbrt writes the id of a chart that has no name: give it a name first";
                    let message = format!("a chart of {who} is left out: its name is not a text");
                    reader.lose(here, Code::MissingName, message, Some(help.into()));
                }
                _ => misplaced(&mut Reader::new(&who, HINT, self.report), &word, here),
            }
        }
    }

    fn chart(&mut self, space: &str, name: &str, place: Place, block: Vec<Statement>) {
        let who = format!("chart \"{name}\" of \"{space}\"");
        let mut draft = Draft::new(&who, place.clone());
        let (file, mut streams) = (self.file, Vec::new());
        let mut reader = Reader::new(&who, HINT, self.report);
        let mut whole = true;
        for mut statement in block {
            let here = Place::Bytes { file, span: statement.head.clone() };
            let word = std::mem::take(&mut statement.name);
            let want = match word.as_str() {
                "type" | "label" => Want::Text,
                "min" | "max" => Want::Number,
                _ => {
                    let read = reader.whole(|reader| match word.as_str() {
                        "stream" => streams.extend(stream(statement, &here, file, reader)),
                        _ => misplaced(reader, &word, here),
                    });
                    whole &= read.is_some();
                    continue;
                }
            };
            put(&mut draft, &word, statement, here, want, &mut reader);
        }
        if whole {
            draft.put_items("streams", streams);
        } else {
            reader.leave_out(place, "`streams`", &who);
        }
        self.out.add(Kind::Chart, Some(space.to_owned()), name, draft);
    }
}

fn not_plain(name: &str, place: Place) -> Diagnostic {
    let what = match name {
        "include_template" => "what a template makes is not read".to_owned(),
        "" => "this is not plain data".to_owned(),
        name => format!("`{name}` is not one of alert, service and space, or is not plain data"),
    };
    Diagnostic::error(Code::NeedsEvaluation, what).at(place, "").help(HINT)
}

fn misplaced(reader: &mut Reader, name: &str, place: Place) {
    let message = match name {
        "include_template" => format!("what a template adds to {} is not read", reader.who),
        name => format!("`{name}` in {} is not plain data, or has no place there", reader.who),
    };
    reader.lose(place, Code::NeedsEvaluation, message, Some(HINT.to_owned()));
}

/// The only argument of a statement without a block.
fn one(statement: Statement) -> Option<Node> {
    let call = statement.call.filter(|call| call.block.is_none())?;
    <[Node; 1]>::try_from(call.arguments).ok().map(|[node]| node)
}

fn texts(statement: Statement, reader: &mut Reader) -> Option<Vec<String>> {
    let call = statement.call.filter(|call| call.block.is_none())?;
    call.arguments.iter().map(|node| reader.text(node, "service")).collect()
}

fn put(draft: &mut Draft, name: &str, statement: Statement, here: Place, want: Want, reader: &mut Reader) {
    match one(statement) {
        Some(node) => draft.put(name, reader.value(&node, name, want)),
        None => misplaced(reader, name, here),
    }
}

/// What stands once in an alert.
const ALERT_FIELDS: &[&str] = &["description", "active", "rearm_per_signal", "rearm_seconds", "attributes"];

fn alert_field(draft: &mut Draft, name: &str, statement: Statement, here: Place, reader: &mut Reader) {
    let want = match name {
        "description" => Want::Text,
        "rearm_seconds" => Want::Number,
        "attributes" => {
            let Some(node) = one(statement) else { return misplaced(reader, name, here) };
            let mut map = Draft::new(&reader.who, here);
            for (key, node) in reader.map(node, name).unwrap_or_default() {
                map.put(&key, reader.value(&node, &key, Want::Text));
            }
            return draft.put_map("attributes", map);
        }
        _ => Want::Flag,
    };
    put(draft, name, statement, here, want, reader);
}

fn condition(statement: Statement, place: &Place, file: FileId, reader: &mut Reader) -> Option<Draft> {
    let known = |name: &str| match name {
        "type" | "metric_name" | "source" | "summary_function" => Some(Want::Text),
        "threshold" => Some(Want::Number),
        // Zero and nothing are one: the condition holds at the first value.
        "duration" => Some(Want::NonZero),
        _ => None,
    };
    let mut draft = fields(statement, "condition", place, file, known, reader)?;
    if draft.get("type").is_some_and(|value| value == "absent") {
        ["threshold", "summary_function"].iter().for_each(|name| draft.remove(name));
    }
    Some(draft)
}

fn stream(statement: Statement, place: &Place, file: FileId, reader: &mut Reader) -> Option<Draft> {
    let known = |name: &str| {
        let texts = ["metric", "type", "source", "group_function", "summary_function"];
        texts.contains(&name).then_some(Want::Text)
    };
    let mut draft = fields(statement, "stream", place, file, known, reader)?;
    // The service knows itself whether it is a gauge or a counter.
    draft.remove("type");
    Some(draft)
}

/// The fields of a block that has no name.
fn fields(
    statement: Statement,
    what: &str,
    place: &Place,
    file: FileId,
    known: impl Fn(&str) -> Option<Want>,
    reader: &mut Reader,
) -> Option<Draft> {
    let call = statement.call.filter(|call| call.arguments.is_empty());
    let Some(block) = call.and_then(|call| call.block) else {
        misplaced(reader, what, place.clone());
        return None;
    };
    let mut draft = Draft::new(&reader.who, place.clone());
    for mut statement in block {
        let here = Place::Bytes { file, span: statement.head.clone() };
        let name = std::mem::take(&mut statement.name);
        match known(&name) {
            Some(want) => put(&mut draft, &name, statement, here, want, reader),
            None => misplaced(reader, &name, here),
        }
    }
    Some(draft)
}

/// What to do about a value that is not known.
const HINT: &str =
    "write what lbrt makes of it with `lbrt alert export`, `lbrt service export` or `lbrt space export`";
