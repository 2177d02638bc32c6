//! Typed access to the parameters of a body or query, with the coercions the API's clients rely on: numbers and
//! booleans as strings, `null` for unset, lists as hashes with number keys. Pure; collects every error.

use serde_json::{Map, Number, Value};

use crate::serve::refusal::Errors;

/// A JSON object as it came in.
pub type Object = Map<String, Value>;

/// The three states of a parameter: leaving it out keeps what is stored, `null` sets it back to its default.
#[derive(Debug, Clone, PartialEq)]
pub enum Given<T> {
    Absent,
    Null,
    Value(T),
}

impl<T> Given<T> {
    pub fn value(self) -> Option<T> {
        match self {
            Given::Value(value) => Some(value),
            Given::Absent | Given::Null => None,
        }
    }

    /// The same state with the value turned into something else.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Given<U> {
        match self {
            Given::Absent => Given::Absent,
            Given::Null => Given::Null,
            Given::Value(value) => Given::Value(turn(value)),
        }
    }

    /// Writes into `stored` unless the parameter is absent.
    pub fn put(self, stored: &mut Option<T>) {
        match self {
            Given::Absent => {}
            Given::Null => *stored = None,
            Given::Value(value) => *stored = Some(value),
        }
    }

    /// The value, `default` for `null`, `stored` when absent.
    pub fn or(self, stored: T, default: T) -> T {
        match self {
            Given::Absent => stored,
            Given::Null => default,
            Given::Value(value) => value,
        }
    }
}

/// Reads parameters by name and remembers what was wrong with them.
pub struct Reader<'a> {
    object: &'a Object,
    pub errors: Errors,
}

impl<'a> Reader<'a> {
    pub fn new(object: &'a Object) -> Reader<'a> {
        Reader { object, errors: Errors::default() }
    }

    /// The parameter as it came. Most objects are measurements with a few names, which are sooner compared than hashed.
    fn sent(&self, name: &str) -> Option<&'a Value> {
        const FEW: usize = 8;
        if self.object.len() > FEW {
            return self.object.get(name);
        }
        self.object.iter().find_map(|(sent, value)| (sent == name).then_some(value))
    }

    /// The parameter as `read` understands it.
    pub fn get<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'a Value) -> Result<T, &'static str>,
    ) -> Given<T> {
        match self.sent(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            Some(value) => self.taken(name, read(value)),
        }
    }

    fn taken<T>(&mut self, name: &str, read: Result<T, &'static str>) -> Given<T> {
        match read {
            Ok(value) => Given::Value(value),
            Err(message) => {
                self.errors.add(name, message);
                Given::Absent
            }
        }
    }

    /// Like [`Reader::get`] for what is never text: a blank string, as an empty form field sends it, is `null`.
    fn get_unless_blank<T>(&mut self, name: &str, read: fn(&Value) -> Result<T, &'static str>) -> Given<T> {
        match self.sent(name) {
            None => Given::Absent,
            Some(Value::Null) => Given::Null,
            Some(Value::String(text)) if text.trim().is_empty() => Given::Null,
            Some(value) => self.taken(name, read(value)),
        }
    }

    pub fn text(&mut self, name: &str) -> Given<String> {
        self.get(name, text)
    }

    pub fn integer(&mut self, name: &str) -> Given<i64> {
        self.get_unless_blank(name, integer)
    }

    pub fn number(&mut self, name: &str) -> Given<f64> {
        self.get_unless_blank(name, number)
    }

    pub fn boolean(&mut self, name: &str) -> Given<bool> {
        self.get_unless_blank(name, boolean)
    }

    /// Epoch seconds; fractions, as a client's clock gives them, are cut off.
    pub fn time(&mut self, name: &str) -> Given<i64> {
        self.get_unless_blank(name, time)
    }

    pub fn object(&mut self, name: &str) -> Given<&'a Object> {
        self.get(name, |value| value.as_object().ok_or("is not an object"))
    }

    /// A list, given as an array or as a hash with number keys. A blank string and an empty object are no items.
    pub fn list(&mut self, name: &str) -> Given<Vec<&'a Value>> {
        self.get(name, list)
    }

    /// Adds "is not present" unless the parameter has a value that is not blank.
    pub fn require(&mut self, name: &str) {
        let missing = match self.sent(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.trim().is_empty(),
            Some(_) => false,
        };
        if missing {
            self.errors.add(name, "is not present");
        }
    }

    /// Writes a name into `stored` when it was sent, and adds "is not present" when it is blank then.
    pub fn name(&mut self, name: &str, stored: &mut String) {
        if let Some(text) = self.text(name).value() {
            *stored = text;
        }
        if stored.trim().is_empty() && self.errors.lacks(name) {
            self.errors.add(name, "is not present");
        }
    }

    pub fn finish(self) -> Result<(), Errors> {
        self.errors.finish()
    }
}

pub fn text(value: &Value) -> Result<String, &'static str> {
    value.as_str().map(str::to_owned).ok_or("is not a string")
}

/// A whole number, also as text or with a fraction of zero.
pub fn integer(value: &Value) -> Result<i64, &'static str> {
    const MESSAGE: &str = "is not an integer";
    if let Some(whole) = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()) {
        return Ok(whole);
    }
    let number = number(value).map_err(|_| MESSAGE)?;
    // Beyond 2^53 a double no longer tells neighbouring integers apart.
    let exact = number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0;
    if exact { Ok(number as i64) } else { Err(MESSAGE) }
}

/// A finite number, also as text. The API refuses decimal exponents above 126 and reads those below −130 as zero.
pub fn number(value: &Value) -> Result<f64, &'static str> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    finite(number.filter(|number| !number.is_nan()).ok_or("is not a number")?)
}

