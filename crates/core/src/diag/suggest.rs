//! "Did you mean": the candidate closest to a word, if one is close enough to be worth saying.

use std::cell::Cell;

/// How many comparisons one run may make, about half a second of them: that many mistakes are of one cause, and only the first
/// few are read.
const MAX_COMPARISONS: usize = 100_000;

/// Suggestions for the mistakes of one run. Thousands of mistakes times thousands of names would take minutes, so together they
/// have a bound; beyond it nothing is suggested.
#[derive(Debug)]
pub struct Suggestions {
    left: Cell<usize>,
}

impl Default for Suggestions {
    fn default() -> Self {
        Self { left: Cell::new(MAX_COMPARISONS) }
    }
}

impl Suggestions {
    /// The candidate that `word` was probably meant to be. Case is ignored. Only a near miss counts: one slip in a short word, two
    /// or three in a long one; of equally near ones the first is taken.
    pub fn of<'a>(&self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
        let word = word.to_lowercase();
        let allowed = match word.chars().count() {
            0 => return None,
            1..=2 => 0,
            3..=4 => 1,
            5..=8 => 2,
            _ => 3,
        };
        candidates
            .into_iter()
            .take_while(|_| self.left.get() > 0)
            .filter(|candidate| word.len().abs_diff(candidate.len()) <= 2 * allowed)
            .map(|candidate| (self.distance(&word, &candidate.to_lowercase()), candidate))
            .filter(|(distance, _)| *distance <= allowed)
            .min_by_key(|(distance, _)| *distance)
            .map(|(_, candidate)| candidate)
    }

    fn distance(&self, a: &str, b: &str) -> usize {
        self.left.set(self.left.get().saturating_sub(1));
        strsim::damerau_levenshtein(a, b)
    }
}

/// [`Suggestions::of`] for a mistake that stands alone.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    Suggestions::default().of(word, candidates)
}

#[cfg(test)]
mod tests {
    use super::{MAX_COMPARISONS, Suggestions, suggest};

    #[test]
    fn proposes_near_misses_only() {
        let names = ["threshold", "type", "source", "duration", "summary_function"];
        assert_eq!(suggest("treshold", names), Some("threshold"));
        assert_eq!(suggest("Type", names), Some("type"));
        assert_eq!(suggest("tpye", names), Some("type"));
        assert_eq!(suggest("summary_functon", names), Some("summary_function"));
        assert_eq!(suggest("colour", names), None);
        assert_eq!(suggest("x", ["y"]), None);
        assert_eq!(suggest("", names), None);
    }

    #[test]
    fn takes_the_nearest() {
        assert_eq!(suggest("ops-slak", ["ops-sms", "ops-slack", "dev-slack"]), Some("ops-slack"));
    }

    #[test]
    fn many_mistakes_together_are_compared_a_bounded_number_of_times() {
        let names: Vec<String> = (0..1000).map(|i| format!("service-{i:04}")).collect();
        let suggestions = Suggestions::default();
        let found = |word| suggestions.of(word, names.iter().map(String::as_str));
        assert_eq!(found("servise-0007"), Some("service-0007"));
        assert_eq!(suggestions.left.get(), MAX_COMPARISONS - 1000);
        assert_eq!(found("another length"), None);
        for _ in 0..200 {
            found("servise-0007");
        }
        assert_eq!((suggestions.left.get(), found("servise-0007")), (0, None));
    }
}
