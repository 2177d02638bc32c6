//! `explain`: what a field of the files means, from the schema that editors use too, and what the code of a problem means.

mod format;
mod page;
mod path;
#[cfg(test)]
mod reference;

use std::ffi::OsStr;

use clap_complete::CompletionCandidate;
use librato_apply::diag::{Advice, Code, suggest};
use librato_apply::model;

use self::format::Format;
use self::page::page;
use self::path::{Found, alone, find};
use super::exit::{Exit, Stop};
use super::ui::Ui;

/// `explain`
pub fn explain(path: Option<&str>, ui: &Ui) -> anyhow::Result<Exit> {
    let schema = model::published_schema();
    ui.out(&explained(&Format { root: &schema }, path.unwrap_or_default())?);
    Ok(Exit::Done)
}

/// Before the name of a code, where a field may have it too.
const CODE: &str = "code:";

/// A field, or else the code of this name.
fn explained(format: &Format<'_>, path: &str) -> Result<String, Stop> {
    if let Some(name) = path.strip_prefix(CODE) {
        return Code::named(name).map(of_code).ok_or_else(|| unknown_code(name));
    }
    text(format, path).or_else(|mut stop| {
        let close = suggest(path, Code::ALL.iter().map(|code| code.name()));
        stop.help.extend(close.map(|close| format!("or the code `{close}` of a problem?")));
        Code::named(path).map(of_code).ok_or(stop)
    })
}

fn of_code(code: Code) -> String {
    let mut text = format!("Code      {}\n\n{}\n", code.name(), code.meaning());
    if let Some(Advice { cause, wrong, mend, right, .. }) = code.advice() {
        let piece = |text: &str| text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        text += &format!("\n{cause}\n\n{}\n{mend}\n", piece(wrong));
        if right != wrong {
            text += &format!("\n{}", piece(right));
        }
    }
    text
}

fn unknown_code(name: &str) -> Stop {
    let names = || Code::ALL.iter().map(|code| code.name());
    let help = match suggest(name, names()) {
        Some(close) => format!("did you mean `{CODE}{close}`?"),
        None => "reports show it in brackets, as in warning[unknown-metric]".to_owned(),
    };
    Stop { exit: Exit::Error, message: format!("there is no code `{name}`"), help: vec![help] }
}

/// The fields that what is typed so far may become, for the shell.
pub fn paths(typed: &OsStr) -> Vec<CompletionCandidate> {
    let typed = typed.to_string_lossy();
    if let Some(name) = typed.strip_prefix(CODE) {
        let found = Code::ALL.iter().map(|code| code.name()).filter(|code| code.starts_with(name));
        return found.map(|code| CompletionCandidate::new(format!("{CODE}{code}"))).collect();
    }
    let above = typed.rsplit_once('.').map_or("", |(above, _)| above);
    let schema = model::published_schema();
    let format = Format { root: &schema };
    let Ok(Found { field, .. }) = find(&format, above) else { return Vec::new() };
    let whole = |name: &str| if above.is_empty() { name.to_owned() } else { format!("{above}.{name}") };
    let found = format.fields(&field).into_iter().map(|(name, _)| whole(name));
    found.filter(|path| path.starts_with(&*typed)).map(CompletionCandidate::new).collect()
}

