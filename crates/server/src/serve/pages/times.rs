//! Times: as pages show them, in the zone of whoever looks, and as people write them into addresses. Pure but for the rules of zones, which
//! are the machine's.

use axum::http::HeaderMap;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use maud::{Markup, html};

use super::cookie;
use super::fields::Params;

/// The second it is, and the zone in which times are shown and meant.
#[derive(Debug, Clone)]
pub struct Clock {
    pub now: i64,
    pub zone: TimeZone,
}

/// The zone that the address asks for (`tz`), else the one that the browser says by a cookie. UTC without either, and where the machine does
/// not know the zone.
pub fn zone(headers: &HeaderMap, params: &Params) -> TimeZone {
    let chosen = Some(params.text("tz")).filter(|chosen| !chosen.is_empty());
    chosen.or_else(|| cookie::all(headers, "tz").next()).and_then(known).unwrap_or(TimeZone::UTC)
}

fn known(name: &str) -> Option<TimeZone> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '_' | '-' | '+');
    (name.len() < 64 && name.chars().all(plain)).then(|| TimeZone::get(name).ok()).flatten()
}

impl Clock {
    fn at(&self, time: i64) -> Option<Zoned> {
        Timestamp::from_second(time).ok().map(|at| at.to_zoned(self.zone.clone()))
    }

    /// What the zone is called.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// A moment, with its date.
    pub fn when(&self, time: i64) -> Markup {
        html! {
            @if let Some(at) = self.at(time) {
                time datetime=(exact(time)) { (at.strftime("%-d %b %Y, %H:%M:%S %Z")) }
            } @else { (time) }
        }
    }

    /// Two moments; the second without its date where both are of one day.
    pub fn range(&self, from: i64, to: i64) -> Markup {
        match (self.at(from), self.at(to)) {
            (Some(first), Some(last)) if first.date() == last.date() => html! {
                (first.strftime("%-d %b %Y, %H:%M:%S")) " – " (last.strftime("%H:%M:%S %Z"))
            },
            _ => html! { (self.when(from)) " – " (self.when(to)) },
        }
    }

    /// The time of day, with the date where it is another day than now.
    pub fn moment(&self, time: i64) -> String {
        let Some(at) = self.at(time) else { return time.to_string() };
        let is_today = self.at(self.now).is_some_and(|now| now.date() == at.date());
        at.strftime(if is_today { "%H:%M:%S" } else { "%-d %b, %H:%M:%S" }).to_string()
    }

    /// The same with the name of the zone.
    pub fn moment_in_zone(&self, time: i64) -> String {
        let zone = self.at(time).map_or_else(String::new, |at| at.strftime(" %Z").to_string());
        self.moment(time) + &zone
    }

    /// How long ago, with the moment where someone points at it.
    pub fn ago(&self, time: i64) -> Markup {
        let at = self.at(time);
        html! {
            time datetime=[at.is_some().then(|| exact(time))] title=[at.map(|at| at.strftime("%-d %b %Y, %H:%M:%S %Z").to_string())] {
                @if time > self.now { "in " (span(time - self.now)) } @else { (span(self.now - time)) " ago" }
            }
        }
    }

    /// When the day of a moment began.
    pub fn midnight(&self, time: i64) -> i64 {
        let began = self.at(time).and_then(|at| at.start_of_day().ok());
        began.map_or(time - time.rem_euclid(86_400), |began| began.timestamp().as_second())
    }

    /// `now`, `-6h`, `now-6h`, epoch seconds, RFC 3339, or a date with a time of the zone.
    pub fn read(&self, text: &str) -> Option<i64> {
        if text == "now" {
            return Some(self.now);
        }
        if let Some(back) = text.strip_prefix("now").unwrap_or(text).strip_prefix('-') {
            let unit = back.find(|c: char| !c.is_ascii_digit())?;
            let size = crate::diag::seconds_in(&back[unit..])?;
            let back = back[..unit].parse::<i64>().ok()?.checked_mul(i64::try_from(size).ok()?)?;
            return self.now.checked_sub(back);
        }
        if let Ok(seconds) = text.parse() {
            return Some(seconds);
        }
        let exact = text.parse::<Timestamp>().ok();
        let here = || self.zone.to_ambiguous_zoned(text.parse::<DateTime>().ok()?).compatible().ok();
        exact.or_else(|| here().map(|here| here.timestamp())).map(Timestamp::as_second)
    }
}

