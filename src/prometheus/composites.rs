//! A composite as the expression of a recording rule: leaves are windows of one period, and what is done with them stays in its order.
//! Knows nothing of rules and files.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::composite::{self, Choice, Combine, Each, Filling, Leaf, Node, Op, Query, Select, Statistic};
use crate::diag::{Code, Route};
use crate::model::PrometheusKind;

use super::fidelity::Reasons;
use super::leaves::{asks_for_each, leaf_points, over_time, own_period};
use super::lines::{Line, SET, aggregated, common, derived, opened, union, windowed, with};
use super::mapping::{Mapped, Mapping};
use super::names::{names_like, plain_label};
use super::points::Points;
use super::promql::{Comparison, Expr, Name, Selector, Sign};
use super::streams;

/// What ranking and filling look at: as far back as the service does for alerts.
const BACK: i64 = 900;

/// Renders a query; `None` where it is refused. `lag` is how many seconds ago it is evaluated for, `resolution` how long its points are.
pub fn composite(
    query: &Query,
    mapping: &Mapping<'_>,
    source: Option<&str>,
    (lag, resolution): (i64, i64),
    reasons: &mut Reasons,
) -> Option<Recording> {
    let here = Route::root().key("composite");
    let mut reader = Reader { mapping, source, here, reasons };
    let scope = Scope { by: Vec::new(), map: None, period: None, offset: lag };
    let lines = reader.lines(query.root(), &scope)?;
    if let Some(shortest) = lines.iter().map(|line| line.period).min()
        && shortest < resolution
    {
        reader.edge(&query.root().span);
    }
    if lines.len() > 1 {
        let text = format!("several sets are told apart by the label {SET}");
        reader.reasons.approximate(Code::Names, &reader.here, text);
    }
    if reader.reasons.refused() {
        return None;
    }
    let Line { expr, labels, .. } = union(lines)?;
    Some(Recording { expr, labels })
}

/// What is recorded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// The expression.
    pub expr: Expr,
    /// The labels of its series, where it leaves some of them out.
    pub labels: Option<Vec<String>>,
}

/// What holds for a part of a definition.
#[derive(Debug, Clone)]
struct Scope {
    /// The labels by which everything in it is done once for each value.
    by: Vec<String>,
    /// What `&` stands for.
    map: Option<String>,
    /// The period of all leaves, where a function over several series brings them to one.
    period: Option<i64>,
    /// How long ago.
    offset: i64,
}

struct Reader<'a> {
    mapping: &'a Mapping<'a>,
    source: Option<&'a str>,
    here: Route,
    reasons: &'a mut Reasons,
}

