//! A plan as one pull-request comment: a hidden first line by which the comment is found again, what matters first,
//! details folded away, never longer than a comment may be. Pure, like everything that shows a plan.
//! Knows nothing of who posts it.

mod detail;
mod escape;
mod page;
#[cfg(test)]
mod tests;

use serde_json::Value;

use super::evidence;
use super::text::{by_space, remark, summary};
use super::unmanaged::unmanaged_text;
use crate::diag::plural;
use crate::diff::Action;
use crate::model::{Address, Collection, Kind};
use crate::plan::{Impact, Looked, Plan, Refusal, Step, Unmanaged, Verdict, length};
pub(super) use detail::lines as difference;
use escape::{code, prose};
use page::{Page, Part, Piece};

/// The first line of the comment: whoever posts it looks for this line and updates that comment.
const MARKER: &str = "<!-- librato-apply plan -->";

/// How many objects of one refusal are named.
const NAMES: usize = 30;

/// How many hints of one problem are given.
const HELPS: usize = 3;

/// How many effects of one alert are told, and fields of one change named.
const EFFECTS: usize = 20;
const FIELDS: usize = 4;

/// How many objects of one kind that no file declares are named.
const UNMANAGED: usize = 100;

/// The plan as markdown of at most 60,000 characters; `diagnostics` as [`crate::diag::to_json`] gives them.
///
/// When it must be cut, notes go first, then details of updates, then other details, harmless impact and rows of what
/// is not deleted; what was cut is said.
pub fn markdown(plan: &Plan, diagnostics: &[Value]) -> String {
    markdown_linked(plan, diagnostics, None)
}

/// The same with a link to the plan as a page.
pub fn markdown_linked(plan: &Plan, diagnostics: &[Value], report: Option<&str>) -> String {
    let column = plan.evidence.as_ref().map(|evidence| {
        let Looked { start, end, .. } = evidence.looked;
        format!("{} before → after", length(end - start))
    });
    let mut page = Page::new(head(plan) + &link(report)).with_column(column);
    plan.refusals.iter().for_each(|refusal| refusal_pieces(refusal, &mut page));
    diagnostics.iter().for_each(|diagnostic| page.add(diagnostic_piece(diagnostic)));
    let changed =
        plan.steps.iter().filter_map(|step| Some((&step.change.address.name, step.impact.as_ref()?)));
    for (alert, impact) in changed.filter(|(_, impact)| !impact.is_empty()) {
        let blind = blind(plan, alert);
        page.add(impact_piece(alert, impact, "", blind.as_deref()));
    }
    // Of one that is new nothing else is said there.
    let unchanged = |step: &&Step| step.impact.as_ref().is_none_or(Impact::is_empty) && !step.parks();
    for step in plan.steps.iter().filter(|step| step.change.kind == Kind::Alert).filter(unchanged) {
        let alert = &step.change.address.name;
        if let Some(blind) = blind(plan, alert) {
            page.add(impact_piece(alert, &Impact::default(), "", Some(&blind)));
        }
    }
    for indirect in &plan.indirect {
        let mut piece = impact_piece(&indirect.alert, &indirect.impact, ", not changed itself", None);
        let address = Address::new(Collection::Alerts, indirect.alert.as_str());
        evidence_of(plan, &address).iter().for_each(|line| piece.text.push_str(&format!("  - {line}\n")));
        page.add(piece);
    }
    for step in by_space(&plan.steps) {
        let keep = if step.change.action.destroys() { page::DELETES } else { page::ROWS };
        page.add(Piece { part: Part::Changes, keep, text: row(step, plan) });
        let evidence = if step.parks() { Vec::new() } else { evidence_of(plan, &step.change.address) };
        if let Some(text) = detail::detail(step, &evidence) {
            let updates = matches!(step.change.action, Action::Update { .. });
            let keep = if updates { page::UPDATES } else { page::DETAILS };
            page.add(Piece { part: Part::Details, keep, text });
        }
    }
    unmanaged_pieces(&plan.unmanaged, &mut page);
    page.finish()
}

