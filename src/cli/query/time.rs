//! Times as they are typed and as they are shown, in one time zone.

use anyhow::Context;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::super::args::query::Query;
use super::super::exit::Stop;

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
/// For a name nobody knows.
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
    let time = |flag: &str, text: &str| {
        let found = parse(text, zone, now).filter(|time| (0..=LAST).contains(time));
        found.ok_or_else(|| {
            Stop::usage(
                format!("{flag} is not a time: `{}`", text.escape_debug()),
                "write -8h (also s, m, d, w), now, seconds since the epoch, 2026-11-22 or 2026-11-22T10:00:00Z",
            )
        })
    };
    let span = Span { start: time("--start", &args.start)?, end: time("--end", &args.end)? };
    if span.end <= span.start {
        return Err(Stop::usage(
            "--end is not after --start",
            "both can be relative to now: --start -2h --end -1h",
        ));
    }
    Ok(span)
}

fn parse(text: &str, zone: &TimeZone, now: i64) -> Option<i64> {
    let text = text.trim();
    if text == "now" {
        return Some(now);
    }
    if let Some(back) = text.strip_prefix('-') {
        return now.checked_sub(seconds(back)?);
    }
    if let Some(ahead) = text.strip_prefix('+') {
        return now.checked_add(seconds(ahead)?);
    }
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A year alone is no time; these seconds were long before the API.
        return text.parse().ok().filter(|_| text.len() > 4);
    }
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time.as_second());
    }
    let local: DateTime = text.parse().ok()?;
    Some(zone.to_zoned(local).ok()?.timestamp().as_second())
}

/// `8h`, `1h30m`: numbers with units.
fn seconds(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit = match rest[digits..].chars().next()? {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            'w' => 604_800,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (!text.is_empty()).then_some(total)
}

/// The present in epoch seconds.
///
/// # Errors
/// Never, but for a clock out of all bounds.
pub fn now() -> anyhow::Result<i64> {
    let seconds = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = seconds.context("the clock of this machine stands before 1970")?.as_secs();
    i64::try_from(seconds).context("the clock of this machine is beyond all bounds")
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

    /// RFC 3339.
    pub fn rfc3339(&self, time: i64) -> String {
        let zoned = self.zoned(time);
        if zoned.offset().is_zero() {
            return zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        }
        zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
    }

    /// How far the zone is ahead of UTC at a time, in seconds.
    pub fn ahead(&self, time: i64) -> i64 {
        i64::from(self.zoned(time).offset().seconds())
    }

    /// Times of one answer, as short as they can be told apart: seconds only where they differ.
    pub fn stamps(&self, times: &[i64]) -> Vec<String> {
        let whole = times.iter().all(|time| time % 60 == 0);
        let form = if whole { "%Y-%m-%d %H:%M" } else { "%Y-%m-%d %H:%M:%S" };
        times.iter().map(|time| self.show(*time, form)).collect()
    }
}

/// A stretch of time in words: `90s`, `20m`, `3h`, `2d`.
pub fn length(seconds: i64) -> String {
    match seconds {
        s if s >= 86_400 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s >= 3_600 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    #[test]
    fn times_come_in_many_forms() {
        for (text, expected) in [
            ("now", NOW),
            ("-8h", NOW - 8 * 3600),
            ("-1h30m", NOW - 5400),
            ("+2w", NOW + 14 * 86_400),
            ("1699999999", NOW - 1),
            ("2023-11-14T22:13:20Z", NOW),
            ("2023-11-14T23:13:20+01:00", NOW),
            ("2023-11-14", NOW - 22 * 3600 - 13 * 60 - 20),
            ("2023-11-14 22:13:20", NOW),
        ] {
            assert_eq!(parse(text, &TimeZone::UTC, NOW), Some(expected), "{text}");
        }
        for text in ["", "-", "-8", "8h", "-8x", "noon", "2023", "-99999999999999999999h", "é", "-é"] {
            assert_eq!(parse(text, &TimeZone::UTC, NOW), None, "{text}");
        }
        let east = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(parse("2023-11-15T00:13:20", &east, NOW), Some(NOW));
        let clock = Clock { zone: east };
        assert_eq!(clock.rfc3339(NOW), "2023-11-15T00:13:20+02:00");
        assert_eq!(Clock { zone: TimeZone::UTC }.rfc3339(NOW), "2023-11-14T22:13:20Z");
    }

    #[test]
    fn lengths_are_round_where_they_can_be() {
        assert_eq!([60, 90, 7200, 86_400, 3660].map(length), ["1m", "90s", "2h", "1d", "61m"]);
    }
}
