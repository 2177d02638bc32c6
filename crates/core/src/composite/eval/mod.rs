//! Evaluating a query: samples in, series out. Pure; where samples come from is behind [`Fetch`].
//!
//! Samples become points by the function and period of their `series` call; then the functions do their work; last, the result is
//! brought to the resolution that was asked for. Where the documentation of the language is silent, this is what holds here:
//!
//! - A stretch of time includes both its ends. A period begins at a multiple of its length, and its point bears that time; the
//!   first one is whole, though it may begin before the stretch does.
//! - A series has the period of its `series` call, else of its metric, else the resolution; never less than the interval at which it
//!   is stored.
//! - Functions over several series bring all to the longest period first: least, largest, average or total, as the `series` call
//!   says (a count is totalled, and so are changes by `derive`); series of different kinds put together are averaged.
//! - `sum`, `mean`, `min`, `max` and `count` have a point where any input has one; `multiply`, `divide` and `subtract` where all have.
//!   All of an empty set is an empty set.
//! - What is not finite makes no point: a division by zero, an overflow.
//! - `derive` makes no point of the first one, and looks across gaps. A reset counts as growth from zero.
//! - `window` and `moving_average` make no point before the window is full; the median of an even number is between the middle two.
//! - `fill` covers the whole stretch of time, also of a series without points; `last` begins with the first point. A period that
//!   no one has given is an error.
//! - `filter`, `top`, `bottom` and `sort` leave out series without points; ten are kept where `count` is not given; `sort` puts the
//!   largest first. Equals keep their order.
//! - `timeshift` puts what it finds on the times that were asked for, at multiples of the period.
//! - `group_by` goes by all combinations of values in the series that its calls match, in the order of the values; `map` likewise by
//!   the sources that match, `&` standing for each.
//! - `%` without a source of the viewer means every source.
//! - The result has a metric, a source and tags where all that it was made of agree.

mod calls;
mod combine;
mod each;
mod error;
mod explain;
mod grid;
mod leaf;
mod limits;
#[cfg(test)]
mod order_tests;
mod repeat;
mod select;
mod series;
mod streamed;
#[cfg(test)]
pub(super) mod tests;

use crate::composite::words::in_words;
use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::rc::Rc;
use std::sync::Arc;

pub use error::EvalError;
pub use explain::{Matched, Step};
pub use limits::Limits;
pub use series::{Call, Point, Sample, Series};

use super::query::{Combine, Each, Leaf, Node, Op, Query, Statistic};
use super::selector::{Labels, Selector};
use limits::{NODE, POINT_BYTES, STEP_BYTES, bytes, combining, points};
use series::floor;

/// Where samples come from.
pub trait Fetch {
    /// All series that the request matches, each once. More than `most` samples need not be read: evaluation stops there.
    ///
    /// # Errors
    /// Why they cannot be had, in words.
    fn fetch(&mut self, request: &Request<'_>) -> Result<Vec<Stored>, String>;

    /// The same, one after the other, as long as `each` wants more: none need be held.
    ///
    /// # Errors
    /// Why they cannot be had, in words.
    fn fetch_each(
        &mut self,
        request: &Request<'_>,
        each: &mut dyn FnMut(Stored) -> ControlFlow<()>,
    ) -> Result<(), String> {
        let _ = self.fetch(request)?.into_iter().try_for_each(each);
        Ok(())
    }

    /// Asked all along: whether evaluation may go on, for which about `bytes` are held beside what was fetched.
    ///
    /// # Errors
    /// Why it may not, in words.
    fn go_on(&mut self, _bytes: u64) -> Result<(), String> {
        Ok(())
    }
}

impl<F: FnMut(&Request<'_>) -> Result<Vec<Stored>, String>> Fetch for F {
    fn fetch(&mut self, request: &Request<'_>) -> Result<Vec<Stored>, String> {
        self(request)
    }
}

/// What a `series` call asks for.
#[derive(Debug)]
pub struct Request<'a> {
    /// A metric name or a pattern with `*`; see [`super::matches`].
    pub metric: &'a str,
    /// Which series of it.
    pub selector: &'a Selector,
    /// Samples may come rolled up to intervals that divide this number of seconds; `None` where it is up to the metric.
    pub period: Option<u64>,
    /// The first second, epoch. Samples before it are of use where they lie in the period it lies in.
    pub start: i64,
    /// The last second, epoch.
    pub end: i64,
    /// How many samples can still be worked on.
    pub most: u64,
}

