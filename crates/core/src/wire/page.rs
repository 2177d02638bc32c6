//! The envelope of paginated collections: a `query` object beside the entries, or a bare array.
//! Reads one page; how pages add up to a collection is the client's affair.
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::wire::lenient;

/// One page of a collection.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What the service says about the whole; `None` for a bare array, which is the whole.
    pub query: Option<Query>,
    /// The entries of this page.
    pub items: Vec<Value>,
}

/// The `query` object. All counts are entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    /// How many match the filter.
    pub found: u64,
    /// How many the account has of the kind, the filter ignored.
    pub total: Option<u64>,
    /// The index of the first entry of this page.
    pub offset: Option<u64>,
    /// The length of this page, or the one asked for.
    pub length: Option<u64>,
}

impl Page {
    /// Takes the page apart; `key` is where its entries stand (`alerts`).
    ///
    /// # Errors
    /// What is missing, in words.
    pub fn read(body: Value, key: &str) -> Result<Self, String> {
        let mut object = match body {
            Value::Array(items) => return Ok(Self { query: None, items }),
            Value::Object(object) => object,
            _ => return Err(format!("neither an object with `{key}` nor an array")),
        };
        let Some(Value::Array(items)) = object.remove(key) else {
            return Err(format!("no list `{key}` in it"));
        };
        let query = object.get("query").ok_or("no `query` object in it, so the listing may be cut off")?;
        let query = Query::read(query).ok_or("its `query` object does not say how many were found")?;
        Ok(Self { query: Some(query), items })
    }
}

/// One page whose entries are still text: a tree of all of them takes several times the memory.
#[derive(Debug)]
pub struct TextPage<'a> {
    /// As of [`Page`].
    pub query: Option<Query>,
    /// The entries of this page.
    pub items: Vec<&'a RawValue>,
}

impl<'a> TextPage<'a> {
    /// Takes the text of a page apart; `key` is where its entries stand.
    ///
    /// # Errors
    /// Where the text is no JSON. Inside, what is missing, in the words of [`Page::read`].
    pub fn read(body: &'a [u8], key: &str) -> serde_json::Result<Result<Self, String>> {
        let mut reader = serde_json::Deserializer::from_slice(body);
        match Envelope(key).deserialize(&mut reader).and_then(|page| reader.end().map(|()| page)) {
            Ok(page) => Ok(Ok(page)),
            // What is wrong with it is said by who reads it as a tree.
            Err(_) => Ok(Page::read(serde_json::from_slice(body)?, key)
                .and(Err("its entries cannot be told apart".to_owned()))),
        }
    }
}

/// A page by the name of its list; anything else is an error.
struct Envelope<'k>(&'k str);

impl<'de> DeserializeSeed<'de> for Envelope<'_> {
    type Value = TextPage<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<TextPage<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Envelope<'_> {
    type Value = TextPage<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TextPage<'de>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(TextPage { query: None, items })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TextPage<'de>, A::Error> {
        let (mut query, mut items) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            if key == self.0 {
                items = Some(map.next_value()?);
            } else if key == "query" {
                query = Query::read(&map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        let items = items.ok_or_else(|| A::Error::custom("no list"))?;
        Ok(TextPage { query: Some(query.ok_or_else(|| A::Error::custom("no counts"))?), items })
    }
}

impl Query {
    fn read(value: &Value) -> Option<Self> {
        let count = |key: &str| value.get(key).and_then(lenient::u64);
        Some(Self {
            found: count("found")?,
            total: count("total"),
            offset: count("offset"),
            length: count("length"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn counts_are_numbers_or_strings() {
        let body = json!({"query": {"found": "12", "length": 1, "offset": 0.0, "total": null}, "alerts": [{"id": 1}]});
        let page = Page::read(body, "alerts").unwrap();
        assert_eq!(page.query, Some(Query { found: 12, total: None, offset: Some(0), length: Some(1) }));
        assert_eq!(page.items, [json!({"id": 1})]);
        let text = TextPage::read(br#" {"query": {"found": "12"}, "alerts": [ {"id": 1.0 }, 2]}"#, "alerts");
        let text = text.unwrap().unwrap();
        assert_eq!(text.query.map(|query| query.found), Some(12));
        assert_eq!(text.items.iter().map(|item| item.get()).collect::<Vec<_>>(), [r#"{"id": 1.0 }"#, "2"]);
    }

    #[test]
    fn a_bare_array_is_the_whole() {
        let page = Page::read(json!([1, 2]), "charts").unwrap();
        assert_eq!((page.query, page.items.len()), (None, 2));
        assert_eq!(TextPage::read(b"[1, 2]", "charts").unwrap().unwrap().items.len(), 2);
        assert!(TextPage::read(br#"{"alerts": [1"#, "alerts").unwrap_err().is_eof());
    }

    #[test]
    fn what_may_be_cut_off_is_refused() {
        for body in [
            json!({"alerts": []}),
            json!({"alerts": [], "query": {"total": 3}}),
            json!({"query": {"found": 0}}),
            json!({"alerts": {}, "query": {"found": 0}}),
            json!(null),
            json!("alerts"),
        ] {
            let text = body.to_string();
            let of_text = TextPage::read(text.as_bytes(), "alerts").unwrap().map(|page| page.items.len());
            assert_eq!(of_text, Err(Page::read(body.clone(), "alerts").unwrap_err()), "{body}");
        }
    }
}
