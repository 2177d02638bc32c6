//! Which of two patterns watches more streams: `*` covers `web*`, which covers `web1`.
//! Says nothing where it cannot know; knows nothing of which streams exist.

use crate::model::Tag;
use crate::pattern::{fold, matches_folded, same};

/// How a new set of streams lies to the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Relation {
    /// The same streams.
    Same,
    /// Fewer: every new one was in the old set.
    Narrower,
    /// More: every old one is in the new set.
    Wider,
    /// Neither, or not to be known.
    Unknown,
}

impl Relation {
    fn of(new_in_old: bool, old_in_new: bool) -> Self {
        match (new_in_old, old_in_new) {
            (true, true) => Self::Same,
            (true, false) => Self::Narrower,
            (false, true) => Self::Wider,
            (false, false) => Self::Unknown,
        }
    }
}

/// The relation of two source patterns; none, empty and `*` all mean every source.
pub(super) fn sources(old: Option<&str>, new: Option<&str>) -> Relation {
    let pattern = |source: Option<&str>| fold(source.filter(|text| !text.is_empty()).unwrap_or("*"));
    let (old, new) = (pattern(old), pattern(new));
    Relation::of(covers(&old, &new), covers(&new, &old))
}

/// The relation of two tag sets. A stream must match every tag, and of each one of its values.
pub(super) fn tags(old: &[Tag], new: &[Tag]) -> Relation {
    let grouped = |tags: &[Tag]| {
        let mut names: Vec<String> =
            tags.iter().filter(|tag| tag.grouped == Some(true)).map(|tag| fold(&tag.name)).collect();
        names.sort();
        names
    };
    let dynamic = |tags: &[Tag]| tags.iter().any(|tag| tag.dynamic == Some(true));
    if dynamic(old) || dynamic(new) || grouped(old) != grouped(new) {
        return Relation::Unknown;
    }
    match Relation::of(all_implied(old, new), all_implied(new, old)) {
        // Streams are merged before they are compared, so more of them may well hide the one that fails.
        Relation::Wider if !grouped(old).is_empty() => Relation::Unknown,
        relation => relation,
    }
}

/// Whether whatever matches `narrow` matches every tag of `wide`.
fn all_implied(wide: &[Tag], narrow: &[Tag]) -> bool {
    wide.iter().all(|tag| {
        let same_name = |other: &&Tag| same(&other.name, &tag.name);
        narrow.iter().filter(same_name).any(|other| values_cover(&values(tag), &values(other)))
    })
}

fn values(tag: &Tag) -> Vec<String> {
    let written: Vec<String> = tag.values.iter().flatten().map(|value| fold(value)).collect();
    if written.is_empty() { vec!["*".to_owned()] } else { written }
}

fn values_cover(wide: &[String], narrow: &[String]) -> bool {
    narrow.iter().all(|value| wide.iter().any(|pattern| covers(pattern, value)))
}

/// Whether every text that matches `narrow` matches `wide`.
///
/// That is so exactly if `wide` matches `narrow` itself when only a `*` may stand for a `*`. Other signs (`%`, `!`, `?`)
/// may have a meaning of their own, so patterns with them cover nothing but themselves and are covered by `*` alone.
fn covers(wide: &str, narrow: &str) -> bool {
    if wide == narrow || wide == "*" {
        return true;
    }
    let known = |c: char| c.is_alphanumeric() || "*-.:_/\\ ".contains(c);
    wide.chars().all(known) && narrow.chars().all(known) && matches_folded(wide, narrow)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn sources_that_cover_others() {
        use Relation::{Narrower, Same, Unknown, Wider};
        for (old, new, expected) in [
            (None, Some("*"), Same),
            (Some(""), None, Same),
            (Some("WEB1"), Some("web1"), Same),
            (None, Some("web*"), Narrower),
            (Some("web*"), Some("web1"), Narrower),
            (Some("web*"), Some("web*.eu"), Narrower),
            (Some("*.eu.*"), Some("web.eu.1*"), Narrower),
            (Some("a*b*"), Some("a*b"), Narrower),
            (Some("*ab"), Some("aab"), Narrower),
            (Some("web1"), Some("web*"), Wider),
            (Some("**"), Some("*"), Same),
            (Some("web*"), Some("db*"), Unknown),
            (Some("web*"), Some("*web"), Unknown),
            (Some("web1"), Some("web2"), Unknown),
            (Some("web%"), Some("web1"), Unknown),
            (Some("!web*"), Some("!web1"), Unknown),
            (Some("*"), Some("%"), Narrower),
        ] {
            assert_eq!(sources(old, new), expected, "{old:?} to {new:?}");
        }
    }

    fn set(tags: Value) -> Vec<Tag> {
        serde_json::from_value(tags).unwrap()
    }

    #[test]
    fn tag_sets_that_cover_others() {
        use Relation::{Narrower, Same, Unknown, Wider};
        let grouped = |values: Value| json!([{"name": "az", "values": values, "grouped": true}]);
        for (old, new, expected) in [
            (json!([]), json!([{"name": "env", "values": ["prod"]}]), Narrower),
            (json!([{"name": "env"}]), json!([{"name": "Env", "values": ["*"]}]), Same),
            (
                json!([{"name": "env", "values": ["a", "b"]}]),
                json!([{"name": "env", "values": ["B"]}]),
                Narrower,
            ),
            (
                json!([{"name": "env", "values": ["web*"]}]),
                json!([{"name": "env", "values": ["web1", "web2"]}]),
                Narrower,
            ),
            (json!([{"name": "env"}, {"name": "az"}]), json!([{"name": "az"}]), Wider),
            (json!([{"name": "env", "values": ["a"]}]), json!([{"name": "env", "values": ["b"]}]), Unknown),
            (json!([{"name": "env"}]), json!([{"name": "az"}]), Unknown),
            (json!([{"name": "env"}]), json!([{"name": "env", "dynamic": true}]), Unknown),
            (json!([{"name": "az"}]), grouped(json!(["a"])), Unknown),
            (grouped(json!(["a", "b"])), grouped(json!(["a"])), Narrower),
            (grouped(json!(["a"])), grouped(json!(["a", "b"])), Unknown),
        ] {
            assert_eq!(tags(&set(old.clone()), &set(new.clone())), expected, "{old} to {new}");
        }
    }
}
