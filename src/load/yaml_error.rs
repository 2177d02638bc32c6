//! The YAML crate's errors in our own words. Its texts are never passed on, since they may repeat a part of the file.

use std::ops::Range;

use serde_yaml::granit_parser::{ErrorKind, Parser};
use serde_yaml::{Error, Location};

use super::indentation;
use super::positions;
use crate::diag::{Code, Diagnostic, FileId, Place, Repeated};

/// The code of the diagnostic for a key that is written twice.
pub(super) const REPEATED_KEY: &str = Code::RepeatedKey.name();

/// What went wrong while reading `text`, and where.
pub(super) fn diagnose(error: &Error, text: &str, file: FileId) -> Diagnostic {
    let error = cause(error);
    if let Some(broken) = syntax(text, file) {
        return broken;
    }
    let repeated = matches!(error, Error::DuplicateMappingKey { .. }) || is(error, REPEATED);
    if repeated && let Some(first) = positions::index(text).repeated().first() {
        return repeated_key(first, file);
    }
    let span = error.location().and_then(|at| bytes(&at)).unwrap_or(0..0);
    let (code, message, label, help) = words(error);
    let diagnostic = Diagnostic::error(code, message).at(Place::Bytes { file, span }, label);
    if help.is_empty() { diagnostic } else { diagnostic.help(help) }
}

/// A key that is there twice: both places.
pub(super) fn repeated_key(repeated: &Repeated, file: FileId) -> Diagnostic {
    Diagnostic::error(Code::RepeatedKey, "a key is written twice in the same mapping")
        .at(Place::Bytes { file, span: repeated.again.clone() }, "written again here")
        .also(Place::Bytes { file, span: repeated.first.clone() }, "first written here")
}

/// An integer that 64 bits cannot hold.
pub(super) fn bad_number(file: FileId, span: Range<usize>) -> Diagnostic {
    Diagnostic::error(Code::YamlNumber, "a number is too large to be kept exactly")
        .at(Place::Bytes { file, span }, "beyond 64 bits")
        .help("write it between quotes if it is text")
}

/// A file that its aliases make too large.
pub(super) fn too_large(file: FileId, span: Range<usize>) -> Diagnostic {
    let (code, message, label) = TOO_LARGE;
    Diagnostic::error(code, message).at(Place::Bytes { file, span }, label)
}

const TOO_LARGE: (Code, &str, &str) = (
    Code::YamlBomb,
    "the file is too large, too deeply nested, or grows too much by its aliases",
    "gave up here",
);

fn cause(error: &Error) -> &Error {
    match error.without_snippet() {
        Error::AliasError { error, .. } => cause(error),
        other => other,
    }
}

fn is(error: &Error, message: &str) -> bool {
    matches!(error, Error::Message { msg, .. } if msg.contains(message))
}

/// The first place where the text is not YAML at all.
fn syntax(text: &str, file: FileId) -> Option<Diagnostic> {
    let error = Parser::new_from_str(text).find_map(Result::err)?;
    let at = error.marker().byte_offset().unwrap_or(0).min(text.len());
    if let Some(span) = indentation::conflict(text) {
        let place = Place::Bytes { file, span };
        let message = "a merge conflict is not resolved here";
        let help = "keep one side, and take out the lines with <<<<<<<, ======= and >>>>>>>";
        return Some(Diagnostic::error(Code::MergeConflict, message).at(place, "").help(help));
    }
    if is_layout(error.kind())
        && let Some(found) = indentation::astray(text, at)
    {
        let place = Place::Bytes { file, span: found.key };
        return Some(
            Diagnostic::error(Code::YamlSyntax, found.message)
                .at(place, "")
                .help("lines that belong together start in the same column"),
        );
    }
    if let Some(span) = star(text, at) {
        let message = "a value that begins with `*` is an alias in YAML";
        let diagnostic = Diagnostic::error(Code::UnknownAnchor, message).at(Place::Bytes { file, span }, "");
        return Some(diagnostic.help("put it in quotes: \"*\", or \"web*\" for all that begin so"));
    }
    if let Some(span) = compared(text, at) {
        let message = "a sign of comparison begins a block of text in YAML";
        let diagnostic = Diagnostic::error(Code::YamlSyntax, message).at(Place::Bytes { file, span }, "");
        return Some(
            diagnostic.help("write the number alone; `type: above` or `type: below` says how it is compared"),
        );
    }
    let (message, help) = syntax_words(error.kind());
    let code = match error.kind() {
        ErrorKind::UnknownAnchor => Code::UnknownAnchor,
        ErrorKind::RecursionLimitExceeded => Code::YamlBomb,
        ErrorKind::UndeclaredTagHandle => Code::YamlTag,
        _ => Code::YamlSyntax,
    };
    let diagnostic = Diagnostic::error(code, message).at(Place::Bytes { file, span: at..at }, "noticed here");
    Some(if help.is_empty() { diagnostic } else { diagnostic.help(help) })
}

