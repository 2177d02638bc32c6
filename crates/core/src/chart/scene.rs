//! A chart and the answers to its questions as a scene.

use std::collections::BTreeSet;

use crate::picture::words::length;
use crate::picture::{Gaps, Hue, Kind, Point, Scene, Series, Strength, Threshold, Totals};

use super::axes::{Axes, axes};
use super::beside::{Beside, Drawn, alerts};
use super::choice::Choice;
use super::definition::Definition;
use super::gather::{Answer, Line};
use super::looks::{hues, names};
use super::question::{Group, MOST_LINES, Of, Question};
use super::sample::Statistic;
use super::transform::Transform;
use super::view::View;

/// Bands of more series would hide each other.
const BANDS: usize = 8;

/// What the chart shows, of one answer a question or why there is none. What cannot be shown as it is defined is remarked.
#[must_use]
pub fn scene(
    chart: &Definition,
    view: &View,
    questions: &[Question],
    answers: &[Result<Answer, String>],
    beside: &Beside,
) -> Scene {
    let mut remarks = Vec::new();
    let kind = kind(chart, &mut remarks);
    let nothing = Answer::default();
    let pairs: Vec<(&Question, &Answer)> = questions
        .iter()
        .zip(answers)
        .map(|(question, answer)| (question, answer.as_ref().unwrap_or(&nothing)))
        .collect();
    for (question, answer) in questions.iter().zip(answers) {
        about(question, answer, &mut remarks);
    }
    let Axes { axes, places } =
        axes(chart, &pairs.iter().map(|(question, _)| *question).collect::<Vec<_>>(), &mut remarks);
    let asked: Vec<_> = pairs
        .iter()
        .map(|(one, answer)| (*one, answer.lines.iter().map(|line| &line.labels).collect()))
        .collect();
    let names = names(&asked);
    let hues = hues(&asked, &names);
    let transforms: Vec<Transform> =
        pairs.iter().map(|(question, answer)| transform(question, answer, None, &mut remarks)).collect();
    let count: usize = pairs.iter().map(|(_, answer)| answer.lines.len()).sum();
    let mut series = Vec::new();
    for (i, (question, answer)) in pairs.iter().enumerate() {
        let whole = transform(question, answer, Some(view), &mut Vec::new());
        for ((line, name), hue) in answer.lines.iter().zip(&names[i]).zip(&hues[i]) {
            let mut one = of_line(line, question, kind, transforms[i]);
            one.band &= kind == Kind::Line && count <= BANDS;
            if kind == Kind::Number && !chart.last_value {
                number(&mut one, line, whole);
            }
            let hidden = view.hidden.contains(name);
            series.push(Series { name: name.clone(), hue: *hue, axis: places[i], hidden, ..one });
        }
    }
    let all = series.len() + pairs.iter().map(|(_, answer)| answer.left_out).sum::<usize>();
    greatest(&mut series, all, &mut remarks);
    let shown: Vec<_> = transforms.iter().map(|transform| |value: f64| transform.apply(value)).collect();
    let drawn: Vec<Drawn<'_>> = pairs
        .iter()
        .zip(&places)
        .zip(&shown)
        .map(|(((question, answer), axis), shown)| Drawn { question, answer, axis: *axis, shown })
        .collect();
    let (limits, spans) = alerts(beside, &drawn, &mut remarks);
    let banded = series.iter().any(|one| one.band);
    once(&mut remarks);
    Scene {
        title: if chart.name.is_empty() { "a chart without a name".to_owned() } else { chart.name.clone() },
        note: note(chart, kind, view, &pairs, axes.len(), banded),
        width: view.width,
        height: view.height,
        whole: view.whole,
        window: view.window,
        zone: view.zone.clone(),
        kind,
        axes,
        series,
        thresholds: if kind == Kind::Number { thresholds(chart) } else { Vec::new() },
        limits,
        events: beside.events.clone(),
        spans,
        remarks,
    }
}

fn kind(chart: &Definition, remarks: &mut Vec<String>) -> Kind {
    match chart.kind.as_str() {
        "" | "line" => Kind::Line,
        "stacked" => Kind::Stacked,
        "bignumber" => Kind::Number,
        other => {
            remarks.push(format!("charts of the type {other} are drawn as lines"));
            Kind::Line
        }
    }
}

