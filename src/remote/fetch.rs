//! Lifts remote objects into the vocabulary of the files: an alert lists its services by title, ids stand apart.
//! Reads whatever the service says; what we cannot understand stays in the raw object and is never compared.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value};

use super::{ApiError, Listing, ReadApi, placeholder, segment};
use crate::diff::rename::is_successor;
use crate::model::{Address, CONDITION_KEYS, Collection, Desired, Intent, Kind, Resource, State};
use crate::wire::lenient;

/// How many metrics are looked up one by one before listing all of them is the lesser evil.
const MAX_LOOK_UPS: usize = 100;

/// What a write needs to know of a remote object beside its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The id; metrics and annotation streams have none.
    pub id: Option<u64>,
    /// The object as the service gave it, keys we do not know included.
    pub raw: Value,
}

/// Remote objects by identity.
pub type Ids = BTreeMap<Address, Remote>;

/// What exists, as far as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// Definitions by identity.
    pub state: State,
    /// What writing them needs.
    pub ids: Ids,
    /// Names that several objects have, with their ids. The first one stands in `state`.
    pub twins: BTreeMap<Address, Vec<u64>>,
}

/// Which part of the remote a plan needs to see.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Collections to list.
    pub collections: BTreeSet<Collection>,
    /// Metrics to look up where they are not listed anyway.
    pub metrics: BTreeSet<Address>,
    /// Annotation streams of which a listing does not tell whether an interrupted run has finished making them.
    pub bare_streams: BTreeSet<Address>,
}

impl Wanted {
    /// What is needed to plan for `desired`, if undeclared objects of the kinds in `prune` may go.
    pub fn of(desired: &Desired, prune: impl IntoIterator<Item = Kind>) -> Self {
        let mut collections: BTreeSet<Collection> =
            desired.objects.keys().map(|address| address.collection).collect();
        let prune: BTreeSet<Collection> = prune.into_iter().map(Kind::collection).collect();
        let deletes_services = prune.contains(&Collection::Services)
            || desired
                .objects
                .iter()
                .any(|(a, w)| a.collection == Collection::Services && w.intent == Intent::Absent);
        collections.extend(prune);
        // Whether a deleted service is in use only the alerts can tell, and these name services by id.
        if deletes_services {
            collections.insert(Collection::Alerts);
        }
        let metrics: BTreeSet<Address> = crate::diff::undeclared_metrics(desired).into_keys().collect();
        if metrics.len() > MAX_LOOK_UPS {
            collections.insert(Collection::Metrics);
        }
        let bare_streams = placeholder::bare_streams(desired);
        let mut wanted = Self { collections, metrics, bare_streams };
        if wanted.collections.contains(&Collection::Alerts) {
            wanted.add(Collection::Alerts);
        }
        wanted
    }

    /// Adds a collection, and what it cannot be understood without: alerts name services by id.
    pub fn add(&mut self, collection: Collection) {
        self.collections.insert(collection);
        if collection == Collection::Alerts {
            self.collections.insert(Collection::Services);
        }
    }
}

impl From<BTreeSet<Collection>> for Wanted {
    fn from(collections: BTreeSet<Collection>) -> Self {
        Self { collections, ..Self::default() }
    }
}

