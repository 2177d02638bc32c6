//! The definition that a rule carries: what it was rendered from, so that a rule that is found can be compared, judged and exported as
//! what it means. An alerting rule has an annotation for it; a recording rule can have none, and carries it as a comment in front of its
//! expression, which rulers keep as it is. Holds no secret: what has one is never rendered.

use serde_json::{Map, Value, json};

use crate::model::{Kind, Resource};

/// The annotation, and the first word of the comment.
pub const DEFINITION: &str = "librato_definition";

/// What a rule was rendered from.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// The name, which that of a recorded series need not show.
    pub name: String,
    /// The object.
    pub resource: Resource,
    /// The digest of the rule as it was rendered, by which an edit by hand is told from another rendering.
    pub rendered: String,
    /// The name of the rule that it took the place of, until it is written again.
    pub renamed_from: Option<String>,
}

impl Definition {
    /// As text on one line: keys sorted, and no two braces that a template would begin with.
    pub fn text(&self) -> String {
        let kind = self.resource.kind().noun();
        let fields = sorted(Value::Object(self.resource.fields()));
        let mut whole = json!({"name": self.name, (kind): fields, "rendered": self.rendered});
        if let Some(old) = &self.renamed_from {
            whole["renamed_from"] = json!(old);
        }
        whole.to_string().replace("{{", "{\\u007b")
    }

    /// Reads the text; `None` where it is of another hand or another version.
    pub fn read(text: &str) -> Option<Self> {
        let whole: Map<String, Value> = serde_json::from_str(text).ok()?;
        let of = |kind: Kind| Some((kind, whole.get(kind.noun())?.as_object()?));
        let (kind, fields) = [Kind::Alert, Kind::Composite].into_iter().find_map(of)?;
        Some(Self {
            name: whole.get("name")?.as_str()?.to_owned(),
            resource: Resource::from_fields(kind, fields).ok()?,
            rendered: whole.get("rendered")?.as_str()?.to_owned(),
            renamed_from: whole.get("renamed_from").and_then(Value::as_str).map(str::to_owned),
        })
    }

    /// An expression with the definition in front.
    pub fn before(&self, expr: &str) -> String {
        format!("# {DEFINITION} {}\n{expr}", self.text())
    }
}

/// The text of a definition in front of an expression, if there is one, and the expression.
pub fn comment_of(expr: &str) -> (Option<&str>, &str) {
    let begin = format!("# {DEFINITION} ");
    match expr.trim_start().strip_prefix(&begin).and_then(|rest| rest.split_once('\n')) {
        Some((text, expr)) => (Some(text.trim_end()), expr),
        None => (None, expr),
    }
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut all: Vec<(String, Value)> =
                map.into_iter().map(|(key, one)| (key, sorted(one))).collect();
            all.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(all.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(description: &str) -> Definition {
        let fields = json!({"description": description, "conditions":
            [{"type": "above", "metric_name": "shop.ms", "threshold": 5.5}], "attributes": {"z": 1, "a": {"y": 1, "b": 2}}});
        let resource = Resource::from_fields(Kind::Alert, fields.as_object().unwrap()).unwrap();
        Definition { name: "shop.slow".into(), resource, rendered: "1.2".into(), renamed_from: None }
    }

    #[test]
    fn what_is_written_is_read_again_whatever_stands_in_it() {
        for description in ["Customers wait", "{{ $value }} {{{{", "a\nb # \"c\"", "é\u{7}"] {
            let definition = alert(description);
            let text = definition.text();
            assert!(!text.contains("{{") && !text.contains('\n'), "{text}");
            assert_eq!(Definition::read(&text), Some(definition.clone()));
            let expr = definition.before("sum(x)\nand y");
            assert_eq!(comment_of(&expr), (Some(text.as_str()), "sum(x)\nand y"));
        }
        assert_eq!(comment_of("sum(x)"), (None, "sum(x)"));
        assert_eq!(comment_of("# a comment\nsum(x)"), (None, "# a comment\nsum(x)"));
        for other in [
            "",
            "{}",
            "{\"name\": \"x\"}",
            "[1]",
            "{\"alert\": {\"conditions\": 7}, \"name\": \"a\", \"rendered\": \"\"}",
        ] {
            assert_eq!(Definition::read(other), None, "{other}");
        }
    }

    #[test]
    fn keys_stand_in_one_order() {
        let text = alert("d").text();
        assert!(text.contains("\"attributes\":{\"a\":{\"b\":2,\"y\":1},\"z\":1}"), "{text}");
    }
}
