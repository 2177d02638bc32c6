//! Where ticks stand: round numbers on axes of values, round times of a zone on the axis of time.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};

/// Equal steps over a range, both ends at ticks.
#[derive(Debug, Clone, Copy, PartialEq)]
#[allow(missing_docs)]
pub struct Steps {
    pub low: f64,
    pub step: f64,
    pub count: usize,
}

impl Steps {
    /// The greatest tick.
    #[must_use]
    pub fn high(&self) -> f64 {
        self.at(self.count)
    }

    /// One tick.
    #[must_use]
    pub fn at(&self, place: usize) -> f64 {
        // By the number of steps from zero, so that 0.1 + 0.2 is 0.3.
        let first = self.low / self.step;
        if first.abs() < 1e15 && (first - first.round()).abs() < 1e-6 {
            let (count, inverse) = (first.round() + place as f64, (1.0 / self.step).round());
            let divides = self.step < 1.0 && (inverse * self.step - 1.0).abs() < 1e-12;
            return if divides { count / inverse } else { count * self.step };
        }
        self.low + self.step * place as f64
    }

    pub fn ticks(self) -> impl Iterator<Item = f64> + Clone {
        (0..=self.count).map(move |place| self.at(place))
    }
}

/// Round steps (1, 2, 2.5 or 5 times a power of ten) that hold a range, at most so many. Nothing for numbers that are so large or so
/// close to each other that no round ones lie between them.
#[must_use]
pub fn values(low: f64, high: f64, most: usize) -> Option<Steps> {
    let most = most.max(1);
    candidates((high / most as f64) - (low / most as f64)).find_map(|step| {
        let steps = over(low, high, step)?;
        (steps.count <= most).then_some(steps)
    })
}

/// Round steps that hold a range, exactly so many: for a second axis on the grid of a first.
#[must_use]
pub fn values_in(low: f64, high: f64, count: usize) -> Option<Steps> {
    let count = count.max(1);
    candidates((high / count as f64) - (low / count as f64)).find_map(|step| {
        let steps = over(low, high, step)?;
        (steps.count <= count).then_some(Steps { count, ..steps })
    })
}

fn over(low: f64, high: f64, step: f64) -> Option<Steps> {
    // A little less than a step beyond an end is rounding, not range.
    let first = (low / step + 1e-9).floor();
    let last = (high / step - 1e-9).ceil().max(first + 1.0);
    let exact = first.abs().max(last.abs()) < 1e12 && (first * step).is_finite() && (last * step).is_finite();
    exact.then_some(Steps { low: first * step, step, count: (last - first) as usize })
}

/// Round steps from this on.
fn candidates(least: f64) -> impl Iterator<Item = f64> {
    let power = if least > 0.0 && least.is_finite() { least.log10().floor() } else { f64::NAN };
    (0..3)
        .flat_map(move |more| {
            [1.0, 2.0, 2.5, 5.0].map(|times| {
                let power = power + f64::from(more);
                // Divided where the power is negative, since powers of ten below one are not exact.
                if power < 0.0 { times / 10_f64.powf(-power) } else { times * 10_f64.powf(power) }
            })
        })
        .filter(move |step| step.is_finite() && *step >= least * (1.0 - 1e-9))
}

/// A tick on the axis of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeTick {
    /// Epoch seconds.
    pub time: i64,
    /// What is written there.
    pub label: String,
    /// It begins a day, a month or a year.
    pub strong: bool,
}

/// Steps within a day, in seconds.
const WITHIN: [i64; 17] =
    [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200];

const DAY: i64 = 86_400;

/// Round times of a zone from `start` to `end`, at most about so many, whatever its clocks did in between.
#[must_use]
pub fn times(start: i64, end: i64, most: usize, zone: &TimeZone) -> Vec<TimeTick> {
    let (start, end) = (inside(start), inside(end));
    let most = i64::try_from(most.max(1)).unwrap_or(1);
    let length = end - start;
    match WITHIN.into_iter().find(|step| length / step <= most) {
        Some(step) => within_days(start, end, step, zone),
        None => whole_days(start, end, length / most, zone),
    }
}

