//! A definition in the making: fields with the places they came from, held against the model before it counts.
//! Knows neither of the tools; what would not pass `validate` is reported and left out.

use serde_json::{Map, Value};

use super::reader::Read;
use crate::diag::{Code, Diagnostic, Place, Report, Route, Severity};
use crate::model::check::Checker;
use crate::model::{Kind, Resource};

/// Fields of one object.
pub(super) struct Draft {
    /// How the object is called in messages.
    pub who: String,
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
    pub fn at(&self, route: &Route) -> Place {
        let around = |of: &Route| route.segs().starts_with(of.segs());
        let found = self.places.iter().filter(|(of, _)| around(of)).max_by_key(|(of, _)| of.segs().len());
        found.map_or(&self.place, |(_, place)| place).clone()
    }

    /// The object, where it is one that could stand in a file; otherwise what speaks against it is reported.
    pub fn check(&self, kind: Kind, name: &str, report: &mut Report) -> Option<Resource> {
        let who = &self.who;
        let refuse = |place, code, message: &str, help: &[String], report: &mut Report| {
            let message = format!("{who} is left out: {message}");
            let found = Diagnostic::new(Severity::Error, code, message).at(place, "");
            report.push(help.iter().fold(found, |found, help| found.help(help)));
        };
        let object = match Resource::from_fields(kind, &self.fields) {
            Ok(object) => object,
            Err(error) => {
                refuse(self.at(&error.route), Code::WrongValue.name(), &error.message, &[], report);
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
