//! The past as a service still has it, by its public routes: each metric once, newest first, as finely as each stretch of time is kept.
//! Says what a limit cut off.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use librato_apply::composite::Selector;
use librato_apply::offline::{History, Metric, Span, Stretch, WARM_UP};
use librato_apply::remote::{ApiError, Listing, ReadApi};
use librato_apply::watch::{Sample, Series};
use parking_lot::Mutex;
use serde_json::Value;
use tokio::time::Instant;

use super::super::query::read::{self, Raw, Wanted};
use super::super::query::time;

/// Requests under way at once.
const AT_ONCE: usize = 4;

const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// How finely measurements are kept, and for how long.
const KEPT: [(i64, i64); 4] = [(1, 2 * DAY), (60, 8 * DAY), (900, 32 * DAY), (HOUR, i64::MAX)];

/// What reading may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub requests: usize,
    pub points: usize,
    pub time: Duration,
}

/// A metric to be read.
#[derive(Debug, Clone)]
pub struct Needed {
    pub name: String,
    pub known: Metric,
    pub selector: Selector,
}

/// A limit that was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Requests,
    Points,
    Time,
}

/// What reading has cost so far, and what it may.
pub struct Budget {
    pub limits: Limits,
    until: Instant,
    requests: AtomicUsize,
    points: AtomicUsize,
    cut: Mutex<Option<Cut>>,
}

impl Budget {
    /// Its time begins now.
    pub fn new(limits: Limits) -> Self {
        let until = Instant::now() + limits.time;
        Self { limits, until, requests: 0.into(), points: 0.into(), cut: Mutex::new(None) }
    }

    /// Requests made.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::Relaxed)
    }

    /// Measurements read.
    pub fn points(&self) -> usize {
        self.points.load(Ordering::Relaxed)
    }

    /// The first limit that was met.
    pub fn cut(&self) -> Option<Cut> {
        *self.cut.lock()
    }

    /// Whether there is time left.
    pub fn has_time(&self) -> bool {
        let left = Instant::now() < self.until;
        if !left {
            self.cut.lock().get_or_insert(Cut::Time);
        }
        left
    }
}

/// What was read.
#[derive(Debug, Default)]
pub struct Past {
    pub histories: Vec<History>,
    /// How many requests it took.
    pub requests: usize,
}

/// The stretches of a span, and of the time to warm up, the newest first.
pub fn stretches(span: Span, now: i64) -> Vec<Stretch> {
    let (mut end, first) = (span.end, span.start.saturating_sub(WARM_UP));
    let mut found = Vec::new();
    for (resolution, kept) in KEPT {
        // On the hour, so that no interval of a coarser stretch reaches into a finer one.
        let edge = now.saturating_sub(kept).saturating_add(HOUR - 1).div_euclid(HOUR).saturating_mul(HOUR);
        let start = edge.max(first);
        if start <= end {
            found.push(Stretch { start, end, resolution });
            end = start - 1;
        }
        if end < first {
            break;
        }
    }
    found
}

/// Reads metrics.
///
/// # Errors
/// Where the service does not answer.
pub async fn past(
    api: &impl ReadApi,
    needed: &[Needed],
    span: Span,
    now: i64,
    budget: &Budget,
) -> Result<Past, ApiError> {
    let meter = Meter { api, budget, requests: 0.into() };
    let parts = stretches(span, now)
        .into_iter()
        .flat_map(|stretch| needed.iter().enumerate().map(move |(place, needed)| (place, needed, stretch)));
    let parts: Vec<_> = parts.collect();
    let reads = stream::iter(parts).map(|(place, needed, stretch)| {
        let meter = &meter;
        async move { Ok::<_, ApiError>((place, part(meter, needed, stretch).await?)) }
    });
    let read: Vec<_> = reads.buffered(AT_ONCE).try_collect().await?;
    let mut parts: Vec<Vec<Part>> = needed.iter().map(|_| Vec::new()).collect();
    // The newest were read first, and series want the oldest.
    read.into_iter().rev().for_each(|(place, part)| parts[place].extend(part));
    let histories = needed.iter().zip(parts).map(|(needed, parts)| joined(needed, parts)).collect();
    Ok(Past { histories, requests: meter.requests.into_inner() })
}

/// The parts of a metric's past, in order of time, as one.
fn joined(needed: &Needed, parts: impl IntoIterator<Item = Part>) -> History {
    let mut history = History {
        metric: needed.name.clone(),
        known: needed.known.clone(),
        stretches: Vec::new(),
        series: Vec::new(),
    };
    for (stretch, series) in parts {
        history.stretches.push(stretch);
        for one in series {
            let labels = Series::of_labels(&one.labels);
            let samples = one.rows.iter().map(|row| (row.sample.time, sample(row)));
            match history.series.iter_mut().find(|(series, _)| *series == labels) {
                Some((_, all)) => all.extend(samples),
                None => history.series.push((labels, samples.collect())),
            }
        }
    }
    for (_, samples) in &mut history.series {
        samples.sort_by_key(|(time, _)| *time);
    }
    history
}

