//! Creations by POST, which are not idempotent while most names are not unique.
//! Before one is repeated the object is looked up; what repeating made twice all the same is removed at the end.

use serde_json::Value;

use super::Run;
use crate::diff::rename::is_successor;
use crate::diff::{Action, Change, fields};
use crate::model::{Address, Collection};
use crate::remote::call::{self, Request};
use crate::remote::fetch::{Found, Raw, Remote, find, has_charts};
use crate::remote::{ApiError, Call, Method, WriteApi};
use crate::wire::lenient;

impl<A: WriteApi> Run<'_, A> {
    /// Creates an object and gives back what the service made of it.
    pub(super) async fn create(&self, post: &Call, change: &Change) -> Result<Remote, String> {
        let mut backoff = self.options.retry.backoff();
        let mut tries = 0;
        loop {
            tries += 1;
            let error = match self.api.send(post).await {
                Ok(reply) => {
                    let raw = reply.body.unwrap_or_default();
                    let id = lenient::id(&raw["id"]).or_else(|| id_in(reply.location.as_deref()));
                    let remote = Remote { id, raw: Raw::from(&raw) };
                    if tries > 1 {
                        self.remember_retried(&change.address, &remote);
                    }
                    return Ok(remote);
                }
                Err(error) => error,
            };
            // A name that is taken after a lost answer was taken by us.
            let clash = tries > 1 && matches!(error.status(), Some(400 | 409 | 422));
            if !clash {
                self.wait(&mut backoff, error.clone()).await.map_err(|error| error.to_string())?;
            }
            let space = self.space_of(&change.address);
            let found = find(self.api, &change.address, space).await.map_err(|error| error.to_string())?;
            match found.into_iter().next() {
                Some(found) => return self.adopt(found, change).await,
                None if clash => return Err(error.to_string()),
                None => {}
            }
        }
    }

    /// Takes over an object that an earlier try made, or somebody else: compared and corrected, not trusted.
    pub(super) async fn adopt(&self, found: Found, change: &Change) -> Result<Remote, String> {
        let Some(after) = change.action.after() else { return Ok(found.remote) };
        let changed = fields::changes(after, &found.resource, &std::collections::BTreeMap::new());
        self.remember_retried(&change.address, &found.remote);
        if changed.is_empty() {
            return Ok(found.remote);
        }
        let action = Action::Update {
            after: fields::overlay(after, &found.resource),
            before: found.resource,
            fields: changed,
            renamed_from: None,
        };
        let update = Change { address: change.address.clone(), kind: change.kind, action };
        let request = self.with_ids(|ids| {
            ids.insert(change.address.clone(), found.remote.clone());
            call::request(&update, ids)
        });
        if let Request::One(call) = request.map_err(|error| error.to_string())? {
            self.send(&call).await?;
        }
        Ok(found.remote)
    }

    /// Lists what was created by more than one try once more, and deletes copies that only a lost answer explains.
    pub(super) async fn remove_twins(&self) {
        let retried =
            std::mem::take(&mut *self.retried.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        for (address, ours) in retried {
            if let Err(error) = self.remove_twins_of(&address, ours).await {
                self.note(format!("whether \"{address}\" was made twice could not be checked: {error}"));
            }
        }
    }

    /// The id of a chart's space.
    fn space_of(&self, address: &Address) -> Option<u64> {
        let space = address.container()?;
        self.with_ids(|ids| ids.get(&space)?.id)
    }

    async fn remove_twins_of(&self, address: &Address, ours: Option<u64>) -> Result<(), ApiError> {
        let found = find(self.api, address, self.space_of(address)).await?;
        let own = found.iter().find(|one| one.remote.id == ours).map(|one| one.resource.clone());
        // A successor has taken its own title since; whatever else is called like that we have made as well.
        let is_twin = |one: &&Found| match &own {
            Some(own) => one.remote.id != ours && one.resource == *own,
            None => is_successor(address),
        };
        for twin in found.iter().filter(is_twin) {
            let Some(id) = twin.remote.id else { continue };
            // Two spaces without charts are alike, whatever somebody put into one of them since then.
            if address.collection == Collection::Spaces && has_charts(self.api, id).await? {
                continue;
            }
            let Ok(path) = self.with_ids(|ids| call::path_of(address, id, ids)) else { continue };
            self.try_send(&Call { method: Method::Delete, path, body: None }).await?;
            self.note(format!(
                "\"{address}\" had been made twice by a repeated request; the copy with id {id} was deleted"
            ));
        }
        Ok(())
    }
}

fn id_in(location: Option<&str>) -> Option<u64> {
    lenient::id(&Value::String(location?.trim_end_matches('/').rsplit('/').next()?.to_owned()))
}
