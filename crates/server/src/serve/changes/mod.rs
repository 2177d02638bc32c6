//! How objects of every kind are made, shown, changed and deleted: once for all kinds, on what each says of itself ([`Entity`]).
//! Owns the conditions under which that happens, requests that come again, and the audit; all of it in the transaction of the
//! change. Knows no kind.

pub mod by_id;
pub mod crud;
pub mod table;
mod tag;
mod terms;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use serde_json::value::RawValue;

pub use self::terms::{Tags, Terms, Unconditional};
use super::http::answer;
use super::http::body::numeric;
use super::http::paging::Listed;
use super::http::problem::Problem;
use super::names::fold;
use super::refusal::Refusal;
use super::store::error::StoreError;
use super::store::tx::Tx;
use super::store::{Store, rows};

/// Says of an answer that it is to a request that was carried out before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// What the audit says in place of what is secret.
const HIDDEN: &str = "[hidden]";
const CHANGED: &str = "[changed]";

/// An object that is kept, with what each kind has to say of itself.
pub trait Entity: Sized + Send + 'static {
    /// What the audit calls the kind, such as `service`.
    const KIND: &'static str;
    /// The member of [`whole`](Entity::whole) that no one but those who may use it should see.
    const SECRET: Option<&'static str> = None;

    /// Zero for one that is not kept yet.
    fn id(&self) -> i64;

    /// Its name or title.
    fn name(&self) -> String;

    /// All that is kept of it, what belongs to others only by reference.
    fn whole(&self) -> Value;

    /// Writes it, as a new one when it has no id yet.
    fn save(&mut self, tx: &Tx<'_>, now: i64) -> Result<(), Refusal>;

    /// Another object with this name where its name should be the only one; of several the oldest.
    fn namesake(&self, tx: &Tx<'_>) -> Result<Option<i64>, Refusal>;
}

/// The page, with the tags of its objects where they are asked for.
pub fn listed<E: Entity>(tx: &Tx<'_>, tags: Tags, listed: Listed<E>) -> Result<Listed<E>, StoreError> {
    let tags = tags_of(tx, tags, &listed.items)?;
    Ok(listed.tagged(tags))
}

/// The tags of objects, where they are asked for.
pub fn tags_of<E: Entity>(tx: &Tx<'_>, tags: Tags, objects: &[E]) -> Result<Vec<String>, StoreError> {
    if !tags.wanted || objects.is_empty() {
        return Ok(Vec::new());
    }
    let key = table::tag_key(tx)?;
    Ok(objects.iter().map(|object| tag::of(&key, E::KIND, &object.whole())).collect())
}

/// 201 with the object that `make` gives, once it is kept below `home`. The same request with the same key makes nothing again.
pub async fn create<E: Entity>(
    store: &Store,
    terms: Terms,
    home: String,
    make: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    find: impl Fn(&Tx<'_>, i64) -> Result<E, Refusal> + Send + 'static,
    show: impl FnOnce(&E, &str) -> Response,
) -> Result<Response, Problem> {
    if terms.expected.is_some() {
        return Err(terms::unheeded(&header::IF_MATCH, "what is to be made is in no state yet"));
    }
    let (now, place) = (store.now(), format!("{home}/"));
    let keep = move |tx: &Tx<'_>, terms: &Terms| {
        let mut made = make(tx)?;
        if terms.only_if_absent
            && let Some(id) = made.namesake(tx)?
        {
            return Err(already_there::<E>(&format!("{place}{id}"), id));
        }
        made.save(tx, now)?;
        record(tx, terms, now, "create", None, Some(&made))?;
        Ok(made)
    };
    let job = move |tx: &Tx<'_>| -> Result<_, Problem> {
        let Once { made, replayed } =
            once(tx, &terms, now, |id| find(tx, id), || keep(tx, &terms).map(|made| (made.id(), made)))?;
        let tag = tag_of(tx, &made)?;
        Ok((made, tag, replayed))
    };
    let (made, tag, replayed) = store.write(job).await?;
    Ok(marked(tagged(show(&made, &format!("{home}/{}", made.id())), &tag), replayed))
}

/// What a request made that may come again.
pub struct Once<T> {
    pub made: T,
    /// Whether it was made when the request came before.
    pub replayed: bool,
}

/// What `make` makes, which has an id; where the same request came before with the same key, what `find` finds of what it made.
pub fn once<T>(
    tx: &Tx<'_>,
    terms: &Terms,
    now: i64,
    find: impl FnOnce(i64) -> Result<T, Refusal>,
    make: impl FnOnce() -> Result<(i64, T), Problem>,
) -> Result<Once<T>, Problem> {
    let Some(key) = &terms.key else { return Ok(Once { made: make()?.1, replayed: false }) };
    let request = terms.request(key);
    if let Some(known) = table::known(tx, &request, now)? {
        if known.digest != terms.digest {
            return Err(another_body());
        }
        return match find(known.object) {
            Ok(made) => Ok(Once { made, replayed: true }),
            Err(refusal) if refusal.is_missing() => Err(gone()),
            Err(refusal) => Err(refusal.into()),
        };
    }
    let (id, made) = make()?;
    table::remember(tx, &request, &terms.digest, id, now)?;
    Ok(Once { made, replayed: false })
}

