//! Numbers with their nouns: 1 alert, 2 alerts.

use std::fmt::Display;

/// A number with the form of the noun that it takes.
pub fn plural<N: Copy + Display + PartialEq + From<u8>>(count: N, one: &str, many: &str) -> String {
    let noun = if count == N::from(1) { one } else { many };
    format!("{count} {noun}")
}

/// The same of a noun that only takes an `s`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    plural(count, noun, &format!("{noun}s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_is_many() {
        assert_eq!([0_usize, 1, 2].map(|n| counted(n, "alert")), ["0 alerts", "1 alert", "2 alerts"]);
        assert_eq!(plural(1_u64, "thing was", "things were"), "1 thing was");
        assert_eq!(plural(0_u64, "thing was", "things were"), "0 things were");
    }
}
