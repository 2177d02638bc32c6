//! `serve` beside VictoriaMetrics, which people would run instead to keep their measurements: the same data and the same questions by
//! turns. What counts is processor time: the client uses the same processors.

use crate::Effort;
use crate::ingest::begun;
use crate::points::{Points, Shape};
use crate::service::peak_of;
use crate::side::{Side, both};
use crate::table::{Figure, Row, Table};

const WHY: &str = "victoria-metrics, the same";

/// A file may be so much larger than the peer's, as a fraction.
const LARGER: (u64, u64) = (5, 4);

pub fn run(effort: Effort, table: &mut Table) {
    speed(effort, table);
    let minutes = |shape| {
        let count = 1440 / effort.divide;
        Points { shape, series: 1000, start: begun(count), step: 60, count }
    };
    for (what, points) in [
        ("walks, by the minute", minutes(Shape::Walk)),
        ("counters, by the minute", minutes(Shape::Counter)),
        ("constants, by the minute", minutes(Shape::Constant)),
        ("walks, by the second", seconds(effort)),
    ] {
        let thousand = |side: Side| {
            side.fill(points);
            side.kept() * 1000 / points.all() as u64
        };
        let bytes: Vec<u64> = both().into_iter().map(thousand).collect();
        let row = Row::new(format!("beside: {} points, {what}", 1000), Figure::Bytes(bytes[0]));
        table.add(match bytes.get(1) {
            Some(peer) => {
                row.goal(Figure::Bytes(peer * LARGER.0 / LARGER.1)).limit(Figure::Bytes(*peer), WHY)
            }
            None => row,
        });
    }
}

/// A day of fewer series: there are as many points as by the minute.
fn seconds(effort: Effort) -> Points {
    let count = 86_400 / effort.divide;
    Points { shape: Shape::Walk, series: 50, start: begun(count / 60), step: 1, count }
}

/// What is taken in, and what is answered, for how much time of the processor and how much memory.
fn speed(effort: Effort, table: &mut Table) {
    let sides = both();
    if sides.len() < 2 {
        eprintln!("    victoria-metrics is not installed: no figures of it");
    }
    let mut add = |what: &str, figures: Vec<Figure>| {
        let row = Row::new(format!("beside: {what}"), figures[0]);
        table.add(match figures.get(1) {
            Some(peer) => row.goal(*peer).limit(*peer, WHY),
            None => row,
        });
    };
    let rates = sides.iter().map(|side| side.ingest(144 / effort.divide.min(4)));
    add("processor for a measurement, 300 a request", rates.collect());
    let count = 1440 / effort.divide;
    let points = Points { shape: Shape::Walk, series: 1000, start: begun(count), step: 60, count };
    sides.iter().for_each(|side| side.fill(points));
    for (what, step) in [("minutes", 60), ("hours", 3600)] {
        let asked: Vec<(Figure, Figure)> = sides.iter().map(|side| side.ask(points, step)).collect();
        let what = format!("mean of {} series, {count} minutes by {what}", points.series);
        add(&format!("{what}, processor"), asked.iter().map(|one| one.0).collect());
        add(&format!("{what}, wall"), asked.iter().map(|one| one.1).collect());
    }
    add("peak memory", sides.iter().map(|side| Figure::Bytes(peak_of(side.id))).collect());
}
