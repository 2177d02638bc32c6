//! What holds for every text that is read as YAML. The tests run it over committed inputs, a fuzz target over mutated ones.

use super::{everyday, yaml};
use crate::diag::{Files, Report, render};

/// Both ways of reading agree, every problem has a place that can be shown, and what was read survives being written.
pub fn yaml(text: &str) {
    let mut files = Files::default();
    let file = files.add("input.yaml", text.to_owned(), yaml::index);
    let whole = yaml::whole(text);
    if let Some(value) = everyday::read(text) {
        assert_eq!(whole.as_ref().ok(), Some(&value), "the two ways of reading disagree");
    }
    let mut report = Report::default();
    if let Some(value) = yaml::parse_all(text, file, &mut report)
        && let Ok(written) = yaml::write(&value)
    {
        assert_eq!(yaml::whole(&written).ok(), Some(value), "written as {written:?}");
    }
    report.sort(&files);
    assert!(report.is_empty() || !render(&report, &files, false).is_empty());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_for_the_committed_inputs() {
        for input in crate::fuzz_inputs("yaml") {
            yaml(&String::from_utf8_lossy(&input));
        }
    }
}
