//! What files may say of what is theirs: prune, ignore, protect, limits; and what a run may be told of that.

use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::ownership::matches;

const KINDS: [&str; 5] = ["metrics", "composites", "annotations", "services", "alerts"];

const PATTERNS: [&str; 14] = [
    "*",
    "web*",
    "WEB.*",
    "Web.*",
    "db*",
    "db?m*",
    "*.new",
    "fleet.*",
    "{ops,hook}*",
    "foreign*",
    "foreign.*",
    "foreign-mail",
    "*[am]*",
    "librato.*",
];

/// Objects that may be protected where they stand.
const GUARDED: [(&str, &str); 4] =
    [("alerts", "web.slow"), ("metrics", "db.m_3"), ("services", "ops"), ("annotations", "deploys")];

/// One set of rules.
#[derive(Debug, Clone)]
pub struct Rules {
    settings: Map<String, Value>,
    guarded: Option<usize>,
    /// As of `--target`.
    pub targets: Vec<String>,
    /// As of `--delete-data`.
    pub delete_data: bool,
}

/// No rules at all in a third of the cases.
pub fn rules() -> impl Strategy<Value = Rules> {
    let none = Rules { settings: Map::new(), guarded: None, targets: Vec::new(), delete_data: true };
    let scope = |weight: f64| {
        let patterns = btree_set(prop::sample::select(&PATTERNS[..]), 1..4);
        vec(option::weighted(weight, patterns), KINDS.len()).prop_map(|kinds| {
            let named = KINDS.iter().zip(kinds);
            named.filter_map(|(kind, globs)| Some(((*kind).to_owned(), json!(globs?)))).collect::<Map<_, _>>()
        })
    };
    // Alerts are what uses other things and is renamed in circles.
    let kind = prop_oneof![2 => Just("alerts"), 3 => prop::sample::select(&KINDS[..])];
    let glob =
        prop_oneof![2 => prop::sample::select(&PATTERNS[..5]), 1 => prop::sample::select(&PATTERNS[..])];
    let targets = vec((kind, glob).prop_map(|(kind, glob)| format!("{kind}/{glob}")), 1..4);
    let some = (
        scope(0.6),
        scope(0.2),
        scope(0.2),
        option::weighted(0.2, 0..5u32),
        option::weighted(0.5, 0..GUARDED.len()),
        option::weighted(0.5, targets),
        prop::bool::weighted(0.8),
    );
    let some = some.prop_map(|(prune, ignore, protect, max_deletes, guarded, targets, delete_data)| {
        let mut settings = Map::new();
        for (key, scope) in [("prune", prune), ("ignore", ignore), ("protect", protect)] {
            settings.insert(key.into(), scope.into());
        }
        settings.extend(max_deletes.map(|limit| ("max_deletes".to_owned(), limit.into())));
        Rules { settings, guarded, targets: targets.unwrap_or_default(), delete_data }
    });
    prop_oneof![1 => Just(none), 2 => some]
}

impl Rules {
    /// Writes the rules into a file. What is declared cannot be ignored, so such patterns are left out.
    pub fn lay_on(&self, file: &mut Map<String, Value>) {
        let mut settings = self.settings.clone();
        for (kind, globs) in settings.get_mut("ignore").and_then(Value::as_object_mut).into_iter().flatten() {
            let declared: Vec<&String> = file[kind].as_object().unwrap().keys().collect();
            let ignores_case = matches!(kind.as_str(), "metrics" | "composites" | "annotations" | "alerts");
            globs.as_array_mut().unwrap().retain(|glob| {
                let glob = glob.as_str().unwrap();
                !declared.iter().any(|name| {
                    matches(glob, name, ignores_case)
                        || name.contains("${") && matches(glob, "fleet.a", false)
                })
            });
        }
        if let Some((kind, name)) = self.guarded.map(|i| GUARDED[i])
            && let Some(object) = file[kind].get_mut(name)
        {
            object["protect"] = true.into();
        }
        if !settings.is_empty() {
            file.insert("settings".into(), settings.into());
        }
    }
}
