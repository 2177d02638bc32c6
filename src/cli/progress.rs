//! How an apply goes, while it goes: a bar on a terminal, one line a change otherwise. And Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use librato_apply::apply::Observer;
use librato_apply::diag::printable;
use librato_apply::plan::{Done, INTERRUPTED, Step};

use super::interrupts::Interrupts;
use super::ui::Ui;

/// How long people wait without wondering.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells the user how it goes.
pub struct Progress<'a> {
    ui: &'a Ui,
    bar: Option<ProgressBar>,
    stopped: Arc<AtomicBool>,
}

impl<'a> Progress<'a> {
    /// For so many steps. From now on Ctrl-C stops after the requests under way; a second one ends at once.
    pub fn new(ui: &'a Ui, steps: usize) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
        let bar = ui.progress.then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
            style.map_or(bar.clone(), |style| bar.with_style(style))
        });
        let stopped = Arc::new(AtomicBool::new(false));
        tokio::spawn(stop_on(Interrupts::listen(), Arc::clone(&stopped)));
        Self { ui, bar, stopped }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// Waits for something, and says so where it takes longer than a second.
pub async fn waiting<T>(ui: &Ui, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    let spinner = ui.progress.then(|| {
        let spinner = ProgressBar::new_spinner().with_message(ui.redact(what));
        spinner.enable_steady_tick(Duration::from_millis(100));
        spinner
    });
    let done = work.await;
    if let Some(spinner) = spinner {
        spinner.finish_and_clear();
    }
    done
}

async fn stop_on(mut interrupts: Interrupts, stopped: Arc<AtomicBool>) {
    loop {
        interrupts.next().await;
        if stopped.swap(true, Ordering::SeqCst) {
            std::process::exit(super::Exit::Interrupted as i32);
        }
    }
}

impl Observer for Progress<'_> {
    fn ended(&self, step: &Step, done: &Done) {
        let (word, why) = match done {
            Done::Written => ("done", None),
            Done::Failed(why) => ("failed", Some(why)),
            // How many these are is said in the end.
            Done::Skipped(why) if why == INTERRUPTED => return,
            Done::Skipped(why) => ("skipped", Some(why)),
        };
        let change = &step.change;
        let name = printable(&change.address.to_string());
        let line = format!("{word}: {} {} {name}", change.action.verb(), change.kind);
        let line = why.map_or(line.clone(), |why| format!("{line}: {}", printable(why)));
        match &self.bar {
            Some(bar) => {
                bar.inc(1);
                bar.set_message(self.ui.redact(&name));
                if why.is_some() {
                    bar.suspend(|| self.ui.complain(&line));
                }
            }
            None => self.ui.say(&line),
        }
    }

    fn says(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.ui.say(text)),
            None => self.ui.say(text),
        }
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}
