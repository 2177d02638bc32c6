//! An answer as a table: times down, series across; or one below the other, where they do not fit beside each other.

use std::collections::BTreeMap;

use librato_apply::diag::number;

use super::answer::Answer;
use super::time::Clock;
use librato_apply::picture::words::length;

/// What fits into a log.
const WIDTH: usize = 100;

/// Series shown; beyond that a table is no help.
const MOST: usize = 30;

/// The head that tables and charts share: what was asked, over which time.
pub fn head(answer: &Answer, clock: &Clock) -> String {
    let span = [answer.span.start, answer.span.end];
    let [start, end] = span.map(|time| clock.show(time, "%Y-%m-%d %H:%M:%S"));
    let step = i64::try_from(answer.resolution).unwrap_or(i64::MAX);
    format!("{}\n{start} to {end} {}, resolution {}\n", answer.title, clock.name(), length(step))
}

/// What stands below an answer that shows `shown` of its series.
pub fn left_out(answer: &Answer, shown: usize) -> String {
    match answer.lines.len().saturating_sub(shown) {
        0 => String::new(),
        more => format!(
            "\n… and {more} more series: --format csv or json has them all; top(…, {{count: 10}}) keeps the largest\n"
        ),
    }
}

/// The table, with a line for each time.
pub fn table(answer: &Answer, clock: &Clock) -> String {
    let names = answer.names();
    let shown = answer.lines.len().min(MOST);
    let mut out = head(answer, clock);
    out.push('\n');
    let columns: Vec<String> = if names.len() == 1 {
        let units = answer.units().map(|units| format!(" ({units})")).unwrap_or_default();
        vec![format!("{}{units}", names[0])]
    } else {
        legend(answer, &names, shown, &mut out);
        (0..shown).map(letter).collect()
    };
    let times = answer.times();
    let stamps = clock.stamps(&times);
    let values: Vec<BTreeMap<i64, String>> = answer.lines[..shown]
        .iter()
        .map(|line| line.points.iter().map(|point| (point.time, number(point.value))).collect())
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .zip(&values)
        .map(|(name, column)| column.values().map(String::len).max().unwrap_or(1).max(name.chars().count()))
        .collect();
    let time_width = stamps.iter().map(String::len).max().unwrap_or(4);
    let mut begin = 0;
    while begin < shown {
        let mut end = begin;
        let mut width = time_width;
        while end < shown && (end == begin || width + widths[end] + 2 <= WIDTH) {
            width += widths[end] + 2;
            end += 1;
        }
        if begin > 0 {
            out.push('\n');
        }
        let row = |stamp: &str, cell: &dyn Fn(usize) -> String| {
            let cells: String = (begin..end).map(|i| format!("  {:>1$}", cell(i), widths[i])).collect();
            format!("{stamp:<time_width$}{cells}\n")
        };
        out.push_str(&row("time", &|i| columns[i].clone()));
        for (time, stamp) in times.iter().zip(&stamps) {
            out.push_str(&row(stamp, &|i| values[i].get(time).cloned().unwrap_or_else(|| "-".to_owned())));
        }
        begin = end;
    }
    out + &left_out(answer, shown)
}

fn legend(answer: &Answer, names: &[String], shown: usize, out: &mut String) {
    for (i, (name, line)) in names.iter().zip(&answer.lines).enumerate().take(shown) {
        let units = line.units.as_ref().map(|units| format!(" ({units})")).unwrap_or_default();
        out.push_str(&format!("  {:>2}  {name}{units}\n", letter(i)));
    }
    out.push('\n');
}

/// A short name for a series: A to Z, then AA.
pub fn letter(index: usize) -> String {
    let one = |i: usize| char::from(b'A' + u8::try_from(i % 26).unwrap_or(0));
    match index / 26 {
        0 => one(index).to_string(),
        more => format!("{}{}", one(more - 1), one(index)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;
    use librato_apply::composite::eval::Point;

    use super::super::answer::Line;
    use super::super::time::Span;
    use super::*;

    fn line(source: &str, points: &[(i64, f64)]) -> Line {
        Line {
            metric: Some("m".into()),
            labels: [("source".to_owned(), source.to_owned())].into(),
            period: 60,
            units: Some("ms".into()),
            points: points.iter().map(|(time, value)| Point { time: *time, value: *value }).collect(),
            samples: Vec::new(),
        }
    }

    fn shown(lines: Vec<Line>) -> String {
        let answer = Answer {
            title: "m".into(),
            span: Span { start: 0, end: 240 },
            resolution: 60,
            lines,
            explain: None,
        };
        table(&answer, &Clock { zone: TimeZone::UTC })
    }

    #[test]
    fn a_single_series_has_its_name_above_it() {
        let expected = "m\n1970-01-01 00:00:00 to 1970-01-01 00:04:00 UTC, resolution 1m\n\n\
            time              source=a (ms)\n1970-01-01 00:01              1\n1970-01-01 00:02         0.3333\n";
        assert_eq!(shown(vec![line("a", &[(60, 1.0), (120, 0.3333)])]), expected);
    }

    #[test]
    fn several_have_letters_and_gaps_are_dashes() {
        let text = shown(vec![line("a", &[(60, 1.0)]), line("b", &[(60, 2.0), (180, 12.5)])]);
        let body: Vec<&str> = text.lines().skip(3).collect();
        assert_eq!(
            body,
            [
                "   A  source=a (ms)",
                "   B  source=b (ms)",
                "",
                "time              A     B",
                "1970-01-01 00:01  1     2",
                "1970-01-01 00:03  -  12.5"
            ]
        );
    }

    #[test]
    fn many_stand_below_each_other_and_very_many_are_counted() {
        let text = shown((0..40).map(|i| line(&format!("s{i}"), &[(60, 123_456.0)])).collect());
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 20), "{text}");
        assert_eq!(text.matches("time ").count(), 3);
        assert!(text.contains("and 10 more series"));
        assert_eq!([0, 25, 26, 52].map(letter), ["A", "Z", "AA", "BA"]);
    }
}
