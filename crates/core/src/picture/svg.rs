//! The display list as SVG: one that stands for itself, or a part of a page. Colours are attributes, neither scripts nor style sheets, no
//! links, no identifiers: it can stand anywhere.

use super::color::{Hue, Theme};
use super::list::{Alpha, Anchor, Ink, Mark, Paint, Picture, Shape, Step, Stroke, Text};

/// Beyond the plot, so that lines along its edge keep their width.
const EDGE: f64 = 2.0;

/// Larger texts keep the width they were laid out with, whatever font draws them.
const LARGE: f64 = 15.0;

/// Where colours come from.
#[derive(Clone, Copy)]
enum Skin {
    /// The picture has its own.
    Alone(Theme),
    /// The page around it has variables for roles (`--card`, `--grid`, …), and says by `color-scheme` which of two is meant elsewhere.
    Page,
}

impl Skin {
    fn ink(self, ink: Ink) -> String {
        if let Self::Alone(theme) = self {
            return theme.ink(ink).hex();
        }
        let name = match ink {
            Ink::Card => "card",
            Ink::Border => "border",
            Ink::Grid => "grid",
            Ink::Baseline => "edge",
            Ink::Text => "text",
            Ink::Muted => "muted",
            Ink::Red => "red",
            Ink::Amber => "amber",
            Ink::Event | Ink::Series(_) => {
                return format!("light-dark({},{})", Theme::Light.ink(ink).hex(), Theme::Dark.ink(ink).hex());
            }
        };
        format!("var(--{name})")
    }
}

/// Writes a picture down that stands for itself.
#[must_use]
pub fn paint(picture: &Picture, theme: Theme) -> String {
    let mut out = String::with_capacity(picture.marks.len() * 200);
    let (width, height) = (tenths(picture.width), tenths(picture.height));
    out.push_str(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"Noto Sans, system-ui, sans-serif\" font-size=\"11\" role=\"img\">"
    ));
    out.push_str(&format!("<title>{}</title>", escape(&picture.title)));
    out.push_str(&format!("<desc>{}</desc>\n", escape(&picture.summary)));
    marks(&mut out, picture, Skin::Alone(theme));
    out
}

/// Writes a picture down as a part of a page, in the colours and the type of its style sheet.
#[must_use]
pub fn inline(picture: &Picture) -> String {
    let mut out = String::with_capacity(picture.marks.len() * 200);
    let (width, height) = (tenths(picture.width), tenths(picture.height));
    out.push_str(&format!(
        "<svg width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-size=\"11\" role=\"img\" \
         aria-label=\"{}\">\n",
        escape(&picture.summary)
    ));
    marks(&mut out, picture, Skin::Page);
    out
}

/// The colour of a series in a legend on a page: a stroke, or an area where series are stacked.
#[must_use]
pub fn swatch(hue: Hue, is_area: bool) -> String {
    let ink = Skin::Page.ink(Ink::Series(hue));
    if is_area {
        return format!(
            "<svg width=\"16\" height=\"8\" aria-hidden=\"true\"><path fill=\"{ink}\" d=\"M0 0H16V8H0Z\"/></svg>"
        );
    }
    let dash = if hue.dash().is_some() { " stroke-dasharray=\"4 2\"" } else { "" };
    format!(
        "<svg width=\"16\" height=\"8\" aria-hidden=\"true\"><path stroke=\"{ink}\" stroke-width=\"2.5\"{dash} d=\"M0 4H16\"/></svg>"
    )
}

fn marks(out: &mut String, picture: &Picture, skin: Skin) {
    let mut clipped = false;
    for mark in &picture.marks {
        let clip = matches!(mark, Mark::Shape(Shape { clip: true, .. }));
        if clip != clipped {
            out.push_str(&if clip { window(picture) } else { "</svg>\n".to_owned() });
            clipped = clip;
        }
        match mark {
            Mark::Shape(shape) => self::shape(out, shape, skin),
            Mark::Text(text) => self::text(out, text, skin),
        }
    }
    out.push_str(if clipped { "</svg>\n</svg>\n" } else { "</svg>\n" });
}

/// What is inside is only seen in the plot.
fn window(picture: &Picture) -> String {
    let plot = picture.plot;
    let (x, y) = (tenths(plot.left - EDGE), tenths(plot.top - EDGE));
    let (width, height) = (tenths(plot.width() + 2.0 * EDGE), tenths(plot.height() + 2.0 * EDGE));
    format!(
        "<svg x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" viewBox=\"{x} {y} {width} {height}\">\n"
    )
}

fn shape(out: &mut String, shape: &Shape, skin: Skin) {
    out.push_str("<path");
    match shape.fill {
        Some(paint) => {
            color(out, "fill", paint, skin);
        }
        None => out.push_str(" fill=\"none\""),
    }
    if let Some(stroke) = &shape.stroke {
        self::stroke(out, stroke, skin);
    }
    out.push_str(" d=\"");
    path(out, &shape.path);
    out.push_str("\"/>\n");
}

