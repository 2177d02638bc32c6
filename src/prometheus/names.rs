//! Names of metrics and labels, as Prometheus takes them. Text alone; knows nothing of what bears them.

/// A name with `_` for every character that names cannot have.
pub fn plain(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 1);
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        out.push('_');
    }
    out.extend(name.chars().map(|c| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' }));
    out
}

/// The label of a tag that nothing is said of.
pub fn plain_label(tag: &str) -> String {
    plain(tag).replace(':', "_")
}

/// Whether this can be the name of a label of someone's own.
pub fn is_label(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && !text.starts_with("__")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A regular expression for the names that a pattern of names becomes.
pub fn names_like(pattern: &str) -> String {
    pattern
        .split('*')
        .map(|part| {
            part.chars()
                .map(|c| if c.is_ascii_alphanumeric() || c == ':' { c } else { '_' })
                .collect::<String>()
        })
        .collect::<Vec<_>>()
        .join(".*")
}

/// A regular expression for whole names, where letter case makes no difference.
pub fn whole(regex: &str) -> Result<regex::Regex, regex::Error> {
    regex::RegexBuilder::new(&format!("^(?:{regex})$")).case_insensitive(true).size_limit(1 << 20).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_that_prometheus_takes() {
        for (name, expected) in
            [("shop.checkout.ms", "shop_checkout_ms"), ("5xx", "_5xx"), ("a-b:c", "a_b:c")]
        {
            assert_eq!(plain(name), expected);
        }
        assert_eq!(names_like("shop.queue.*.depth"), "shop_queue_.*_depth");
        assert!(is_label("az_1") && !is_label("__a") && !is_label("1a") && !is_label("a-b") && !is_label(""));
    }
}