/// The answer, which says so when it is to a request that was carried out before.
pub fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// 200 with what `read` finds, as `show` has it.
pub async fn show<E: Entity>(
    store: &Store,
    read: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    show: impl FnOnce(&E) -> Response,
) -> Result<Response, Problem> {
    let job = move |tx: &Tx<'_>| -> Result<_, Problem> {
        let found = read(tx)?;
        let tag = tag_of(tx, &found)?;
        Ok((found, tag))
    };
    let (found, tag) = store.read(job).await?;
    Ok(tagged(show(&found), &tag))
}

/// Changes what `read` finds by `edit`, and gives it back with its new tag.
pub async fn change<E: Entity>(
    store: &Store,
    terms: Terms,
    read: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    edit: impl Fn(&Tx<'_>, &mut E) -> Result<(), Refusal> + Send + 'static,
) -> Result<(E, String), Problem> {
    let now = store.now();
    let job = move |tx: &Tx<'_>| -> Result<_, Problem> {
        let mut object = read(tx)?;
        expect(tx, &terms, &object)?;
        let before = Sketch::of(&object);
        edit(tx, &mut object)?;
        object.save(tx, now)?;
        record(tx, &terms, now, "change", Some(before), Some(&object))?;
        let tag = tag_of(tx, &object)?;
        Ok((object, tag))
    };
    store.write(job).await
}

