//! The handle that serves every kind: a page, all, one by key, one by name, create, change, delete.
//! Knows kinds only through [`Object`].

use std::borrow::Cow;
use std::marker::PhantomData;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use serde_json::Value;

use super::object::{Identity, Object};
use super::read::decode;
use super::select::{Found, Page, Select};
use super::{Error, Librato};
use crate::remote::{ApiError, Call, Method, Part, Progress, ReadApi, Stage, segment};
use crate::wire;

/// The objects of one kind.
#[derive(Debug)]
pub struct Objects<'a, T> {
    librato: &'a Librato,
    path: Cow<'static, str>,
    kind: PhantomData<fn() -> T>,
}

impl<T> Clone for Objects<'_, T> {
    fn clone(&self) -> Self {
        Self { librato: self.librato, path: self.path.clone(), kind: PhantomData }
    }
}

impl<'a, T: Object> Objects<'a, T> {
    pub(super) fn new(librato: &'a Librato) -> Self {
        Self::below(librato, T::COLLECTION.path)
    }

    /// Objects that stand below another one.
    pub(super) fn below(librato: &'a Librato, path: impl Into<Cow<'static, str>>) -> Self {
        Self { librato, path: path.into(), kind: PhantomData }
    }

    pub(super) fn librato(&self) -> &'a Librato {
        self.librato
    }

    /// The path of one object.
    pub(super) fn path_of(&self, key: T::Key<'_>) -> String {
        format!("{}/{}", self.path, segment(&T::spelled(&key.to_string(), self.librato)))
    }

    /// One page of the list.
    ///
    /// # Errors
    /// Where the service cannot be read.
    pub async fn page(&self, select: &Select) -> Result<Page<T>, Error> {
        let page = self.raw_page(select).await?;
        let items = page.items.into_iter().map(|raw| self.read(raw)).collect::<Result<Vec<T>, _>>()?;
        let found = page.query.map_or(items.len() as u64, |query| query.found);
        Ok(Page { items, found, total: page.query.and_then(|query| query.total), offset: select.offset })
    }

    /// All objects, page after page, as they come. Needs [`TryStreamExt`] to be read.
    ///
    /// Where someone else writes meanwhile, objects can move between pages: none is given twice, and where one may be
    /// missing the stream ends with [`ApiError::Incomplete`]. [`Objects::list`] reads again instead.
    pub fn stream(&self) -> BoxStream<'a, Result<T, Error>> {
        self.stream_of(Select::new())
    }

    /// Like [`Objects::stream`], for a search, an order or pages of another length.
    pub fn stream_of(&self, select: Select) -> BoxStream<'a, Result<T, Error>> {
        let (all, path) = (self.clone(), self.path.clone());
        let select = select.steady(T::COLLECTION.order);
        let progress = Progress::from(select.offset);
        let pages = stream::try_unfold(Some((select, progress)), move |left| {
            let all = all.clone();
            async move {
                let Some((mut select, mut progress)) = left else { return Ok::<_, Error>(None) };
                let page = all.identified(all.raw_page(&select).await?)?;
                select.offset += page.items.len() as u64;
                let (fresh, stage) = progress.take(page);
                let mut fresh: Vec<Result<Value, Error>> = fresh.into_iter().map(Ok).collect();
                if let Stage::Moved { found, distinct } = stage {
                    let path = all.path.to_string();
                    fresh.push(Err(ApiError::Incomplete { path, found, distinct }.into()));
                }
                Ok(Some((fresh, (stage == Stage::More).then_some((select, progress)))))
            }
        });
        let items = pages.map_ok(|items: Vec<Result<Value, Error>>| stream::iter(items)).try_flatten();
        items.map(move |raw| Ok(decode(&path, raw?)?)).boxed()
    }

    /// All objects at once: read again, up to three times, until the list stands still.
    ///
    /// # Errors
    /// [`ApiError::Incomplete`] where it does not; else as [`Objects::page`].
    pub async fn list(&self) -> Result<Vec<T>, Error> {
        self.all_named(None).await
    }

    /// What has exactly this name. Names of alerts, services, spaces and charts need not be unique.
    ///
    /// # Errors
    /// As [`Objects::list`].
    pub async fn find(&self, name: &str) -> Result<Found<T>, Error> {
        let name = T::spelled(name, self.librato);
        Ok(Found::of(self.all_named(Some(&name)).await?))
    }

    async fn all_named(&self, name: Option<&str>) -> Result<Vec<T>, Error> {
        let mut listing = T::COLLECTION.listing(self.path.clone().into_owned());
        if let Some(name) = name.filter(|_| T::COLLECTION.searchable) {
            listing.query.push(("name".into(), name.to_owned()));
        }
        let found = self.librato.client().list(&listing).await?;
        let wanted = |raw: &Value| name.is_none_or(|name| T::COLLECTION.is_called(raw, name));
        found.into_iter().filter(wanted).map(|raw| self.read(raw)).collect()
    }

    /// One object.
    ///
    /// # Errors
    /// 404 where there is none ([`Error::is_not_found`]).
    pub async fn get(&self, key: T::Key<'_>) -> Result<T, Error> {
        let path = self.path_of(key);
        let raw = self.librato.client().get(&path, &[]).await?;
        Ok(decode(&path, raw)?)
    }

    /// Creates an object and gives it back as the service made it. A metric or source that exists already is changed.
    ///
    /// # Errors
    /// Where the service refuses it. Where the answer was lost the object may have been created
    /// ([`ApiError::may_have_been_executed`]): this is not tried again, since most names are not unique.
    pub async fn create(&self, object: &T) -> Result<T, Error> {
        let (method, path) = match (T::COLLECTION.identity, object.key()) {
            (Identity::Name | Identity::FoldedName, Some(key)) => (Method::Put, self.path_of(key)),
            _ => (Method::Post, self.path.clone().into_owned()),
        };
        let call = Call { method, path: path.clone(), body: Some(self.spelled(object.creation()?)) };
        let reply = self.librato.write(&call).await?;
        match (reply.body, reply.location) {
            (Some(raw), _) if raw.is_object() => Ok(decode(&path, raw)?),
            (_, Some(location)) if method == Method::Post => {
                let id = location.rsplit('/').next().unwrap_or_default();
                let path = format!("{path}/{id}");
                Ok(decode(&path, self.librato.client().get(&path, &[]).await?)?)
            }
            _ => Ok(decode(&path, self.librato.client().get(&path, &[]).await?)?),
        }
    }

    /// Makes the service's object equal to this one, which was read from it: read, change, save. Fields this library
    /// does not know are written back as they were read.
    ///
    /// # Errors
    /// [`Error::NoId`] where it was not read; where the service refuses it.
    pub async fn save(&self, object: &T) -> Result<(), Error> {
        self.update(object.saved_key()?, object.whole()?).await
    }

    /// Changes only the fields that are given, as JSON in the words of the API; `null` clears one.
    ///
    /// An alert loses all its conditions where `conditions` is not among them; for alerts prefer [`Objects::save`].
    ///
    /// # Errors
    /// 404 where there is none; where the service refuses the change.
    pub async fn update(&self, key: T::Key<'_>, fields: impl Into<Value> + Send) -> Result<(), Error> {
        let body = Some(self.spelled(fields.into()));
        let call = Call { method: Method::Put, path: self.path_of(key), body };
        self.librato.write(&call).await.map(drop)
    }

    /// A body that names the object as its path does.
    fn spelled(&self, mut body: Value) -> Value {
        if let (Identity::Name | Identity::FoldedName, Some(Value::String(name))) =
            (T::COLLECTION.identity, body.get_mut("name"))
        {
            *name = T::spelled(name, self.librato);
        }
        body
    }

    /// Deletes one object; a metric with its measurements, an annotation stream with its events.
    ///
    /// # Errors
    /// 404 where there is none; where the service refuses.
    pub async fn delete(&self, key: T::Key<'_>) -> Result<(), Error> {
        let call = Call { method: Method::Delete, path: self.path_of(key), body: None };
        self.librato.write(&call).await.map(drop)
    }

    async fn raw_page(&self, select: &Select) -> Result<wire::Page, Error> {
        let body = self.librato.client().get(&self.path, &select.query()).await?;
        let unreadable = |detail| ApiError::Decode { path: self.path.clone().into_owned(), detail };
        Ok(wire::Page::read(body, T::COLLECTION.key).map_err(unreadable)?)
    }

    fn identified(&self, page: wire::Page) -> Result<Part<Value>, Error> {
        let identified = |raw: Value| match T::COLLECTION.identity_of(&raw) {
            Some(identity) => Ok((identity, raw)),
            None => {
                let detail = format!("an entry of `{}` has no identity", T::COLLECTION.key);
                Err(ApiError::Decode { path: self.path.to_string(), detail }.into())
            }
        };
        let items = page.items.into_iter().map(identified).collect::<Result<_, Error>>()?;
        Ok(Part { query: page.query, items })
    }

    fn read(&self, raw: Value) -> Result<T, Error> {
        Ok(decode(&self.path, raw)?)
    }
}
