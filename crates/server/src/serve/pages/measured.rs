//! Measurements of a metric in a window of time: a row for each stream, the whole as CSV, and where the newest one lies if there is none.

use maud::{Markup, html};
use serde_json::Value;

use super::csv::{self, Csv};
use super::fields::{list as items, query, text, whole};
use super::parts::{nothing, table};
use super::refused::Refused;
use super::site::Pages;
use super::text::Text;
use super::times::{Clock, span};
use super::visit::Visit;
use super::window::Window;
use crate::chart::Choice;
use crate::composite::Labels;
use crate::diag::number;
use crate::serve::http::answer::segment;

/// How many streams are shown at once.
pub const STREAMS: usize = 25;

/// Where the newest measurement is looked for: so many seconds back, in steps of so many.
const BACK: [(i64, i64); 3] = [(7_200, 1), (7 * 86_400, 3_600), (365 * 86_400, 86_400)];

/// What was measured.
pub struct Measured {
    /// As the API has them: `tags`, `measurements`.
    series: Vec<Value>,
    bucket: i64,
    /// Whether there are more of them than are read at once.
    is_cut: bool,
}

impl Measured {
    pub async fn read(
        pages: &Pages,
        visit: &Visit,
        metric: &Value,
        window: Window,
    ) -> Result<Measured, Refused> {
        let bucket = window.bucket(&visit.aging, visit.clock.now, whole(metric, "period").unwrap_or(1));
        let all = if text(metric, "type") == "composite" { "" } else { "all" };
        let path = query(
            &format!("/v1/measurements/{}", segment(text(metric, "name"))),
            &[
                ("resolution", &bucket.to_string()),
                ("start_time", &window.from.to_string()),
                ("end_time", &window.to.to_string()),
                ("summary_function", all),
            ],
        );
        let mut found = pages.api().get(visit, &path).await?;
        let series = match found["series"].take() {
            Value::Array(series) => series,
            _ => Vec::new(),
        };
        let series = series.into_iter().filter(|one| !items(one, "measurements").is_empty()).collect();
        Ok(Measured { series, bucket, is_cut: !items(&found, "links").is_empty() })
    }

    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// What tells its streams apart.
    pub fn labels(&self) -> Vec<Labels> {
        let read = |one: &Value| {
            let tags = one["tags"].as_object().into_iter().flatten();
            tags.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
        };
        self.series.iter().map(read).collect()
    }

    /// The same for those streams alone that a pattern of sources takes.
    pub fn narrowed(mut self, source: &str) -> Measured {
        let stream = crate::chart::Stream { source: source.to_owned(), ..crate::chart::Stream::default() };
        let choice = Choice::of(&stream, None, &[]);
        let labels = self.labels();
        let mut taken = labels.iter().map(|labels| source.is_empty() || choice.takes(labels));
        self.series.retain(|_| taken.next().unwrap_or(true));
        self
    }

    /// How many streams there are.
    pub fn count(&self) -> usize {
        self.series.len()
    }

    /// A row for each stream, with what there was in the whole window.
    pub fn table(&self, clock: &Clock, first: usize) -> Markup {
        let rows: Vec<Vec<Markup>> =
            self.series.iter().skip(first).take(STREAMS).map(|series| row(series, clock)).collect();
        html! {
            (table("Measurements", &["Stream", "Last", "When", "Least", "Mean", "Greatest"], &rows))
            @if self.is_cut { p.note { "There are more measurements than are read at once; choose a shorter time." } }
            @if self.bucket > 1 { p.note { "What was measured within " (span(self.bucket)) " is one value here." } }
        }
    }

    /// A row for each stream and time.
    pub fn csv(&self) -> Csv {
        let mut table = Csv::default();
        let names = ["time", "stream", "value", "count", "sum", "min", "max"];
        table.row(&names.map(str::to_owned));
        for series in &self.series {
            let stream = csv::text(&name(series));
            for one in items(series, "measurements") {
                let figure = |key: &str| match &one[key] {
                    Value::Number(number) => number.to_string(),
                    _ => String::new(),
                };
                let mut row = vec![figure("time"), stream.clone()];
                row.extend(["value", "count", "sum", "min", "max"].map(figure));
                table.row(&row);
            }
        }
        table
    }
}

/// Its tags in words.
fn name(series: &Value) -> String {
    let tags = series["tags"].as_object().into_iter().flatten();
    let tags: Vec<String> =
        tags.map(|(name, value)| format!("{name}: {}", value.as_str().unwrap_or_default())).collect();
    if tags.is_empty() { "without tags".to_owned() } else { tags.join(", ") }
}