/// The same of one that was read already.
pub fn finite(number: f64) -> Result<f64, &'static str> {
    if number.abs() >= 1e127 {
        return Err("is out of range");
    }
    Ok(if number.abs() < 1e-130 { 0.0 } else { number })
}

/// Epoch seconds up to the year 9999.
fn time(value: &Value) -> Result<i64, &'static str> {
    seconds(number(value)?)
}

/// The same of a number.
pub fn seconds(time: f64) -> Result<i64, &'static str> {
    if !(0.0..253_402_300_800.0).contains(&time) {
        return Err("is not a time in seconds since the epoch");
    }
    Ok(time as i64)
}

/// Also as text in any case: Python's form encoding sends `True` and `False`. `on` and `t` are those of a form in Rails,
/// to which `yes` was false, so that it is refused here.
pub fn boolean(value: &Value) -> Result<bool, &'static str> {
    let among = |text: &str, words: &[&str]| words.iter().any(|word| text.trim().eq_ignore_ascii_case(word));
    match value {
        Value::Bool(flag) => Ok(*flag),
        Value::String(text) if among(text, &["true", "t", "on", "1"]) => Ok(true),
        Value::String(text) if among(text, &["false", "f", "off", "0"]) => Ok(false),
        Value::Number(number) if number.as_f64() == Some(1.0) => Ok(true),
        Value::Number(number) if number.as_f64() == Some(0.0) => Ok(false),
        _ => Err("is not a boolean"),
    }
}

pub fn list(value: &Value) -> Result<Vec<&Value>, &'static str> {
    const MESSAGE: &str = "is not a list";
    match value {
        Value::Array(items) => Ok(items.iter().collect()),
        Value::Object(map) => {
            let numbered = map.iter().map(|(key, item)| Some((key.parse::<u32>().ok()?, item)));
            let mut items = numbered.collect::<Option<Vec<_>>>().ok_or(MESSAGE)?;
            items.sort_by_key(|(index, _)| *index);
            Ok(items.into_iter().map(|(_, item)| item).collect())
        }
        Value::String(text) if text.trim().is_empty() => Ok(Vec::new()),
        _ => Err(MESSAGE),
    }
}

/// A list of texts. A text alone is a list of one, and `"['a', 'b']"`, which python-librato makes of a list in a
/// query, is taken apart.
pub fn texts(value: &Value) -> Result<Vec<String>, &'static str> {
    let Some(one) = value.as_str() else { return list(value)?.into_iter().map(text).collect() };
    let Some(inner) = one.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) else {
        return Ok(vec![one.to_owned()]);
    };
    let quotes = |c| c == '\'' || c == '"';
    let items =
        inner.split(',').map(|item| item.trim().trim_start_matches('u').trim_matches(quotes).to_owned());
    Ok(items.filter(|item| !item.is_empty()).collect())
}

/// A double as a JSON number; doubles in storage are always finite.
pub fn float(number: f64) -> Value {
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_come_in_many_forms() {
        assert_eq!(integer(&json!("60")), Ok(60));
        assert_eq!(integer(&json!(60.0)), Ok(60));
        assert_eq!(integer(&json!("1e3")), Ok(1000));
        assert!(
            integer(&json!(60.5)).is_err() && integer(&json!([])).is_err() && integer(&json!("x")).is_err()
        );
        assert_eq!(number(&json!("1.046")), Ok(1.046));
        assert_eq!(number(&json!(1e-131)), Ok(0.0));
        assert_eq!(number(&json!(9.9e126)), Ok(9.9e126));
        for bad in [json!(1e127), json!("inf"), json!("NaN"), json!(true), json!({})] {
            assert!(number(&bad).is_err(), "{bad}");
        }
        assert_eq!((boolean(&json!("false")), boolean(&json!(1))), (Ok(false), Ok(true)));
        for yes in ["True", "TRUE", "t", "On", " true "] {
            assert_eq!(boolean(&json!(yes)), Ok(true), "{yes}");
        }
        for no in ["False", "FALSE", "f", "Off", "0"] {
            assert_eq!(boolean(&json!(no)), Ok(false), "{no}");
        }
        for neither in [json!("yes"), json!("2"), json!(2), json!(0.5), json!([true])] {
            assert!(boolean(&neither).is_err(), "{neither}");
        }
    }

    #[test]
    fn lists_come_in_many_forms() {
        assert_eq!(
            list(&json!({"10": "c", "2": "b", "0": "a"})).unwrap(),
            [&json!("a"), &json!("b"), &json!("c")]
        );
        assert_eq!((list(&json!({})), list(&json!(""))), (Ok(vec![]), Ok(vec![])));
        assert!(list(&json!({"a": 1})).is_err());
        assert_eq!(texts(&json!("web*")).unwrap(), ["web*"]);
        assert_eq!(texts(&json!("['a', u'b']")).unwrap(), ["a", "b"]);
        assert!(texts(&json!([1])).is_err());
    }

    #[test]
    fn every_error_is_collected() {
        let object = json!({"a": [], "b": "x", "c": null, "d": " "});
        let mut read = Reader::new(object.as_object().unwrap());
        assert_eq!(read.text("a"), Given::Absent);
        assert_eq!(read.number("b"), Given::Absent);
        assert_eq!(read.integer("c"), Given::Null);
        assert_eq!(read.integer("d"), Given::Null);
        assert_eq!(read.boolean("e"), Given::Absent);
        read.require("d");
        assert!(read.finish().is_err());
    }
}
