//! `serve`: the built-in server as a program of its own, until it is told to stop.

#[cfg(feature = "serve")]
mod commands;
#[cfg(feature = "serve")]
mod open_files;

use super::args::{Global, Serve};
use super::exit::Exit;
use super::ui::Ui;

/// Connections that wait for being taken.
#[cfg(feature = "serve")]
const BACKLOG: u32 = 1024;

/// Serves until Ctrl-C or a termination signal; requests in flight are finished. Or looks after a file.
#[cfg(feature = "serve")]
pub async fn serve(args: &Serve, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    use anyhow::Context;
    use librato_apply::serve::{Data, Opening, Store, router};

    if let Some(command) = &args.command {
        return commands::run(command, ui).await;
    }
    if let Some(file) = &args.check {
        return commands::check(file, ui).await;
    }
    let credentials = credentials(args, global, ui)?;
    let (options, mut listening) = settings(args)?;
    if let Some(key) = args.tls_key.as_deref().filter(|key| open_to_others(key)) {
        let key = key.display();
        ui.complain(&format!("warning: others can read the private key in {key}; run `chmod 600 {key}`"));
    }
    listening.max_connections = open_files::make_room(listening.max_connections, ui)?;
    let scheme = if listening.tls.is_some() { "https" } else { "http" };
    if listening.tls.is_none() && !args.listen.ip().is_loopback() {
        ui.complain("warning: tokens cross the network unprotected; give --tls-cert and --tls-key, or let a proxy on this machine do it");
    }
    // A limit on the size of files (`ulimit -f`) would kill the server where a full disk only fails a write.
    #[cfg(target_os = "linux")]
    let _too_large = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25));
    // Before the file is made, since a start that fails shall leave none.
    let socket = bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let data = Data::File(args.data.clone());
    let mut opening = Opening::default();
    opening.accept_clock = args.accept_clock;
    let opened = tokio::task::spawn_blocking(move || Store::open_with(&data, opening)).await?;
    let store = opened.map_err(once)?;
    let stop = told_to_stop();
    let router = router(store.clone(), credentials, &options);
    let listener = socket.listen(BACKLOG).with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    ui.complain(&format!("listening on {scheme}://{address} over {}", args.data.display()));
    if let Some(copied_at) = store.copied_at() {
        ui.complain(&commands::unadopted(&args.data, Some(copied_at)));
    }
    listening.run(listener, router, store, stop).await?;
    ui.say("stopped");
    Ok(Exit::Done)
}

/// The users of the file, and the one of flags and environment.
#[cfg(feature = "serve")]
fn credentials(
    args: &Serve,
    global: &Global,
    ui: &Ui,
) -> anyhow::Result<Vec<librato_apply::serve::Credentials>> {
    use librato_apply::serve::Credentials;

    let given = super::endpoint::credentials(global, ui)?;
    let mut all = match &args.credentials {
        None => Vec::new(),
        Some(file) => {
            let hint =
                "write one `USER TOKEN ROLE` a line, where ROLE is admin, operator, recorder or viewer";
            let refused = |reason: &dyn std::fmt::Display| {
                let message = format!("cannot use the credentials of {}: {reason}", file.display());
                super::Stop::usage(message, hint)
            };
            let text = std::fs::read_to_string(file).map_err(|error| refused(&error))?;
            if open_to_others(file) {
                let file = file.display();
                ui.complain(&format!(
                    "warning: others can read the tokens in {file}; run `chmod 600 {file}`"
                ));
            }
            Credentials::read(&text).map_err(|error| refused(&error))?
        }
    };
    if all.is_empty() || given.any() {
        let (user, token) = given.both()?;
        all.push(Credentials::new(user, token));
    }
    Ok(all)
}

#[cfg(all(feature = "serve", unix))]
fn open_to_others(file: &std::path::Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(file).is_ok_and(|found| found.mode() & 0o077 != 0)
}

#[cfg(all(feature = "serve", not(unix)))]
fn open_to_others(_: &std::path::Path) -> bool {
    false
}

#[cfg(feature = "serve")]
fn settings(
    args: &Serve,
) -> anyhow::Result<(librato_apply::serve::Options, librato_apply::serve::Listening)> {
    use librato_apply::serve::{Listening, Options, Tls};

    let mut options = Options::default();
    options.max_body_bytes = args.max_body;
    options.body_timeout = args.body_timeout;
    options.max_in_flight = args.max_in_flight;
    options.max_request_memory = args.max_request_memory;
    options.read_timeout = args.read_timeout;
    options.measurements_per_minute = args.rate_limit;
    let mut listening = Listening::default();
    listening.header_timeout = args.header_timeout;
    listening.max_connections = args.max_connections;
    listening.telemetry = options.telemetry.clone();
    if let (Some(certificate), Some(key)) = (&args.tls_cert, &args.tls_key) {
        let tls = Tls::read(certificate, key);
        let hint = "give a certificate and its key as PEM files";
        listening.tls = Some(tls.map_err(|error| super::Stop::usage(error.to_string(), hint))?);
    }
    Ok((options, listening))
}

/// An error whose text holds its cause already, without the cause.
#[cfg(feature = "serve")]
fn once(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("{error}")
}

/// Takes the address without listening yet: until then nobody can connect, and nobody else can have it.
#[cfg(feature = "serve")]
fn bind(address: std::net::SocketAddr) -> std::io::Result<tokio::net::TcpSocket> {
    use tokio::net::TcpSocket;

    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that was just stopped leaves connections behind that have not quite ended.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Waits for Ctrl-C or a termination signal. Heard from the call on, so that whoever reads that the server listens can stop it.
#[cfg(feature = "serve")]
fn told_to_stop() -> impl Future<Output = ()> {
    let mut interrupts = super::interrupts::Interrupts::listen();
    #[cfg(unix)]
    let mut terminations = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    async move {
        #[cfg(unix)]
        if let Some(terminations) = &mut terminations {
            tokio::select! {
                () = interrupts.next() => {}
                _ = terminations.recv() => {}
            }
            return;
        }
        interrupts.next().await;
    }
}

/// Without the feature there is no server.
#[cfg(not(feature = "serve"))]
pub async fn serve(_: &Serve, _: &Global, _: &Ui) -> anyhow::Result<Exit> {
    Err(super::Stop::usage("this build has no server", "build it with the feature `serve`").into())
}
