//! How long the texts and lists of an object may be, and how large it may be as a whole, so that a page of a list fits the memory
//! there is. Pure; knows no object.

use std::io;

use serde::Serialize;
use serde_json::Value;

use crate::serve::refusal::{Errors, Refusal};
use crate::serve::store::error::StoreError;

/// The longest text, in bytes.
const TEXT: usize = 65_536;
/// The longest list, and the most keys of an object.
pub const LIST: usize = 1_000;
/// The largest object, as JSON, in bytes.
const WHOLE: usize = 262_144;
/// The longest name, title or display name, in characters.
const NAME: usize = 255;

/// Refuses parameters that hold more than any object may. To be asked before anything is looked up for what they hold. Those in
/// `names` are names.
pub fn check<'a>(
    sent: impl IntoIterator<Item = (&'a String, &'a Value)>,
    names: &[&str],
) -> Result<(), Errors> {
    let mut errors = Errors::default();
    for (name, value) in sent {
        if let Err(message) = fits(value) {
            errors.add(name, message);
        } else if names.contains(&name.as_str())
            && value.as_str().is_some_and(|text| text.chars().count() > NAME)
        {
            errors.add(name, format!("must not be longer than {NAME} characters"));
        }
    }
    errors.finish()
}

fn fits(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.len() > TEXT => Err(format!("must not be longer than {TEXT} bytes")),
        Value::Array(items) => few(items.len()).and_then(|()| items.iter().try_for_each(fits)),
        Value::Object(map) => few(map.len()).and_then(|()| map.values().try_for_each(fits)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Refuses a list that has grown too long.
pub fn few(items: usize) -> Result<(), String> {
    if items > LIST { Err(format!("must not hold more than {LIST} items")) } else { Ok(()) }
}

/// Refuses an object that is too large as a whole, as it is going to be kept.
pub fn whole(object: &impl Serialize) -> Result<(), Refusal> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, object).map_err(StoreError::internal)?;
    if length.0 <= WHOLE {
        return Ok(());
    }
    let message =
        format!("The object takes {} bytes as JSON, and must not take more than {WHOLE}.", length.0);
    Err(Refusal::Whole(message))
}

struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
