//! Counts what became of every line, tells the first refusals as they come, and reports at the end.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use librato_apply::diag::{counted, printable};
use librato_apply::measure::{Measurement, to_line};
use librato_apply::remote::ApiError;

use crate::cli::exit::{Exit, Stop};
use crate::cli::ui::Ui;

/// How many refusals are told one by one, unless `-v` asks for all.
const TOLD: u64 = 20;

/// What became of the input so far.
pub struct Tally<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    begun: Instant,
    most_told: u64,
    keep: Option<Keep>,
    /// Lines that held a measurement, or should have.
    pub rows: u64,
    /// The number of the last line that was taken in.
    pub last_line: u64,
    pub accepted: u64,
    pub twice: u64,
    unreadable: u64,
    refused: u64,
    doubtful: u64,
    unsent: u64,
    unclear: u64,
    /// The first and the last line of those that were not sent.
    unsent_lines: Option<(u64, u64)>,
    /// What would have helped with a refusal.
    help: Option<&'static str>,
    /// Why sending ended early.
    pub error: Option<ApiError>,
}

/// The file of what was not taken.
struct Keep {
    path: PathBuf,
    file: BufWriter<File>,
    kept: u64,
    problem: Option<std::io::Error>,
}

impl<'a> Tally<'a> {
    /// Begins to count.
    ///
    /// # Errors
    /// Where the file to keep things in exists already, or cannot be made.
    pub fn new(ui: &'a Ui, keep: Option<&Path>, verbose: bool) -> Result<Self, Stop> {
        let keep = keep.map(Keep::create).transpose()?;
        let bar = ui.progress.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{spinner} {msg}");
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        bar.iter().for_each(|bar| ui.draw(bar));
        Ok(Self {
            ui,
            bar,
            begun: Instant::now(),
            most_told: if verbose { u64::MAX } else { TOLD },
            keep,
            rows: 0,
            last_line: 0,
            accepted: 0,
            twice: 0,
            unreadable: 0,
            refused: 0,
            doubtful: 0,
            unsent: 0,
            unclear: 0,
            unsent_lines: None,
            help: None,
            error: None,
        })
    }

    /// A line that is no measurement.
    pub fn unreadable(&mut self, line: u64, reason: &str) {
        self.unreadable += 1;
        self.tell(&format!("line {line}: not sent: {reason}"));
    }

    /// A measurement that the service refused; an aggregated one has no line.
    pub fn refused(&mut self, line: Option<u64>, measurement: &Measurement, reason: &str) {
        self.refused += 1;
        self.help = self.help.or_else(|| other_type(reason));
        self.keep(measurement);
        let place = line.map_or_else(String::new, |line| format!("line {line}: "));
        self.tell(&format!("{place}refused: {}: {reason}", printable(&measurement.name)));
    }

    /// A measurement in a request of which the service took some and not others, without saying which.
    pub fn doubtful(&mut self, measurement: &Measurement, reason: &str) {
        if self.doubtful == 0 {
            self.ui.complain(&format!(
                "the service reports success, but tells of failures: {}",
                printable(reason)
            ));
        }
        self.doubtful += 1;
        self.keep(measurement);
    }

    /// A measurement that could not be sent.
    pub fn unsent(&mut self, line: Option<u64>, measurement: &Measurement) {
        self.unsent += 1;
        self.keep(measurement);
        if let Some(line) = line {
            let (first, last) = self.unsent_lines.unwrap_or((line, line));
            self.unsent_lines = Some((first.min(line), last.max(line)));
        }
    }

    /// So many of the unsent may have arrived.
    pub fn unclear(&mut self, count: u64) {
        self.unclear += count;
    }

    fn keep(&mut self, measurement: &Measurement) {
        let Some(keep) = self.keep.as_mut().filter(|keep| keep.problem.is_none()) else { return };
        match writeln!(keep.file, "{}", to_line(measurement)) {
            Ok(()) => keep.kept += 1,
            Err(error) => keep.problem = Some(error),
        }
    }

    fn tell(&self, text: &str) {
        let not_taken = self.unreadable + self.refused;
        if not_taken <= self.most_told {
            self.ui.complain(text);
        }
    }

