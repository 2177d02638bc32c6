//! Which object is meant: its kind, the collection that decides its identity, its name.
//! Knows the order in which kinds must be written. Knows nothing of what objects contain, nor of ids.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::diag::Code;

/// What users name: one section of the files. The order is the order of writing: what is referred to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A notification service.
    Service,
    /// A gauge or a counter.
    Metric,
    /// A composite metric.
    Composite,
    /// An annotation stream.
    Annotation,
    /// An alert.
    Alert,
    /// A space.
    Space,
    /// A chart of a space.
    Chart,
}

impl Kind {
    /// All kinds in the order of writing.
    pub const ALL: [Self; 7] = [
        Self::Service,
        Self::Metric,
        Self::Composite,
        Self::Annotation,
        Self::Alert,
        Self::Space,
        Self::Chart,
    ];

    /// The kind a section of the files holds (`alerts`), or a user names in the singular (`alert`).
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.section() == text || kind.noun() == text)
    }

    /// The singular as people say it.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Metric => "metric",
            Self::Composite => "composite",
            Self::Annotation => "annotation",
            Self::Alert => "alert",
            Self::Space => "space",
            Self::Chart => "chart",
        }
    }

    /// The section of the files; for charts, which live inside spaces, the plural.
    pub fn section(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Metric => "metrics",
            Self::Composite => "composites",
            Self::Annotation => "annotations",
            Self::Alert => "alerts",
            Self::Space => "spaces",
            Self::Chart => "charts",
        }
    }

    /// Whether objects of this kind come into being by measuring, without a definition.
    pub fn is_measured(self) -> bool {
        self == Self::Metric
    }

    /// Whether an object can be given another name; the name of what is measured is its identity.
    pub fn can_be_renamed(self) -> bool {
        !matches!(self, Self::Metric | Self::Composite | Self::Annotation)
    }

    /// The collection of the API that holds this kind.
    pub fn collection(self) -> Collection {
        match self {
            Self::Service => Collection::Services,
            Self::Metric | Self::Composite => Collection::Metrics,
            Self::Annotation => Collection::Annotations,
            Self::Alert => Collection::Alerts,
            Self::Space => Collection::Spaces,
            Self::Chart => Collection::Charts,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.noun())
    }
}

/// A name space of the API. Composites share theirs with gauges and counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    /// Notification services, by title.
    Services,
    /// Gauges, counters and composites, by name, case ignored.
    Metrics,
    /// Annotation streams, by name, case ignored.
    Annotations,
    /// Alerts, by name, case ignored.
    Alerts,
    /// Spaces, by name.
    Spaces,
    /// Charts, by space and name.
    Charts,
}

impl Collection {
    /// All collections.
    pub const ALL: [Self; 6] =
        [Self::Services, Self::Metrics, Self::Annotations, Self::Alerts, Self::Spaces, Self::Charts];

    /// The kind that stands for the collection where no object is at hand.
    pub fn kind(self) -> Kind {
        match self {
            Self::Services => Kind::Service,
            Self::Metrics => Kind::Metric,
            Self::Annotations => Kind::Annotation,
            Self::Alerts => Kind::Alert,
            Self::Spaces => Kind::Space,
            Self::Charts => Kind::Chart,
        }
    }

    /// Whether the service knows an object by its name, which is unique then without regard to case. Titles and names of spaces and
    /// charts are free text, of which two may differ in nothing else.
    pub fn ignores_case(self) -> bool {
        matches!(self, Self::Metrics | Self::Annotations | Self::Alerts)
    }

    /// The kind that stands inside objects of this collection.
    pub fn holds(self) -> Option<Kind> {
        (self == Self::Spaces).then_some(Kind::Chart)
    }

    /// The collection whose objects these name by their ids, so that they are not understood without it.
    pub fn names(self) -> Option<Self> {
        match self {
            Self::Alerts => Some(Self::Services),
            Self::Charts => Some(Self::Spaces),
            _ => None,
        }
    }

    /// The collection whose objects must not lose one of these that they use.
    pub fn needed_by(self) -> Option<Self> {
        (self == Self::Services).then_some(Self::Alerts)
    }

    /// What comes into being by measuring or by events, without a definition.
    pub fn data(self) -> Option<Data> {
        match self {
            Self::Metrics => Some(Data {
                unknown: Code::UnknownMetric,
                noun: "metric",
                begin: "send its first measurement",
            }),
            Self::Annotations => Some(Data {
                unknown: Code::UnknownAnnotation,
                noun: "annotation stream",
                begin: "post its first event",
            }),
            _ => None,
        }
    }

    /// Whether the service may refuse to change the type of an object, which is then recreated under another name.
    pub fn recreates(self) -> bool {
        self == Self::Services
    }

