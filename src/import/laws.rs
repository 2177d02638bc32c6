//! What holds for every text of another tool that is imported. The tests run it over committed inputs, fuzz targets over
//! mutated ones.

use super::{Imported, Source, Variables, lbrt};
use crate::diag::{Files, RouteIndex, render};

type Import = fn(&[Source], &mut Files) -> Imported;

/// A Terraform configuration, or a state or plan when it begins like JSON.
pub fn hcl(text: &str) {
    let name = if text.starts_with('{') { "main.tfstate" } else { "main.tf" };
    let terraform =
        |sources: &[Source], files: &mut Files| super::terraform(sources, &Variables::default(), files);
    imported(terraform, name, text);
}

/// A file of lbrt.
pub fn ruby(text: &str) {
    imported(lbrt, "alerts.rb", text);
}

/// Reading ends, what is found can be shown, and objects come sorted and once each.
fn imported(import: Import, name: &str, text: &str) {
    let mut files = Files::default();
    let file = files.add_foreign(name, text.to_owned(), |_| RouteIndex::default());
    let source = Source { file, dir: String::new(), name: name.to_owned() };
    let Imported { objects, mut report, .. } = import(&[source], &mut files);
    report.sort(&files);
    assert!(report.is_empty() || !render(&report, &files, false).is_empty());
    let mut seen = std::collections::BTreeSet::new();
    for (address, _) in &objects {
        assert!(seen.insert(address), "{address} was imported twice");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hold_for_the_committed_inputs() {
        for (target, law) in [("hcl", hcl as fn(&str)), ("ruby", ruby)] {
            for input in crate::fuzz_inputs(target) {
                law(&String::from_utf8_lossy(&input));
            }
        }
    }
}