/// Where the plan is as a page, with pictures.
fn link(report: Option<&str>) -> String {
    let Some(url) = report else { return String::new() };
    let encoded = |c: char| match c {
        '(' | ')' | '<' | '>' | '[' | ']' | '`' | '|' | '\\' => format!("%{:02X}", u32::from(c)),
        c if c.is_whitespace() || c.is_control() => String::new(),
        c => c.to_string(),
    };
    let url: String = url.chars().map(encoded).collect();
    format!("\n[The plan as a page, with pictures]({url})\n")
}

/// The comment where no plan could be made: why, and what was found in the files.
pub fn markdown_without_plan(why: &str, diagnostics: &[Value]) -> String {
    markdown_without(MARKER, "No plan", why, diagnostics)
}

/// The same of something else, whose comment is found by another first line.
pub fn markdown_without(marker: &str, title: &str, why: &str, diagnostics: &[Value]) -> String {
    let mut page = Page::new(format!("{marker}\n### {title}\n\n**{}**\n", prose(why)));
    diagnostics.iter().for_each(|diagnostic| page.add(diagnostic_piece(diagnostic)));
    page.finish()
}

/// A list for each kind, folded away: whoever asked for names may get many.
fn unmanaged_pieces(unmanaged: &Unmanaged, page: &mut Page) {
    if !unmanaged.named {
        return;
    }
    for of_kind in unmanaged.objects.chunk_by(|(a, _), (b, _)| a == b) {
        let names =
            of_kind.iter().take(UNMANAGED).map(|(_, address)| format!("- {}\n", code(&address.to_string())));
        let mut names: String = names.collect();
        if of_kind.len() > UNMANAGED {
            names.push_str(&format!("- … and {} more\n", of_kind.len() - UNMANAGED));
        }
        let kind = of_kind[0].0;
        let title = plural(of_kind.len(), kind.noun(), kind.section());
        let text = format!("<details>\n<summary>{title}</summary>\n\n{names}\n</details>\n\n");
        page.add(Piece { part: Part::Unmanaged, keep: page::UNMANAGED, text });
    }
}

fn head(plan: &Plan) -> String {
    let summary = prose(&summary(plan));
    let (target, strong) = (code(&plan.target), if plan.is_empty() { "" } else { "**" });
    let unmanaged = match plan.unmanaged.named || plan.unmanaged.objects.is_empty() {
        true => String::new(),
        false => format!("\n{}\n", prose(unmanaged_text(&plan.unmanaged).trim_end())),
    };
    let looked = evidence::looked(plan.evidence.as_ref());
    let said = [looked, evidence::together(plan.evidence.as_ref())].into_iter().flatten();
    let looked: String = said.map(|said| format!("\n{}\n", prose(&said))).collect();
    format!("{MARKER}\n### Plan for {target}\n\n{strong}{summary}{strong}\n{unmanaged}{looked}")
}

/// The refusal itself is kept longer than the names of what it is about.
fn refusal_pieces(refusal: &Refusal, page: &mut Page) {
    let lift = refusal.lift.as_ref().map(|lift| format!("; to lift it: {}", prose(lift))).unwrap_or_default();
    let text = format!("- **{}**: {}{lift}\n", prose(&refusal.code), prose(&refusal.message));
    page.add(Piece { part: Part::Refusals, keep: page::REFUSALS, text });
    if refusal.names.is_empty() {
        return;
    }
    let shown = refusal.names.iter().take(NAMES).map(|name| format!("  - {}\n", prose(name)));
    let more = refusal.names.len().saturating_sub(NAMES);
    let more = if more > 0 { format!("  - … and {more} more\n") } else { String::new() };
    page.add(Piece { part: Part::Refusals, keep: page::NAMES, text: shown.chain([more]).collect() });
}

fn diagnostic_piece(diagnostic: &Value) -> Piece {
    let text = |key: &str| diagnostic[key].as_str().unwrap_or_default();
    let severity = text("severity");
    let place =
        match (diagnostic["file"].as_str(), diagnostic["line"].as_u64(), diagnostic["column"].as_u64()) {
            (Some(file), Some(line), Some(column)) => {
                format!(" {}", code(&format!("{file}:{line}:{column}")))
            }
            (Some(file), ..) => format!(" {}", code(file)),
            _ => String::new(),
        };
    let name = text("code");
    let name = if name.is_empty() { String::new() } else { format!(" {}", code(name)) };
    let mut said = format!("- **{}**{name}: {}{place}\n", prose(severity), prose(text("message")));
    let help = diagnostic["help"].as_array().into_iter().flatten().filter_map(Value::as_str);
    help.take(HELPS).for_each(|help| said.push_str(&format!("  - {}\n", prose(help))));
    let text = said;
    match severity {
        "error" => Piece { part: Part::Errors, keep: page::REFUSALS, text },
        "note" => Piece { part: Part::Notes, keep: page::NOTES, text },
        _ => Piece { part: Part::Warnings, keep: page::WARNINGS, text },
    }
}

