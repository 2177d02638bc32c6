//! Pictures of what alerts of a plan watch: the measurements, the threshold as it was and as it will be, and when the alert fired and would
//! have. Pure.

use librato_apply::chart::{self, Beside, Definition, Gathering, Looks, Metric, Metrics, View, questions};
use librato_apply::composite::{Labels, SOURCE};
use librato_apply::model::{MetricType, Resource};
use librato_apply::offline::{History, Incident, Span, Subject, worked_out};
use librato_apply::picture::number::full;
use librato_apply::picture::words::range;
use librato_apply::picture::{self, Limit, Scene, SpanKind, Theme, Window, draw, svg};
use librato_apply::plan::{Sketch, length};
use librato_apply::watch::{Condition, Function, Series, Streams, Test};
use serde_json::{Value, json};

use super::streams::history as measured;

/// Of one alert.
const MOST: usize = 3;
const WIDTH: u32 = 960;
const HEIGHT: u32 = 180;

/// One side of an alert, with what came of it.
#[derive(Default)]
pub struct Side<'a> {
    pub subject: Option<&'a Subject>,
    pub incidents: Vec<Incident>,
}

/// A picture for each condition: of a metric what was measured, of a composite what that comes to.
pub fn sketches(
    name: &str,
    before: &Side<'_>,
    after: &Side<'_>,
    histories: &[History],
    span: Span,
    of_metric: &dyn Fn(&str) -> Option<Resource>,
) -> Vec<Sketch> {
    let Some(newest) = after.subject.or(before.subject) else { return Vec::new() };
    let conditions = newest.alert.conditions.iter().enumerate();
    let drawn = conditions.filter_map(|(place, condition)| {
        let history = measured(histories, &condition.metric).cloned();
        let history = history.or_else(|| worked_out(newest, place, histories, span));
        let history = history.filter(|history| !history.series.is_empty())?;
        let resource = of_metric(&condition.metric);
        let mut scene = scene(name, condition, &history, resource.as_ref(), span);
        let of = |side: &Side<'_>| {
            let conditions = side.subject.map(|subject| subject.alert.conditions.as_slice())?;
            conditions.get(place).filter(|one| one.metric.eq_ignore_ascii_case(&condition.metric)).cloned()
        };
        limits(&mut scene, of(before).as_ref(), of(after).as_ref());
        for (side, kind) in [(after, SpanKind::Firing), (before, SpanKind::Former)] {
            scene.spans.extend(side.incidents.iter().map(|incident| {
                let part = incident.within(span);
                picture::Span { from: part.start, until: part.end, kind, name: name.to_owned() }
            }));
        }
        let caption = caption(condition, before, after, &scene, span);
        Some(Sketch { caption, svg: svg::paint(&draw(&scene), Theme::Light) })
    });
    drawn.take(MOST).collect()
}

