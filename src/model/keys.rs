//! The names of a struct's fields as they stand in the files, asked of the struct itself: a field is named once.
//! Knows no kind.

use serde::de::value::Error;
use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};

/// The keys of a struct none of whose fields are flattened.
pub fn keys_of<T: Deserialize<'static>>() -> &'static [&'static str] {
    let mut asked = Asked(&[]);
    // Nothing is read: a struct begins with saying which fields it looks for.
    drop(T::deserialize(&mut asked));
    asked.0
}

/// Takes down what it is asked for, and has none of it.
struct Asked(&'static [&'static str]);

impl<'de> Deserializer<'de> for &mut Asked {
    type Error = Error;

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0 = fields;
        Err(Error::custom("only the names of the fields were asked for"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("this has no fields"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attributes, Space, Stream};

    #[test]
    fn the_keys_are_those_of_the_files() {
        assert_eq!(keys_of::<Space>(), ["tags", "charts"]);
        assert_eq!(keys_of::<Stream>()[..3], ["type", "metric", "composite"]);
        assert!(keys_of::<Attributes>().contains(&"display_max"));
        assert_eq!(keys_of::<Vec<u8>>(), [""; 0]);
    }
}