/// Reads what is wanted, listings concurrently.
///
/// # Errors
/// When any of it cannot be read completely: a plan is never made from half of the remote.
pub async fn fetch(api: &impl ReadApi, wanted: &Wanted) -> Result<Actual, ApiError> {
    let lists = stream::iter(&wanted.collections).map(|collection| async move {
        let Some(listing) = listing(*collection) else { return Ok((*collection, Vec::new())) };
        api.list(&listing).await.map(|items| (*collection, items))
    });
    let mut lists: BTreeMap<Collection, Vec<Value>> = lists.buffer_unordered(8).try_collect().await?;
    // A service that a broken run has left may have to go, and whether it is in use only the alerts can tell.
    let mut services = lists.get(&Collection::Services).into_iter().flatten();
    let left =
        |raw| name_of(Collection::Services, raw).is_some_and(|title| is_successor(&Address::service(title)));
    if services.any(left) && !lists.contains_key(&Collection::Alerts) {
        lists.insert(Collection::Alerts, raw_alerts(api).await?);
    }
    let single: Vec<&Address> = if wanted.collections.contains(&Collection::Metrics) {
        Vec::new()
    } else {
        wanted.metrics.iter().collect()
    };
    let metrics: Vec<Option<Value>> =
        stream::iter(single).map(|address| look_up_metric(api, address)).buffered(8).try_collect().await?;
    let titles = titles(lists.get(&Collection::Services).map_or(&[], Vec::as_slice));
    let mut actual = Actual::default();
    for (collection, items) in lists {
        items.into_iter().for_each(|raw| actual.add(collection, raw, &titles));
    }
    metrics.into_iter().flatten().for_each(|raw| actual.add(Collection::Metrics, raw, &titles));
    for unfinished in placeholder::unfinished(api, &actual.state, &wanted.bare_streams).await? {
        actual.state.remove(&unfinished);
        actual.ids.remove(&unfinished);
    }
    Ok(actual)
}

/// An object found by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it says.
    pub resource: Resource,
    /// What writing it needs.
    pub remote: Remote,
}

/// All objects with exactly this name, though the API only searches for parts of names.
///
/// # Errors
/// As [`fetch`].
pub async fn find(api: &impl ReadApi, address: &Address) -> Result<Vec<Found>, ApiError> {
    let Some(mut listing) = listing(address.collection) else { return Ok(Vec::new()) };
    // Services know no filter.
    if address.collection != Collection::Services {
        listing.query.push(("name".into(), address.name.clone()));
    }
    let items = api.list(&listing).await?;
    let services = match (address.collection, self::listing(Collection::Services)) {
        (Collection::Alerts, Some(services)) => api.list(&services).await?,
        _ => Vec::new(),
    };
    let titles = titles(&services);
    let exact =
        |raw: &Value| name_of(address.collection, raw).is_some_and(|name| address.renamed(name) == *address);
    let found = |raw: Value| {
        let resource = lift(address.collection, &raw, &titles)?;
        Some(Found { resource, remote: Remote { id: lenient::id(&raw["id"]), raw } })
    };
    Ok(items.into_iter().filter(exact).filter_map(found).collect())
}

/// All alerts as the service gives them.
///
/// # Errors
/// As [`fetch`].
pub async fn raw_alerts(api: &impl ReadApi) -> Result<Vec<Value>, ApiError> {
    match listing(Collection::Alerts) {
        Some(alerts) => api.list(&alerts).await,
        None => Ok(Vec::new()),
    }
}