/// What a chart of the same streams and the same statistic shows.
fn scene(
    name: &str,
    condition: &Condition,
    history: &History,
    resource: Option<&Resource>,
    span: Span,
) -> Scene {
    let tags: Vec<Value> = match &condition.streams {
        Streams::Tags(tags) => tags.iter().filter(|tag| tag.grouped).collect(),
        Streams::All | Streams::Source(_) => Vec::new(),
    }
    .into_iter()
    .map(|tag| json!({ "name": tag.name, "grouped": true }))
    .collect();
    let group = if tags.is_empty() { "breakout" } else { "average" };
    let definition = Definition::read(&json!({
        "name": name, "type": "line",
        "streams": [{
            "metric": condition.metric, "group_function": group, "tags": tags,
            "summary_function": summary(&condition.test),
        }],
    }));
    let fields = resource.map(|resource| Value::Object(resource.fields())).unwrap_or_default();
    let unit = fields["attributes"]["display_units_short"].as_str().unwrap_or_default().to_owned();
    let metric = Metric {
        is_counter: history.known.metric_type == Some(MetricType::Counter),
        looks: Looks { units_short: unit, period: history.known.period, ..Looks::default() },
        ..Metric::default()
    };
    let metrics: Metrics = [(condition.metric.clone(), metric)].into_iter().collect();
    let view = View {
        window: Window { start: span.start, end: span.end },
        now: span.end.saturating_add(1),
        kept: history.stretches.iter().map(|one| one.resolution).max().unwrap_or(1),
        width: WIDTH,
        height: HEIGHT,
        whole: false,
        zone: jiff::tz::TimeZone::UTC,
        source: None,
        tags: Vec::new(),
        hidden: Vec::new(),
    };
    let asked = questions(&definition, &metrics, &view);
    let answers: Vec<_> = asked
        .iter()
        .map(|question| {
            let mut gathering = Gathering::new(question);
            let meant = history.series.iter().filter(|(one, _)| condition.streams.stream_of(one).is_some());
            for (series, samples) in meant {
                let samples: Vec<chart::Sample> = samples
                    .iter()
                    .filter(|(time, _)| (question.from..=question.until).contains(time))
                    .map(|(time, one)| chart::Sample {
                        time: *time,
                        count: one.count as u64,
                        sum: one.sum,
                        min: one.min,
                        max: one.max,
                        last: one.last,
                        squares: None,
                    })
                    .collect();
                gathering.add(&labels(series), &samples, None);
            }
            Ok(gathering.finish())
        })
        .collect();
    chart::scene(&definition, &view, &asked, &answers, &Beside::default())
}

fn labels(series: &Series) -> Labels {
    match series {
        Series::Source(None) => Labels::new(),
        Series::Source(Some(source)) => [(SOURCE.to_owned(), source.clone())].into_iter().collect(),
        Series::Tags(tags) => tags.clone(),
    }
}

fn summary(test: &Test) -> &'static str {
    let Test::Threshold { function, .. } = test else { return "" };
    match function {
        Function::Average => "average",
        Function::Sum => "sum",
        Function::Count => "count",
        Function::Min => "min",
        Function::Max => "max",
        Function::AbsoluteValue => "absolute_value",
        Function::Derivative { .. } => "derivative",
    }
}

/// The threshold as it was and as it will be; one where they agree.
fn limits(scene: &mut Scene, before: Option<&Condition>, after: Option<&Condition>) {
    let unit = scene.axes.first().map(|axis| axis.unit.clone()).unwrap_or_default();
    let of = |condition: Option<&Condition>| match condition?.test {
        Test::Threshold { above, threshold, duration, .. } => {
            let word = if above { "above" } else { "below" };
            let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
            let long = duration.map(|long| format!(" for {}", picture::words::length(long)));
            Some((threshold, format!("{word} {}{unit}{}", full(threshold), long.unwrap_or_default())))
        }
        Test::Absent { .. } => None,
    };
    let limit = |(value, words): (f64, String), said: &str, former: bool| Limit {
        value,
        axis: 0,
        words: format!("{said}{words}"),
        former,
    };
    match (of(before), of(after)) {
        (Some(before), Some(after)) if before == after => scene.limits.push(limit(after, "", false)),
        (before, after) => {
            scene.limits.extend(before.map(|one| limit(one, "before: ", true)));
            scene.limits.extend(after.map(|one| limit(one, "after: ", false)));
        }
    }
}

fn caption(condition: &Condition, before: &Side<'_>, after: &Side<'_>, scene: &Scene, span: Span) -> String {
    let times = |side: &Side<'_>| match side.incidents.len() {
        1 => "1 time".to_owned(),
        many => format!("{many} times"),
    };
    let mut parts = vec![condition.metric.clone()];
    if after.subject.is_some() {
        parts.push(format!("red foot: fires as it will be, {}", times(after)));
    }
    if before.subject.is_some() {
        parts.push(format!("grey bar: fired as it was, {}", times(before)));
    }
    parts.push(format!("{}, {}", range(scene), length(span.end - span.start)));
    parts.extend(scene.remarks.iter().cloned());
    parts.join(" · ")
}
