//! Names of metrics made legal. Off unless asked for: most people want to see the service's refusal.

/// Turns the name that was given into the one that is sent.
pub type Sanitizer = fn(&str) -> String;

/// The longest name of a metric.
const LONGEST: usize = 255;

/// The classic: every run of characters that a metric's name cannot hold becomes one `-`, and the name ends after 255
/// characters. python-librato's `sanitize_metric_name` does the same.
///
/// ```
/// use librato_apply::measure::sanitize_metric_name;
///
/// assert_eq!(sanitize_metric_name("disk usage (/var)"), "disk-usage-var-");
/// assert_eq!(sanitize_metric_name("a.b:c-d_e"), "a.b:c-d_e");
/// ```
pub fn sanitize_metric_name(name: &str) -> String {
    let mut legal = String::with_capacity(name.len().min(LONGEST));
    let mut in_run = false;
    for c in name.chars() {
        let allowed = c.is_ascii_alphanumeric() || ".:-_".contains(c);
        if allowed || !in_run {
            legal.push(if allowed { c } else { '-' });
        }
        in_run = !allowed;
        if legal.len() == LONGEST {
            break;
        }
    }
    legal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_become_one_dash_and_long_names_are_cut() {
        for (given, sent) in
            [("a b", "a-b"), ("a  [] b", "a-b"), ("a-\n-b", "a---b"), ("ü", "-"), ("", ""), ("-- x", "---x")]
        {
            assert_eq!(sanitize_metric_name(given), sent, "{given}");
        }
        assert_eq!(sanitize_metric_name(&"é".repeat(300)), "-");
        assert_eq!(sanitize_metric_name(&"x".repeat(300)).len(), 255);
    }
}
