//! A definition in the making: fields with the places they came from, held against the model before it counts.
//! Knows neither of the tools; what would not pass `validate` is reported and left out.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Map, Value};

use super::reader::Read;
use super::{Imported, Made};
use crate::diag::{Diagnostic, Place, Report, Route, Severity};
use crate::model::check::Checker;
use crate::model::{Address, Collection, Kind, Resource};

/// Fields of one object.
pub(super) struct Draft {
    /// How the object is called in messages.
    who: String,
    place: Place,
    fields: Map<String, Value>,
    places: Vec<(Route, Place)>,
}

impl Draft {
    pub fn new(who: impl Into<String>, place: Place) -> Self {
        Self { who: who.into(), place, fields: Map::new(), places: Vec::new() }
    }

    /// Writes a field that was read.
    pub fn put(&mut self, name: &str, read: Read) {
        if let Some((value, place)) = read {
            self.places.push((Route::root().key(name), place));
            self.fields.insert(name.to_owned(), value);
        }
    }

    /// Writes a list of drafts.
    pub fn put_items(&mut self, name: &str, items: Vec<Draft>) {
        let mut list = Vec::with_capacity(items.len());
        for (i, item) in items.into_iter().enumerate() {
            let here = Route::root().key(name).index(i);
            let inside = item.places.into_iter().map(|(route, place)| (here.join(&route), place));
            self.places.extend(inside);
            self.places.push((here, item.place));
            list.push(Value::Object(item.fields));
        }
        self.fields.insert(name.to_owned(), Value::Array(list));
    }

    /// Writes a draft as a map, unless it is empty.
    pub fn put_map(&mut self, name: &str, map: Draft) {
        if !map.fields.is_empty() {
            let here = Route::root().key(name);
            self.places.extend(map.places.into_iter().map(|(route, place)| (here.join(&route), place)));
            self.fields.insert(name.to_owned(), Value::Object(map.fields));
        }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    pub fn remove(&mut self, name: &str) {
        self.fields.shift_remove(name);
    }

    pub fn place(&self) -> &Place {
        &self.place
    }

    /// The place of what is at a route, or around it.
    fn at(&self, route: &Route) -> Place {
        let around = |of: &Route| route.segs().starts_with(of.segs());
        let found = self.places.iter().filter(|(of, _)| around(of)).max_by_key(|(of, _)| of.segs().len());
        found.map_or(&self.place, |(_, place)| place).clone()
    }

    /// The object, where it is one that could stand in a file; otherwise what speaks against it is reported.
    fn check(self, kind: Kind, name: &str, report: &mut Report) -> Option<Resource> {
        let who = &self.who;
        let refuse = |place, code, message: &str, help: &[String], report: &mut Report| {
            let found = Diagnostic::error(code, format!("{who} is left out: {message}")).at(place, "");
            report.push(help.iter().fold(found, |found, help| found.help(help)));
        };
        let object = match Resource::from_fields(kind, &self.fields) {
            Ok(object) => object,
            Err(error) => {
                refuse(self.at(&error.route), "wrong-value", &error.message, &[], report);
                return None;
            }
        };
        let mut checker = Checker::new(name);
        object.spec().check(&mut checker);
        let errors = checker.into_findings().into_iter().filter(|found| found.severity == Severity::Error);
        let mut sound = true;
        for found in errors {
            sound = false;
            refuse(self.at(&found.route), found.code, &found.message, &found.help, report);
        }
        sound.then_some(object)
    }
}

/// All objects of a run, without two of one name.
#[derive(Default)]
pub(super) struct Collected {
    objects: BTreeMap<Address, Resource>,
    order: Vec<Address>,
    places: HashMap<Address, Place>,
    pub report: Report,
}

impl Collected {
    /// Takes in a draft under its name.
    pub fn add(&mut self, kind: Kind, parent: Option<String>, name: &str, draft: Draft) {
        let address = Address { parent, ..Address::new(kind.collection(), name) };
        if let Some(first) = self.places.get(&address) {
            let message = format!("{} is left out: there is already a {kind} \"{name}\"", draft.who);
            let found = Diagnostic::error("repeated-name", message)
                .at(draft.place, "")
                .also(first.clone(), "the first one")
                .help("objects are known by their names here: give one of them another name where it is now");
            self.report.push(found);
            return;
        }
        self.places.insert(address.clone(), draft.place.clone());
        if let Some(object) = draft.check(kind, name, &mut self.report) {
            self.order.push(address.clone());
            self.objects.insert(address, object);
        }
    }

    /// Objects sorted by what they are, but charts in the order they were added: that is the order of their creation.
    pub fn finish(mut self) -> Imported {
        self.order.sort_by(|a, b| {
            (a.collection, &a.parent)
                .cmp(&(b.collection, &b.parent))
                .then_with(|| if a.parent.is_some() { std::cmp::Ordering::Equal } else { a.cmp(b) })
        });
        let orphan = |address: &Address| {
            let space = address.parent.as_ref().map(|space| Address::new(Collection::Spaces, space));
            space.is_some_and(|space| !self.objects.contains_key(&space))
        };
        let (orphans, order): (Vec<Address>, Vec<Address>) = self.order.into_iter().partition(orphan);
        for orphan in orphans {
            let message = format!("the chart \"{}\" is left out with its space", orphan.name);
            let found = Diagnostic::error("unknown-space", message);
            let place = self.places.get(&orphan).cloned();
            self.report.push(place.into_iter().fold(found, |found, place| found.at(place, "")));
        }
        let mut objects = self.objects;
        let objects: Vec<Made> =
            order.into_iter().filter_map(|address| objects.remove_entry(&address)).collect();
        Imported { objects, report: bounded(&self.report) }
    }
}

/// How many findings anybody wants to read.
const MOST: usize = 500;

/// The first findings, and how many more there are.
fn bounded(report: &Report) -> Report {
    let mut short = Report::default();
    report.iter().take(MOST).for_each(|found| short.push(found.clone()));
    let more = report.iter().count().saturating_sub(MOST);
    if more > 0 {
        short.push(Diagnostic::error("too-many-findings", format!("{more} more findings are not shown")));
    }
    short
}
