//! A function over what one call of `series` finds, worked out while that is read: each series is added to a grid and gone before the next
//! one comes. Costs what the same costs step by step, and tells the same; the step by step way is taken where this one does not go.

use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::query::{Combine, Leaf, Node, Op};
use super::combine::{framed, narrow, statistic};
use super::grid::Grid;
use super::leaf::{NOTHING, of_stored};
use super::limits::{MATCHED_BYTES, NODE, SERIES, series_bytes};
use super::series::{Call, Series, floor};
use super::{EvalError, Evaluator, Made, Request, Scope, Step, Stored};

/// Why reading ended before its end.
enum End {
    Refused(EvalError),
    /// Series of other periods, or a stretch of time that is too long.
    Otherwise,
}

/// What was put together so far.
#[derive(Default)]
struct Total {
    /// What the result has in common with all series, and their points.
    made: Option<(Series, Grid)>,
    series: usize,
    points: usize,
}

impl Evaluator<'_> {
    /// What the function `how` of `node` makes of `set`; nothing where that is more than a single call, is asked for again elsewhere, or
    /// does not lie on one grid.
    pub(super) fn streamed(
        &mut self,
        how: Combine,
        set: &Node,
        node: &Node,
        scope: &Scope,
    ) -> Result<Option<Made>, EvalError> {
        let one_by_one =
            matches!(how, Combine::Sum | Combine::Mean | Combine::Min | Combine::Max | Combine::Count);
        let (listed, call) = match &set.op {
            Op::Set(items) if items.len() == 1 => (true, &items[0]),
            _ => (false, set),
        };
        let Op::Series(leaf) = &call.op else { return Ok(None) };
        if !one_by_one || scope.is_divided() || self.repeated.contains(&leaf) {
            return Ok(None);
        }
        let (work, steps) = (self.work, self.steps);
        if listed {
            self.spend(NODE, &set.span)?;
        }
        self.spend(NODE, &call.span)?;
        let mut explain = self.step(call, Vec::new(), Vec::new());
        let mut total = Total::default();
        match self.read(how, (leaf, call), node, scope, &mut total, &mut explain) {
            Ok(()) => {}
            Err(End::Refused(error)) => return Err(error),
            Err(End::Otherwise) => {
                (self.work, self.steps) = (work, steps);
                return Ok(None);
            }
        }
        if total.series == 0 {
            explain.notes.push(NOTHING.to_owned());
        }
        let mut input = Step { series: total.series, points: total.points, ..explain };
        if listed {
            input = Step {
                what: "[ ]".to_owned(),
                series: total.series,
                points: total.points,
                inputs: vec![input],
                ..Step::default()
            };
        }
        let series = total.made.map(|(frame, grid)| Series { points: grid.points(statistic(how)), ..frame });
        Ok(Some((series.into_iter().collect(), self.step(node, Vec::new(), vec![input]))))
    }

    fn read(
        &mut self,
        how: Combine,
        (leaf, call): (&Leaf, &Node),
        node: &Node,
        scope: &Scope,
        total: &mut Total,
        explain: &mut Step,
    ) -> Result<(), End> {
        let selector = self.selector(leaf, None);
        let most = self.limits.work.saturating_sub(self.work);
        let Scope { start, end, .. } = *scope;
        let request =
            Request { metric: &leaf.metric, selector: &selector, period: leaf.period, start, end, most };
        let written = Arc::new(Call { metric: leaf.metric.clone(), selector: leaf.selector.clone() });
        let Evaluator { fetch, limits, work, steps, series: held, window, .. } = self;
        let mut each = |stored: Stored| -> Result<(), End> {
            let too_much = |span: &std::ops::Range<usize>| {
                End::Refused(EvalError::TooMuch { limit: limits.work, span: span.clone() })
            };
            let samples = stored.samples.len() as u64;
            // Read, looked at, brought to periods.
            *work = work.saturating_add(2 * (samples + SERIES) + 1);
            if *work > limits.work {
                return Err(too_much(&call.span));
            }
            *steps = steps.saturating_add(MATCHED_BYTES + stored.metric.len() as u64);
            let (mut series, matched) = of_stored(&stored, leaf, &written, window.resolution, scope);
            explain.matched.push(matched);
            total.series += 1;
            total.points += series.points.len();
            *work = work.saturating_add(series.points.len() as u64 + SERIES);
            if *work > limits.work {
                return Err(too_much(&node.span));
            }
            let points = std::mem::take(&mut series.points);
            let (frame, grid) = match &mut total.made {
                Some((frame, grid)) => {
                    narrow(frame, &series);
                    (frame, grid)
                }
                none => {
                    let grid = Grid::new(floor(start, series.period), end, series.period);
                    let (frame, grid) = none.insert((framed(&series, how), grid.ok_or(End::Otherwise)?));
                    (frame, grid)
                }
            };
            let bytes = held
                .saturating_add(*steps)
                .saturating_add(grid.bytes())
                .saturating_add(series_bytes(&stored.metric, points.len()));
            if bytes > limits.memory {
                return Err(End::Refused(EvalError::TooLarge {
                    limit: limits.memory,
                    span: call.span.clone(),
                }));
            }
            if frame.period == series.period && grid.add(&points) { Ok(()) } else { Err(End::Otherwise) }
        };
        let mut ended = None;
        let read = fetch.fetch_each(&request, &mut |stored| match each(stored) {
            Ok(()) => ControlFlow::Continue(()),
            Err(end) => {
                ended = Some(end);
                ControlFlow::Break(())
            }
        });
        if let Some(end) = ended {
            return Err(end);
        }
        read.map_err(|why| End::Refused(EvalError::Fetch { why, span: call.span.clone() }))?;
        self.hold(0, &node.span).map_err(End::Refused)
    }
}
