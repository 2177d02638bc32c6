//! How an apply goes, while it goes: a bar on a terminal, one line a change otherwise. And Ctrl-C.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use librato_apply::apply::Observer;
use librato_apply::diag::printable;
use librato_apply::plan::{Done, INTERRUPTED, Step, UNREACHED};
use librato_apply::remote::Client;

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
    pub fn new(ui: &'a Ui, steps: usize, client: &Client) -> Self {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}");
        let bar = ui.progress.then(|| {
            let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
            let signs = |style: ProgressStyle| if ui.ascii() { style.progress_chars("#> ") } else { style };
            style.map_or(bar.clone(), |style| bar.with_style(signs(style)))
        });
        bar.iter().for_each(|bar| ui.draw(bar));
        let stopped = Arc::new(AtomicBool::new(false));
        ui.stage.listens();
        tokio::spawn(stop_on(Interrupts::listen(), Arc::clone(&stopped), client.clone(), ui.clone()));
        Self { ui, bar, stopped }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.ui.clear();
    }
}

/// Waits for something, and says so where it takes longer than a second.
pub async fn waiting<T>(ui: &Ui, what: &str, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    if let Ok(done) = tokio::time::timeout(PATIENCE, &mut work).await {
        return done;
    }
    if ui.progress {
        let spinner = ProgressBar::new_spinner().with_message(ui.redact(what));
        spinner.enable_steady_tick(Duration::from_millis(100));
        ui.draw(&spinner);
    }
    let done = work.await;
    ui.clear();
    done
}

async fn stop_on(mut interrupts: Interrupts, stopped: Arc<AtomicBool>, client: Client, ui: Ui) {
    loop {
        interrupts.next().await;
        if stopped.swap(true, Ordering::SeqCst) {
            std::process::exit(super::Exit::Interrupted as i32);
        }
        ui.complain("stopping: what is under way is still waited for; once more ends at once");
        client.stop_waiting();
    }
}

impl Observer for Progress<'_> {
    fn ended(&self, step: &Step, done: &Done) {
        let (word, why) = match done {
            Done::Written => ("done", None),
            Done::Met => ("done already", None),
            Done::Failed(why) => ("failed", Some(&why.message)),
            // How many these are is said in the end.
            Done::Skipped(why) if why == INTERRUPTED || why == UNREACHED => return,
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
                    self.ui.complain(&line);
                }
            }
            None => self.ui.say(&line),
        }
    }

    fn says(&self, text: &str) {
        self.ui.say(text);
    }

    fn stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }
}
