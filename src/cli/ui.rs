//! The streams: results on stdout, talk on stderr, colour where it is wanted, secrets nowhere.
//! The only place that prints.

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::Arc;

use indicatif::ProgressBar;
use parking_lot::Mutex;

use super::args::{Color, Global};
use super::exit::Exit;
use super::secrets::Secrets;
use super::stage::Stage;

/// What the program says, and how. Clones say it together.
#[derive(Clone)]
pub struct Ui {
    styled_out: bool,
    styled_err: bool,
    quiet: bool,
    /// Whether people are shown nothing but ASCII.
    ascii: bool,
    /// Whether a progress line can be drawn.
    pub progress: bool,
    /// Why a result could not be printed, the first time.
    lost: Arc<Mutex<Option<io::Error>>>,
    /// The progress that is drawn just now.
    bar: Arc<Mutex<Option<ProgressBar>>>,
    /// What must not be printed.
    pub secrets: Secrets,
    /// What a Ctrl-C would mean.
    pub stage: Stage,
}

impl Ui {
    /// Decides by the flags, the environment and what the streams are.
    pub fn new(global: &Global) -> Self {
        let dumb = std::env::var("TERM").is_ok_and(|term| term == "dumb");
        let styled = |terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal && !dumb && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let terminal = io::stderr().is_terminal();
        Self {
            styled_out: styled(io::stdout().is_terminal()),
            styled_err: styled(terminal),
            quiet: global.quiet,
            ascii: dumb || speaks_ascii(),
            progress: terminal && !global.quiet && !global.no_progress,
            lost: Arc::default(),
            bar: Arc::default(),
            secrets: Secrets::default(),
            stage: Stage::default(),
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
        let out = io::stdout();
        out.is_terminal()
            .then(|| terminal_size::terminal_size_of(out))
            .flatten()
            .map(|(width, _)| width.0.into())
    }

    /// The same for talk.
    pub fn width_err(&self) -> Option<usize> {
        let err = io::stderr();
        err.is_terminal()
            .then(|| terminal_size::terminal_size_of(err))
            .flatten()
            .map(|(width, _)| width.0.into())
    }

    /// A value that must never be printed, wherever it turns up.
    pub fn hide(&self, secret: &str) {
        self.secrets.hide(secret);
    }

    /// Prints a result for people.
    pub fn out(&self, text: &str) {
        self.document(&self.shown(text));
    }

    /// Whether people are shown nothing but ASCII.
    pub fn ascii(&self) -> bool {
        self.ascii
    }

    /// A text as the terminal can show it: our own signs by others; names and values stay what they are.
    fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.ascii || text.is_ascii() {
            return text.into();
        }
        let sign = |c: char| -> Cow<'static, str> {
            match c {
                '→' => "->".into(),
                '…' => "...".into(),
                '±' => "+-".into(),
                '█' => "#".into(),
                '░' => ".".into(),
                '─' | '–' => "-".into(),
                '│' | '┤' => "|".into(),
                // Pictures of control characters.
                '\u{2400}'..='\u{243f}' => "?".into(),
                other => other.to_string().into(),
            }
        };
        text.chars().map(sign).collect::<String>().into()
    }

    /// Prints a result that programs read. What is lost on the way is said by [`Ui::end`].
    pub fn document(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        let written = stdout.write_all(self.redact(text).as_bytes()).and_then(|()| stdout.flush());
        if let Err(error) = written {
            self.lost.lock().get_or_insert(error);
        }
    }

    /// Prints a result that is no text, or was cleared of secrets before it was made.
    pub fn bytes(&self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            self.lost.lock().get_or_insert(error);
        }
    }

    /// Whether results reach no one any more.
    pub fn reader_left(&self) -> bool {
        self.lost.lock().is_some()
    }

    /// The exit code of a run that came to `exit`: a result that could not be printed is no success, unless its reader had
    /// seen enough and went away.
    pub fn end(&self, exit: Exit) -> Exit {
        let lost = self.lost.lock().take();
        let Some(lost) = lost.as_ref().and_then(unwritten) else { return exit };
        self.error(&lost, &[]);
        if matches!(exit, Exit::Done | Exit::Pending) { Exit::Error } else { exit }
    }

    /// Prints that something was done, unless quiet: a script that succeeds has nothing to say.
    pub fn done(&self, text: &str) {
        if !self.quiet {
            self.out(text);
        }
    }

    /// Prints talk, unless quiet.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.complain(text);
        }
    }

    /// From now on this progress is drawn, and what is said stands above it.
    pub fn draw(&self, bar: &ProgressBar) {
        *self.bar() = Some(bar.clone());
    }

    /// Takes the progress away.
    pub fn clear(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> parking_lot::MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock()
    }

    /// Prints what must be said even when quiet.
    pub fn complain(&self, text: &str) {
        let write = || {
            let mut stderr = io::stderr().lock();
            let _ = stderr.write_all(self.redact(&self.shown(text)).as_bytes());
            let _ = stderr.write_all(if text.ends_with('\n') { b"" } else { b"\n" });
        };
        match &*self.bar() {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
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

/// Whether the locale is one that has nothing but ASCII. Where nothing is said most terminals know more.
fn speaks_ascii() -> bool {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find(|name| set(name));
    locale.and_then(|name| std::env::var(name).ok()).is_some_and(|value| value == "C" || value == "POSIX")
}

/// What to say of a result that could not be written; nothing where only its reader went away.
pub fn unwritten(error: &io::Error) -> Option<String> {
    // The system's words end with its number for them.
    let text = error.to_string();
    let why = text.split(" (os error").next().unwrap_or_default();
    (error.kind() != ErrorKind::BrokenPipe).then(|| format!("cannot write to standard output: {why}"))
}

/// A document as people can read it too: what would steer a terminal or reorder a line is escaped, which to a reader of
/// JSON is the same text.
pub fn pretty(document: &impl serde::Serialize) -> anyhow::Result<String> {
    let text = serde_json::to_string_pretty(document)? + "\n";
    if text.is_ascii() {
        return Ok(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() || librato_apply::diag::is_harmless(c) {
            out.push(c);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        }
    }
    Ok(out)
}
