//! Numbers for people: as many digits as are worth reading.

/// So many digits are worth reading.
const DIGITS: i32 = 6;

/// A number for people.
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-6.0..15.0).contains(&magnitude) {
        let text = format!("{value:.5e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.'));
    }
    // Between 0 and 12.
    let decimals = (DIGITS - 1 - magnitude as i32).max(0) as usize;
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short() {
        for (value, shown) in [
            (0.0, "0"),
            (-0.0, "0"),
            (1.0, "1"),
            (1.0 / 3.0, "0.333333"),
            (123_456.789, "123457"),
            (-12.5, "-12.5"),
            (1e15, "1e15"),
            (f64::MAX, "1.79769e308"),
            (0.000_001_25, "0.00000125"),
            (2.5e-9, "2.5e-9"),
            (1_000_000.0, "1000000"),
        ] {
            assert_eq!(number(value), shown);
        }
    }
}