fn exact(time: i64) -> String {
    Timestamp::from_second(time)
        .map_or_else(|_| time.to_string(), |at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
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

#[cfg(test)]
pub mod tests {
    use jiff::tz::Offset;

    use super::*;

    /// In UTC.
    pub fn clock(now: i64) -> Clock {
        Clock { now, zone: TimeZone::UTC }
    }

    /// Somewhere two hours ahead.
    fn ahead(now: i64) -> Clock {
        Clock { now, zone: TimeZone::fixed(Offset::constant(2)) }
    }

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
        assert_eq!(clock(86_399).moment(60), "00:01:00");
        assert_eq!(clock(86_400).moment(60), "1 Jan, 00:01:00");
        // At 23:30 in UTC it is the next day there.
        assert_eq!(ahead(86_400).moment(84_600), "01:30:00");
        assert_eq!(ahead(86_400).moment_in_zone(0), "1 Jan, 02:00:00 +02");
    }

    #[test]
    fn moments_are_those_of_the_zone_and_days_begin_there() {
        assert!(clock(0).when(60).into_string().contains(">1 Jan 1970, 00:01:00 UTC<"));
        let there = ahead(100_000).when(60).into_string();
        assert!(
            there.contains("datetime=\"1970-01-01T00:01:00Z\"") && there.contains("02:01:00 +02"),
            "{there}"
        );
        assert_eq!(clock(0).range(0, 60).into_string(), "1 Jan 1970, 00:00:00 – 00:01:00 UTC");
        assert_eq!((clock(0).midnight(100_000), ahead(0).midnight(100_000)), (86_400, 79_200));
        assert_eq!(clock(5).when(i64::MAX).into_string(), i64::MAX.to_string());
    }

    #[test]
    fn times_are_read_as_people_write_them() {
        for (text, read_as) in [
            ("now", Some(1_000_000)),
            ("-6h", Some(1_000_000 - 21_600)),
            ("now-2d", Some(1_000_000 - 172_800)),
            ("12345", Some(12_345)),
            ("1970-01-01T00:01:00Z", Some(60)),
            ("1970-01-01T00:01", Some(60 - 7_200)),
            ("1970-01-02 02:00:00", Some(86_400)),
            ("1970-01-02", Some(86_400 - 7_200)),
            ("", None),
            ("-h", None),
            ("-6x", None),
            ("-99999999999999999999h", None),
            ("-9223372036854775807d", None),
            ("yesterday", None),
        ] {
            assert_eq!(ahead(1_000_000).read(text), read_as, "{text}");
        }
    }

    #[test]
    fn zones_are_those_of_the_address_or_of_the_browser() {
        let mut headers = HeaderMap::new();
        let of = |headers: &HeaderMap, query: &str| {
            let clock = Clock { now: 0, zone: zone(headers, &Params::read(query)) };
            clock.zone_name().to_owned()
        };
        assert_eq!(of(&headers, ""), "UTC");
        headers.insert("cookie", "tz=../../etc/passwd".parse().unwrap());
        assert_eq!(of(&headers, ""), "UTC");
        headers.insert("cookie", "tz=Europe/Berlin".parse().unwrap());
        // A machine without rules of zones shows UTC.
        if TimeZone::get("Europe/Berlin").is_ok() {
            assert_eq!(of(&headers, ""), "Europe/Berlin");
            assert_eq!(of(&headers, "tz=Asia/Tokyo"), "Asia/Tokyo");
        }
        assert_eq!(of(&headers, "tz=UTC"), "UTC");
        assert_eq!(of(&headers, "tz=Nowhere/Atall"), "UTC");
    }
}
