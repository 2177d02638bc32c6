//! A plan as text for a terminal or a log: each object with its change, its place and its fields.
//! Colours only where asked for; the text is the same without them.

use anstyle::{AnsiColor, Style};

use super::evidence;
use super::hang::hung;
use super::unmanaged::unmanaged_text;
use super::value::{inline, is_long, line_diff};
use crate::diag::{Seg, counted, plural, printable};
use crate::diff::{Action, FieldChange};
use crate::model::{Address, Collection, Kind};
use crate::plan::{Counts, Evidence, Impact, Indirect, Plan, Refusal, SourcePlace, Step, Verdict, lost_with};

/// How far into a line places are put.
const PLACE_COLUMN: usize = 56;

/// The whole plan, its target first, its counts last; prose no wider than `width`, where there is one.
pub fn text(plan: &Plan, styled: bool, width: Option<usize>) -> String {
    let mut page = Page { out: String::new(), styled, width, evidence: plan.evidence.as_ref() };
    page.line(&format!("Plan for {}", printable(&plan.target)));
    page.line("");
    for step in by_space(&plan.steps) {
        page.step(step);
    }
    plan.indirect.iter().for_each(|indirect| page.indirect(indirect));
    plan.refusals.iter().for_each(|refusal| page.refusal(refusal));
    page.line(&summary(plan));
    page.out.push_str(&unmanaged_text(&plan.unmanaged));
    if let Some(looked) = evidence::looked(plan.evidence.as_ref()) {
        page.line(&looked);
    }
    page.out
}

/// The refusals alone, for where the plan is not shown.
pub fn refusals(plan: &Plan, styled: bool) -> String {
    let mut page = Page { out: String::new(), styled, width: None, evidence: None };
    plan.refusals.iter().for_each(|refusal| page.refusal(refusal));
    page.out
}

/// The steps as people read them: in the order of writing, but charts that follow each other space by space.
pub(super) fn by_space(steps: &[Step]) -> Vec<&Step> {
    let mut shown: Vec<&Step> = steps.iter().collect();
    let runs = shown.chunk_by_mut(|a, b| a.change.kind == Kind::Chart && b.change.kind == Kind::Chart);
    runs.for_each(|run| run.sort_by_key(|step| step.change.address.parent.clone()));
    shown
}

/// The counts in one line.
pub fn summary(plan: &Plan) -> String {
    let Counts { create, update, rename, replace, delete } = plan.counts();
    if plan.is_empty() && plan.refusals.is_empty() {
        return format!(
            "Nothing to change: {} as written.",
            plural(plan.unchanged, "object is", "objects are")
        );
    }
    let mut parts = vec![format!("{create} to create"), format!("{update} to update")];
    for (count, what) in [(rename, "rename"), (replace, "replace")] {
        if count > 0 {
            parts.push(format!("{count} to {what}"));
        }
    }
    // Charts that go with their space count where deletes are limited.
    let charts: usize = plan.steps.iter().map(|step| lost_with(&step.change).len()).sum();
    let with = if charts > 0 { format!(" (with {})", counted(charts, "chart")) } else { String::new() };
    parts.push(format!("{delete} to delete{with}"));
    format!("{}; {} unchanged.", parts.join(", "), plan.unchanged)
}

struct Page<'p> {
    out: String,
    styled: bool,
    width: Option<usize>,
    evidence: Option<&'p Evidence>,
}

