//! Objects of one name that several runs made at once, or one run by a repeated request: found and reduced to one.
//!
//! The rule on which any number of runs agree without knowing of each other: *the lowest id stays, and whoever made another
//! one deletes it before anything refers to it.* Services give out growing ids, so whoever looks after creating sees every
//! lower one; the maker of the lowest never deletes it, everybody else does delete theirs, and one is left. Nothing is deleted
//! that this run did not make: of a copy that only a lost answer can explain it must look the same, be unused and younger.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use super::run::{Adopted, Creation, Made, Run};
use crate::diff::Change;
use crate::diff::rename::is_replacement;
use crate::model::{Address, Collection};
use crate::plan::Step;
use crate::remote::fetch::{Found, Remote, find, has_charts, raw_alerts, standing};
use crate::remote::{ApiError, WriteApi, call};

/// The first pause between two looks at what someone else, or the network, has still to do.
const FIRST_PAUSE: Duration = Duration::from_millis(100);

/// How much longer another run may take to delete its copies than a request may be held up: it has to come to its end first.
const RUNS_TAKE: u32 = 3;

/// A collection, or the charts of one space.
type Home = (Collection, Option<String>);

fn home(address: &Address) -> Home {
    (address.collection, address.parent.clone())
}

/// Whether several objects of this kind may have one name.
fn may_be_doubled(collection: Collection) -> bool {
    matches!(collection, Collection::Services | Collection::Spaces | Collection::Charts)
}

