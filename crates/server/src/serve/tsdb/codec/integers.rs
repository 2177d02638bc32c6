//! Columns of whole numbers: as they are, as differences, or as differences of differences, whatever is narrowest; or one number for
//! all.

use super::frames;
use crate::serve::tsdb::bytes::{put_signed, take_signed};

/// So many values decide which form a column takes.
const LOOKED_AT: usize = 256;

const CONSTANT: u8 = 3;

/// Writes the values; how many there are must be known to who reads them.
pub fn put(values: &[i64], out: &mut Vec<u8>) {
    let Some(first) = values.first() else { return };
    if values.iter().all(|value| value == first) {
        out.push(CONSTANT);
        return put_signed(*first, out);
    }
    let order = order(values);
    out.push(order);
    let mut column = values.to_vec();
    for times in 0..usize::from(order) {
        put_signed(column[times], out);
        for at in (times + 1..column.len()).rev() {
            column[at] = column[at].wrapping_sub(column[at - 1]);
        }
    }
    frames::put(&column[usize::from(order)..], out);
}

/// Reads `count` values and gives each to `each`.
pub fn take(rest: &mut &[u8], count: usize, each: &mut impl FnMut(i64)) -> Option<()> {
    if count == 0 {
        return Some(());
    }
    match *rest.split_off_first()? {
        0 => frames::take(rest, count, each),
        1 => {
            let mut value = take_signed(rest)?;
            each(value);
            frames::take(rest, count - 1, &mut |difference| {
                value = value.wrapping_add(difference);
                each(value);
            })
        }
        2 if count > 1 => {
            let mut value = take_signed(rest)?;
            each(value);
            let mut step = take_signed(rest)?;
            value = value.wrapping_add(step);
            each(value);
            frames::take(rest, count - 2, &mut |difference| {
                step = step.wrapping_add(difference);
                value = value.wrapping_add(step);
                each(value);
            })
        }
        CONSTANT => {
            let value = take_signed(rest)?;
            (0..count).for_each(|_| each(value));
            Some(())
        }
        _ => None,
    }
}

/// How often differences are taken: what leaves the narrowest spans, in stretches that are short enough for one jump not to decide.
fn order(values: &[i64]) -> u8 {
    const STRETCH: usize = 32;
    let looked = &values[..values.len().min(LOOKED_AT)];
    if looked.len() < 3 {
        return 0;
    }
    let mut widths = [0; 3];
    for stretch in looked.chunks(STRETCH) {
        let mut spans = [(i64::MAX, i64::MIN); 3];
        let mut before = [0; 2];
        for (at, value) in stretch.iter().enumerate() {
            let difference = value.wrapping_sub(before[0]);
            let column = [*value, difference, difference.wrapping_sub(before[1])];
            before = [*value, difference];
            for (span, value) in spans.iter_mut().zip(column).take(at + 1) {
                *span = (span.0.min(value), span.1.max(value));
            }
        }
        for (width, (low, high)) in widths.iter_mut().zip(spans) {
            *width += if low <= high { 64 - high.wrapping_sub(low).leading_zeros() } else { 0 };
        }
    }
    (0..3_u8).min_by_key(|order| widths[usize::from(*order)]).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(values: &[i64]) -> Vec<u8> {
        let mut out = Vec::new();
        put(values, &mut out);
        out
    }

    fn unpacked(mut bytes: &[u8], count: usize) -> Option<Vec<i64>> {
        let mut out = Vec::new();
        take(&mut bytes, count, &mut |value| out.push(value))?;
        bytes.is_empty().then_some(out)
    }

    #[test]
    fn each_kind_of_column_takes_the_form_that_fits() {
        let form = |value: fn(i64) -> i64| packed(&(0..60).map(value).collect::<Vec<_>>())[0];
        assert_eq!(form(|_| 7), CONSTANT);
        assert_eq!(form(|i| 1_000 + i * i * 37 % 101), 0, "around a level");
        assert_eq!(form(|i| 40 * i + i * 37 % 11), 1, "a counter");
        assert_eq!(form(|i| 500 * i * i + i % 3), 2, "faster and faster");
    }

    #[test]
    fn crafted_bytes_are_refused() {
        assert_eq!(unpacked(&[4, 0], 1), None, "no form is called 4");
        assert_eq!(unpacked(&[2, 0, 0], 1), None, "one value has no differences of differences");
        assert_eq!(unpacked(&[CONSTANT], 1), None, "cut short");
    }

    proptest! {
    #[test]
    fn whatever_goes_in_comes_out(
        values in prop::collection::vec(prop_oneof![4 => -50..50_i64, 1 => any::<i64>()], 0..300),
        slope in -100..100_i64,
        bend in -3..3_i64,
        cut in any::<prop::sample::Index>()
    ) {
        let line = (0..).map(|i: i64| slope * i + bend * i * i);
        let values: Vec<i64> = values.into_iter().zip(line).map(|(value, more)| value.wrapping_add(more)).collect();
        let bytes = packed(&values);
        prop_assert_eq!(unpacked(&bytes, values.len()), Some(values.clone()));
        if !bytes.is_empty() {
            prop_assert_eq!(unpacked(&bytes[..cut.index(bytes.len())], values.len()), None);
        }
    }
    }
}
