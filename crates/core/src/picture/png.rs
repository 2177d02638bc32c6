//! The display list as pixels, with fonts of our own, so that every machine paints the same.

use std::sync::{LazyLock, OnceLock};

use tiny_skia::{
    FillRule, LineCap, LineJoin, Mask, PathBuilder, Pixmap, Rect, Stroke as Pen, StrokeDash, Transform,
};
use ttf_parser::{Face, GlyphId, OutlineBuilder};

use super::color::Theme;
use super::list::{Alpha, Anchor, Ink, Mark, Paint, Picture, Shape, Step, Stroke, Text};

/// Beyond the plot, so that lines along its edge keep their width.
const EDGE: f64 = 2.0;

/// Pixels on a side, at most.
const MOST: f64 = 16_000.0;

static REGULAR: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(include_bytes!("fonts/NotoSans-Regular.ttf"), 0).ok());
static BOLD: LazyLock<Option<Face<'static>>> =
    LazyLock::new(|| Face::parse(include_bytes!("fonts/NotoSans-Bold.ttf"), 0).ok());

/// What writes characters that ours lack.
static OTHER: OnceLock<Face<'static>> = OnceLock::new();

/// Writes characters that our fonts lack with this one (TrueType or OpenType, the first of a collection), from now on; only the first that is
/// given counts. Whether it is one that can be read.
pub fn write_others_with(font: Vec<u8>) -> bool {
    // It stays for as long as the program runs, as ours do.
    let font: &'static [u8] = Vec::leak(font);
    Face::parse(font, 0).is_ok_and(|face| {
        let _ = OTHER.set(face);
        true
    })
}

/// Paints a picture, with `scale` pixels to each of CSS. Nothing where there is no memory for it.
#[must_use]
pub fn paint(picture: &Picture, theme: Theme, scale: f64) -> Option<Vec<u8>> {
    let side = |length: f64| (length * scale).ceil().clamp(1.0, MOST) as u32;
    let mut canvas = Canvas {
        pixels: Pixmap::new(side(picture.width), side(picture.height))?,
        theme,
        transform: Transform::from_scale(scale as f32, scale as f32),
        scale,
        mask: None,
    };
    let mut mask = plot(picture, &canvas);
    for mark in &picture.marks {
        match mark {
            Mark::Shape(shape) => {
                if shape.clip {
                    std::mem::swap(&mut canvas.mask, &mut mask);
                }
                canvas.shape(shape);
                if shape.clip {
                    std::mem::swap(&mut canvas.mask, &mut mask);
                }
            }
            Mark::Text(text) => canvas.text(text),
        }
    }
    encode(&canvas.pixels)
}

/// What is inside the plot, where anything asks for it.
fn plot(picture: &Picture, canvas: &Canvas) -> Option<Mask> {
    if !picture.marks.iter().any(|mark| matches!(mark, Mark::Shape(Shape { clip: true, .. }))) {
        return None;
    }
    let plot = picture.plot;
    let [left, top, right, bottom] =
        [plot.left - EDGE, plot.top - EDGE, plot.right + EDGE, plot.bottom + EDGE].map(|side| side as f32);
    let mut mask = Mask::new(canvas.pixels.width(), canvas.pixels.height())?;
    let path = PathBuilder::from_rect(Rect::from_ltrb(left, top, right, bottom)?);
    mask.fill_path(&path, FillRule::Winding, true, canvas.transform);
    Some(mask)
}

/// Opaque pixels need no fourth byte, and pictures of few colours need few others.
fn encode(pixels: &Pixmap) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, pixels.width(), pixels.height());
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Balanced);
    let rgb: Vec<u8> =
        pixels.data().chunks_exact(4).flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&rgb).ok()?;
    writer.finish().ok()?;
    Some(out)
}

struct Canvas {
    pixels: Pixmap,
    theme: Theme,
    transform: Transform,
    scale: f64,
    mask: Option<Mask>,
}

