//! Where times and values stand in the plot, and the measures that its parts share.

use super::super::list::Area;
use super::super::scale::Scale;
use super::super::scene::Scene;

/// Left of the plot, always, so that pictures below each other share their times.
pub const LEFT: f64 = 60.0;
/// For a third axis.
pub const THIRD: f64 = 52.0;
/// Around a picture that stands for itself.
pub const PADDING: f64 = 16.0;
/// Names stand at the ends of so many lines.
pub const NAMED: usize = 6;

/// Places of times and values.
pub struct Sheet<'a> {
    pub scene: &'a Scene,
    pub plot: Area,
    pub scales: Vec<Scale>,
}

/// Beyond this, places are outside whatever the picture.
const FAR: f64 = 20_000.0;

impl Sheet<'_> {
    pub fn x(&self, time: i64) -> f64 {
        let (start, end) = (self.scene.window.start as f64, self.scene.window.end as f64);
        let share = (time as f64 - start) / (end - start).max(1.0);
        (self.plot.left + share * self.plot.width()).clamp(-FAR, FAR)
    }

    pub fn y(&self, axis: usize, value: f64) -> f64 {
        let share = self.scale(axis).share(value);
        let share = if share.is_nan() { 0.0 } else { share };
        (self.plot.bottom - share * self.plot.height()).clamp(-FAR, FAR)
    }

    /// Axes that are more than can be drawn share the last one.
    pub fn scale(&self, axis: usize) -> &Scale {
        &self.scales[axis.min(self.scales.len() - 1)]
    }

    /// Whether something at a time can be seen.
    pub fn sees(&self, time: i64) -> bool {
        (self.scene.window.start..=self.scene.window.end).contains(&time)
    }
}
