//! Objects of the service as it says them, by kind and by name, for the commands that handle them one by one.
//! Knows where each kind stands; changes nothing.

use futures_util::stream::{self, StreamExt, TryStreamExt};
use librato_apply::client::{
    Alert, AnnotationStream, ApiToken, Chart, Collection, Dashboard, Instrument, Metric, Object, Service,
    Source, Space, object_id,
};
use librato_apply::remote::{ApiError, Client, ReadApi, segment};
use librato_apply::target as targets;
use serde_json::Value;

use super::args::Global;
use super::args::kind::Kind;
use super::credentials::{self, Given};
use super::endpoint::{self, Access, Whose};
use super::inputs;
use super::target::{Target, target};
use super::ui::Ui;

/// How many spaces are asked for their charts at once.
const AT_ONCE: usize = 8;

/// Connects, works, and ends the connection however the work ends.
///
/// # Errors
/// Those of the work; without an endpoint or credentials.
pub async fn with_service<T>(
    global: &Global,
    ui: &Ui,
    access: Access,
    work: impl AsyncFnOnce(&Client, &Target) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (given, target) = meant(global, ui)?;
    let connection = endpoint::connect(global, &target, &given, access, ui).await;
    let connection = connection.map_err(|error| target.explain_way(error))?;
    let done = work(&connection.client, &target).await;
    connection.close().await?;
    done.map_err(|error| target.explain(error))
}

/// The same with whatever takes plans, of which `owner` says whose rules are meant where it is a ruler.
///
/// # Errors
/// As of [`with_service`].
pub async fn with_target<T>(
    global: &Global,
    ui: &Ui,
    owner: Option<&str>,
    work: impl AsyncFnOnce(&dyn targets::Target, &Target) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let (given, target) = meant(global, ui)?;
    let connection = endpoint::reach(global, &target, &given, Access::Read, ui).await;
    let connection = connection.map_err(|error| target.explain_way(error))?;
    let done = match connection.target(&target, &Whose::Owner(owner)) {
        Ok(goal) => work(&*goal, &target).await,
        Err(stop) => Err(stop.into()),
    };
    connection.close().await?;
    done.map_err(|error| target.explain(error))
}

fn meant(global: &Global, ui: &Ui) -> anyhow::Result<(Given, Target)> {
    let given = credentials::given(global, ui)?;
    let target = target(global, || inputs::endpoint_here(ui), &given, ui)?;
    Ok((given, target))
}

/// An object as the service says it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// What people call it; a chart with its space in front.
    pub name: String,
    /// Its id, for kinds that have one.
    pub id: Option<u64>,
    /// Its path below `/v1`.
    pub path: String,
    /// Everything the service says of it.
    pub raw: Value,
}

/// Where a kind stands; `None` for what is not a collection of its own.
pub fn collection(kind: Kind) -> Option<Collection> {
    Some(match kind {
        Kind::Metrics | Kind::Composites => Metric::COLLECTION,
        Kind::Annotations => AnnotationStream::COLLECTION,
        Kind::Alerts => Alert::COLLECTION,
        Kind::Services => Service::COLLECTION,
        Kind::Spaces => Space::COLLECTION,
        Kind::Charts => Chart::COLLECTION,
        Kind::Sources => Source::COLLECTION,
        Kind::Instruments => Instrument::COLLECTION,
        Kind::Dashboards => Dashboard::COLLECTION,
        Kind::Tokens => ApiToken::COLLECTION,
        Kind::Events | Kind::Measurements | Kind::Snapshots | Kind::Audit => return None,
        Kind::Incidents | Kind::Deliveries | Kind::Silences => return None,
    })
}

/// All objects of a kind; `part` narrows the search to names that contain it, where the service can do that.
///
/// # Errors
/// Where the list cannot be read as a whole.
pub async fn list(client: &Client, kind: Kind, part: &str) -> Result<Vec<Entry>, ApiError> {
    if kind == Kind::Charts {
        return charts(client).await;
    }
    let Some(collection) = collection(kind) else { return Ok(Vec::new()) };
    // Tokens are searched for by whole names or patterns only.
    let searchable = collection.searchable && kind != Kind::Tokens;
    let mut found = entries(client, &collection, collection.path, part, searchable).await?;
    found.retain(|entry| kind != Kind::Composites || entry.raw["type"] == "composite");
    Ok(found)
}

