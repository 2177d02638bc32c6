//! What the rest of the server asks of the series and points that are kept, wherever they lie. Each answer belongs to one
//! transaction; what is appended can be read as soon as that is committed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::RangeInclusive;

use crate::serve::store::error::StoreError;
use crate::serve::tsdb::aggregate::{Point, downsample};
use crate::serve::tsdb::journal::Row;
use crate::serve::tsdb::labels::{Labels, Series};
use crate::serve::tsdb::page::Singles;
use crate::serve::tsdb::range::TimeRange;
use crate::serve::tsdb::sample::Sample;

/// What is in the journal alone, by series.
pub type Recent = HashMap<i64, Vec<Point>>;

/// How far someone who follows the journal has read it: of each lane the last batch. Begins before everything. A file has one lane, which is
/// 0, whose batches are its rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cursor(BTreeMap<i64, i64>);

impl Cursor {
    /// Of one lane.
    pub fn at(lane: i64, seq: i64) -> Cursor {
        [(lane, seq)].into_iter().collect()
    }

    /// The last batch of a lane that was read.
    pub fn last(&self, lane: i64) -> i64 {
        self.0.get(&lane).copied().unwrap_or_default()
    }

    /// That of each lane.
    #[cfg(feature = "postgres")]
    pub fn lanes(&self) -> impl Iterator<Item = (i64, i64)> + '_ {
        self.0.iter().map(|(lane, seq)| (*lane, *seq))
    }

    /// A batch of a lane was read.
    pub fn advance(&mut self, lane: i64, seq: i64) {
        let last = self.last(lane).max(seq);
        if last > 0 {
            self.0.insert(lane, last);
        }
    }
}

impl FromIterator<(i64, i64)> for Cursor {
    fn from_iter<I: IntoIterator<Item = (i64, i64)>>(all: I) -> Cursor {
        let mut cursor = Cursor::default();
        all.into_iter().for_each(|(lane, seq)| cursor.advance(lane, seq));
        cursor
    }
}

/// What someone who follows the journal reads of it next.
#[derive(Debug, Default, PartialEq)]
pub struct Tail {
    /// Those that are wanted, in order of their arrival.
    pub rows: Vec<Received>,
    /// Bytes of the rows that were read.
    pub bytes: usize,
    /// Where to go on.
    pub next: Cursor,
    /// Rows behind the cursor are gone: they were compacted before they were read, and their points are in pages alone.
    pub missed: bool,
}

/// What is wanted of a row of the journal.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// The second in which it was received.
    pub at: i64,
    pub samples: Vec<Sample>,
}

/// A series with the metric it belongs to.
pub type Owned = (i64, Series);

/// The points of all series, as one transaction sees them.
pub trait Points {
    /// Every series of the metric, of both dialects, in order of creation.
    fn series(&self, metric: i64) -> Result<Vec<Series>, StoreError>;

    /// The series of these metrics with these labels, in order; made where there is none.
    fn find_or_create(&self, wanted: &[(i64, &Labels)]) -> Result<Vec<i64>, StoreError>;

    /// Appends rows to the journal, which were received at this time.
    fn append(&self, rows: &[Row], received: i64) -> Result<(), StoreError>;

    /// Goes through the journal once, for the series that are `wanted`.
    fn recent(&self, wanted: &HashSet<i64>, time: TimeRange) -> Result<Recent, StoreError>;

    /// The packed points of the series that are `wanted`, to be read one after the other.
    fn packed<'s>(
        &'s self,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Box<dyn Packed + 's>, StoreError>;

    /// The samples that were appended behind `after`, as many as lie in about `most` bytes, as far as their series are `wanted`.
    fn tail(&self, after: &Cursor, most: usize, wanted: &dyn Fn(i64) -> bool) -> Result<Tail, StoreError>;

    /// Where the journal ends.
    fn end(&self) -> Result<Cursor, StoreError>;

    /// Gives `each` the samples that are in the journal alone, up to `until`, with the second they were received in and in order of
    /// their arrival, as far as their series are `wanted`.
    fn waiting(
        &self,
        until: &Cursor,
        wanted: &dyn Fn(i64) -> bool,
        each: &mut dyn FnMut(i64, &Sample),
    ) -> Result<(), StoreError>;

    /// Notes how far `holder` has read the journal at a second, or that it follows it no more, for those who compact it elsewhere.
    fn note_tail(&self, _holder: &str, _cursor: Option<&Cursor>, _now: i64) -> Result<(), StoreError> {
        Ok(())
    }

    /// Those of these series that exist and can be read.
    fn of_ids(&self, ids: &[i64]) -> Result<Vec<Owned>, StoreError>;

    /// Deletes about `most` series of a metric with their points. Whether that was the last of them.
    fn forget(&self, metric: i64, most: usize) -> Result<bool, StoreError>;
}

/// The packed points of some series, as the transaction sees them in which they were asked for.
pub trait Packed {
    /// Those of one series, once, tier by tier.
    fn points(&mut self, series: i64) -> Result<Vec<Point>, StoreError>;

    /// The same column by column, in order of time and those of one time in order of their arrival, if they lie so and all are single
    /// values; whether they do, else they are still to be read by [`Packed::points`].
    fn singles(&mut self, _series: i64, _singles: &mut Singles) -> Result<bool, StoreError> {
        Ok(false)
    }
}

/// Reads the points of some series over one range of time, each once. Must be made and used inside one transaction.
pub struct Reader<'a> {
    packed: Box<dyn Packed + 'a>,
    recent: Recent,
}

impl<'a> Reader<'a> {
    /// Goes through the journal once, for the series in `wanted`.
    pub fn new(
        points: &'a dyn Points,
        wanted: &HashSet<i64>,
        time: TimeRange,
    ) -> Result<Reader<'a>, StoreError> {
        Ok(Reader { recent: points.recent(wanted, time)?, packed: points.packed(wanted, time)? })
    }

    /// The points of one series at `resolution`, by time.
    pub fn points(&mut self, series: i64, resolution: i64) -> Result<Vec<Point>, StoreError> {
        let mut points = self.packed.points(series)?;
        points.extend(self.recent.remove(&series).unwrap_or_default());
        Ok(downsample(points, resolution))
    }
}

/// From the smallest to the largest of these series.
pub fn range(series: &HashSet<i64>) -> Option<RangeInclusive<i64>> {
    let (first, last) = series.iter().min().zip(series.iter().max())?;
    Some(*first..=*last)
}

/// Memory that points take while as many as `more` are added to them, which grows them by half of what they are at least.
pub fn taken(points: &Vec<Point>, more: usize) -> usize {
    let (length, capacity) = (points.len() + more, points.capacity());
    let grown = if length > capacity { capacity + length.max(2 * capacity) } else { capacity };
    size_of::<Point>() * (grown + more)
}