impl Canvas {
    fn paint(&self, paint: Paint, smooth: bool) -> tiny_skia::Paint<'static> {
        let color = self.theme.ink(paint.ink);
        let mut out = tiny_skia::Paint { anti_alias: smooth, ..tiny_skia::Paint::default() };
        let alpha = (self.theme.alpha(paint.alpha) * 255.0).round() as u8;
        out.set_color_rgba8(color.0, color.1, color.2, alpha);
        out
    }

    fn shape(&mut self, shape: &Shape) {
        // Along whole pixels a line of one lies in the middle of them, and a line of two between them.
        let crisp = shape.stroke.filter(|stroke| stroke.crisp);
        let middle =
            crisp.map(|stroke| if (stroke.width * self.scale).round() % 2.0 == 1.0 { 0.5 } else { 0.0 });
        let at = |value: f64| match middle {
            Some(middle) => (((value * self.scale).round() + middle) / self.scale) as f32,
            None => value as f32,
        };
        let mut path = PathBuilder::new();
        for step in &shape.path {
            match step {
                Step::Move(x, y) => path.move_to(at(*x), at(*y)),
                // A line without length would not be drawn at all, and is meant as a dot.
                Step::Line(x, y) if path.last_point().is_some_and(|p| p.x == at(*x) && p.y == at(*y)) => {
                    path.line_to(at(*x) + 0.01, at(*y));
                }
                Step::Line(x, y) => path.line_to(at(*x), at(*y)),
                Step::Close => path.close(),
            }
        }
        let Some(path) = path.finish() else { return };
        if let Some(fill) = shape.fill {
            let paint = self.paint(fill, true);
            self.pixels.fill_path(&path, &paint, FillRule::Winding, self.transform, self.mask.as_ref());
        }
        if let Some(stroke) = &shape.stroke {
            let paint = self.paint(stroke.paint, !stroke.crisp);
            self.pixels.stroke_path(&path, &paint, &pen(stroke), self.transform, self.mask.as_ref());
        }
    }

    fn text(&mut self, text: &Text) {
        let face = if text.bold { &BOLD } else { &REGULAR };
        let Some(face) = face.as_ref() else { return };
        let glyphs: Vec<Glyph> = text.words.chars().map(|c| glyph(face, OTHER.get(), c, text.size)).collect();
        let width: f64 = glyphs.iter().map(|glyph| glyph.advance).sum();
        let mut x = match text.anchor {
            Anchor::Start => text.x,
            Anchor::Middle => text.x - width / 2.0,
            Anchor::End => text.x - width,
        };
        let mut outline = Outline { path: PathBuilder::new(), x, y: text.y, size: 0.0 };
        for Glyph { face, id, size, advance } in glyphs {
            (outline.x, outline.size) = (x, size);
            if id == GlyphId(0) {
                outline.missing(advance, text.size);
            } else {
                let _ = face.outline_glyph(id, &mut outline);
            }
            x += advance;
        }
        let Some(path) = outline.path.finish() else { return };
        if text.halo {
            let paint = self.paint(Paint { ink: Ink::Card, alpha: Alpha::Full }, true);
            let pen = Pen { width: 4.0, line_join: LineJoin::Round, ..Pen::default() };
            self.pixels.stroke_path(&path, &paint, &pen, self.transform, None);
        }
        let paint = self.paint(Paint { ink: text.ink, alpha: Alpha::Full }, true);
        self.pixels.fill_path(&path, &paint, FillRule::Winding, self.transform, None);
    }
}

fn pen(stroke: &Stroke) -> Pen {
    let dash =
        stroke.dash.and_then(|(drawn, left_out)| StrokeDash::new(vec![drawn as f32, left_out as f32], 0.0));
    let round = !stroke.crisp && dash.is_none();
    Pen {
        width: stroke.width as f32,
        line_cap: if round { LineCap::Round } else { LineCap::Butt },
        line_join: if stroke.crisp { LineJoin::Miter } else { LineJoin::Round },
        dash,
        ..Pen::default()
    }
}

/// A glyph of a font, in pixels.
struct Glyph {
    face: &'static Face<'static>,
    id: GlyphId,
    /// Of a unit of its font.
    size: f64,
    advance: f64,
}

