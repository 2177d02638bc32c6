//! Merging pages: several sources, from the oldest to the youngest, each in order of metrics and series, become one. What is equal
//! in time comes together in the order of the sources, so that the last value stays the last.

use std::iter::Peekable;
use std::mem;

use super::Run;
use crate::serve::tsdb::aggregate::{Point, downsample};

/// Goes through all sources at once and gives `each` the points of one series after the other, at `resolution`.
pub fn merge<E, I>(
    sources: Vec<I>,
    resolution: i64,
    mut each: impl FnMut(i64, i64, Vec<Point>) -> Result<(), E>,
) -> Result<(), E>
where
    I: Iterator<Item = Result<Run, E>>,
{
    let mut sources: Vec<Peekable<I>> = sources.into_iter().map(Iterator::peekable).collect();
    loop {
        let mut next = None;
        for source in &mut sources {
            if let Some(key) = key(source)? {
                next = Some(next.map_or(key, |next: (i64, i64)| next.min(key)));
            }
        }
        let Some(next) = next else { return Ok(()) };
        let mut points = Vec::new();
        for source in &mut sources {
            while key(source)? == Some(next) {
                let Some(run) = source.next() else { break };
                let mut run = run?;
                if points.is_empty() {
                    points = mem::take(&mut run.points);
                } else {
                    points.append(&mut run.points);
                }
            }
        }
        each(next.0, next.1, downsample(points, resolution))?;
    }
}

/// What comes next of a source; its error as soon as there is one.
fn key<E, I: Iterator<Item = Result<Run, E>>>(source: &mut Peekable<I>) -> Result<Option<(i64, i64)>, E> {
    match source.next_if(Result::is_err) {
        Some(Err(error)) => Err(error),
        _ => Ok(source.peek().and_then(|run| run.as_ref().ok()).map(|run| (run.metric, run.series))),
    }
}
