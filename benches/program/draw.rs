//! Charts drawn in memory, from samples to the text of a picture; and pixels.

use std::hint::black_box;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use librato_apply::chart::{
    Answer, Beside, Definition, Gathering, Metric, Metrics, Question, Sample, View, fit, questions, scene,
};
use librato_apply::composite::{Labels, SOURCE};
use librato_apply::picture::{Theme, Window, draw, svg};
use serde_json::json;

use crate::Effort;
use crate::process::middle;
use crate::table::{Figure, Row, Table};

const START: i64 = 1_795_867_200;

/// A chart of many sources of one metric, and their samples.
struct Chart {
    definition: Definition,
    view: View,
    asked: Vec<Question>,
    series: Vec<(Labels, Vec<Sample>)>,
}

impl Chart {
    /// With a sample a minute.
    fn of(sources: usize, minutes: usize, width: u32) -> Self {
        let view = View {
            window: Window { start: START, end: START + 60 * minutes as i64 },
            now: i64::MAX / 2,
            kept: 1,
            width,
            height: 192,
            whole: false,
            zone: TimeZone::UTC,
            source: None,
            tags: Vec::new(),
            hidden: Vec::new(),
        };
        let definition =
            Definition::read(&json!({"streams": [{"metric": "m", "group_function": "breakout"}]}));
        let metric = Metric::read(&json!({"type": "gauge", "period": 60}));
        let metrics: Metrics = [("m".to_owned(), metric)].into_iter().collect();
        let mut asked = questions(&definition, &metrics, &view);
        fit(&mut asked, &[sources], &view);
        let value = |n: usize, minute: usize| 100.0 + n as f64 + ((minute * minute * 7 + n * 13) % 97) as f64;
        let samples =
            |n| (0..minutes).map(|at| Sample::single(START + 60 * at as i64, value(n, at))).collect();
        let series = (0..sources).map(|n| ([(SOURCE.to_owned(), format!("web-{n:04}"))].into(), samples(n)));
        Self { series: series.collect(), definition, view, asked }
    }

    fn gathered(&self) -> Vec<Result<Answer, String>> {
        let mut gathering = Gathering::new(&self.asked[0]);
        self.series.iter().for_each(|(labels, samples)| gathering.add(labels, samples, None));
        vec![Ok(gathering.finish())]
    }

    fn text(&self, answers: &[Result<Answer, String>]) -> String {
        svg::inline(&draw(&scene(&self.definition, &self.view, &self.asked, answers, &Beside::default())))
    }
}

fn timed<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    middle((0..runs).map(|_| {
        let begun = Instant::now();
        black_box(work());
        begun.elapsed()
    }))
}

pub fn run(effort: Effort, table: &mut Table) {
    let one = Chart::of(4, 360, 640);
    let answers = one.gathered();
    let text = timed(10 * effort.runs, || one.text(&answers));
    table.add(
        Row::new("draw: a picture of 4 series of 360 points", Figure::Time(text)).goal(Figure::millis(1.0)),
    );
    let batch = timed(effort.runs, || (0..24).map(|_| one.text(&one.gathered()).len()).sum::<usize>());
    table.add(Row::new("draw: 24 of them, from samples", Figure::Time(batch)).goal(Figure::millis(50.0)));
    let bytes = one.text(&answers).len() as u64;
    table.add(Row::new("draw: the text of one", Figure::Bytes(bytes)));
    let many = Chart::of(1_000, 360, 640);
    let crowd = timed(effort.runs, || many.text(&many.gathered()));
    let copied = timed(effort.runs, || many.series.clone());
    table.add(
        Row::new("draw: one of 1000 series of 360 samples", Figure::Time(crowd))
            .goal(Figure::millis(500.0))
            .limit(Figure::Time(copied), "copying the samples"),
    );
    pixels(effort, table);
}

#[cfg(feature = "png")]
fn pixels(effort: Effort, table: &mut Table) {
    let mut wide = Chart::of(4, 360, 1_600);
    (wide.view.height, wide.view.whole) = (520, true);
    let answers = wide.gathered();
    let picture = draw(&scene(&wide.definition, &wide.view, &wide.asked, &answers, &Beside::default()));
    let painted = timed(effort.runs, || librato_apply::picture::png::paint(&picture, Theme::Light, 1.0));
    let words = format!("draw: a PNG of {} × {}", picture.width, picture.height);
    table.add(Row::new(words, Figure::Time(painted)).goal(Figure::millis(100.0)));
}

#[cfg(not(feature = "png"))]
fn pixels(_: Effort, _: &mut Table) {
    let _ = Theme::Light;
}
