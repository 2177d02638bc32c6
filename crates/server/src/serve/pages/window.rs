//! The time a page shows, as it stands in its address: `from` and `to`. Links change it, and a form for everything else.

use axum::http::StatusCode;
use maud::{Markup, html};

use super::refused::Refused;
use super::text::{Text, clean};
use super::visit::Visit;
use crate::chart::bucket;
use crate::serve::drawing::Newest;
use crate::serve::tsdb::aging::Aging;

/// What can be chosen with one click.
const CHOICES: [(&str, &str); 6] =
    [("-1h", "1 h"), ("-3h", "3 h"), ("-6h", "6 h"), ("-1d", "1 d"), ("-7d", "7 d"), ("-30d", "30 d")];
const LONG: [(&str, &str); 5] =
    [("-15m", "15 m"), ("-12h", "12 h"), ("-2d", "2 d"), ("-90d", "90 d"), ("-365d", "1 y")];

/// Seconds after which a page is asked for again.
const REFRESHES: [(&str, &str); 4] = [("off", "off"), ("10", "10 s"), ("60", "1 m"), ("300", "5 m")];

/// Seconds that pass until charts of the present, and of the past, are drawn anew though nothing has come.
const STEP: i64 = 5;
const PAST_STEP: i64 = 60;

/// Seconds before an event from which on charts show what came of it.
const BEFORE: i64 = 1_800;

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
            let help = format!(
                "`{name}` is no time. Write -6h, now, seconds of the epoch 2026-01-31T12:00 of the zone that is shown, or 2026-01-31T12:00:00Z."
            );
            visit.clock.read(given).ok_or(Refused::new(StatusCode::BAD_REQUEST, help))
        };
        let (from, to) = (time("from", otherwise)?, time("to", "now")?);
        if from >= to {
            let help = "The time ends before it begins: `from` must be earlier than `to`.";
            return Err(Refused::new(StatusCode::BAD_REQUEST, help));
        }
        Ok(Window { from, to })
    }

    /// The same for charts: what ends now ends at the next moment that all who look within seconds share, so that it is drawn once for them,
    /// and what came just now is in it.
    pub fn steadily(self, now: i64) -> Window {
        let more = if self.to == now { STEP - now.rem_euclid(STEP) } else { 0 };
        Window { from: self.from.saturating_add(more), to: self.to.saturating_add(more) }
    }

    /// The second by which charts of a window are drawn.
    pub fn steady(&self, now: i64) -> i64 {
        let step = if self.to > now - STEP { STEP } else { PAST_STEP };
        now - now.rem_euclid(step)
    }

    /// The length of buckets in which this much time is shown: what is kept that long, and at least `least` seconds.
    pub fn bucket(&self, aging: &Aging, now: i64, least: i64) -> i64 {
        let least = least.max(aging.promised(self.from, now).resolution);
        let seconds = self.to.abs_diff(self.from);
        i64::try_from(bucket(seconds, BUCKETS, u64::try_from(least).unwrap_or(1))).unwrap_or(i64::MAX)
    }

    /// The links and the form that change it. `otherwise` is what is shown where nothing was chosen, `event` the last that charts here show.
    pub fn picker(&self, visit: &Visit, path: &str, otherwise: &str, event: Option<&Newest>) -> Markup {
        let params = &visit.params;
        let chosen = Some(params.text("from")).filter(|from| !from.is_empty()).unwrap_or(otherwise);
        let is_live = matches!(params.text("to"), "" | "now");
        let choose = |from: &str, to: &str| params.with_all(path, &[("from", from), ("to", to)]);
        let (half, length) = ((self.to - self.from) / 2, self.to - self.from);
        let absolute = |from: i64, to: i64| choose(&from.to_string(), &to.to_string());
        let midnight = visit.clock.midnight(visit.clock.now);
        let yesterday = visit.clock.midnight(midnight - 1);
        // As often as there can be something new.
        let auto = self.bucket(&visit.aging, visit.clock.now, 10).clamp(10, 300);
        html! {
            div.picker data-auto=[is_live.then_some(auto)] data-from=(self.from) data-to=(self.to) {
                nav.steps aria-label="Time" {
                    a data-key="t ArrowLeft" href=(absolute(self.from - half, self.to - half)) title="Half of it earlier" { span aria-hidden="true" { "‹" } span.hidden { "Earlier" } }
                    @for (from, shown) in CHOICES {
                        a href=(choose(from, "")) aria-current=[(is_live && chosen == from).then_some("true")] { (shown) }
                    }
                    @if !is_live {
                        a data-key="t ArrowRight" href=(absolute(self.from + half, self.to + half)) title="Half of it later" { span aria-hidden="true" { "›" } span.hidden { "Later" } }
                    }
                    a data-key="t z" href=(absolute(self.from - length / 2, self.to + length - length / 2)) title="Twice as much time" { "wider" }
                }
                details.menu {
                    summary { "Another time" }
                    div {
                        form.fields method="get" action=(path) {
                            @for (name, value) in params.others(&["from", "to"]) { input type="hidden" name=(name) value=(value); }
                            label { "From" input name="from" value=(params.text("from")) placeholder=(otherwise); }
                            label { "To" input name="to" value=(params.text("to")) placeholder="now"; }
                            button { "Show" }
                        }
                        p.note { "-6h, now, seconds since 1970, 2026-01-31T12:00 in " (visit.clock.zone_name()) ", or 2026-01-31T12:00:00Z" }
                        nav.steps aria-label="Days" {
                            a href=(choose(&midnight.to_string(), "")) { "today" }
                            a href=(absolute(yesterday, midnight)) { "yesterday" }
                            @for (from, shown) in LONG { a href=(choose(from, "")) { (shown) } }
                            @if let Some(event) = event {
                                a href=(choose(&(event.time - BEFORE).to_string(), "")) title=(format!("{}, {}", clean(&event.title), visit.clock.moment_in_zone(event.time))) {
                                    "since the last " (what_it_was(event))
                                }
                            }
                        }
                    }
                }
                @if is_live {
                    details.menu {
                        summary { "Refresh " span.muted { @match params.text("refresh") { "" | "auto" => span.scripted { "auto" }, "off" => "off", seconds => (Text(&format!("{seconds} s"))) } } }
                        nav.steps aria-label="Refresh" {
                            a.scripted href=(params.with(path, "refresh", "")) aria-current=[params.text("refresh").is_empty().then_some("true")] { "auto" }
                            @for (seconds, shown) in REFRESHES {
                                a href=(params.with(path, "refresh", seconds)) aria-current=[(params.text("refresh") == seconds).then_some("true")] { (shown) }
                            }
                        }
                    }
                }
                p.note { (visit.clock.range(self.from, self.to)) " · " a.exact data-key="t a" href=(absolute(self.from, self.to)) { "link to exactly this" } }
            }
        }
    }
}