/// What of a question cannot be shown.
fn about(question: &Question, answer: &Result<Answer, String>, remarks: &mut Vec<String>) {
    let title = &question.title;
    let of = |remark: &String| {
        if remark.contains(title.as_str()) { remark.clone() } else { format!("{title}: {remark}") }
    };
    remarks.extend(question.remarks.iter().map(of));
    match answer {
        Err(why) => remarks.push(format!("{title}: {why}")),
        Ok(answer) if answer.lines.is_empty() && question.remarks.is_empty() => {
            let which = question.choice.words();
            let which = if which.is_empty() { String::new() } else { format!(" of {which}") };
            remarks.push(format!("{title} has no points{which} in this time"));
        }
        Ok(answer) if question.statistic == Statistic::Deviation => {
            let unknown = answer.lines.iter().filter(|line| line.points.is_empty()).count();
            if unknown > 0 {
                remarks.push(format!("{title}: the standard deviation is not known, since nobody sent it"));
            }
        }
        Ok(_) => {}
    }
}

/// The formula of a stream; of the number of a window where there is a view of it.
fn transform(
    question: &Question,
    answer: &Answer,
    whole: Option<&View>,
    remarks: &mut Vec<String>,
) -> Transform {
    let formula = question.looks.transform.as_str();
    if formula.is_empty() {
        return Transform::NONE;
    }
    let p = match (question.statistic, whole) {
        (Statistic::Rise, _) => rise_period(question, answer).unwrap_or(1),
        (Statistic::Sum | Statistic::Count, Some(view)) => view.seconds(),
        _ => question.resolution,
    };
    Transform::read(formula, p as f64).unwrap_or_else(|why| {
        remarks
            .push(format!("{}: the formula {formula} {why}, values are shown as they are", question.title));
        Transform::NONE
    })
}

/// What the rises of a counter are worked out for.
fn rise_period(question: &Question, answer: &Answer) -> Option<i64> {
    question.period.or_else(|| answer.lines.iter().filter_map(|line| line.period).min())
}

fn of_line(line: &Line, question: &Question, kind: Kind, by: Transform) -> Series {
    let turned = |point: &Point| {
        let (low, high) = by.range(point.low, point.high);
        Point { time: point.time, value: by.apply(point.value), low, high }
    };
    let totals = line.totals.map(|totals| {
        let (min, max) = by.range(totals.min, totals.max);
        Totals { last: by.apply(totals.last), min, mean: by.apply(totals.mean), max }
    });
    let is_longer = line.period.is_some_and(|period| question.resolution > period);
    let wide = line.points.iter().any(|point| point.low < point.high);
    let (gaps, period) = gaps(line, question, kind);
    Series {
        name: String::new(),
        hue: Hue::Palette(0),
        axis: 0,
        points: line.points.iter().map(turned).collect(),
        period,
        gaps,
        band: line.is_spread && is_longer && wide,
        totals,
        hidden: false,
    }
}

/// What stands where points are missing, and how far apart they are where none is.
fn gaps(line: &Line, question: &Question, kind: Kind) -> (Gaps, Option<i64>) {
    let usual = line.period.map(|period| period.max(question.resolution));
    match question.looks.gap_detection {
        Some(true) => (Gaps::Break, usual),
        // Without a period no one knows what is missing.
        None => (Gaps::Break, usual.filter(|_| line.is_period_known)),
        Some(false) if kind == Kind::Stacked && question.statistic == Statistic::Sum => (Gaps::Zero, usual),
        Some(false) => (Gaps::Bridge, usual),
    }
}

/// The number of a series is the statistic of the whole window.
fn number(series: &mut Series, line: &Line, by: Transform) {
    if let (Some(totals), Some(whole)) = (&mut series.totals, line.whole) {
        totals.last = by.apply(whole);
    }
}

