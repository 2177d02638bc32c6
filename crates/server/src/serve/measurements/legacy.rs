//! A query in the dialect of sources: which measurements, summed up how. Pure.

use super::interval::Interval;
use crate::serve::http::fields::{self, Object, Reader};
use crate::serve::http::problem::Problem;
use crate::serve::names::{Choice, folded};
use crate::serve::tsdb::aging::Aging;

/// The name under which measurements without a source are reported.
pub const UNASSIGNED: &str = "unassigned";

/// What is asked.
#[derive(Debug, Clone)]
pub struct Question {
    pub interval: Interval,
    pub summarize_time: bool,
    pub summarize_sources: bool,
    pub breakout_sources: bool,
    pub group_by: Option<Group>,
    /// Empty for every source.
    sources: Choice,
}

/// How the sources of one time become one value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    Min,
    Max,
    Mean,
    Sum,
    Count,
}

impl Question {
    /// `None` when the query asks for no time, and so for no measurements.
    pub fn read(query: &Object, now: i64, aging: &Aging) -> Result<Option<Question>, Problem> {
        let Some(interval) = Interval::legacy(query, now, aging)? else { return Ok(None) };
        let mut read = Reader::new(query);
        let group = read.text("group_by").value().filter(|name| !name.is_empty());
        let group_by = match group.as_deref() {
            None => None,
            Some("min") => Some(Group::Min),
            Some("max") => Some(Group::Max),
            Some("mean") => Some(Group::Mean),
            Some("sum") => Some(Group::Sum),
            Some("count") => Some(Group::Count),
            Some(_) => {
                read.errors.add("group_by", "is not one of: min, max, mean, sum, count");
                None
            }
        };
        let mut sources = read.get("sources", fields::texts).value().unwrap_or_default();
        sources.extend(read.get("source", fields::texts).value().unwrap_or_default());
        let flag = |read: &mut Reader<'_>, name, default| read.boolean(name).value().unwrap_or(default);
        let summarize_time = flag(&mut read, "summarize_time", false);
        let summarize_sources = flag(&mut read, "summarize_sources", false) || group_by.is_some();
        let breakout_sources = flag(&mut read, "breakout_sources", true) && group_by.is_none();
        sources.retain(|source| !source.is_empty());
        let sources = Choice::new(&sources).unwrap_or_else(|| {
            read.errors.add("sources", Choice::rule());
            Choice::default()
        });
        read.finish()?;
        // Asking for no sources of their own leaves nothing but all of them together.
        let summarize_sources = summarize_sources || !breakout_sources;
        Ok(Some(Question {
            interval,
            summarize_time,
            summarize_sources,
            breakout_sources,
            group_by,
            sources,
        }))
    }

    /// Whether measurements of this source are asked for.
    pub fn wants(&self, source: Option<&str>) -> bool {
        self.sources.is_empty() || self.sources.has(&folded(source.unwrap_or(UNASSIGNED)))
    }
}
