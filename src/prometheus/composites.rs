//! A composite as the expression of a recording rule: leaves are windows of one period, and what is done with them stays in its order.
//! Knows nothing of rules and files.

use std::ops::Range;

use crate::composite::{self, Combine, Node, Op, Query};
use crate::diag::{Code, Route};

use super::fidelity::Reasons;
use super::leaves::own_period;
use super::lines::{Line, SET, aggregated, common, opened, union, with};
use super::mapping::Mapping;
use super::names::plain_label;
use super::points::Points;
use super::promql::{Expr, Sign};
use super::reader::{Reader, Scope};

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
    pub expr: Expr,
    /// The labels of its series, where it leaves some of them out.
    pub labels: Option<Vec<String>>,
}

impl Reader<'_> {
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
}
