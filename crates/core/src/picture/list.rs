//! The display list: marks with places in CSS pixels, and colours by their role. What painters need to know, and no more.

pub use super::color::{Alpha, Ink};

/// A picture that is laid out.
#[derive(Debug, Clone, PartialEq)]
pub struct Picture {
    /// In CSS pixels.
    pub width: f64,
    /// In CSS pixels.
    pub height: f64,
    /// What it is called.
    pub title: String,
    /// What it shows, in a sentence.
    pub summary: String,
    /// Where values are drawn.
    pub plot: Area,
    /// What the plot reaches on each axis; none where it shows a number.
    pub axes: Vec<Reach>,
    /// In the order of painting.
    pub marks: Vec<Mark>,
}

/// Where an axis begins and ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reach {
    /// At the bottom.
    pub low: f64,
    /// At the top.
    pub high: f64,
    /// In decades rather than in equal steps.
    pub log: bool,
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    /// Whether two share more than an edge.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    /// Whether all of another lies inside.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        self.left <= other.left
            && other.right <= self.right
            && self.top <= other.top
            && other.bottom <= self.bottom
    }

    #[must_use]
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    #[must_use]
    pub fn height(&self) -> f64 {
        self.bottom - self.top
    }
}

/// One thing that is painted.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// Lines and areas.
    Shape(Shape),
    /// Writing.
    Text(Text),
}

/// Lines and areas.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// Its outline.
    pub path: Vec<Step>,
    /// What is inside.
    pub fill: Option<Paint>,
    /// The line along it.
    pub stroke: Option<Stroke>,
    /// Only the plot shows it.
    pub clip: bool,
}

/// One step of an outline.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Step {
    Move(f64, f64),
    Line(f64, f64),
    Close,
}

/// A colour, and how much of it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Paint {
    pub ink: Ink,
    pub alpha: Alpha,
}

/// A line.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Stroke {
    pub paint: Paint,
    pub width: f64,
    /// Drawn, left out; nothing for a whole line.
    pub dash: Option<(f64, f64)>,
    /// Along whole pixels, for grids; else with round ends.
    pub crisp: bool,
}

/// Writing on one line.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)]
pub struct Text {
    pub x: f64,
    /// Of the base line.
    pub y: f64,
    pub words: String,
    pub size: f64,
    pub bold: bool,
    pub anchor: Anchor,
    pub ink: Ink,
    /// Kept free of what is below by an edge in the colour of the card.
    pub halo: bool,
}

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Anchor {
    Start,
    Middle,
    End,
}
