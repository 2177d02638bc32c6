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
    use librato_apply::serve::{Data, Opening, Store, Users, router};

    if let Some(command) = &args.command {
        return commands::run(command, ui).await;
    }
    if let Some(file) = &args.check {
        return commands::check(file, ui).await;
    }
    let files = super::reload::Files { args, global, ui };
    let users = Users::from(files.users()?);
    let (options, mut listening) = settings(args);
    listening.tls = files.tls()?;
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
    ui.complain(super::unevaluated::WARNING);
    let data = Data::File(args.data.clone());
    let mut opening = Opening::default();
    opening.accept_clock = args.accept_clock;
    let opened = tokio::task::spawn_blocking(move || Store::open_with(&data, opening)).await?;
    let store = opened.map_err(commands::once)?;
    let (stop, files_again) =
        (super::interrupts::told_to_stop(), files.on_hangup(users.clone(), listening.tls.clone()));
    let router = router(store.clone(), users, &options);
    let listener = socket.listen(BACKLOG).with_context(|| format!("cannot listen on {}", args.listen))?;
    let address = listener.local_addr()?;
    ui.complain(&format!("listening on {scheme}://{address} over {}", args.data.display()));
    if let Some(copied_at) = store.copied_at() {
        ui.complain(&commands::unadopted(&args.data, Some(copied_at)));
    }
    tokio::select! {
        served = listening.run(listener, router, store, stop) => served?,
        never = files_again => match never {},
    }
    ui.say("stopped");
    Ok(Exit::Done)
}

#[cfg(feature = "serve")]
fn settings(args: &Serve) -> (librato_apply::serve::Options, librato_apply::serve::Listening) {
    use librato_apply::serve::{Listening, Options};

    let mut options = Options::default();
    options.max_body_bytes = args.max_body;
    options.body_timeout = args.body_timeout;
    options.max_in_flight = args.max_in_flight;
    options.max_request_memory = args.max_request_memory;
    options.read_timeout = args.read_timeout;
    options.measurements_per_minute = args.rate_limit;
    options.trusted_proxies = args.trusted_proxy.clone();
    let mut listening = Listening::default();
    listening.header_timeout = args.header_timeout;
    listening.max_connections = args.max_connections;
    listening.trusted_proxies = args.trusted_proxy.clone();
    listening.telemetry = options.telemetry.clone();
    (options, listening)
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

/// Without the feature there is no server.
#[cfg(not(feature = "serve"))]
pub async fn serve(_: &Serve, _: &Global, _: &Ui) -> anyhow::Result<Exit> {
    Err(super::Stop::usage("this build has no server", "build it with the feature `serve`").into())
}
