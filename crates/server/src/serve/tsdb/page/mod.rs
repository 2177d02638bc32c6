//! Pages: rows of just under eight thousand bytes that hold the points of many series over one window of a tier. They are written
//! once, merged, and never changed. A directory at the beginning says where each series lies, so that one is found without decoding
//! the others, and a checksum at the end covers all of it and the tier. Pure; knows nothing of where pages lie.
//!
//! ```text
//! page       version u8 | start of the window, signed | metrics | runs | bytes of the directory | directory | bodies | CRC-32, u32
//! directory  for each metric: difference of its id, its runs; for each run: difference of its series, signed, and bytes of its
//!            body << 1 | shared. A difference of nothing: the same series goes on
//! body       the times, unless they are shared, and the values
//! ```
//!
//! A run that shares times has those of the nearest one before it that has its own.

pub mod merge;
#[cfg(test)]
mod tests;
pub mod write;

use super::aggregate::Point;
use super::bytes::{take_signed, take_unsigned};
use super::codec::{run, times};
use super::error::Error;
use super::range::TimeRange;
use super::tier::Tier;

const VERSION: u8 = 1;

/// Bytes of the checksum.
const SUM: usize = 4;

/// The points of one series in one page, or a part of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    pub metric: i64,
    pub series: i64,
    pub points: Vec<Point>,
}

/// Where the points of a series lie in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub metric: i64,
    pub series: i64,
    /// Where its body begins and ends, and where the one begins whose times it has.
    body: (u32, u32),
    times: u32,
}

impl Place {
    /// Bytes of the body.
    #[cfg(test)]
    pub fn bytes(&self) -> usize {
        (self.body.1 - self.body.0) as usize
    }
}

/// A page that can be trusted, as far as its directory.
#[derive(Debug, Clone, Copy)]
pub struct Page<'a> {
    bytes: &'a [u8],
    tier: Tier,
    start: i64,
}

/// Opens a page of the window that begins at `start`, and says what lies in it, in order of metrics and series.
pub fn open(tier: Tier, start: i64, bytes: &[u8]) -> Result<(Page<'_>, Vec<Place>), Error> {
    let (content, sum) = bytes.split_last_chunk::<SUM>().ok_or(Error::CutShort)?;
    if u32::from_le_bytes(*sum) != checksum(tier, content) {
        return Err(Error::Checksum);
    }
    if content.first().is_some_and(|version| *version > VERSION) {
        return Err(Error::Newer);
    }
    let page = Page { bytes: content, tier, start };
    let places = directory(content, start).ok_or(Error::Unreadable)?;
    Ok((page, places))
}

impl<'a> Page<'a> {
    /// A page that was opened before.
    pub fn known((tier, start): (Tier, i64), bytes: &'a [u8]) -> Page<'a> {
        Page { bytes: &bytes[..bytes.len().saturating_sub(SUM)], tier, start }
    }

    /// The points at a place, in order of time.
    pub fn points(&self, place: &Place) -> Result<Vec<Point>, Error> {
        self.take(place).ok_or(Error::Unreadable)
    }

    /// Adds the points at a place to `singles`, in order of time; whether all of them are single values. What `shared` has of this page
    /// need not be read again.
    pub fn singles(&self, place: &Place, shared: &mut Times, singles: &mut Singles) -> Result<bool, Error> {
        self.take_singles(place, shared, singles).ok_or(Error::Unreadable)
    }

    fn take(&self, place: &Place) -> Option<Vec<Point>> {
        let (times, mut rest) = self.times(place)?;
        run::take_values(&mut rest, &times).filter(|_| rest.is_empty())
    }

    fn take_singles(&self, place: &Place, shared: &mut Times, singles: &mut Singles) -> Option<bool> {
        let mut rest = self.body(place)?;
        if shared.at != place.times || place.times == place.body.0 {
            let times;
            (times, rest) = self.times(place)?;
            *shared = Times { at: place.times, times };
        }
        let all = run::take_singles(&mut rest, shared.times.len(), &mut singles.values)?;
        singles.times.extend_from_slice(&shared.times);
        (!all || rest.is_empty()).then_some(all)
    }

    fn body(&self, place: &Place) -> Option<&'a [u8]> {
        self.bytes.get(place.body.0 as usize..place.body.1 as usize)
    }

