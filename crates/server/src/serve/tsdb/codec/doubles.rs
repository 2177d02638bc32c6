//! Columns of doubles. People and programs measure in decimals, and a decimal is a whole number and an exponent that all share; what is
//! none is kept as its bits, in the order of the values, so that neighbours differ by little.
//!
//! A column: a byte that says the form, then whole numbers.
//!
//! * 0 to 9: the values are `k / 10^e`, with this `e`
//! * 16 to 25: so they are but for some, and frames of what their bits differ by come after the numbers
//! * 64 + s: their bits, without the `s` lowest, which are zero in all

use super::{frames, integers};
use crate::serve::tsdb::bytes::zigzag;

const POWERS: [f64; 10] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Whole numbers beyond are not all doubles.
const LARGEST: f64 = 2e15;

const CORRECTED: u8 = 16;
const BITS: u8 = 64;

/// So many values are tried before all are.
const SAMPLED: usize = 24;

/// What a decimal may differ from a value by, in units of its last place, so that rounding in sums does not hide it.
const NEAR: u64 = 32;

/// Writes the values; how many there are must be known to who reads them.
pub fn put(values: &[f64], out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let mut numbers = Vec::with_capacity(values.len());
    match exponent(values, &mut numbers) {
        Some((exponent, true)) => {
            out.push(exponent);
            integers::put(&numbers, out);
        }
        Some((exponent, false)) => {
            let start = out.len();
            put_bits(values, out);
            let plain = out.len() - start;
            let mut corrected = vec![CORRECTED + exponent];
            integers::put(&numbers, &mut corrected);
            let corrections: Vec<i64> = values
                .iter()
                .zip(&numbers)
                .map(|(value, number)| bits(*value).wrapping_sub(bits(decimal(*number, exponent))))
                .collect();
            frames::put(&corrections, &mut corrected);
            if corrected.len() < plain {
                out.truncate(start);
                out.extend_from_slice(&corrected);
            }
        }
        None => put_bits(values, out),
    }
}

/// Reads `count` values into `out`.
pub fn take(rest: &mut &[u8], count: usize, out: &mut Vec<f64>) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    match *rest.split_off_first()? {
        exponent @ 0..=9 => {
            let power = POWERS[usize::from(exponent)];
            integers::take(rest, count, &mut |number| out.push(number as f64 / power))
        }
        form @ CORRECTED..=25 => {
            let start = out.len();
            let power = POWERS[usize::from(form - CORRECTED)];
            integers::take(rest, count, &mut |number| out.push(number as f64 / power))?;
            let mut values = out[start..].iter_mut();
            frames::take(rest, count, &mut |correction| {
                if let Some(value) = values.next() {
                    *value = f64::from_bits(bits(*value).wrapping_add(correction).cast_unsigned());
                }
            })
        }
        form @ BITS..=127 => {
            let zeros = form - BITS;
            integers::take(rest, count, &mut |value| {
                out.push(f64::from_bits((in_order(value) << zeros).cast_unsigned()));
            })
        }
        _ => None,
    }
}

fn put_bits(values: &[f64], out: &mut Vec<u8>) {
    let zeros = values.iter().map(|value| value.to_bits().trailing_zeros()).min().unwrap_or(0).min(63);
    out.push(BITS + zeros as u8);
    let values: Vec<i64> = values.iter().map(|value| in_order(bits(*value) >> zeros)).collect();
    integers::put(&values, out);
}

