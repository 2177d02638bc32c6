//! Reads what exists, as far as it is wanted: definitions by identity, ids and raw objects apart from them.
//! Knows which listings there are; how one object is understood stands in `decode`.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::Value;
use serde_json::value::RawValue;

use super::decode::{Notified, called, lift_whole, notified};
pub use super::decode::{Unfit, conditions_in_order, decode, lift_condition, unmapped};
pub use super::fetch_plan::{FetchPlan, Spaces};
pub use super::raw::Raw;
use super::{ApiError, Listing, ReadApi, placeholder, segment};
use crate::diff::rename::is_replacement;
use crate::model::{Address, ChartOrder, Collection, Field, Resource, State};
use crate::wire::{entity_tags, lenient};

/// What a write needs to know of a remote object beside its definition.
#[derive(Debug, Clone, PartialEq)]
pub struct Remote {
    /// The id; metrics and annotation streams have none.
    pub id: Option<u64>,
    /// The object as the service gave it, keys we do not know included.
    pub raw: Raw,
    /// Which state it was in, where the service says that.
    pub tag: Option<String>,
}

/// Takes the tag out of an object that was listed.
fn take_tag(raw: &mut Value) -> Option<String> {
    match raw.as_object_mut()?.shift_remove(entity_tags::MEMBER)? {
        Value::String(tag) => Some(tag),
        _ => None,
    }
}

/// Remote objects by identity.
pub type Ids = BTreeMap<Address, Remote>;

/// The types of the services among them, by title.
pub fn service_types(ids: &Ids) -> BTreeMap<String, String> {
    let services = ids.iter().filter(|(address, _)| address.collection == Collection::Services);
    let of = |(address, remote): (&Address, &Remote)| {
        Some((address.name.clone(), lenient::text(&remote.raw.value()["type"])?.to_owned()))
    };
    services.filter_map(of).collect()
}

/// Follows a rename: the object, and what it holds, are known by the new name from now on.
pub fn rename(ids: &mut Ids, old: &Address, new: &Address) {
    let is_space = old.collection == Collection::Spaces;
    let moved = |address: &Address| is_space && address.parent.as_ref() == Some(&old.name);
    let all: Vec<Address> = ids.keys().filter(|address| *address == old || moved(address)).cloned().collect();
    for address in all {
        let Some(remote) = ids.remove(&address) else { continue };
        let address = if address == *old { new.clone() } else { Address::chart(&new.name, address.name) };
        ids.insert(address, remote);
    }
}

/// What exists, as far as it was asked for.
#[derive(Debug, Clone, Default)]
pub struct Actual {
    /// Definitions by identity.
    pub state: State,
    /// What writing them needs.
    pub ids: Ids,
    /// Names that several objects have, with their ids. The first one stands in `state`.
    pub duplicates: BTreeMap<Address, Vec<u64>>,
    /// The charts of each space in the order in which the service shows them.
    pub chart_order: ChartOrder,
    /// What a target keeps of it beside objects, in a form of its own.
    pub own: Value,
}

/// Reads what is wanted, listings concurrently.
///
/// # Errors
/// When any of it cannot be read completely: a plan is never made from half of the remote.
pub async fn fetch(api: &impl ReadApi, wanted: &FetchPlan) -> Result<Actual, ApiError> {
    let lists = stream::iter(&wanted.collections)
        .map(|collection| async move { Ok((*collection, list(api, *collection).await?)) });
    let mut lists: BTreeMap<Collection, Vec<Entry>> = lists.buffer_unordered(8).try_collect().await?;
    // A service that a broken run has left may have to go, and whether it is in use only the alerts can tell.
    let mut services = lists.get(&Collection::Services).into_iter().flatten();
    if services.any(|service| is_replacement(&service.address)) && !lists.contains_key(&Collection::Alerts) {
        lists.insert(Collection::Alerts, list(api, Collection::Alerts).await?);
    }
    let single: Vec<&Address> = if wanted.collections.contains(&Collection::Metrics) {
        Vec::new()
    } else {
        wanted.metrics.iter().collect()
    };
    let metrics: Vec<Option<Value>> =
        stream::iter(single).map(|address| look_up_metric(api, address)).buffered(8).try_collect().await?;
    let names = |collection| {
        let entries = lists.get(&collection).into_iter().flatten();
        entries.filter_map(|entry| Some((entry.remote.id?, entry.address.name.clone()))).collect()
    };
    let titles: BTreeMap<u64, String> = names(Collection::Services);
    let spaces: Arc<BTreeMap<u64, String>> = Arc::new(names(Collection::Spaces));
    let mut entries: Vec<Entry> = lists.into_values().flatten().collect();
    for raw in metrics.into_iter().flatten() {
        let metric = Entry::read(Collection::Metrics, None, raw, None, &titles);
        entries.extend(metric.map_err(|unfit| unreadable("/metrics", &unfit))?);
    }
    let mut actual = Actual::of(entries, &titles);
    for (space, charts) in fetch_charts(api, wanted, &actual, &spaces).await? {
        let order = charts.iter().map(|chart| chart.address.name.clone());
        actual.chart_order.insert(space.clone(), order.collect());
        let charts = Actual::of(charts, &titles);
        actual.state.extend(charts.state);
        actual.ids.extend(charts.ids);
        actual.duplicates.extend(charts.duplicates);
    }
    for unfinished in placeholder::unfinished(api, &actual.state, &wanted.bare_streams).await? {
        actual.state.remove(&unfinished);
        actual.ids.remove(&unfinished);
    }
    Ok(actual)
}

