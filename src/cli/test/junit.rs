//! What came of tests in the form of JUnit, which every CI service reads: a suite a file, a case a test.

use std::collections::BTreeMap;

use librato_apply::diag::{Files, Route};

use super::case::Result;
use super::show::title;

pub fn document(results: &[Result<'_>], files: &Files) -> String {
    let mut suites: BTreeMap<&str, Vec<&Result<'_>>> = BTreeMap::new();
    for result in results {
        suites.entry(files.name(result.case.declared.origin.file)).or_default().push(result);
    }
    let counts = |results: &[&Result<'_>]| {
        let errors = results.iter().filter(|result| result.verdict.is_err()).count();
        let failures = results.iter().filter(|result| result.failed()).count() - errors;
        format!(r#"tests="{}" failures="{failures}" errors="{errors}" skipped="0" time="0""#, results.len())
    };
    let all: Vec<&Result<'_>> = results.iter().collect();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    out.push_str(&format!("<testsuites name=\"librato-apply test\" {}>\n", counts(&all)));
    for (file, results) in suites {
        out.push_str(&format!("  <testsuite name=\"{}\" {}>\n", escaped(file), counts(&results)));
        results.iter().for_each(|result| out.push_str(&case(result, file, files)));
        out.push_str("  </testsuite>\n");
    }
    out + "</testsuites>\n"
}

fn case(result: &Result<'_>, file: &str, files: &Files) -> String {
    let line = result.case.position(files, &Route::root()).map_or(0, |position| position.line);
    let [name, alert, file] = [result.case.name(), result.case.alert(), file].map(escaped);
    let head =
        format!(r#"    <testcase name="{name}" classname="{alert}" file="{file}" line="{line}" time="0""#);
    let inside: String = match &result.verdict {
        Err(problem) => {
            let message = escaped(&problem.message);
            format!("      <error message=\"{message}\" type=\"composite\"/>\n")
        }
        Ok(verdict) => verdict
            .failures
            .iter()
            .map(|failure| {
                let mut text = String::new();
                for (word, lines) in [("expected", &failure.expected), ("actual", &failure.actual)] {
                    lines.iter().for_each(|line| text.push_str(&format!("{word}: {line}\n")));
                }
                failure.reasons.iter().for_each(|reason| text.push_str(&format!("{reason}\n")));
                let message = escaped(&title(failure, result.case));
                let text = escaped(&text);
                format!("      <failure message=\"{message}\" type=\"expectation\">{text}</failure>\n")
            })
            .collect(),
    };
    if inside.is_empty() { format!("{head}/>\n") } else { format!("{head}>\n{inside}    </testcase>\n") }
}

/// Text as XML holds it; of characters that it cannot hold, their pictures.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_left_out() {
        assert_eq!(escaped("a<b>&\"c\"\u{1b}[0m\n"), "a&lt;b&gt;&amp;&quot;c&quot;\u{fffd}[0m\n");
    }
}
