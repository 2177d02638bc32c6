//! Completion: at every Tab the shell asks the program itself, which knows its flags and, through `names`, what the service
//! and the files hold. What goes wrong is never said: an error amid a line that someone types helps no one.

mod bash;
mod line;
pub mod names;
pub mod places;

use std::process::ExitCode;

use clap_complete::CompleteEnv;
use clap_complete::env::{Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};

use super::args::shape;

#[cfg(test)]
pub use line::words;

/// Set by the scripts: which shell asks.
const VARIABLE: &str = "LIBRATO_APPLY_COMPLETE";

const SHELLS: Shells<'static> = Shells(&[&bash::Bash, &Elvish, &Fish, &Powershell, &Zsh]);

/// Answers a shell, where one asks.
pub fn requested() -> Option<ExitCode> {
    names::of(shape::command);
    let asked = CompleteEnv::with_factory(shape::command).var(VARIABLE).shells(SHELLS);
    let here = std::env::current_dir().ok();
    match asked.try_complete(std::env::args_os(), here.as_deref()) {
        Ok(false) => None,
        Ok(true) => Some(ExitCode::SUCCESS),
        Err(_) => Some(ExitCode::FAILURE),
    }
}

/// The script with which a shell comes to ask.
///
/// # Errors
/// For a shell that is not known.
pub fn script(shell: clap_complete::Shell) -> anyhow::Result<String> {
    let name = "librato-apply";
    let shell: &dyn EnvCompleter = SHELLS
        .completer(&shell.to_string())
        .ok_or_else(|| anyhow::anyhow!("there is no script for {shell}"))?;
    let mut script = Vec::new();
    shell.write_registration(VARIABLE, name, name, &program(), &mut script)?;
    Ok(String::from_utf8(script)?)
}

/// How this program was called, so that the script calls the same one.
fn program() -> String {
    let called = std::env::args_os().next().map(std::path::PathBuf::from).unwrap_or_default();
    let called =
        if called.components().count() > 1 { std::path::absolute(&called).unwrap_or(called) } else { called };
    called.to_string_lossy().into_owned()
}
