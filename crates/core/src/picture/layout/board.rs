//! What is drawn so far. Writing is only taken where it lies inside and meets no other writing, whatever wants to write it.

use super::super::font;
use super::super::list::{Alpha, Anchor, Area, Ink, Mark, Paint, Shape, Step, Stroke, Text};

pub struct Board {
    pub whole: Area,
    pub marks: Vec<Mark>,
    written: Vec<Area>,
}

/// Parts of the size above and below the base line.
const ABOVE: f64 = 0.80;
const BELOW: f64 = 0.22;

impl Board {
    pub fn new(width: f64, height: f64) -> Self {
        let whole = Area { left: 0.0, top: 0.0, right: width, bottom: height };
        let mut board = Self { whole, marks: Vec::new(), written: Vec::new() };
        board.fill(rect(whole), Ink::Card, Alpha::Full, false);
        board
    }

    pub fn fill(&mut self, path: Vec<Step>, ink: Ink, alpha: Alpha, clip: bool) {
        if !path.is_empty() {
            let fill = Some(Paint { ink, alpha });
            self.marks.push(Mark::Shape(Shape { path, fill, stroke: None, clip }));
        }
    }

    pub fn stroke(&mut self, path: Vec<Step>, stroke: Stroke, clip: bool) {
        if !path.is_empty() {
            self.marks.push(Mark::Shape(Shape { path, fill: None, stroke: Some(stroke), clip }));
        }
    }

    /// Whether a text may stand here.
    pub fn is_free(&self, text: &Text) -> bool {
        let area = extent(text);
        self.whole.holds(&area) && !self.written.iter().any(|other| other.meets(&area))
    }

    /// Writes, where there is room. Whether there was.
    pub fn write(&mut self, text: Text) -> bool {
        if text.words.is_empty() || !self.is_free(&text) {
            return false;
        }
        self.written.push(extent(&text));
        self.marks.push(Mark::Text(text));
        true
    }
}

/// The room a text needs.
pub fn extent(text: &Text) -> Area {
    let width = font::width(&text.words, text.size, text.bold);
    let left = match text.anchor {
        Anchor::Start => text.x,
        Anchor::Middle => text.x - width / 2.0,
        Anchor::End => text.x - width,
    };
    let (top, bottom) = (text.y - text.size * ABOVE, text.y + text.size * BELOW);
    Area { left, top, right: left + width, bottom }
}

/// A text in the size and colour of most.
pub fn text(x: f64, y: f64, words: String, anchor: Anchor) -> Text {
    Text { x, y, words, size: 11.0, bold: false, anchor, ink: Ink::Muted, halo: false }
}

pub fn rect(area: Area) -> Vec<Step> {
    let Area { left, top, right, bottom } = area;
    vec![
        Step::Move(left, top),
        Step::Line(right, top),
        Step::Line(right, bottom),
        Step::Line(left, bottom),
        Step::Close,
    ]
}

pub fn line(from: (f64, f64), to: (f64, f64)) -> Vec<Step> {
    vec![Step::Move(from.0, from.1), Step::Line(to.0, to.1)]
}

/// A line one pixel wide.
pub fn thin(ink: Ink) -> Stroke {
    Stroke { paint: Paint { ink, alpha: Alpha::Full }, width: 1.0, dash: None, crisp: true }
}

/// A smooth line.
pub fn smooth(ink: Ink, width: f64) -> Stroke {
    Stroke { paint: Paint { ink, alpha: Alpha::Full }, width, dash: None, crisp: false }
}
