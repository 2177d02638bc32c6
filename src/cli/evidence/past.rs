//! The past of rules: their expressions asked of a Prometheus that has the measurements, some at once and each once. What cannot be
//! asked is said, and fails nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{StreamExt as _, stream};
use librato_apply::prometheus::{Question, firing};
use librato_apply::remote::promql::{Prometheus, Series};
use tokio::time::{Instant, timeout_at};

/// Queries at one time.
const AT_ONCE: usize = 8;

/// What is asked, and of when.
pub struct Past {
    prometheus: Prometheus,
    /// The first second and the last one, whole steps.
    pub span: (i64, i64),
    /// Seconds from evaluation to evaluation.
    pub step: i64,
    /// Nothing is asked after that.
    end: Instant,
    asked: AtomicUsize,
    samples: AtomicUsize,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unknown {
    /// In words.
    Failed(String),
    /// The time was up.
    Late,
}

/// The seconds at which each stream fires.
type Firing = Vec<Vec<i64>>;

/// What answers came to.
#[derive(Debug, Default)]
pub struct Answers {
    /// When each stream fires, by question.
    firing: BTreeMap<(String, i64), Result<Firing, Unknown>>,
    /// How many series there were at which seconds, by how they are selected.
    reads: BTreeMap<String, Result<Vec<(i64, f64)>, Unknown>>,
}

impl Past {
    /// Until now, in whole steps; asks nothing yet.
    pub fn new(prometheus: Prometheus, length: i64, step: i64, end: Instant) -> Self {
        let step = step.max(1);
        let now = super::super::time::now() / step * step;
        let span = (now - length / step * step, now);
        Self { prometheus, span, step, end, asked: AtomicUsize::new(0), samples: AtomicUsize::new(0) }
    }

    /// How many questions were asked, and how many samples came of them.
    pub fn spent(&self) -> (usize, usize) {
        (self.asked.load(Ordering::Relaxed), self.samples.load(Ordering::Relaxed))
    }

    /// Asks all of it, what several questions have in common once.
    pub async fn ask<'q>(&self, questions: impl Iterator<Item = &'q Question>) -> Answers {
        let (mut fires, mut reads) = (BTreeSet::new(), BTreeMap::new());
        for question in questions {
            fires.insert((question.expression.clone(), question.wait));
            reads.extend(question.reads.iter().map(|read| (read.series.clone(), read.expression.clone())));
        }
        let fires = stream::iter(fires).map(|(expression, wait)| async move {
            let found = self.series(&expression).await;
            let of = |series: Series| firing(series.points.into_iter().map(|(at, _)| at), self.step, wait);
            ((expression, wait), found.map(|all| all.into_iter().map(of).collect()))
        });
        let firing = fires.buffer_unordered(AT_ONCE).collect().await;
        let reads = stream::iter(reads).map(|(series, expression)| async move {
            let found = self.series(&expression).await;
            (series, found.map(|all| all.into_iter().flat_map(|one| one.points).collect()))
        });
        Answers { firing, reads: reads.buffer_unordered(AT_ONCE).collect().await }
    }

    async fn series(&self, expression: &str) -> Result<Vec<Series>, Unknown> {
        if Instant::now() >= self.end {
            return Err(Unknown::Late);
        }
        self.asked.fetch_add(1, Ordering::Relaxed);
        let asking = self.prometheus.range(expression, self.span, self.step);
        let found = timeout_at(self.end, asking).await.map_err(|_| Unknown::Late)?;
        let found = found.map_err(|error| Unknown::Failed(error.to_string()))?;
        self.samples.fetch_add(found.iter().map(|series| series.points.len()).sum(), Ordering::Relaxed);
        Ok(found)
    }
}

impl Answers {
    /// When each stream fires.
    pub fn firing(&self, question: &Question) -> Result<&[Vec<i64>], &Unknown> {
        let key = (question.expression.clone(), question.wait);
        match self.firing.get(&key) {
            Some(found) => found.as_deref(),
            None => Err(&Unknown::Late),
        }
    }

    /// How many series it reads at which seconds, by how they are selected; what is not known of them is left out.
    pub fn reads<'a>(&'a self, question: &'a Question) -> impl Iterator<Item = (&'a str, &'a [(i64, f64)])> {
        let known = |series: &'a str| Some((series, self.reads.get(series)?.as_deref().ok()?));
        question.reads.iter().filter_map(move |read| known(&read.series))
    }

    /// The series that it reads of which there is nothing.
    pub fn missing(&self, question: &Question) -> Vec<String> {
        let empty = self.reads(question).filter(|(_, points)| points.is_empty());
        empty.map(|(series, _)| series.to_owned()).collect()
    }
}

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed(why) => f.write_str(why),
            Self::Late => f.write_str("the time was up"),
        }
    }
}
