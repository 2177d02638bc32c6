//! Charts as scenes: what they ask is read from what is stored. All charts of a request are drawn from one state of the data.

mod beside;
pub mod cache;
#[cfg(test)]
mod laws;
mod points;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::catalog::metrics::table as metrics;
use super::http::problem::Problem;
use super::names::fold;
use super::store::Store;
use super::store::changes::Read;
use super::store::tx::Tx;
use crate::chart::{self, Beside, Definition, Metric, Metrics, View, fit, questions};
use crate::composite::{self, Labels};
use crate::picture::Scene;

pub use beside::Newest;

/// Pictures of one request.
pub const MOST: usize = 24;

/// What is to be drawn.
#[derive(Debug, Clone)]
pub struct PictureRequest {
    /// As the API shows them.
    pub charts: Vec<Value>,
    /// How they are looked at; how finely the store keeps that time is filled in.
    pub view: View,
    /// Which streams of events are shown; nothing for those that belong to the metrics.
    pub events: Option<Vec<String>>,
    /// Whether whoever asks may know of alerts.
    pub with_alerts: bool,
    /// Only this one of them.
    pub only_alert: Option<i64>,
    /// Only series with these labels, where not all of them are to be shown at once.
    pub only_series: Option<BTreeSet<Labels>>,
}

/// What was drawn.
#[derive(Debug, Clone, Default)]
pub struct Drawing {
    /// The scenes of the charts, in their order.
    pub scenes: Vec<Scene>,
    /// The newest event of the streams that are shown, whenever that was.
    pub newest_event: Option<Newest>,
}

/// Draws the charts, as many as a request may have.
///
/// # Errors
/// When what is stored cannot be read, or takes too long. What is wrong with a chart is a remark on its scene.
pub async fn draw(store: &Store, request: PictureRequest) -> Result<Drawing, Problem> {
    Ok(store.query(move |tx: &Tx| drawing(tx, &request)).await?.0)
}

/// What was drawn, and what it was read from.
fn drawing(tx: &Tx<'_>, request: &PictureRequest) -> Result<(Drawing, Read), Problem> {
    let mut read = Read::default();
    let charts = request.charts.iter().take(MOST);
    let scenes =
        charts.clone().map(|chart| scene(tx, chart, request, &mut read)).collect::<Result<_, _>>()?;
    let charts: Vec<Definition> = charts.map(Definition::read).collect();
    let newest_event = beside::newest_event(tx, &charts, request.events.as_deref(), request.view.now)?;
    Ok((Drawing { scenes, newest_event }, read))
}

impl Drawing {
    /// Bytes that it takes, about.
    fn bytes(&self) -> usize {
        let series = self.scenes.iter().flat_map(|scene| &scene.series);
        let points = series.map(|one| 200 + one.name.len() + size_of_val(one.points.as_slice()));
        points.sum::<usize>() + 2_000 * self.scenes.len()
    }
}

fn scene(tx: &Tx<'_>, chart: &Value, request: &PictureRequest, read: &mut Read) -> Result<Scene, Problem> {
    let definition = Definition::read(chart);
    let names = definition.metrics();
    let mut known = Vec::new();
    let mut learn = |names: &[String]| {
        let keys = names.iter().map(|name| fold(name)).collect();
        metrics::each_of(tx, &keys, |metric| {
            known.push((metric.id, metric.name.clone(), Metric::read(&json!(metric))));
        })?;
        let composites = known.iter().filter_map(|(.., metric)| composite::parse(&metric.composite).ok());
        let read: BTreeSet<String> = composites.flat_map(|tree| tree.metrics()).collect();
        Ok::<_, Problem>(read.into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>())
    };
    // What composites of the charts are made of says how finely these are worked out.
    let made_of = learn(&names)?;
    let deeper = learn(&made_of)?;
    read.metrics.extend(known.iter().map(|(id, ..)| *id));
    let composites = definition.streams.iter().map(|stream| &stream.composite);
    let composites = composites.chain(known.iter().map(|(.., metric)| &metric.composite));
    let has_pattern = |text: &String| {
        composite::parse(text).is_ok_and(|tree| tree.reads().iter().any(composite::Read::is_pattern))
    };
    // Of these nobody knows by name which metrics are read.
    read.any |= !deeper.is_empty() || composites.into_iter().any(has_pattern);
    let ids = |name: &str| {
        let same = known.iter().find(|(_, known, _)| fold(known) == fold(name));
        same.map(|(id, ..)| *id)
    };
    let all: Metrics = known.iter().map(|(_, name, metric)| (name.clone(), metric.clone())).collect();
    let window = request.view.window.sound();
    let kept = tx.aging().promised(window.start, request.view.now).resolution;
    let view = View { window, kept, ..request.view.clone() };
    let mut asked = questions(&definition, &all, &view);
    let mut series = Vec::new();
    for question in &asked {
        let mut found = points::series(tx, question, &ids)?;
        if let Some(only) = &request.only_series {
            found.retain(|(_, labels)| only.contains(labels));
        }
        series.push(found);
    }
    let lines: Vec<usize> = asked
        .iter()
        .zip(&series)
        .map(|(question, series)| question.lines(series.iter().map(|(_, labels)| labels)))
        .collect();
    fit(&mut asked, &lines, &view);
    let mut answers = Vec::new();
    for (question, series) in asked.iter().zip(&series) {
        let mut answer = points::answer(tx, question, series, view.now)?;
        if let (Some(only), Ok(answer)) = (&request.only_series, &mut answer) {
            answer.lines.retain(|line| only.contains(&line.labels));
        }
        answers.push(answer);
    }
    let alerts = if request.with_alerts {
        beside::alerts(tx, &definition, request.only_alert, &view)?
    } else {
        Vec::new()
    };
    let events = beside::events(tx, &definition, request.events.as_deref(), &view)?;
    let beside = Beside { events, alerts };
    Ok(chart::scene(&definition, &view, &asked, &answers, &beside))
}
