//! The time a query asks for, in the parameters of both dialects, and whether data that fine is still kept. Pure.

use axum::http::StatusCode;

use crate::serve::http::fields::{Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::refusal::Errors;
use crate::serve::tsdb::aging::Aging;
use crate::serve::tsdb::range::TimeRange;

/// A week: the coarsest resolution that can be asked for, in seconds.
const COARSEST: i64 = 604_800;

/// What to read: a span that begins at a multiple of the resolution, so that no interval is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub span: TimeRange,
    /// Seconds.
    pub resolution: i64,
    pub take: Take,
}

/// Which points of each series are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Take {
    All,
    First(usize),
    Last(usize),
}

impl Interval {
    /// From `start_time`, `end_time`, `count` and `resolution`; `None` when no time is asked for. Without a
    /// resolution it is the finest that is kept for the whole interval.
    pub fn legacy(query: &Object, now: i64, aging: &Aging) -> Result<Option<Interval>, Problem> {
        let mut read = Reader::new(query);
        let (start, end) = (read.time("start_time").value(), read.time("end_time").value());
        let count = read.integer("count").value();
        let resolution = resolution(&mut read);
        if count.is_some_and(|count| count < 1) {
            read.errors.add("count", "must be a positive integer");
        }
        if count.is_some() && start.is_some() && end.is_some() {
            read.errors.add("count", "cannot be used with both start_time and end_time");
        }
        check_order(start, end, &mut read.errors);
        read.finish()?;
        if start.is_none() && end.is_none() && count.is_none() {
            return Ok(None);
        }
        let resolution = match (resolution, start.or(end)) {
            (Some(resolution), _) => resolution,
            (None, Some(earliest)) => aging.promised(earliest, now).resolution,
            (None, None) => 1,
        };
        let take = match (count.map(|count| usize::try_from(count).unwrap_or(usize::MAX)), start) {
            (None, _) => Take::All,
            (Some(count), Some(_)) => Take::First(count),
            (Some(count), None) => Take::Last(count),
        };
        let end = end.unwrap_or(now);
        let start = start.unwrap_or_else(|| aging.oldest(resolution, now));
        Interval::new(TimeRange { start, end }, resolution, take).kept(now, aging).map(Some)
    }

    /// From `resolution`, `start_time`, `end_time` and `duration`.
    pub fn tagged(query: &Object, now: i64, aging: &Aging) -> Result<Interval, Problem> {
        let (span, resolution) = Interval::composed(query, now)?;
        Interval::new(span, resolution, Take::All).kept(now, aging)
    }

    /// The same for composites: the span and the resolution as they are asked for. Their series have periods of
    /// their own, so data that is kept less finely than the resolution is no reason to refuse.
    pub fn composed(query: &Object, now: i64) -> Result<(TimeRange, i64), Problem> {
        let mut read = Reader::new(query);
        read.require("resolution");
        let resolution = resolution(&mut read).unwrap_or(1);
        let (start, end) = (read.time("start_time").value(), read.time("end_time").value());
        let duration = read.integer("duration").value();
        if duration.is_some_and(|duration| duration < 1) {
            read.errors.add("duration", "must be a positive number of seconds");
        }
        let span = match (start, end, duration) {
            (Some(_), Some(_), Some(_)) => {
                read.errors.add("duration", "cannot be used with both start_time and end_time");
                TimeRange { start: now, end: now }
            }
            (Some(start), Some(end), None) => TimeRange { start, end },
            (Some(start), None, None) => TimeRange { start, end: now },
            (Some(start), None, Some(duration)) => TimeRange { start, end: start.saturating_add(duration) },
            (None, end, Some(duration)) => {
                let end = end.unwrap_or(now);
                TimeRange { start: end.saturating_sub(duration), end }
            }
            (None, _, None) => {
                read.errors.add("start_time", "must be set, or duration");
                TimeRange { start: now, end: now }
            }
        };
        check_order(start, end, &mut read.errors);
        read.finish()?;
        Ok((span, resolution))
    }

    fn new(span: TimeRange, resolution: i64, take: Take) -> Interval {
        Interval { span, resolution, take }
    }

