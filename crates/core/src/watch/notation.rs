//! The short notation of series of values, as Prometheus' `promtool test rules` has it: values with blanks between them.
//!
//! `3` is a value, `_` none; `5x3` is 5 and three more, `1+2x3` is 1, 3, 5, 7 and `9-2x3` likewise downwards; `_x3` is none three times.

use thiserror::Error;

/// More values than this are a mistake.
const MOST: usize = 1_000_000;

/// What cannot be read, and where.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (column {column}); {help}")]
pub struct NotationError {
    /// In characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What may be meant.
    pub help: &'static str,
}

const FORMS: &str = "values are numbers with blanks between them, `_` for none, `5x3` for 5 and three more, `1+2x3` for 1 3 5 7";

/// Reads values, the first of which is at the start and each further one a step later; `None` where there is none.
///
/// # Errors
/// The first place that cannot be read.
pub fn values(text: &str) -> Result<Vec<Option<f64>>, NotationError> {
    let mut found = Vec::new();
    let mut column = 1;
    for word in text.split(char::is_whitespace) {
        if !word.is_empty() {
            let mut item = Item { rest: word, column };
            item.read(&mut found)?;
        }
        column += word.chars().count() + 1;
    }
    Ok(found)
}

/// One item, as far as it has not been read.
struct Item<'t> {
    rest: &'t str,
    column: usize,
}

impl Item<'_> {
    fn read(&mut self, found: &mut Vec<Option<f64>>) -> Result<(), NotationError> {
        if self.eat("_") {
            let times = if self.eat("x") { self.count()? } else { 1 };
            self.end()?;
            self.room(found.len(), times)?;
            found.extend(std::iter::repeat_n(None, times));
            return Ok(());
        }
        let first = self.number()?;
        let step = match self.rest.chars().next() {
            Some('+') => {
                self.skip(1);
                self.number()?
            }
            Some('-') => {
                self.skip(1);
                -self.number()?
            }
            _ => 0.0,
        };
        let stepped = step != 0.0 || !self.rest.starts_with('x') && !self.rest.is_empty();
        let more = if self.eat("x") {
            self.count()?
        } else if stepped {
            return Err(self.wrong("here is how often it is repeated: `x` and a number".into()));
        } else {
            0
        };
        self.end()?;
        self.room(found.len(), more.saturating_add(1))?;
        let mut value = first;
        for _ in 0..=more {
            if !value.is_finite() {
                return Err(self.wrong("the values become too large".into()));
            }
            found.push(Some(value));
            value += step;
        }
        Ok(())
    }

    fn wrong(&self, message: String) -> NotationError {
        NotationError { column: self.column, message, help: FORMS }
    }

    fn skip(&mut self, bytes: usize) {
        self.column += self.rest[..bytes].chars().count();
        self.rest = &self.rest[bytes..];
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest.starts_with(word);
        if found {
            self.skip(word.len());
        }
        found
    }

    fn digits(&self, from: usize) -> usize {
        self.rest.as_bytes()[from..].iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// A number with sign, fraction and exponent, where there are.
    fn number(&mut self) -> Result<f64, NotationError> {
        let bytes = self.rest.as_bytes();
        let at = |place: usize| bytes.get(place).copied().unwrap_or_default();
        let mut end = usize::from(matches!(at(0), b'-' | b'+'));
        let whole = self.digits(end);
        end += whole;
        let mut fraction = 0;
        if at(end) == b'.' {
            fraction = self.digits(end + 1);
            end += 1 + fraction;
        }
        if matches!(at(end), b'e' | b'E') {
            let sign = usize::from(matches!(at(end + 1), b'-' | b'+'));
            let exponent = self.digits((end + 1 + sign).min(bytes.len()));
            if exponent > 0 {
                end += 1 + sign + exponent;
            }
        }
        let number = self.rest[..end].parse().ok().filter(|_| whole + fraction > 0);
        let Some(number) = number.filter(|number: &f64| number.is_finite()) else {
            let found = if self.rest.is_empty() {
                "nothing".to_owned()
            } else {
                format!("\"{}\"", self.rest.escape_debug())
            };
            return Err(self.wrong(format!("a number is wanted here, not {found}")));
        };
        self.skip(end);
        Ok(number)
    }

    fn count(&mut self) -> Result<usize, NotationError> {
        let end = self.digits(0);
        let count = self.rest[..end].parse();
        let Ok(count) = count else {
            return Err(self.wrong("a whole number of repeats is wanted here".into()));
        };
        self.skip(end);
        Ok(count)
    }

    fn end(&self) -> Result<(), NotationError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(self.wrong(format!("this is too much: \"{}\"", self.rest.escape_debug())))
    }

    fn room(&self, have: usize, more: usize) -> Result<(), NotationError> {
        if have.saturating_add(more) <= MOST {
            return Ok(());
        }
        Err(self.wrong(format!("these are more than {MOST} values")))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        match values(text) {
            Ok(values) => {
                let one = |value: &Option<f64>| value.map_or("_".to_owned(), |value| value.to_string());
                values.iter().map(one).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("{}: {}", error.column, error.message),
        }
    }

    #[test]
    fn values_are_written_as_for_promtool() {
        for (text, expected) in [
            ("", ""),
            ("  1  2.5\n-3 ", "1 2.5 -3"),
            ("5x3", "5 5 5 5"),
            ("-2x2", "-2 -2 -2"),
            ("1+2x3", "1 3 5 7"),
            ("9-2x3", "9 7 5 3"),
            ("1+0.5x1", "1 1.5"),
            ("1+-2x1", "1 -1"),
            ("1e3 1e-1+1e1x1", "1000 0.1 10.1"),
            ("_ _x2 4 _x0", "_ _ _ 4"),
            ("500x2 900x9 _x2 500", "500 500 500 900 900 900 900 900 900 900 900 900 900 _ _ 500"),
            ("0x0", "0"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_where_it_stands() {
        for (text, expected) in [
            ("1 x", "3: a number is wanted here, not \"x\""),
            ("1 2é", "4: here is how often it is repeated: `x` and a number"),
            ("é 1", "1: a number is wanted here, not \"é\""),
            ("éé", "1: a number is wanted here, not \"éé\""),
            ("1 5x", "5: a whole number of repeats is wanted here"),
            ("1+2", "4: here is how often it is repeated: `x` and a number"),
            ("1+x3", "3: a number is wanted here, not \"x3\""),
            ("1+2x3y", "6: this is too much: \"y\""),
            ("__", "2: this is too much: \"_\""),
            ("_x", "3: a whole number of repeats is wanted here"),
            ("NaN", "1: a number is wanted here, not \"NaN\""),
            ("stale", "1: a number is wanted here, not \"stale\""),
            ("1e999", "1: a number is wanted here, not \"1e999\""),
            ("1+1e308x9", "10: the values become too large"),
            ("1x2000000", "10: these are more than 1000000 values"),
            ("1x99999999999999999999", "3: a whole number of repeats is wanted here"),
            ("-", "1: a number is wanted here, not \"-\""),
            (".", "1: a number is wanted here, not \".\""),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9x_+.eE \\-é]{0,12}") {
            if let Err(error) = values(&text) {
                prop_assert!(error.column <= text.chars().count() + 1);
            }
        }
    }
}
