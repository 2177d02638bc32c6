//! The numbers of a picture: as JSON, for whatever reads them out of the page, and as a table. Points of all series are set beside each
//! other by their times. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::csv::{self, Csv};
use crate::picture::color::Ink;
use crate::picture::{Kind, Point, Reach, Scene, Series, SpanKind, Theme, draw};

/// The points by their times, a place for each series.
pub fn rows(series: &[&Series]) -> BTreeMap<i64, Vec<Option<Point>>> {
    let mut rows: BTreeMap<i64, Vec<Option<Point>>> = BTreeMap::new();
    for (place, one) in series.iter().enumerate() {
        for point in &one.points {
            rows.entry(point.time).or_insert_with(|| vec![None; series.len()])[place] = Some(*point);
        }
    }
    rows
}

/// The series that are drawn.
pub fn shown(scene: &Scene) -> Vec<&Series> {
    scene.series.iter().filter(|one| !one.hidden).collect()
}

/// What the picture shows, and where on it.
pub fn json(scene: &Scene) -> Value {
    let picture = draw(scene);
    let shown = shown(scene);
    let rows = rows(&shown);
    let times: Vec<i64> = rows.keys().copied().collect();
    let unit = |axis: usize| scene.axes.get(axis).map(|axis| axis.unit.as_str()).unwrap_or_default();
    let axis = |(place, reach): (usize, &Reach)| json!({"low": reach.low, "high": reach.high, "log": reach.log, "unit": unit(place)});
    let column = |place: usize, of: fn(&Point) -> f64| -> Vec<Option<f64>> {
        rows.values().map(|row| row[place].as_ref().map(of).filter(|value| value.is_finite())).collect()
    };
    let series = |(place, one): (usize, &&Series)| {
        let ink = Ink::Series(one.hue);
        let mut made = json!({
            "name": one.name,
            "axis": one.axis.min(picture.axes.len().saturating_sub(1)),
            "unit": unit(one.axis),
            "color": [Theme::Light.ink(ink).hex(), Theme::Dark.ink(ink).hex()],
            "step": step(one),
            "values": column(place, |point| point.value),
        });
        if one.band {
            made["min"] = json!(column(place, |point| point.low));
            made["max"] = json!(column(place, |point| point.high));
        }
        made
    };
    let plot = picture.plot;
    json!({
        "format_version": 1,
        "title": scene.title,
        "kind": kind(scene.kind),
        "window": {"start": scene.window.start, "end": scene.window.end},
        "picture": {"width": picture.width, "height": picture.height},
        "plot": {"left": plot.left, "top": plot.top, "right": plot.right, "bottom": plot.bottom},
        "axes": picture.axes.iter().enumerate().map(axis).collect::<Vec<_>>(),
        "times": times,
        "series": shown.iter().enumerate().map(series).collect::<Vec<_>>(),
        "events": scene.events.iter().map(|event| json!({"time": event.time, "end": event.end, "title": event.title})).collect::<Vec<_>>(),
        "spans": scene.spans.iter().map(|span| json!({"start": span.from, "end": span.until, "kind": span_kind(span.kind), "alert": span.name})).collect::<Vec<_>>(),
        "limits": scene.limits.iter().map(|limit| json!({"value": limit.value, "axis": limit.axis, "words": limit.words})).collect::<Vec<_>>(),
        "remarks": scene.remarks,
    })
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Line => "line",
        Kind::Stacked => "stacked",
        Kind::Number => "bignumber",
    }
}

fn span_kind(kind: SpanKind) -> &'static str {
    match kind {
        SpanKind::Firing => "firing",
        SpanKind::Violating => "violating",
        SpanKind::Former => "fired before",
    }
}

/// Seconds for which a point of the series stands.
fn step(series: &Series) -> Option<i64> {
    let apart = series.points.windows(2).map(|pair| pair[1].time - pair[0].time).min();
    series.period.into_iter().chain(apart).max()
}

/// All points, a column for each series.
pub fn csv(scene: &Scene) -> Csv {
    let shown = shown(scene);
    let mut table = Csv::default();
    let names = shown.iter().map(|series| csv::text(&series.name));
    table.row(&std::iter::once("time".to_owned()).chain(names).collect::<Vec<_>>());
    for (time, values) in rows(&shown) {
        let values =
            values.iter().map(|point| point.map_or_else(String::new, |point| point.value.to_string()));
        table.row(&std::iter::once(time.to_string()).chain(values).collect::<Vec<_>>());
    }
    table
}
