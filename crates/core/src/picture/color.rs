//! Colours: the two themes, the palette of series, and colours of users brought to where they can be seen.

use std::collections::BTreeMap;

/// Light or dark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Theme {
    Light,
    Dark,
}

/// A colour as three bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The colour of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hue {
    /// A place in the palette, 0 to 23; from 8 on the same colours, dashed.
    Palette(u8),
    /// A user's own, which each theme shows as lightly or darkly as it must.
    Own(Rgb),
    /// One of the shades of such a colour, from dark (0) to light (255).
    Shade(Tone, u8),
}

/// A colour that has shades.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Tone {
    Palette(u8),
    Own(Rgb),
}

/// How many places the palette has.
pub const PLACES: u8 = 24;

/// Found by a search: each is seen on its card, and no two look alike to any kind of colour blindness. None is the red of alerts.
const LIGHT: [u32; 8] = [0x1954CA, 0xCC8239, 0x409D9D, 0xA70F7F, 0x7D6F18, 0xB16EF4, 0x213B45, 0x41570C];
const DARK: [u32; 8] = [0x6C9DFE, 0xFEA858, 0x6CF9DF, 0xD32F90, 0xA58D4F, 0x875AEC, 0xAAB7BD, 0xC7FB65];

/// A colour by its role.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub enum Ink {
    Card,
    Border,
    Grid,
    Baseline,
    Text,
    Muted,
    Red,
    Amber,
    Event,
    Series(Hue),
}

/// How much of a colour.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Alpha {
    /// All.
    Full,
    /// This share.
    Of(f64),
    /// As much as the theme has for areas.
    Area,
}

impl Rgb {
    const fn of(hex: u32) -> Self {
        Self((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
    }

    /// Reads `#RRGGBB`, and nothing else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        u32::from_str_radix(digits, 16).ok().map(Self::of)
    }

    /// Writes `#RRGGBB`.
    #[must_use]
    pub fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }

    /// How much lighter the lighter of two is, as WCAG has it: 1 to 21.
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|byte| {
            let share = f64::from(byte) / 255.0;
            if share <= 0.040_45 { share / 12.92 } else { ((share + 0.055) / 1.055).powf(2.4) }
        })
    }

    fn luminance(self) -> f64 {
        let [r, g, b] = self.linear();
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    /// As OKLab: lightness, and two axes of colour.
    fn lab(self) -> [f64; 3] {
        let [r, g, b] = self.linear();
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
        ]
    }

    fn of_lab([lightness, a, b]: [f64; 3]) -> Self {
        let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
        let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
        let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548 * b).powi(3);
        let byte = |share: f64| {
            let share = share.clamp(0.0, 1.0);
            let share =
                if share <= 0.003_130_8 { share * 12.92 } else { 1.055 * share.powf(1.0 / 2.4) - 0.055 };
            (share * 255.0).round() as u8
        };
        Self(
            byte(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
            byte(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
            byte(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701 * s),
        )
    }

    /// The same colour, as much lighter or darker as it needs to be seen on a card.
    #[must_use]
    pub fn seen_on(self, theme: Theme) -> Self {
        let card = theme.ink(Ink::Card);
        let [lightness, a, b] = self.lab();
        let step = if theme == Theme::Light { -0.02 } else { 0.02 };
        let tries = (0..=50).map(|i| Self::of_lab([lightness + step * f64::from(i), a, b]));
        if self.contrast(card) >= 3.0 {
            return self;
        }
        tries.into_iter().find(|color| color.contrast(card) >= 3.0).unwrap_or_else(|| theme.ink(Ink::Text))
    }
}

impl Hue {
    /// How the line is broken, which tells apart what has the same colour.
    #[must_use]
    pub fn dash(self) -> Option<(f64, f64)> {
        match self {
            Self::Palette(8..=15) => Some((7.0, 3.0)),
            Self::Palette(16..) => Some((1.5, 3.5)),
            Self::Palette(_) | Self::Own(_) | Self::Shade(..) => None,
        }
    }
}

