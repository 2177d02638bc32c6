//! The state of an alert as it is stored: pages with a version, of which the first has what there is once. Streams that were seen and
//! are not absent are not stored; storage has their measurements, and [`AlertState::prime`] takes them over.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::agenda::Agenda;
use super::alert::Alert;
use super::condition::Condition;
use super::incident::Incident;
use super::matching::Stream;
use super::outage::Outage;
use super::pair::{Run, Seen};
use super::point::Reading;
use super::state::{AlertState, Context};
use super::tracks::Tracks;

/// The version that is written. Others are not read: an alert whose state cannot be read begins as if it were made now.
const VERSION: u32 = 1;

/// A part of a stored state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    version: u32,
    /// In the first one only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    head: Option<Head>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    runs: Vec<(usize, Stream, Run)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    absent: Vec<(usize, Stream, Absent)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    through: i64,
    next: u64,
    cleared: i64,
    gate: Option<i64>,
    /// Since when each condition watches, and before what no deadline lies.
    conditions: Vec<(i64, i64)>,
    incidents: Vec<(Option<Stream>, Incident)>,
    last: Vec<(Option<Stream>, i64)>,
    outages: Vec<Outage>,
}

/// A stream that is absent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Absent {
    u: i64,
    interval: i64,
    value: f64,
    met: i64,
    held: Option<i64>,
}

/// Why a stored state is of no use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// Another version of the program wrote it.
    #[error("its version is {0}, and this program reads {VERSION}")]
    Version(u32),
    /// A page is missing.
    #[error("its first page is missing")]
    Incomplete,
    /// It does not fit the alert it was stored with.
    #[error("it is about {0} conditions, and the alert has {1}")]
    Conditions(usize, usize),
}

impl AlertState {
    /// What is to be stored, with at most `most` streams a page; always one page at least.
    pub fn pages(&self, alert: &Alert, most: usize) -> Vec<Page> {
        let rearm = alert.rearm();
        // Triggers that no notification depends on any more are forgotten.
        let last = self.last.iter().filter(|(_, last)| last.saturating_add(rearm) > self.through);
        let head = Head {
            through: self.through,
            next: self.next,
            cleared: self.cleared,
            gate: self.gate,
            conditions: self.conditions.iter().map(|tracks| (tracks.since, tracks.floor)).collect(),
            incidents: self.incidents.iter().map(|(stream, open)| (stream.clone(), open.clone())).collect(),
            last: last.map(|(stream, last)| (stream.clone(), *last)).collect(),
            outages: self.outages.clone(),
        };
        let page = |head| Page { version: VERSION, head, runs: Vec::new(), absent: Vec::new() };
        let mut pages = vec![page(Some(head))];
        let mut left = most.max(1);
        let mut room = |pages: &mut Vec<Page>| {
            if left == 0 {
                pages.push(page(None));
                left = most.max(1);
            }
            left -= 1;
        };
        for (place, tracks) in self.conditions.iter().enumerate() {
            let mut runs: Vec<_> = tracks.runs.iter().collect();
            runs.sort_unstable_by_key(|(stream, _)| *stream);
            for (stream, run) in runs {
                room(&mut pages);
                pages.last_mut().into_iter().for_each(|page| page.runs.push((place, stream.clone(), *run)));
            }
            let mut absent: Vec<_> = tracks.seen.iter().collect();
            absent.sort_unstable_by_key(|(stream, _)| *stream);
            for (stream, Seen { u, interval, value, met, held, .. }) in absent {
                let Some(met) = *met else { continue };
                room(&mut pages);
                let absent = Absent { u: *u, interval: *interval, value: *value, met, held: *held };
                pages
                    .last_mut()
                    .into_iter()
                    .for_each(|page| page.absent.push((place, stream.clone(), absent.clone())));
            }
        }
        pages
    }

