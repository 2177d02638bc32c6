//! Values and times on a grid of characters: which row, which column, what lies between two points, where ticks stand.
//! Knows neither what is drawn nor what it means.

use librato_apply::picture::ticks;

/// From values to rows, the largest at the top.
pub struct Scale {
    low: f64,
    high: f64,
    /// Round numbers to show beside the axis.
    pub ticks: Vec<f64>,
    rows: usize,
}

impl Scale {
    /// Ends at round numbers outside of what is drawn; at most so many steps between them.
    pub fn of(values: impl Iterator<Item = f64> + Clone, rows: usize, steps: usize) -> Self {
        let (mut low, mut high) =
            (values.clone().fold(f64::INFINITY, f64::min), values.fold(f64::NEG_INFINITY, f64::max));
        if low > high {
            (low, high) = (0.0, 1.0);
        }
        if low >= high {
            let room = if low == 0.0 { 1.0 } else { low.abs() / 10.0 };
            (low, high) = (low - room, high + room);
        }
        match ticks::values(low, high, steps) {
            Some(steps) => Self { low: steps.low, high: steps.high(), ticks: steps.ticks().collect(), rows },
            // Numbers so large or so close that no round ones lie between them.
            None => Self { low, high, ticks: vec![low, high], rows },
        }
    }

    /// The row of a value.
    pub fn row(&self, value: f64) -> usize {
        // Halved, since the whole range of numbers is wider than the largest of them.
        let share = (value / 2.0 - self.low / 2.0) / (self.high / 2.0 - self.low / 2.0);
        let from_below = (share.clamp(0.0, 1.0) * (self.rows - 1) as f64).round() as usize;
        self.rows - 1 - from_below
    }
}

/// From times to columns.
pub struct Frame {
    /// The time of the first column.
    pub start: i64,
    /// The time of the last one, later than the first.
    pub end: i64,
    /// How many there are.
    pub columns: usize,
}

impl Frame {
    /// The column of a time.
    pub fn column(&self, time: i64) -> usize {
        let share = (time - self.start) as f64 / (self.end - self.start) as f64;
        (share.clamp(0.0, 1.0) * (self.columns - 1) as f64).round() as usize
    }

    /// Seconds from tick to tick, with so many columns for each.
    pub fn step(&self, columns: usize) -> i64 {
        let most = i64::try_from(self.columns / columns).unwrap_or(1).max(1);
        let step = STEPS.iter().find(|step| (self.end - self.start) / **step < most);
        step.copied().unwrap_or(self.end - self.start)
    }
}

/// Seconds from tick to tick.
const STEPS: &[i64] = &[
    1, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 1_209_600, 2_592_000, 7_776_000, 31_536_000,
];

/// The cells between two, as (column, row).
pub fn between(a: (usize, usize), b: (usize, usize)) -> Vec<(usize, usize)> {
    let [(from, above), (to, below)] = [a, b].map(|(column, row)| (column as f64, row as f64));
    let steps = (to - from).abs().max((below - above).abs());
    let mut cells = Vec::new();
    let mut step = 1.0;
    while step < steps {
        let share = step / steps;
        let (column, row) = (from + (to - from) * share, above + (below - above) * share);
        cells.push((column.round() as usize, row.round() as usize));
        step += 1.0;
    }
    cells
}
