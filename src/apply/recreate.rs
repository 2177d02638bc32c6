//! Services of which the API does not change the type: recreated, taken over by their alerts, then the old one deleted.
//! Broken off anywhere, it is resumed by the next run, which knows the new one by its title.
//! Knows services and who uses them; knows nothing of types and settings.

use std::collections::BTreeMap;

use super::run::{Creation, Run};
use crate::diff::rename::{is_replacement, replacement, retypes};
use crate::diff::{Action, Change};
use crate::model::{Address, Collection, Kind, Resource};
use crate::plan::{Failure, Step};
use crate::remote::call::{self, Request};
use crate::remote::fetch::{Found, Remote, find, raw_alerts, standing};
use crate::remote::{ApiError, WriteApi};

/// Whether a refused update may succeed as a new service: its type was to change, and the refusal is about what was sent.
pub(super) fn may_help(change: &Change, refusal: &ApiError) -> bool {
    change.kind == Kind::Service
        && retypes(change.action.fields())
        && matches!(refusal.status(), Some(400 | 405 | 409 | 422))
}

/// The name a changed object has on the service before the change.
fn current(change: &Change) -> &Address {
    match &change.action {
        Action::Update { renamed_from: Some(old), .. } => old,
        _ => &change.address,
    }
}

impl<A: WriteApi> Run<'_, A> {
    /// Whether an earlier run has begun to make this service again and this one has to go on.
    pub(super) fn is_underway(&self, change: &Change) -> bool {
        if change.kind != Kind::Service || !matches!(change.action, Action::Update { .. }) {
            return false;
        }
        let only_the_title_is_left = is_replacement(current(change));
        let begun = self.with_ids(|ids| ids.contains_key(&replacement(&change.address)));
        begun && retypes(change.action.fields()) != only_the_title_is_left
    }

    /// Makes a service again, or goes on with that. `refusal` is what the service said to the change of its type.
    pub(super) async fn make_anew(&self, step: &Step, refusal: Option<&ApiError>) -> Result<(), Failure> {
        // Alerts are read and written back as a whole, and may use two services that are recreated.
        let _one_at_a_time = self.retyping.lock().await;
        let told = self.try_make_anew(step).await;
        told.map(|told| self.note(told)).map_err(|why| {
            let message = match refusal {
                Some(refusal) => format!("{refusal}; so it was to be made anew, but {why}"),
                None => format!("it was being made anew, since its type cannot be changed, but {why}"),
            };
            Failure { message, ..why }
        })
    }

    /// What was done, in words, or why it ended early.
    async fn try_make_anew(&self, step: &Step) -> Result<String, Failure> {
        let change = &step.change;
        let (address, replacement) = (&change.address, replacement(&change.address));
        let mut old = self.with_ids(|ids| ids.get(current(change)).and_then(|remote| remote.id));
        if *current(change) == replacement {
            if retypes(change.action.fields()) {
                // The replacement is to have yet another type: it takes its place first and is then replaced itself.
                let id = old.ok_or("it has no id")?;
                self.try_send(&call::rename_service(id, &address.name)).await?;
                self.rename_ids(&replacement, address);
            } else {
                old = None;
            }
        }
        if step.protected && old.is_some() {
            return Err("it is protected against being deleted, which would have to follow".into());
        }
        let (new, copies) = self.replacement_of(change, &replacement, old).await?;
        let id = new.id.ok_or("the service gave the new one no id")?;
        // From here on alerts are to use the new one, also where what follows fails.
        self.with_ids(|ids| {
            ids.remove(&replacement);
            ids.insert(address.clone(), new);
        });
        let gone: Vec<u64> = copies.into_iter().chain(old).collect();
        let told = self.supersede(&gone, id).await.map_err(|error| {
            format!("{error}; the new one is \"{replacement}\" (id {id}), and the next run goes on with it")
        })?;
        self.try_send(&call::rename_service(id, &address.name)).await.map_err(|error| {
            format!(
                "{error}; the new one is still called \"{replacement}\" (id {id}), which the next run mends"
            )
        })?;
        if current(change) != address {
            self.with_ids(|ids| ids.remove(current(change)));
        }
        let took_over = match told {
            0 => "no alert used it".into(),
            1 => "1 alert was pointed to the new one".into(),
            alerts => format!("{alerts} alerts were pointed to the new one"),
        };
        Ok(format!(
            "the service \"{address}\" was made anew, since its type cannot be changed: it has the id {id} now, \
             {took_over}, and the old one was deleted"
        ))
    }

    /// The new service and the ids of copies of it that broken runs have left; it is created where there is none.
    async fn replacement_of(
        &self,
        change: &Change,
        address: &Address,
        old: Option<u64>,
    ) -> Result<(Remote, Vec<u64>), Failure> {
        let after = change.action.after().ok_or("there is nothing to make")?;
        let action = Action::Create { after: after.clone(), fields: Vec::new() };
        let creation = Change { address: address.clone(), kind: change.kind, action };
        let found = find(self.api, address, None).await?;
        let (fit, unfit): (Vec<Found>, Vec<Found>) =
            found.into_iter().partition(|found| same_type(&found.resource, after));
        // As everywhere, runs that meet here go on with the lowest id.
        let fit: BTreeMap<Option<u64>, Found> =
            fit.into_iter().map(|found| (found.remote.id, found)).collect();
        let mut fit = fit.into_values();
        let first = fit.next();
        // What was made for a type that no one asks for any more gives its alerts back.
        let unfit: Vec<u64> = unfit.into_iter().filter_map(|found| found.remote.id).collect();
        let heir = old.or(first.as_ref().and_then(|found| found.remote.id));
        if let Some(heir) = heir {
            self.supersede(&unfit, heir).await?;
        }
        let new = match first {
            Some(found) => self.adopt(found, &creation).await?.remote,
            None => {
                let post = self.with_ids(|ids| call::request(&creation, ids))?;
                let Request::One(post) = post else { return Err("it cannot be made by one request".into()) };
                let mut made = self.create(&post, &creation).await?;
                // Another run may have made one, or even have it in its place already.
                let all = standing(self.api, Collection::Services, None, BTreeMap::new()).await;
                let all = all?.into_iter();
                let is_heir = |(title, one): &(Address, Found)| {
                    title == address || *title == change.address && one.remote.id != old
                };
                let alike = all.filter(is_heir).map(|(_, found)| found).collect();
                self.keep_lowest(&creation, &mut made, alike).await;
                let new = made.remote.clone();
                if made.lost > 0 {
                    self.watched.lock().push(Creation::of_its_own(creation, made));
                }
                new
            }
        };
        Ok((new, fit.filter_map(|found| found.remote.id).collect()))
    }

    /// Points every alert that uses one of `gone` to the service `heir` and deletes them; how many alerts there were.
    async fn supersede(&self, gone: &[u64], heir: u64) -> Result<usize, ApiError> {
        if gone.is_empty() {
            return Ok(0);
        }
        let mut alerts = 0;
        for alert in raw_alerts(self.api).await? {
            if let Some(put) = call::replace_service(&alert, gone, heir) {
                self.try_send(&put).await?;
                alerts += 1;
            }
        }
        self.forget_tags_of_alerts();
        for id in gone {
            self.try_send(&call::remove_service(*id)).await?;
        }
        Ok(alerts)
    }
}

fn same_type(one: &Resource, other: &Resource) -> bool {
    match (one, other) {
        (Resource::Service(one), Resource::Service(other)) => one.service_type == other.service_type,
        _ => false,
    }
}
