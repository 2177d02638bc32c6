//! Creations by POST, which are not idempotent while most names are not unique.
//! Before one is repeated the object is looked up; a name that is taken is looked at, and what has it taken over.

use serde_json::Value;
use tokio::time::Instant;

use super::run::{Adopted, Made, Run};
use crate::diff::{Action, Change, Comparison};
use crate::plan::Failure;
use crate::remote::call::{self, Request};
use crate::remote::fetch::{Found, Raw, Remote, find};
use crate::remote::{ApiError, Call, Terms, WriteApi};
use crate::wire::lenient;

impl<A: WriteApi> Run<'_, A> {
    /// Creates an object and gives back what the service made of it, or what was there already.
    pub(super) async fn create(&self, post: &Call, change: &Change) -> Result<Made, Failure> {
        let mut attempts = self.options.retry.attempts(post.method).accounted();
        let (mut lost, mut lost_at) = (0, None);
        // The same for every try: services that know keys take them for one request.
        let terms = Terms::of_creation();
        loop {
            let error = match self.api.send_under(post, &terms).await {
                Ok(reply) => {
                    self.heed(change, &reply);
                    let raw = reply.body.unwrap_or_default();
                    let id = lenient::id(&raw["id"]).or_else(|| id_in(reply.location.as_deref()));
                    let remote = Remote { id, raw: Raw::from(&raw), tag: None };
                    return Ok(Made { remote, ours: true, lost, missing: lost, lost_at, met: false });
                }
                Err(error) => error,
            };
            if error.may_have_been_executed() {
                (lost, lost_at) = (lost + 1, Some(Instant::now()));
            }
            // A name that is taken now was free when the plan was made: by a try of ours, or by someone else.
            let refused = matches!(error.status(), Some(400 | 409 | 412 | 422));
            if !refused {
                self.wait(&mut attempts, error.clone()).await?;
            }
            let space = self.space_of(&change.address);
            let found = find(self.api, &change.address, space).await?;
            let missing = lost.saturating_sub(found.len());
            match found.into_iter().min_by_key(|found| found.remote.id) {
                Some(found) => {
                    let Adopted { remote, corrected } = self.adopt(found, change).await?;
                    if lost == 0 {
                        let noun = change.kind.noun();
                        self.note(format!(
                            "somebody else has made the {noun} \"{}\" since the plan was made: it was taken over",
                            change.address
                        ));
                    }
                    let met = lost == 0 && !corrected;
                    return Ok(Made { remote, ours: false, lost, missing, lost_at, met });
                }
                None if refused => return Err(error.into()),
                None => {}
            }
        }
    }

    /// Takes over an object that an earlier try made, or someone else: compared and corrected, not trusted.
    pub(super) async fn adopt(&self, found: Found, change: &Change) -> Result<Adopted, Failure> {
        let as_it_was = |remote| Ok(Adopted { remote, corrected: false });
        let Some(after) = change.action.after() else { return as_it_was(found.remote) };
        let comparison = Comparison::literal(after, &found.resource);
        let fields = comparison.changes(&std::collections::BTreeMap::new());
        if fields.is_empty() {
            return as_it_was(found.remote);
        }
        let (after, origins) = (comparison.overlay(), comparison.origins());
        let action =
            Action::Update { before: found.resource.clone(), after, fields, renamed_from: None, origins };
        let update = Change { address: change.address.clone(), kind: change.kind, action };
        let request = self.with_ids(|ids| {
            ids.insert(change.address.clone(), found.remote.clone());
            call::request(&update, ids)
        });
        if let Request::One(call) = request? {
            let reply = self.send_as_read(&call, found.remote.tag.clone()).await?;
            self.heed(change, &reply);
            self.forget_tag(&change.address);
        }
        Ok(Adopted { remote: Remote { tag: None, ..found.remote }, corrected: true })
    }

    /// The id of a chart's space.
    pub(super) fn space_of(&self, address: &crate::model::Address) -> Option<u64> {
        let space = address.container()?;
        self.with_ids(|ids| ids.get(&space)?.id)
    }

    /// Deletes one of several objects of a name.
    pub(super) async fn delete_copy(&self, address: &crate::model::Address, id: u64) -> Result<(), ApiError> {
        let Ok(path) = self.with_ids(|ids| call::path_of(address, id, ids)) else { return Ok(()) };
        let delete = Call { method: crate::remote::Method::Delete, path, body: None };
        self.try_send(&delete).await.map(|_| ())
    }
}

fn id_in(location: Option<&str>) -> Option<u64> {
    lenient::id(&Value::String(location?.trim_end_matches('/').rsplit('/').next()?.to_owned()))
}