/// A series as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// The name of its metric.
    pub metric: String,
    /// Its tags; its source, if any, under [`super::SOURCE`].
    pub labels: Arc<Labels>,
    /// The metric's own period in seconds.
    pub period: Option<u64>,
    /// The interval at which it is kept, in seconds; 1 for raw samples.
    pub interval: u64,
    /// In any order.
    pub samples: Vec<Sample>,
}

/// What is asked of a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The first second, epoch.
    pub start: i64,
    /// The last second, epoch.
    pub end: i64,
    /// Seconds from point to point; longer periods stay.
    pub resolution: u64,
    /// How points become one when the result is brought to the resolution.
    pub summarize: Statistic,
    /// What `%` stands for, where the viewer has chosen.
    pub source: Option<String>,
}

/// An answer and how it came about.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The series, in the order the definition puts them in.
    pub series: Vec<Series>,
    /// The last step, which holds all others.
    pub explain: Step,
}

/// Evaluates a query.
///
/// # Errors
/// See [`EvalError`].
pub fn evaluate(
    query: &Query,
    fetch: &mut dyn Fetch,
    window: &Window,
    limits: Limits,
) -> Result<Outcome, EvalError> {
    evaluate_keeping(calls::repeated(&query.root), query, fetch, window, limits)
}

/// The same with nothing streamed, for laws.
///
/// # Errors
/// See [`EvalError`].
#[cfg(test)]
pub fn evaluate_step_by_step(
    query: &Query,
    fetch: &mut dyn Fetch,
    window: &Window,
    limits: Limits,
) -> Result<Outcome, EvalError> {
    evaluate_keeping(calls::calls(&query.root), query, fetch, window, limits)
}

/// Keeps what the calls `repeated` find, since it is asked for again.
fn evaluate_keeping(
    repeated: Vec<&Leaf>,
    query: &Query,
    fetch: &mut dyn Fetch,
    window: &Window,
    limits: Limits,
) -> Result<Outcome, EvalError> {
    let fetched = BTreeMap::new();
    let mut evaluator = Evaluator {
        text: &query.text,
        fetch,
        window,
        limits,
        repeated,
        work: 0,
        series: 0,
        steps: 0,
        fetched,
    };
    let start = floor(window.start, window.resolution);
    let scope = Scope { start, end: window.end, filters: Vec::new(), mapped: None };
    let (series, explain) = evaluator.node(&query.root, &scope)?;
    let coarser = series.iter().filter(|series| series.period < window.resolution).count();
    if coarser == 0 {
        return Ok(Outcome { series, explain });
    }
    let series: Vec<_> =
        series.into_iter().map(|series| series.at_period(window.resolution, window.summarize)).collect();
    let what = format!("to a resolution of {}", in_words(window.resolution));
    let explain = step(what, &series, Vec::new(), vec![explain]);
    Ok(Outcome { series, explain })
}

/// What holds where a node is evaluated: time, and what `group_by` and `map` have come to.
#[derive(Clone)]
struct Scope {
    start: i64,
    end: i64,
    filters: Vec<(String, String)>,
    mapped: Option<String>,
}

/// What tells calls apart.
type Key = (String, Selector, Option<u64>, i64, i64);

struct Evaluator<'a> {
    text: &'a str,
    fetch: &'a mut dyn Fetch,
    window: &'a Window,
    limits: Limits,
    work: u64,
    /// Bytes of the series that wait to be used.
    series: u64,
    /// Bytes of the explanation, which grows to the end.
    steps: u64,
    /// What was read already: groups and repetitions ask for the same again.
    fetched: BTreeMap<Key, Rc<Vec<Stored>>>,
    /// Calls of `series` that stand in the definition more than once.
    repeated: Vec<&'a Leaf>,
}

type Made = (Vec<Series>, Step);

impl Evaluator<'_> {
    fn spend(&mut self, work: u64, span: &Range<usize>) -> Result<(), EvalError> {
        self.work = self.work.saturating_add(work);
        if self.work > self.limits.work {
            return Err(EvalError::TooMuch { limit: self.limits.work, span: span.clone() });
        }
        self.hold(0, span)
    }

    /// Holds more for series, until the step that makes them has ended.
    fn hold(&mut self, more: u64, span: &Range<usize>) -> Result<(), EvalError> {
        self.series = self.series.saturating_add(more);
        let held = self.series.saturating_add(self.steps);
        if held > self.limits.memory {
            return Err(EvalError::TooLarge { limit: self.limits.memory, span: span.clone() });
        }
        self.fetch.go_on(held).map_err(|why| EvalError::Fetch { why, span: span.clone() })
    }
}