    /// The times of the points at a place, and what follows them.
    fn times(&self, place: &Place) -> Option<(Vec<i64>, &'a [u8])> {
        let from = |at: u32| self.bytes.get(at as usize..);
        let mut rest = self.body(place)?;
        let times = if place.times == place.body.0 {
            times::take(&mut rest)?
        } else {
            times::take(&mut from(place.times)?)?
        };
        let inside = |time: i64| time >= self.start && time - self.start < self.tier.span;
        let sound = inside(*times.first()?) && inside(*times.last()?) && times.is_sorted_by(|a, b| a < b);
        sound.then_some((times, rest))
    }
}

/// The times that runs of a page share, as they were read last.
#[derive(Debug, Default)]
pub struct Times {
    /// Where they lie; nothing does at the beginning of a page.
    at: u32,
    times: Vec<i64>,
}

impl Times {
    pub fn bytes(&self) -> usize {
        size_of::<i64>() * self.times.capacity()
    }
}

/// Single values column by column, of which there are as many as times.
#[derive(Debug, Default, PartialEq)]
pub struct Singles {
    pub times: Vec<i64>,
    pub values: Vec<f64>,
}

impl Singles {
    /// Memory that they take while they grow, with what they are decoded through and what is made of them next.
    pub fn bytes(&self) -> usize {
        4 * (size_of::<i64>() + size_of::<f64>()) * self.times.len()
    }

    pub fn push(&mut self, time: i64, value: f64) {
        self.times.push(time);
        self.values.push(value);
    }

    pub fn clear(&mut self) {
        self.truncate(0);
    }

    /// Leaves as many as that.
    pub fn truncate(&mut self, count: usize) {
        self.times.truncate(count);
        self.values.truncate(count);
    }

    /// Leaves those behind the first `from` that lie in `range`, which are in order of time.
    pub fn within(&mut self, from: usize, range: TimeRange) {
        let added = self.times.get(from..).unwrap_or_default();
        let before = added.partition_point(|time| *time < range.start);
        let inside = added.partition_point(|time| *time <= range.end);
        self.truncate(from + inside);
        if before > 0 {
            self.times.drain(from..from + before.min(inside));
            self.values.drain(from..from + before.min(inside));
        }
    }
}

/// All runs of a page, one after the other.
#[cfg(any(test, fuzzing))]
pub fn runs(tier: Tier, start: i64, bytes: &[u8]) -> Result<impl Iterator<Item = Result<Run, Error>>, Error> {
    let (page, places) = open(tier, start, bytes)?;
    Ok(places.into_iter().map(move |place| {
        let Place { metric, series, .. } = place;
        Ok(Run { metric, series, points: page.points(&place)? })
    }))
}

/// Anything as a page with a sound checksum.
#[cfg(any(test, fuzzing))]
pub fn sealed(tier: Tier, content: &[u8]) -> Vec<u8> {
    [content, &checksum(tier, content).to_le_bytes()].concat()
}

fn checksum(tier: Tier, content: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&tier.resolution.to_le_bytes());
    hasher.update(content);
    hasher.finalize()
}

fn directory(content: &[u8], start: i64) -> Option<Vec<Place>> {
    let mut rest = content.strip_prefix(&[VERSION])?;
    if take_signed(&mut rest)? != start {
        return None;
    }
    let metrics = take_unsigned(&mut rest)?;
    let runs = usize::try_from(take_unsigned(&mut rest)?).ok()?;
    let length = usize::try_from(take_unsigned(&mut rest)?).ok()?;
    let mut entries = rest.split_off(..length)?;
    let mut at = u32::try_from(content.len() - rest.len()).ok()?;
    // A run takes two bytes at least, so that a wrong number cannot ask for much memory.
    let mut places: Vec<Place> = Vec::with_capacity(runs.min(length / 2));
    let (mut metric, mut series, mut times) = (0_i64, 0_i64, None);
    for _ in 0..metrics {
        let apart = take_unsigned(&mut entries)?;
        metric = metric.checked_add_unsigned(apart).filter(|_| apart > 0)?;
        let number = take_unsigned(&mut entries)?;
        for nth in 0..number {
            let apart = take_signed(&mut entries)?;
            if nth > 0 && apart < 0 {
                return None;
            }
            series = series.checked_add(apart)?;
            let length = take_unsigned(&mut entries)?;
            let end = at.checked_add(u32::try_from(length >> 1).ok()?)?;
            if length & 1 == 0 {
                times = Some(at);
            }
            places.push(Place { metric, series, body: (at, end), times: times? });
            at = end;
        }
        if number == 0 {
            return None;
        }
    }
    (entries.is_empty() && places.len() == runs && at as usize == content.len()).then_some(places)
}