fn row(series: &Value, clock: &Clock) -> Vec<Markup> {
    let all = items(series, "measurements");
    let figures = |key: &'static str| {
        all.iter().filter_map(move |one| one[key].as_f64().or_else(|| one["value"].as_f64()))
    };
    let (least, greatest) = (figures("min").reduce(f64::min), figures("max").reduce(f64::max));
    let last = all.last().unwrap_or(&Value::Null);
    let shown = |value: Option<f64>| html! { (value.map(number).unwrap_or_default()) };
    vec![
        html! { (Text(&name(series))) },
        shown(last["value"].as_f64()),
        html! { (whole(last, "time").map(|at| clock.ago(at)).unwrap_or_default()) },
        shown(least),
        shown(mean(all)),
        shown(greatest),
    ]
}

/// Of the samples where their number is known, else of the values.
fn mean(all: &[Value]) -> Option<f64> {
    let (mut sum, mut count) = (0.0, 0.0);
    for one in all {
        match (one["sum"].as_f64(), one["count"].as_f64(), one["value"].as_f64()) {
            (Some(of), Some(number), _) => (sum, count) = (sum + of, count + number),
            (_, _, Some(value)) => (sum, count) = (sum + value, count + 1.0),
            _ => {}
        }
    }
    (count > 0.0).then(|| sum / count)
}

/// When the metric was last measured, and how exactly that is known.
pub async fn newest(pages: &Pages, visit: &Visit, name: &str) -> Result<Option<(i64, i64)>, Refused> {
    for (back, step) in BACK {
        let path = query(
            &format!("/v1/measurements/{}", segment(name)),
            &[("resolution", &step.to_string()), ("duration", &back.to_string())],
        );
        let found = pages.api().get(visit, &path).await?;
        let times = items(&found, "series").iter().filter_map(|series| items(series, "measurements").last());
        if let Some(newest) = times.filter_map(|last| whole(last, "time")).max() {
            return Ok(Some((newest, step)));
        }
    }
    Ok(None)
}

/// The streams that a page shows at once, and the way to the others.
pub fn part(visit: &Visit, count: usize) -> Markup {
    let first = visit.params.offset();
    let path = visit.path();
    html! {
        @if count > STREAMS {
            nav.pager aria-label="Parts of the streams" {
                @if first > 0 {
                    a.button rel="prev" href=(visit.params.with(path, "offset", &first.saturating_sub(STREAMS).to_string())) { "Previous" }
                }
                span { (count.min(first + 1)) " to " (count.min(first + STREAMS)) " of " (count) " streams" }
                @if first + STREAMS < count {
                    a.button rel="next" href=(visit.params.with(path, "offset", &(first + STREAMS).to_string())) { "Next" }
                }
            }
        }
    }
}

/// Where there is nothing in the window: the way to where there is something.
pub fn nothing_then(newest: Option<(i64, i64)>, visit: &Visit, path: &str) -> Markup {
    let Some((newest, step)) = newest else {
        return nothing(&html! { "Nothing was measured for a year." });
    };
    let (from, to) = ((newest - 3_600.max(step)).to_string(), (newest + step).to_string());
    nothing(&html! {
        "Nothing was measured in this time. The newest measurement is from "
        @if step > 1 { "about " } (visit.clock.ago(newest)) ". "
        a href=(visit.params.with_all(path, &[("from", &from), ("to", &to)])) { "Show that time" }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn means_are_those_of_samples() {
        let all =
            [json!({"value": 2.0, "sum": 6.0, "count": 3}), json!({"value": 10.0, "sum": 10.0, "count": 1})];
        assert_eq!(mean(&all), Some(4.0));
        assert_eq!(mean(&[json!({"value": 1.0}), json!({"value": 2.0})]), Some(1.5));
        assert_eq!(mean(&[]), None);
    }

    #[test]
    fn a_row_for_each_stream_and_time() {
        let series = json!({"tags": {"host": "=1,2"}, "measurements": [{"time": 60, "value": 1.5}]});
        let measured = Measured { series: vec![series], bucket: 60, is_cut: false };
        let mut expected = Csv::default();
        expected.row(&["time", "stream", "value", "count", "sum", "min", "max"].map(str::to_owned));
        expected.row(&["60", "\"host: =1,2\"", "1.5", "", "", "", ""].map(str::to_owned));
        assert!(measured.csv() == expected);
    }
}
