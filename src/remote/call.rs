//! Every change as the calls that make it so. Pure: the same change and ids give the same calls.
//! Lays changed fields over the raw remote object, so that keys and condition ids we do not manage survive.

mod lists;

use serde_json::{Map, Value, json};

use super::fetch::{Ids, conditions_in_order};
use super::{Call, Method, segment};
use crate::diff::{Action, Change, FieldChange, rename};
use crate::model::{Address, Collection, Kind, MASKED, Resource};
use crate::wire::lenient;

/// How a change is sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// One call.
    One(Call),
    /// A delete, then the creation of what takes its place.
    Replace(Call, Call),
    /// The PUT of an annotation stream, which may have to be brought into being by an event first.
    Stream(Call),
}

/// A change that cannot be put into calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// An object that is referred to or written has no id here.
    #[error("{0} \"{1}\" has no id: it was not there when the plan was made")]
    NoId(Kind, Address),
    /// What the service says of the object cannot be read, so that what is laid over it would remove what it holds.
    #[error("what the service says of {0} \"{1}\" cannot be read: {2}")]
    Unreadable(Kind, Address, String),
    /// A setting would be written that was only ever seen masked.
    #[error(
        "the setting `{0}` is hidden from this token, so it cannot be written back; apply with a token of the role `admin`"
    )]
    Masked(String),
}

/// The calls of a change.
///
/// # Errors
/// Where an id is missing, as when the object it belongs to was not created.
pub fn request(change: &Change, ids: &Ids) -> Result<Request, CallError> {
    let address = &change.address;
    Ok(match &change.action {
        Action::Create { after, .. } if after.kind() == Kind::Annotation => {
            Request::Stream(create(address, after, ids)?)
        }
        Action::Create { after, .. } => Request::One(create(address, after, ids)?),
        Action::Update { before, after, fields, renamed_from, origins } => {
            let (edit, from) = (lists::Edit { before, after, origins }, renamed_from.as_ref());
            let call = update(address, &edit, fields, from, ids)?;
            if change.kind == Kind::Annotation { Request::Stream(call) } else { Request::One(call) }
        }
        Action::Replace { after, .. } => {
            Request::Replace(delete(address, ids)?, create(address, after, ids)?)
        }
        Action::Delete { .. } => Request::One(delete(address, ids)?),
    })
}

fn create(address: &Address, after: &Resource, ids: &Ids) -> Result<Call, CallError> {
    let mut body = sendable(after, |_| true, ids)?;
    match after {
        // The order in which people read them.
        Resource::Service(_) => _ = body.shift_insert(0, "title".into(), address.name.clone().into()),
        Resource::Alert(_) | Resource::Space(_) | Resource::Chart(_) => {
            _ = body.shift_insert(0, "name".into(), address.name.clone().into());
        }
        Resource::Composite(_) => _ = body.shift_insert(0, "type".into(), "composite".into()),
        Resource::Metric(_) | Resource::Annotation(_) => {}
    }
    Ok(match address.collection {
        Collection::Metrics | Collection::Annotations => {
            Call { method: Method::Put, path: path(address, ids)?, body: Some(Value::Object(body)) }
        }
        _ => Call { method: Method::Post, path: home(address, ids)?, body: Some(Value::Object(body)) },
    })
}

fn update(
    address: &Address,
    edit: &lists::Edit<'_>,
    fields: &[FieldChange],
    renamed_from: Option<&Address>,
    ids: &Ids,
) -> Result<Call, CallError> {
    let (after, current) = (edit.after, renamed_from.unwrap_or(address));
    let unreadable =
        |error: serde_json::Error| CallError::Unreadable(after.kind(), current.clone(), error.to_string());
    let raw = ids.get(current).map(|remote| remote.raw.read().map_err(unreadable)).transpose()?;
    let raw = &raw.unwrap_or_default();
    // Only what changes: an alert may use services that no one here has heard of.
    let begins = |change: &FieldChange, field: &str| matches!(change.route.segs().first(), Some(crate::diag::Seg::Key(key)) if key == field);
    let changed = sendable(after, |field| fields.iter().any(|change| begins(change, field)), ids)?;
    // The settings of another type mean nothing to the new one.
    let settings = if rename::retypes(fields) { &Value::Null } else { &raw["settings"] };
    let mut body = Map::new();
    match after {
        Resource::Alert(_) => {
            // A PUT without conditions removes all of them.
            body.insert("name".into(), address.name.clone().into());
            body.insert("conditions".into(), edit.conditions(raw).into());
        }
        Resource::Service(_) if renamed_from.is_some() => {
            _ = body.insert("title".into(), address.name.clone().into());
        }
        Resource::Space(_) | Resource::Chart(_) if renamed_from.is_some() => {
            _ = body.insert("name".into(), address.name.clone().into());
        }
        _ => {}
    }
    for change in fields {
        let segs = change.route.segs();
        let Some(crate::diag::Seg::Key(field)) = segs.first() else { continue };
        match (field.as_str(), segs.get(1)) {
            ("conditions", _) => {}
            ("streams", _) => _ = body.insert(field.clone(), edit.streams(raw).into()),
            ("thresholds", _) => _ = body.insert(field.clone(), edit.thresholds(raw).into()),
            ("settings", _) => {
                _ = body.insert(field.clone(), edit.settings(settings).map_err(CallError::Masked)?);
            }
            ("attributes", Some(crate::diag::Seg::Key(key))) => {
                let value = changed
                    .get("attributes")
                    .and_then(|attributes| attributes.get(key))
                    .cloned()
                    .unwrap_or_default();
                attribute(&mut body, key, value, after, raw);
            }
            _ => _ = body.insert(field.clone(), changed.get(field).cloned().unwrap_or_default()),
        }
    }
    Ok(Call { method: Method::Put, path: path(current, ids)?, body: Some(Value::Object(body)) })
}

