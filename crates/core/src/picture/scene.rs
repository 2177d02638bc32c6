//! What a picture shows, as values: series on axes over a window of time, and what lies beside them. No places, no colours of a theme.

use jiff::tz::TimeZone;

use super::color::Hue;

/// A stretch of time in epoch seconds, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Its first second.
    pub start: i64,
    /// Its last second.
    pub end: i64,
}

/// What calendars reach.
const LAST: i64 = 253_402_000_000;

impl Window {
    /// The nearest window that lies in a calendar and is at least a second long.
    #[must_use]
    pub fn sound(self) -> Self {
        let start = self.start.clamp(0, LAST - 1);
        Self { start, end: self.end.clamp(start + 1, LAST) }
    }
}

/// How series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// One line each.
    Line,
    /// Areas upon each other, the first at the bottom.
    Stacked,
    /// One large number, with what it was before as a small line.
    Number,
}

/// Everything that is drawn.
#[derive(Debug, Clone)]
pub struct Scene {
    /// The head of the picture.
    pub title: String,
    /// What stands below the title: the statistic, the resolution.
    pub note: String,
    /// The width of the whole in CSS pixels, within 160 to 2,400.
    pub width: u32,
    /// The height of the plot alone.
    pub height: u32,
    /// With title, legend and range, so that it stands for itself; else the plot alone, for a page that has these around it.
    pub whole: bool,
    /// What time is shown.
    pub window: Window,
    /// The zone of the times that are written.
    pub zone: TimeZone,
    /// How series are drawn.
    pub kind: Kind,
    /// The first stands on the left, the second on the right, a third further right. Without any there is a plain one.
    pub axes: Vec<Axis>,
    /// What is drawn, in the order of the legend.
    pub series: Vec<Series>,
    /// When a number is coloured, the worst first.
    pub thresholds: Vec<Threshold>,
    /// Levels that mean something, such as the threshold of an alert.
    pub limits: Vec<Limit>,
    /// What happened.
    pub events: Vec<Event>,
    /// When something was the case.
    pub spans: Vec<Span>,
    /// What a reader has to know, such as series that are left out.
    pub remarks: Vec<String>,
}

/// An axis of values.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// Beside the top tick: `ms`.
    pub unit: String,
    /// Above the axis.
    pub label: String,
    /// Where it begins, whatever the values are.
    pub min: Option<f64>,
    /// Where it ends, whatever the values are.
    pub max: Option<f64>,
    /// It reaches down to here at least.
    pub low: Option<f64>,
    /// It reaches up to here at least.
    pub high: Option<f64>,
    /// Decades instead of equal steps. Not for stacks.
    pub log: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Its colour.
    pub hue: Hue,
    /// Its place in `Scene::axes`.
    pub axis: usize,
    /// By time, each time once.
    pub points: Vec<Point>,
    /// Seconds from point to point, where that is known.
    pub period: Option<i64>,
    /// What stands where points are missing.
    pub gaps: Gaps,
    /// Whether `low` to `high` of the points is shown.
    pub band: bool,
    /// Over the whole window, of the samples rather than of the points.
    pub totals: Option<Totals>,
    /// Kept, but not drawn.
    pub hidden: bool,
}

/// One value of a series, of a bucket of time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Epoch seconds.
    pub time: i64,
    /// What is drawn.
    pub value: f64,
    /// The least sample behind it.
    pub low: f64,
    /// The greatest sample behind it.
    pub high: f64,
}

impl Point {
    /// A point that stands for one sample.
    #[must_use]
    pub fn at(time: i64, value: f64) -> Self {
        Self { time, value, low: value, high: value }
    }
}

/// What stands where points are missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gaps {
    /// Nothing.
    Break,
    /// A line that is seen not to be data.
    Bridge,
    Zero,
}

/// What the legend says of a series.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Totals {
    pub last: f64,
    pub min: f64,
    pub mean: f64,
    pub max: f64,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Strength {
    Red,
    Yellow,
}

/// When a number is coloured.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    pub operator: char,
    /// The number it is compared with.
    pub value: f64,
    /// What it says then.
    pub strength: Strength,
}

/// A level on an axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Where it lies.
    pub value: f64,
    /// The place of its axis in `Scene::axes`.
    pub axis: usize,
    /// In words: `above 800 ms for 5m`.
    pub words: String,
    /// It no longer holds, and is there to be compared with.
    pub former: bool,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// When, or from when.
    pub time: i64,
    /// Until when, where it lasted.
    pub end: Option<i64>,
    /// What.
    pub title: String,
}

/// A time in which something was the case.
#[derive(Debug, Clone, PartialEq)]
pub struct Span {
    /// From when.
    pub from: i64,
    /// Until when.
    pub until: i64,
    /// What.
    pub kind: SpanKind,
    /// Of which alert, for the summary.
    pub name: String,
}

/// What was the case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// An alert fired.
    Firing,
    /// A condition was violated and the alert had not fired yet.
    Violating,
    /// The alert fired as it was before a change.
    Former,
}
