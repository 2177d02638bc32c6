//! Times and shares of a backtest in a few words. Times are UTC.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `27 Nov 09:12`, the day with two places.
pub fn moment(at: i64) -> String {
    let time = Timestamp::from_second(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    time.strftime("%d %b %H:%M").to_string()
}

/// `2h10m`, `14m`, `3d4h`: the two largest units.
pub fn lasting(seconds: i64) -> String {
    if seconds <= 0 {
        return "–".to_owned();
    }
    let units = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(3);
    let mut rest = seconds;
    let mut out = String::new();
    for (length, unit) in units.iter().skip(first).take(2) {
        if rest >= *length {
            out.push_str(&format!("{}{unit}", rest / length));
        }
        rest %= length;
    }
    out
}

/// A share with one digit behind the point; what is more than nothing is never shown as nothing.
pub fn percent(share: f64) -> String {
    match share * 100.0 {
        some if some > 0.0 && some < 0.05 => "< 0.1 %".to_owned(),
        some => format!("{some:.1} %"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shares_are_short() {
        for (seconds, shown) in
            [(0, "–"), (59, "59s"), (840, "14m"), (7_800, "2h10m"), (3_605, "1h"), (90_000, "1d1h")]
        {
            assert_eq!(lasting(seconds), shown);
        }
        assert_eq!(moment(1_764_234_720), "27 Nov 09:12");
        for (share, shown) in [(0.0, "0.0 %"), (0.0001, "< 0.1 %"), (0.004, "0.4 %"), (1.0, "100.0 %")] {
            assert_eq!(percent(share), shown);
        }
    }
}