/// An object of a listing, understood as far as it can be by itself.
struct Entry {
    address: Address,
    resource: Resource,
    remote: Remote,
    /// The services an alert notifies, whose titles stand in another listing.
    notified: Vec<Notified>,
}

impl Entry {
    /// None where it has no name. `names` are those of what the object refers to by id.
    fn read(
        collection: Collection,
        space: Option<&str>,
        mut raw: Value,
        text: Option<&RawValue>,
        names: &BTreeMap<u64, String>,
    ) -> Result<Option<Self>, Unfit> {
        let tag = take_tag(&mut raw);
        let Some(name) = name_of(collection, &raw) else { return Ok(None) };
        let address = Address { parent: space.map(str::to_owned), ..Address::new(collection, name) };
        let kept = text.filter(|_| tag.is_none()).map_or_else(|| Raw::from(&raw), Raw::from);
        let remote = Remote { id: lenient::id(&raw["id"]), raw: kept, tag };
        let notified = if collection == Collection::Alerts { notified(&raw) } else { Vec::new() };
        let resource = lift_whole(collection, raw, names)?;
        Ok(Some(Self { address, resource, remote, notified }))
    }
}

/// The entries of a listing that have names.
async fn entries(
    api: &impl ReadApi,
    listing: &Listing,
    each: impl Fn(Value, &RawValue) -> Result<Option<Entry>, Unfit> + Clone + Send + Sync + 'static,
) -> Result<Vec<Entry>, ApiError> {
    let entries = api.list_as(listing, each).await?.into_iter();
    entries.filter_map(|entry| entry.map_err(|unfit| unreadable(&listing.path, &unfit)).transpose()).collect()
}

fn unreadable(path: &str, unfit: &Unfit) -> ApiError {
    ApiError::Decode { path: path.to_owned(), detail: unfit.to_string() }
}

/// A collection, page by page understood.
async fn list(api: &impl ReadApi, collection: Collection) -> Result<Vec<Entry>, ApiError> {
    let Some(listing) = listing(collection) else { return Ok(Vec::new()) };
    let each =
        move |raw: Value, text: &RawValue| Entry::read(collection, None, raw, Some(text), &BTreeMap::new());
    entries(api, &listing, each).await
}

/// The charts of the spaces that are wanted, each space's in the order of the service. Of duplicates only the first is read.
async fn fetch_charts(
    api: &impl ReadApi,
    wanted: &FetchPlan,
    actual: &Actual,
    names: &Arc<BTreeMap<u64, String>>,
) -> Result<Vec<(String, Vec<Entry>)>, ApiError> {
    let spaces = actual.ids.iter().filter(|(address, _)| address.collection == Collection::Spaces);
    let spaces = spaces.filter(|(address, _)| wanted.charts_of(&address.name));
    let look = |(address, remote): (&Address, &Remote)| {
        let (name, id) = (address.name.clone(), remote.id);
        async move {
            let Some(id) = id else { return Ok((name, Vec::new())) };
            let (space, names) = (name.clone(), Arc::clone(names));
            let each = move |raw: Value, text: &RawValue| {
                Entry::read(Collection::Charts, Some(&space), raw, Some(text), &names)
            };
            Ok((name, entries(api, &charts_listing(id), each).await?))
        }
    };
    let looks: Vec<_> = spaces.map(look).collect();
    stream::iter(looks).buffered(16).try_collect().await
}

/// The charts of a space: a bare array, without pages.
fn charts_listing(space: u64) -> Listing {
    let by_id = |raw: &Value| lenient::id(&raw["id"]).map(|id| id.to_string());
    let path = format!("/spaces/{space}/charts");
    Listing { path, key: "charts", query: Vec::new(), order: None, identity: by_id, tagged: true }
}

/// Whether a space has charts.
///
/// # Errors
/// As [`fetch`].
pub async fn has_charts(api: &impl ReadApi, space: u64) -> Result<bool, ApiError> {
    Ok(!api.list(&charts_listing(space)).await?.is_empty())
}

/// An object found by its name.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// What it says.
    pub resource: Resource,
    /// What writing it needs.
    pub remote: Remote,
}

