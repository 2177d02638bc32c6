//! What an object looks like, as a short text that tells two states apart: its `ETag`. Made with a key of the data file, since it
//! stands for all that is stored, and those who are shown only part of it must not be able to try what the rest may be. Pure.

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;

/// Bytes of a tag; two states of one object have the same one with a chance of 2⁻¹²⁸.
const LENGTH: usize = 16;

/// The tag of an object, between quotation marks as the header has it. `whole` is all that is stored of it.
pub fn of(key: &str, kind: &str, whole: &Value) -> String {
    // A key of any length is accepted.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key.as_bytes()) else { return String::new() };
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(whole.to_string().as_bytes());
    let digest = mac.finalize().into_bytes();
    format!("\"{}\"", hex::encode(&digest[..LENGTH]))
}

/// The states that a request is meant for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Any, as long as there is an object.
    Any,
    /// One of those with these tags.
    OneOf(Vec<String>),
}

impl Expected {
    /// Reads `If-Match`. Weak tags say nothing of every byte, so none of them fits.
    pub fn read(header: &str) -> Option<Expected> {
        if header.trim() == "*" {
            return Some(Expected::Any);
        }
        let (mut tags, mut found, mut rest) = (Vec::new(), false, header);
        loop {
            // A list may have empty places.
            rest = rest.trim_start_matches([' ', '\t', ',']);
            if rest.is_empty() {
                break;
            }
            let strong = rest.strip_prefix("W/").unwrap_or(rest);
            let (inner, after) = strong.strip_prefix('"')?.split_once('"')?;
            let after = after.trim_start();
            if !(after.is_empty() || after.starts_with(',')) {
                return None;
            }
            if strong.len() == rest.len() {
                tags.push(format!("\"{inner}\""));
            }
            (found, rest) = (true, after);
        }
        if !found {
            return None;
        }
        Some(Expected::OneOf(tags))
    }

    pub fn fits(&self, tag: &str) -> bool {
        match self {
            Expected::Any => true,
            Expected::OneOf(tags) => tags.iter().any(|one| one == tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tags_tell_states_kinds_and_keys_apart() {
        let tag = |key, kind, value| of(key, kind, &value);
        let all = [
            tag("k", "space", json!({"id": 1})),
            tag("k", "space", json!({"id": 2})),
            tag("k", "alert", json!({"id": 1})),
            tag("l", "space", json!({"id": 1})),
        ];
        assert_eq!(all[0], tag("k", "space", json!({"id": 1})));
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), 4, "{all:?}");
        assert!(all[0].len() == 34 && all[0].starts_with('"') && all[0].ends_with('"'), "{}", all[0]);
    }

    #[test]
    fn if_match_is_a_star_or_a_list_of_tags() {
        assert_eq!(Expected::read(" * "), Some(Expected::Any));
        let list = Expected::read("\"a\", W/\"b\" ,\"c\"").unwrap();
        for (tag, fits) in
            [("\"a\"", true), ("\"b\"", false), ("W/\"b\"", false), ("\"c\"", true), ("\"d\"", false)]
        {
            assert_eq!(list.fits(tag), fits, "{tag}");
        }
        let list = Expected::read(", \"a,b\",\"\", W/\"c,\"\t,").unwrap();
        for (tag, fits) in [("\"a,b\"", true), ("\"\"", true), ("\"c,\"", false), ("\"a\"", false)] {
            assert_eq!(list.fits(tag), fits, "{tag}");
        }
        for unreadable in ["", ",", "a", "\"a", "\"a\" \"b\"", "\"a\"b", "*, \"a\"", "w/\"a\"", "W/ \"a\""] {
            assert_eq!(Expected::read(unreadable), None, "{unreadable}");
        }
    }
}
