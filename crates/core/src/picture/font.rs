//! How wide writing is, by one font wherever it is drawn, and how it is cut where it does not fit.

use unicode_width::UnicodeWidthChar;

use super::font_widths::{BOLD, REGULAR};

/// What other fonts need more than ours.
const ROOM: f64 = 1.08;

/// Where the tables begin.
const FIRST: u32 = 0x20;

/// The width of a text in pixels, with room for another font than ours.
pub fn width(text: &str, size: f64, bold: bool) -> f64 {
    let thousandths: f64 = text.chars().map(|c| advance(c, bold)).sum();
    thousandths * size / 1000.0 * ROOM
}

fn advance(c: char, bold: bool) -> f64 {
    let table = if bold { &BOLD } else { &REGULAR };
    let place = u32::from(c).checked_sub(FIRST).and_then(|place| usize::try_from(place).ok());
    match place.and_then(|place| table.get(place)).filter(|width| **width > 0) {
        Some(width) => f64::from(*width),
        // The spaces of numbers.
        None if matches!(c, '\u{2009}' | '\u{202f}') => 200.0,
        None => match c.width().unwrap_or(0) {
            0 => 0.0,
            1 => 640.0,
            _ => 1000.0,
        },
    }
}

/// A text that fits into a width; what is left out is an ellipsis.
pub fn fit(text: &str, size: f64, bold: bool, most: f64) -> String {
    // Far longer than anything that fits, so that the cost does not grow with what someone named.
    let cut: String = text.chars().take(400).collect();
    if cut.len() == text.len() && width(text, size, bold) <= most {
        return cut;
    }
    let mut room = most - width("…", size, bold);
    let mut out = String::new();
    for c in cut.chars() {
        room -= advance(c, bold) * size / 1000.0 * ROOM;
        if room < 0.0 {
            break;
        }
        out.push(c);
    }
    if out.is_empty() && room + width("…", size, bold) < 0.0 && most < width("…", size, bold) {
        return out;
    }
    out.truncate(out.trim_end().len());
    out + "…"
}

/// A name as it can be written anywhere: what controls the direction or the line of a text is shown as what it is.
pub fn plain(text: &str) -> String {
    text.chars().map(|c| if is_control(c) { '\u{fffd}' } else { c }).collect()
}

fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{61c}')
}
