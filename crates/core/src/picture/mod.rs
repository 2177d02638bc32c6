//! Pictures of charts: a scene is laid out as a list of marks in roles of colour, and painters write that list down, as SVG text or as
//! pixels. The same everywhere, byte for byte: no system font is measured, no clock asked.
//! Pure. Knows numbers, times and names; no metrics, no definitions, no HTTP.

pub mod color;
mod font;
mod font_widths;
pub mod gaps;
mod layout;
pub mod list;
pub mod number;
#[cfg(feature = "png")]
pub mod png;
mod scale;
pub mod scene;
pub mod svg;
pub mod ticks;
pub mod words;

#[cfg(test)]
mod tests;

pub use color::{Hue, Theme, Tone};
pub use layout::draw;
pub use list::{Picture, Reach};
pub use scene::{
    Axis, Event, Gaps, Kind, Limit, Point, Scene, Series, Span, SpanKind, Strength, Threshold, Totals, Window,
};