async fn look_up_metric(api: &impl ReadApi, address: &Address) -> Result<Option<Value>, ApiError> {
    match api.get(&format!("/metrics/{}", segment(&address.name)), &[]).await {
        Ok(raw) => Ok(Some(raw)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn listing(collection: Collection) -> Option<Listing> {
    let by_id = |raw: &Value| lenient::id(&raw["id"]).map(|id| id.to_string());
    let by_name = |raw: &Value| lenient::text(&raw["name"]).map(str::to_lowercase);
    let by_exact_name = |raw: &Value| lenient::text(&raw["name"]).map(str::to_owned);
    let (path, key, order, identity): (_, _, _, fn(&Value) -> Option<String>) = match collection {
        Collection::Services => ("/services", "services", Some("title"), by_id),
        Collection::Metrics => ("/metrics", "metrics", Some("name"), by_name),
        Collection::Annotations => ("/annotations", "annotations", Some("name"), by_exact_name),
        Collection::Alerts => ("/alerts", "alerts", None, by_id),
        Collection::Spaces | Collection::Charts => return None,
    };
    Some(Listing { path: path.into(), key, query: Vec::new(), order, identity })
}

fn titles(services: &[Value]) -> BTreeMap<u64, String> {
    services
        .iter()
        .filter_map(|raw| Some((lenient::id(&raw["id"])?, lenient::text(&raw["title"])?.to_owned())))
        .collect()
}

fn name_of(collection: Collection, raw: &Value) -> Option<&str> {
    lenient::text(&raw[if collection == Collection::Services { "title" } else { "name" }])
}

impl Actual {
    fn add(&mut self, collection: Collection, raw: Value, titles: &BTreeMap<u64, String>) {
        let Some(name) = name_of(collection, &raw) else { return };
        let address = Address::new(collection, name);
        let id = lenient::id(&raw["id"]);
        if let Some(first) = self.ids.get(&address) {
            let first = first.id;
            let twins = self.twins.entry(address).or_insert_with(|| first.into_iter().collect());
            twins.extend(id);
            return;
        }
        if let Some(resource) = lift(collection, &raw, titles) {
            self.state.insert(address.clone(), resource);
            self.ids.insert(address, Remote { id, raw });
        }
    }
}

/// A raw object as a definition. `None` for a kind this version does not manage.
pub fn lift(collection: Collection, raw: &Value, titles: &BTreeMap<u64, String>) -> Option<Resource> {
    let (kind, fields) = match collection {
        Collection::Services => (Kind::Service, pick(raw, &["type", "settings"])),
        Collection::Annotations => (Kind::Annotation, pick(raw, &["display_name"])),
        Collection::Metrics => lift_metric(raw),
        Collection::Alerts => (Kind::Alert, lift_alert(raw, titles)),
        Collection::Spaces | Collection::Charts => return None,
    };
    Some(understood(kind, fields))
}

const METRIC_ATTRIBUTES: &[&str] = &[
    "color",
    "display_max",
    "display_min",
    "display_units_long",
    "display_units_short",
    "display_stacked",
    "display_transform",
    "summarize_function",
    "aggregate",
    "gap_detection",
];

fn lift_metric(raw: &Value) -> (Kind, Map<String, Value>) {
    let composite = raw["type"] == "composite";
    let (kind, identity) = if composite { (Kind::Composite, "composite") } else { (Kind::Metric, "type") };
    let mut fields = pick(raw, &[identity, "display_name", "description", "period", "source_lag"]);
    numbers(&mut fields, &["period", "source_lag"]);
    let mut attributes = pick(&raw["attributes"], METRIC_ATTRIBUTES);
    booleans(&mut attributes, &["display_stacked", "aggregate", "gap_detection"]);
    fields.insert("attributes".into(), Value::Object(attributes));
    (kind, fields)
}

fn lift_alert(raw: &Value, titles: &BTreeMap<u64, String>) -> Map<String, Value> {
    let mut fields = pick(raw, &["description", "active", "rearm_seconds", "rearm_per_signal", "md"]);
    booleans(&mut fields, &["active", "rearm_per_signal", "md"]);
    numbers(&mut fields, &["rearm_seconds"]);
    let title = |service: &Value| {
        let id = lenient::id(service).or_else(|| lenient::id(&service["id"]));
        let by_id = id.and_then(|id| titles.get(&id).cloned());
        by_id
            .or_else(|| lenient::text(&service["title"]).map(str::to_owned))
            .or_else(|| Some(format!("#{}", id?)))
    };
    let mut services: Vec<String> =
        raw["services"].as_array().into_iter().flatten().filter_map(title).collect();
    services.sort();
    fields.insert("services".into(), services.into());
    let conditions: Vec<Value> = conditions_in_order(raw).into_iter().map(lift_condition).collect();
    fields.insert("conditions".into(), conditions.into());
    let attributes = raw["attributes"].as_object().cloned().unwrap_or_default();
    let attributes = attributes.into_iter().filter(|(_, value)| !value.is_null()).collect();
    fields.insert("attributes".into(), Value::Object(attributes));
    fields
}

/// The raw conditions of an alert in the order they were made: services give them in any order, and a plan must
/// look the same each time.
pub fn conditions_in_order(alert: &Value) -> Vec<&Value> {
    let mut conditions: Vec<&Value> = alert["conditions"].as_array().into_iter().flatten().collect();
    conditions.sort_by_cached_key(|raw| (lenient::id(&raw["id"]), raw.to_string()));
    conditions
}

/// A raw condition with the keys we know; a tag list that some clients send as `{}` counts as none.
pub fn lift_condition(raw: &Value) -> Value {
    let mut fields = pick(raw, CONDITION_KEYS);
    if let (None, Some(alias)) = (fields.get("type"), raw.get("condition_type")) {
        fields.insert("type".into(), alias.clone());
    }
    if fields.get("tags").is_some_and(|tags| tags.as_array().is_none_or(Vec::is_empty)) {
        fields.shift_remove("tags");
    }
    for tag in fields.get_mut("tags").and_then(Value::as_array_mut).into_iter().flatten() {
        let mut known = pick(tag, &["name", "values", "grouped", "dynamic"]);
        booleans(&mut known, &["grouped", "dynamic"]);
        *tag = Value::Object(known);
    }
    numbers(&mut fields, &["duration"]);
    if let Some(threshold) = fields.get("threshold").and_then(lenient::f64) {
        fields.insert("threshold".into(), threshold.into());
    }
    booleans(&mut fields, &["detect_reset"]);
    Value::Object(fields)
}

/// The keys we know, null being the same as absent.
fn pick(raw: &Value, keys: &[&str]) -> Map<String, Value> {
    let known = keys.iter().filter_map(|key| Some(((*key).to_owned(), raw.get(*key)?.clone())));
    known.filter(|(_, value)| !value.is_null()).collect()
}

fn booleans(fields: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(boolean) = fields.get(*key).and_then(lenient::bool) {
            fields.insert((*key).to_owned(), boolean.into());
        }
    }
}

fn numbers(fields: &mut Map<String, Value>, keys: &[&str]) {
    for key in keys {
        if let Some(number) = fields.get(*key).and_then(lenient::u64) {
            fields.insert((*key).to_owned(), number.into());
        }
    }
}

/// Reads the fields, leaving out what does not fit: the service may say things that we do not understand.
fn understood(kind: Kind, mut fields: Map<String, Value>) -> Resource {
    loop {
        match Resource::from_fields(kind, fields.clone()) {
            Ok(resource) => return resource,
            Err(error) => {
                let Some(crate::diag::Seg::Key(key)) = error.route.segs().first() else { break };
                let inner = match error.route.segs().get(1) {
                    Some(crate::diag::Seg::Key(inner)) => {
                        fields.get_mut(key).and_then(Value::as_object_mut).zip(Some(inner))
                    }
                    _ => None,
                };
                let removed = match inner {
                    Some((map, inner)) if map.contains_key(inner) => map.shift_remove(inner).is_some(),
                    _ => fields.shift_remove(key).is_some(),
                };
                if !removed {
                    break;
                }
            }
        }
    }
    // Every field may be left out, so an empty map always fits.
    Resource::from_fields(kind, Map::new())
        .unwrap_or(Resource::Annotation(crate::model::Annotation::default()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_alert_is_lifted_whatever_form_its_values_have() {
        let raw = json!({"id": 7, "name": "a", "active": "false", "rearm_seconds": "600", "md": null, "version": 2,
            "services": [{"id": "3", "title": "old title"}, 4, "5"], "attributes": {"runbook_url": "u", "x": null},
            "conditions": [{"id": 1, "type": "above", "metric_name": "m", "threshold": "5", "duration": 60.0,
                            "tags": {}, "source": null, "created_at": 3}]});
        let titles = BTreeMap::from([(3, "ops".to_owned()), (4, "mail".to_owned())]);
        let alert = lift(Collection::Alerts, &raw, &titles).unwrap();
        assert_eq!(
            Value::Object(alert.fields()),
            json!({"conditions": [{"type": "above", "metric_name": "m", "threshold": 5.0, "duration": 60}],
                   "services": ["#5", "mail", "ops"], "attributes": {"runbook_url": "u"}, "active": false,
                   "rearm_seconds": 600})
        );
    }

    #[test]
    fn what_is_not_understood_is_left_out_and_the_rest_kept() {
        let raw = json!({"name": "m", "type": "gauge", "period": "often", "display_name": "M", "unheard_of": 1,
                         "attributes": {"color": 7, "display_max": "5", "aggregate": "true", "created_by_ua": "x"}});
        let metric = lift(Collection::Metrics, &raw, &BTreeMap::new()).unwrap();
        assert_eq!(
            Value::Object(metric.fields()),
            json!({"type": "gauge", "display_name": "M", "attributes": {"display_max": "5", "aggregate": true}})
        );
    }
}