/// The PUT that points an alert from some services to another one, and nothing else; none where it uses none of these.
pub fn replace_service(alert: &Value, from: &[u64], to: u64) -> Option<Call> {
    let id_of = |service: &Value| lenient::id(service).or_else(|| lenient::id(&service["id"]));
    let uses = |service: &Value| id_of(service).is_some_and(|id| from.contains(&id));
    let used = alert["services"].as_array()?;
    if !used.iter().any(uses) {
        return None;
    }
    let mut services: Vec<Value> = Vec::new();
    for service in used {
        let service =
            if uses(service) { json!(to) } else { id_of(service).map_or(service.clone(), Value::from) };
        if !services.contains(&service) {
            services.push(service);
        }
    }
    let conditions: Vec<&Value> = conditions_in_order(alert);
    let body = json!({"name": alert["name"], "conditions": conditions, "services": services});
    let path = format!("{}/{}", root(Collection::Alerts), lenient::id(&alert["id"])?);
    Some(Call { method: Method::Put, path, body: Some(body) })
}

/// The PUT that gives a service another title.
pub fn rename_service(id: u64, title: &str) -> Call {
    let path = format!("{}/{id}", root(Collection::Services));
    Call { method: Method::Put, path, body: Some(json!({"title": title})) }
}

/// The DELETE of a service.
pub fn remove_service(id: u64) -> Call {
    Call { method: Method::Delete, path: format!("{}/{id}", root(Collection::Services)), body: None }
}

/// Metrics merge attributes, null unsetting one; an alert's are replaced as a whole, so all that shall stay are sent.
fn attribute(body: &mut Map<String, Value>, key: &str, value: Value, after: &Resource, raw: &Value) {
    let alert = matches!(after, Resource::Alert(_));
    let whole =
        || if alert { raw["attributes"].as_object().cloned().unwrap_or_default() } else { Map::new() };
    let entry = body.entry("attributes").or_insert_with(|| Value::Object(whole()));
    let Some(attributes) = entry.as_object_mut() else { return };
    if value.is_null() && alert {
        attributes.shift_remove(key);
    } else {
        attributes.insert(key.to_owned(), value);
    }
}

fn delete(address: &Address, ids: &Ids) -> Result<Call, CallError> {
    Ok(Call { method: Method::Delete, path: path(address, ids)?, body: None })
}

/// The written fields that are wanted in the form of the wire: services by id, nothing null.
fn sendable(
    resource: &Resource,
    wanted: impl Fn(&str) -> bool,
    ids: &Ids,
) -> Result<Map<String, Value>, CallError> {
    let mut fields = resource.fields();
    fields.retain(|field, value| wanted(field) && !value.is_null());
    if let Some(Value::Object(attributes)) = fields.get_mut("attributes") {
        attributes.retain(|_, value| !value.is_null());
    }
    if let Some(Value::Object(settings)) = fields.get("settings")
        && let Some((name, _)) = settings.iter().find(|(_, value)| *value == MASKED)
    {
        return Err(CallError::Masked(name.clone()));
    }
    if let (Resource::Alert(_), Some(Value::Array(titles))) = (resource, fields.get_mut("services")) {
        for title in titles {
            *title = json!(id(&Address::service(title.as_str().unwrap_or_default()), ids)?);
        }
    }
    if let (Resource::Chart(_), Some(name)) = (resource, fields.get_mut("related_space")) {
        *name = json!(id(&Address::space(name.as_str().unwrap_or_default()), ids)?);
    }
    Ok(fields)
}

/// The path of a collection.
fn root(collection: Collection) -> &'static str {
    match collection {
        Collection::Services => "/services",
        Collection::Metrics => "/metrics",
        Collection::Annotations => "/annotations",
        Collection::Alerts => "/alerts",
        Collection::Spaces | Collection::Charts => "/spaces",
    }
}

/// The path of the collection that holds an object: every space has charts of its own.
fn home(address: &Address, ids: &Ids) -> Result<String, CallError> {
    let root = root(address.collection);
    match address.container() {
        Some(space) => Ok(format!("{root}/{}/charts", id(&space, ids)?)),
        None => Ok(root.to_owned()),
    }
}

/// The path of an object of this collection that has this id, such as a copy of one that is known.
///
/// # Errors
/// Where the space of a chart has no id here.
pub fn path_of(address: &Address, id: u64, ids: &Ids) -> Result<String, CallError> {
    Ok(format!("{}/{id}", home(address, ids)?))
}

fn path(address: &Address, ids: &Ids) -> Result<String, CallError> {
    let home = home(address, ids)?;
    Ok(match address.collection {
        Collection::Metrics => format!("{home}/{}", segment(&address.name)),
        // In the spelling of the service, should it look at it.
        Collection::Annotations => {
            let known = ids.get_key_value(address).map_or(address, |(known, _)| known);
            format!("{home}/{}", segment(&known.name))
        }
        _ => path_of(address, id(address, ids)?, ids)?,
    })
}

fn id(address: &Address, ids: &Ids) -> Result<u64, CallError> {
    let id = ids.get(address).and_then(|remote| remote.id);
    id.ok_or_else(|| CallError::NoId(address.collection.kind(), address.clone()))
}

#[cfg(test)]
mod tests;
