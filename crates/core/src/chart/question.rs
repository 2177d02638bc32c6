//! What has to be asked to draw a chart: of which metric or composite, which series, put together how, in buckets of which length.

use crate::composite::{self, Labels};
use crate::picture::Window;

use super::bucket::{bucket, longer};
use super::choice::{Choice, value};
use super::definition::{Definition, Looks, Metric, Metrics, Stream};
use super::sample::Statistic;
use super::view::View;

/// Most lines of a picture.
pub const MOST_LINES: usize = 1_000;
/// Most points of a picture; with more, its buckets are longer.
const MOST_POINTS: u64 = 150_000;
/// Points of a composite that are read to become fewer.
const MOST_EVALUATED: i64 = 10_000;
/// How far back the reading is looked for that the first rise counts from.
const LOOK_BACK: i64 = 3_600;
/// Characters of a composite in the legend.
const NAME: usize = 60;

/// What is asked for one stream.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// The place of the stream in the definition.
    pub stream: usize,
    /// What is asked.
    pub of: Of,
    /// The metric that the stream names; empty for a composite that only the chart has.
    pub metric: String,
    /// Which series of it.
    pub choice: Choice,
    /// How series become lines.
    pub group: Group,
    /// A line for each of the values of these tags; without any, and unless each series is a line, one line.
    pub keys: Vec<String>,
    /// What a point shows of its bucket.
    pub statistic: Statistic,
    /// Seconds of a bucket.
    pub resolution: i64,
    /// Seconds from point to point that a composite is evaluated at, before its points go into buckets.
    pub finest: i64,
    /// The first second to be read.
    pub from: i64,
    /// The last second to be read.
    pub until: i64,
    /// Where the first bucket begins.
    pub first: i64,
    /// Where the last whole bucket ends.
    pub whole_until: i64,
    /// What time is shown.
    pub window: Window,
    /// Seconds from measurement to measurement, where the stream or its metric says so.
    pub period: Option<i64>,
    /// How it is drawn.
    pub looks: Looks,
    /// What it is called where nothing names it.
    pub title: String,
    /// It has an axis of its own.
    pub split_axis: bool,
    /// What of its definition cannot be followed.
    pub remarks: Vec<String>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of {
    /// A metric, by its name.
    Metric(String),
    /// A definition in the composite language, with what was chosen in the place of `%`.
    Composite(String),
}

/// How series become lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// Their samples are put together.
    Average,
    /// Their statistics are added.
    Sum,
    /// The least of their statistics.
    Min,
    /// The greatest of their statistics.
    Max,
    /// Each is a line.
    Each,
}

impl Question {
    /// What tells the line that a series belongs to from others; nothing for one that lacks a tag to group by.
    #[must_use]
    pub fn key(&self, labels: &Labels) -> Option<Labels> {
        match self.group {
            Group::Each => Some(labels.clone()),
            _ => self
                .keys
                .iter()
                .map(|name| Some((name.to_lowercase(), value(labels, name)?.to_owned())))
                .collect(),
        }
    }

    /// How many lines these series become.
    pub fn lines<'a>(&self, series: impl Iterator<Item = &'a Labels>) -> usize {
        let keys = series.filter(|labels| self.choice.takes(labels)).filter_map(|labels| self.key(labels));
        keys.collect::<std::collections::BTreeSet<_>>().len()
    }

    /// Points of a line.
    fn points(&self) -> u64 {
        (self.whole_until.saturating_sub(self.first) / self.resolution.max(1)).unsigned_abs() + 1
    }

    fn set_resolution(&mut self, resolution: i64, now: i64) {
        let floor = |time: i64| time - time.rem_euclid(resolution);
        self.resolution = resolution;
        self.finest = self.finest.min(resolution);
        self.first = floor(self.window.start);
        self.whole_until = floor(now).min(floor(self.window.end).saturating_add(resolution));
        self.until = self.window.end.max(self.whole_until.saturating_sub(1));
        let back = match self.statistic {
            Statistic::Rise | Statistic::Difference => {
                LOOK_BACK.max(resolution).max(self.period.unwrap_or(1).saturating_mul(2))
            }
            _ => 0,
        };
        self.from = self.first.saturating_sub(back);
    }
}

/// What to ask, one question a stream, in the order of the legend. Streams of events ask nothing of metrics.
#[must_use]
pub fn questions(chart: &Definition, metrics: &Metrics, view: &View) -> Vec<Question> {
    let view = View { window: view.window.sound(), ..view.clone() };
    let streams = chart.streams.iter().enumerate().filter(|(_, stream)| !stream.is_events);
    let mut found: Vec<Question> = streams.map(|(place, stream)| of(place, stream, metrics, &view)).collect();
    if chart.kind == "stacked" {
        // What lies upon each other shares its times.
        let longest = found.iter().map(|question| question.resolution).max().unwrap_or(1);
        found.iter_mut().for_each(|question| question.set_resolution(longest, view.now));
    }
    found.sort_by_key(|question| {
        let place = i64::try_from(question.stream).unwrap_or(i64::MAX);
        (chart.streams[question.stream].position.unwrap_or(place), place)
    });
    found
}

