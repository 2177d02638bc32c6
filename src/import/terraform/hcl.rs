//! Configuration files as syntax trees, grouped by directory, and what of their texts may be shown: our resources, but of settings
//! only those that are known to be harmless.
//! Knows nothing of what an expression is worth.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::Expression;
use hcl_edit::structure::{Block as Syntax, Body, Structure};

use super::super::{Source, too_large};
use super::block::type_of;
use super::legacy;
use crate::diag::{Code, Diagnostic, FileId, Files, Place, Report};

/// The files of one directory.
pub(super) type Parsed = BTreeMap<String, Vec<(FileId, Body)>>;

/// Parses; what cannot be parsed is reported, and none of it is shown.
pub(super) fn parse(sources: &[&Source], files: &mut Files, report: &mut Report) -> Parsed {
    let mut parsed = Parsed::new();
    for source in sources {
        if let Some(problem) = too_large(source, files) {
            report.push(problem);
            continue;
        }
        let text = files.text(source.file);
        match parse_body(text) {
            Ok(body) => {
                let (shown, hidden) = visible(&body, text);
                files.reveal(source.file, shown, hidden);
                parsed.entry(normal(&source.dir)).or_default().push((source.file, body));
            }
            // Most files of a configuration are about other providers, and none of our business.
            Err(_) if !["librato_", "appoptics_"].iter().any(|ours| text.contains(ours)) => {}
            Err(error) => {
                let at = error.location().offset();
                // The message names what was expected, never what stands there.
                let found =
                    Diagnostic::error(Code::InvalidHcl, format!("this is not HCL: {}", error.message()));
                report.push(
                    found
                        .at(Place::Bytes { file: source.file, span: at..at }, "")
                        .help("nothing of this file was read; `terraform validate` tells more"),
                );
            }
        }
    }
    parsed
}

/// Parses a body, also one that is written for Terraform 0.11.
pub(super) fn parse_body(text: &str) -> Result<Body, hcl_edit::parser::Error> {
    let parse = hcl_edit::parser::parse_body;
    parse(text).or_else(|error| legacy::without_commas(text).and_then(|text| parse(&text).ok()).ok_or(error))
}

/// What may be shown of a file, and what of that may not.
fn visible(body: &Body, text: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (mut shown, mut hidden) = (Vec::new(), Vec::new());
    for block in body.blocks() {
        let ours = block.ident.as_str() == "resource"
            && block.labels.first().is_some_and(|label| !matches!(type_of(label.as_str()), Ok(None)));
        if ours {
            shown.extend(block.span());
            hidden.extend(block.body.get_attribute("settings").and_then(|settings| settings.value.span()));
        } else if matches!(block.ident.as_str(), "module" | "variable") {
            shown.push(first_line(block, text));
        }
    }
    (shown, hidden)
}

/// The bytes of a block before its body, and the brace that opens it.
fn first_line(block: &Syntax, text: &str) -> Range<usize> {
    let header = header(block);
    let rest = text.get(header.end..).unwrap_or_default();
    let blanks = rest.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let brace = match rest.strip_prefix('{').map(|rest| rest.trim_start_matches([' ', '\t'])) {
        Some(behind) if behind.starts_with('}') => rest.len() - behind.len() + 1,
        Some(_) => 1,
        None => return header,
    };
    header.start..header.end + blanks + brace
}

/// The bytes of a block before its body.
pub(super) fn header(block: &Syntax) -> Range<usize> {
    let start = block.ident.span().map_or(0, |span| span.start);
    let labels = block.labels.last().and_then(Span::span);
    let end = labels.or_else(|| block.ident.span()).map_or(start, |span| span.end);
    start..end
}

/// The declaration of a variable.
#[derive(Clone, Copy)]
pub(super) struct Variable<'a> {
    pub file: FileId,
    pub block: &'a Syntax,
}

/// What stands in the files of one directory, by name.
#[derive(Default)]
pub(super) struct Index<'a> {
    /// All resources by type and name, of any provider.
    pub resources: HashMap<(&'a str, &'a str), (FileId, &'a Syntax)>,
    /// Those that are ours, in the order of the files.
    pub ours: Vec<(FileId, &'a Syntax)>,
    pub locals: HashMap<&'a str, (FileId, &'a Expression)>,
    pub variables: HashMap<&'a str, Variable<'a>>,
    pub outputs: HashMap<&'a str, (FileId, &'a Expression)>,
    pub modules: BTreeMap<&'a str, (FileId, &'a Syntax)>,
}

impl<'a> Index<'a> {
    pub fn of(files: &'a [(FileId, Body)]) -> Self {
        let mut index = Self::default();
        for (file, body) in files {
            for block in body.iter().filter_map(Structure::as_block) {
                index.add(*file, block);
            }
        }
        index
    }

    fn add(&mut self, file: FileId, block: &'a Syntax) {
        let labels: Vec<&str> = block.labels.iter().map(hcl_edit::structure::BlockLabel::as_str).collect();
        let attribute = |name: &str| block.body.get_attribute(name).map(|found| (file, &found.value));
        match (block.ident.as_str(), labels.as_slice()) {
            ("resource", [of, name]) => {
                self.resources.insert((of, name), (file, block));
                if !matches!(type_of(of), Ok(None)) {
                    self.ours.push((file, block));
                }
            }
            ("locals", []) => {
                let all = block.body.attributes().map(|one| (one.key.as_str(), (file, &one.value)));
                self.locals.extend(all);
            }
            ("variable", [name]) => _ = self.variables.insert(name, Variable { file, block }),
            ("output", [name]) => self.outputs.extend(attribute("value").map(|found| (*name, found))),
            ("module", [name]) => _ = self.modules.insert(name, (file, block)),
            _ => {}
        }
    }
}

/// A directory without detours: `a/./b/../c` is `a/c`.
pub(super) fn normal(dir: &str) -> String {
    let mut steps: Vec<&str> = Vec::new();
    for step in dir.split('/') {
        match step {
            "" | "." if !(step.is_empty() && steps.is_empty() && dir.starts_with('/')) => {}
            ".." if steps.last().is_some_and(|last| !matches!(*last, ".." | "")) => _ = steps.pop(),
            step => steps.push(step),
        }
    }
    steps.join("/")
}

#[cfg(test)]
mod tests {
    use super::normal;

    #[test]
    fn directories_lose_their_detours() {
        for (given, plain) in
            [(".", ""), ("a/./b/../c", "a/c"), ("./../m", "../m"), ("/x/../y/", "/y"), ("../../a", "../../a")]
        {
            assert_eq!(normal(given), plain, "{given}");
        }
    }
}
