//! Which series a condition watches, and as which stream: patterns of sources, tags, groups.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::composite::{Labels, SOURCE, matches};
use crate::pattern::{fold, same};

/// A source where none was given, as payloads show it.
const UNASSIGNED: &str = "unassigned";

/// The key of a stream: a source, or tags as `name=value` in order of their names, with commas.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub struct Stream(Arc<str>);

impl Stream {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Stream {
    fn from(key: &str) -> Self {
        Self(key.into())
    }
}

impl From<String> for Stream {
    fn from(key: String) -> Self {
        Self(key.into())
    }
}

impl From<Stream> for String {
    fn from(stream: Stream) -> Self {
        stream.as_str().to_owned()
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A series of a metric, in the dialect it was written in.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Series {
    /// By source, if it has one.
    Source(Option<String>),
    /// By tags.
    Tags(Labels),
}

impl Series {
    /// A series of a composite's result: a source alone is one, anything else are tags.
    pub fn of_labels(labels: &Labels) -> Self {
        match labels.get(SOURCE) {
            Some(source) if labels.len() == 1 => Self::Source(Some(source.clone())),
            None if labels.is_empty() => Self::Source(None),
            _ => Self::Tags(labels.clone()),
        }
    }

    /// What tells that a series of a source repeats a tagged one: emitters that write both dialects mean each measurement once.
    pub fn repeated_as(&self) -> Option<String> {
        match self {
            Self::Source(source) => source.as_ref().map(|source| fold(source)),
            Self::Tags(tags) => tags.get(SOURCE).map(|source| fold(source)),
        }
    }

    fn key(&self) -> Stream {
        match self {
            Self::Source(source) => source.as_deref().unwrap_or(UNASSIGNED).into(),
            Self::Tags(tags) if tags.is_empty() => UNASSIGNED.into(),
            Self::Tags(tags) => joined(tags.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        }
    }
}

fn joined<'p>(pairs: impl Iterator<Item = (&'p str, &'p str)>) -> Stream {
    pairs.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",").into()
}

/// One tag of a condition.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tag {
    pub name: String,
    /// Patterns, one of which must match; none means any value.
    pub values: Vec<String>,
    /// Whether series are merged by this tag.
    pub grouped: bool,
    /// Whether values are chosen by whoever looks; without values it asks for nothing, not even for the tag.
    pub dynamic: bool,
}

/// What a condition watches of its metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Streams {
    /// Every series, those in both dialects once.
    All,
    /// Series of sources that match a pattern.
    Source(String),
    /// Tagged series; all of the tags must match.
    Tags(Vec<Tag>),
}

impl Streams {
    /// As a condition says it. No source and `*` mean the same.
    pub fn new(source: Option<&str>, tags: Vec<Tag>) -> Self {
        match source {
            _ if !tags.is_empty() => Self::Tags(tags),
            None | Some("*" | "%") => Self::All,
            Some(source) => Self::Source(source.to_owned()),
        }
    }

    /// Whether series are merged by some tag.
    pub fn is_grouped(&self) -> bool {
        matches!(self, Self::Tags(tags) if tags.iter().any(|tag| tag.grouped))
    }

    /// As which stream a series is watched, if it is. Looks at this series only: see [`streams_of`] for both dialects.
    pub fn stream_of(&self, series: &Series) -> Option<Stream> {
        match (self, series) {
            (Self::All, _) => Some(series.key()),
            (Self::Source(pattern), Series::Source(source)) => {
                matches(pattern, source.as_deref().unwrap_or(UNASSIGNED)).then(|| series.key())
            }
            (Self::Source(_), Series::Tags(_)) => None,
            (Self::Tags(tags), Series::Source(_)) => {
                // Only what asks for nothing matches a series without tags.
                tags.iter().all(Tag::asks_for_nothing).then(|| series.key())
            }
            (Self::Tags(tags), Series::Tags(labels)) => {
                if !tags.iter().all(|tag| tag.matches(labels)) {
                    return None;
                }
                if !self.is_grouped() {
                    return Some(series.key());
                }
                let mut key = Vec::new();
                for tag in tags.iter().filter(|tag| tag.grouped) {
                    key.push((tag.name.as_str(), tag.value(labels)?));
                }
                key.sort_unstable();
                Some(joined(key.into_iter()))
            }
        }
    }
}

impl Tag {
    fn asks_for_nothing(&self) -> bool {
        self.dynamic && self.values.is_empty() && !self.grouped
    }

    fn value<'l>(&self, labels: &'l Labels) -> Option<&'l str> {
        let found = labels.iter().find(|(name, _)| same(name, &self.name));
        found.map(|(_, value)| value.as_str())
    }

    fn matches(&self, labels: &Labels) -> bool {
        match self.value(labels) {
            Some(value) => {
                self.values.is_empty() || self.values.iter().any(|pattern| matches(pattern, value))
            }
            None => self.asks_for_nothing(),
        }
    }
}

