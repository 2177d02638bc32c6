//! A plan, or what became of one, as a page that stands alone: an artifact of a pipeline, or an attachment. One file with neither scripts nor
//! anything that is loaded; pictures are SVG in it, and it reads well where its style sheet is dropped. The same plan gives the same bytes.
//! What matters first stands first. Pure. Knows nothing of where it is put.

mod escape;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use serde_json::Value;

use self::escape::{code, text};
use super::evidence;
use super::markdown::difference;
use super::text::{by_space, remark, summary};
use super::unmanaged::unmanaged_text;
use crate::diag::counted;
use crate::model::{Address, Collection, Kind};
use crate::plan::{Done, Impact, Outcome, Plan, Refusal, Sketch, Step, Verdict};

/// Pictures in one page, and bytes it may have. What is left out is said.
const PICTURES: usize = 60;
const LONGEST: usize = 2_000_000;
/// Kept free for what is said of what is left out.
const RESERVE: usize = 20_000;

const STYLE: &str = "\
body{margin:0;background:#F5F7FA;color:#1B2430;font:14px/20px system-ui,'Noto Sans',sans-serif;overflow-wrap:anywhere}\
main{max-width:1020px;margin:0 auto;padding:24px 16px}\
h1{font-size:20px;line-height:28px}h2{font-size:16px;margin:28px 0 8px}h3{font-size:14px;margin:0 0 4px}\
section.card{background:#FFF;border:1px solid #DDE3EA;border-radius:8px;padding:12px 16px;margin:0 0 12px}\
.bad{border-left:4px solid #C4162E;padding-left:12px}.muted,figcaption,footer{color:#566372;font-size:12px;line-height:18px}\
figure{margin:8px 0 0}svg{max-width:100%;height:auto}ul{margin:4px 0;padding-left:20px}\
table{border-collapse:collapse;width:100%;background:#FFF}th,td{text-align:left;vertical-align:top;padding:6px 8px;border-bottom:1px solid #DDE3EA}\
pre{background:#F5F7FA;border:1px solid #DDE3EA;border-radius:6px;padding:8px;white-space:pre-wrap}code,pre{font:13px/18px ui-monospace,monospace}\
@media print{body{background:#FFF}section.card{break-inside:avoid}}";

/// The plan as a page; `diagnostics` as [`crate::diag::to_json`] gives them.
pub fn html(plan: &Plan, diagnostics: &[Value]) -> String {
    page(plan, diagnostics, None)
}

/// The same with what became of it.
pub fn html_outcome(plan: &Plan, diagnostics: &[Value], outcome: &Outcome) -> String {
    page(plan, diagnostics, Some(outcome))
}

/// The page where no plan could be made: why, and what was found in the files.
pub fn html_without_plan(why: &str, diagnostics: &[Value]) -> String {
    let mut page = Page::new("No plan");
    page.add(&format!("<h1>No plan</h1>\n<p class=\"bad\"><strong>{}</strong></p>\n", text(why)));
    all_diagnostics(diagnostics, &mut page, true);
    all_diagnostics(diagnostics, &mut page, false);
    page.finish()
}

/// A page in the making: bounded, and with what is left out counted.
struct Page {
    out: String,
    pictures: usize,
    left_out: usize,
    cut: usize,
}

impl Page {
    fn new(title: &str) -> Self {
        let out = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
             <style>{STYLE}</style>\n</head>\n<body>\n<main>\n",
            text(title)
        );
        Self { out, pictures: 0, left_out: 0, cut: 0 }
    }

    /// Adds a piece, whose elements are closed, where there is room for it.
    fn add(&mut self, piece: &str) {
        if self.has_room_for(piece.len()) { self.out.push_str(piece) } else { self.cut += 1 }
    }

    fn has_room_for(&self, bytes: usize) -> bool {
        self.out.len() + bytes + RESERVE <= LONGEST
    }

    /// Pictures with their captions, as far as there is room.
    fn sketches(&mut self, all: &[Sketch], beside: usize) -> String {
        let mut made = String::new();
        for one in all {
            let figure =
                format!("<figure>\n{}<figcaption>{}</figcaption>\n</figure>\n", one.svg, text(&one.caption));
            if self.pictures == PICTURES || !self.has_room_for(made.len() + figure.len() + beside) {
                self.left_out += 1;
                continue;
            }
            self.pictures += 1;
            made.push_str(&figure);
        }
        made
    }

    fn finish(mut self) -> String {
        let mut said = Vec::new();
        if self.left_out > 0 {
            said.push(format!(
                "{} left out: a page has {PICTURES} at most",
                counted(self.left_out, "picture")
            ));
        }
        if self.cut > 0 {
            said.push(format!("{} left out: a page has 2 MB at most", counted(self.cut, "part")));
        }
        let said: String = said.iter().map(|said| format!("<p>{}.</p>\n", text(said))).collect();
        let _ = write!(
            self.out,
            "<footer>\n{said}<p>librato-apply {}. This page loads nothing and runs nothing.</p>\n</footer>\n</main>\n</body>\n</html>\n",
            env!("CARGO_PKG_VERSION")
        );
        self.out
    }
}

