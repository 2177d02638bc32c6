//! From documents to what they ask for: references replaced, objects read and checked, every problem reported.
//! Knows the files' language. Asks [`Outside`] for the environment and other files; never talks to the service.

mod blueprint;
mod charts;
mod check;
mod colors;
mod dead;
mod entry;
mod findings;
mod hints;
mod interpolate;
mod ledger;
mod outside;
mod provenance;
mod references;
mod section;
mod settings;
mod shape;
mod template;
mod trials;
mod variables;

use serde_json::Value;

use crate::diag::{Files, Report};
use crate::load::Document;
use crate::model::{Declared, Desired, Kind, at_route, strict_schema};

pub use outside::{OPEN_PREFIX, Outside};
pub use variables::{Given, Source};

/// What the command line adds to the documents.
#[derive(Debug, Default)]
pub struct Options {
    /// `--var`, `--var-string` and `--var-file`, in the order in which later ones win.
    pub variables: Vec<Given>,
    /// Whether a secret that is not set is only a warning: what is checked offline needs no secrets.
    pub lenient_secrets: bool,
}

/// Reads what the documents ask for, and lets go of each that is read. Where the report holds errors the result is incomplete and must not be used.
pub fn resolve(
    documents: Vec<Document>,
    files: &mut Files,
    options: &Options,
    outside: &dyn Outside,
) -> (Desired, Report) {
    let mut report = Report::default();
    let ledger = ledger::Ledger::default();
    let given = variables::gather(&documents, &options.variables, &mut report);
    let variables = variables::resolve(&given, &ledger, outside, options.lenient_secrets, &mut report);
    let schema = strict_schema();
    let context = entry::Context {
        schema: &shape::Rules::of(&schema),
        variables: &variables,
        ledger: &ledger,
        outside,
        lenient_secrets: options.lenient_secrets,
    };
    let mut desired =
        Desired { settings: settings::read(&documents, &context, &mut report), ..Desired::default() };
    for document in documents {
        section::read_all(&document, &context, files, &mut desired, &mut report);
        desired.tests.extend(trials::read(&document, &context, &mut report));
    }
    // A map that is made at once is half as large as one that grew.
    desired.objects = std::mem::take(&mut desired.objects).into_iter().collect();
    references::check(&desired, files, &mut report);
    dead::check(&desired, files, &mut report);
    variables::report_unused(&options.variables, &ledger.used.borrow(), &given, &mut report);
    // What is wrong may be what would use them.
    if !report.has_errors() {
        variables::report_idle(&options.variables, &ledger.used.borrow(), &given, &mut report);
    }
    secret_texts(&desired).iter().for_each(|text| files.add_secret(text));
    provenance::add(&mut report, &given, files);
    report.fold();
    report.sort(files);
    (desired, report)
}

/// Reads a text again whose only references are secrets, as a saved plan keeps it.
///
/// # Errors
/// Where a secret is not set.
pub fn resolve_secrets(text: &str, outside: &dyn Outside) -> Result<String, String> {
    let parts = template::parts(text).ok_or_else(|| "a reference is not closed".to_owned())?;
    let piece = |part| match part {
        template::Part::Literal(literal) => Ok(literal),
        template::Part::Reference(reference) => {
            let name =
                reference.strip_prefix("secret.").ok_or_else(|| format!("`{reference}` is no secret"))?;
            interpolate::secret(outside, name).ok_or_else(|| format!("the secret `{name}` is not set"))
        }
    };
    parts.into_iter().map(piece).collect()
}

/// Texts that must never be shown, wherever they came from: secrets, and all but the harmless settings of services.
pub fn secret_texts(desired: &Desired) -> Vec<String> {
    desired.objects.values().flat_map(secret_texts_of).collect()
}

fn secret_texts_of(declared: &Declared) -> Vec<String> {
    // Only services have settings.
    if declared.kind != Kind::Service && declared.secrets.is_empty() {
        return Vec::new();
    }
    let fields = Value::Object(declared.resource.fields());
    let spec = declared.resource.spec();
    let settings = fields["settings"].as_object().into_iter().flatten();
    let settings =
        settings.filter(|(name, _)| spec.is_sensitive(&format!("settings.{name}"))).map(|(_, value)| value);
    let marked = declared.secrets.keys().filter_map(|route| at_route(&fields, route));
    settings.chain(marked).filter_map(Value::as_str).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests;
