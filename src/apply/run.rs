//! A run while it writes: what all its steps share, and what it made so far.
//! Knows nothing of how anything is written.

use std::borrow::Cow;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::diff::Change;
use crate::model::{Address, Collection};
use crate::plan::{Done, Step};
use crate::remote::fetch::{Ids, Remote, rename};
use crate::remote::{Reply, RetryPolicy};

/// Who wants to know how it goes.
pub trait Observer: Sync {
    /// A step has ended.
    fn ended(&self, step: &Step, done: &Done);

    /// Whether to start no further step.
    fn stopped(&self) -> bool {
        false
    }

    /// Something to tell while it goes on.
    fn says(&self, _text: &str) {}
}

/// How to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many requests may be under way at once.
    pub parallelism: usize,
    /// When and how long to try again.
    pub retry: RetryPolicy,
}

pub(super) struct Run<'a, A> {
    pub(super) api: &'a A,
    pub(super) options: &'a Options,
    pub(super) observer: &'a dyn Observer,
    pub(super) ids: Mutex<Ids>,
    /// Creations that were not yet held against what else exists.
    pub(super) created: Mutex<Vec<Creation<'a>>>,
    /// Those that are looked at again in the end.
    pub(super) watched: Mutex<Vec<Creation<'a>>>,
    /// What exists more than once, in words.
    pub(super) duplicates: Mutex<Vec<String>>,
    /// Held while a service is recreated.
    pub(super) retyping: tokio::sync::Mutex<()>,
    pub(super) notes: Mutex<Vec<String>>,
}

/// An object that a creation ended with.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub remote: Remote,
    /// Whether an answer said that a request of this run made it; if not it may be someone else's.
    pub ours: bool,
    /// How many requests of this run had their answers lost: so many copies may be its doing.
    pub lost: usize,
    /// How many of these were not seen to have arrived, and when the last of them was given up.
    pub missing: usize,
    pub lost_at: Option<Instant>,
    /// Whether nothing had to be written: someone else has made exactly this.
    pub met: bool,
}

/// An object that someone else has made, or an earlier try.
pub(super) struct Adopted {
    pub remote: Remote,
    /// Whether it was not as it was to be.
    pub corrected: bool,
}

/// An object that this run made, or took over when it meant to make it.
#[derive(Debug)]
pub(super) struct Creation<'a> {
    pub(super) change: Cow<'a, Change>,
    pub(super) made: Made,
}

impl<'a> Creation<'a> {
    pub(super) fn new(change: &'a Change, made: Made) -> Self {
        Self { change: Cow::Borrowed(change), made }
    }

    /// One that stands in no plan.
    pub(super) fn of_its_own(change: Change, made: Made) -> Self {
        Self { change: Cow::Owned(change), made }
    }
}

impl<A> Run<'_, A> {
    pub(super) fn rename_ids(&self, old: &Address, new: &Address) {
        self.with_ids(|ids| rename(ids, old, new));
    }

    /// The tag that an object had when it was read, unless this run has written it since.
    pub(super) fn tag_of(&self, address: &Address) -> Option<String> {
        self.with_ids(|ids| ids.get(address)?.tag.clone())
    }

    /// From now on the object is in another state, by this run.
    pub(super) fn forget_tag(&self, address: &Address) {
        self.with_ids(|ids| _ = ids.get_mut(address).map(|remote| remote.tag = None));
    }

    /// The same for all alerts, which change with the services that they notify.
    pub(super) fn forget_tags_of_alerts(&self) {
        self.with_ids(|ids| {
            let alerts = ids.iter_mut().filter(|(address, _)| address.collection == Collection::Alerts);
            alerts.for_each(|(_, remote)| remote.tag = None);
        });
    }

    pub(super) fn with_ids<T>(&self, work: impl FnOnce(&mut Ids) -> T) -> T {
        work(&mut self.ids.lock())
    }

    /// Notes what the service says will not work of an object that it took.
    pub(super) fn heed(&self, change: &Change, reply: &Reply) {
        if let Some(warning) = &reply.warning {
            self.note(format!("{} \"{}\": {warning}", change.kind.noun(), change.address));
        }
    }

    pub(super) fn note(&self, text: String) {
        self.notes.lock().push(text);
    }
}
