//! "Did you mean": the candidate closest to a word, if one is close enough to be worth saying.

/// The candidate that `word` was probably meant to be. Case is ignored. Only a near miss counts: one slip in a short word, two or
/// three in a long one; of equally near ones the first is taken.
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
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
        .filter(|candidate| word.len().abs_diff(candidate.len()) <= 2 * allowed)
        .map(|candidate| (strsim::damerau_levenshtein(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::suggest;

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
}