/// Reads one metric by the hour, for when only its existence matters.
///
/// # Errors
/// Where the service does not answer.
pub async fn by_hour(
    api: &impl ReadApi,
    needed: &Needed,
    span: Span,
    budget: &Budget,
) -> Result<Past, ApiError> {
    let meter = Meter { api, budget, requests: 0.into() };
    let stretch = Stretch { start: span.start, end: span.end, resolution: HOUR };
    let found = part(&meter, needed, stretch).await?;
    Ok(Past { histories: vec![joined(needed, found)], requests: meter.requests.into_inner() })
}

fn sample(row: &read::Row) -> Sample {
    let read::Row { sample, last, value } = row;
    let (count, sum, min, max) = (sample.count, sample.sum, sample.min, sample.max);
    Sample { count, sum, min, max, last: last.unwrap_or(*value) }
}

/// What was read of a stretch.
type Part = (Stretch, Vec<Raw>);

/// One stretch of one metric; nothing where a limit was met before all of it was read.
async fn part<A: ReadApi>(
    meter: &Meter<'_, A>,
    needed: &Needed,
    stretch: Stretch,
) -> Result<Option<Part>, ApiError> {
    if meter.budget.cut().is_some() {
        return Ok(None);
    }
    let wanted = Wanted {
        metric: &needed.name,
        selector: &needed.selector,
        span: time::Span { start: stretch.start, end: stretch.end },
        resolution: u64::try_from(stretch.resolution).unwrap_or(1),
        statistics: true,
    };
    match read::series(meter, wanted).await {
        Ok(found) => {
            let resolution = i64::try_from(found.resolution).unwrap_or(i64::MAX);
            Ok(Some((Stretch { resolution, ..stretch }, found.series)))
        }
        Err(_) if meter.budget.cut().is_some() => Ok(None),
        // It has never been measured.
        Err(error) if error.is_not_found() => Ok(Some((stretch, Vec::new()))),
        Err(error) => Err(error),
    }
}

/// A service that is asked no more than it may be.
struct Meter<'a, A> {
    api: &'a A,
    budget: &'a Budget,
    requests: AtomicUsize,
}

impl<A> Meter<'_, A> {
    fn cut(&self, path: &str, why: Cut) -> ApiError {
        self.budget.cut.lock().get_or_insert(why);
        ApiError::Decode { path: path.to_owned(), detail: "a limit of this program was met".to_owned() }
    }
}

impl<A: ReadApi> ReadApi for Meter<'_, A> {
    async fn get(&self, path: &str, query: &[(&str, String)]) -> Result<Value, ApiError> {
        let budget = self.budget;
        if let Some(cut) = budget.cut() {
            return Err(self.cut(path, cut));
        }
        if budget.requests.fetch_add(1, Ordering::Relaxed) >= budget.limits.requests {
            budget.requests.fetch_sub(1, Ordering::Relaxed);
            return Err(self.cut(path, Cut::Requests));
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let Ok(answer) = tokio::time::timeout_at(budget.until, self.api.get(path, query)).await else {
            return Err(self.cut(path, Cut::Time));
        };
        let answer = answer?;
        let points = measured(&answer);
        if budget.points.fetch_add(points, Ordering::Relaxed) + points > budget.limits.points {
            return Err(self.cut(path, Cut::Points));
        }
        Ok(answer)
    }

    async fn list(&self, listing: &Listing) -> Result<Vec<Value>, ApiError> {
        self.api.list(listing).await
    }
}

/// How many measurements an answer holds, in either dialect.
fn measured(answer: &Value) -> usize {
    let length = |list: &Value| list.as_array().map_or(0, Vec::len);
    let tagged = answer["series"].as_array().into_iter().flatten().map(|one| length(&one["measurements"]));
    let sources = answer["measurements"].as_object().into_iter().flatten().map(|(_, list)| length(list));
    tagged.chain(sources).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_stretch_is_read_as_finely_as_it_is_kept() {
        let now = 100 * DAY + 100;
        let found = |start: i64, end: i64| -> Vec<_> {
            let all = stretches(Span { start, end }, now).into_iter();
            all.map(|one| (one.resolution, now - one.start, now - one.end)).collect()
        };
        let (two, eight) = (2 * DAY - 3_500, 8 * DAY - 3_500);
        assert_eq!(found(now - DAY, now), [(1, DAY + WARM_UP, 0)]);
        assert_eq!(found(now - 7 * DAY, now), [(1, two, 0), (60, 7 * DAY + WARM_UP, two + 1)]);
        assert_eq!(
            found(now - 9 * DAY, now - 3 * DAY),
            [(60, eight, 3 * DAY), (900, 9 * DAY + WARM_UP, eight + 1)]
        );
        let old = found(now - 90 * DAY, now);
        assert_eq!(old.iter().map(|one| one.0).collect::<Vec<_>>(), [1, 60, 900, 3600]);
        assert!(old.windows(2).all(|pair| pair[1].2 == pair[0].1 + 1), "without gaps: {old:?}");
    }
}
