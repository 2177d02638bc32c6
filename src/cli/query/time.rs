//! Times as they are typed and as they are shown, in one time zone.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::super::args::query::Query;
use super::super::exit::Stop;
use super::super::time;

/// The end of what the API takes for a time, the year 9999.
const LAST: i64 = 253_402_300_799;

/// A stretch of time in epoch seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub start: i64,
    pub end: i64,
}

/// The time zone that is asked for.
///
/// # Errors
/// For a name no one knows.
pub fn zone(name: &str) -> Result<TimeZone, Stop> {
    if name.eq_ignore_ascii_case("utc") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        Stop::usage(
            format!("there is no time zone `{}`", name.escape_debug()),
            "such as Europe/Berlin, or UTC",
        )
    })
}

/// What `--start` and `--end` ask for.
///
/// # Errors
/// For what is no time, and for an end that does not follow the start.
pub fn span(args: &Query, zone: &TimeZone, now: i64) -> Result<Span, Stop> {
    let time = |flag: &str, text: &str| match local(text, zone) {
        Some(time) => Ok(time),
        None => time::parse(if text.trim() == "now" { "+0" } else { text }, now, flag),
    };
    let span = Span { start: time("--start", &args.start)?, end: time("--end", &args.end)? };
    if span.start < 0 || span.end > LAST {
        return Err(Stop::usage(
            "--start or --end lies beyond 1970 to 9999",
            "give seconds since the epoch, not milliseconds",
        ));
    }
    if span.end <= span.start {
        return Err(Stop::usage(
            "--end is not after --start",
            "both can be relative to now: --start -2h --end -1h",
        ));
    }
    Ok(span)
}

/// A day, or a time without a zone, on the clock of this one.
fn local(text: &str, zone: &TimeZone) -> Option<i64> {
    let local: DateTime = text.trim().parse().ok().filter(|_| text.contains('-'))?;
    // With a zone of its own it is another time.
    let own = text.trim().parse::<Timestamp>().is_ok();
    Some(zone.to_zoned(local).ok()?.timestamp().as_second()).filter(|_| !own)
}

/// Writes times.
#[derive(Debug, Clone)]
pub struct Clock {
    pub zone: TimeZone,
}

impl Clock {
    fn zoned(&self, time: i64) -> Zoned {
        Timestamp::from_second(time).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(self.zone.clone())
    }

    /// In a form of `strftime`.
    pub fn show(&self, time: i64, form: &str) -> String {
        self.zoned(time).strftime(form).to_string()
    }

    /// The name of the zone.
    pub fn name(&self) -> String {
        self.zone.iana_name().unwrap_or("UTC").to_owned()
    }

    pub fn rfc3339(&self, time: i64) -> String {
        let zoned = self.zoned(time);
        if zoned.offset().is_zero() {
            return zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        }
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// Times of one answer, as short as they can be told apart: seconds only where they differ.
    pub fn stamps(&self, times: &[i64]) -> Vec<String> {
        let whole = times.iter().all(|time| time % 60 == 0);
        let form = if whole { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        times.iter().map(|time| self.show(*time, form)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn times_without_a_zone_are_those_of_the_one_that_is_shown() {
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(local("2023-11-15T00:13:20", &east), Some(NOW));
        assert_eq!(local("2023-11-15 00:13:20", &east), Some(NOW));
        assert_eq!(local("2023-11-14", &TimeZone::UTC), Some(NOW - 22 * 3600 - 13 * 60 - 20));
        for text in ["", "-8h", "now", "1700000000", "2023-11-14T22:13:20Z", "2023-11-14T23:13:20+01:00"] {
            assert_eq!(local(text, &east), None, "{text}");
        }
        let clock = Clock { zone: east };
        assert_eq!(clock.rfc3339(NOW), "2023-11-15T00:13:20+02:00");
        assert_eq!(Clock { zone: TimeZone::UTC }.rfc3339(NOW), "2023-11-14T22:13:20Z");
    }
}
