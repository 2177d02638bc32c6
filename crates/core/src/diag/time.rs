//! Units of time as people write them, in seconds. What may be written where is for each language to say.

/// How many seconds `s`, `m`, `h`, `d` or `w` are.
pub fn seconds_in(unit: &str) -> Option<u64> {
    Some(match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_so_many_of_the_one_before() {
        let seconds = ["s", "m", "h", "d", "w"].map(|unit| seconds_in(unit).unwrap());
        assert_eq!(seconds, [1, 60, 60 * 60, 24 * 60 * 60, 7 * 24 * 60 * 60]);
        assert_eq!(["", "ms", "M", "y"].map(seconds_in), [None; 4]);
    }
}