/// What calendars reach.
fn inside(time: i64) -> i64 {
    time.clamp(0, 253_402_000_000)
}

fn within_days(start: i64, end: i64, step: i64, zone: &TimeZone) -> Vec<TimeTick> {
    let form = if step < 60 { "%H:%M:%S" } else { "%H:%M" };
    let mut out: Vec<TimeTick> = Vec::new();
    let mut day = date(start, zone);
    while let Some(midnight) = at(day, 0, zone) {
        if midnight > end {
            break;
        }
        // Far from the window nothing is counted through.
        let first = if midnight >= start { 0 } else { ((start - midnight) / step - 3_600 / step - 1).max(0) };
        for i in first..DAY / step {
            let Some(time) = at(day, i * step, zone).filter(|time| *time <= end) else { break };
            let later = out.last().is_none_or(|last| last.time < time);
            if time >= start && later {
                let strong = i == 0;
                let label = shown(time, if strong { "%-d %b" } else { form }, zone);
                out.push(TimeTick { time, label, strong });
            }
        }
        let Ok(next) = day.tomorrow() else { break };
        day = next;
    }
    out
}

/// Days, weeks, months or years.
fn whole_days(start: i64, end: i64, least: i64, zone: &TimeZone) -> Vec<TimeTick> {
    let days = [1, 2, 7, 14].into_iter().find(|days| days * DAY >= least);
    let months = [1, 3, 6].into_iter().find(|months| months * 29 * DAY >= least);
    let mut years: i64 = 1;
    while years * 365 * DAY < least {
        years = if years.to_string().starts_with('2') { years / 2 * 5 } else { years * 2 };
    }
    let begin = date(start, zone);
    let mut out = Vec::new();
    let mut push = |day: Date, form: &str, strong: bool| {
        if let Some(time) = at(day, 0, zone).filter(|time| (start..=end).contains(time)) {
            out.push(TimeTick { time, label: shown(time, form, zone), strong });
        }
    };
    let last = date(end, zone);
    let mut day = match (days, months) {
        // Weeks begin on Mondays, and pairs of days are counted from one.
        (Some(_), _) => Date::new(2001, 1, 1).ok().and_then(|monday| {
            let days = days.unwrap_or(1);
            let since = i64::from(begin.since(monday).ok()?.get_days());
            monday.checked_add(Span::new().days(since.div_euclid(days) * days)).ok()
        }),
        (None, Some(_)) => Date::new(begin.year(), 1, 1).ok(),
        (None, None) => Date::new(
            i16::try_from(i64::from(begin.year()).div_euclid(years) * years).unwrap_or(1970).max(1),
            1,
            1,
        )
        .ok(),
    };
    while let Some(this) = day.filter(|day| *day <= last) {
        let next = match (days, months) {
            (Some(days), _) => {
                push(this, "%-d %b", false);
                Span::new().try_days(days)
            }
            (None, Some(months)) => {
                let january = this.month() == 1;
                push(this, if january { "%Y" } else { "%b" }, january);
                Span::new().try_months(months)
            }
            (None, None) => {
                push(this, "%Y", false);
                Span::new().try_years(years)
            }
        };
        day = next.ok().and_then(|span| this.checked_add(span).ok());
    }
    out
}

fn date(time: i64, zone: &TimeZone) -> Date {
    stamp(time).to_zoned(zone.clone()).date()
}

