//! The streams: results on stdout, talk on stderr, colour where it is wanted, secrets nowhere.
//! The only place that prints.

use std::io::{IsTerminal, Write};
use std::sync::Mutex;

use super::args::{Color, Global};

/// Values shorter than this would blot out half of every text.
const SHORTEST_SECRET: usize = 4;

/// What the program says, and how.
pub struct Ui {
    styled_out: bool,
    styled_err: bool,
    quiet: bool,
    /// Whether a progress line can be drawn.
    pub progress: bool,
    secrets: Mutex<Vec<String>>,
}

impl Ui {
    /// Decides by the flags, the environment and what the streams are.
    pub fn new(global: &Global) -> Self {
        let styled = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        };
        let terminal = std::io::stderr().is_terminal();
        Self {
            styled_out: styled(std::io::stdout().is_terminal()),
            styled_err: styled(terminal),
            quiet: global.quiet,
            progress: terminal && !global.quiet && !global.no_progress,
            secrets: Mutex::new(Vec::new()),
        }
    }

    /// Whether results are coloured.
    pub fn styled_out(&self) -> bool {
        self.styled_out
    }

    /// Whether talk is coloured.
    pub fn styled_err(&self) -> bool {
        self.styled_err
    }

    /// Whether only errors and results are wanted.
    pub fn quiet(&self) -> bool {
        self.quiet
    }

    /// A value that must never be printed, wherever it turns up.
    pub fn hide(&self, secret: &str) {
        if secret.len() >= SHORTEST_SECRET {
            let mut secrets = self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            if !secrets.iter().any(|known| known == secret) {
                secrets.push(secret.to_owned());
                // A secret may contain another one; the longer one goes first.
                secrets.sort_by_key(|known| std::cmp::Reverse(known.len()));
            }
        }
    }

    /// Prints a result. A reader that went away is no error.
    pub fn out(&self, text: &str) {
        let _ = std::io::stdout().write_all(self.redact(text).as_bytes());
        let _ = std::io::stdout().flush();
    }

    /// Prints talk, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// Prints what must be said even when quiet.
    pub fn complain(&self, text: &str) {
        let mut stderr = std::io::stderr().lock();
        let _ = stderr.write_all(self.redact(text).as_bytes());
        let _ = stderr.write_all(if text.ends_with('\n') { b"" } else { b"\n" });
    }

    /// An error with its hints, in the form of diagnostics.
    pub fn error(&self, message: &str, help: &[String]) {
        let (bold, reset) = if self.styled_err { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
        self.complain(&format!("{bold}error{reset}: {message}"));
        help.iter().for_each(|hint| self.complain(&format!("  = help: {hint}")));
    }

    /// A text without any of the secrets, also in the forms in which JSON and URLs write them.
    pub fn redact(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        secrets.iter().fold(text.to_owned(), |text, secret| {
            let quoted = serde_json::Value::String(secret.clone()).to_string();
            let quoted = quoted.trim_matches('"');
            let text = text.replace(secret.as_str(), "(sensitive)");
            if quoted == secret { text } else { text.replace(quoted, "(sensitive)") }
        })
    }
}