impl Reader<'_> {
    fn refuse(&mut self, code: Code, span: &Range<usize>, text: &str, help: &str) {
        self.reasons.refuse(code, &self.here, text).within(span).help(help);
    }

    fn approximate(&mut self, code: Code, span: &Range<usize>, text: &str) {
        self.reasons.approximate(code, &self.here, text).within(span);
    }

    fn edge(&mut self, span: &Range<usize>) {
        let text = "where several samples make a point, rules look back from now, and the service goes by whole periods";
        self.approximate(Code::Edge, span, text);
    }

    /// What stands at a node; `None` where something was refused.
    fn lines(&mut self, node: &Node, scope: &Scope) -> Option<Vec<Line>> {
        let span = &node.span;
        match &node.op {
            Op::Series(leaf) => self.leaves(leaf, span, scope),
            Op::Set(items) => {
                let all: Vec<_> = items.iter().map(|item| self.lines(item, scope)).collect();
                Some(all.into_iter().collect::<Option<Vec<_>>>()?.concat())
            }
            Op::Combine(how, set) => {
                let longest = self.longest(set);
                let inner = Scope { period: scope.period.max(longest), ..scope.clone() };
                let lines = self.lines(set, &inner)?;
                match how {
                    Combine::Sum => Some(vec![aggregated("sum", lines, &scope.by)?]),
                    Combine::Mean => Some(vec![aggregated("avg", lines, &scope.by)?]),
                    Combine::Min => Some(vec![aggregated("min", lines, &scope.by)?]),
                    Combine::Max => Some(vec![aggregated("max", lines, &scope.by)?]),
                    Combine::Count => Some(vec![aggregated("count", lines, &scope.by)?]),
                    Combine::Multiply => self.paired(Sign::Times, &lines, span, scope),
                    Combine::Divide => self.paired(Sign::By, &lines, span, scope),
                    Combine::Subtract => self.paired(Sign::Minus, &lines, span, scope),
                }
            }
            Op::Each(each, set) => {
                let lines = self.lines(set, scope)?;
                lines.into_iter().map(|line| self.each(each, &line, span, scope)).collect()
            }
            Op::Select(select, set) => {
                let lines = self.lines(set, scope)?;
                Some(vec![self.selected(select, union(lines)?, span, scope)])
            }
            Op::Timeshift(shifts, set) => {
                let mut all = Vec::new();
                for shift in shifts {
                    if *shift < 0 {
                        self.refuse(
                            Code::LooksAhead,
                            span,
                            "rules cannot look into the future",
                            "shift into the past only",
                        );
                        return None;
                    }
                    let inner = Scope { offset: scope.offset.saturating_add(*shift), ..scope.clone() };
                    all.extend(self.lines(set, &inner)?);
                }
                Some(all)
            }
            Op::GroupBy(tags, set) => {
                let mut inner = scope.clone();
                inner.by.extend(tags.iter().map(|tag| plain_label(tag)));
                inner.by.sort();
                inner.by.dedup();
                Some(opened(self.lines(set, &inner)?))
            }
            Op::Map(tag, pattern, set) => {
                let label = if tag == composite::SOURCE {
                    self.source.map(str::to_owned)
                } else {
                    Some(plain_label(tag))
                };
                let Some(label) = label else {
                    let help = "name the label that holds it: settings.prometheus.source";
                    self.refuse(Code::NotMapped, span, "no label holds the source", help);
                    return None;
                };
                let mut inner = Scope { map: Some(pattern.clone()), ..scope.clone() };
                inner.by.push(label);
                inner.by.sort();
                inner.by.dedup();
                Some(opened(self.lines(set, &inner)?))
            }
        }
    }

    /// The longest period of the leaves below.
    fn longest(&self, node: &Node) -> Option<i64> {
        match &node.op {
            Op::Series(leaf) => self.metrics(leaf).iter().map(|metric| own_period(leaf, metric)).max(),
            Op::Set(items) => items.iter().filter_map(|item| self.longest(item)).max(),
            Op::Combine(_, set)
            | Op::Each(_, set)
            | Op::Select(_, set)
            | Op::Timeshift(_, set)
            | Op::GroupBy(_, set)
            | Op::Map(_, _, set) => self.longest(set),
        }
    }

    fn metrics(&self, leaf: &Leaf) -> Vec<Mapped> {
        if !leaf.metric.contains('*') {
            return vec![self.mapping.metric(&leaf.metric)];
        }
        self.mapping.matching(&leaf.metric).into_iter().map(|name| self.mapping.metric(name)).collect()
    }

    fn leaves(&mut self, leaf: &Leaf, span: &Range<usize>, scope: &Scope) -> Option<Vec<Line>> {
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
        let selector = Selector { name: Name::Matching(names_like(&leaf.metric)), ..selector };
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
                selector = selector.and(super::promql::Matcher::present(label));
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
        let exact = |matcher: &&super::promql::Matcher| {
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

    fn paired(
        &mut self,
        sign: Sign,
        lines: &[Line],
        span: &Range<usize>,
        scope: &Scope,
    ) -> Option<Vec<Line>> {
        if sign == Sign::Times && lines.len() == 1 && !lines[0].single {
            let help = "multiply what is known to be single series: multiply([a, b])";
            self.refuse(Code::NoProduct, span, "Prometheus has no product of any number of series", help);
            return None;
        }
        if lines.len() != 2 && sign != Sign::Times {
            let help = "write both in brackets: [a, b]";
            self.refuse(Code::NotOneSeries, span, "this takes two series, each at its place", help);
            return None;
        }
        let fixed = common(lines);
        let on = with(&scope.by, &fixed);
        let mut sides = Vec::new();
        for line in lines {
            if line.single {
                sides.push(line.expr.clone());
                continue;
            }
            let text = "an operand may be several series; there is a value only while it is one";
            self.approximate(Code::NotOneSeries, span, text);
            let total = Expr::aggregate("sum", &on, line.expr.clone());
            let count = Expr::aggregate("count", &on, line.expr.clone()).compared(Sign::Is, 1.0);
            sides.push(total.binary(Sign::And, count));
        }
        let period = lines.iter().map(|line| line.period).max().unwrap_or(60);
        let mut sides = sides.into_iter();
        let first = sides.next()?;
        let expr = sides.fold(first, |left, right| match sign {
            Sign::By => left.paired(sign, &on, right.compared(Sign::IsNot, 0.0)),
            _ => left.paired(sign, &on, right),
        });
        Some(vec![Line {
            points: Points::Worked(expr.clone()),
            expr,
            single: true,
            fixed,
            labels: Some(on),
            period,
        }])
    }

    fn each(&mut self, each: &Each, line: &Line, span: &Range<usize>, scope: &Scope) -> Option<Line> {
        let expr = line.expr.clone();
        let period = line.period;
        let made = match each {
            Each::Abs => Expr::Call("abs", vec![expr]),
            Each::Floor => Expr::Call("floor", vec![expr]),
            Each::Ceiling => Expr::Call("ceil", vec![expr]),
            Each::Scale(factor) => expr.binary(Sign::Times, Expr::Number(*factor)),
            Each::Rate(duration) => {
                let rate = expr.binary(Sign::By, Expr::Number(period as f64));
                if *duration == 1.0 { rate } else { rate.binary(Sign::Times, Expr::Number(*duration)) }
            }
            Each::Derive { detect_reset } => derived(&line.points, period, *detect_reset),
            Each::Integrate => {
                let help = "alert on the change itself, or keep the total where it is measured";
                self.refuse(
                    Code::NoStart,
                    span,
                    "rules know no beginning that totals could be counted from",
                    help,
                );
                return None;
            }
            Each::Window { size: 0 | 1, function: _ } => expr,
            Each::Window { size, function } => {
                self.approximate(
                    Code::PointsByTime,
                    span,
                    "a window goes over time, where the service takes points across gaps",
                );
                let length = i64::try_from(*size).unwrap_or(i64::MAX).saturating_mul(period);
                windowed(*function, expr, length, period)
            }
            Each::Fill(filling) => {
                self.approximate(
                    Code::FillFromNow,
                    span,
                    "gaps are filled from what was there within a quarter of an hour",
                );
                let last = line.points.over("last_over_time", BACK, 0, period);
                match filling {
                    Filling::Last => last,
                    Filling::Value(value) => {
                        let bare = line.single && line.fixed.is_empty() && scope.by.is_empty();
                        let filled = if bare {
                            Expr::Call("vector", vec![Expr::Number(*value)])
                        } else {
                            let zero = Expr::Number(0.0).binary(Sign::Times, last);
                            if *value == 0.0 { zero } else { zero.binary(Sign::Plus, Expr::Number(*value)) }
                        };
                        expr.binary(Sign::Or, filled)
                    }
                }
            }
        };
        Some(Line::worked(made, line))
    }

    fn selected(&mut self, select: &Select, line: Line, span: &Range<usize>, scope: &Scope) -> Line {
        let Select { by, how } = select;
        if *how == Choice::Sort {
            return line;
        }
        self.approximate(Code::RankWindow, span, "series are chosen by the last quarter of an hour");
        let rank = || line.points.over(over_time(*by), BACK, 0, line.period);
        let best = |function, count: usize| Expr::Aggregate {
            function,
            by: scope.by.clone(),
            first: Some(count as f64),
            of: Box::new(rank()),
        };
        let within = |expr: Expr, sign, bound: Option<f64>| match bound {
            Some(bound) => expr.binary(Sign::And, rank().compared(sign, bound)),
            None => expr,
        };
        let (expr, single) = match how {
            Choice::Sort => return line,
            Choice::Top(count) => (line.expr.clone().binary(Sign::And, best("topk", *count)), *count == 1),
            Choice::Bottom(count) => {
                (line.expr.clone().binary(Sign::And, best("bottomk", *count)), *count == 1)
            }
            Choice::Filter(bounds) => {
                let expr = within(line.expr.clone(), Sign::Above, bounds.gt);
                let expr = within(expr, Sign::Below, bounds.lt);
                let expr = within(expr, Sign::AtLeast, bounds.gte);
                (within(expr, Sign::AtMost, bounds.lte), line.single)
            }
        };
        Line { single, ..Line::worked(expr, &line) }
    }
}