/// All objects with exactly this name, though the API only searches for parts of names. `space` is the id of a chart's
/// space.
///
/// # Errors
/// As [`fetch`].
pub async fn find(api: &impl ReadApi, address: &Address, space: Option<u64>) -> Result<Vec<Found>, ApiError> {
    let listing = match (listing(address.collection), space) {
        // Services know no filter.
        (Some(listing), _) if address.collection == Collection::Services => listing,
        (Some(mut listing), _) => {
            listing.query.push(("name".into(), address.name.clone()));
            listing
        }
        (None, Some(space)) => charts_listing(space),
        (None, None) => return Ok(Vec::new()),
    };
    let items = api.list(&listing).await?;
    let path = listing.path;
    let named = match address.collection {
        Collection::Alerts => self::listing(Collection::Services),
        Collection::Charts => self::listing(Collection::Spaces),
        _ => None,
    };
    let titles = match named {
        Some(listing) => {
            let of = if address.collection == Collection::Alerts {
                Collection::Services
            } else {
                Collection::Spaces
            };
            names(of, &api.list(&listing).await?)
        }
        None => BTreeMap::new(),
    };
    let exact =
        |raw: &Value| name_of(address.collection, raw).is_some_and(|name| address.renamed(name) == *address);
    let found = |mut raw: Value| {
        let tag = take_tag(&mut raw);
        let resource =
            decode(address.collection, &raw, &titles).map_err(|unfit| unreadable(&path, &unfit))?;
        Ok(Found { resource, remote: Remote { id: lenient::id(&raw["id"]), raw: Raw::from(&raw), tag } })
    };
    items.into_iter().filter(exact).map(found).collect()
}

/// Every service or space, or every chart of the space with this name and id; `spaces` are the names that charts refer to.
///
/// # Errors
/// As [`fetch`].
pub async fn standing(
    api: &impl ReadApi,
    collection: Collection,
    space: Option<(&str, u64)>,
    spaces: BTreeMap<u64, String>,
) -> Result<Vec<(Address, Found)>, ApiError> {
    let (name, id) = space.unzip();
    let listing = match id {
        Some(id) => Some(charts_listing(id)),
        None => listing(collection),
    };
    let Some(listing) = listing else { return Ok(Vec::new()) };
    let name = name.map(str::to_owned);
    let each =
        move |raw: Value, text: &RawValue| Entry::read(collection, name.as_deref(), raw, Some(text), &spaces);
    let entries = entries(api, &listing, each).await?.into_iter();
    Ok(entries.map(|it| (it.address, Found { resource: it.resource, remote: it.remote })).collect())
}

/// All alerts as the service gives them.
///
/// # Errors
/// As [`fetch`].
pub async fn raw_alerts(api: &impl ReadApi) -> Result<Vec<Value>, ApiError> {
    match listing(Collection::Alerts) {
        Some(alerts) => api.list(&Listing { tagged: false, ..alerts }).await,
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
        Collection::Spaces => ("/spaces", "spaces", Some("name"), by_id),
        Collection::Charts => return None,
    };
    Some(Listing { path: path.into(), key, query: Vec::new(), order, identity, tagged: true })
}

/// The names of what others refer to by id: services for alerts, spaces for charts.
fn names(collection: Collection, items: &[Value]) -> BTreeMap<u64, String> {
    items
        .iter()
        .filter_map(|raw| Some((lenient::id(&raw["id"])?, name_of(collection, raw)?.to_owned())))
        .collect()
}

fn name_of(collection: Collection, raw: &Value) -> Option<&str> {
    match collection {
        Collection::Services => lenient::text(&raw["title"]),
        // A chart need not have a name.
        Collection::Charts => Some(lenient::text(&raw["name"]).unwrap_or_default()),
        _ => lenient::text(&raw["name"]),
    }
}

impl Actual {
    /// Of objects in any order; of duplicates in that of the service. `titles` are those of services.
    fn of(mut entries: Vec<Entry>, titles: &BTreeMap<u64, String>) -> Self {
        let mut actual = Self::default();
        entries.sort_by(|a, b| a.address.cmp(&b.address));
        entries.dedup_by(|duplicate, first| {
            let same = duplicate.address == first.address;
            if same {
                let ids = actual.duplicates.entry(first.address.clone());
                ids.or_insert_with(|| first.remote.id.into_iter().collect()).extend(duplicate.remote.id);
            }
            same
        });
        // Maps that are made at once are half as large as those that grow.
        let (mut objects, mut ids) = (Vec::with_capacity(entries.len()), Vec::with_capacity(entries.len()));
        for Entry { address, mut resource, remote, notified } in entries {
            if let Resource::Alert(alert) = &mut resource {
                alert.services = Field::Set(called(notified, titles));
            }
            objects.push((address.clone(), resource));
            ids.push((address, remote));
        }
        (actual.state, actual.ids) = (objects.into_iter().collect(), ids.into_iter().collect());
        actual
    }
}
