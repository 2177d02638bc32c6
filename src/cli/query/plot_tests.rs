//! Charts as they are printed.

use jiff::tz::TimeZone;
use librato_apply::composite::eval::Point;

use super::super::time::Span;
use super::*;

fn line(source: &str, points: impl IntoIterator<Item = (i64, f64)>) -> Line {
    Line {
        metric: Some("m".into()),
        labels: [("source".to_owned(), source.to_owned())].into(),
        period: 60,
        units: Some("ms".into()),
        points: points.into_iter().map(|(time, value)| Point { time, value }).collect(),
        samples: Vec::new(),
    }
}

fn shown(end: i64, lines: Vec<Line>) -> String {
    let span = Span { start: 0, end };
    let answer = Answer { title: "m".into(), span, resolution: 60, lines, explain: None };
    plot(&answer, &Clock { zone: TimeZone::UTC })
}

#[test]
fn one_series_with_a_gap() {
    let points =
        (0..60).filter(|i| !(20..30).contains(i)).map(|i| (60 * i, (i as f64 / 6.0).sin() * 40.0 + 50.0));
    insta::assert_snapshot!(shown(3599, vec![line("a", points)]));
}

#[test]
fn several_series_that_meet() {
    let rising = (0..30).map(|i| (60 * i, i as f64));
    let falling = (5..20).map(|i| (60 * i, 29.0 - i as f64));
    insta::assert_snapshot!(shown(1800, vec![line("a", rising), line("b", falling)]));
}

/// Whatever is drawn, it stays within its width and draws every series.
#[test]
fn odd_numbers_are_drawn() {
    for values in [
        vec![0.0],
        vec![7.0, 7.0],
        vec![f64::MAX, f64::MIN],
        vec![1e-300, -1e-300],
        vec![1e15, 1e15 + 1.0],
        vec![f64::MAX],
    ] {
        let text =
            shown(600, vec![line("a", values.iter().enumerate().map(|(i, value)| (60 * i as i64, *value)))]);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH + 12), "{text}");
        assert!(text.contains('*'), "{text}");
    }
    let many: Vec<Line> = (0..20).map(|i| line(&format!("s{i}"), [(0, f64::from(i))])).collect();
    let text = shown(600, many);
    assert!(text.contains("  L  source=s11") && text.contains("and 8 more series"), "{text}");
}
