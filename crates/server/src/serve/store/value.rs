//! Values on their way to a statement and out of a row, as both kinds of database understand them.

use crate::serve::budget::{VALUE_BYTES, values};

/// A parameter of a statement.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value<'a> {
    Null,
    Bool(bool),
    Integer(i64),
    Real(f64),
    Text(&'a str),
    Bytes(&'a [u8]),
    /// Lists, for [`any`](super::tx::Tx::any), and for what PostgreSQL alone is asked.
    Integers(&'a [i64]),
    Texts(&'a [String]),
    #[cfg_attr(not(feature = "postgres"), allow(dead_code))]
    Blobs(&'a [Vec<u8>]),
}

/// What can be a parameter of a statement.
pub trait Param {
    fn value(&self) -> Value<'_>;
}

impl Param for bool {
    fn value(&self) -> Value<'_> {
        Value::Bool(*self)
    }
}

impl Param for i64 {
    fn value(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl Param for f64 {
    fn value(&self) -> Value<'_> {
        Value::Real(*self)
    }
}

impl Param for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Param for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self)
    }
}

impl Param for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl<const N: usize> Param for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Param for Vec<u8> {
    fn value(&self) -> Value<'_> {
        Value::Bytes(self)
    }
}

impl Param for [i64] {
    fn value(&self) -> Value<'_> {
        Value::Integers(self)
    }
}

impl Param for Vec<i64> {
    fn value(&self) -> Value<'_> {
        Value::Integers(self)
    }
}

impl Param for Vec<String> {
    fn value(&self) -> Value<'_> {
        Value::Texts(self)
    }
}

impl Param for Vec<Vec<u8>> {
    fn value(&self) -> Value<'_> {
        Value::Blobs(self)
    }
}

impl<P: Param> Param for Option<P> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, Param::value)
    }
}

impl<P: Param + ?Sized> Param for &P {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<P: Param + ?Sized> Param for &mut P {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

/// A value of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stored<'r> {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'r str),
    Bytes(&'r [u8]),
}

/// A value that is kept, as it goes from a row of one database into one of another.
#[derive(Debug, Clone, PartialEq)]
pub enum Held {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Bytes(Vec<u8>),
}

impl Param for Held {
    fn value(&self) -> Value<'_> {
        match self {
            Held::Null => Value::Null,
            Held::Integer(value) => Value::Integer(*value),
            Held::Real(value) => Value::Real(*value),
            Held::Text(text) => Value::Text(text),
            Held::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl Column<'_> for Held {
    fn of(stored: Stored<'_>) -> Option<Held> {
        Some(match stored {
            Stored::Null => Held::Null,
            Stored::Integer(value) => Held::Integer(value),
            Stored::Real(value) => Held::Real(value),
            Stored::Text(text) => Held::Text(text.to_owned()),
            Stored::Bytes(bytes) => Held::Bytes(bytes.to_vec()),
        })
    }
}

/// What a value of a row can be read as.
pub trait Column<'r>: Sized {
    /// Nothing when it is of another type.
    fn of(stored: Stored<'r>) -> Option<Self>;
}

impl Column<'_> for bool {
    fn of(stored: Stored<'_>) -> Option<bool> {
        if let Stored::Integer(value) = stored { Some(value != 0) } else { None }
    }
}

impl Column<'_> for i64 {
    fn of(stored: Stored<'_>) -> Option<i64> {
        if let Stored::Integer(value) = stored { Some(value) } else { None }
    }
}

impl Column<'_> for f64 {
    fn of(stored: Stored<'_>) -> Option<f64> {
        match stored {
            Stored::Real(value) => Some(value),
            Stored::Integer(value) => Some(value as f64),
            _ => None,
        }
    }
}

impl<'r> Column<'r> for &'r str {
    fn of(stored: Stored<'r>) -> Option<&'r str> {
        if let Stored::Text(value) = stored { Some(value) } else { None }
    }
}

impl<'r> Column<'r> for String {
    fn of(stored: Stored<'r>) -> Option<String> {
        <&str>::of(stored).map(str::to_owned)
    }
}

impl<'r> Column<'r> for &'r [u8] {
    fn of(stored: Stored<'r>) -> Option<&'r [u8]> {
        if let Stored::Bytes(value) = stored { Some(value) } else { None }
    }
}

impl<'r> Column<'r> for Vec<u8> {
    fn of(stored: Stored<'r>) -> Option<Vec<u8>> {
        <&[u8]>::of(stored).map(<[u8]>::to_vec)
    }
}

impl<'r, C: Column<'r>> Column<'r> for Option<C> {
    fn of(stored: Stored<'r>) -> Option<Option<C>> {
        if stored == Stored::Null { Some(None) } else { C::of(stored).map(Some) }
    }
}

/// The memory that a row with these texts takes as an object and as the values that are shown of it.
pub fn memory<'r>(texts: impl Iterator<Item = &'r [u8]>) -> usize {
    /// Beside its texts.
    const EACH: usize = 500;
    texts.fold(EACH, |bytes, text| {
        let is_json = matches!(text.first(), Some(b'{' | b'['));
        bytes + 2 * text.len() + if is_json { VALUE_BYTES * values(text) } else { 0 }
    })
}
