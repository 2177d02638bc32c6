//! What a picture shows, in words: for those who cannot see it, and for charts in characters, which say the same.

use jiff::tz::TimeZone;

use super::font::plain;
use super::gaps::gaps;
use super::number::full_in;
use super::scene::{Scene, Series, SpanKind, Window};
use super::ticks::shown;

/// Sentences name so many things of a kind, and count the rest.
const MOST: usize = 3;

/// A stretch of time in words: `90s`, `20m`, `3h`, `2d`.
#[must_use]
pub fn length(seconds: i64) -> String {
    match seconds {
        s if s >= 86_400 && s % 86_400 == 0 => format!("{}d", s / 86_400),
        s if s >= 3_600 && s % 3_600 == 0 => format!("{}h", s / 3_600),
        s if s >= 60 && s % 60 == 0 => format!("{}m", s / 60),
        s => format!("{s}s"),
    }
}

/// Where points are missing: before the first, between, after the last. Begins with a comma where there is something to say.
pub fn missing(times: &[i64], period: Option<i64>, window: Window, show: impl Fn(i64) -> String) -> String {
    let mut out = String::new();
    let (Some(first), Some(last), Some(period)) = (times.first(), times.last(), period) else { return out };
    if first.saturating_sub(window.start) >= period {
        out.push_str(&format!(", none before {}", show(*first)));
    }
    let gaps = gaps(times.iter().copied(), Some(period));
    if let Some(longest) = gaps.iter().max_by_key(|gap| (gap.long, std::cmp::Reverse(gap.from))) {
        let (long, from) = (length(longest.long), show(longest.from));
        out.push_str(&match gaps.len() {
            1 => format!(", a gap of {long} from {from}"),
            many => format!(", {many} gaps, the longest {long} from {from}"),
        });
    }
    let end = last.saturating_add(period);
    if window.end.saturating_sub(end) >= period {
        out.push_str(&format!(", none from {} on", show(end)));
    }
    out
}

/// The window and its zone: `28 Nov 2026, 13:00 – 19:00 UTC`.
pub fn range(scene: &Scene) -> String {
    let Window { start, end } = scene.window;
    let zone = &scene.zone;
    let minutes = start % 60 == 0 && end % 60 == 0;
    let clock = if minutes { "%H:%M" } else { "%H:%M:%S" };
    let day = |time: i64| shown(time, "%-d %b %Y", zone);
    let until = if day(start) == day(end) {
        shown(end, clock, zone)
    } else {
        format!("{}, {}", day(end), shown(end, clock, zone))
    };
    format!("{}, {} – {until} {}", day(start), shown(start, clock, zone), zone_name(zone))
}

fn zone_name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The whole picture in one sentence.
pub fn summary(scene: &Scene) -> String {
    let Window { start, end } = scene.window;
    let zone = &scene.zone;
    let day = end.saturating_sub(start) >= 86_400;
    let show = |time: i64| shown(time, if day { "%-d %b %H:%M" } else { "%H:%M" }, zone);
    let series: Vec<&Series> = scene.series.iter().filter(|one| !one.hidden).collect();
    let count = match series.len() {
        1 => "1 series".to_owned(),
        many => format!("{many} series"),
    };
    let mut parts = vec![format!("{count}, {} to {}", show(start), show(end))];
    if let Some((one, time, value)) = greatest(&series, scene.window) {
        let unit = scene.axes.get(one.axis).map(|axis| plain(&axis.unit)).unwrap_or_default();
        let by = if series.len() > 1 { format!(" by {}", name(one)) } else { String::new() };
        parts.push(format!("greatest {}{by} at {}", full_in(value, &unit), show(time)));
    }
    let gaps = series.iter().filter_map(|one| {
        let inside = one.points.iter().map(|p| p.time).filter(|time| (start..=end).contains(time));
        let times: Vec<i64> = inside.collect();
        let words = missing(&times, one.period, scene.window, show);
        (!words.is_empty()).then(|| format!("{}{}", name(one), words.replacen(", a gap", " has a gap", 1)))
    });
    add(&mut parts, gaps);
    let fired = scene.spans.iter().filter(|span| span.kind == SpanKind::Firing);
    add(
        &mut parts,
        fired.map(|span| {
            format!("alert {} fired {} to {}", plain(&span.name), show(span.from), show(span.until))
        }),
    );
    add(&mut parts, scene.limits.iter().map(|limit| format!("limit {}", plain(&limit.words))));
    parts.join("; ") + "."
}

fn name(series: &Series) -> String {
    plain(&series.name.chars().take(60).collect::<String>())
}

fn add(parts: &mut Vec<String>, all: impl Iterator<Item = String>) {
    let mut left_out = 0;
    for (place, words) in all.enumerate() {
        if place < MOST {
            parts.push(words);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        parts.push(format!("{left_out} more"));
    }
}

fn greatest<'a>(series: &[&'a Series], window: Window) -> Option<(&'a Series, i64, f64)> {
    let mut best: Option<(&Series, i64, f64)> = None;
    for one in series {
        for point in
            one.points.iter().filter(|p| p.value.is_finite() && (window.start..=window.end).contains(&p.time))
        {
            if best.is_none_or(|(_, _, value)| point.value > value) {
                best = Some((one, point.time, point.value));
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_round_where_they_can_be() {
        assert_eq!([60, 90, 7200, 86_400, 3660].map(length), ["1m", "90s", "2h", "1d", "61m"]);
    }

    #[test]
    fn missing_points_are_named() {
        let show = |time: i64| time.to_string();
        let window = Window { start: 0, end: 1_000 };
        let words = missing(&[120, 180, 300, 360, 600], Some(60), window, show);
        assert_eq!(words, ", none before 120, 2 gaps, the longest 3m from 420, none from 660 on");
        assert_eq!(missing(&[0, 500], None, window, show), "");
        assert_eq!(missing(&[], Some(60), window, show), "");
    }
}
