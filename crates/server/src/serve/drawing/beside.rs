//! What is drawn beside the series of a chart: events, and alerts on what it shows with the times at which they fired.

use std::collections::BTreeSet;

use crate::chart::{Alert, Condition, Definition, Tag, View, is_of_alerts, is_shown_by_default};
use crate::picture::Event;
use crate::picture::number::full;
use crate::picture::words::length;
use crate::serve::annotations::table as annotations;
use crate::serve::catalog::alerting::incidents::table as incidents;
use crate::serve::catalog::alerts::condition::{self, Test};
use crate::serve::catalog::alerts::table;
use crate::serve::http::problem::Problem;
use crate::serve::names::{Choice, fold};
use crate::serve::store::tx::Tx;

/// Events that are drawn.
const EVENTS: usize = 500;

/// An event, and its stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Newest {
    pub stream: String,
    pub time: i64,
    pub title: String,
}

/// Events of these streams, or of those that belong to the metrics of the chart.
pub fn events(
    tx: &Tx<'_>,
    chart: &Definition,
    wanted: Option<&[String]>,
    view: &View,
) -> Result<Vec<Event>, Problem> {
    let mut found = Vec::new();
    for stream in annotations::streams(tx)?.iter().filter(|stream| shows(chart, &stream.name, wanted)) {
        let window = annotations::Window {
            start: Some(view.window.start),
            end: Some(view.window.end),
            count: None,
            sources: Choice::default(),
        };
        let (events, _) = annotations::events(tx, stream.id, &window)?;
        let room = EVENTS - found.len();
        found.extend(events.into_iter().take(room).map(|event| Event {
            time: event.start_time,
            end: event.end_time,
            title: event.title,
        }));
        if found.len() >= EVENTS {
            break;
        }
    }
    found.sort_by_key(|event| event.time);
    Ok(found)
}

/// Whether a chart shows the events of this stream.
fn shows(chart: &Definition, stream: &str, wanted: Option<&[String]>) -> bool {
    let is_chosen = match wanted {
        Some(names) => names.iter().any(|name| fold(name) == fold(stream)),
        None => is_shown_by_default(stream, chart.metrics().iter().map(String::as_str)),
    };
    is_chosen || chart.event_streams().into_iter().any(|own| fold(own) == fold(stream))
}

/// The newest event up to now that the charts could show, but for what alerts write.
pub fn newest_event(
    tx: &Tx<'_>,
    charts: &[Definition],
    wanted: Option<&[String]>,
    now: i64,
) -> Result<Option<Newest>, Problem> {
    let mut newest: Option<Newest> = None;
    for stream in annotations::streams(tx)?.iter().filter(|stream| !is_of_alerts(&stream.name)) {
        if !charts.iter().any(|chart| shows(chart, &stream.name, wanted)) {
            continue;
        }
        let last =
            annotations::Window { start: None, end: Some(now), count: Some(1), sources: Choice::default() };
        let found = annotations::events(tx, stream.id, &last)?.0.pop();
        if let Some(event) =
            found.filter(|event| newest.as_ref().is_none_or(|one| event.start_time > one.time))
        {
            newest = Some(Newest { stream: stream.name.clone(), time: event.start_time, title: event.title });
        }
    }
    Ok(newest)
}

/// Alerts on metrics of the chart, with when they fired.
pub fn alerts(
    tx: &Tx<'_>,
    chart: &Definition,
    only: Option<i64>,
    view: &View,
) -> Result<Vec<Alert>, Problem> {
    let mut ids = BTreeSet::new();
    for metric in chart.streams.iter().map(|stream| &stream.metric).filter(|metric| !metric.is_empty()) {
        ids.extend(table::naming(tx, &fold(metric))?);
    }
    let ids: Vec<i64> = ids.into_iter().filter(|id| only.is_none_or(|only| only == *id)).collect();
    let mut out = Vec::new();
    let all = incidents::during(tx, &ids, (view.window.start, view.window.end))?;
    for alert in table::readable(tx, &ids)?.into_iter().filter(|alert| alert.active) {
        let own: Vec<_> = all.iter().filter(|incident| incident.alert == alert.id).collect();
        let begin = |of: &&incidents::During| of.begin.filter(|begin| *begin < of.opened);
        out.push(Alert {
            is_firing: own.iter().any(|incident| incident.closed.is_none()),
            conditions: alert.conditions.iter().map(condition).collect(),
            fired: own.iter().map(|one| (one.opened, one.closed.unwrap_or(view.now))).collect(),
            violated: own.iter().filter_map(|one| Some((begin(one)?, one.opened))).collect(),
            name: alert.name,
        });
    }
    Ok(out)
}

fn condition(condition: &condition::Condition) -> Condition {
    let (threshold, statistic, words) = match &condition.test {
        Test::Threshold { above, threshold, function, duration, .. } => {
            let verb = if *above { "above" } else { "below" };
            let long = duration.map(|seconds| format!(" for {}", length(seconds))).unwrap_or_default();
            (
                Some(*threshold),
                function.clone().unwrap_or_default(),
                format!("{verb} {}{long}", full(*threshold)),
            )
        }
        Test::Absent { .. } => (None, String::new(), String::new()),
    };
    Condition {
        metric: condition.metric_name.clone(),
        source: condition.source.clone().unwrap_or_default(),
        tags: condition.tags.iter().map(Tag::read).collect(),
        statistic,
        threshold,
        words,
    }
}
