//! What the files ask for: every declared object with its intent and the place it was written.
//! Knows nothing of the remote, nor of how the files were read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Address, AlertTest, Field, Kind, MetricType, PrometheusSettings, Resource, Scopes, Seconds, State,
};
use crate::composite;
use crate::diag::{FileId, Files, Part, Place, Route, Seg, follow};

/// What is to become of a declared object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// It shall exist as written.
    Present,
    /// It shall not exist.
    Absent,
    /// It must exist already; it is never written.
    External,
}

/// Where an object was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    pub file: FileId,
    /// The object in it.
    pub route: Route,
    /// Where the file's defaults for this kind stand, for the fields the object does not write itself.
    pub defaults: Option<Route>,
}

impl Origin {
    /// The place of something inside the object, or of the object where the files do not show it.
    pub fn place(&self, files: &Files, inside: &Route, part: Part) -> Place {
        let own = self.route.join(inside);
        // An item of a list has no key: a chart is known by its name.
        if let (Part::Key, Some(Seg::Index(_))) = (part, own.segs().last()) {
            return Place::Node { file: self.file, route: own.key("name"), part: Part::Value };
        }
        let route = match &self.defaults {
            Some(defaults)
                if !files.contains(self.file, &own) && files.contains(self.file, &defaults.join(inside)) =>
            {
                defaults.join(inside)
            }
            _ => own,
        };
        Place::Node { file: self.file, route, part }
    }
}

/// One declared object.
#[derive(Debug, Clone, PartialEq)]
pub struct Declared {
    /// The kind of the section it stands in.
    pub kind: Kind,
    /// The fields that are written.
    pub resource: Resource,
    /// What is to become of it.
    pub intent: Intent,
    /// Whether replacing or deleting it is refused.
    pub protect: bool,
    /// Its former name, to be renamed in place.
    pub renamed_from: Option<String>,
    /// Where it was written.
    pub origin: Origin,
    /// Fields that hold secrets, as references that a later run can resolve again: `https://x/${secret.TOKEN}`.
    pub secrets: BTreeMap<Route, String>,
}

impl Declared {
    /// The place of something inside a field: in a longer text, the very words, as far as they are written there.
    pub fn place(&self, files: &Files, field: &Route, part: Part) -> Place {
        let place = self.origin.place(files, field, Part::Value);
        let Place::Node { file, route, part: Part::Value } = place else { return place };
        let fields = Value::Object(self.resource.fields());
        let resolved = at_route(&fields, field).and_then(Value::as_str);
        let part = as_written(part, resolved, files.scalar(file, &route).as_deref());
        Place::Node { file, route, part }
    }
}

/// A test that the files declare.
#[derive(Debug, Clone, PartialEq)]
pub struct DeclaredTest {
    pub name: String,
    /// What it says.
    pub test: AlertTest,
    /// Where it was written.
    pub origin: Origin,
}

/// A stretch of a resolved text as one of the text that is written, references and all. What came in through a reference is shown as
/// the whole text.
pub fn as_written(part: Part, resolved: Option<&str>, written: Option<&str>) -> Part {
    let Part::Text { start, end } = part else { return part };
    let (Some(resolved), Some(written)) = (resolved, written) else { return Part::Value };
    follow(start..end, resolved, written).map_or(Part::Value, |r| Part::Text { start: r.start, end: r.end })
}

/// The part of a value a route leads to.
pub fn at_route<'v>(value: &'v Value, route: &Route) -> Option<&'v Value> {
    route.segs().iter().try_fold(value, |value, seg| match seg {
        Seg::Key(key) => value.get(key),
        Seg::Index(i) => value.get(*i),
    })
}

/// The names of charts in their order, by the name of their space.
pub type ChartOrder = BTreeMap<String, Vec<String>>;

/// Everything the files ask for.
#[derive(Debug, Clone, Default)]
pub struct Desired {
    /// Declared objects by identity.
    pub objects: BTreeMap<Address, Declared>,
    /// The names of the declared charts in the order of the files, by space.
    pub chart_order: ChartOrder,
    /// Tests of alerts, in the order of the files.
    pub tests: Vec<DeclaredTest>,
    /// What the `settings` section says.
    pub settings: Settings,
}

impl Desired {
    /// The declared type of a metric.
    pub fn metric_type(&self, name: &str) -> Option<MetricType> {
        let entry =
            self.objects.get(&Address::metric(name)).filter(|entry| entry.intent != Intent::Absent)?;
        entry.resource.metric_type()
    }

    /// The metrics that a name or a pattern means, declared or found on the remote; composites are none.
    pub fn metrics<'a>(&'a self, pattern: &'a str, actual: &'a State) -> BTreeSet<&'a Address> {
        let declared = self.objects.iter().filter(|(_, entry)| entry.intent != Intent::Absent);
        let declared = declared.map(|(address, entry)| (address, &entry.resource));
        // What is declared here will be what it is declared to be.
        let found = actual.iter().filter(|(address, _)| !self.objects.contains_key(address));
        let metrics = declared.chain(found).filter(|(_, object)| matches!(object, Resource::Metric(_)));
        metrics
            .map(|(address, _)| address)
            .filter(|address| composite::matches(pattern, &address.name))
            .collect()
    }

    /// The periods, in seconds, of the metrics that a name or a pattern means; what is not written stays as it is on the remote.
    pub fn periods(&self, pattern: &str, actual: &State) -> Vec<u64> {
        let of = |address: &Address| {
            let declared = self.objects.get(address).and_then(|entry| period(&entry.resource));
            let declared = declared.filter(|period| !period.is_unset());
            let period = declared.or_else(|| period(actual.get(address)?))?;
            period.value().map(|seconds| seconds.0)
        };
        self.metrics(pattern, actual).into_iter().filter_map(of).collect()
    }
}

/// The period of a metric; composites have none of their own.
fn period(resource: &Resource) -> Option<&Field<Seconds>> {
    match resource {
        Resource::Metric(metric) => Some(&metric.period),
        _ => None,
    }
}

/// The `settings` section, resolved.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    /// The service to talk to, and the directory of the file that says so, which relative paths start from.
    pub endpoint: Option<(String, std::path::PathBuf)>,
    /// Which undeclared objects are deleted.
    pub prune: Scopes,
    /// Which objects are none of our business.
    pub ignore: Scopes,
    /// Which objects are never replaced or deleted.
    pub protect: Scopes,
    /// How many deletes and replaces a run may make.
    pub max_deletes: Option<u32>,
    /// How the definitions are rendered for Prometheus.
    pub prometheus: PrometheusSettings,
    /// The file that holds the section and the directory it stands in.
    pub home: Option<(FileId, std::path::PathBuf)>,
    /// The directory that file really lies in, links followed; none for standard input.
    pub real_home: Option<std::path::PathBuf>,
}
