//! Numbers as they are written on axes, in legends and in sentences. Units are never converted, except that bytes are counted in
//! powers of 1,024.

/// Between groups of three digits: narrow, and no place to break a line.
pub const THIN: char = '\u{202f}';

/// How values of one axis are written.
#[derive(Debug, Clone, PartialEq)]
pub struct Form {
    /// What values are divided by.
    pub divisor: f64,
    /// What is written behind each number.
    pub prefix: &'static str,
    /// What is written once, at the top.
    pub unit: String,
}

/// From this on numbers are written with a prefix.
const LONG: f64 = 1e5;

impl Form {
    /// For values up to `most` (absolute) in a unit.
    #[must_use]
    pub fn of(most: f64, unit: &str) -> Self {
        if is_bytes(unit) {
            let names = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
            let place = power(most, 1024.0, names.len() - 1);
            let divisor = 1024_f64.powi(i32::try_from(place).unwrap_or(0));
            return Self { divisor, prefix: "", unit: names[place].to_owned() };
        }
        let plain = Self { divisor: 1.0, prefix: "", unit: unit.to_owned() };
        if !(LONG..1e21).contains(&most) {
            return plain;
        }
        let prefixes = ["", "k", "M", "G", "T", "P", "E"];
        let place = power(most, 1000.0, prefixes.len() - 1);
        let divisor = 1000_f64.powi(i32::try_from(place).unwrap_or(0));
        Self { divisor, prefix: prefixes[place], ..plain }
    }

    /// A value of an axis whose steps are so far apart (already divided).
    #[must_use]
    pub fn tick(&self, value: f64, step: f64) -> String {
        let value = value / self.divisor;
        if value.abs() < step.abs() * 1e-6 {
            return "0".to_owned();
        }
        let exponent = value.abs().max(step.abs()).log10();
        if !(-5.0..=21.0).contains(&step.abs().log10()) || exponent > 12.0 {
            return short(value);
        }
        grouped(value, decimals(step)) + self.prefix
    }
}

fn is_bytes(unit: &str) -> bool {
    unit == "B" || unit.eq_ignore_ascii_case("bytes") || unit.eq_ignore_ascii_case("octets")
}

fn power(most: f64, base: f64, last: usize) -> usize {
    let mut left = most;
    let mut place = 0;
    while left >= base && place < last {
        left /= base;
        place += 1;
    }
    place
}

/// Digits behind the point that a step needs.
fn decimals(step: f64) -> usize {
    let mut scaled = step.abs();
    for decimals in 0..9 {
        if (scaled - scaled.round()).abs() < scaled * 1e-6 {
            return decimals;
        }
        scaled *= 10.0;
    }
    9
}

/// A number with thin spaces between groups of three digits.
#[must_use]
pub fn grouped(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    let (whole, rest) =
        text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let (sign, digits) = match whole.strip_prefix('-') {
        Some(digits) => ("−", digits),
        None => ("", whole),
    };
    let mut out = sign.to_owned();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) && digits.len() > 3 {
            out.push(THIN);
        }
        out.push(digit);
    }
    if let Some(rest) = rest {
        out.push('.');
        out.push_str(rest);
    }
    out
}

/// A number with few digits, for legends: `1 346`, `40.1`, `0.57`.
#[must_use]
pub fn short(value: f64) -> String {
    digits(value, 3, true)
}

/// A number with few digits and the unit that was chosen for its size, which only bytes have.
#[must_use]
pub fn short_in(value: f64, unit: &str) -> String {
    if !is_bytes(unit) || !value.is_finite() {
        return short(value);
    }
    let form = Form::of(value.abs(), unit);
    format!("{} {}", short(value / form.divisor), form.unit)
}

/// A number with six digits and its unit, for sentences.
#[must_use]
pub fn full_in(value: f64, unit: &str) -> String {
    if unit.is_empty() {
        return full(value);
    }
    if !is_bytes(unit) || !value.is_finite() {
        return format!("{} {unit}", full(value));
    }
    let form = Form::of(value.abs(), unit);
    format!("{} {}", full(value / form.divisor), form.unit)
}

/// A number with six digits, for sentences and read-outs.
#[must_use]
pub fn full(value: f64) -> String {
    digits(value, 6, false)
}

/// With so many digits that count; digits before the point are all shown, unless they are many and may have a prefix.
fn digits(value: f64, count: i32, prefixed: bool) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if !(-5.0..15.0).contains(&magnitude) {
        let text = format!("{value:.*e}", usize::try_from(count - 1).unwrap_or(2));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        return format!("{}e{exponent}", trimmed(mantissa)).replace('-', "−");
    }
    if prefixed && value.abs() >= LONG {
        let form = Form::of(value.abs(), "");
        return digits(value / form.divisor, count, false) + form.prefix;
    }
    let decimals = usize::try_from((count - 1 - magnitude as i32).max(0)).unwrap_or(0);
    let text = grouped(value, decimals);
    if text.contains('.') { trimmed(&text).to_owned() } else { text }
}

fn trimmed(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_units() {
        let form = Form::of(1500.0, "ms");
        assert_eq!(form.tick(1500.0, 500.0), "1\u{202f}500");
        assert_eq!(form.tick(-0.000_000_1, 500.0), "0");
        let form = Form::of(250_000.0, "ms");
        assert_eq!((form.tick(250_000.0, 50.0), form.unit.as_str()), ("250k".to_owned(), "ms"));
        let form = Form::of(3.0 * 1024.0 * 1024.0, "bytes");
        assert_eq!((form.tick(1_572_864.0, 0.5), form.unit.as_str()), ("1.5".to_owned(), "MiB"));
        assert_eq!(Form::of(0.5, "").tick(0.25, 0.25), "0.25");
    }

    #[test]
    fn legends_are_short_and_sentences_exact() {
        let shown = [1346.4, 40.123, 0.5678, 0.0, -12.5, 2_345_678.0, 1e-9, f64::NAN].map(short);
        assert_eq!(shown, ["1\u{202f}346", "40.1", "0.568", "0", "−12.5", "2.35M", "1e−9", "–"]);
        assert_eq!([1346.4, 352.123_456_7, 1e15].map(full), ["1\u{202f}346.4", "352.123", "1e15"]);
    }
}
