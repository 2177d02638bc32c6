//! What a question of a chart is answered from: stored points series by series, and composites that are evaluated over them.

use crate::chart::{Answer, Gathering, Of, Question, Sample};
use crate::composite::Labels;
use crate::serve::budget;
use crate::serve::compose;
use crate::serve::http::problem::Problem;
use crate::serve::series;
use crate::serve::series::points::Reader;
use crate::serve::store::tx::Tx;
use crate::serve::tsdb::aggregate::Point;
use crate::serve::tsdb::labels::counted_once;
use crate::serve::tsdb::range::TimeRange;

/// The series that a question about a metric means, by id. A composite has none before it is evaluated.
pub fn series(
    tx: &Tx<'_>,
    question: &Question,
    id_of: &dyn Fn(&str) -> Option<i64>,
) -> Result<Vec<(i64, Labels)>, Problem> {
    let Of::Metric(name) = &question.of else { return Ok(Vec::new()) };
    let Some(id) = id_of(name) else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for one in counted_once(series::of(tx).series(id)?) {
        budget::proceed()?;
        let bytes = one.bytes();
        let id = one.id;
        let labels = one.labels.into_tags();
        if question.choice.takes(&labels) {
            budget::hold(bytes)?;
            found.push((id, labels));
        }
    }
    Ok(found)
}

/// What there is to draw, or why there is nothing, in words.
pub fn answer(
    tx: &Tx<'_>,
    question: &Question,
    series: &[(i64, Labels)],
    now: i64,
) -> Result<Result<Answer, String>, Problem> {
    match &question.of {
        Of::Metric(_) => of_metric(tx, question, series).map(Ok),
        Of::Composite(text) => of_composite(tx, question, text, now),
    }
}

fn of_metric(tx: &Tx<'_>, question: &Question, series: &[(i64, Labels)]) -> Result<Answer, Problem> {
    let points = series::of(tx);
    let wanted = series.iter().map(|(id, _)| *id).collect();
    let time = TimeRange { start: question.from, end: question.until };
    let mut reader = Reader::new(&*points, &wanted, time)?;
    let mut gathering = Gathering::new(question);
    for (id, labels) in series {
        budget::proceed()?;
        // As they came, so that rises and the legend do not depend on the buckets.
        let points = budget::beside(gathering.bytes(), || reader.points(*id, 1))?;
        budget::need(gathering.bytes() + points.len() * (size_of::<Point>() + 2 * size_of::<Sample>()))?;
        gathering.add(labels, &points.iter().map(sample).collect::<Vec<_>>(), None);
    }
    budget::need(gathering.bytes())?;
    Ok(gathering.finish())
}

fn sample(point: &Point) -> Sample {
    let Point { time, stats } = *point;
    let (count, sum, min, max, last) = (stats.count, stats.sum, stats.min, stats.max, stats.last);
    Sample { time, count, sum, min, max, last, squares: stats.squares }
}

fn of_composite(
    tx: &Tx<'_>,
    question: &Question,
    text: &str,
    now: i64,
) -> Result<Result<Answer, String>, Problem> {
    let span = TimeRange { start: question.from, end: question.until };
    let wants = |labels: &Labels| question.choice.takes(labels);
    let found = match compose::series(tx, text, span, question.finest, now, &wants)? {
        Ok(found) => found,
        Err(why) => return Ok(Err(why)),
    };
    let mut gathering = Gathering::new(question);
    for series in &found {
        budget::proceed()?;
        let samples: Vec<Sample> =
            series.points.iter().map(|point| Sample::single(point.time, point.value)).collect();
        gathering.add(&series.labels, &samples, i64::try_from(series.period).ok());
        budget::need(gathering.bytes())?;
    }
    Ok(Ok(gathering.finish()))
}
