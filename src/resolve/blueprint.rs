//! An object as it is written, before `for_each` and references are worked out, and where it stands.

use serde_json::{Map, Value};

use super::interpolate::Each;
use crate::diag::Route;
use crate::load::Document;
use crate::model::{Kind, Origin};

/// Where something is written.
#[derive(Clone)]
pub(super) struct Spot<'a> {
    pub document: &'a Document,
    pub route: Route,
    /// The defaults of the document, by section.
    pub all_defaults: &'a Map<String, Value>,
}

impl Spot<'_> {
    pub fn origin(&self, kind: Kind) -> Origin {
        let section = kind.section();
        let defaults = self.all_defaults.get(section).and_then(Value::as_object);
        let defaults = defaults.map(|_| Route::root().key("defaults").key(section));
        Origin { file: self.document.file, route: self.route.clone(), defaults }
    }
}

/// An object as written, before `for_each` makes any number of it.
pub(super) struct Template<'a> {
    pub kind: Kind,
    pub name: &'a str,
    pub body: &'a Value,
    pub at: Spot<'a>,
    /// The space of a chart.
    pub space: Option<&'a str>,
    /// The item its space is made for.
    pub outer: Option<&'a Each>,
    /// The name written before this one in the section.
    pub above: Option<&'a str>,
}
