//! Functions of composites that take each series by itself, and those that choose among them.
//! Knows nothing of where series come from.

use std::ops::Range;

use crate::composite::{Choice, Each, Filling, Select};
use crate::diag::Code;

use super::leaves::over_time;
use super::lines::{Line, derived, windowed};
use super::promql::{Expr, Sign};
use super::reader::{Reader, Scope};

/// What ranking and filling look at: as far back as the service does for alerts.
const BACK: i64 = 900;

impl Reader<'_> {
    /// What is done with each series.
    pub fn each(&mut self, each: &Each, line: &Line, span: &Range<usize>, scope: &Scope) -> Option<Line> {
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

    /// What is left where series are chosen.
    pub fn selected(&mut self, select: &Select, line: Line, span: &Range<usize>, scope: &Scope) -> Line {
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
