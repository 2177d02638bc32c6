//! The streams: results on stdout, talk on stderr, colour where it is wanted, secrets nowhere.
//! The only place that prints.

use std::io::{IsTerminal, Write};

use super::args::{Color, Global};
use super::secrets::Secrets;

/// What the program says, and how.
pub struct Ui {
    styled_out: bool,
    styled_err: bool,
    quiet: bool,
    /// Whether a progress line can be drawn.
    pub progress: bool,
    /// What must not be printed.
    pub secrets: Secrets,
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
            secrets: Secrets::default(),
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

    /// How many columns a line of results may have, where a terminal shows them.
    pub fn width(&self) -> Option<usize> {
        let out = std::io::stdout();
        out.is_terminal()
            .then(|| terminal_size::terminal_size_of(out))
            .flatten()
            .map(|(width, _)| width.0.into())
    }

    /// A value that must never be printed, wherever it turns up.
    pub fn hide(&self, secret: &str) {
        self.secrets.hide(secret);
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
        self.secrets.redact(text)
    }
}