/// The glyph of a character in our font, else in the other one, or our box for what both lack.
fn glyph(ours: &'static Face<'static>, other: Option<&'static Face<'static>>, c: char, size: f64) -> Glyph {
    let found = [Some(ours), other].into_iter().flatten();
    let found = found.filter_map(|face| Some((face, face.glyph_index(c)?))).next();
    let (face, id) = found.unwrap_or((ours, GlyphId(0)));
    let size = size / f64::from(face.units_per_em());
    Glyph { face, id, size, advance: f64::from(face.glyph_hor_advance(id).unwrap_or(0)) * size }
}

/// From the units of a font, upwards, to pixels, downwards.
struct Outline {
    path: PathBuilder,
    x: f64,
    y: f64,
    size: f64,
}

impl Outline {
    /// A box, for a character that no font has: that of ours is empty.
    fn missing(&mut self, advance: f64, size: f64) {
        let (left, right, top, bottom) =
            (self.x + 0.1 * size, self.x + advance - 0.1 * size, self.y - 0.7 * size, self.y);
        let thin = 0.07 * size;
        // The inner edge runs the other way, so that what is between them is filled.
        let outer = [(left, top), (right, top), (right, bottom), (left, bottom)];
        let inner = [
            (left + thin, top + thin),
            (left + thin, bottom - thin),
            (right - thin, bottom - thin),
            (right - thin, top + thin),
        ];
        for corners in [outer, inner] {
            for (place, (x, y)) in corners.into_iter().enumerate() {
                let (x, y) = (x as f32, y as f32);
                if place == 0 { self.path.move_to(x, y) } else { self.path.line_to(x, y) }
            }
            self.path.close();
        }
    }

    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        ((self.x + f64::from(x) * self.size) as f32, (self.y - f64::from(y) * self.size) as f32)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::super::font_widths;
    use super::*;

    /// Of the same outlines at another size: what ours lacks is taken from the other font, and the box stays for what that lacks, too.
    #[test]
    fn characters_that_ours_lack_come_from_the_other_font() {
        let (ours, bold) = (REGULAR.as_ref().unwrap(), BOLD.as_ref());
        let of = |other, c| glyph(ours, other, c, 20.0);
        assert_eq!(of(None, 'か').id, GlyphId(0));
        assert_eq!(of(bold, 'か').id, GlyphId(0));
        let a = of(bold, 'a');
        assert!(std::ptr::eq(a.face, ours) && a.id != GlyphId(0));
        assert!((a.advance - 20.0 * f64::from(font_widths::REGULAR[0x41]) / 1000.0).abs() < 1e-9);
        // A square as wide as it is high, of 2,048 units.
        let square = include_bytes!("../../../../tests/files/square.ttf");
        let square: &'static Face<'static> = Box::leak(Box::new(Face::parse(square, 0).unwrap()));
        let ka = of(Some(square), 'か');
        assert!(std::ptr::eq(ka.face, square) && ka.id != GlyphId(0));
        assert!((ka.advance - 20.0).abs() < 1e-9, "{}", ka.advance);
        assert_eq!(of(Some(square), '日').id, GlyphId(0));
    }

    #[test]
    fn what_is_no_font_is_refused() {
        assert!(!write_others_with(b"no font".to_vec()));
    }

    /// The table by which pictures are laid out is that of the fonts they are painted with.
    #[test]
    fn widths_are_those_of_the_fonts() {
        for (face, table) in [(&REGULAR, &font_widths::REGULAR), (&BOLD, &font_widths::BOLD)] {
            let face = face.as_ref().unwrap();
            assert_eq!(face.units_per_em(), 1000);
            for (place, width) in table.iter().enumerate() {
                let c = char::from_u32(0x20 + u32::try_from(place).unwrap()).unwrap();
                let found = face.glyph_index(c).and_then(|glyph| face.glyph_hor_advance(glyph)).unwrap_or(0);
                assert_eq!(found, *width, "{c:?}");
            }
        }
    }
}