/// Most events are deployments, and people look for them under that name.
fn what_it_was(event: &Newest) -> &'static str {
    let words = format!("{} {}", event.stream, event.title).to_lowercase();
    if ["deploy", "release", "rollout"].iter().any(|word| words.contains(word)) { "deploy" } else { "event" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charts_of_the_present_are_shared_for_seconds_and_hold_what_came_just_now() {
        let of = |now: i64| {
            let window = Window { from: now - 3_600, to: now }.steadily(now);
            assert!(window.to > now && window.steady(now) <= now);
            (window, window.steady(now))
        };
        assert!((1_000..1_005).all(|now| of(now) == (Window { from: -2_595, to: 1_005 }, 1_000)));
        assert_ne!(of(1_004), of(1_005));
        let past = Window { from: 0, to: 500 };
        assert_eq!((past.steadily(1_000), past.steady(1_000)), (past, 960));
    }

    #[test]
    fn buckets_are_as_long_as_what_is_kept() {
        let now = 1_700_000_000;
        let of =
            |back: i64, least| Window { from: now - back, to: now }.bucket(&Aging::default(), now, least);
        assert_eq!([of(3_600, 1), of(6 * 3_600, 1), of(6 * 3_600, 120)], [10, 60, 120]);
        assert_eq!(of(86_400 * 30, 1), 7_200);
        assert_eq!(
            Window { from: now - 86_400 * 5, to: now - 86_400 * 5 + 60 }.bucket(&Aging::default(), now, 1),
            60
        );
    }
}