fn stamp(time: i64) -> Timestamp {
    Timestamp::from_second(time).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// So many seconds after midnight by the clock on the wall. A time that is skipped is the one an hour later.
fn at(day: Date, seconds: i64, zone: &TimeZone) -> Option<i64> {
    let part = |value: i64| i8::try_from(value).ok();
    let time = Time::new(part(seconds / 3600)?, part(seconds / 60 % 60)?, part(seconds % 60)?, 0).ok()?;
    Some(zone.to_zoned(day.to_datetime(time)).ok()?.timestamp().as_second())
}

/// A time in a form of `strftime`.
#[must_use]
pub fn shown(time: i64, form: &str, zone: &TimeZone) -> String {
    stamp(inside(time)).to_zoned(zone.clone()).strftime(form).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(low: f64, high: f64, most: usize) -> Vec<f64> {
        values(low, high, most).map(|steps| steps.ticks().collect()).unwrap_or_default()
    }

    #[test]
    fn steps_are_round_and_hold_the_range() {
        assert_eq!(all(0.0, 1350.0, 5), [0.0, 500.0, 1000.0, 1500.0]);
        assert_eq!(all(0.0, 1010.0, 5), [0.0, 250.0, 500.0, 750.0, 1000.0, 1250.0]);
        assert_eq!(all(0.0, 0.3, 5), [0.0, 0.1, 0.2, 0.3].map(|v: f64| (v * 10.0).round() / 10.0));
        assert_eq!(all(-3.0, 4.0, 5), [-4.0, -2.0, 0.0, 2.0, 4.0]);
        assert_eq!(values(1e15, 1e15 + 1.0, 5), None);
        assert_eq!(values(f64::MIN, f64::MAX, 5), None);
        let second = values_in(12.0, 24.0, 5).map(|steps| (steps.low, steps.high(), steps.count));
        assert_eq!(second, Some((10.0, 35.0, 5)));
    }

    fn labels(start: &str, end: &str, most: usize, zone: &str) -> String {
        let zone = TimeZone::posix(zone).unwrap();
        let time = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let ticks = times(time(start), time(end), most, &zone);
        let label =
            |tick: &TimeTick| if tick.strong { format!("*{}", tick.label) } else { tick.label.clone() };
        ticks.iter().map(label).collect::<Vec<_>>().join(" ")
    }

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    #[test]
    fn times_are_round_in_their_zone() {
        let six = labels("2026-11-28T13:00:00Z", "2026-11-28T19:00:00Z", 7, "UTC0");
        assert_eq!(six, "13:00 14:00 15:00 16:00 17:00 18:00 19:00");
        let night = labels("2026-11-28T20:10:00Z", "2026-11-29T04:10:00Z", 5, BERLIN);
        assert_eq!(night, "22:00 *29 Nov 02:00 04:00");
        let week = labels("2026-11-20T00:00:00Z", "2026-12-04T00:00:00Z", 7, "UTC0");
        assert_eq!(week, "20 Nov 22 Nov 24 Nov 26 Nov 28 Nov 30 Nov 2 Dec 4 Dec");
        let year = labels("2025-11-20T00:00:00Z", "2026-12-04T00:00:00Z", 6, "UTC0");
        assert_eq!(year, "*2026 Apr Jul Oct");
    }

    /// Clocks go from 02:00 to 03:00, and half a year later from 03:00 to 02:00.
    #[test]
    fn times_survive_changes_of_clocks() {
        let spring = labels("2026-03-28T23:00:00Z", "2026-03-29T04:00:00Z", 8, BERLIN);
        assert_eq!(spring, "*29 Mar 01:00 03:00 04:00 05:00 06:00");
        let autumn = labels("2026-10-24T22:00:00Z", "2026-10-25T03:00:00Z", 8, BERLIN);
        assert_eq!(autumn, "*25 Oct 01:00 02:00 03:00 04:00");
    }

    #[test]
    fn no_window_is_too_long_or_too_short() {
        for (start, end) in [(i64::MIN, i64::MAX), (0, 0), (5, 6), (0, 253_402_300_799), (7, 3)] {
            assert!(times(start, end, 8, &TimeZone::UTC).len() <= 24);
        }
    }
}