impl Theme {
    /// A role as a colour.
    #[must_use]
    pub fn ink(self, ink: Ink) -> Rgb {
        let light = self == Self::Light;
        let pick = |a: u32, b: u32| Rgb::of(if light { a } else { b });
        match ink {
            Ink::Card => pick(0xFFFFFF, 0x161D26),
            Ink::Border => pick(0xDDE3EA, 0x2A3542),
            Ink::Grid => pick(0xEBEFF4, 0x222C38),
            Ink::Baseline => pick(0x8793A3, 0x5F6E7F),
            Ink::Text => pick(0x1B2430, 0xE6EBF2),
            Ink::Muted => pick(0x566372, 0x9DAAB9),
            Ink::Red => pick(0xC4162E, 0xFF7A85),
            Ink::Amber => pick(0x8A5A00, 0xE7B341),
            Ink::Event => pick(0x6B4FA3, 0xB8A2FF),
            Ink::Series(Hue::Palette(place)) => {
                let place = usize::from(place % 8);
                Rgb::of(if light { LIGHT[place] } else { DARK[place] })
            }
            Ink::Series(Hue::Own(color)) => color.seen_on(self),
            Ink::Series(Hue::Shade(tone, part)) => {
                let base = match tone {
                    Tone::Palette(place) => self.ink(Ink::Series(Hue::Palette(place))),
                    Tone::Own(color) => color,
                };
                let [_, a, b] = base.lab();
                let (darkest, lightest) = if light { (0.32, 0.68) } else { (0.60, 0.93) };
                let share = f64::from(part) / 255.0;
                Rgb::of_lab([darkest + (lightest - darkest) * share, a, b]).seen_on(self)
            }
        }
    }

    /// How much of a colour is meant, 0 to 1.
    #[must_use]
    pub fn alpha(self, alpha: Alpha) -> f64 {
        match alpha {
            Alpha::Full => 1.0,
            Alpha::Of(share) => share,
            Alpha::Area if self == Self::Light => 0.80,
            Alpha::Area => 0.55,
        }
    }
}

/// Colours for series that differ by a label, by a hash of it, so that pictures of the same sources agree. Two never share a place
/// while one is free.
pub fn by_label<'a>(labels: impl Iterator<Item = &'a str>) -> BTreeMap<&'a str, Hue> {
    let sorted: std::collections::BTreeSet<&str> = labels.collect();
    let places = if sorted.len() <= 8 { 8 } else { usize::from(PLACES) };
    let mut taken = vec![false; places];
    let mut out = BTreeMap::new();
    for label in sorted {
        let hash = label
            .bytes()
            .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let wanted = hash as usize % places;
        let free = (0..places).map(|i| (wanted + i) % places).find(|place| !taken[*place]);
        let place = free.unwrap_or(wanted);
        taken[place] = true;
        out.insert(label, Hue::Palette(u8::try_from(place).unwrap_or(0)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_seen_on_its_card() {
        for theme in [Theme::Light, Theme::Dark] {
            let card = theme.ink(Ink::Card);
            for place in 0..8 {
                assert!(theme.ink(Ink::Series(Hue::Palette(place))).contrast(card) >= 3.0);
            }
            for ink in [Ink::Text, Ink::Muted, Ink::Red, Ink::Amber, Ink::Event] {
                assert!(theme.ink(ink).contrast(card) >= 4.5, "{ink:?} {theme:?}");
            }
            for part in [0, 100, 255] {
                for tone in [Tone::Palette(1), Tone::Palette(5), Tone::Own(Rgb::of(0xFFFF00))] {
                    assert!(
                        theme.ink(Ink::Series(Hue::Shade(tone, part))).contrast(card) >= 3.0,
                        "{tone:?} {part} {theme:?}"
                    );
                }
            }
            for own in [0x000000, 0xFFFFFF, 0xFFFF00, 0x0000FF, 0x00FF00, 0x161D26] {
                assert!(Rgb::of(own).seen_on(theme).contrast(card) >= 3.0, "{own:06X} {theme:?}");
            }
        }
        assert_eq!(Rgb::of(0x1954CA).seen_on(Theme::Light), Rgb::of(0x1954CA));
    }

    #[test]
    fn colours_are_read_strictly() {
        assert_eq!(Rgb::read("#0B5FD0").map(Rgb::hex).as_deref(), Some("#0B5FD0"));
        for text in ["red", "#12345", "#1234567", "#+12345", "url(#x)", "#12345é"] {
            assert_eq!(Rgb::read(text), None, "{text}");
        }
    }

    #[test]
    fn labels_keep_their_colours_in_other_company() {
        let few = by_label(["web-1", "web-2", "web-3"].into_iter());
        let distinct: std::collections::BTreeSet<String> =
            few.values().map(|hue| format!("{hue:?}")).collect();
        assert_eq!(distinct.len(), 3);
        assert_eq!(few, by_label(["web-3", "web-1", "web-2", "web-1"].into_iter()));
        assert_eq!(by_label(["web-1"].into_iter())["web-1"], few["web-1"]);
    }
}
