//! Waits until the ruler evaluates what was written, and says what fails there: some mistakes, such as series that do not fit together, show
//! only then. Writes nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::found::key;
use super::writing::{GroupWriting, Writing};
use crate::prometheus::DEFINITION;
use crate::remote::ruler::{Ruler, RulerError};

/// How often the ruler is asked.
const GLANCE: Duration = Duration::from_secs(1);

/// Waits at most so long; gives what fails, and what was not evaluated by then, in sentences.
pub async fn wait(ruler: &Ruler, writing: &Writing, patience: Duration) -> Result<Vec<String>, RulerError> {
    let end = Instant::now() + patience;
    let mut first = BTreeMap::new();
    loop {
        let view = ruler.evaluated().await?;
        let looks: Vec<Look> =
            writing.groups.iter().map(|group| look(&view, &writing.namespace, group, &mut first)).collect();
        let all = looks.iter().all(|look| look.evaluated);
        if all || Instant::now() >= end {
            let names = writing.groups.iter().zip(&looks).filter(|(_, look)| !look.evaluated);
            let late = names.map(|(group, _)| {
                format!(
                    "group \"{}\" was not evaluated as it was written within {} s",
                    group.name,
                    patience.as_secs()
                )
            });
            return Ok(late.chain(looks.iter().flat_map(|look| look.errors.clone())).collect());
        }
        sleep(GLANCE.min(end.saturating_duration_since(Instant::now()))).await;
    }
}

/// What is seen of one group.
struct Look {
    evaluated: bool,
    errors: Vec<String>,
}

/// `first` has when groups were last evaluated when they were looked at first: of a rule without a definition only a later evaluation tells.
fn look(view: &Value, namespace: &str, group: &GroupWriting, first: &mut BTreeMap<String, String>) -> Look {
    let groups = view["data"]["groups"].as_array().into_iter().flatten();
    let found = groups.into_iter().find(|it| it["file"] == *namespace && it["name"] == *group.name);
    let Some(found) = found else { return Look { evaluated: group.put.is_empty(), errors: Vec::new() } };
    let rules: Vec<&Value> = found["rules"].as_array().into_iter().flatten().collect();
    let last = found["lastEvaluation"].as_str().unwrap_or_default().to_owned();
    let ever = !last.is_empty() && !last.starts_with("0001-");
    let before = first.entry(group.name.clone()).or_insert_with(|| last.clone());
    let later = *before != last;
    let is_there = |wanted: &Value| {
        let (kind, name) = key(wanted);
        let text = wanted["annotations"].get(DEFINITION);
        rules.iter().any(|rule| {
            rule["name"] == *name
                && if kind == "record" || text.is_none() {
                    later
                } else {
                    rule["annotations"].get(DEFINITION) == text
                }
        })
    };
    let failed = rules.iter().filter(|rule| rule["health"] == "err");
    let errors = failed.map(|rule| {
        let text = |key: &str| rule[key].as_str().unwrap_or("?");
        format!("\"{}\" in group \"{}\" cannot be evaluated: {}", text("name"), group.name, text("lastError"))
    });
    Look { evaluated: ever && group.put.iter().all(is_there), errors: errors.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_group_is_evaluated_once_all_that_was_written_is_seen() {
        let alert = |text: &str| json!({"alert": "a", "annotations": {"librato_definition": text}});
        let group = GroupWriting {
            name: "g".into(),
            put: vec![alert("new"), json!({"record": "librato:x"})],
            ..GroupWriting::default()
        };
        let view = |text: &str, when: &str| {
            json!({"data": {"groups": [{"name": "g", "file": "other"}, {"name": "g", "file": "ns", "lastEvaluation": when, "rules": [
                {"name": "a", "annotations": {"librato_definition": text}, "health": "ok"},
                {"name": "librato:x", "health": "err", "lastError": "many-to-one"}]}]}})
        };
        let mut first = BTreeMap::new();
        let mut at = |view: &Value| look(view, "ns", &group, &mut first).evaluated;
        assert!(!at(&json!({})));
        assert!(!at(&view("old", "0001-01-01T00:00:00Z")));
        assert!(!at(&view("old", "2026-01-01T00:00:00Z")));
        assert!(at(&view("new", "2026-01-01T00:01:00Z")));
        let found = look(&view("new", "2026-01-01T00:02:00Z"), "ns", &group, &mut BTreeMap::new());
        assert!(!found.evaluated, "nothing later than the first look");
        assert_eq!(found.errors, ["\"librato:x\" in group \"g\" cannot be evaluated: many-to-one"]);
    }
}
