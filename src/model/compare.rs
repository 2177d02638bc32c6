//! Small canonical forms shared by the kinds: two spellings that mean the same become one value.
//! For comparing only; what is written and shown stays verbatim.

use serde_json::Value;

/// Absent, `null` and empty text are one; numbers lose the difference between 200 and 200.0.
pub fn plain(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::Number(_) => number(value),
        other => other.clone(),
    }
}

/// A number whichever way it is spelled: 200, 200.0 and "200" are one.
pub fn number(value: &Value) -> Value {
    let float = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse::<f64>().ok(),
        _ => None,
    };
    match float {
        Some(float) => Value::from(float + 0.0),
        None => match value {
            Value::String(text) if text.is_empty() => Value::Null,
            other => other.clone(),
        },
    }
}

/// Text without regard to case.
pub fn lower_case(value: &Value) -> Value {
    match value {
        Value::String(text) if text.is_empty() => Value::Null,
        Value::String(text) => text.to_lowercase().into(),
        other => other.clone(),
    }
}

/// What the service means when the field is absent or null.
pub fn default_to(value: &Value, default: impl Into<Value>) -> Value {
    match plain(value) {
        Value::Null => plain(&default.into()),
        // Form posts leave booleans as text.
        Value::String(text) if text == "true" => true.into(),
        Value::String(text) if text == "false" => false.into(),
        other => other,
    }
}

/// A source pattern: absent, empty and `*` all mean every source; case is ignored.
pub fn source(value: &Value) -> Value {
    match lower_case(value) {
        Value::String(text) if text == "*" => Value::Null,
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spellings_that_mean_the_same_become_one() {
        assert_eq!(number(&json!(200)), number(&json!(200.0)));
        assert_eq!(number(&json!("200")), number(&json!(200.0)));
        assert_eq!(number(&json!(-0.0)), number(&json!(0)));
        assert_eq!(plain(&json!("")), plain(&Value::Null));
        assert_eq!(source(&json!("*")), source(&Value::Null));
        assert_eq!(lower_case(&json!("#AbCdEf")), json!("#abcdef"));
        assert_eq!(default_to(&Value::Null, 600), default_to(&json!(600.0), 600));
        assert_eq!(default_to(&json!("true"), false), json!(true));
    }
}