/// The `*` at or just before this place, where a value begins.
fn star(text: &str, at: usize) -> Option<Range<usize>> {
    let before = text.get(..at)?.trim_end_matches(' ').len();
    let star = [Some(at), before.checked_sub(1)]
        .into_iter()
        .flatten()
        .find(|i| text.as_bytes().get(*i) == Some(&b'*'))?;
    let value = text[..star].trim_end_matches(' ').ends_with([':', '-', '[', ',']);
    value.then_some(star..star + 1)
}

/// The `>` before a number, at or just before this place.
fn compared(text: &str, at: usize) -> Option<Range<usize>> {
    let line = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let begins = text[line..].find(": >").map(|i| line + i + 2).filter(|sign| *sign <= at)?;
    let rest = text[begins + 1..].lines().next()?.trim_start_matches(['=', ' ']);
    rest.starts_with(|c: char| c.is_ascii_digit()).then_some(begins..begins + 1)
}

/// Whether lines in wrong columns make such an error.
fn is_layout(kind: &ErrorKind) -> bool {
    use ErrorKind as K;
    matches!(
        kind,
        K::InvalidIndentation
            | K::ExpectedBlockMappingKey
            | K::SimpleKeyExpected
            | K::MappingKeyNotAllowed
            | K::MappingValueNotAllowed
            | K::ExpectedBlockSequenceEntry
            | K::BlockSequenceEntryNotAllowed
    )
}

fn syntax_words(kind: &ErrorKind) -> (&'static str, &'static str) {
    use ErrorKind as K;
    match kind {
        K::TabNotAllowed
        | K::TabInBlockIndentation
        | K::TabInIndentation
        | K::TabAtBlockScalarStart
        | K::TabInPlainScalar => ("a tab stands where YAML wants spaces", "indent with spaces"),
        K::UnclosedQuotedScalar => {
            ("a quoted string is not closed", "look for a missing quote at or above this place")
        }
        K::InvalidTrailingSingleQuotedScalar | K::InvalidTrailingDoubleQuotedScalar => (
            "text follows a quoted string",
            "quote the whole value, and double or escape the quotes inside it",
        ),
        K::DocumentIndicatorInQuotedScalar => {
            ("a quoted string runs into the start of a document", "look for a missing quote above")
        }
        K::UnknownQuotedScalarEscape | K::InvalidQuotedScalarHexEscape | K::InvalidUnicodeEscape => (
            "an escape in a double-quoted string is not known",
            "write `\\\\` for a backslash, or use single quotes",
        ),
        K::InvalidQuotedScalarIndent
        | K::InvalidFlowScalarIndent
        | K::InvalidIndentation
        | K::InvalidBlockScalarIndent => {
            ("the indentation does not fit", "lines that belong together start in the same column")
        }
        K::UnclosedFlowCollection { .. }
        | K::UnexpectedEofFlowSequence
        | K::UnexpectedEofFlowMapping
        | K::UnexpectedEofImplicitFlowMapping => ("a bracket or brace is not closed", ""),
        K::ExpectedFlowMappingSeparator | K::ExpectedFlowSequenceSeparator => (
            "a comma or a closing bracket is missing",
            "inside brackets and braces, quote a value that holds one of them: \"${var.region}\"",
        ),
        K::MisplacedFlowCollectionEnd | K::MismatchedFlowCollectionEnd { .. } => {
            ("a closing bracket does not match", "")
        }
        K::MappingValueNotAllowed | K::InvalidColonPlacement | K::InvalidMappingValueWhitespace => (
            "a `:` is not allowed here",
            "check the indentation, look for a bracket left open above, and quote a value that contains `: `",
        ),
        K::ExpectedBlockMappingKey | K::SimpleKeyExpected | K::InvalidSimpleKey | K::MappingKeyNotAllowed => {
            ("a `key:` is expected here", "check the indentation of this line and the one above")
        }
        K::ExpectedBlockSequenceEntry
        | K::BlockSequenceEntryNotAllowed
        | K::BlockEntryInFlowCollection
        | K::InvalidBlockEntryWhitespace => {
            ("a list item does not belong here", "check the indentation of the `-`")
        }
        K::UnexpectedCharacter { .. } => {
            ("a character cannot start a value", "put the value in quotes: \"%\"")
        }
        K::UnknownAnchor => (
            "an alias has no anchor",
            "quote a value that begins with `*`; an anchor stands before its aliases, in the same file",
        ),
        K::RecursionLimitExceeded => ("the nesting is too deep", ""),
        K::UndeclaredTagHandle => ("a tag is not known", "tags are not used in these files; remove it"),
        _ => ("this is not valid YAML", "check quotes, brackets and indentation"),
    }
}