    /// Draws how it goes.
    pub fn draw(&self) {
        if let Some(bar) = &self.bar {
            let rate = self.accepted as f64 / self.begun.elapsed().as_secs_f64().max(0.1);
            let not_taken = self.unreadable + self.refused;
            let bad = if not_taken > 0 { format!(", {not_taken} not taken") } else { String::new() };
            bar.set_message(format!("{} sent{bad}, {rate:.0}/s", self.accepted));
            bar.tick();
        }
    }

    /// Says everything, and how to exit.
    pub fn report(mut self, target: &str, aggregated: bool, interrupted: bool) -> Exit {
        self.ui.clear();
        if let Some(help) = self.help {
            self.ui.complain(&format!("  = help: {help}, or a field `type` in the line"));
        }
        let untold = (self.unreadable + self.refused).saturating_sub(self.most_told);
        if untold > 0 {
            self.ui.complain(&format!("and {untold} more; -v tells all of them"));
        }
        let out_of = if aggregated { format!(" out of {} lines", self.rows) } else { String::new() };
        let mut text = format!("Sent {}{out_of} to {target}.\n", counted(self.accepted, "measurement"));
        for (count, what) in [
            (self.twice, "of these may have arrived twice, since an answer was lost"),
            (self.refused, "refused by the service"),
            (
                self.doubtful,
                "in requests of which the service took some and not others; it does not say which",
            ),
            (self.unreadable, "not sent, since the line cannot be read"),
        ] {
            if count > 0 {
                text.push_str(&format!("{count} {what}.\n"));
            }
        }
        if self.unsent > 0 {
            text.push_str(&self.unsent_text());
        }
        let missing =
            self.unsent + self.refused + self.doubtful + self.unreadable > 0 || self.error.is_some();
        if missing || interrupted || self.twice > 0 {
            self.ui.out(&text);
        } else {
            self.ui.done(&text);
        }
        self.end_keeping();
        match () {
            () if interrupted => Exit::Interrupted,
            () if missing && self.accepted + self.doubtful > 0 => Exit::Partial,
            () if missing => Exit::Error,
            () => Exit::Done,
        }
    }

    fn unsent_text(&self) -> String {
        let lines = match self.unsent_lines {
            Some((first, last)) if first == last => format!(" (line {first})"),
            Some((first, last)) => format!(" (between lines {first} and {last})"),
            None => String::new(),
        };
        let arrived = match self.unclear {
            0 => String::new(),
            some => format!("; {some} of them may have arrived all the same"),
        };
        format!("{} not sent{lines}{arrived}.\n", self.unsent)
    }

    fn end_keeping(&mut self) {
        let Some(mut keep) = self.keep.take() else {
            if self.unsent > 0 {
                self.ui
                    .say("with --keep FILE, what is not taken is written to a file that can be sent again");
            }
            return;
        };
        let flushed = keep.file.flush();
        let path = keep.path.display();
        if let Some(error) = keep.problem.or(flushed.err()) {
            self.ui.complain(&format!("error: {path} is incomplete: {error}"));
        } else if keep.kept > 0 {
            self.ui.say(&format!("{} kept in {path}", counted(keep.kept, "measurement")));
        } else {
            // Nothing to keep, so nothing to send again.
            let _ = std::fs::remove_file(&keep.path);
        }
    }
}

impl Keep {
    fn create(path: &Path) -> Result<Self, Stop> {
        let file = File::create_new(path).map_err(|error| {
            Stop::usage(
                format!("cannot keep what is not taken in {}: {error}", path.display()),
                "give --keep a file that does not exist yet",
            )
        })?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file), kept: 0, problem: None })
    }
}

pub const COUNTER: &str = "--type counter";
const GAUGE: &str = "--type gauge";

/// What helps where the service says that a metric has another type.
pub fn other_type(reason: &str) -> Option<&'static str> {
    let is = |what: &str| reason.contains("different type") && reason.contains(what);
    is("is a counter").then_some(COUNTER).or_else(|| is("is a gauge").then_some(GAUGE))
}