impl Evaluator<'_> {
    fn node(&mut self, node: &Node, scope: &Scope) -> Result<Made, EvalError> {
        self.spend(NODE, &node.span)?;
        let before = self.series;
        let made = match &node.op {
            Op::Series(leaf) => self.leaf(leaf, node, scope),
            Op::Set(items) => {
                let (mut series, mut inputs) = (Vec::new(), Vec::new());
                for item in items {
                    let (more, input) = self.node(item, scope)?;
                    series.extend(more);
                    inputs.push(input);
                }
                Ok((series, Step { what: "[ ]".to_owned(), inputs, ..Step::default() }))
            }
            Op::Combine(how, set) => match self.streamed(*how, set, node, scope)? {
                Some(made) => Ok(made),
                None => self.combined(*how, set, node, scope),
            },
            Op::Each(function, set) => {
                let (series, input) = self.node(set, scope)?;
                self.each(function, &series, node, scope)?;
                let apply = |series| each::apply(function, series, scope.start, scope.end);
                Ok((series.into_iter().map(apply).collect(), self.step(node, Vec::new(), vec![input])))
            }
            Op::Select(select, set) => {
                let (series, input) = self.node(set, scope)?;
                self.spend(points(&series), &node.span)?;
                Ok((select::select(select, series), self.step(node, Vec::new(), vec![input])))
            }
            Op::Timeshift(shifts, set) => self.timeshift(shifts, set, node, scope),
            Op::GroupBy(tags, set) => self.group_by(tags, set, node, scope),
            Op::Map(label, pattern, set) => self.map(label, pattern, set, node, scope),
        };
        made.map(|(series, explain)| {
            // The inputs are gone.
            self.series = before.saturating_add(bytes(&series));
            let counted =
                Step { series: series.len(), points: series.iter().map(|s| s.points.len()).sum(), ..explain };
            (series, counted)
        })
    }

    fn combined(&mut self, how: Combine, set: &Node, node: &Node, scope: &Scope) -> Result<Made, EvalError> {
        let (series, input) = self.node(set, scope)?;
        self.spend(points(&series), &node.span)?;
        self.hold(combining(&series), &node.span)?;
        let mut notes = Vec::new();
        let series = combine::combine(how, series, &mut notes);
        Ok((series, self.step(node, notes, vec![input])))
    }

    /// What a function over each series costs, and whether it can be done.
    fn each(
        &mut self,
        function: &Each,
        series: &[Series],
        node: &Node,
        scope: &Scope,
    ) -> Result<(), EvalError> {
        match function {
            Each::Fill(_) => {
                for series in series {
                    if !series.known_period {
                        let of =
                            series.metric.as_ref().map_or("its input".into(), |metric| format!("`{metric}`"));
                        return Err(EvalError::UnknownPeriod { of, span: node.span.clone() });
                    }
                    let grid = each::grid_points(series.period, scope.start, scope.end);
                    self.spend(grid, &node.span)?;
                    self.hold(grid.saturating_mul(POINT_BYTES), &node.span)?;
                }
                Ok(())
            }
            Each::Window { size, .. } => self.spend(points(series).saturating_mul(*size as u64), &node.span),
            _ => self.spend(points(series), &node.span),
        }
    }

    /// A step of this node, not yet counted: a call of `series` by its whole text, others by the name.
    fn step(&mut self, node: &Node, notes: Vec<String>, inputs: Vec<Step>) -> Step {
        let text = self.text.get(node.span.clone()).unwrap_or_default();
        let what = match node.op {
            Op::Series(_) => text.split_whitespace().collect::<Vec<_>>().join(" "),
            _ => text.split('(').next().unwrap_or_default().to_owned(),
        };
        self.steps = self.steps.saturating_add(STEP_BYTES + what.len() as u64);
        Step { what, notes, inputs, ..Step::default() }
    }
}

fn step(what: String, series: &[Series], notes: Vec<String>, inputs: Vec<Step>) -> Step {
    let points = series.iter().map(|series| series.points.len()).sum();
    Step { what, series: series.len(), points, matched: Vec::new(), notes, inputs }
}