    /// Reads what [`Self::pages`] gave, in the same order. [`Self::prime`] is to follow.
    ///
    /// # Errors
    /// Where the pages are not those of this alert, or of another version.
    pub fn from_pages(ctx: &Context<'_>, pages: Vec<Page>) -> Result<Self, Unreadable> {
        if let Some(page) = pages.iter().find(|page| page.version != VERSION) {
            return Err(Unreadable::Version(page.version));
        }
        let mut pages = pages.into_iter().peekable();
        let head = pages.peek_mut().and_then(|first| first.head.take()).ok_or(Unreadable::Incomplete)?;
        let wanted = ctx.alert.conditions.len();
        if head.conditions.len() != wanted {
            return Err(Unreadable::Conditions(head.conditions.len(), wanted));
        }
        let tracks =
            head.conditions.iter().map(|(since, floor)| Tracks { floor: *floor, ..Tracks::new(*since) });
        let mut state = Self {
            through: head.through,
            next: head.next,
            cleared: head.cleared,
            gate: head.gate,
            firing: false,
            complete: false,
            conditions: tracks.collect(),
            incidents: head.incidents.into_iter().collect(),
            last: head.last.into_iter().collect(),
            outages: head.outages,
            agenda: Agenda::default(),
            changed: false,
        };
        for page in pages {
            for (place, stream, run) in page.runs {
                let tracks =
                    state.conditions.get_mut(place).ok_or(Unreadable::Conditions(place + 1, wanted))?;
                tracks.runs.insert(stream, run);
            }
            for (place, stream, Absent { u, interval, value, met, held }) in page.absent {
                let tracks =
                    state.conditions.get_mut(place).ok_or(Unreadable::Conditions(place + 1, wanted))?;
                tracks.seen.insert(stream, Seen { u, interval, value, met: Some(met), held, armed: None });
            }
        }
        state.conditions.iter_mut().for_each(Tracks::count);
        state.take_changed();
        state.firing = ctx.alert.is_watched() && state.conditions.iter().all(|tracks| tracks.met > 0);
        state.rebuild_agenda(ctx, state.through);
        Ok(state)
    }

    /// The event time from which stored measurements are needed to take up a state: for when streams were last seen, and for
    /// differences.
    pub fn history_from(&self, alert: &Alert) -> i64 {
        let absent = alert.conditions.iter().filter(|condition| condition.is_absent());
        // Twice: the reading before the last one tells how often a stream reports.
        let longest = absent.map(Condition::duration).max().unwrap_or(0);
        let outages: i64 = self.outages.iter().map(|outage| outage.length().saturating_add(longest)).sum();
        let periods = alert.conditions.iter().filter_map(|condition| condition.shape.period);
        let differences = periods.max().unwrap_or(0).saturating_mul(3).max(900);
        let seen = longest.saturating_mul(2).saturating_add(outages);
        self.through.saturating_sub(differences.max(seen))
    }

    /// Takes over when streams were last seen from readings of before. Those that [`Self::advance`] has yet to apply are left out.
    pub fn prime(&mut self, ctx: &Context<'_>, readings: &[Reading]) {
        let mut before: Vec<&Reading> = readings.iter().filter(|reading| reading.u <= self.through).collect();
        before.sort_unstable_by_key(|reading| reading.order());
        for reading in before {
            let Some(condition) = ctx.alert.conditions.get(reading.condition) else { continue };
            let tracks = &mut self.conditions[reading.condition];
            if !condition.is_absent() || reading.u <= tracks.since {
                continue;
            }
            match tracks.seen.get_mut(&reading.stream) {
                // It has been decided on.
                Some(seen) if seen.met.is_some() => {}
                Some(seen) => seen.again(reading.u, reading.value, condition.duration()),
                None => {
                    let seen = Seen::first(reading.u, reading.value.unwrap_or_default());
                    tracks.seen.insert(reading.stream.clone(), seen);
                }
            }
        }
        for (condition, place) in ctx.alert.conditions.iter().zip(0..) {
            let Some(tracks) = self.conditions.get_mut(place) else { continue };
            let mut seen = std::mem::take(&mut tracks.seen);
            // A deadline that passed without its stream being absent now was dismissed.
            seen.retain(|_, seen| {
                seen.met.is_some()
                    || tracks.deadline(seen, condition, &self.outages, ctx.delay()) > self.through
            });
            let streams: Vec<Stream> = seen.keys().cloned().collect();
            tracks.seen = seen;
            streams.iter().for_each(|stream| self.arm_silence(ctx, place, stream, self.through));
        }
    }
}
