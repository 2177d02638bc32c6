//! Composites that conditions name: each definition is evaluated once a period for all of them, over the quarter of an hour before, and
//! never takes more than a fifth of a processor: where it would, it is evaluated less often.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use super::index::Pair;
use crate::serve::catalog::alerts::watched::Known;
use crate::watch::Kind;

/// How far back results are looked at, in seconds.
const BACK: i64 = 900;

/// Distinct definitions.
const MOST: usize = 500;

/// A part of a processor that they may take: one in so many.
const SHARE: u32 = 5;

/// The least often they are evaluated: once in so many periods.
const SELDOM: i64 = 16;

/// A definition, its period and how far it stays behind.
pub type Key = (String, i64, i64);

#[derive(Debug)]
pub struct Composites {
    pub all: BTreeMap<Key, Composite>,
    /// What is known of composites, by their names.
    known: HashMap<String, Known>,
    /// Once in so many periods.
    seldom: i64,
    /// How long evaluating took since the last look, and when that was, by the time run in milliseconds.
    pub took: Duration,
    looked: i64,
}

#[derive(Debug, Default)]
pub struct Composite {
    pub pairs: Vec<Pair>,
    /// Those that have had none of its results yet.
    pub fresh: Vec<Pair>,
    /// The newest result that was passed on.
    pub newest: Option<i64>,
    /// The end of the last evaluation.
    pub end: Option<i64>,
    /// Whether it was said that it cannot be evaluated.
    pub told: bool,
}

/// What is to be evaluated.
#[derive(Debug, Clone)]
pub struct Due {
    pub key: Key,
    pub start: i64,
    pub end: i64,
}

impl Default for Composites {
    fn default() -> Composites {
        Composites { all: BTreeMap::new(), known: HashMap::new(), seldom: 1, took: Duration::ZERO, looked: 0 }
    }
}

impl Composites {
    pub fn known(&self, name: &str) -> Option<&Known> {
        self.known.get(name)
    }

    /// A condition on a composite.
    pub fn enter(&mut self, name: &str, known: &Known, pair: Pair) {
        self.known.insert(name.to_owned(), known.clone());
        let (Some(text), Kind::Composite { lag }) = (&known.composite, known.shape.kind) else { return };
        let period = known.shape.width().saturating_sub(lag);
        let one = self.all.entry((text.clone(), period, lag)).or_default();
        one.pairs.push(pair);
        one.fresh.push(pair);
    }

    pub fn leave(&mut self, seats: &HashSet<u32>) {
        self.all.retain(|_, one| {
            one.pairs.retain(|pair| !seats.contains(&pair.seat));
            one.fresh.retain(|pair| !seats.contains(&pair.seat));
            !one.pairs.is_empty()
        });
    }

    pub fn clear(&mut self) {
        *self = Composites { seldom: self.seldom, ..Composites::default() };
    }

    /// How many are not evaluated, being too many.
    pub fn left_out(&self) -> usize {
        self.all.len().saturating_sub(MOST)
    }

    /// The clock was set back by so many seconds.
    pub fn set_back(&mut self, by: i64) {
        for one in self.all.values_mut() {
            one.newest = one.newest.map(|newest| newest - by);
            one.end = None;
        }
    }

    /// Those that have a new result at a second of the clock, when samples are waited for `settle` seconds.
    pub fn due(&self, clock: i64, settle: i64) -> Vec<Due> {
        let mut due = Vec::new();
        for (key, one) in self.all.iter().take(MOST) {
            let (_, period, lag) = key;
            let end = (clock - settle - lag).div_euclid(*period) * period;
            let next = one.end.map(|end| end + period * self.seldom);
            if one.fresh.is_empty() && next.is_some_and(|next| end < next) {
                continue;
            }
            due.push(Due { key: key.clone(), start: end - BACK.max(*period), end });
        }
        due
    }

    /// Evaluates less often what takes too long, and more often again what does not. Whether that is less often than before.
    pub fn look(&mut self, ran: i64) -> bool {
        let passed = Duration::from_millis(u64::try_from(ran - self.looked).unwrap_or(0));
        if passed < Duration::from_secs(60) {
            return false;
        }
        let too_long = self.took * SHARE > passed;
        let before = self.seldom;
        self.seldom = match too_long {
            true => (2 * self.seldom).min(SELDOM),
            false if self.took * SHARE * 4 < passed => (self.seldom / 2).max(1),
            false => self.seldom,
        };
        (self.took, self.looked) = (Duration::ZERO, ran);
        if self.seldom > before {
            tracing::warn!(target: "librato_apply::serve", "composites of alerts take too long: they are evaluated once in {} periods", self.seldom);
        }
        self.seldom > before
    }
}
