//! What lies beside the series of a chart: events, and what alerts say of what it shows.

use crate::composite::Labels;
use crate::pattern;
use crate::picture::{Event, Limit, Span, SpanKind};

use super::choice::Choice;
use super::definition::{Stream, Tag};
use super::gather::Answer;
use super::question::{Group, Of, Question};
use super::sample::Statistic;

/// Limits that are drawn.
const MOST: usize = 3;

/// The stream of events that alerts write.
const OF_ALERTS: &str = "librato.alerts";

/// What happened, and what alerts there are.
#[derive(Debug, Clone, Default)]
pub struct Beside {
    /// In any order.
    pub events: Vec<Event>,
    /// Those that are active.
    pub alerts: Vec<Alert>,
}

#[derive(Debug, Clone, Default)]
pub struct Alert {
    pub name: String,
    /// It fires now.
    pub is_firing: bool,
    /// All of them.
    pub conditions: Vec<Condition>,
    /// When it fired: from, until.
    pub fired: Vec<(i64, i64)>,
    /// When its conditions were violated before it fired: from, until.
    pub violated: Vec<(i64, i64)>,
}

/// A condition of an alert.
#[derive(Debug, Clone, Default)]
pub struct Condition {
    /// What it watches.
    pub metric: String,
    /// Which sources; empty for every one.
    pub source: String,
    /// Instead of sources.
    pub tags: Vec<Tag>,
    /// The API's word; empty for the default.
    pub statistic: String,
    /// Where it lies; an alert that something is absent has none.
    pub threshold: Option<f64>,
    /// In words: `above 800 for 5m`.
    pub words: String,
}

/// Whether the events of a stream are shown on charts of these metrics unless someone asks otherwise: the first part of its name is
/// that of a metric.
#[must_use]
pub fn is_shown_by_default<'a>(stream: &str, mut metrics: impl Iterator<Item = &'a str>) -> bool {
    let first = |name: &str| pattern::fold(name.split('.').next().unwrap_or(name));
    is_of_alerts(stream) || metrics.any(|metric| first(metric) == first(stream))
}

/// Whether it is the stream that alerts write.
#[must_use]
pub fn is_of_alerts(stream: &str) -> bool {
    pattern::same(stream, OF_ALERTS)
}

/// A question with its answer, the axis it has and what its formula makes of a value.
pub struct Drawn<'a> {
    pub question: &'a Question,
    pub answer: &'a Answer,
    pub axis: usize,
    pub shown: &'a dyn Fn(f64) -> f64,
}

/// Limits and times of alerts whose conditions the chart shows, those that fire first.
pub fn alerts(beside: &Beside, drawn: &[Drawn<'_>], remarks: &mut Vec<String>) -> (Vec<Limit>, Vec<Span>) {
    let mut all: Vec<&Alert> = beside.alerts.iter().collect();
    all.sort_by_key(|alert| !alert.is_firing);
    let (mut limits, mut spans): (Vec<Limit>, Vec<Span>) = (Vec::new(), Vec::new());
    for alert in all {
        let mut is_about = false;
        let mut is_exact = false;
        for condition in &alert.conditions {
            let Some(of) = drawn.iter().find(|one| shows(one, condition)) else { continue };
            is_about = true;
            // A longer bucket would tint what was not violated.
            is_exact |= of.question.period == Some(of.question.resolution);
            if let Some(threshold) = condition.threshold {
                let (value, axis) = ((of.shown)(threshold), of.axis);
                let limit = Limit { value, axis, words: condition.words.clone(), former: false };
                if !limits.contains(&limit) {
                    limits.push(limit);
                }
            }
        }
        let span = |kind| {
            move |(from, until): &(i64, i64)| Span {
                from: *from,
                until: *until,
                kind,
                name: alert.name.clone(),
            }
        };
        if is_about {
            spans.extend(alert.fired.iter().map(span(SpanKind::Firing)));
        }
        if is_exact {
            spans.extend(alert.violated.iter().map(span(SpanKind::Violating)));
        }
    }
    if limits.len() > MOST {
        let more = limits.len() - MOST;
        remarks.push(format!("{more} more {} of alerts", if more == 1 { "limit" } else { "limits" }));
        limits.truncate(MOST);
    }
    (limits, spans)
}

/// Whether a chart shows what a condition watches: the metric, the statistic, and the series.
fn shows(drawn: &Drawn<'_>, condition: &Condition) -> bool {
    let question = drawn.question;
    if question.metric.is_empty() || !pattern::same(&question.metric, &condition.metric) {
        return false;
    }
    let is_counter = question.statistic == Statistic::Rise;
    let statistic = match condition.statistic.as_str() {
        "" if is_counter => Statistic::Rise,
        "" => Statistic::Average,
        word => match Statistic::named(word, is_counter) {
            Some(statistic) => statistic,
            None => return false,
        },
    };
    // An alert that something is absent is about every statistic of it, and one on a composite about its points.
    let is_composite = matches!(question.of, Of::Composite(_));
    if statistic != question.statistic && condition.threshold.is_some() && !is_composite {
        return false;
    }
    let watched =
        Stream { source: condition.source.clone(), tags: condition.tags.clone(), ..Stream::default() };
    let watched = Choice::of(&watched, None, &[]);
    let apart = question.group == Group::Each;
    let takes = |labels: &Labels| watched.takes(labels);
    if apart {
        drawn.answer.lines.iter().any(|line| takes(&line.labels))
    } else {
        pattern::same(&watched.words(), &question.choice.words())
    }
}
