//! What the API has from the time before spaces and tags: sources, instruments, dashboards.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::chart::ChartStream;
use super::object::{Collection, Identity, Object};
use super::{More, read};

/// Where measurements without tags were taken. Sources come into being with their first measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Its name, upper and lower case being the same.
    pub name: String,
    /// Its name in charts.
    #[serde(default)]
    pub display_name: Option<String>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Source {
    /// A source of this name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), display_name: None, more: Map::new() }
    }
}

impl Object for Source {
    const COLLECTION: Collection = Collection {
        noun: "source",
        path: "/sources",
        key: "sources",
        name: "name",
        identity: Identity::FoldedName,
        searchable: true,
        order: Some("name"),
    };
    type Key<'k> = &'k str;

    fn key(&self) -> Option<&str> {
        Some(&self.name)
    }
}

/// A chart of a dashboard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Instrument {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// What it shows, in order. Written as a whole.
    #[serde(default, deserialize_with = "read::list")]
    pub streams: Vec<ChartStream>,
    /// `display_stacked`, `display_integral`.
    #[serde(default, deserialize_with = "read::or_default")]
    pub attributes: Map<String, Value>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Instrument {
    /// An instrument that shows nothing yet.
    pub fn new(name: impl Into<String>) -> Self {
        Self { id: None, name: name.into(), streams: Vec::new(), attributes: Map::new(), more: Map::new() }
    }
}

impl Object for Instrument {
    const COLLECTION: Collection = Collection {
        noun: "instrument",
        path: "/instruments",
        key: "instruments",
        name: "name",
        identity: Identity::Id,
        searchable: true,
        order: None,
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }
}

/// A page of instruments.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dashboard {
    /// Given by the service.
    #[serde(default, deserialize_with = "read::whole", skip_serializing)]
    pub id: Option<u64>,
    /// Its name.
    pub name: String,
    /// Its instruments, in order: objects with an `id`. Written as a whole.
    #[serde(default, deserialize_with = "read::list")]
    pub instruments: Vec<Value>,
    /// What else the service says.
    #[serde(flatten)]
    pub more: More,
}

impl Dashboard {
    /// An empty dashboard.
    pub fn new(name: impl Into<String>) -> Self {
        Self { id: None, name: name.into(), instruments: Vec::new(), more: Map::new() }
    }
}

impl Object for Dashboard {
    const COLLECTION: Collection = Collection {
        noun: "dashboard",
        path: "/dashboards",
        key: "dashboards",
        name: "name",
        identity: Identity::Id,
        searchable: true,
        order: Some("name"),
    };
    type Key<'k> = u64;

    fn key(&self) -> Option<u64> {
        self.id
    }
}