fn text(format: &Format<'_>, path: &str) -> Result<String, Stop> {
    let found =
        find(format, path).or_else(|stop| alone(format, path).map_or(Err(stop), |path| find(format, &path)));
    let Found { field, required, path } = found?;
    Ok(page(format, &field, &path, required))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str) -> String {
        let schema = model::published_schema();
        match text(&Format { root: &schema }, path) {
            Ok(text) => text,
            Err(stop) => format!("{}: {}", stop.message, stop.help.join(" ")),
        }
    }

    #[test]
    fn a_field_is_explained_with_all_that_the_schema_says() {
        assert_eq!(
            said("alerts.conditions.duration"),
            "Field     alerts.conditions.duration\n\
             Type      whole seconds or a duration such as 60s, 5m, 1h\n\
             Example   duration: 5m\n\n\
             How long the condition must hold, 60 s to 1 h; needed for `absent`.\n"
        );
        let active = said("alerts.active");
        assert!(
            active.contains("Type      true or false\nDefault   true\nExample   active: true\n"),
            "{active}"
        );
        let kind = said("alerts.conditions[0].type");
        assert!(kind.contains("Required  yes\n") && kind.contains("\n  absent  "), "{kind}");
    }

    #[test]
    fn fields_are_found_in_the_singular_and_without_what_they_stand_below() {
        assert_eq!(said("alert.condition.duration"), said("alerts.conditions.duration"));
        assert!(said("alert").starts_with("Field     alerts\n"), "{}", said("alert"));
        assert!(said("for_each").starts_with("Field     metrics.for_each\n"), "{}", said("for_each"));
        assert!(said("conditions.threshold").starts_with("Field     alerts.conditions.threshold\n"));
        for (field, example) in [
            ("alerts.conditions", "Example   conditions: [{ type: above, metric_name: "),
            ("services.settings", "Example   settings: { url: \"${secret."),
            ("composites.composite", "Example   composite: 'sum(s("),
        ] {
            assert!(said(field).contains(example), "{}", said(field));
        }
        assert!(said("settings.endpoint").contains("Example   endpoint: https://metrics.example.org\n"));
    }

    #[test]
    fn objects_show_one_level_and_a_file_its_sections() {
        let alerts = said("alerts");
        assert!(alerts.contains("\nFields\n") && alerts.contains("\n  rearm_seconds "), "{alerts}");
        assert!(!alerts.contains("metric_name"), "one level only: {alerts}");
        assert!(said("").contains("\n  metrics "), "{}", said(""));
    }

    #[test]
    fn what_does_not_exist_is_answered_with_what_does() {
        assert_eq!(
            said("alerts.conditons"),
            "there is no field `conditons` in `alerts`: did you mean `alerts.conditions`?"
        );
        assert!(
            said("x").starts_with("there is no field `x` in a file: there are settings, "),
            "{}",
            said("x")
        );
    }

    #[test]
    fn codes_are_explained_unless_a_field_has_the_name() {
        let schema = model::published_schema();
        let said = |path: &str| match explained(&Format { root: &schema }, path) {
            Ok(text) => text,
            Err(stop) => format!("{}: {}", stop.message, stop.help.join(" ")),
        };
        for code in Code::ALL {
            assert_eq!(said(&format!("code:{}", code.name())), of_code(*code));
        }
        assert!(said("unknown-metric").starts_with("Code      unknown-metric\n\nA metric that "));
        assert_eq!(
            said("unused-variable"),
            "Code      unused-variable\n\nA variable that nothing uses.\n\n\
             A variable is defined, and no file uses it: the place that used it is gone, or has another name.\n\n    \
             vars: { limit: 5 }\n    metrics: { m: { type: gauge } }\n\nRemove it, or use it.\n\n    \
             metrics: { m: { type: gauge } }\n"
        );
        assert!(said("alerts").starts_with("Field     alerts\n"));
        assert_eq!(
            said("code:unknown-metrc"),
            "there is no code `unknown-metrc`: did you mean `code:unknown-metric`?"
        );
        assert!(said("code:zzzzzz").contains("in brackets"));
    }

    #[test]
    fn every_field_of_the_format_can_be_explained() {
        let schema = model::published_schema();
        let format = Format { root: &schema };
        let mut todo = vec![String::new()];
        let mut seen = 0;
        while let Some(path) = todo.pop() {
            let text = text(&format, &path).unwrap_or_else(|stop| panic!("{path}: {}", stop.message));
            assert!(!text.is_empty());
            seen += 1;
            if path.matches('.').count() < 3 {
                let field = path.split('.').filter(|step| !step.is_empty()).fold(
                    format.field(&schema),
                    |field, step| {
                        let fields = format.fields(&field);
                        format.field(fields.iter().find(|(name, _)| *name == step).unwrap().1)
                    },
                );
                let below = format.fields(&field);
                todo.extend(
                    below.iter().map(|(name, _)| format!("{path}.{name}").trim_start_matches('.').to_owned()),
                );
            }
        }
        assert!(seen > 100, "only {seen}");
    }
}