impl<'a, A: WriteApi> Run<'a, A> {
    /// What was created must be one before something else refers to it: looks at each kind once its creations are over.
    pub(super) async fn reduce_before(&self, level: &[Step]) {
        let referred = |creation: &Creation<'_>| {
            let own = creation.change.address.collection;
            own != Collection::Charts && level.iter().any(|step| step.change.address.collection != own)
        };
        self.reduce(referred).await;
    }

    /// Looks once at every place where something was created that may be doubled: one listing for each.
    async fn reduce(&self, wanted: impl Fn(&Creation<'_>) -> bool) {
        let due: Vec<Creation<'a>> = {
            let mut created = self.created.lock();
            let (due, rest) = std::mem::take(&mut *created).into_iter().partition(|it| wanted(it));
            *created = rest;
            due
        };
        let homes = due.iter().map(|it| home(&it.change.address)).filter(|(of, _)| may_be_doubled(*of));
        let lists = self.look(homes.collect()).await;
        for mut creation in due {
            match lists.get(&home(&creation.change.address)) {
                Some(Ok(all)) => {
                    let alike = called(&creation.change.address, all);
                    let others = alike.len() > 1;
                    self.keep_lowest(&creation.change, &mut creation.made, alike).await;
                    if others || creation.made.lost > 0 {
                        self.watched.lock().push(creation);
                    }
                }
                Some(Err(error)) => self.report_unseen(&creation.change, error),
                None if creation.made.lost > 0 => self.watched.lock().push(creation),
                None => {}
            }
        }
    }

    /// Of all that is called alike the lowest id is used from now on; a higher one that this run made is deleted.
    pub(super) async fn keep_lowest(&self, change: &Change, made: &mut Made, alike: Vec<Found>) {
        let (address, noun) = (&change.address, change.kind.noun());
        let own = made.remote.id;
        let is_there = alike.iter().any(|one| one.remote.id == own);
        let Some(lowest) = alike.into_iter().min_by_key(|one| one.remote.id) else { return };
        if lowest.remote.id == own || lowest.remote.id.is_none() || own.is_none() {
            return;
        }
        let id = lowest.remote.id.unwrap_or_default();
        match self.adopt(lowest, change).await {
            Ok(Adopted { remote, .. }) => {
                self.with_ids(|ids| ids.insert(address.clone(), remote.clone()));
                made.remote = remote;
            }
            Err(error) => {
                return self.report(format!(
                    "another run has made the {noun} \"{address}\" as well (id {id}), and it could not be taken over: {error}"
                ));
            }
        }
        if !std::mem::replace(&mut made.ours, false) || !is_there {
            return;
        }
        let own = own.unwrap_or_default();
        match self.delete_own(address, own).await {
            Ok(true) => self.note(format!(
                "another run has made the {noun} \"{address}\" as well: its one with id {id} is used, and the one of this run \
                 with id {own} was deleted"
            )),
            Ok(false) => self.report(format!(
                "the space \"{address}\" exists twice: id {id} of another run is used; id {own} of this run was not deleted, since \
                 somebody has put charts into it"
            )),
            Err(error) => self.report(format!(
                "the {noun} \"{address}\" exists twice: id {id} is used; id {own} could not be deleted: {error}"
            )),
        }
    }

    /// Deletes what this run made, unless someone has put charts into it since then.
    async fn delete_own(&self, address: &Address, id: u64) -> Result<bool, ApiError> {
        if address.collection == Collection::Spaces && has_charts(self.api, id).await? {
            return Ok(false);
        }
        self.delete_copy(address, id).await.map(|()| true)
    }

    /// At the end: looks again at what others, or requests that were held up, may have doubled, and waits for both for a
    /// while. What is still there then is reported.
    pub(super) async fn settle(&self) {
        self.reduce(|_| true).await;
        let (begun, mut pause, settle) = (Instant::now(), FIRST_PAUSE, self.options.retry.settle);
        let longest = settle * RUNS_TAKE;
        let mut said = false;
        loop {
            let watched = std::mem::take(&mut *self.watched.lock());
            let open = self.look_again(watched).await;
            let over = begun.elapsed() >= longest || self.observer.stopped();
            let waits = |it: &Open<'_>| !it.others.is_empty() || it.is_awaited(settle);
            let open: Vec<Open<'_>> = open.into_iter().filter(waits).collect();
            if open.is_empty() || over {
                open.into_iter().for_each(|it| self.report_left(&it));
                return;
            }
            if !std::mem::replace(&mut said, true) {
                self.observer.says(&format!(
                    "looking for up to {} s whether what was created stays the only one of its name",
                    longest.as_secs()
                ));
            }
            self.watched.lock().extend(open.into_iter().map(|it| it.creation));
            tokio::time::sleep(pause.min(settle)).await;
            pause = (pause * 2).min(Duration::from_secs(2));
        }
    }

    /// Deletes the copies that only a lost answer explains; what else is called alike stays open.
    async fn look_again(&self, watched: Vec<Creation<'a>>) -> Vec<Open<'a>> {
        let homes = watched.iter().map(|it| home(&it.change.address)).filter(|(of, _)| may_be_doubled(*of));
        let lists = self.look(homes.collect()).await;
        let mut open = Vec::new();
        for creation in watched {
            let address = &creation.change.address;
            let looked = match lists.get(&home(address)) {
                Some(Ok(all)) => Ok(called(address, all)),
                Some(Err(error)) => Err(error.clone()),
                None => find(self.api, address, None).await,
            };
            let change = creation.change.clone();
            let looked = match looked {
                Ok(alike) => self.remove_copies(creation, alike).await,
                Err(error) => Err(error),
            };
            match looked {
                Ok(it) => open.push(it),
                Err(error) => self.report_unseen(&change, &error),
            }
        }
        open
    }

    async fn remove_copies(
        &self,
        mut creation: Creation<'a>,
        alike: Vec<Found>,
    ) -> Result<Open<'a>, ApiError> {
        let (address, noun) = (creation.change.address.clone(), creation.change.kind.noun());
        let kept = creation.made.remote.id;
        let own = alike.iter().find(|one| one.remote.id == kept).map(|one| one.resource.clone());
        let mut others = BTreeSet::new();
        for copy in alike.iter().filter(|one| one.remote.id != kept) {
            let Some(id) = copy.remote.id else { continue };
            // A replacement has taken its own title since; whatever else is called like that this run has made as well.
            let same = own.as_ref().map_or(is_replacement(&address), |own| *own == copy.resource);
            let ours = creation.made.lost > 0 && same && kept.is_none_or(|kept| kept < id);
            let unused = match ours {
                true => self.is_unused(&address, id).await,
                false => Ok(false),
            };
            let removed = match unused {
                Ok(true) => self.delete_copy(&address, id).await.map(|()| true),
                other => other,
            };
            match removed {
                Ok(true) => {
                    creation.made.lost -= 1;
                    creation.made.missing = creation.made.missing.saturating_sub(1);
                    self.note(format!(
                        "the {noun} \"{address}\" had been made twice by a repeated request; the copy with id {id} was deleted"
                    ));
                }
                Ok(false) => _ = others.insert(id),
                Err(error) => return Err(error),
            }
        }
        Ok(Open { creation, others })
    }

    /// Whether nothing refers to an object, nor stands in it.
    async fn is_unused(&self, address: &Address, id: u64) -> Result<bool, ApiError> {
        Ok(match address.collection {
            Collection::Spaces => !has_charts(self.api, id).await?,
            Collection::Services => !raw_alerts(self.api)
                .await?
                .iter()
                .any(|alert| call::replace_service(alert, &[id], id).is_some()),
            _ => true,
        })
    }

    fn report_left(&self, open: &Open<'_>) {
        let Change { kind, address, .. } = &*open.creation.change;
        if open.others.is_empty() {
            return;
        }
        let ids: Vec<String> = open.others.iter().map(u64::to_string).collect();
        let used =
            open.creation.made.remote.id.map(|id| format!(" this run uses id {id};")).unwrap_or_default();
        self.report(format!(
            "the {kind} \"{address}\" exists more than once:{used} id {} was made by somebody else and is still there; the next plan \
             is refused until it is gone: librato-apply delete {kind} --id {}",
            ids.join(", "),
            ids[0]
        ));
    }

    /// Lists each of these places once.
    async fn look(&self, homes: BTreeSet<Home>) -> BTreeMap<Home, Result<Vec<(Address, Found)>, ApiError>> {
        let mut lists = BTreeMap::new();
        for home in homes {
            let (collection, space) = &home;
            let spaces = || self.with_ids(|ids| names_of_spaces(ids));
            let all = match space {
                None => standing(self.api, *collection, None, BTreeMap::new()).await,
                Some(name) => match self.with_ids(|ids| ids.get(&Address::space(name))?.id) {
                    Some(id) => standing(self.api, *collection, Some((name, id)), spaces()).await,
                    None => Ok(Vec::new()),
                },
            };
            lists.insert(home, all);
        }
        lists
    }

    /// One place that cannot be listed may hold much that was created.
    fn report_unseen(&self, change: &Change, error: &ApiError) {
        let section = change.kind.section();
        self.report(format!(
            "whether {section} were made more than once could not be looked at: {error}; plan again to see"
        ));
    }

    fn report(&self, text: String) {
        let mut reported = self.duplicates.lock();
        if !reported.contains(&text) {
            reported.push(text);
        }
    }
}

/// A creation that is not the only object of its name, or whose repeated request may still arrive.
struct Open<'a> {
    creation: Creation<'a>,
    /// Other objects of the name.
    others: BTreeSet<u64>,
}

impl Open<'_> {
    /// Whether a request whose answer was lost may still arrive.
    fn is_awaited(&self, settle: Duration) -> bool {
        let Made { missing, lost_at, .. } = &self.creation.made;
        *missing > 0 && lost_at.is_some_and(|at| at.elapsed() < settle)
    }
}

/// Those that are called exactly like this.
fn called(address: &Address, all: &[(Address, Found)]) -> Vec<Found> {
    all.iter().filter(|(other, _)| other == address).map(|(_, found)| found.clone()).collect()
}

fn names_of_spaces(ids: &BTreeMap<Address, Remote>) -> BTreeMap<u64, String> {
    let spaces = ids.iter().filter(|(address, _)| address.collection == Collection::Spaces);
    spaces.filter_map(|(address, remote)| Some((remote.id?, address.name.clone()))).collect()
}