async fn entries(
    client: &Client,
    collection: &Collection,
    path: &str,
    part: &str,
    searchable: bool,
) -> Result<Vec<Entry>, ApiError> {
    let mut listing = collection.listing(path.to_owned());
    if searchable && !part.is_empty() {
        listing.query.push(("name".into(), part.to_owned()));
    }
    let entry = |raw: Value| {
        let name = collection.name_of(&raw).unwrap_or_default().to_owned();
        let id = object_id(&raw);
        let last = id.map_or_else(|| segment(&name), |id| id.to_string());
        Entry { path: format!("{path}/{last}"), name, id, raw }
    };
    Ok(client.list(&listing).await?.into_iter().map(entry).collect())
}

/// The charts of all spaces, space by space.
async fn charts(client: &Client) -> Result<Vec<Entry>, ApiError> {
    let spaces = entries(client, &Space::COLLECTION, Space::COLLECTION.path, "", false).await?;
    let of_space = |space: Entry| async move {
        let mut charts = entries_below(client, &space.path).await?;
        for chart in &mut charts {
            chart.name = format!("{}/{}", space.name, chart.name);
            if let Value::Object(fields) = &mut chart.raw {
                fields.insert("space".into(), space.name.clone().into());
            }
        }
        Ok::<_, ApiError>(charts)
    };
    let all: Vec<Vec<Entry>> = stream::iter(spaces).map(of_space).buffered(AT_ONCE).try_collect().await?;
    Ok(all.into_iter().flatten().collect())
}

/// What has exactly this name; upper and lower case are the same where they are to the service.
///
/// # Errors
/// As [`list`].
pub async fn called(client: &Client, kind: Kind, name: &str) -> Result<Vec<Entry>, ApiError> {
    let Some(collection) = collection(kind) else { return Ok(Vec::new()) };
    let mut found = list(client, kind, name).await?;
    match kind {
        Kind::Charts => found.retain(|entry| entry.name == name),
        _ => found.retain(|entry| collection.is_called(&entry.raw, name)),
    }
    Ok(found)
}

/// The object with this id; `None` where there is none.
///
/// # Errors
/// Where it cannot be read.
pub async fn numbered(client: &Client, kind: Kind, id: u64) -> Result<Option<Entry>, ApiError> {
    if kind == Kind::Charts {
        // A chart can be asked for only by the space it stands in.
        return Ok(charts(client).await?.into_iter().find(|chart| chart.id == Some(id)));
    }
    let path = match collection(kind) {
        Some(collection) => format!("{}/{id}", collection.path),
        None => format!("/snapshots/{id}"),
    };
    match client.get(&path, &[]).await {
        // No one shall confirm the deletion of one object by the name of another.
        Ok(raw) if object_id(&raw).is_some_and(|own| own != id) => Ok(None),
        Ok(raw) => {
            let name =
                collection(kind).and_then(|of| of.name_of(&raw).map(str::to_owned)).unwrap_or_default();
            Ok(Some(Entry { name, id: Some(id), path, raw }))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

/// All there is to know of objects that were asked for by name or id: a space comes with its charts, of which the service says
/// only the ids.
///
/// # Errors
/// Where they cannot be read.
pub async fn completed(client: &Client, kind: Kind, entries: Vec<Entry>) -> Result<Vec<Value>, ApiError> {
    let mut objects = Vec::new();
    for Entry { path, mut raw, .. } in entries {
        if kind == Kind::Spaces {
            let charts = entries_below(client, &path).await?;
            raw["charts"] = charts.into_iter().map(|chart| chart.raw).collect();
        }
        objects.push(raw);
    }
    Ok(objects)
}

async fn entries_below(client: &Client, space: &str) -> Result<Vec<Entry>, ApiError> {
    entries(client, &Chart::COLLECTION, &format!("{space}/charts"), "", false).await
}

/// Whether objects of this kind are told apart by ids.
pub fn has_ids(kind: Kind) -> bool {
    use Kind::{Annotations, Audit, Composites, Measurements, Metrics, Sources};
    !matches!(kind, Metrics | Composites | Measurements | Annotations | Sources | Audit)
}