/// As many series as a picture holds.
fn greatest(series: &mut Vec<Series>, all: usize, remarks: &mut Vec<String>) {
    if series.len() > MOST_LINES {
        let greatest = |one: &Series| one.totals.map_or(f64::NEG_INFINITY, |totals| totals.max);
        let mut values: Vec<f64> = series.iter().map(greatest).collect();
        values.sort_by(|a, b| b.total_cmp(a));
        let least = values[MOST_LINES - 1];
        series.retain(|one| greatest(one).total_cmp(&least).is_ge());
        series.truncate(MOST_LINES);
    }
    if all > series.len() {
        remarks.push(format!("the {} greatest of {all} series", series.len()));
    }
}

/// Each remark once, in the order they were made.
fn once(remarks: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    remarks.retain(|remark| seen.insert(remark.clone()));
}

fn thresholds(chart: &Definition) -> Vec<Threshold> {
    let strength = |word: &str| if word == "yellow" { Strength::Yellow } else { Strength::Red };
    let made = |(operator, value, word): &(char, f64, String)| Threshold {
        operator: *operator,
        value: *value,
        strength: strength(word),
    };
    let mut all: Vec<Threshold> = chart.thresholds.iter().map(made).collect();
    all.sort_by_key(|threshold| threshold.strength == Strength::Yellow);
    all
}

/// Below the title: the statistic, how lines are told apart, the resolution, what else has to be known to read it.
fn note(
    chart: &Definition,
    kind: Kind,
    view: &View,
    pairs: &[(&Question, &Answer)],
    axes: usize,
    banded: bool,
) -> String {
    let mut parts = Vec::new();
    let values: Vec<&Question> = pairs
        .iter()
        .map(|(question, _)| *question)
        .filter(|question| matches!(question.of, Of::Metric(_)))
        .collect();
    let statistics: BTreeSet<&str> = values.iter().map(|question| question.statistic.words()).collect();
    let statistic = statistics.first().filter(|_| statistics.len() == 1).copied().unwrap_or_default();
    match kind {
        Kind::Number if chart.last_value => parts.push("last value".to_owned()),
        Kind::Number if !statistic.is_empty() => {
            parts.push(format!("{statistic} of {}", length(view.seconds())));
        }
        Kind::Number => parts.push(length(view.seconds())),
        _ if !statistic.is_empty() => parts.push(format!("{statistic}{}", apart(&values))),
        _ => {}
    }
    let periods: BTreeSet<i64> = pairs
        .iter()
        .filter(|(question, _)| question.statistic == Statistic::Rise)
        .filter_map(|(question, answer)| rise_period(question, answer))
        .collect();
    parts.extend(periods.iter().map(|period| format!("per {period} s")));
    if kind == Kind::Stacked {
        parts.push("stacked".to_owned());
    }
    if kind != Kind::Number {
        let drawn = pairs.iter().filter(|(_, answer)| !answer.lines.is_empty());
        let lengths: BTreeSet<i64> = drawn.map(|(question, _)| question.resolution).collect();
        let lengths: Vec<String> = lengths.into_iter().map(length).collect();
        if !lengths.is_empty() {
            parts.push(lengths.join(" and "));
        }
        if axes > 1 {
            parts.push(format!("{} axes", if axes == 2 { "two" } else { "three" }));
        }
        if chart.log && kind == Kind::Line {
            parts.push("log axis".to_owned());
        }
    }
    if banded {
        let made = pairs.iter().any(|(question, _)| matches!(question.of, Of::Composite(_)));
        parts.push(
            if made {
                "band: least to greatest point of the composite"
            } else {
                "band: least to greatest sample"
            }
            .to_owned(),
        );
    }
    parts.join(" · ")
}

/// By what the lines of all streams are told apart.
fn apart(values: &[&Question]) -> String {
    let by = |question: &&Question| match (question.group, question.keys.is_empty()) {
        (Group::Each, _) if matches!(question.choice, Choice::Tags(_)) => " by tags".to_owned(),
        (Group::Each, _) => " by source".to_owned(),
        (_, true) => String::new(),
        (_, false) => format!(" by {}", question.keys.join(", ")),
    };
    let mut all: BTreeSet<String> = values.iter().map(by).collect();
    if all.len() == 1 { all.pop_first().unwrap_or_default() } else { String::new() }
}
