//! Times as people write them on the command line: epoch seconds, RFC 3339, or relative to now.

use jiff::Timestamp;
use librato_apply::diag::seconds_in;

use super::exit::Stop;

/// Epoch seconds.
///
/// # Errors
/// Where it is none of the three; `flag` says where it stands.
pub fn parse(text: &str, now: i64, flag: &str) -> Result<i64, Stop> {
    let text = text.trim();
    let relative = || {
        let (sign, amount) = match text.strip_prefix('-') {
            Some(amount) => (-1, amount),
            None => (1, text.strip_prefix('+')?),
        };
        now.checked_add(seconds(amount)?.checked_mul(sign)?)
    };
    let whole = || text.parse().ok().filter(|_| !text.starts_with(['-', '+']));
    let exact = || text.parse::<Timestamp>().ok().map(Timestamp::as_second);
    whole().or_else(relative).or_else(exact).ok_or_else(|| {
        Stop::usage(
            format!("{flag} `{}` is not a time", librato_apply::diag::printable(text)),
            match seconds(text) {
                Some(_) => format!("`+{text}` is in so long, `-{text}` is so long ago"),
                None => "write epoch seconds (1700000000), RFC 3339 (2026-11-22T10:00:00Z), or relative to now (-5m, +2h30m)".to_owned(),
            },
        )
    })
}

/// `90`, `90s`, `5m`, `2h30m`, `1d`, `1w`.
pub fn seconds(text: &str) -> Option<i64> {
    let (mut total, mut rest) = (0_i64, text);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let amount: i64 = rest[..end].parse().ok()?;
        let behind = &rest[end..];
        let (unit, next) = behind.split_at(behind.chars().next().map_or(0, char::len_utf8));
        let factor = if unit.is_empty() { 1 } else { i64::try_from(seconds_in(unit)?).ok()? };
        total = total.checked_add(amount.checked_mul(factor)?)?;
        rest = next;
    }
    (!text.is_empty()).then_some(total)
}

/// Now, in epoch seconds.
pub fn now() -> i64 {
    Timestamp::now().as_second()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_write_a_time() {
        let now = 1_700_000_000;
        for (text, seconds) in [
            ("1699999999", 1_699_999_999),
            ("2023-11-14T22:13:20Z", now),
            ("2023-11-15T00:13:20+02:00", now),
            ("-5m", now - 300),
            ("-2h30m", now - 9000),
            ("+90s", now + 90),
            ("-1d", now - 86_400),
            ("-60", now - 60),
        ] {
            assert_eq!(parse(text, now, "--time").ok(), Some(seconds), "{text}");
        }
        for wrong in ["", "yesterday", "5m", "-", "2023-11-14", "-5x", "-m", "-99999999999999999w"] {
            assert!(parse(wrong, now, "--time").is_err(), "{wrong}");
        }
    }
}