    /// Refuses what is not kept that finely any more.
    fn kept(self, now: i64, aging: &Aging) -> Result<Interval, Problem> {
        let Interval { span, resolution, take } = self;
        if aging.promised(span.start.min(span.end), now).resolution > resolution {
            return Err(Problem::request(
                StatusCode::BAD_REQUEST,
                "The requested data resolution is unavailable for the given time range. Please try a different resolution.",
            ));
        }
        let start = span.start - span.start.rem_euclid(resolution);
        Ok(Interval { span: TimeRange { start, ..span }, resolution, take })
    }
}

fn resolution(read: &mut Reader<'_>) -> Option<i64> {
    let resolution = read.integer("resolution").value()?;
    if (1..=COARSEST).contains(&resolution) {
        return Some(resolution);
    }
    read.errors.add("resolution", format!("must be between 1 and {COARSEST} seconds"));
    None
}

fn check_order(start: Option<i64>, end: Option<i64>, errors: &mut Errors) {
    if start.zip(end).is_some_and(|(start, end)| end < start) {
        errors.add("end_time", "must not be before start_time");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const NOW: i64 = 1_700_000_000;
    const DAY: i64 = 86_400;

    fn legacy(query: &Value) -> Option<(i64, i64, i64, Take)> {
        let read = Interval::legacy(query.as_object().unwrap(), NOW, &Aging::default()).ok()?;
        read.map(|i| (NOW - i.span.start, NOW - i.span.end, i.resolution, i.take))
    }

    #[test]
    fn legacy_bounds() {
        let start = NOW - 600;
        let old = NOW - 5 * DAY;
        assert_eq!(legacy(&json!({"start_time": start.to_string()})), Some((600, 0, 1, Take::All)));
        assert_eq!(
            legacy(&json!({"start_time": start, "end_time": NOW - 60, "resolution": 60})),
            Some((620, 60, 60, Take::All)),
            "begins at a multiple of the resolution"
        );
        let (found, _, resolution, take) = legacy(&json!({"count": 4})).unwrap();
        assert!(found >= 2 * DAY && resolution == 1 && take == Take::Last(4));
        assert_eq!(legacy(&json!({"start_time": start, "count": 4})).unwrap().3, Take::First(4));
        assert_eq!(legacy(&json!({"start_time": old})).unwrap().2, 60, "the finest there is");
        assert_eq!(legacy(&json!({"start_time": 0})).unwrap().2, 3600);
        assert_eq!(
            Interval::legacy(json!({"resolution": 60}).as_object().unwrap(), NOW, &Aging::default()).unwrap(),
            None
        );
        for bad in [
            json!({"start_time": old, "resolution": 1}),
            json!({"end_time": old, "resolution": 1}),
            json!({"start_time": start, "end_time": NOW, "count": 1}),
            json!({"start_time": NOW, "end_time": start}),
            json!({"count": 0}),
            json!({"count": 1, "resolution": 0}),
            json!({"count": 1, "resolution": COARSEST + 1}),
        ] {
            assert!(Interval::legacy(bad.as_object().unwrap(), NOW, &Aging::default()).is_err(), "{bad}");
        }
    }

    #[test]
    fn tagged_bounds() {
        let tagged = |query: Value| {
            let read = Interval::tagged(query.as_object().unwrap(), NOW, &Aging::default()).ok()?;
            Some((NOW - read.span.start, NOW - read.span.end))
        };
        assert_eq!(tagged(json!({"resolution": "1", "duration": "600"})), Some((600, 0)));
        assert_eq!(
            tagged(json!({"resolution": 1, "duration": 60, "start_time": NOW - 600})),
            Some((600, 540))
        );
        assert_eq!(tagged(json!({"resolution": 1, "duration": 60, "end_time": NOW - 600})), Some((660, 600)));
        assert_eq!(tagged(json!({"resolution": 1, "start_time": NOW - 5})), Some((5, 0)));
        for bad in [
            json!({"duration": 60}),
            json!({"resolution": 1}),
            json!({"resolution": 1, "end_time": NOW}),
            json!({"resolution": 1, "duration": 0}),
            json!({"resolution": 1, "duration": 60, "start_time": NOW - 60, "end_time": NOW}),
            json!({"resolution": 60, "duration": 20 * DAY}),
        ] {
            assert_eq!(tagged(bad.clone()), None, "{bad}");
        }
    }
}
