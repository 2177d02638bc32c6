//! Whole numbers in frames of reference: 128 at a time as differences to a base, each in as many bits as the largest of them takes. A
//! few that would widen all others are exceptions and stand before the bits.
//!
//! A frame: its base, signed; a byte with the width in bits, and 128 more where there are exceptions; their number, and for each the
//! distance to the place of the one before and what it differs from the base; then the bits, lowest first, of whole bytes.

use crate::serve::tsdb::bytes::{put_signed, put_unsigned, take_signed, take_unsigned, zigzag};

/// Numbers in a frame; the last one may have fewer.
pub const LENGTH: usize = 128;

/// Exceptions of a frame at most.
const MOST: usize = 16;

/// The bit of the width that says that there are exceptions.
const EXCEPTIONS: u8 = 0x80;

/// Bytes behind the bits of a frame, so that the last of them can be read as a whole word.
const PADDING: usize = 16;

/// Writes any number of values.
pub fn put(values: &[i64], out: &mut Vec<u8>) {
    values.chunks(LENGTH).for_each(|frame| put_frame(frame, out));
}

/// Reads `count` values and gives each to `each`.
pub fn take(rest: &mut &[u8], count: usize, each: &mut impl FnMut(i64)) -> Option<()> {
    let mut left = count;
    let mut frame = [0; LENGTH];
    while left > 0 {
        let frame = &mut frame[..left.min(LENGTH)];
        take_frame(rest, frame)?;
        frame.iter().for_each(|value| each(*value));
        left -= frame.len();
    }
    Some(())
}

/// Where the values of a frame lie, but for its exceptions.
struct Span {
    base: i64,
    width: u32,
    has_exceptions: bool,
}

fn put_frame(frame: &[i64], out: &mut Vec<u8>) {
    let span = span(frame);
    put_signed(span.base, out);
    out.push(span.width as u8 | if span.has_exceptions { EXCEPTIONS } else { 0 });
    let mut packed = [0; LENGTH];
    let mut exceptions = Vec::new();
    for (place, (value, slot)) in frame.iter().zip(&mut packed).enumerate() {
        let above = value.wrapping_sub(span.base);
        if bits(above.cast_unsigned()) <= span.width {
            *slot = above.cast_unsigned();
        } else {
            exceptions.push((place, above));
        }
    }
    if span.has_exceptions {
        put_unsigned(exceptions.len() as u64, out);
        let mut before = 0;
        for (place, above) in exceptions {
            put_unsigned((place - before) as u64, out);
            put_signed(above, out);
            before = place;
        }
    }
    pack(&packed[..frame.len()], span.width, out);
}

fn take_frame(rest: &mut &[u8], frame: &mut [i64]) -> Option<()> {
    let base = take_signed(rest)?;
    let head = *rest.split_off_first()?;
    let width = u32::from(head & !EXCEPTIONS);
    if width > 64 {
        return None;
    }
    let mut exceptions = [(0, 0); MOST];
    let mut number = 0;
    if head & EXCEPTIONS != 0 {
        number = usize::try_from(take_unsigned(rest)?).ok().filter(|number| *number <= MOST)?;
        let mut place = 0_usize;
        for slot in &mut exceptions[..number] {
            place = place.checked_add(usize::try_from(take_unsigned(rest)?).ok()?)?;
            *slot = (place, take_signed(rest)?);
        }
    }
    let packed = rest.split_off(..(frame.len() * width as usize).div_ceil(8))?;
    unpack(packed, width, base, frame);
    for (place, above) in &exceptions[..number] {
        *frame.get_mut(*place)? = base.wrapping_add(*above);
    }
    Some(())
}

