//! From values to shares of an axis: equal steps or decades, ends that are worked out, reached or fixed, and what is written at ticks.

use super::number::Form;
use super::scene::Axis;
use super::ticks::{self, Steps};

/// An axis that is settled.
#[derive(Debug, Clone)]
pub struct Scale {
    low: f64,
    high: f64,
    log: bool,
    /// Values with what is written there, from the bottom up.
    pub ticks: Vec<(f64, String)>,
    /// Written at the top.
    pub unit: String,
    /// Equal steps, where it has them.
    pub steps: Option<usize>,
    /// Its ends were given, so values may lie beyond.
    pub fixed: bool,
}

/// Where decades begin and end: numbers go a little further, and are shown at the edge.
const DECADES: (f64, f64) = (1e-307, 1e308);

/// Below this share of the greatest value the least one makes an axis begin at zero.
const NEAR_ZERO: f64 = 0.6;

impl Scale {
    /// For values from `low` to `high`, which may be none; on the grid of another with `steps`; with `most` steps otherwise.
    pub fn of(
        axis: &Axis,
        range: Option<(f64, f64)>,
        log: bool,
        zero: bool,
        most: usize,
        steps: Option<usize>,
    ) -> Self {
        let (fixed_low, fixed_high) = match (finite(axis.min), finite(axis.max)) {
            (Some(min), Some(max)) if min >= max => (None, None),
            ends => ends,
        };
        let is_told =
            [fixed_low, fixed_high, finite(axis.low), finite(axis.high)].iter().any(Option::is_some);
        let (mut low, mut high) = range.unwrap_or((0.0, 1.0));
        if range.is_none() && !is_told {
            // Numbers at an axis would claim what nothing says.
            // A logarithmic one stays so, that it goes on taking nothing that is not positive.
            let (low, high) = if log { (1.0, 10.0) } else { (low, high) };
            return Self {
                low,
                high,
                log,
                ticks: Vec::new(),
                unit: String::new(),
                steps: None,
                fixed: false,
            };
        }
        if let Some(reach) = finite(axis.low).filter(|reach| !log || *reach > 0.0) {
            low = low.min(reach);
        }
        if let Some(reach) = finite(axis.high).filter(|reach| !log || *reach > 0.0) {
            high = high.max(reach);
        }
        if log {
            return Self::decades(axis, low, high, fixed_low, fixed_high);
        }
        if low > 0.0 && (zero || low <= high * NEAR_ZERO) {
            low = 0.0;
        } else if high < 0.0 && (zero || high >= low * NEAR_ZERO) {
            high = 0.0;
        }
        if low >= high {
            let room = if low == 0.0 { 1.0 } else { low.abs() / 10.0 };
            (low, high) = if low == 0.0 { (0.0, 1.0) } else { (low - room, high + room) };
        }
        let (low, high) = (fixed_low.unwrap_or(low), fixed_high.unwrap_or(high));
        let (low, high) = if low < high { (low, high) } else { around(low, high, fixed_low.is_some()) };
        let fixed = fixed_low.is_some() || fixed_high.is_some();
        let form = Form::of(low.abs().max(high.abs()), &axis.unit);
        let (small, large) = (low / form.divisor, high / form.divisor);
        let found = match steps {
            Some(count) if !fixed => ticks::values_in(small, large, count),
            _ => ticks::values(small, large, most),
        };
        let Some(found) = found else { return Self::bare(low, high, &form, fixed) };
        let ends = (
            fixed_low.unwrap_or(found.low * form.divisor),
            fixed_high.unwrap_or(found.high() * form.divisor),
        );
        let label = |tick: f64| (tick * form.divisor, form.tick(tick * form.divisor, found.step));
        let inside = |(value, _): &(f64, String)| *value >= ends.0 && *value <= ends.1;
        let ticks = found.ticks().map(label).filter(inside).collect();
        let Steps { count, .. } = found;
        Self {
            low: ends.0,
            high: ends.1,
            log: false,
            ticks,
            unit: form.unit,
            steps: (!fixed).then_some(count),
            fixed,
        }
    }

    /// Where no round numbers lie between the ends.
    fn bare(low: f64, high: f64, form: &Form, fixed: bool) -> Self {
        let step = high / 2.0 - low / 2.0;
        let ticks = [low, high].map(|value| (value, form.tick(value, step))).into();
        Self { low, high, log: false, ticks, unit: form.unit.clone(), steps: None, fixed }
    }

    fn decades(axis: &Axis, low: f64, high: f64, fixed_low: Option<f64>, fixed_high: Option<f64>) -> Self {
        let positive = |end: Option<f64>| end.filter(|end| *end > 0.0);
        let (fixed_low, fixed_high) = (positive(fixed_low), positive(fixed_high));
        let fixed = fixed_low.is_some() || fixed_high.is_some();
        let (low, high) = if low > 0.0 && high > 0.0 { (low, high) } else { (1.0, 10.0) };
        let (low, high) = (fixed_low.unwrap_or(low), fixed_high.unwrap_or(high));
        let first = (low.log10() + 1e-9).floor();
        let last = (high.log10() - 1e-9).ceil().max(first + 1.0);
        // Kept where a power of ten and its tenth can both be told from zero.
        let end = |fixed: Option<f64>, power: f64| {
            fixed.unwrap_or_else(|| 10_f64.powf(power)).clamp(DECADES.0, DECADES.1)
        };
        let (low, high) = (end(fixed_low, first), end(fixed_high, last));
        let high = if high > low { high } else { low * 10.0 };
        let every = ((last - first) / 5.0).ceil().max(1.0);
        let mut ticks = Vec::new();
        let mut power = first;
        while power <= last {
            let value = 10_f64.powf(power);
            if value >= low && value <= high {
                let form = Form::of(if value < 1e5 { 1.0 } else { value }, "");
                ticks.push((value, form.tick(value, value / form.divisor)));
            }
            power += every;
        }
        Self { low, high, log: true, ticks, unit: axis.unit.clone(), steps: None, fixed }
    }

    /// Where a value stands, 0 at the bottom and 1 at the top; beyond that outside.
    pub fn share(&self, value: f64) -> f64 {
        if self.log {
            let value = value.clamp(DECADES.0, DECADES.1);
            return (value.log10() - self.low.log10()) / (self.high.log10() - self.low.log10());
        }
        // Halved, since the whole range of numbers is wider than the largest of them.
        (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0)
    }

    /// Its lower and its upper end.
    pub fn ends(&self) -> (f64, f64) {
        (self.low, self.high)
    }

    /// Whether it has decades.
    pub fn is_log(&self) -> bool {
        self.log
    }

    /// Whether a value can be shown at all.
    pub fn takes(&self, value: f64) -> bool {
        value.is_finite() && (!self.log || value > 0.0)
    }

    /// Where the axis is crossed by what has no height: zero, or the end nearest to it.
    pub fn floor(&self) -> f64 {
        if self.log { self.low } else { 0.0_f64.clamp(self.low, self.high) }
    }
}

fn around(low: f64, high: f64, low_is_fixed: bool) -> (f64, f64) {
    let room = low.abs().max(high.abs()).max(1.0) / 10.0;
    if low_is_fixed { (low, low + room) } else { (high - room, high) }
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite() && value.abs() < 1e300)
}