fn color(out: &mut String, attribute: &str, paint: Paint, skin: Skin) {
    out.push_str(&format!(" {attribute}=\"{}\"", skin.ink(paint.ink)));
    match (paint.alpha, skin) {
        (Alpha::Full, _) => {}
        (Alpha::Area, Skin::Page) => out.push_str(" class=\"area\""),
        (alpha, Skin::Alone(theme)) => {
            out.push_str(&format!(" {attribute}-opacity=\"{}\"", theme.alpha(alpha)));
        }
        // All others are the same in both themes.
        (alpha, Skin::Page) => {
            out.push_str(&format!(" {attribute}-opacity=\"{}\"", Theme::Light.alpha(alpha)));
        }
    }
}

fn stroke(out: &mut String, stroke: &Stroke, skin: Skin) {
    color(out, "stroke", stroke.paint, skin);
    if stroke.width != 1.0 {
        out.push_str(&format!(" stroke-width=\"{}\"", stroke.width));
    }
    if let Some((drawn, left_out)) = stroke.dash {
        out.push_str(&format!(" stroke-dasharray=\"{drawn} {left_out}\""));
    }
    if stroke.crisp {
        out.push_str(" shape-rendering=\"crispEdges\"");
    } else {
        out.push_str(" stroke-linejoin=\"round\"");
        if stroke.dash.is_none() {
            out.push_str(" stroke-linecap=\"round\"");
        }
    }
}

/// Steps with as little writing as they need. A pair that follows a move is a line.
fn path(out: &mut String, steps: &[Step]) {
    let mut after_close = true;
    for step in steps {
        match step {
            Step::Move(x, y) => {
                out.push('M');
                pair(out, *x, *y);
                after_close = false;
            }
            Step::Line(x, y) => {
                out.push(if after_close { 'L' } else { ' ' });
                pair(out, *x, *y);
            }
            Step::Close => {
                out.push('Z');
                after_close = true;
            }
        }
    }
}

fn pair(out: &mut String, x: f64, y: f64) {
    push_tenths(out, x);
    out.push(' ');
    push_tenths(out, y);
}

fn tenths(value: f64) -> String {
    let mut out = String::new();
    push_tenths(&mut out, value);
    out
}

/// A number with at most one digit behind the point, written by hand since pictures have very many of them.
fn push_tenths(out: &mut String, value: f64) {
    let tenths = (value * 10.0).round() as i64;
    if tenths < 0 {
        out.push('-');
    }
    let tenths = tenths.unsigned_abs();
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut whole = tenths / 10;
    loop {
        at -= 1;
        digits[at] = b'0' + (whole % 10) as u8;
        whole /= 10;
        if whole == 0 {
            break;
        }
    }
    out.extend(digits[at..].iter().map(|digit| char::from(*digit)));
    if !tenths.is_multiple_of(10) {
        out.push('.');
        out.push(char::from(b'0' + (tenths % 10) as u8));
    }
}

fn text(out: &mut String, text: &Text, skin: Skin) {
    out.push_str(&format!(
        "<text x=\"{}\" y=\"{}\" fill=\"{}\"",
        tenths(text.x),
        tenths(text.y),
        skin.ink(text.ink)
    ));
    match text.anchor {
        Anchor::Start => {}
        Anchor::Middle => out.push_str(" text-anchor=\"middle\""),
        Anchor::End => out.push_str(" text-anchor=\"end\""),
    }
    if text.size != 11.0 {
        out.push_str(&format!(" font-size=\"{}\"", text.size));
    }
    if text.bold {
        out.push_str(" font-weight=\"600\"");
    }
    if matches!(skin, Skin::Page) && text.size > LARGE {
        // What stands beside it was placed by the widths of our font, and the page has another one.
        let width = tenths(super::font::width(&text.words, text.size, text.bold));
        out.push_str(&format!(" textLength=\"{width}\" lengthAdjust=\"spacingAndGlyphs\""));
    }
    if text.halo {
        let card = skin.ink(Ink::Card);
        out.push_str(&format!(
            " paint-order=\"stroke\" stroke=\"{card}\" stroke-width=\"4\" stroke-linejoin=\"round\""
        ));
    }
    out.push_str(&format!(">{}</text>\n", escape(&text.words)));
}

/// The one way texts of others come into a picture.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in super::font::plain(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coordinates_are_short() {
        let shown = [0.0, -0.04, 1.05, -12.34, 100.0, 0.96, 19_999.96].map(tenths);
        assert_eq!(shown, ["0", "0", "1.1", "-12.3", "100", "1", "20000"]);
    }

    #[test]
    fn nothing_gets_out_of_a_text() {
        let text = "</title><script>&\"'\u{202e}\u{0}\n";
        assert_eq!(escape(text), "&lt;/title&gt;&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}\u{fffd}");
    }
}
