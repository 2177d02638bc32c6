//! The times of points: mostly a grid, of which some places may be empty.
//!
//! How many there are, then, unless there are none: the form and the first time, and
//!
//! * 0: nothing, it is alone
//! * 1: the step
//! * 2: the step, how many places the grid has, and a bit for each, lowest first
//! * 3: a unit, then frames of the differences in that unit

use super::frames;
use crate::serve::tsdb::bytes::{put_signed, put_unsigned, take_signed, take_unsigned};

/// Points of one run at most: a grid takes no bytes for each, so that few could ask for much memory.
pub const MOST: usize = 1 << 16;

/// Writes times in order.
pub fn put(times: &[i64], out: &mut Vec<u8>) {
    put_unsigned(times.len() as u64, out);
    let Some(first) = times.first() else { return };
    let differences: Vec<i64> = times.windows(2).map(|pair| pair[1].wrapping_sub(pair[0])).collect();
    let unit = differences.iter().fold(0, |unit, difference| common(unit, difference.cast_unsigned()));
    let grid = || {
        let step = i64::try_from(unit).ok().filter(|step| *step > 0)?;
        let slots = (times.last()?.checked_sub(*first)? / step).checked_add(1)?;
        usize::try_from(slots).ok().filter(|slots| *slots < 2 * times.len()).map(|slots| (step, slots))
    };
    let form = match (differences.is_empty(), grid()) {
        (true, _) => 0,
        (_, Some((_, slots))) if slots == times.len() => 1,
        // No time stands twice in a grid.
        (_, Some(_)) if !differences.contains(&0) => 2,
        _ => 3,
    };
    out.push(form);
    put_signed(*first, out);
    match (form, grid()) {
        (1, Some((step, _))) => put_unsigned(step.cast_unsigned(), out),
        (2, Some((step, slots))) => {
            put_unsigned(step.cast_unsigned(), out);
            put_unsigned(slots as u64, out);
            let mut taken = vec![0; slots.div_ceil(8)];
            for time in times {
                let slot = ((time - first) / step) as usize;
                taken[slot / 8] |= 1_u8 << (slot % 8);
            }
            out.extend_from_slice(&taken);
        }
        (3, _) => {
            let unit = unit.max(1);
            put_unsigned(unit, out);
            let differences =
                differences.iter().map(|difference| (difference.cast_unsigned() / unit).cast_signed());
            frames::put(&Vec::from_iter(differences), out);
        }
        _ => {}
    }
}

/// Reads times, which are in order.
pub fn take(rest: &mut &[u8]) -> Option<Vec<i64>> {
    let count = usize::try_from(take_unsigned(rest)?).ok().filter(|count| *count <= MOST)?;
    if count == 0 {
        return Some(Vec::new());
    }
    let form = *rest.split_off_first()?;
    let first = take_signed(rest)?;
    let step = |rest: &mut &[u8]| i64::try_from(take_unsigned(rest)?).ok().filter(|step| *step > 0);
    match form {
        0 if count == 1 => Some(vec![first]),
        1 if count > 1 => {
            let step = step(rest)?;
            first.checked_add(step.checked_mul(count as i64 - 1)?)?;
            Some((0..count as i64).map(|place| first + step * place).collect())
        }
        2 if count > 1 => {
            let step = step(rest)?;
            let slots = usize::try_from(take_unsigned(rest)?)
                .ok()
                .filter(|slots| (count..2 * count).contains(slots))?;
            first.checked_add(step.checked_mul(slots as i64)?)?;
            let taken = rest.split_off(..slots.div_ceil(8))?;
            let is_taken = |slot: &usize| taken[slot / 8] >> (slot % 8) & 1 == 1;
            let times: Vec<i64> =
                (0..slots).filter(is_taken).map(|slot| first + step * slot as i64).collect();
            let ends = is_taken(&0) && is_taken(&(slots - 1));
            (times.len() == count && ends).then_some(times)
        }
        3 if count > 1 => {
            let unit = take_unsigned(rest)?;
            let mut times = Vec::with_capacity(count);
            times.push(first);
            let (mut time, mut sound) = (first, true);
            frames::take(rest, count - 1, &mut |difference| {
                let next = difference
                    .cast_unsigned()
                    .checked_mul(unit)
                    .and_then(|difference| time.checked_add_unsigned(difference));
                sound &= next.is_some();
                time = next.unwrap_or(time);
                times.push(time);
            })?;
            sound.then_some(times)
        }
        _ => None,
    }
}

/// The greatest common divisor.
fn common(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packed(times: &[i64]) -> Vec<u8> {
        let mut out = Vec::new();
        put(times, &mut out);
        out
    }

    fn unpacked(mut bytes: &[u8]) -> Option<Vec<i64>> {
        let times = take(&mut bytes)?;
        bytes.is_empty().then_some(times)
    }

    #[test]
    fn grids_take_nothing_for_a_point() {
        let grid: Vec<i64> = (0..1_440).map(|i| 1_700_000_000 + 60 * i).collect();
        assert_eq!(packed(&grid).len(), 2 + 1 + 5 + 1);
        let gaps: Vec<i64> = grid.iter().copied().filter(|time| time / 60 % 7 != 0).collect();
        assert!(packed(&gaps).len() < 192, "{}", packed(&gaps).len());
        let odd: Vec<i64> = (0..100).map(|i| 60 * i + i * i % 7).collect();
        for times in [
            grid,
            gaps,
            odd,
            vec![],
            vec![i64::MIN],
            vec![i64::MIN, i64::MAX],
            vec![5, 5, 5],
            vec![0, 5, 5, 10],
        ] {
            assert_eq!(unpacked(&packed(&times)).as_ref(), Some(&times));
        }
    }

    #[test]
    fn crafted_bytes_are_refused() {
        let number = |value: u64| {
            let mut out = Vec::new();
            put_unsigned(value, &mut out);
            out
        };
        for (bytes, why) in [
            ([&number(MOST as u64 + 1)[..], &[1, 0, 1]].concat(), "too many"),
            (vec![2, 1, 0, 0], "a step of nothing"),
            ([&[2, 1][..], &number(u64::MAX - 1), &[1]].concat(), "past the end of time"),
            (vec![3, 2, 0, 1, 6, 7], "slots for twice as many"),
            (vec![3, 2, 0, 1, 4, 3], "two of three are there"),
            (vec![3, 2, 0, 1, 5, 7], "the last slot is empty"),
            ([&[2, 3, 0][..], &number(u64::MAX), &[4, 0]].concat(), "past the end of time"),
            (vec![1, 4, 0], "an unknown form"),
            (vec![2, 0, 0], "one alone, of two"),
        ] {
            assert_eq!(unpacked(&bytes), None, "{why}");
        }
    }

    proptest! {
        #[test]
        fn whatever_goes_in_comes_out(
            mut times in prop::collection::vec(prop_oneof![8 => 0..500_i64, 1 => any::<i64>()], 0..300),
            step in prop_oneof![Just(1), Just(60), Just(1 << 40)],
            cut in any::<prop::sample::Index>()
        ) {
            times.iter_mut().for_each(|time| *time = time.saturating_mul(step));
            times.sort_unstable();
            let bytes = packed(&times);
            prop_assert_eq!(unpacked(&bytes), Some(times));
            prop_assert_eq!(unpacked(&bytes[..cut.index(bytes.len())]), None);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Some(times) = unpacked(&bytes) {
                prop_assert!(times.is_sorted());
            }
        }
    }
}
