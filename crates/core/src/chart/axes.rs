//! Axes of values: which streams share one, where it ends, what is written at it.

use crate::pattern::fold;
use crate::picture::Axis;

use super::definition::Definition;
use super::question::Question;

/// Axes that are drawn; more share the last.
const MOST: usize = 3;

/// The axes of a chart, and which of them each question has.
pub struct Axes {
    pub axes: Vec<Axis>,
    pub places: Vec<usize>,
}

/// Streams with the same long unit share an axis, unless one has its own.
pub fn axes(chart: &Definition, questions: &[&Question], remarks: &mut Vec<String>) -> Axes {
    let mut keys: Vec<(String, Option<usize>)> = Vec::new();
    let mut groups: Vec<Vec<&Question>> = Vec::new();
    let mut places = Vec::new();
    for question in questions {
        let key = (fold(&question.looks.units_long), question.split_axis.then_some(question.stream));
        let place = keys.iter().position(|known| *known == key).unwrap_or_else(|| {
            keys.push(key);
            groups.push(Vec::new());
            keys.len() - 1
        });
        groups[place].push(question);
        places.push(place);
    }
    if groups.len() > MOST {
        remarks.push(format!("{} axes are asked for, those from the third on share one", groups.len()));
        let rest = groups.split_off(MOST);
        groups[MOST - 1].extend(rest.into_iter().flatten());
        places.iter_mut().for_each(|place| *place = (*place).min(MOST - 1));
    }
    let log = chart.log && chart.kind != "stacked";
    if chart.log && !log {
        remarks.push("areas upon each other have no logarithmic axis".to_owned());
    }
    let mut axes: Vec<Axis> = groups.iter().map(|group| axis(group, log, remarks)).collect();
    let several = axes.len() > 1;
    if let Some(first) = axes.first_mut() {
        ends(chart, first, several, remarks);
        if !chart.label.is_empty() {
            first.label.clone_from(&chart.label);
        }
    }
    Axes { axes, places }
}

/// The ends of the chart are those of its first axis.
fn ends(chart: &Definition, axis: &mut Axis, several: bool, remarks: &mut Vec<String>) {
    match (chart.min, chart.max) {
        (Some(min), Some(max)) if min >= max => {
            remarks.push(format!("an axis from {min} to {max} has no length, its ends are worked out"));
        }
        (min, max) => {
            (axis.min, axis.max) = (min, max);
            if several && (min.is_some() || max.is_some()) {
                remarks.push("the ends of the chart are those of its left axis".to_owned());
            }
        }
    }
}

fn axis(group: &[&Question], log: bool, remarks: &mut Vec<String>) -> Axis {
    let mut axis = Axis { log, ..Axis::default() };
    let (mut low, mut high) = (None::<f64>, None::<f64>);
    for question in group {
        let looks = &question.looks;
        if let (Some(min), Some(max)) = (looks.min, looks.max)
            && min >= max
        {
            let name = &question.title;
            remarks.push(format!(
                "{name}: an axis that reaches from {min} to {max} has no length, its ends are worked out"
            ));
            continue;
        }
        low = low.into_iter().chain(looks.min).reduce(f64::min);
        high = high.into_iter().chain(looks.max).reduce(f64::max);
    }
    (axis.low, axis.high) = (low, high);
    let first = group.first().map(|question| &question.looks);
    let short = first.map(|looks| looks.units_short.as_str()).unwrap_or_default();
    // A unit that some streams do not have would be wrong for them.
    if group.iter().all(|question| question.looks.units_short == short) {
        short.clone_into(&mut axis.unit);
    }
    axis.label = first.map(|looks| looks.units_long.clone()).unwrap_or_default();
    axis
}
