//! Times: as pages show them, in UTC, and as people write them into addresses. Pure.

use jiff::Timestamp;
use maud::{Markup, html};

/// A moment, with its date.
pub fn when(time: i64) -> Markup {
    html! {
        @if let Ok(at) = Timestamp::from_second(time) {
            time datetime=(at.strftime("%Y-%m-%dT%H:%M:%SZ")) { (at.strftime("%-d %b %Y, %H:%M:%S UTC")) }
        } @else { (time) }
    }
}

/// Two moments; the second without its date where both are of one day.
pub fn range(from: i64, to: i64) -> Markup {
    if from.div_euclid(86_400) != to.div_euclid(86_400) {
        return html! { (when(from)) " – " (when(to)) };
    }
    let clock = Timestamp::from_second(to).map(|at| at.strftime("%H:%M:%S UTC").to_string());
    html! {
        @if let (Ok(at), Ok(clock)) = (Timestamp::from_second(from), clock) { (at.strftime("%-d %b %Y, %H:%M:%S")) " – " (clock) }
        @else { (when(from)) " – " (when(to)) }
    }
}

/// The time of day, with the date where it is another day than `now`.
pub fn clock(now: i64, time: i64) -> String {
    let day = |time: i64| time.div_euclid(86_400);
    let form = if day(now) == day(time) { "%H:%M:%S" } else { "%-d %b, %H:%M:%S" };
    Timestamp::from_second(time).map_or_else(|_| time.to_string(), |at| at.strftime(form).to_string())
}

/// How long ago, with the moment where someone points at it.
pub fn ago(now: i64, time: i64) -> Markup {
    let at = Timestamp::from_second(time).ok();
    html! {
        time datetime=[at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())]
            title=[at.map(|at| at.strftime("%-d %b %Y, %H:%M:%S UTC").to_string())] {
            @if time > now { "in " (span(time - now)) } @else { (span(now - time)) " ago" }
        }
    }
}

/// A length of time: its two greatest units.
pub fn span(seconds: i64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let mut rest = seconds.max(0);
    let first = units.iter().position(|(_, size)| rest >= *size).unwrap_or(3);
    let mut parts = Vec::new();
    for (name, size) in units.iter().skip(first).take(2) {
        if rest / size > 0 || parts.is_empty() {
            parts.push(format!("{} {name}", rest / size));
        }
        rest %= size;
    }
    parts.join(" ")
}

/// `now`, `-6h`, `now-6h`, epoch seconds or RFC 3339.
pub fn read(text: &str, now: i64) -> Option<i64> {
    if text == "now" {
        return Some(now);
    }
    if let Some(back) = text.strip_prefix("now").unwrap_or(text).strip_prefix('-') {
        let unit = back.find(|c: char| !c.is_ascii_digit())?;
        let size = crate::diag::seconds_in(&back[unit..])?;
        return now.checked_sub(back[..unit].parse::<i64>().ok()?.checked_mul(i64::try_from(size).ok()?)?);
    }
    text.parse().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_have_two_units() {
        for (seconds, shown) in [
            (-5, "0 s"),
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 m"),
            (150, "2 m 30 s"),
            (3_600, "1 h"),
            (90_061, "1 d 1 h"),
            (86_400 * 9 + 59, "9 d"),
        ] {
            assert_eq!(span(seconds), shown);
        }
    }

    #[test]
    fn other_days_have_their_date() {
        assert_eq!(clock(86_399, 60), "00:01:00");
        assert_eq!(clock(86_400, 60), "1 Jan, 00:01:00");
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, read_as) in [
            ("now", Some(1_000_000)),
            ("-6h", Some(1_000_000 - 21_600)),
            ("now-2d", Some(1_000_000 - 172_800)),
            ("12345", Some(12_345)),
            ("1970-01-01T00:01:00Z", Some(60)),
            ("", None),
            ("-h", None),
            ("-6x", None),
            ("-99999999999999999999h", None),
            ("-9223372036854775807d", None),
            ("yesterday", None),
        ] {
            assert_eq!(read(text, 1_000_000), read_as, "{text}");
        }
    }
}
