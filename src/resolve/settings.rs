//! The `settings` section: at most one in all files, and no reference in it that a secret could leak through.
//! Knows nothing of what the settings do.

use std::path::Path;

use serde::Deserialize;

use super::entry::Context;
use super::findings::tell;
use crate::diag::{Code, Diagnostic, Part, Place, Report, Route};
use crate::load::Document;
use crate::model::{Settings, SettingsSection};

/// Reads the section from whichever document has it.
pub fn read(documents: &[Document], context: &Context<'_>, report: &mut Report) -> Settings {
    let route = Route::root().key("settings");
    let place = |document: &Document, inside: &Route, part| Place::Node {
        file: document.file,
        route: route.join(inside),
        part,
    };
    let having =
        |document: &&Document| document.value.get("settings").is_some_and(|section| !section.is_null());
    let mut found = documents.iter().filter(having);
    let Some(first) = found.next() else { return Settings::default() };
    for other in found {
        report.push(
            Diagnostic::error(Code::RepeatedSection, "there are two `settings` sections")
                .at(place(other, &Route::root(), Part::Key), "this one")
                .also(place(first, &Route::root(), Part::Key), "and this one")
                .help("settings hold for the whole run: keep them in one file"),
        );
    }
    let mut findings = Vec::new();
    let section = context.interpolate(&first.value["settings"], None, None, &mut findings);
    context.schema.check(&section.value, "SettingsSection", &mut findings);
    let sound = findings.is_empty();
    for finding in findings {
        let place = place(first, &finding.route.clone(), finding.part);
        tell(finding, place, report);
    }
    let Ok(section) = SettingsSection::deserialize(&section.value) else {
        if sound {
            let place = place(first, &Route::root(), Part::Key);
            report.push(Diagnostic::error(Code::WrongType, "these settings cannot be read").at(place, ""));
        }
        return Settings::default();
    };
    Settings {
        endpoint: section.endpoint.map(|endpoint| (endpoint, first.dir.clone())),
        prune: section.prune.unwrap_or_default(),
        ignore: section.ignore.unwrap_or_default(),
        protect: section.protect.unwrap_or_default(),
        max_deletes: section.max_deletes,
        prometheus: section.prometheus.unwrap_or_default(),
        home: Some((first.file, first.dir.clone())),
        real_home: first.path.as_ref().and_then(|path| path.parent()).map(Path::to_owned),
    }
}