/// Bits below the sign turned round where it is set: the order of these numbers is that of the values. It undoes itself.
fn in_order(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

fn bits(value: f64) -> i64 {
    value.to_bits().cast_signed()
}

/// Divided, since only that is rounded to the nearest double.
fn decimal(number: i64, exponent: u8) -> f64 {
    number as f64 / POWERS[usize::from(exponent)]
}

/// The exponent with which the values are decimals, all or most of them, and the whole numbers.
fn exponent(values: &[f64], numbers: &mut Vec<i64>) -> Option<(u8, bool)> {
    let step = values.len().div_ceil(SAMPLED);
    let few = || values.iter().step_by(step);
    let mut most = None;
    for exponent in 0..POWERS.len() as u8 {
        let near =
            few().filter(|value| number(**value, exponent).is_some_and(|(_, off)| off <= NEAR)).count();
        if 8 * near < 7 * few().count() {
            continue;
        }
        numbers.clear();
        let (mut exact, mut apart) = (true, 0);
        for value in values {
            match number(*value, exponent) {
                Some((number, off)) => {
                    numbers.push(number);
                    exact &= off == 0;
                    apart += usize::from(off > NEAR);
                }
                None => {
                    numbers.push(0);
                    exact = false;
                    apart += 1;
                }
            }
        }
        if exact {
            return Some((exponent, true));
        }
        if most.is_none() && 6 * apart <= values.len() {
            most = Some((exponent, numbers.clone()));
        }
    }
    most.map(|(exponent, found)| {
        *numbers = found;
        (exponent, false)
    })
}

/// The whole number that a value is with an exponent, and by how much it is not, in units of its last place.
fn number(value: f64, exponent: u8) -> Option<(i64, u64)> {
    let scaled = (value * POWERS[usize::from(exponent)]).round();
    if scaled.is_nan() || scaled.abs() > LARGEST {
        return None;
    }
    let number = scaled as i64;
    let off = bits(value).wrapping_sub(bits(decimal(number, exponent)));
    Some((number, zigzag(off)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(values: &[f64]) -> Vec<u8> {
        let mut out = Vec::new();
        put(values, &mut out);
        out
    }

    fn unpacked(mut bytes: &[u8], count: usize) -> Option<Vec<u64>> {
        let mut out = Vec::new();
        take(&mut bytes, count, &mut out)?;
        bytes.is_empty().then(|| out.iter().map(|value| value.to_bits()).collect())
    }

    fn survives(values: &[f64]) -> Vec<u8> {
        let bytes = packed(values);
        let wanted: Vec<u64> = values.iter().map(|value| value.to_bits()).collect();
        assert_eq!(unpacked(&bytes, values.len()), Some(wanted), "{values:?}");
        bytes
    }

    #[test]
    fn decimals_are_whole_numbers() {
        let form = |values: &[f64]| survives(values)[0];
        assert_eq!(form(&[1.0, 250.0, -3.0]), 0);
        assert_eq!(form(&[0.1, 0.2, 0.3, 17.25]), 2);
        assert_eq!(form(&[1e300, 2.5, 1e-300]), BITS);
        let sums: Vec<f64> = (1..100)
            .scan(0.0, |sum, i| {
                *sum += 0.1 * f64::from(i % 7);
                Some(*sum)
            })
            .collect();
        assert_eq!(form(&sums), CORRECTED + 1, "rounding in sums is corrected");
        let mut levels: Vec<f64> = (0..60).map(|i| f64::from(i * i * 37 % 101) / 100.0).collect();
        levels[30] = -0.0;
        assert_eq!(form(&levels), CORRECTED + 2, "zero has a sign");
    }

    #[test]
    fn the_ends_of_what_doubles_can_say() {
        survives(&[
            0.0,
            -0.0,
            f64::MIN_POSITIVE,
            5e-324,
            f64::MAX,
            f64::MIN,
            2e15,
            2e15 + 2.0,
            9_007_199_254_740_993.0,
            -1.0,
        ]);
        survives(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1.0]);
        survives(&[-0.0]);
    }

    #[test]
    fn crafted_bytes_are_refused() {
        for form in [10, 15, 26, 63, 128, 255] {
            assert_eq!(unpacked(&[form, 3, 0], 1), None, "{form}");
        }
        assert_eq!(unpacked(&[CORRECTED, 3, 0], 1), None, "without corrections");
    }

    proptest! {
    #[test]
    fn whatever_goes_in_comes_out(
        values in prop::collection::vec(prop_oneof![
            8 => (-1_000_000..1_000_000_i64).prop_map(|number| number as f64),
            1 => any::<f64>(),
            1 => Just(-0.0),
        ], 0..300),
        scale in prop_oneof![Just(1.0), Just(10.0), Just(100.0), Just(1e9), Just(3.0), Just(1e-300)],
        cut in any::<prop::sample::Index>()
    ) {
        let values: Vec<f64> = values.into_iter().map(|value| value / scale).collect();
        let bytes = survives(&values);
        if !bytes.is_empty() {
            prop_assert_eq!(unpacked(&bytes[..cut.index(bytes.len())], values.len()), None);
        }
    }
    }
}