/// As which stream each of a metric's series is watched. Where every series counts, those of sources that a tagged one repeats are
/// left out.
pub fn streams_of(streams: &Streams, series: &[Series]) -> Vec<Option<Stream>> {
    let is_tagged = |one: &&Series| matches!(one, Series::Tags(_));
    let repeated: BTreeSet<_> = series.iter().filter(is_tagged).map(Series::repeated_as).collect();
    let stream = |one: &Series| {
        let counts = *streams != Streams::All || is_tagged(&one) || !repeated.contains(&one.repeated_as());
        streams.stream_of(one).filter(|_| counts)
    };
    series.iter().map(stream).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str) -> Series {
        Series::Source((!name.is_empty()).then(|| name.to_owned()))
    }

    fn tags(text: &str) -> Series {
        let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        Series::Tags(text.split(',').filter_map(pair).collect())
    }

    fn tag(name: &str, values: &[&str]) -> Tag {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        Tag { name: name.to_owned(), values, ..Tag::default() }
    }

    fn key(streams: &Streams, series: &Series) -> String {
        streams.stream_of(series).map_or("-".to_owned(), String::from)
    }

    #[test]
    fn sources_are_patterns_over_their_dialect() {
        for (pattern, series, expected) in [
            (None, source("web1"), "web1"),
            (None, source(""), "unassigned"),
            (Some("*"), source(""), "unassigned"),
            (Some("*"), tags("b=2,a=1"), "a=1,b=2"),
            (Some("web*"), source("WEB1"), "WEB1"),
            (Some("web*"), source("db"), "-"),
            (Some("web*"), tags("source=web1"), "-"),
            (Some("unassigned"), source(""), "unassigned"),
        ] {
            assert_eq!(key(&Streams::new(pattern, vec![]), &series), expected, "{pattern:?} {series:?}");
        }
    }

    #[test]
    fn all_tags_must_match_and_one_value_of_each() {
        let dynamic = Tag { dynamic: true, ..tag("az", &[]) };
        for (wanted, series, expected) in [
            (vec![tag("region", &["eu*", "us"])], tags("region=eu-1,host=a"), "host=a,region=eu-1"),
            (vec![tag("region", &["eu*", "us"])], tags("region=us"), "region=us"),
            (vec![tag("region", &["eu*", "us"])], tags("region=us-2"), "-"),
            (vec![tag("Region", &["EU*"])], tags("region=eu"), "region=eu"),
            (vec![tag("region", &["eu"]), tag("host", &["a"])], tags("region=eu,host=b"), "-"),
            (vec![tag("region", &["*"])], tags("host=a"), "-"),
            (vec![tag("region", &[])], tags("host=a"), "-"),
            (vec![tag("region", &[])], tags("region=x"), "region=x"),
            (vec![dynamic.clone()], tags("host=a"), "host=a"),
            (vec![dynamic], source("web1"), "web1"),
            (vec![tag("region", &["*"])], source("web1"), "-"),
        ] {
            assert_eq!(key(&Streams::Tags(wanted.clone()), &series), expected, "{wanted:?} {series:?}");
        }
    }

    #[test]
    fn a_group_is_named_after_its_grouped_tags_and_leaves_out_who_lacks_one() {
        let grouped = |name: &str| Tag { grouped: true, ..tag(name, &[]) };
        let both = Streams::Tags(vec![grouped("region"), grouped("az"), tag("host", &["web*"])]);
        assert_eq!(key(&both, &tags("region=eu,az=1,host=web1")), "az=1,region=eu");
        assert_eq!(key(&both, &tags("region=eu,host=web1")), "-");
        assert_eq!(key(&both, &tags("region=eu,az=1,host=db")), "-");
        assert!(both.is_grouped() && !Streams::Tags(vec![tag("a", &[])]).is_grouped());
    }

    #[test]
    fn what_is_written_in_both_dialects_is_watched_once() {
        let series = [source("Web1"), source("web2"), source(""), tags("source=web1,az=a")];
        let found = |streams: &Streams| -> Vec<String> {
            streams_of(streams, &series).into_iter().map(|one| one.map_or("-".into(), String::from)).collect()
        };
        assert_eq!(found(&Streams::All), ["-", "web2", "unassigned", "az=a,source=web1"]);
        assert_eq!(found(&Streams::Source("web*".into())), ["Web1", "web2", "-", "-"]);
        let sourceless = [source(""), tags("az=a")];
        assert_eq!(streams_of(&Streams::All, &sourceless), [None, Some("az=a".into())]);
    }

    #[test]
    fn results_of_composites_have_the_stream_of_their_labels() {
        let of = |text: &str| match tags(text) {
            Series::Tags(labels) => Series::of_labels(&labels).key().to_string(),
            Series::Source(_) => unreachable!(),
        };
        assert_eq!([of("source=web1"), of(""), of("source=a,b=c")], ["web1", "unassigned", "b=c,source=a"]);
    }
}
