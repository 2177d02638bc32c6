//! One condition of an alert as an expression that has the streams that meet it.
//! Without state: a duration is "violated then, violated now, and never not between".

use crate::diag::{Code, Route, number};
use crate::model::{Condition, ConditionType, Seconds, SummaryFunction};

use super::fidelity::Reasons;
use super::mapping::Mapped;
use super::points::{Points, points};
use super::promql::{Expr, Selector, Sign};
use super::settings::{MEMORY_OF_THE_SERVICE, Settings};
use super::streams;

/// A condition, and how long it must hold where the expression does not say that itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The streams that meet it.
    pub expr: Expr,
    /// Seconds of `for:`.
    pub wait: Option<i64>,
}

/// How a condition is to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    /// The settings.
    pub settings: &'a Settings,
    /// Whether a duration may become `for:`, of which an alert has only one.
    pub may_wait: bool,
    /// Whether the metric is what a composite is recorded in.
    pub recorded: bool,
}

/// Renders one; `None` where it is refused.
pub fn condition(
    written: &Condition,
    metric: &Mapped,
    manner: Manner<'_>,
    here: &Route,
    reasons: &mut Reasons,
) -> Option<Rendered> {
    let (series, grouped) = streams::of_condition(written, metric, here, reasons);
    let Some(condition_type) = written.condition_type.known() else {
        let text = "this program does not know this type of condition";
        reasons.refuse(Code::UnknownValue, &here.key("type"), text);
        return None;
    };
    if !grouped.is_empty() {
        let text = "series are merged by tags at each evaluation, where the service does so by periods";
        reasons.approximate(Code::Grouped, &here.key("tags"), text);
    }
    if condition_type == ConditionType::Absent {
        let silent = i64::try_from(written.duration.map_or(0, |duration| duration.0)).unwrap_or(i64::MAX);
        return Some(absent(&series, &grouped, metric, silent, manner.settings, here, reasons));
    }
    let function = function(written, metric, manner.recorded, here, reasons)?;
    let Some((points, scaled)) = points(metric, &series, function, written.detect_reset.unwrap_or(true))
    else {
        let text = format!("what {} holds there has no `{}`", metric.name, word(function));
        let refused = reasons.refuse(Code::KindDoesNotFit, &here.key("summary_function"), text);
        refused.help(
            "choose another `summary_function`, or say what it holds: `kind` in settings.prometheus.metrics",
        );
        return None;
    };
    let (points, threshold) = scale(
        points,
        written.threshold.unwrap_or_default(),
        if scaled { metric.scale } else { 1.0 },
        metric.period,
    );
    let points = merged(points, &grouped, function, metric.period);
    let limit = Limit { above: condition_type == ConditionType::Above, threshold };
    let duration = written.duration.map(|it| i64::try_from(it.0).unwrap_or(i64::MAX)).filter(|it| *it > 0);
    Some(limit.rendered(&points, duration, metric, manner))
}

/// What it says, in words.
pub fn in_words(written: &Condition) -> String {
    let what = match (&written.source, written.tags.as_deref().unwrap_or_default()) {
        (Some(source), []) if source != "*" => format!("{} of {source}", written.metric_name),
        _ => written.metric_name.clone(),
    };
    let duration = written.duration.filter(|duration| duration.0 > 0);
    let lasting = duration.map_or_else(String::new, |Seconds(it)| format!(" for {}", Seconds(it)));
    match written.condition_type.known() {
        Some(ConditionType::Absent) | None => format!("{what} absent{lasting}"),
        Some(known) => {
            let function = written.summary_function.as_ref().and_then(|word| word.known());
            let function =
                function.map_or_else(String::new, |known| format!(" ({})", word(known).replace('_', " ")));
            let side = if known == ConditionType::Above { "above" } else { "below" };
            format!("{what}{function} {side} {}{lasting}", number(written.threshold.unwrap_or_default()))
        }
    }
}

fn word(function: SummaryFunction) -> &'static str {
    match function {
        SummaryFunction::Min => "min",
        SummaryFunction::Max => "max",
        SummaryFunction::Average => "average",
        SummaryFunction::Sum => "sum",
        SummaryFunction::Count => "count",
        SummaryFunction::Derivative => "derivative",
        SummaryFunction::AbsoluteValue => "absolute_value",
    }
}

