//! The command line: parse, run, end with the right code.

mod cli;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use cli::{Exit, Stop, Ui, unwritten};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::prelude::*;

fn main() -> ExitCode {
    let cli = match cli::args::Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            return without_command(&error).into();
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
    let exit = match runtime.block_on(cli::run(cli, &ui)) {
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
    // What a certificate is refused for is said with the request that it stopped.
    let own_words_only = "hyper_util=warn,reqwest=warn,rustls=warn,rustls_platform_verifier=off,globset=warn";
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