fn page(plan: &Plan, diagnostics: &[Value], outcome: Option<&Outcome>) -> String {
    let title = if outcome.is_some() { "Applied to" } else { "Plan for" };
    let mut page = Page::new(&format!("{title} {}", plan.target));
    let mut head = format!("<h1>{title} {}</h1>\n", code(&plan.target));
    if let Some(outcome) = outcome {
        let _ = write!(
            head,
            "<pre>{}</pre>\n<h2>What was planned</h2>\n",
            text(&super::outcome_text(plan, outcome))
        );
    }
    let _ = writeln!(head, "<p><strong>{}</strong></p>", text(&summary(plan)));
    let found = plan.evidence.as_ref();
    for said in [evidence::looked(found), evidence::together(found)].into_iter().flatten() {
        let _ = writeln!(head, "<p class=\"muted\">{}</p>", text(&said));
    }
    page.add(&head);
    refusals(&plan.refusals, &mut page);
    all_diagnostics(diagnostics, &mut page, true);
    on_call(plan, &mut page);
    changes(plan, outcome, &mut page);
    differences(plan, &mut page);
    let unmanaged = unmanaged_text(&plan.unmanaged);
    if !unmanaged.is_empty() {
        page.add(&format!("<h2>Not in these files</h2>\n<pre>{}</pre>\n", text(unmanaged.trim_end())));
    }
    all_diagnostics(diagnostics, &mut page, false);
    page.finish()
}

fn refusals(all: &[Refusal], page: &mut Page) {
    if all.is_empty() {
        return;
    }
    let mut out = "<h2>Refused: this plan would not be applied</h2>\n<ul class=\"bad\">\n".to_owned();
    for refusal in all {
        let lift = refusal.lift.as_ref().map(|lift| format!("; to lift it: {lift}")).unwrap_or_default();
        let said = format!("{}{lift}", refusal.message);
        let _ = write!(out, "<li><strong>{}</strong>: {}", text(&refusal.code), text(&said));
        let names: String = refusal.names.iter().map(|name| format!("<li>{}</li>\n", text(name))).collect();
        if !names.is_empty() {
            let _ = write!(out, "\n<ul>\n{names}</ul>");
        }
        out.push_str("</li>\n");
    }
    page.add(&(out + "</ul>\n"));
}