/// Code, message, label and hint for an error in a text whose syntax is fine.
fn words(error: &Error) -> (Code, &'static str, &'static str, &'static str) {
    match error {
        Error::MultipleDocuments { .. } => (
            Code::SeveralDocuments,
            "the file holds more than one document",
            "",
            "put each document into its own file",
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. }
        | Error::AliasReplayCounterOverflow { .. } => (TOO_LARGE.0, TOO_LARGE.1, TOO_LARGE.2, ""),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            (Code::YamlBomb, "an anchor contains an alias of itself", "would never end", "")
        }
        Error::UnsupportedTag { .. }
        | Error::TaggedStructFieldName { .. }
        | Error::InvalidScalar { .. }
        | Error::TaggedScalarCannotDeserializeIntoString { .. }
        | Error::InvalidBinaryBase64 { .. }
        | Error::BinaryNotUtf8 { .. } => (
            Code::YamlTag,
            "a tag is not known or does not fit its value",
            "",
            "tags are not needed in these files; remove it",
        ),
        Error::NonFiniteFloat { .. } => (
            Code::YamlNumber,
            "a number is infinite, not a number, or too large",
            "",
            "write it between quotes if it is text",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } | Error::MergeKeyNotAllowed { .. } => {
            (Code::YamlMerge, "`<<` takes a mapping or a list of mappings", "", "")
        }
        Error::UnknownAnchor { .. } => (Code::UnknownAnchor, "an alias has no anchor", "", ""),
        Error::Unexpected { .. } => (
            Code::YamlKey,
            "a key must be plain text, not a list or a mapping",
            "",
            "a value that begins with `{` needs quotes; templates of other tools are listed in `settings.exclude`",
        ),
        _ if is(error, BAD_NUMBER) => {
            (Code::YamlNumber, "a number is infinite, not a number, or too large", "", "")
        }
        Error::DuplicateMappingKey { .. } => {
            (Code::RepeatedKey, "a key is written twice in the same mapping", "", "")
        }
        _ if is(error, REPEATED) => (Code::RepeatedKey, "a key is written twice in the same mapping", "", ""),
        _ => (
            Code::YamlSyntax,
            "this is not valid YAML",
            "noticed here",
            "check quotes, brackets and indentation",
        ),
    }
}

fn bytes(at: &Location) -> Option<Range<usize>> {
    let start = usize::try_from(at.span().byte_offset()?).ok()?;
    let len = usize::try_from(at.span().byte_len()?).ok()?;
    Some(start..start + len)
}

/// Messages by which our visitors tell `yaml_error` what they met; they carry no text of the file.
pub(super) const REPEATED: &str = "librato-apply: repeated key";

pub(super) const BAD_NUMBER: &str = "librato-apply: number";
