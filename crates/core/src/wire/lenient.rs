//! Reading single values the way services really send them: numbers in strings, booleans as words or digits.
//! Each reader answers `None` for what is neither; none of them guesses.
use serde_json::Value;

/// An id: a number or a numeric string (clients and some services quote them).
pub fn id(value: &Value) -> Option<u64> {
    u64(value)
}

/// `true`, `false`, the same as words, or 0 and 1 as numbers or words.
pub fn bool(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::Number(number) => from_digit(number.as_f64()?),
        Value::String(word) => match word.trim() {
            "true" => Some(true),
            "false" => Some(false),
            word => from_digit(word.parse().ok()?),
        },
        _ => None,
    }
}

fn from_digit(digit: f64) -> Option<bool> {
    match digit {
        0.0 => Some(false),
        1.0 => Some(true),
        _ => None,
    }
}

/// A finite number, or a string holding one.
pub fn f64(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

/// A whole number that is not negative, also written `60.0` or in a string.
pub fn u64(value: &Value) -> Option<u64> {
    let exact = match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    exact.or_else(|| f64(value).and_then(whole))
}

/// Beyond 2^53 a float no longer says which whole number was meant.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn whole(number: f64) -> Option<u64> {
    (number.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&number)).then_some(number as u64)
}

/// A string; `null` and anything else is none.
pub fn text(value: &Value) -> Option<&str> {
    value.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers() {
        for value in [json!(60), json!("60"), json!(60.0), json!("60.0"), json!(" 60 ")] {
            assert_eq!(id(&value), Some(60), "{value}");
        }
        assert_eq!(u64(&json!(u64::MAX)), Some(u64::MAX));
        assert_eq!(u64(&json!(u64::MAX.to_string())), Some(u64::MAX));
        for value in
            [json!(-1), json!(1.5), json!("x"), json!(""), json!(null), json!(true), json!(1e300), json!([1])]
        {
            assert_eq!(u64(&value), None, "{value}");
        }
    }

    #[test]
    fn floats() {
        for (value, expected) in [(json!(1), 1.0), (json!("1.5"), 1.5), (json!("-2e3"), -2000.0)] {
            assert_eq!(f64(&value), Some(expected), "{value}");
        }
        for value in [json!("NaN"), json!("inf"), json!("1,5"), json!(false), json!(null)] {
            assert_eq!(f64(&value), None, "{value}");
        }
    }

    #[test]
    fn booleans() {
        for value in [json!(true), json!("true"), json!(1), json!("1"), json!(1.0)] {
            assert_eq!(bool(&value), Some(true), "{value}");
        }
        for value in [json!(false), json!("false"), json!(0), json!("0")] {
            assert_eq!(bool(&value), Some(false), "{value}");
        }
        for value in [json!("yes"), json!(2), json!(""), json!(null)] {
            assert_eq!(bool(&value), None, "{value}");
        }
    }

    #[test]
    fn texts() {
        assert_eq!(text(&json!("")), Some(""));
        assert_eq!(text(&json!(null)), None);
    }
}
