//! How a chart is looked at: when, how wide, by whom, and what was chosen for its `%`.

use jiff::tz::TimeZone;

use crate::picture::Window;

/// What beside the plot takes of the width of a picture: values on the left, names or a second axis on the right.
const BESIDE: u32 = 118;

/// How a chart is looked at.
#[derive(Debug, Clone)]
pub struct View {
    /// What time is shown.
    pub window: Window,
    /// The second it is. A bucket that is not over yet would look like a fall, and is left out.
    pub now: i64,
    /// The finest resolution that is kept for the whole window, in seconds.
    pub kept: i64,
    /// Of the whole picture, in CSS pixels.
    pub width: u32,
    /// Of the plot, in CSS pixels.
    pub height: u32,
    /// With a title, a legend and the time, rather than for a page that has these around it.
    pub whole: bool,
    /// Of the times that are written.
    pub zone: TimeZone,
    /// What `%` stands for: a pattern, `a OR b`, `!a`.
    pub source: Option<String>,
    /// What was chosen for dynamic tags.
    pub tags: Vec<(String, String)>,
    /// Names of series that are not drawn.
    pub hidden: Vec<String>,
}

impl View {
    /// Pixels that can have a point of their own.
    pub fn pixels(&self) -> u32 {
        self.width.saturating_sub(BESIDE).max(1)
    }

    /// How long the window is.
    pub fn seconds(&self) -> i64 {
        self.window.end.saturating_sub(self.window.start).max(1)
    }
}
