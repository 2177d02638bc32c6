//! Which groups of alerts an engine evaluates. Some come while it runs, from a server that leaves them to it or is gone, and some go: it takes up
//! the alerts of the first as after a start, and those of the others are no concern of it any more.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::clock::Step;
use super::engine::Engine;
use crate::serve::catalog::alerting::clock::{Clock, Clocks};
use crate::serve::cluster::{Share, Token};
use crate::serve::store::error::StoreError;
use crate::serve::store::tx::Tx;

impl Engine {
    /// Whether it has any of these groups, and has had it since.
    pub fn keeps_any_of(&self, share: &Share) -> bool {
        share.tokens.keys().any(|group| share.keeps(&self.share, *group))
    }

    /// Has these groups from now on. Alerts of those that it has not any more, or has not had since, are gone at once; those of new ones are taken
    /// up in this round.
    pub(super) async fn have(&mut self, share: &Share) -> Result<(), StoreError> {
        let new: Vec<i64> =
            share.tokens.keys().copied().filter(|group| !share.keeps(&self.share, *group)).collect();
        let written = if new.is_empty() {
            None
        } else {
            Some(self.store.read(|tx: &Tx| Ok::<_, StoreError>(Clock::read(tx)?.written)).await?)
        };
        let is_lost = |alert: &i64| !share.keeps(&self.share, share.group(*alert));
        let lost: Vec<i64> = self.revisions.keys().copied().filter(is_lost).collect();
        self.leave(&lost);
        let left = mem::take(&mut self.left);
        self.index.sweep(&left);
        for alert in lost {
            self.revisions.remove(&alert);
            self.reload.remove(&alert);
        }
        self.gained.retain(|group, _| share.keeps(&self.share, *group));
        self.share = share.clone();
        if let Some(written) = written {
            self.gain(&new, &written);
        }
        Ok(())
    }

    /// Goes on with these groups from where they were written down.
    pub(super) fn gain(&mut self, groups: &[i64], written: &Clocks) {
        for group in groups {
            self.gained.insert(*group, written.of_group(*group, self.share.of));
        }
        let back =
            self.steps().into_values().map(|step| if let Step::Back(by) = step { by } else { 0 }).max();
        if let Some(back) = back.filter(|back| *back > 0) {
            self.figures.stepped();
            tracing::warn!(target: "librato_apply::serve", "the clock is {back} s behind the one that alerts were evaluated by: what runs for them keeps its remaining time");
        }
    }

    /// What lies between where groups were left that are to be taken up and now, where that is more than a moment. It is no silence of anybody.
    pub(super) fn steps(&self) -> BTreeMap<i64, Step> {
        let step = |(group, clock): (&i64, &Option<i64>)| Some((*group, self.clock.since((*clock)?)?));
        self.gained.iter().filter_map(step).collect()
    }

    /// By what something is written of these alerts; nothing where some are not evaluated here.
    pub(super) fn tokens(&self, alerts: impl IntoIterator<Item = i64>) -> Option<Vec<Token>> {
        let groups: BTreeSet<i64> = alerts.into_iter().map(|alert| self.share.group(alert)).collect();
        groups.iter().map(|group| self.share.tokens.get(group).cloned()).collect()
    }

    /// The groups whose alerts were taken up, so that their clocks may be written.
    pub(super) fn settled(&self) -> Vec<i64> {
        self.share.tokens.keys().copied().filter(|group| !self.gained.contains_key(group)).collect()
    }
}