/// Makes buckets longer until what becomes so many lines (one number a question) is no more than a picture holds.
pub fn fit(questions: &mut [Question], lines: &[usize], view: &View) {
    loop {
        let each = questions.iter().zip(lines);
        let points: u64 = each.map(|(one, lines)| one.points() * (*lines).min(MOST_LINES) as u64).sum();
        if points <= MOST_POINTS {
            return;
        }
        let mut changed = false;
        for question in questions.iter_mut() {
            if let Some(next) = longer(question.resolution.unsigned_abs()) {
                question.set_resolution(i64::try_from(next).unwrap_or(i64::MAX), view.now);
                changed = true;
            }
        }
        if !changed {
            return;
        }
    }
}

fn of(place: usize, stream: &Stream, metrics: &Metrics, view: &View) -> Question {
    let nothing = Metric::default();
    let metric = metrics.get(&stream.metric).filter(|_| !stream.metric.is_empty());
    let mut remarks = Vec::new();
    if metric.is_none() && !stream.metric.is_empty() {
        remarks.push(format!("there is no metric {}", stream.metric));
    }
    let metric = metric.unwrap_or(&nothing);
    let text =
        if stream.composite.is_empty() { metric.composite.as_str() } else { stream.composite.as_str() };
    let is_composite = !text.is_empty();
    let looks = stream.looks.over(&metric.looks);
    let statistic = statistic(stream, metric, is_composite, &mut remarks);
    let title = if stream.metric.is_empty() { cut(&stream.composite) } else { stream.metric.clone() };
    let period = looks.period.filter(|_| !is_composite || stream.looks.period.is_some());
    let of = if is_composite {
        Of::Composite(chosen(text, view, &mut remarks))
    } else {
        Of::Metric(stream.metric.clone())
    };
    let step = step(&of, metrics).map(|step| step.max(view.kept));
    let least = period.max(step).unwrap_or(1).max(view.kept).max(1);
    let resolution = bucket(view.seconds().unsigned_abs(), view.pixels(), least.unsigned_abs());
    let resolution = i64::try_from(resolution).unwrap_or(i64::MAX);
    // Out of the points of a composite a bucket has its least and its greatest.
    let finest = step.filter(|step| resolution % step == 0 && view.seconds() / step <= MOST_EVALUATED);
    let mut made = Question {
        stream: place,
        metric: stream.metric.clone(),
        choice: Choice::of(stream, view.source.as_deref(), &view.tags),
        group: group(stream, is_composite, &mut remarks),
        keys: stream.tags.iter().filter(|tag| tag.grouped).map(|tag| tag.name.clone()).collect(),
        statistic,
        resolution: 1,
        finest: finest.unwrap_or(resolution),
        from: 0,
        until: 0,
        first: 0,
        whole_until: 0,
        window: view.window,
        period,
        looks,
        title,
        split_axis: stream.split_axis,
        remarks,
        of,
    };
    made.set_resolution(resolution, view.now);
    made
}

/// The stream's own, else what the metric says of itself; else the average, and of counters the rise.
fn statistic(stream: &Stream, metric: &Metric, is_composite: bool, remarks: &mut Vec<String>) -> Statistic {
    let default = if metric.is_counter { Statistic::Rise } else { Statistic::Average };
    let word = match () {
        () if is_composite && !stream.downsample.is_empty() => &stream.downsample,
        () if is_composite && !stream.composite.is_empty() => return default,
        () if !stream.summary.is_empty() => &stream.summary,
        () if metric.is_counter => return default,
        () => &metric.summary,
    };
    if word.is_empty() {
        return default;
    }
    Statistic::named(word, metric.is_counter).unwrap_or_else(|| {
        remarks.push(format!("the statistic {word} is not known here, the {} is shown", default.words()));
        default
    })
}

fn group(stream: &Stream, is_composite: bool, remarks: &mut Vec<String>) -> Group {
    match stream.group.as_str() {
        "breakout" => Group::Each,
        "sum" => Group::Sum,
        "min" => Group::Min,
        "max" => Group::Max,
        // A composite groups by itself.
        "" if is_composite => Group::Each,
        "" | "average" | "mean" => Group::Average,
        other => {
            remarks.push(format!("{other} is no way to group that is known here, sources are averaged"));
            Group::Average
        }
    }
}

/// The definition with what was chosen in the place of `%`.
fn chosen(text: &str, view: &View, remarks: &mut Vec<String>) -> String {
    let mut text = text.to_owned();
    for tag in &view.tags {
        text = composite::choose(&text, None, std::slice::from_ref(tag)).unwrap_or(text);
    }
    let Some(source) = view.source.as_deref().filter(|source| !source.is_empty()) else { return text };
    let Ok(made) = composite::choose(&text, Some(source), &[]) else { return text };
    if source.starts_with('!') || source.to_lowercase().contains(" or ") || source.contains('"') {
        remarks.push(format!("a composite takes one source or pattern, and not {source}"));
        return text;
    }
    made
}

/// How far apart the points of a composite are: as far as those of the metric that comes least often, where all say how often they come.
fn step(of: &Of, metrics: &Metrics) -> Option<i64> {
    let Of::Composite(text) = of else { return None };
    let tree = composite::parse(text).ok()?;
    if tree.reads().iter().any(composite::Read::is_pattern) {
        return None;
    }
    let period = |name: String| metrics.get(&name).and_then(|metric| metric.looks.period);
    tree.metrics().into_iter().map(period).collect::<Option<Vec<_>>>()?.into_iter().max()
}

fn cut(text: &str) -> String {
    if text.chars().count() <= NAME {
        return text.to_owned();
    }
    text.chars().take(NAME - 1).collect::<String>() + "…"
}
