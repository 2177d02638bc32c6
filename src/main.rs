//! The command line: parse, run, end with the right code.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::FromArgMatches;
use clap::error::ErrorKind;
use cli::{Exit, SetLevel, Start, Stop, Ui, unwritten};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

/// musl's own allocator has one lock for all threads. glibc's is kept: it holds less for the client and for a server at rest.
#[cfg(all(feature = "serve", target_env = "musl"))]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if let Some(answered) = cli::complete::requested() {
        return answered;
    }
    let matches = cli::args::shape::command().try_get_matches();
    let parsed = matches.and_then(|matches| Ok((cli::args::Cli::from_arg_matches(&matches)?, matches)));
    let (cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            let args: Vec<String> =
                std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
            let error = cli::habits::answered(error, &args);
            return without_command(&error).into();
        }
    };
    let ui = Ui::new(&cli.global);
    // Before the log begins, since it is one of the things that `serve` is told.
    let mut start = match Start::of(&cli, &ui) {
        Ok(start) => start,
        Err(error) => return report(&error, &ui).into(),
    };
    start.set_level = Some(log(&cli, &start, &ui));
    cli::args::shape::meaningless(&matches).iter().for_each(|note| ui.say(note));
    let runtime = match runtime(&cli) {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&format!("cannot start: {error}"), &[]);
            return Exit::Error.into();
        }
    };
    let exit = match runtime.block_on(cli::run(cli, start, &ui)) {
        Ok(exit) => exit,
        Err(error) => report(&error, &ui),
    };
    ui.end(exit).into()
}

/// Prints the help that was asked for, or what is wrong with the command line.
fn without_command(said: &clap::Error) -> Exit {
    let printed = said.print().and_then(|()| std::io::stdout().flush());
    if !matches!(said.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return Exit::Usage;
    }
    match printed.err().as_ref().and_then(unwritten) {
        Some(lost) => {
            let _ = writeln!(std::io::stderr(), "error: {lost}");
            Exit::Error
        }
        None => Exit::Done,
    }
}

/// The client waits for one network and needs one thread; the server has many clients.
fn runtime(cli: &cli::args::Cli) -> std::io::Result<tokio::runtime::Runtime> {
    match cli.command {
        cli::args::Command::Serve(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    }
}

/// The log goes to stderr; it never holds headers or bodies. What is returned sets the level of a server that runs.
fn log(cli: &cli::args::Cli, start: &Start, ui: &Ui) -> SetLevel {
    let serving = matches!(cli.command, cli::args::Command::Serve(_));
    let (quiet, verbose) = (cli.global.quiet, cli.global.verbose);
    let (filter, handle) = reload::Layer::new(filter(quiet, verbose, serving, start.level()));
    let set_level = move |level: LevelFilter| {
        let _ = handle.modify(|now| *now = self::filter(quiet, verbose, serving, level));
    };
    let log = tracing_subscriber::registry().with(filter);
    let layer = tracing_subscriber::fmt::layer().with_writer(ui.secrets.log());
    if start.json() {
        log.with(layer.json().flatten_event(true)).init();
    } else {
        log.with(layer.with_ansi(ui.styled_err()).with_target(false)).init();
    }
    Box::new(set_level)
}

/// What is logged: `level` by a server where no flag says more or less.
fn filter(quiet: bool, verbose: u8, serving: bool, level: LevelFilter) -> Targets {
    let level = match (verbose, serving) {
        _ if quiet => LevelFilter::ERROR,
        (0, false) => LevelFilter::WARN,
        (0, true) => level,
        (1, false) => LevelFilter::INFO,
        (1, true) | (2, false) => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // What libraries have to say below a warning is about themselves.
    let others = level.min(LevelFilter::WARN);
    // The server of one command answers what the client logs already.
    let server = if serving || level == LevelFilter::TRACE { level } else { others };
    // What a certificate is refused for is said with the request that it stopped.
    Targets::new()
        .with_default(others)
        .with_target("rustls_platform_verifier", LevelFilter::OFF)
        .with_target("librato_apply", level)
        .with_target("librato_apply::serve", server)
}

fn report(error: &anyhow::Error, ui: &Ui) -> Exit {
    match error.downcast_ref::<Stop>() {
        Some(stop) => {
            ui.error(&stop.message, &stop.help);
            stop.exit
        }
        None => {
            ui.error(&cli::chain(error), &[]);
            Exit::Error
        }
    }
}