    /// Whether an object that is known without regard to case can be given another spelling of its name.
    pub fn respells(self) -> bool {
        self == Self::Alerts
    }
}

/// How to speak of objects that come into being by data.
#[derive(Debug, Clone, Copy)]
pub struct Data {
    /// The code for a name that means none.
    pub unknown: Code,
    /// What one is called.
    pub noun: &'static str,
    /// How to make one appear.
    pub begin: &'static str,
}

/// The identity of one object, the same on both sides of a comparison.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct Address {
    /// The name space.
    pub collection: Collection,
    /// The space of a chart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// The name (a service's title) as it was written.
    pub name: String,
}

impl Address {
    /// An object that has no parent.
    pub fn new(collection: Collection, name: impl Into<String>) -> Self {
        Self { collection, parent: None, name: name.into() }
    }

    /// A metric or composite.
    pub fn metric(name: impl Into<String>) -> Self {
        Self::new(Collection::Metrics, name)
    }

    /// A service, by its title.
    pub fn service(title: impl Into<String>) -> Self {
        Self::new(Collection::Services, title)
    }

    /// A space.
    pub fn space(name: impl Into<String>) -> Self {
        Self::new(Collection::Spaces, name)
    }

    /// A chart of a space.
    pub fn chart(space: impl Into<String>, name: impl Into<String>) -> Self {
        Self { parent: Some(space.into()), ..Self::new(Collection::Charts, name) }
    }

    /// The space that holds a chart.
    pub fn container(&self) -> Option<Self> {
        self.parent.as_ref().map(Self::space)
    }

    /// Its kind, where it is known by nothing but its collection.
    pub fn kind(&self) -> Kind {
        self.collection.kind()
    }

    /// The same place under another name.
    pub fn renamed(&self, name: impl Into<String>) -> Self {
        Self { collection: self.collection, parent: self.parent.clone(), name: name.into() }
    }
}

/// Two names in the order of their lower-case forms. Nearly all are ASCII, which need not be copied to be folded.
fn ignoring_case(a: &str, b: &str) -> Ordering {
    // Names that are held against each other begin alike: that part is passed over in strides.
    let words = a.as_bytes().as_chunks::<8>().0.iter().zip(b.as_bytes().as_chunks::<8>().0);
    let alike = 8 * words.take_while(|(a, b)| a == b && a.is_ascii()).count();
    for (x, y) in a.as_bytes()[alike..].iter().zip(&b.as_bytes()[alike..]) {
        if !(x | y).is_ascii() {
            return a.to_lowercase().cmp(&b.to_lowercase());
        }
        if x != y && !x.eq_ignore_ascii_case(y) {
            return x.to_ascii_lowercase().cmp(&y.to_ascii_lowercase());
        }
    }
    a.len().cmp(&b.len())
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Address {}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Address {
    fn cmp(&self, other: &Self) -> Ordering {
        let names = || {
            if self.collection.ignores_case() {
                ignoring_case(&self.name, &other.name)
            } else {
                self.name.cmp(&other.name)
            }
        };
        let parents = || match (&self.parent, &other.parent) {
            (None, None) => Ordering::Equal,
            (one, two) => one.cmp(two),
        };
        self.collection.cmp(&other.collection).then_with(parents).then_with(names)
    }
}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.collection, &self.parent).hash(state);
        if self.collection.ignores_case() {
            self.name.to_lowercase().hash(state);
        } else {
            self.name.hash(state);
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.parent {
            Some(parent) => write!(f, "{parent}/{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ignore_case_and_titles_do_not() {
        assert_eq!(Address::metric("Shop.Hits"), Address::metric("shop.hits"));
        assert_eq!(Address::new(Collection::Alerts, "Slow"), Address::new(Collection::Alerts, "slow"));
        assert_ne!(Address::service("Ops"), Address::service("ops"));
        assert_ne!(Address::chart("Shop", "c"), Address::chart("Shop", "C"));
        assert_eq!(Address::metric("ÄB"), Address::metric("äb"));
        let long = ["shop.metric.A", "Shop.Metric.b", "shop.metric.bA", "shop.metric.bä", "shop.metric.bÄb"];
        let sorted = ["a", "A.b", "a.C", "b"].into_iter().chain(long).chain(["Ä", "ö"]).map(Address::metric);
        let sorted: Vec<Address> = sorted.collect();
        assert!(sorted.is_sorted(), "{sorted:?}");
    }

    #[test]
    fn a_composite_shares_the_name_space_of_gauges() {
        assert_eq!(Kind::Composite.collection(), Kind::Metric.collection());
        assert_eq!(Kind::parse("composites"), Some(Kind::Composite));
        assert_eq!(Kind::parse("alert"), Some(Kind::Alert));
        assert_eq!(Kind::parse("alarm"), None);
    }
}
