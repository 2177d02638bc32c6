//! What a call of `series` finds, and what it makes of it: points by its function and period.

use std::rc::Rc;
use std::sync::Arc;

use super::super::query::{Leaf, Node, Statistic};
use super::super::selector::{Labels, Selector};
use super::limits::{MATCHED_BYTES, SERIES, series_bytes};
use super::series::{Call, Series, floor, from_samples};
use super::{EvalError, Evaluator, Key, Made, Matched, Request, Scope, Stored};

impl Evaluator<'_> {
    pub(super) fn leaf(&mut self, leaf: &Leaf, node: &Node, scope: &Scope) -> Result<Made, EvalError> {
        let selector = self.selector(leaf, scope.mapped.as_deref());
        let stored = self.stored(leaf, selector, node, scope)?;
        // Groups look at all of them to find theirs.
        self.spend(stored.len() as u64, &node.span)?;
        let mut explain = self.step(node, Vec::new(), Vec::new());
        let call = Arc::new(Call { metric: leaf.metric.clone(), selector: leaf.selector.clone() });
        let mut made = Vec::new();
        for stored in stored.iter().filter(|stored| in_group(&stored.labels, &scope.filters)) {
            self.spend(stored.samples.len() as u64 + SERIES, &node.span)?;
            self.steps = self.steps.saturating_add(MATCHED_BYTES + stored.metric.len() as u64);
            self.hold(series_bytes(&stored.metric, stored.samples.len()), &node.span)?;
            let (series, matched) = of_stored(stored, leaf, &call, self.window.resolution, scope);
            explain.matched.push(matched);
            made.push(series);
        }
        if made.is_empty() {
            explain.notes.push(NOTHING.to_owned());
        }
        Ok((made, explain))
    }

    /// The selector with `%` and `&` replaced.
    pub(super) fn selector(&self, leaf: &Leaf, mapped: Option<&str>) -> Selector {
        leaf.selector.map(|pattern| match (pattern, mapped) {
            ("%", _) => self.window.source.clone().unwrap_or_else(|| "*".to_owned()),
            (pattern, Some(value)) => pattern.replace('&', value),
            (pattern, None) => pattern.to_owned(),
        })
    }

    pub(super) fn stored(
        &mut self,
        leaf: &Leaf,
        selector: Selector,
        node: &Node,
        scope: &Scope,
    ) -> Result<Rc<Vec<Stored>>, EvalError> {
        let key: Key = (leaf.metric.clone(), selector, leaf.period, scope.start, scope.end);
        if let Some(known) = self.fetched.get(&key) {
            return Ok(Rc::clone(known));
        }
        let most = self.limits.work.saturating_sub(self.work);
        let request = Request {
            metric: &key.0,
            selector: &key.1,
            period: leaf.period,
            start: scope.start,
            end: scope.end,
            most,
        };
        let stored =
            self.fetch.fetch(&request).map_err(|why| EvalError::Fetch { why, span: node.span.clone() })?;
        self.spend(stored.iter().map(|stored| stored.samples.len() as u64 + SERIES).sum(), &node.span)?;
        let stored = Rc::new(stored);
        self.fetched.insert(key, Rc::clone(&stored));
        Ok(stored)
    }
}

/// What is said of a call without series.
pub(super) const NOTHING: &str = "no series matches, or none has data in this time";

/// What a call makes of a stored series.
pub(super) fn of_stored(
    stored: &Stored,
    leaf: &Leaf,
    call: &Arc<Call>,
    resolution: u64,
    scope: &Scope,
) -> (Series, Matched) {
    let given = leaf.period.or(stored.period).filter(|period| *period > 0);
    let period = given.unwrap_or(resolution).max(stored.interval).max(1);
    let whole = floor(scope.start, period)..=scope.end;
    let (points, samples) = from_samples(&stored.samples, &whole, period, leaf.function);
    let labels = Arc::clone(&stored.labels);
    let matched = Matched { metric: stored.metric.clone(), labels, samples, period };
    let series = Series {
        metric: Some(stored.metric.clone()),
        labels: Arc::clone(&stored.labels),
        period,
        points,
        call: Some(Arc::clone(call)),
        single: true,
        known_period: given.is_some(),
        rollup: match leaf.function {
            Statistic::Count => Statistic::Sum,
            other => other,
        },
    };
    (series, matched)
}

/// Whether a series belongs to the groups an evaluation has come to.
pub(super) fn in_group(labels: &Labels, filters: &[(String, String)]) -> bool {
    filters.iter().all(|(label, value)| labels.get(label) == Some(value))
}