/// Changes what `read` finds by `edit`; where there is nothing, what `make` gives is kept instead. Also tells whether it is new.
pub async fn upsert<E: Entity>(
    store: &Store,
    terms: Terms,
    read: impl Fn(&Tx<'_>) -> Result<Option<E>, Refusal> + Send + 'static,
    make: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    edit: impl Fn(&Tx<'_>, &mut E) -> Result<(), Refusal> + Send + 'static,
) -> Result<(E, String, bool), Problem> {
    let now = store.now();
    let job = move |tx: &Tx<'_>| -> Result<_, Problem> {
        let (mut object, before) = match read(tx)? {
            Some(mut found) => {
                expect(tx, &terms, &found)?;
                let before = Sketch::of(&found);
                edit(tx, &mut found)?;
                (found, Some(before))
            }
            None if terms.expected.is_some() => return Err(unexpected::<E>()),
            None => (make(tx)?, None),
        };
        object.save(tx, now)?;
        let (is_new, tag) = (before.is_none(), tag_of(tx, &object)?);
        record(tx, &terms, now, if is_new { "create" } else { "change" }, before, Some(&object))?;
        Ok((object, tag, is_new))
    };
    store.write(job).await
}

/// 204 after [`change`].
pub async fn put<E: Entity>(
    store: &Store,
    terms: Terms,
    read: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    edit: impl Fn(&Tx<'_>, &mut E) -> Result<(), Refusal> + Send + 'static,
) -> Result<Response, Problem> {
    let (_, tag) = change(store, terms, read, edit).await?;
    Ok(tagged(answer::no_content(), &tag))
}

/// 200 after [`change`], with the object as `show` has it.
pub async fn put_shown<E: Entity>(
    store: &Store,
    terms: Terms,
    read: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    edit: impl Fn(&Tx<'_>, &mut E) -> Result<(), Refusal> + Send + 'static,
    show: impl FnOnce(&E) -> Response,
) -> Result<Response, Problem> {
    let (object, tag) = change(store, terms, read, edit).await?;
    Ok(tagged(show(&object), &tag))
}

/// 204 after `remove` has removed what `read` finds, which is handed to it. What cannot be read can be deleted, unless it is to be in a certain state.
pub async fn delete<E: Entity>(
    store: &Store,
    terms: Terms,
    read: impl Fn(&Tx<'_>) -> Result<E, Refusal> + Send + 'static,
    remove: impl Fn(&Tx<'_>, Option<E>) -> Result<(), Refusal> + Send + 'static,
) -> Result<Response, Problem> {
    let now = store.now();
    let job = move |tx: &Tx<'_>| -> Result<(), Problem> {
        let found = match read(tx) {
            Ok(object) => {
                expect(tx, &terms, &object)?;
                Some(object)
            }
            Err(refusal) if refusal.is_missing() || terms.expected.is_some() => return Err(refusal.into()),
            Err(_) => None,
        };
        let before = found.as_ref().map_or_else(|| Sketch::at_path::<E>(&terms), Sketch::of);
        remove(tx, found)?;
        record(tx, &terms, now, "delete", Some(before), None::<&E>)
    };
    store.write(job).await?;
    Ok(answer::no_content())
}

/// The same for the row of `table` with this id.
pub async fn delete_row<E: Entity>(
    store: &Store,
    terms: Terms,
    id: &str,
    table: &'static str,
    find: impl Fn(&Tx<'_>, i64) -> Result<E, Refusal> + Send + 'static,
) -> Result<Response, Problem> {
    let id = numeric(id)?;
    let remove =
        move |tx: &Tx<'_>, _| if rows::delete(tx, table, id)? { Ok(()) } else { Err(Refusal::Missing) };
    delete(store, terms, move |tx| find(tx, id), remove).await
}

/// The answer with the tag of its object.
pub fn tagged(mut response: Response, tag: &str) -> Response {
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response
}

fn tag_of<E: Entity>(tx: &Tx<'_>, object: &E) -> Result<String, StoreError> {
    Ok(tag::of(&table::tag_key(tx)?, E::KIND, &object.whole()))
}

/// 412 unless the object, which is there, is in a state that the request is meant for.
pub fn expect<E: Entity>(tx: &Tx<'_>, terms: &Terms, object: &E) -> Result<(), Problem> {
    if terms.only_if_absent {
        return Err(already_there::<E>(&stored_path(terms, object), object.id()));
    }
    match &terms.expected {
        Some(expected) if !expected.fits(&tag_of(tx, object)?) => Err(unexpected::<E>()),
        _ => Ok(()),
    }
}

/// The path of the request, in which the name of the object is spelt as it is stored.
fn stored_path<E: Entity>(terms: &Terms, object: &E) -> String {
    let name = object.name();
    let names_it = |last| fold(&percent_decode_str(last).decode_utf8_lossy()) == fold(&name);
    match terms.path.rsplit_once('/') {
        Some((home, last)) if names_it(last) => format!("{home}/{}", answer::segment(&name)),
        _ => terms.path.to_string(),
    }
}

fn unexpected<E: Entity>() -> Problem {
    let message =
        format!("The {} is not in the state that If-Match names: somebody has changed it.", E::KIND);
    Problem::request(StatusCode::PRECONDITION_FAILED, message)
}

fn already_there<E: Entity>(location: &str, id: i64) -> Problem {
    let id = if id == 0 { String::new() } else { format!(", with id {id}") };
    let message = format!("Another {} has that name already{id}.", E::KIND);
    Problem::request(StatusCode::PRECONDITION_FAILED, message).located(location)
}

fn another_body() -> Problem {
    let message = "This Idempotency-Key came with another body before. Send each body with a key of its own.";
    Problem::request(StatusCode::UNPROCESSABLE_ENTITY, message)
}

fn gone() -> Problem {
    Problem::request(StatusCode::GONE, "What this Idempotency-Key made has been deleted since.")
}

/// An object before a change.
pub struct Sketch {
    id: i64,
    name: String,
    whole: Option<Value>,
}

impl Sketch {
    pub fn of<E: Entity>(object: &E) -> Sketch {
        Sketch { id: object.id(), name: object.name(), whole: Some(object.whole()) }
    }

    /// Of one that is damaged.
    pub fn unread(id: i64, name: &str) -> Sketch {
        Sketch { id, name: name.to_owned(), whole: None }
    }

    /// Of one that is damaged the path tells which it was.
    fn at_path<E: Entity>(terms: &Terms) -> Sketch {
        let last = terms.path.rsplit('/').next().unwrap_or_default();
        let name = if E::SECRET.is_none() { last } else { "" };
        // What is addressed by its name has no id in its path.
        Sketch::unread(last.parse().unwrap_or(0), name)
    }
}

/// Writes to the audit what was done, in the transaction that does it.
pub fn record<E: Entity>(
    tx: &Tx<'_>,
    terms: &Terms,
    now: i64,
    action: &str,
    before: Option<Sketch>,
    after: Option<&E>,
) -> Result<(), Problem> {
    let after = after.map(Sketch::of);
    let Some(Sketch { id, name, .. }) = after.as_ref().or(before.as_ref()) else { return Ok(()) };
    let (id, name) = (*id, name.clone());
    let (mut before, mut after) = (before.and_then(|it| it.whole), after.and_then(|it| it.whole));
    if let Some(secret) = E::SECRET {
        veil(secret, &mut before, &mut after);
    }
    let entry = table::Entry {
        id: 0,
        time: now,
        user: terms.caller.name.to_string(),
        address: terms.address.map(|address| address.to_string()),
        kind: E::KIND.to_owned(),
        object: id,
        action: action.to_owned(),
        before: before.as_ref().map(raw).transpose()?,
        after: after.as_ref().map(raw).transpose()?,
        name,
    };
    Ok(table::record(tx, &entry, &fold(&entry.name))?)
}

fn raw(value: &Value) -> Result<Box<RawValue>, Problem> {
    serde_json::value::to_raw_value(value).map_err(|error| Problem::internal(error.to_string()))
}

/// Leaves of what is secret only whether it was changed.
fn veil(secret: &str, before: &mut Option<Value>, after: &mut Option<Value>) {
    let part = |object: &Option<Value>| object.as_ref().and_then(|object| object.get(secret)).cloned();
    let changed = before.is_some() && after.is_some() && part(before) != part(after);
    for (object, word) in [(before, HIDDEN), (after, if changed { CHANGED } else { HIDDEN })] {
        if let Some(part) = object.as_mut().and_then(|object| object.get_mut(secret)) {
            *part = Value::from(word);
        }
    }
}