/// How many bits a number takes.
fn bits(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// The span of a frame that takes the fewest bytes.
fn span(frame: &[i64]) -> Span {
    let (low, high) = frame.iter().fold((i64::MAX, i64::MIN), |(low, high), x| (low.min(*x), high.max(*x)));
    let plain =
        Span { base: low, width: bits(high.wrapping_sub(low).cast_unsigned()), has_exceptions: false };
    // Sorting is dear, so it is done where it promises something: most values are far narrower than the span.
    let middle = frame[frame.len() / 2];
    let mean = |reference: i64| {
        frame.iter().map(|x| bits(zigzag(x.wrapping_sub(reference)))).sum::<u32>() / frame.len() as u32
    };
    if plain.width < 5 || mean(middle).min(mean(frame[0])) + 4 > plain.width {
        return plain;
    }
    let mut sorted = [0; LENGTH];
    let sorted = &mut sorted[..frame.len()];
    sorted.copy_from_slice(frame);
    sorted.sort_unstable();
    let mut best = (cost(frame.len(), plain.width), plain);
    for outside in 1..=MOST.min(frame.len() - 1) {
        let inside = frame.len() - outside;
        for low in 0..=outside {
            let width = bits(sorted[low + inside - 1].wrapping_sub(sorted[low]).cast_unsigned());
            // An exception takes its place and some bytes.
            let bytes =
                cost(frame.len(), width) + outside * (1 + (plain_bits(sorted) as usize + 1).div_ceil(7)) + 1;
            if bytes < best.0 {
                best = (bytes, Span { base: sorted[low], width, has_exceptions: true });
            }
        }
    }
    best.1
}

fn plain_bits(sorted: &[i64]) -> u32 {
    bits(sorted[sorted.len() - 1].wrapping_sub(sorted[0]).cast_unsigned())
}

fn cost(count: usize, width: u32) -> usize {
    (count * width as usize).div_ceil(8)
}

fn pack(values: &[u64], width: u32, out: &mut Vec<u8>) {
    let end = out.len() + cost(values.len(), width);
    let (mut waiting, mut filled) = (0_u128, 0);
    for value in values {
        waiting |= u128::from(*value) << filled;
        filled += width;
        while filled >= 32 {
            out.extend_from_slice(&(waiting as u32).to_le_bytes());
            waiting >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&waiting.to_le_bytes());
    out.truncate(end);
}

fn unpack(packed: &[u8], width: u32, base: i64, out: &mut [i64]) {
    if width == 0 {
        return out.fill(base);
    }
    let mut padded = [0; LENGTH * 8 + PADDING];
    padded[..packed.len()].copy_from_slice(packed);
    let mask = u64::MAX >> (64 - width);
    let mut at = 0;
    for slot in out {
        let (byte, bit) = (at / 8, at % 8);
        let bits = if width <= 56 { word(&padded, byte) >> bit } else { (wide(&padded, byte) >> bit) as u64 };
        *slot = base.wrapping_add((bits & mask).cast_signed());
        at += width as usize;
    }
}

fn word(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_le_bytes)
}

fn wide(bytes: &[u8], at: usize) -> u128 {
    bytes.get(at..at + 16).and_then(|bytes| bytes.try_into().ok()).map_or(0, u128::from_le_bytes)
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
    fn few_that_lie_apart_do_not_widen_the_others() {
        let mut values: Vec<i64> = (0..128).map(|i| i * 37 % 16).collect();
        let narrow = packed(&values).len();
        assert_eq!(narrow, 2 + 64);
        (values[3], values[70], values[127]) = (-1_000_000_000, 1 << 40, i64::MIN);
        assert!(packed(&values).len() < narrow + 3 * 11 + 2, "{}", packed(&values).len());
        assert_eq!(unpacked(&packed(&values), 128), Some(values));
    }

    #[test]
    fn crafted_bytes_are_refused() {
        assert_eq!(unpacked(&[0, 65], 1), None, "no number has 65 bits");
        assert_eq!(unpacked(&[0, 0x80, 17], 128), None, "more exceptions than a frame has");
        assert_eq!(unpacked(&[0, 0x80, 1, 5, 2], 5), None, "an exception behind the end");
        assert_eq!(unpacked(&[0, 0x80, 1, 4, 2], 5), Some(vec![0, 0, 0, 0, 1]));
        assert_eq!(unpacked(&[0, 8, 1], 2), None, "cut short");
    }

    proptest! {
    #[test]
    fn whatever_goes_in_comes_out(
        values in prop::collection::vec(prop_oneof![8 => -50..50_i64, 1 => any::<i64>(), 1 => Just(i64::MIN), 1 => Just(i64::MAX)], 0..400),
        shift in 0..64_u32,
        cut in any::<prop::sample::Index>()
    ) {
        let values: Vec<i64> = values.into_iter().map(|value| value.wrapping_shl(shift)).collect();
        let bytes = packed(&values);
        prop_assert_eq!(unpacked(&bytes, values.len()), Some(values.clone()));
        if !bytes.is_empty() {
            prop_assert_eq!(unpacked(&bytes[..cut.index(bytes.len())], values.len()), None);
        }
    }

    #[test]
    fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..60), count in 0..300_usize) {
        let _ = unpacked(&bytes, count);
    }
    }
}