/// What was found in the files: errors and warnings, or the rest.
fn all_diagnostics(all: &[Value], page: &mut Page, grave: bool) {
    let is_grave = |one: &&Value| matches!(one["severity"].as_str(), Some("error" | "warning")) == grave;
    let chosen: Vec<&Value> = all.iter().filter(is_grave).collect();
    if chosen.is_empty() {
        return;
    }
    let mut out = format!("<h2>{}</h2>\n<ul>\n", if grave { "Errors and warnings" } else { "Notes" });
    for one in chosen {
        let said = |key: &str| one[key].as_str().unwrap_or_default();
        let place = match (one["file"].as_str(), one["line"].as_u64(), one["column"].as_u64()) {
            (Some(file), Some(line), Some(column)) => {
                format!(" {}", code(&format!("{file}:{line}:{column}")))
            }
            (Some(file), ..) => format!(" {}", code(file)),
            _ => String::new(),
        };
        let _ =
            write!(out, "<li><strong>{}</strong>: {}{place}", text(said("severity")), text(said("message")));
        let helps = one["help"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let helps: String = helps.map(|help| format!("<li>{}</li>\n", text(help))).collect();
        if !helps.is_empty() {
            let _ = write!(out, "\n<ul>\n{helps}</ul>");
        }
        out.push_str("</li>\n");
    }
    page.add(&(out + "</ul>\n"));
}

/// Each alert that changes, or that something changes for: what it means, what measurements say, and how that looks.
fn on_call(plan: &Plan, page: &mut Page) {
    let nothing = Impact::default();
    let own = plan.steps.iter().filter(|step| step.change.kind == Kind::Alert && !step.parks());
    let own =
        own.map(|step| (step.change.address.name.as_str(), step.impact.as_ref().unwrap_or(&nothing), ""));
    let others = plan.indirect.iter();
    let others = others.map(|one| (one.alert.as_str(), &one.impact, ", not changed itself"));
    let mut all: Vec<_> = own.chain(others).collect();
    // What pages less is looked at first.
    all.sort_by_key(|(_, impact, _)| match impact.verdict() {
        Verdict::Yes => 0,
        Verdict::CannotTell => 1,
        Verdict::No => 2,
    });
    let mut titled = false;
    for (name, impact, remark) in all {
        let finding =
            plan.evidence.as_ref().and_then(|found| found.of(&Address::new(Collection::Alerts, name)));
        let mut out = String::new();
        if !titled {
            out.push_str("<h2>What it means to the people on call</h2>\n");
        }
        let _ = write!(out, "<section class=\"card\">\n<h3>{}{remark}</h3>\n<ul>\n", text(name));
        for effect in &impact.effects {
            let verdict = match effect.weakens {
                Verdict::Yes => "<strong>weaker</strong>: ",
                Verdict::CannotTell => "<strong>cannot tell</strong>: ",
                Verdict::No => "",
            };
            let _ = writeln!(out, "<li>{verdict}{}</li>", text(&effect.text));
        }
        if let (Some(found), Some(finding)) = (&plan.evidence, finding) {
            for line in evidence::lines(finding, &found.looked) {
                let _ = writeln!(out, "<li>evidence: {}</li>", text(&line));
            }
        }
        out.push_str("</ul>\n");
        let sketches = finding.map_or(&[][..], |finding| &finding.sketches);
        let pictures = page.sketches(sketches, out.len() + 20);
        page.add(&format!("{out}{pictures}</section>\n"));
        titled = true;
    }
}

fn changes(plan: &Plan, outcome: Option<&Outcome>, page: &mut Page) {
    if plan.steps.is_empty() {
        return;
    }
    let done = |step: &Step| {
        let place = plan.steps.iter().position(|one| std::ptr::eq(one, step))?;
        Some(match outcome?.steps.get(place)? {
            Done::Written => "written".to_owned(),
            Done::Met => "made already".to_owned(),
            Done::Failed(why) => format!("failed: {}", why.message),
            Done::Skipped(why) => format!("skipped: {why}"),
        })
    };
    let more = if outcome.is_some() { "<th>done</th>" } else { "" };
    let mut out = format!(
        "<h2>Changes</h2>\n<table>\n<thead><tr><th>action</th><th>kind</th><th>name</th><th>place</th>{more}</tr></thead>\n<tbody>\n"
    );
    let mut rows = 0;
    for step in by_space(&plan.steps) {
        let change = &step.change;
        let place = step.place.as_ref().map(|place| code(&place.to_string())).unwrap_or_default();
        let said = done(step).map(|said| format!("<td>{}</td>", text(&said))).unwrap_or_default();
        let row = format!(
            "<tr><td>{}{}</td><td>{}</td><td>{}</td><td>{place}</td>{said}</tr>\n",
            change.action.verb(),
            text(&remark(step)),
            change.kind,
            code(&change.address.to_string()),
        );
        if page.has_room_for(out.len() + row.len()) { out.push_str(&row) } else { rows += 1 }
    }
    page.cut += rows;
    page.add(&(out + "</tbody>\n</table>\n"));
}

fn differences(plan: &Plan, page: &mut Page) {
    let mut titled = false;
    for step in by_space(&plan.steps) {
        let lines = difference(step);
        let finding = plan.evidence.as_ref().and_then(|found| Some((found, found.of(&step.change.address)?)));
        // Of alerts it was said above.
        let finding = finding.filter(|_| step.change.kind != Kind::Alert && !step.parks());
        let said: String = finding.map_or_else(String::new, |(found, finding)| {
            let lines = evidence::lines(finding, &found.looked);
            lines.iter().map(|line| format!("<p>evidence: {}</p>\n", text(line))).collect()
        });
        if lines.is_empty() && said.is_empty() {
            continue;
        }
        let change = &step.change;
        let head = if titled { "" } else { "<h2>Field by field</h2>\n" };
        let name = format!("{} {} {}", change.action.verb(), change.kind, change.address);
        let fields = if lines.is_empty() {
            String::new()
        } else {
            format!("<pre>{}</pre>\n", text(&lines.join("\n")))
        };
        page.add(&format!(
            "{head}<section class=\"card\">\n<h3>{}</h3>\n{said}{fields}</section>\n",
            text(&name)
        ));
        titled = true;
    }
}
