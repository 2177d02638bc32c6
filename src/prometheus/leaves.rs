//! The leaves of a composite: what one point of a metric is, by the statistic that is asked for.
//! Knows nothing of what is made of them.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::composite::{self, Leaf, Statistic};
use crate::diag::Code;
use crate::model::PrometheusKind;

use super::lines::Line;
use super::mapping::{Companion, Mapped};
use super::points::{Points, growth, in_total};
use super::promql::{Comparison, Expr, Matcher, Name, Selector, Sign};
use super::reader::{Reader, Scope};
use super::streams;

/// Whether a leaf inside `map` is that of each source in turn.
fn asks_for_each(selector: &composite::Selector) -> bool {
    match selector {
        composite::Selector::Source(source) => source == "&",
        composite::Selector::Tags(tags) => tags.iter().any(|(_, wanted)| wanted == "&"),
    }
}

/// The period of its points where nothing makes them longer.
pub fn own_period(leaf: &Leaf, metric: &Mapped) -> i64 {
    let said = leaf.period.and_then(|period| i64::try_from(period).ok());
    said.unwrap_or(metric.period).max(metric.samples)
}

/// The function of a statistic.
pub fn over_time(function: Statistic) -> &'static str {
    match function {
        Statistic::Min => "min_over_time",
        Statistic::Max => "max_over_time",
        Statistic::Mean => "avg_over_time",
        Statistic::Sum => "sum_over_time",
        Statistic::Count => "count_over_time",
    }
}

/// The points of a leaf, and whether they have the scale of the metric.
fn leaf_points(
    function: Statistic,
    metric: &Mapped,
    selector: &Selector,
    period: i64,
    offset: i64,
) -> Option<(Points, bool)> {
    let samples = Points::Samples(selector.clone());
    let total = |what| Some(growth(&Points::Samples(metric.companion(selector, what)?), period, offset));
    let counted = |what| Some(in_total(metric.companion(selector, what)?, period, offset));
    if let Some(own) = of_companion(metric, selector, function) {
        return Some(match function {
            Statistic::Count => (Points::Worked(in_total(own, period, offset)), false),
            _ => (Points::Samples(own), true),
        });
    }
    let worked = match (metric.kind, function) {
        (PrometheusKind::Stats, Statistic::Mean) if metric.samples < period => {
            counted(Companion::Sum)?.binary(Sign::By, counted(Companion::Count)?)
        }
        (PrometheusKind::Stats, Statistic::Mean) => return Some((samples, true)),
        (PrometheusKind::Gauge, Statistic::Count) => return Some((samples, false)),
        (PrometheusKind::Gauge | PrometheusKind::Counter, _) => return Some((samples, true)),
        (PrometheusKind::Delta, Statistic::Sum) => growth(&samples, period, offset),
        (PrometheusKind::Delta, Statistic::Mean) if metric.period == period => {
            growth(&samples, period, offset)
        }
        (PrometheusKind::Summary, Statistic::Mean) => {
            total(Companion::Sum)?.binary(Sign::By, total(Companion::Count)?.compared(Sign::IsNot, 0.0))
        }
        (PrometheusKind::Summary, Statistic::Sum) => total(Companion::Sum)?,
        (PrometheusKind::Summary, Statistic::Count) => {
            return Some((Points::Worked(total(Companion::Count)?), false));
        }
        (PrometheusKind::Delta | PrometheusKind::Summary | PrometheusKind::Stats, _) => return None,
    };
    Some((Points::Worked(worked), true))
}

/// The series that hold a statistic themselves.
fn of_companion(metric: &Mapped, selector: &Selector, function: Statistic) -> Option<Selector> {
    let what = match function {
        Statistic::Sum => Companion::Sum,
        Statistic::Count => Companion::Count,
        Statistic::Min => Companion::Min,
        Statistic::Max => Companion::Max,
        Statistic::Mean => return None,
    };
    // the totals of a summary only grow
    let grows = metric.kind == PrometheusKind::Summary && matches!(what, Companion::Sum | Companion::Count);
    metric.companion(selector, what).filter(|_| !grows)
}

