//! The time a page shows, as it stands in its address: `from` and `to`. Links change it, and a form for everything else.

use axum::http::StatusCode;
use maud::{Markup, html};

use super::refused::Refused;
use super::times::{read, when};
use super::visit::Visit;
use crate::chart::bucket;
use crate::serve::tsdb::tier::promised;

/// What can be chosen with one click.
const CHOICES: [(&str, &str); 5] =
    [("-1h", "1 h"), ("-6h", "6 h"), ("-1d", "1 d"), ("-7d", "1 w"), ("-30d", "30 d")];

/// Seconds after which a page is asked for again.
const REFRESHES: [(&str, &str); 4] = [("", "off"), ("10", "10 s"), ("60", "1 m"), ("300", "5 m")];

/// Buckets of a page are so many at most.
const BUCKETS: u32 = 400;

/// A span of time, its ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: i64,
    pub to: i64,
}

impl Window {
    /// What the address says; from `otherwise` up to now without it.
    pub fn read(visit: &Visit, otherwise: &str) -> Result<Window, Refused> {
        let time = |name: &str, otherwise: &str| {
            let given = Some(visit.params.text(name)).filter(|given| !given.is_empty()).unwrap_or(otherwise);
            let help =
                format!("`{name}` is no time. Write -6h, now, seconds of the epoch or 2026-01-31T12:00:00Z.");
            read(given, visit.now).ok_or(Refused::new(StatusCode::BAD_REQUEST, help))
        };
        let (from, to) = (time("from", otherwise)?, time("to", "now")?);
        if from >= to {
            let help = "The time ends before it begins: `from` must be earlier than `to`.";
            return Err(Refused::new(StatusCode::BAD_REQUEST, help));
        }
        Ok(Window { from, to })
    }

    /// The length of buckets in which this much time is shown: what is kept that long, and at least `least` seconds.
    pub fn bucket(&self, now: i64, least: i64) -> i64 {
        let least = least.max(promised(self.from, now).resolution);
        let seconds = self.to.abs_diff(self.from);
        i64::try_from(bucket(seconds, BUCKETS, u64::try_from(least).unwrap_or(1))).unwrap_or(i64::MAX)
    }

    /// The links and the form that change it. `otherwise` is what is shown where nothing was chosen.
    pub fn picker(&self, visit: &Visit, path: &str, otherwise: &str) -> Markup {
        let params = &visit.params;
        let chosen = Some(params.text("from")).filter(|from| !from.is_empty()).unwrap_or(otherwise);
        let is_live = matches!(params.text("to"), "" | "now");
        let choose = |from: &str, to: &str| params.with_all(path, &[("from", from), ("to", to)]);
        let (half, length) = ((self.to - self.from) / 2, self.to - self.from);
        let absolute = |from: i64, to: i64| choose(&from.to_string(), &to.to_string());
        html! {
            div.picker {
                nav aria-label="Time" {
                    a href=(absolute(self.from - half, self.to - half)) title="Half of it earlier" { span aria-hidden="true" { "‹" } span.hidden { "Earlier" } }
                    @for (from, shown) in CHOICES {
                        a href=(choose(from, "")) aria-current=[(is_live && chosen == from).then_some("true")] { (shown) }
                    }
                    @if !is_live {
                        a href=(absolute(self.from + half, self.to + half)) title="Half of it later" { span aria-hidden="true" { "›" } span.hidden { "Later" } }
                    }
                    a href=(absolute(self.from - length / 2, self.to + length - length / 2)) title="Twice as much time" { "wider" }
                }
                form.filter method="get" action=(path) {
                    @for (name, value) in params.others(&["from", "to"]) { input type="hidden" name=(name) value=(value); }
                    label { span { "From" } input.short name="from" value=(params.text("from")) placeholder=(otherwise); }
                    label { span { "To" } input.short name="to" value=(params.text("to")) placeholder="now"; }
                    button { "Show" }
                }
                @if is_live {
                    nav aria-label="Again every" {
                        span.muted { "Again every" }
                        @for (seconds, shown) in REFRESHES {
                            a href=(params.with(path, "refresh", seconds)) aria-current=[(params.text("refresh") == seconds).then_some("true")] { (shown) }
                        }
                    }
                }
                p.note { (when(self.from)) " to " (when(self.to)) " · " a href=(absolute(self.from, self.to)) { "link to exactly this" } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_as_long_as_what_is_kept() {
        let now = 1_700_000_000;
        let of = |back: i64, least| Window { from: now - back, to: now }.bucket(now, least);
        assert_eq!([of(3_600, 1), of(6 * 3_600, 1), of(6 * 3_600, 120)], [10, 60, 120]);
        assert_eq!(of(86_400 * 30, 1), 7_200);
        assert_eq!(Window { from: now - 86_400 * 5, to: now - 86_400 * 5 + 60 }.bucket(now, 1), 60);
    }
}
