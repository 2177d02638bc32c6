//! Functions that keep some of the series, or order them, by one number for each.
//! A series without points has no such number and is left out.

use std::cmp::Ordering;

use super::super::query::{Bounds, Choice, Select};
use super::series::Series;

/// What is kept, in the order it is kept in. Series of equal rank stay in the order they came in.
pub(super) fn select(select: &Select, inputs: Vec<Series>) -> Vec<Series> {
    let mut ranked: Vec<(f64, Series)> =
        inputs.into_iter().filter_map(|series| Some((series.overall(select.by)?, series))).collect();
    let most = match &select.how {
        Choice::Filter(bounds) => {
            ranked.retain(|(number, _)| bounds.hold(*number));
            usize::MAX
        }
        Choice::Top(count) => {
            ranked.sort_by(|a, b| descending(a.0, b.0));
            *count
        }
        Choice::Bottom(count) => {
            ranked.sort_by(|a, b| descending(b.0, a.0));
            *count
        }
        Choice::Sort => {
            ranked.sort_by(|a, b| descending(a.0, b.0));
            usize::MAX
        }
    };
    ranked.into_iter().map(|(_, series)| series).take(most).collect()
}

fn descending(a: f64, b: f64) -> Ordering {
    b.total_cmp(&a)
}

impl Bounds {
    fn hold(&self, number: f64) -> bool {
        self.gt.is_none_or(|bound| number > bound)
            && self.lt.is_none_or(|bound| number < bound)
            && self.gte.is_none_or(|bound| number >= bound)
            && self.lte.is_none_or(|bound| number <= bound)
    }
}