fn function(
    written: &Condition,
    metric: &Mapped,
    recorded: bool,
    here: &Route,
    reasons: &mut Reasons,
) -> Option<SummaryFunction> {
    let here = here.key("summary_function");
    let chosen = match &written.summary_function {
        None if metric.counter => SummaryFunction::Derivative,
        None => SummaryFunction::Average,
        Some(word) => match word.known() {
            Some(known) => known,
            None => {
                reasons.refuse(Code::UnknownValue, &here, "this program does not know this function");
                return None;
            }
        },
    };
    let of_points = matches!(
        chosen,
        SummaryFunction::Average | SummaryFunction::Min | SummaryFunction::Max | SummaryFunction::Sum
    );
    if recorded && !of_points {
        let text = format!("a composite has one value at a time, and no `{}`", word(chosen));
        reasons
            .refuse(Code::KindDoesNotFit, &here, text)
            .help("write it into the composite, such as derive(…)");
        return None;
    }
    // A composite has one value at a time, which is its least, largest and total.
    Some(if recorded { SummaryFunction::Average } else { chosen })
}

/// Points in the unit of the threshold: it is divided where that loses nothing, else they are multiplied.
fn scale(points: Points, threshold: f64, scale: f64, period: i64) -> (Points, f64) {
    let divided = threshold / scale;
    if divided * scale == threshold {
        return (points, divided);
    }
    (Points::Worked(points.newest(period).binary(Sign::Times, Expr::Number(scale))), threshold)
}

fn merged(points: Points, grouped: &[String], function: SummaryFunction, period: i64) -> Points {
    if grouped.is_empty() {
        return points;
    }
    let by = match function {
        SummaryFunction::Min => "min",
        SummaryFunction::Max => "max",
        SummaryFunction::Average | SummaryFunction::AbsoluteValue => "avg",
        SummaryFunction::Sum | SummaryFunction::Count | SummaryFunction::Derivative => "sum",
    };
    Points::Worked(Expr::aggregate(by, grouped, points.newest(period)))
}

fn absent(
    series: &Selector,
    grouped: &[String],
    metric: &Mapped,
    silent: i64,
    settings: &Settings,
    here: &Route,
    reasons: &mut Reasons,
) -> Rendered {
    let memory = settings.absent_memory;
    if memory < MEMORY_OF_THE_SERVICE {
        let text = format!(
            "forgets a stream after {}; the service does after ten days",
            super::promql::duration(memory)
        );
        reasons.approximate(Code::AbsentMemory, here, text).help("settings.prometheus.absent_memory");
    }
    let series = match metric.kind {
        crate::model::PrometheusKind::Summary => series.with_suffix("_count"),
        _ => series.clone(),
    };
    let reported = |length| {
        let present = Expr::over("present_over_time", Expr::Series(series.clone()), length, 0, metric.period);
        if grouped.is_empty() { present } else { Expr::aggregate("max", grouped, present) }
    };
    Rendered { expr: reported(memory).binary(Sign::Unless, reported(silent)), wait: None }
}

struct Limit {
    above: bool,
    threshold: f64,
}

impl Limit {
    fn violated(&self, expr: Expr) -> Expr {
        expr.compared(if self.above { Sign::Above } else { Sign::Below }, self.threshold)
    }

    fn normal(&self, expr: Expr) -> Expr {
        expr.compared(if self.above { Sign::AtMost } else { Sign::AtLeast }, self.threshold)
    }

    fn rendered(
        &self,
        points: &Points,
        duration: Option<i64>,
        metric: &Mapped,
        manner: Manner<'_>,
    ) -> Rendered {
        let (period, settings) = (metric.period, manner.settings);
        let gap = settings.gap_of(period);
        let newest = |offset| self.violated(points.over("last_over_time", gap, offset, period));
        let Some(duration) = duration else {
            let between = if matches!(points, Points::Samples(_)) { metric.samples } else { period };
            // What comes and goes between two evaluations is seen, too.
            let expr = if between < settings.interval {
                let extreme = if self.above { "max_over_time" } else { "min_over_time" };
                self.violated(points.over(extreme, settings.interval, 0, period))
            } else {
                newest(0)
            };
            return Rendered { expr, wait: None };
        };
        if manner.may_wait && settings.durations == crate::model::PrometheusDurations::For {
            return Rendered { expr: newest(0), wait: Some(duration) };
        }
        // The value nearest to being normal.
        let mildest = if self.above { "min_over_time" } else { "max_over_time" };
        let normal = self.normal(points.over(mildest, duration, 0, period));
        let expr = newest(0).binary(Sign::And, newest(duration)).binary(Sign::Unless, normal);
        Rendered { expr, wait: None }
    }
}
