//! Functions that evaluate an expression several times: at other times, for each group, for each source.

use crate::composite::words::in_words;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

use super::super::query::{Leaf, Node, Op};
use super::super::selector::matches;
use super::leaf::in_group;
use super::limits::{NODE, points};
use super::series::{Series, floor};
use super::{EvalError, Evaluator, Made, Scope, Stored};

/// What is done at a `series` call, given the scope it will be evaluated in.
type Visit<'v, E> = dyn FnMut(&mut E, &Leaf, &Node, &Scope) -> Result<(), EvalError> + 'v;

impl Evaluator<'_> {
    pub(super) fn timeshift(
        &mut self,
        shifts: &[i64],
        set: &Node,
        node: &Node,
        scope: &Scope,
    ) -> Result<Made, EvalError> {
        let (mut series, mut inputs) = (Vec::new(), Vec::new());
        for shift in shifts {
            let (made, mut explain) = self.node(set, &scope.shifted(*shift))?;
            self.spend(points(&made), &node.span)?;
            explain.notes.push(format!("{} earlier", in_words(shift.unsigned_abs())));
            inputs.push(explain);
            series.extend(made.into_iter().map(|series| moved(series, *shift, scope.start)));
        }
        Ok((series, self.step(node, Vec::new(), inputs)))
    }

    pub(super) fn group_by(
        &mut self,
        tags: &[String],
        set: &Node,
        node: &Node,
        scope: &Scope,
    ) -> Result<Made, EvalError> {
        let mut groups: BTreeSet<Vec<String>> = BTreeSet::new();
        self.leaves(set, scope, &mut |evaluator, leaf, node, scope| {
            let selector = evaluator.selector(leaf, scope.mapped.as_deref().or(Some("*")));
            let stored = evaluator.stored(leaf, selector, node, scope)?;
            for stored in in_scope(&stored, scope) {
                let values = tags.iter().map(|tag| stored.labels.get(tag).cloned());
                groups.extend(values.collect::<Option<Vec<_>>>());
            }
            Ok(())
        })?;
        let (mut series, mut inputs) = (Vec::new(), Vec::new());
        for values in groups {
            let group: Vec<_> = tags.iter().cloned().zip(values).collect();
            let mut inner = scope.clone();
            inner.filters.extend(group.iter().cloned());
            let (made, mut explain) = self.node(set, &inner)?;
            explain.notes.push(named(&group));
            inputs.push(explain);
            series.extend(made.into_iter().map(|series| labelled(series, &group)));
        }
        let notes = if inputs.is_empty() {
            vec![format!("no series has {}", tags.join(" and "))]
        } else {
            Vec::new()
        };
        Ok((series, self.step(node, notes, inputs)))
    }

    pub(super) fn map(
        &mut self,
        label: &str,
        pattern: &str,
        set: &Node,
        node: &Node,
        scope: &Scope,
    ) -> Result<Made, EvalError> {
        let mut values: BTreeSet<String> = BTreeSet::new();
        self.leaves(set, scope, &mut |evaluator, leaf, node, scope| {
            if leaf.selector.patterns().iter().any(|text| text.contains('&')) {
                let selector = evaluator.selector(leaf, Some(pattern));
                let stored = evaluator.stored(leaf, selector, node, scope)?;
                let found = in_scope(&stored, scope).filter_map(|stored| stored.labels.get(label));
                values.extend(found.filter(|value| matches(pattern, value)).cloned());
            }
            Ok(())
        })?;
        let (mut series, mut inputs) = (Vec::new(), Vec::new());
        for value in values {
            let group = [(label.to_owned(), value.clone())];
            let inner = Scope { mapped: Some(value), ..scope.clone() };
            let (made, mut explain) = self.node(set, &inner)?;
            explain.notes.push(named(&group));
            inputs.push(explain);
            series.extend(made.into_iter().map(|series| labelled(series, &group)));
        }
        let notes =
            if inputs.is_empty() { vec![format!("no {label} matches \"{pattern}\"")] } else { Vec::new() };
        Ok((series, self.step(node, notes, inputs)))
    }

    /// Visits every `series` call below a node in the time it will be evaluated for.
    fn leaves(&mut self, node: &Node, scope: &Scope, visit: &mut Visit<'_, Self>) -> Result<(), EvalError> {
        self.spend(NODE, &node.span)?;
        match &node.op {
            Op::Series(leaf) => visit(self, leaf, node, scope),
            Op::Set(items) => items.iter().try_for_each(|item| self.leaves(item, scope, visit)),
            Op::Combine(_, set) | Op::Each(_, set) | Op::Select(_, set) => self.leaves(set, scope, visit),
            Op::GroupBy(_, set) | Op::Map(_, _, set) => self.leaves(set, scope, visit),
            Op::Timeshift(shifts, set) => {
                shifts.iter().try_for_each(|shift| self.leaves(set, &scope.shifted(*shift), visit))
            }
        }
    }
}

impl Scope {
    /// Whether some of what calls find is left out, or each part is looked at by itself.
    pub(super) fn is_divided(&self) -> bool {
        !self.filters.is_empty() || self.mapped.is_some()
    }

    fn shifted(&self, back: i64) -> Self {
        Self { start: self.start.saturating_sub(back), end: self.end.saturating_sub(back), ..self.clone() }
    }
}

fn in_scope<'s>(stored: &'s Rc<Vec<Stored>>, scope: &'s Scope) -> impl Iterator<Item = &'s Stored> {
    stored.iter().filter(|stored| in_group(&stored.labels, &scope.filters))
}

fn moved(series: Series, shift: i64, start: i64) -> Series {
    let period = series.period;
    let points = series.points.clone();
    let moved =
        points.into_iter().map(|point| (floor(point.time.saturating_add(shift), period), point.value));
    // Of the first period that was read, some may belong before the time that was asked for.
    let first = floor(start, period);
    series.with(moved.filter(|(time, _)| *time >= first))
}

fn labelled(mut series: Series, group: &[(String, String)]) -> Series {
    // Most have the labels they were grouped by; these stay shared.
    if !in_group(&series.labels, group) {
        Arc::make_mut(&mut series.labels).extend(group.iter().cloned());
    }
    series
}

fn named(group: &[(String, String)]) -> String {
    let pairs: Vec<_> = group.iter().map(|(label, value)| format!("{label}={value}")).collect();
    format!("for {}", pairs.join(", "))
}
