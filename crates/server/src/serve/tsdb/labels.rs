//! What tells the series of one metric apart: a source or tags, how they are stored, and what says that they are as they were
//! written.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use super::{Error, envelope};
use crate::pattern::fold;

/// What tells the series of one metric apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Labels {
    /// The name of a source; `None` is reported as `unassigned`.
    Source(Option<String>),
    /// Tag names and values, lower case.
    Tags(BTreeMap<String, String>),
}

impl Labels {
    pub fn dialect(&self) -> &'static str {
        match self {
            Labels::Source(_) => "source",
            Labels::Tags(_) => "tags",
        }
    }

    /// As tags: a series of a source has the tag `source`.
    pub fn into_tags(self) -> BTreeMap<String, String> {
        match self {
            Labels::Tags(tags) => tags,
            Labels::Source(source) => source.map(|name| ("source".to_owned(), name)).into_iter().collect(),
        }
    }

    /// Those of a stored series of `metric`.
    pub fn read(metric: i64, stored: &Stored<'_>) -> Result<Labels, Error> {
        if stored.checksum != checksum(metric, stored.dialect, stored.labels) {
            return Err(Error::Labels);
        }
        let text = str::from_utf8(stored.labels).map_err(|_| Error::Labels)?;
        match stored.dialect {
            b"source" => Ok(Labels::Source(Some(text.to_owned()).filter(|name| !name.is_empty()))),
            b"tags" => serde_json::from_str(text).map(Labels::Tags).map_err(|_| Error::Labels),
            _ => Err(Error::Labels),
        }
    }

    /// What says, beside the stored form, that they are as they were written for a series of `metric`.
    pub fn checksum(&self, metric: i64) -> i64 {
        checksum(metric, self.dialect().as_bytes(), self.text().as_bytes())
    }

    /// As it is stored; folded, it is what series are told apart by.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Labels::Source(source) => Cow::Borrowed(source.as_deref().unwrap_or_default()),
            Labels::Tags(tags) => Cow::Owned(serde_json::json!(tags).to_string()),
        }
    }
}

/// Labels as they are stored, where bytes may have changed since.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    pub dialect: &'a [u8],
    pub labels: &'a [u8],
    pub checksum: i64,
}

/// The checksum of the labels of a series of `metric`.
pub fn checksum(metric: i64, dialect: &[u8], labels: &[u8]) -> i64 {
    envelope::checksum(&[metric], &[dialect, &[0], labels].concat()).into()
}

/// One series of a metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub id: i64,
    pub labels: Labels,
}

impl Series {
    /// Memory that it takes, here and sorted by its labels.
    pub fn bytes(&self) -> usize {
        100 + match &self.labels {
            Labels::Source(source) => source.as_ref().map_or(0, String::len),
            Labels::Tags(tags) => bytes_of_tags(tags),
        }
    }
}

/// Memory that tags take. A map of up to eleven takes as much as one of eleven.
pub fn bytes_of_tags(tags: &BTreeMap<String, String>) -> usize {
    800 + tags.iter().map(|(name, value)| 32 + name.len() + value.len()).sum::<usize>()
}

/// Leaves out the series of sources that some tagged series repeat, of the same metric and with the same tag `source`,
/// or none: emitters that write both dialects (statsd-librato-backend does on request) mean every measurement once.
pub fn counted_once(mut series: Vec<Series>) -> Vec<Series> {
    let mut repeated: HashSet<Option<String>> = HashSet::new();
    for one in &series {
        if let Labels::Tags(tags) = &one.labels {
            repeated.insert(tags.get("source").cloned());
        }
    }
    series.retain(|one| match &one.labels {
        Labels::Source(source) => !repeated.contains(&source.as_deref().map(fold)),
        Labels::Tags(_) => true,
    });
    series
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn tagged(id: i64, tags: &serde_json::Value) -> Series {
        Series { id, labels: Labels::Tags(serde_json::from_value(tags.clone()).unwrap()) }
    }

    #[test]
    fn what_comes_in_both_dialects_counts_once() {
        let source = |id, name: Option<&str>| Series { id, labels: Labels::Source(name.map(str::to_owned)) };
        let ids = |series: Vec<Series>| counted_once(series).iter().map(|one| one.id).collect::<Vec<_>>();
        let web = || tagged(1, &json!({"source": "web-1", "region": "eu"}));
        assert_eq!(
            ids(vec![web(), source(2, Some("Web-1")), source(3, Some("db")), source(4, None)]),
            [1, 3, 4]
        );
        assert_eq!(
            ids(vec![source(2, Some("web-1")), source(4, None), tagged(5, &json!({"az": "a"}))]),
            [2, 5]
        );
        assert_eq!(ids(vec![source(2, Some("web-1")), source(4, None)]), [2, 4]);
    }
}