/// That measurements say of an alert that it cannot fire.
fn blind(plan: &Plan, alert: &str) -> Option<String> {
    let finding = plan.evidence.as_ref()?.of(&Address::new(Collection::Alerts, alert))?;
    evidence::cannot_fire(finding)
}

fn impact_piece(alert: &str, impact: &Impact, remark: &str, blind: Option<&str>) -> Piece {
    let mut text = format!("- {}{remark}\n", code(alert));
    text.extend(blind.map(|blind| format!("  - **evidence**: {}\n", prose(blind))));
    for effect in impact.effects.iter().take(EFFECTS) {
        let verdict = match effect.weakens {
            Verdict::Yes => "**weaker**: ",
            Verdict::CannotTell => "**cannot tell**: ",
            Verdict::No => "",
        };
        text.push_str(&format!("  - {verdict}{}\n", prose(&effect.text)));
    }
    let more = impact.effects.len().saturating_sub(EFFECTS);
    if more > 0 {
        text.push_str(&format!("  - … and {more} more\n"));
    }
    let harmless = impact.verdict() == Verdict::No && blind.is_none();
    let keep = if harmless { page::HARMLESS } else { page::WEAKER };
    Piece { part: Part::Impact, keep, text }
}

/// What measurements say of an object, line by line.
fn evidence_of(plan: &Plan, address: &Address) -> Vec<String> {
    let Some((evidence, finding)) = plan.evidence.as_ref().and_then(|it| Some((it, it.of(address)?))) else {
        return Vec::new();
    };
    let lines = evidence::lines(finding, &evidence.looked);
    lines.iter().take(EFFECTS).map(|line| format!("evidence: {}", prose(line))).collect()
}

fn row(step: &Step, plan: &Plan) -> String {
    let change = &step.change;
    let place = step.place.as_ref().map(|place| code(&place.to_string())).unwrap_or_default();
    let strong = if change.action.destroys() { "**" } else { "" };
    let found = plan.evidence.as_ref().map(|evidence| {
        let finding = evidence.of(&change.address).filter(|_| !step.parks());
        let words = finding.map_or(String::new(), |finding| {
            let lines = || evidence::lines(finding, &evidence.looked).into_iter().next();
            evidence::figures(finding).or_else(lines).unwrap_or_default()
        });
        format!(" {} |", prose(&words))
    });
    let found = found.unwrap_or_default();
    let (verb, kind, name) = (change.action.verb(), change.kind, code(&change.address.to_string()));
    format!("| {strong}{verb}{strong} | {kind} | {name} | {place} | {} |{found}\n", row_summary(step))
}

/// What an update changes, why a deletion happens, and whether an alert is weakened by it.
fn row_summary(step: &Step) -> String {
    let remark = remark(step);
    let mut parts: Vec<String> = Vec::new();
    if !remark.is_empty() {
        parts.push(prose(remark.trim().trim_start_matches('(').trim_end_matches(')')));
    }
    if let Action::Update { fields, .. } = &step.change.action
        && !fields.is_empty()
    {
        let mut names: Vec<String> =
            fields.iter().take(FIELDS).map(|field| prose(&field.route.to_string())).collect();
        if fields.len() > FIELDS {
            names.push(format!("{} more", fields.len() - FIELDS));
        }
        parts.push(names.join(", "));
    }
    match step.impact.as_ref().map_or(Verdict::No, Impact::verdict) {
        Verdict::Yes => parts.push("**weaker**".to_owned()),
        Verdict::CannotTell => parts.push("**may page differently**".to_owned()),
        Verdict::No => {}
    }
    parts.join("; ")
}