impl Page<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn paint(&self, text: &str, style: Style) -> String {
        if self.styled { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    fn step(&mut self, step: &Step) {
        let change = &step.change;
        let (sign, colour) = match change.action {
            Action::Create { .. } => ("+", AnsiColor::Green),
            Action::Update { .. } => ("~", AnsiColor::Yellow),
            Action::Replace { .. } => ("±", AnsiColor::Red),
            Action::Delete { .. } => ("-", AnsiColor::Red),
        };
        let name = printable(&change.address.to_string());
        let title = format!("{} {} {name}{}", change.action.verb(), change.kind, remark(step));
        let sign = self.paint(sign, colour.on_default().bold());
        self.line(&format!("  {sign} {}", self.placed(&title, 4, step.place.as_ref())));
        for (i, field) in change.action.fields().iter().enumerate() {
            let place = step.field_places.get(i).and_then(Option::as_ref);
            let updates = matches!(change.action, Action::Update { .. });
            self.field(field, if updates { sign_of(field) } else { ' ' }, place.filter(|_| updates));
        }
        step.impact.iter().for_each(|impact| self.impact(impact));
        if !step.parks() {
            self.evidence(&change.address);
        }
        self.line("");
    }

    /// What a change means to the people on call; what makes an alert weaker stands out.
    fn impact(&mut self, impact: &Impact) {
        for effect in &impact.effects {
            let (mark, colour) = match effect.weakens {
                Verdict::No => ("", AnsiColor::Cyan),
                Verdict::CannotTell => (" (weaker? cannot tell)", AnsiColor::Yellow),
                Verdict::Yes => (" (weaker)", AnsiColor::Red),
            };
            let label = self.paint("on call:", colour.on_default());
            let text = hung(&format!("{}{mark}", printable(&effect.text)), 15, self.width);
            self.line(&format!("      {label} {text}"));
        }
    }

    /// What measurements say of an object.
    fn evidence(&mut self, address: &Address) {
        let Some((evidence, finding)) = self.evidence.and_then(|it| Some((it, it.of(address)?))) else {
            return;
        };
        for line in evidence::lines(finding, &evidence.looked) {
            let label = self.paint("evidence:", AnsiColor::Blue.on_default());
            self.line(&format!("      {label} {}", hung(&line, 16, self.width)));
        }
    }

    /// An alert that is not changed itself, but uses what is.
    fn indirect(&mut self, indirect: &Indirect) {
        self.line(&format!("  ! alert {} is not changed, but", printable(&indirect.alert)));
        self.impact(&indirect.impact);
        self.evidence(&Address::new(Collection::Alerts, indirect.alert.as_str()));
        self.line("");
    }

    /// A text with a place behind it, in the column of places where it fits.
    fn placed(&self, text: &str, indent: usize, place: Option<&SourcePlace>) -> String {
        let Some(place) = place else { return text.to_owned() };
        let width = PLACE_COLUMN.saturating_sub(indent).saturating_sub(text.chars().count()).max(2);
        format!("{text}{:width$}{}", "", self.paint(&printable(&place.to_string()), Style::new().dimmed()))
    }

    /// One field, with `+` before what comes to be in a list or an object that stays, `-` before what is taken from a list.
    fn field(&mut self, field: &FieldChange, sign: char, place: Option<&SourcePlace>) {
        let route = printable(&field.route.to_string());
        let (before, after) = (field.before.as_ref(), field.after.as_ref());
        if !field.sensitive && before.is_some() && after.is_some() && (is_long(before) || is_long(after)) {
            let (before, after) = (before.and_then(|v| v.as_str()), after.and_then(|v| v.as_str()));
            if let (Some(before), Some(after)) = (before, after) {
                self.line(&format!("      {}", self.placed(&format!("{route}:"), 6, place)));
                for (sign, text) in line_diff(before, after) {
                    let line = format!("{sign} {text}");
                    let line = match sign {
                        '+' => self.paint(&line, AnsiColor::Green.on_default()),
                        '-' => self.paint(&line, AnsiColor::Red.on_default()),
                        _ => line,
                    };
                    self.line(&format!("        {line}"));
                }
                return;
            }
        }
        if let (false, None, Some(block)) = (field.sensitive, before, after.and_then(|value| value.as_str()))
            && block.trim_end().contains('\n')
        {
            self.line(&format!("{}{}", self.signed(sign), self.placed(&format!("{route}: |"), 6, place)));
            block.lines().for_each(|line| self.line(&format!("        {}", printable(line))));
            return;
        }
        let text = match (field.sensitive, before, after) {
            (true, Some(_), Some(_)) => format!("{route}: (sensitive) changes"),
            (true, None, _) => format!("{route}: (sensitive)"),
            (true, Some(_), None) => format!("{route}: (sensitive) is removed"),
            (false, None, Some(after)) => format!("{route}: {}", inline(&field.route, after)),
            (false, Some(before), None) if sign == '-' => {
                format!("{route}: {}", inline(&field.route, before))
            }
            (false, before, after) => {
                let shown = |value: Option<&serde_json::Value>| {
                    value.map_or_else(|| "(nothing)".to_owned(), |value| inline(&field.route, value))
                };
                format!("{route}: {} → {}", shown(before), shown(after))
            }
        };
        self.line(&format!("{}{}", self.signed(sign), self.placed(&text, 6, place)));
    }

    /// What stands before a field: six columns, the sign among them.
    fn signed(&self, sign: char) -> String {
        let sign = match sign {
            '+' => self.paint("+", AnsiColor::Green.on_default()),
            '-' => self.paint("-", AnsiColor::Red.on_default()),
            _ => " ".to_owned(),
        };
        format!("    {sign} ")
    }

    fn refusal(&mut self, refusal: &Refusal) {
        let red = AnsiColor::Red.on_default().bold();
        self.line(&format!(
            "{} {}",
            self.paint(&format!("refused[{}]:", refusal.code), red),
            printable(&refusal.message)
        ));
        for name in &refusal.names {
            self.line(&format!("    {}", printable(name)));
        }
        if let Some(lift) = &refusal.lift {
            self.line(&format!("  = to lift it: {}", printable(lift)));
        }
        self.line("");
    }
}

/// What an update does to a field, where it is not another value.
fn sign_of(field: &FieldChange) -> char {
    let in_list = matches!(field.route.segs().last(), Some(Seg::Index(_)));
    match (&field.before, &field.after) {
        (None, Some(_)) => '+',
        (Some(_), None) if in_list => '-',
        _ => ' ',
    }
}

/// What a title must say beyond the action.
pub(super) fn remark(step: &Step) -> String {
    match &step.change.action {
        Action::Update { renamed_from: Some(old), .. } if step.parks() => {
            format!(" (out of the way, from {})", printable(&old.name))
        }
        Action::Update { renamed_from: Some(old), .. } => format!(" (from {})", printable(&old.name)),
        Action::Replace { because, .. } => format!(" ({because})"),
        Action::Delete { pruned, .. } => {
            let charts = match lost_with(&step.change).len() {
                0 => None,
                count => Some(format!("with {}", counted(count, "chart"))),
            };
            let why = pruned.then(|| "no longer in the files".to_owned());
            let said: Vec<String> = charts.into_iter().chain(why).collect();
            if said.is_empty() { String::new() } else { format!(" ({})", said.join(", ")) }
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_to_do_is_said_in_one_line() {
        let plan = Plan { target: "embedded:./x.db".into(), unchanged: 1, ..Plan::default() };
        assert_eq!(
            text(&plan, false, None),
            "Plan for embedded:./x.db\n\nNothing to change: 1 object is as written.\n"
        );
    }
}
