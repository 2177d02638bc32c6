//! A rule, and groups of them as a file. Knows nothing of what rules were made of.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::promql::{Engine, Expr, duration, print_in_lines};
use super::yaml::{HEADER, expression, scalar, unexpanded};

#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Records a series.
    Record {
        name: String,
        /// Of what.
        expr: Expr,
    },
    /// Makes alerts.
    Alert {
        name: String,
        /// The streams that fire.
        expr: Expr,
        /// Seconds of `for:`.
        wait: Option<i64>,
        /// Labels, beside those of the streams.
        labels: BTreeMap<String, String>,
        /// What people read.
        annotations: BTreeMap<String, String>,
    },
}

impl Rule {
    pub fn name(&self) -> &str {
        match self {
            Self::Record { name, .. } | Self::Alert { name, .. } => name,
        }
    }

    /// In a group, what is recorded stands before who may read it.
    fn order(&self) -> (bool, &str) {
        (matches!(self, Self::Alert { .. }), self.name())
    }
}

/// A rule and the comment above it.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed {
    pub rule: Rule,
    /// Where it comes from, and how far it means the same.
    pub comment: String,
}

/// Groups by name.
pub type Groups = BTreeMap<String, Vec<Placed>>;

/// How files are written.
#[derive(Debug, Clone, Copy)]
pub struct Form {
    /// What ranges mean.
    pub engine: Engine,
    /// Seconds from evaluation to evaluation.
    pub interval: i64,
}

/// The groups as one document.
pub fn document(groups: &Groups, form: Form) -> String {
    if groups.is_empty() {
        return format!("{HEADER}groups: []\n");
    }
    let mut out = format!("{HEADER}groups:\n");
    for (name, rules) in groups {
        let _ = write!(
            out,
            "  - name: {}\n    interval: {}\n    rules:\n",
            scalar(name),
            duration(form.interval)
        );
        let mut rules: Vec<&Placed> = rules.iter().collect();
        rules.sort_by_key(|placed| placed.rule.order());
        rules.iter().for_each(|placed| write_rule(placed, form, &mut out));
    }
    out
}

/// A rule as a value, as rulers take it.
pub fn value(rule: &Rule, form: Form) -> Value {
    let text = |expr: &Expr| print_in_lines(expr, form.engine).join("\n");
    match rule {
        Rule::Record { name, expr } => json!({"record": name, "expr": text(expr)}),
        Rule::Alert { name, expr, wait, labels, annotations } => {
            let pairs = |pairs: &BTreeMap<String, String>| -> Value {
                pairs.iter().map(|(key, value)| (key.clone(), unexpanded(value))).collect()
            };
            let mut all = json!({"alert": name, "expr": text(expr)});
            if let Some(wait) = wait {
                all["for"] = duration(*wait).into();
            }
            all["labels"] = pairs(labels);
            all["annotations"] = pairs(annotations);
            all
        }
    }
}

fn write_rule(placed: &Placed, form: Form, out: &mut String) {
    let _ = writeln!(out, "      # {}", placed.comment);
    let lines = |expr: &Expr| expression(&print_in_lines(expr, form.engine), 10);
    match &placed.rule {
        Rule::Record { name, expr } => {
            let _ = write!(out, "      - record: {}\n        expr: {}", scalar(name), lines(expr));
        }
        Rule::Alert { name, expr, wait, labels, annotations } => {
            let _ = write!(out, "      - alert: {}\n        expr: {}", scalar(name), lines(expr));
            if let Some(wait) = wait {
                let _ = writeln!(out, "        for: {}", duration(*wait));
            }
            for (section, pairs) in [("labels", labels), ("annotations", annotations)] {
                let _ = writeln!(out, "        {section}:");
                for (key, value) in pairs {
                    let _ = writeln!(out, "          {key}: {}", scalar(&unexpanded(value)));
                }
            }
        }
    }
}
