//! One condition of an alert as an expression that has the streams that meet it.
//! Without state: a duration is "violated then, violated now, and never not between".

use crate::diag::{Code, Route, number};
use crate::model::{Condition, ConditionType, PrometheusExpiry, Seconds, SummaryFunction};

use super::fidelity::Reasons;
use super::mapping::{Companion, Mapped};
use super::names::plain;
use super::points::{Points, points};
use super::promql::{Expr, Name, Selector, Sign};
use super::settings::{MEMORY_OF_THE_SERVICE, Settings};
use super::streams;

/// A condition, and how long it must hold where the expression does not say that itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// The streams that meet it.
    pub expr: Expr,
    /// Seconds of `for:`.
    pub wait: Option<i64>,
    /// A series that must be recorded for it: when each stream was heard of.
    pub seen: Option<(String, Expr)>,
}

/// How a condition is to be rendered.
#[derive(Debug, Clone, Copy)]
pub struct Manner<'a> {
    pub settings: &'a Settings,
    /// Whether a duration may become `for:`, of which an alert has only one.
    pub may_wait: bool,
    /// Whether the metric is what a composite is recorded in.
    pub recorded: bool,
}

impl Manner<'_> {
    /// The same for series that are merged by tags already, which are streams as they are.
    fn grouping(self, grouped: &[String]) -> Self {
        Self { recorded: self.recorded || !grouped.is_empty(), ..self }
    }

    /// A function over the series of each stream, as one of the stream.
    fn of_streams(self, function: &str, over: Expr) -> Expr {
        if self.recorded || self.settings.stream.is_empty() {
            return over;
        }
        let by = if function == "min_over_time" { "min" } else { "max" };
        Expr::aggregate(by, &self.settings.stream, over)
    }
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
        return absent(&series, &grouped, metric, silent, manner, here, reasons);
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
    Some(limit.rendered(&points, duration, metric, manner.grouping(&grouped)))
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
    manner: Manner<'_>,
    here: &Route,
    reasons: &mut Reasons,
) -> Option<Rendered> {
    let settings = manner.settings;
    let silent = not_shown(silent, metric, settings, here, reasons)?;
    let counted = metric.companion(series, Companion::Count);
    let series = counted
        .filter(|_| metric.kind == crate::model::PrometheusKind::Summary)
        .unwrap_or_else(|| series.clone());
    let merged = |expr| {
        if grouped.is_empty() {
            manner.of_streams("max_over_time", expr)
        } else {
            Expr::aggregate("max", grouped, expr)
        }
    };
    let Some(memory) = settings.absent_memory else {
        let name = match &series.name {
            Name::Exact(name) => name,
            Name::Matching(_) => &metric.name,
        };
        let recorded = format!("librato:seen:{}", plain(name));
        let heard = merged(Expr::Series(series.called(&recorded)));
        let silence = Expr::Call("time", Vec::new()).binary(Sign::Minus, heard);
        let expr = silence
            .compared(Sign::AtLeast, silent as f64)
            .compared(Sign::Below, MEMORY_OF_THE_SERVICE as f64);
        return Some(Rendered { expr, wait: None, seen: Some((recorded.clone(), seen(name, &recorded))) });
    };
    if memory < MEMORY_OF_THE_SERVICE {
        let text = format!(
            "forgets a stream after {}; the service does after ten days",
            super::promql::duration(memory)
        );
        reasons.approximate(Code::AbsentMemory, here, text).help("settings.prometheus.absent_memory");
    }
    let reported = |length| {
        merged(Expr::over("present_over_time", Expr::Series(series.clone()), length, 0, metric.period))
    };
    Some(Rendered { expr: reported(memory).binary(Sign::Unless, reported(silent)), wait: None, seen: None })
}

/// How long nothing new must be seen, where an exporter goes on showing the last value; `None` where it never stops.
fn not_shown(
    silent: i64,
    metric: &Mapped,
    settings: &Settings,
    here: &Route,
    reasons: &mut Reasons,
) -> Option<i64> {
    match metric.expires {
        None => Some(silent),
        Some(PrometheusExpiry::Never) => {
            let text = format!("{} is shown for ever, so no silence is seen", metric.name);
            let refused = reasons.refuse(Code::NeverExpires, here, text);
            refused
                .help("let the exporter forget values, and say so: `expires` in settings.prometheus.metrics");
            None
        }
        Some(PrometheusExpiry::For(shown)) => {
            let shown = i64::try_from(shown.0).unwrap_or(i64::MAX);
            if shown >= silent {
                let text = format!(
                    "the exporter shows the last value for {}, so this fires no sooner",
                    super::promql::duration(shown)
                );
                reasons.approximate(Code::ExpiresLater, here, text).help("let the exporter forget sooner");
            }
            Some(silent.saturating_sub(shown).max(settings.interval))
        }
    }
}

/// When each series of a metric was heard of, kept for as long as the service remembers it; ten minutes without a ruler forget it.
fn seen(name: &str, recorded: &str) -> Expr {
    let newest = Expr::Call("timestamp", vec![Expr::Series(Selector::of(name))]);
    let before = Expr::over("last_over_time", Expr::Series(Selector::of(recorded)), 600, 0, 60);
    let oldest =
        Expr::Call("time", Vec::new()).binary(Sign::Minus, Expr::Number(MEMORY_OF_THE_SERVICE as f64));
    newest.binary(Sign::Or, before.binary(Sign::Above, oldest))
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
        let over = |function, length, offset| {
            manner.of_streams(function, points.over(function, length, offset, period))
        };
        let newest = |offset| self.violated(over("last_over_time", gap, offset));
        let Some(duration) = duration else {
            let between = if matches!(points, Points::Samples(_)) { metric.samples } else { period };
            // What comes and goes between two evaluations is seen, too.
            let expr = if between < settings.interval {
                let extreme = if self.above { "max_over_time" } else { "min_over_time" };
                self.violated(over(extreme, settings.interval, 0))
            } else {
                newest(0)
            };
            return Rendered { expr, wait: None, seen: None };
        };
        if manner.may_wait && settings.durations == crate::model::PrometheusDurations::For {
            return Rendered { expr: newest(0), wait: Some(duration), seen: None };
        }
        // The value nearest to being normal.
        let mildest = if self.above { "min_over_time" } else { "max_over_time" };
        let normal = self.normal(over(mildest, duration, 0));
        let expr = newest(0).binary(Sign::And, newest(duration)).binary(Sign::Unless, normal);
        Rendered { expr, wait: None, seen: None }
    }
}
