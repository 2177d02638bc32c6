//! bash: it cuts words at `:` and `=`, so that an endpoint comes in pieces, and it inserts what it is given as it is. So the
//! script hands over the whole line, and the answers are quoted here.

use std::ffi::OsString;
use std::io::{Error, Write};
use std::path::Path;

use clap::Command;
use clap_complete::engine::complete;
use clap_complete::env::EnvCompleter;

use super::line::{Quote, quoted, split};

const SCRIPT: &str = r#"_librato_apply() {
    COMPREPLY=()
    local answer
    while IFS= read -r answer; do
        COMPREPLY+=("$answer")
    done < <(VARIABLE=bash PROGRAM -- "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null)
    case "${COMPREPLY[0]-}" in
        *[=/:]) compopt -o nospace 2> /dev/null ;;
    esac
}
complete -o bashdefault -F _librato_apply librato-apply
"#;

/// The adapter for bash.
pub struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        variable: &str,
        _: &str,
        _: &str,
        program: &str,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let program =
            quoted(program, Quote::None).ok_or_else(|| Error::other("the program has an odd name"))?;
        out.write_all(SCRIPT.replace("VARIABLE", variable).replace("PROGRAM", &program).as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut Command,
        args: Vec<OsString>,
        here: Option<&Path>,
        out: &mut dyn Write,
    ) -> Result<(), Error> {
        let text = |i: usize| args.get(i).map(|arg| arg.to_string_lossy()).unwrap_or_default();
        let (line, piece) = (text(0), text(1));
        let (words, quote) = split(&line);
        let words: Vec<String> = words.into_iter().skip_while(|word| is_assignment(word)).collect();
        let current = words.last().cloned().unwrap_or_default();
        // What bash takes for the word it replaces; it is all that it may be given.
        let piece = split(&piece).0.pop().unwrap_or_default();
        let cut = current.strip_suffix(&piece).map_or(0, str::len);
        super::names::begin(&words[..words.len().saturating_sub(1)]);
        let last = words.len().saturating_sub(1);
        for found in complete(command, words.into_iter().map(Into::into).collect(), last, here)? {
            let value = found.get_value().to_string_lossy();
            // All flags are a flood where no dash asks for them.
            if current.is_empty() && value.starts_with('-') {
                continue;
            }
            let rest = value.strip_prefix(&current[..cut]).and_then(|rest| quoted(rest, quote));
            if let Some(rest) = rest {
                writeln!(out, "{rest}")?;
            }
        }
        Ok(())
    }
}

/// `NAME=value`, before the command.
fn is_assignment(word: &str) -> bool {
    word.split_once('=')
        .is_some_and(|(name, _)| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_'))
}
