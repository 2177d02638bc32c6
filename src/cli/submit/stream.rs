//! `submit --from`: reads, sends and counts until the input ends, the service fails or someone stops it.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use anyhow::Context;
use librato_apply::measure::Aggregator;
use librato_apply::measure::read::Format;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior};

use super::defaults::Defaults;
use super::reader::Reader;
use super::run::Run;
use super::tally::Tally;
use crate::cli::args::{Global, InputFormat, Submit};
use crate::cli::credentials;
use crate::cli::endpoint::{self, Access};
use crate::cli::exit::Exit;
use crate::cli::inputs;
use crate::cli::interrupts::Interrupts;
use crate::cli::target::target;
use crate::cli::ui::Ui;

/// How long a measurement waits for others before it is sent.
const LINGER: Duration = Duration::from_millis(500);

/// What is aggregated goes together by the minute, unless `--period` says otherwise.
const PERIOD: u64 = 60;

/// Sends the measurements in `from`.
pub async fn submit(
    from: &Path,
    args: &Submit,
    defaults: &Defaults,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Exit> {
    let given = credentials::given(global, ui)?;
    let target = target(global, || inputs::endpoint_here(ui), &given, ui)?;
    let input = open(from)?;
    let tally = Tally::new(ui, args.keep.as_deref(), global.verbose > 0)?;
    let connection = endpoint::connect(global, &target, &given, Access::Write, ui).await;
    let connection = connection.map_err(|error| target.explain_way(error))?;
    let period = args.aggregate.then(|| u32::try_from(args.period.unwrap_or(PERIOD)).unwrap_or(u32::MAX));
    let aggregator = period.map(|period| Aggregator::new().period(period));
    let flights = usize::from(global.parallelism);
    let run = Run::new(&connection.client, defaults, flights, aggregator, tally);
    let reader = Reader::start(input, args.input_format.map(Format::from));
    let ended = pump(run, reader, period.map(|seconds| Duration::from_secs(seconds.into())), ui).await;
    connection.close().await?;
    let Ended { tally, problem, interrupted } = ended;
    if let Some(error) = &tally.error {
        ui.error(&format!("sending ended early: {error}"), &[]);
    }
    if tally.error.is_some() || interrupted {
        ui.complain(&format!("note: what follows line {} was not read", tally.last_line));
    }
    if let Some(problem) = &problem {
        ui.error(&format!("reading {} ended early: {problem}", from.display()), &[]);
    }
    let exit = tally.report(&target.to_string(), args.aggregate, interrupted);
    // What was sent was all that could be read, but not all.
    Ok(if problem.is_some() && exit == Exit::Done { Exit::Error } else { exit })
}

fn open(from: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    if from == Path::new("-") {
        return Ok(Box::new(std::io::stdin()));
    }
    let file = File::open(from).with_context(|| format!("cannot read {}", from.display()))?;
    Ok(Box::new(file))
}

/// How it ended.
struct Ended<'a> {
    tally: Tally<'a>,
    /// Why reading ended early.
    problem: Option<String>,
    interrupted: bool,
}

async fn pump<'a>(mut run: Run<'a>, mut reader: Reader, period: Option<Duration>, ui: &Ui) -> Ended<'a> {
    let (mut reading, mut problem) = (true, None);
    let mut interrupts = interrupts();
    ui.stage.listens();
    let mut tick = tokio::time::interval(LINGER);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut period_ends = period.map(|period| Instant::now() + period);
    let mut interrupted = 0;
    while interrupted < 2 && (reading || run.is_flying() || run.is_waiting()) {
        tokio::select! {
            Ok(()) = interrupts.changed() => {
                interrupted = *interrupts.borrow_and_update();
                reader.stop();
                if interrupted == 1 {
                    ui.complain("stopping: what was read is still sent; once more to give it up");
                }
            }
            () = run.land(), if run.is_flying() => {
                if run.has_failed() {
                    reader.stop();
                }
            }
            chunk = reader.chunks.recv(), if reading && run.has_room() => match chunk {
                Some(Ok(rows)) => run.take(rows),
                Some(Err(error)) => problem = Some(error.to_string()),
                None => reading = false,
            },
            _ = tick.tick() => {
                run.tally.draw();
                if period_ends.is_some_and(|end| end <= Instant::now()) {
                    run.end_period();
                    period_ends = period.map(|period| Instant::now() + period);
                }
                run.launch(true);
                reading &= !((interrupted > 0 || run.has_failed()) && reader.is_idle());
            }
        }
        if !reading {
            run.end_period();
        }
        run.launch(!reading);
    }
    Ended { tally: run.end(), problem, interrupted: interrupted > 0 }
}

/// Counts how often the user asked to stop.
fn interrupts() -> watch::Receiver<u32> {
    let (sender, receiver) = watch::channel(0);
    let mut interrupts = Interrupts::listen();
    tokio::spawn(async move {
        loop {
            interrupts.next().await;
            sender.send_modify(|count| *count += 1);
        }
    });
    receiver
}

impl From<InputFormat> for Format {
    fn from(format: InputFormat) -> Self {
        match format {
            InputFormat::Json => Self::Json,
            InputFormat::Csv => Self::Csv,
            InputFormat::Plain => Self::Plain,
        }
    }
}
