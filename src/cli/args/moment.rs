//! Times as they are typed: epoch seconds, RFC 3339, or so long ago.

use librato_apply::client::Time;

/// Reads `1700000000`, `2026-11-22T10:00:00Z` (or a date alone, in UTC), `-8h`, `-30m`, `-2d` or `now`.
///
/// # Errors
/// In words, where it is none of these.
pub fn moment(text: &str) -> Result<Time, String> {
    parse(text.trim(), Time::now().0).map(Time).ok_or_else(|| {
        "write epoch seconds, 2026-11-22T10:00:00Z, 2026-11-22, or so long ago: -8h".to_owned()
    })
}

fn parse(text: &str, now: u64) -> Option<u64> {
    if text == "now" {
        return Some(now);
    }
    if let Some(ago) = text.strip_prefix('-') {
        return Some(now.saturating_sub(span(ago)?));
    }
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let time = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let day: jiff::civil::Date = text.parse().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })?;
    time.as_second().try_into().ok()
}

fn span(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_absolute_or_relative() {
        for (text, expected) in [
            ("1700000000", Some(1_700_000_000)),
            ("-8h", Some(1_000_000 - 28_800)),
            ("-90", Some(1_000_000 - 90)),
            ("-2w", Some(0)),
            ("now", Some(1_000_000)),
            ("2026-11-22T10:00:00+01:00", Some(1_795_338_000)),
            ("2026-11-22", Some(1_795_305_600)),
            ("8h", None),
            ("-8y", None),
            ("yesterday", None),
            ("", None),
            ("-99999999999999999999d", None),
        ] {
            assert_eq!(parse(text, 1_000_000), expected, "{text}");
        }
    }
}