impl Reader<'_> {
    /// The metrics that a leaf means.
    pub fn metrics(&self, leaf: &Leaf) -> Vec<Mapped> {
        if !leaf.metric.contains('*') {
            return vec![self.mapping.metric(&leaf.metric)];
        }
        self.mapping.matching(&leaf.metric).into_iter().map(|name| self.mapping.metric(name)).collect()
    }

    /// The series of a leaf.
    pub fn leaves(&mut self, leaf: &Leaf, span: &Range<usize>, scope: &Scope) -> Option<Vec<Line>> {
        if !leaf.metric.contains('*') {
            if self.mapping.composite(&leaf.metric).is_some() {
                let text = "a composite cannot read another one";
                self.refuse(Code::NestedComposite, span, text, "write out what it computes");
                return None;
            }
            let metric = self.mapping.metric(&leaf.metric);
            metric.doubt(&leaf.metric, &self.here, self.reasons);
            return Some(vec![self.leaf(leaf, &metric, span, scope)?]);
        }
        self.approximate(Code::Names, span, "a pattern of metrics is rendered for those that are declared");
        let names = self.mapping.matching(&leaf.metric);
        if names.is_empty() {
            return Some(vec![self.by_name(leaf, span, scope)?]);
        }
        names.into_iter().map(|name| self.leaf(leaf, &self.mapping.metric(name), span, scope)).collect()
    }

    /// Metrics of which nothing is declared: the newest sample, which alone keeps their names apart.
    fn by_name(&mut self, leaf: &Leaf, span: &Range<usize>, scope: &Scope) -> Option<Line> {
        let like = self.mapping.metric(&leaf.metric);
        let mut line = self.leaf(leaf, &like, span, scope)?;
        let selector = self.selector(leaf, &like, scope);
        let selector = Selector { name: Name::Matching(self.mapping.names_like(&leaf.metric)), ..selector };
        line.expr = Expr::over(
            "last_over_time",
            Expr::Series(selector.clone()),
            line.period,
            scope.offset,
            line.period,
        );
        line.points =
            if scope.offset == 0 { Points::Samples(selector) } else { Points::Worked(line.expr.clone()) };
        line.single = false;
        Some(line)
    }

    fn selector(&mut self, leaf: &Leaf, metric: &Mapped, scope: &Scope) -> Selector {
        let mut selector =
            streams::of_leaf(&leaf.selector, scope.map.as_deref(), metric, &self.here, self.reasons);
        for label in &scope.by {
            // What lacks a tag is in no group.
            if !selector.matchers.iter().any(|matcher| matcher.label == *label) {
                selector = selector.and(Matcher::present(label));
            }
        }
        selector
    }

    fn leaf(&mut self, leaf: &Leaf, metric: &Mapped, span: &Range<usize>, scope: &Scope) -> Option<Line> {
        let selector = self.selector(leaf, metric, scope);
        if scope.map.is_some() && !asks_for_each(&leaf.selector) {
            let text = "inside `map` every series is that of a source";
            self.refuse(Code::NotOneSeries, span, text, "write \"&\" for its source");
            return None;
        }
        let period = scope.period.unwrap_or_else(|| own_period(leaf, metric));
        if metric.samples < period {
            self.edge(span);
        }
        let Some((points, scaled)) = leaf_points(leaf.function, metric, &selector, period, scope.offset)
        else {
            let text = format!("what {} holds there has no such statistic", metric.name);
            let help = "choose another function, or say what it holds: `kind` in settings.prometheus.metrics";
            self.refuse(Code::KindDoesNotFit, span, &text, help);
            return None;
        };
        let scale = if scaled { metric.scale } else { 1.0 };
        let expr = match (&points, metric.kind) {
            (Points::Samples(_), PrometheusKind::Counter) => {
                points.over("last_over_time", period, scope.offset, period)
            }
            (Points::Samples(_), _) => points.over(over_time(leaf.function), period, scope.offset, period),
            (Points::Worked(expr), _) => expr.clone(),
        };
        let (expr, points) = if scale == 1.0 {
            let plain = scope.offset == 0
                && metric.samples >= period
                && matches!(
                    leaf.function,
                    Statistic::Mean | Statistic::Min | Statistic::Max | Statistic::Sum
                );
            let points = if plain { points } else { Points::Worked(expr.clone()) };
            (expr, points)
        } else {
            let expr = expr.binary(Sign::Times, Expr::Number(scale));
            (expr.clone(), Points::Worked(expr))
        };
        let exact = |matcher: &&Matcher| {
            matcher.comparison == Comparison::Is
                && !matcher.value.is_empty()
                && !metric.labels.contains_key(&matcher.label)
        };
        let fixed: BTreeMap<String, String> = selector
            .matchers
            .iter()
            .filter(exact)
            .map(|matcher| (matcher.label.clone(), matcher.value.clone()))
            .collect();
        let of_source = metric.source.as_ref();
        let single = of_source.is_some_and(|label| {
            fixed.contains_key(label) || scope.map.is_some() && scope.by.contains(label)
        });
        Some(Line { expr, points, single, fixed, labels: None, period })
    }
}
