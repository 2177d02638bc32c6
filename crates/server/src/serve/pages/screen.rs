//! How wide pictures are drawn: as wide as the cards of the style sheet are on the screen that asks, so that what is written in them has
//! its size. A browser says by a cookie how wide its window is; until it does, a phone is told by what it calls itself. Pure.

use axum::http::{HeaderMap, header};

use super::cookie;

/// What the style sheet (`assets/app.css`) has around pictures: padding and border of a card, and of a page.
const CARD: u32 = 30;
const NARROW_CARD: u32 = 18;
const GAP: u32 = 16;
const NARROW_GAP: u32 = 12;
const WIDEST: u32 = 1_760;

/// Pictures where nothing is known; a card shows them as wide as it is.
const UNKNOWN: Screen = Screen(1_360);
const PHONE: Screen = Screen(390);

/// The width of a window in CSS pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Screen(u32);

impl Screen {
    pub fn of(headers: &HeaderMap) -> Screen {
        let said = cookie::all(headers, "vw").find_map(|text| text.parse().ok());
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_phone = text("sec-ch-ua-mobile") == "?1" || text(header::USER_AGENT.as_str()).contains("Mobi");
        match said.filter(|width| (200..=10_000).contains(width)) {
            Some(width) => Screen(width),
            None if is_phone => PHONE,
            None => UNKNOWN,
        }
    }

    /// Whether it is that of a phone.
    pub fn is_narrow(self) -> bool {
        self.0 <= 620
    }

    /// So many columns of a page.
    fn columns(self, count: u32) -> u32 {
        let gap = if self.is_narrow() { NARROW_GAP } else { GAP };
        let room = self.0.min(WIDEST).saturating_sub(2 * gap + (count - 1) * gap);
        (room / count).saturating_sub(CARD).clamp(160, 2_400)
    }

    /// Of a chart among others.
    pub fn card(self) -> u32 {
        match self.0 {
            0..=1_100 => self.columns(1),
            1_101..1_500 => self.columns(2),
            _ => self.columns(3),
        }
    }

    /// Of a big number.
    pub fn number(self) -> u32 {
        match self.0 {
            0..=370 => self.columns(1),
            // Their cards have less padding there.
            371..=620 => ((self.0 - 3 * NARROW_GAP) / 2).saturating_sub(NARROW_CARD).max(160),
            621..=1_100 => self.columns(2),
            _ => self.columns(4),
        }
    }

    /// Of a chart alone.
    pub fn whole(self) -> u32 {
        self.columns(1)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn pictures_are_as_wide_as_cards() {
        let of = |width| Screen(width);
        assert_eq!([320, 390, 1_440, 1_760].map(|width| of(width).card()), [266, 336, 666, 535]);
        assert_eq!([320, 390, 1_440].map(|width| of(width).number()), [266, 160, 310]);
        assert_eq!([390, 1_440, 4_000].map(|width| of(width).whole()), [336, 1_378, 1_698]);
    }

    #[test]
    fn a_window_says_how_wide_it_is() {
        let mut headers = HeaderMap::new();
        assert_eq!(Screen::of(&headers), UNKNOWN);
        headers.insert("sec-ch-ua-mobile", HeaderValue::from_static("?1"));
        assert_eq!(Screen::of(&headers), PHONE);
        for (cookie, screen) in [
            ("vw=1440", Screen(1_440)),
            ("vw=-3", PHONE),
            ("vw=99999999", PHONE),
            ("vw=x; vw=800", Screen(800)),
        ] {
            headers.insert("cookie", HeaderValue::from_str(cookie).unwrap());
            assert_eq!(Screen::of(&headers), screen, "{cookie}");
        }
    }
}
