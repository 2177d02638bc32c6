//! The command line: parse, run, end with the right code.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use cli::{Exit, Stop, Ui};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = match cli::args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Where the reader of the help went away, there is nobody to tell.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return if asked { Exit::Done } else { Exit::Usage }.into();
        }
    };
    let ui = Ui::new(&cli.global);
    log(&cli, &ui);
    let runtime = match runtime(&cli) {
        Ok(runtime) => runtime,
        Err(error) => {
            ui.error(&format!("cannot start: {error}"), &[]);
            return Exit::Error.into();
        }
    };
    match runtime.block_on(cli::run(cli, &ui)) {
        Ok(exit) => exit.into(),
        Err(error) => report(&error, &ui).into(),
    }
}

/// The client waits for one network and needs one thread; the server has many clients.
fn runtime(cli: &cli::args::Cli) -> std::io::Result<tokio::runtime::Runtime> {
    match cli.command {
        cli::args::Command::Serve(_) => tokio::runtime::Builder::new_multi_thread().enable_all().build(),
        _ => tokio::runtime::Builder::new_current_thread().enable_all().build(),
    }
}

/// The log goes to stderr; it never holds headers or bodies.
fn log(cli: &cli::args::Cli, ui: &Ui) {
    let (serving, json) = match &cli.command {
        cli::args::Command::Serve(serve) => (true, serve.log_format == cli::args::LogFormat::Json),
        _ => (false, false),
    };
    let level = match (cli.global.verbose, serving) {
        _ if cli.global.quiet => "error",
        (0, false) => "warn",
        (0, true) => "info",
        (1, false) => "info,librato_apply=debug",
        (1, true) => "debug",
        _ => "trace",
    };
    let own_words_only = "hyper_util=warn,reqwest=warn,rustls=warn";
    let filter: Targets = format!("{level},{own_words_only}").parse().unwrap_or_default();
    let log = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(ui.secrets.log());
    if json {
        log.json().flatten_event(true).finish().with(filter).init();
    } else {
        log.with_ansi(ui.styled_err()).with_target(false).finish().with(filter).init();
    }
}

fn report(error: &anyhow::Error, ui: &Ui) -> Exit {
    match error.downcast_ref::<Stop>() {
        Some(stop) => {
            ui.error(&stop.message, &stop.help);
            stop.exit
        }
        None => {
            ui.error(&format!("{error:#}"), &[]);
            Exit::Error
        }
    }
}
