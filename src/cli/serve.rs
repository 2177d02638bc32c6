//! `serve`: the built-in server as a program of its own, until it is told to stop.

#[cfg(feature = "serve")]
mod announce;
#[cfg(feature = "serve")]
mod commands;
#[cfg(feature = "serve")]
mod delivery;
#[cfg(feature = "serve")]
mod demo;
#[cfg(feature = "serve")]
mod door;
#[cfg(feature = "serve")]
mod heartbeat;
#[cfg(feature = "serve")]
mod invented;
#[cfg(feature = "serve")]
mod migrate;
#[cfg(feature = "serve")]
mod open_files;
#[cfg(feature = "serve")]
pub(super) mod opening;
#[cfg(feature = "serve")]
mod reach;
#[cfg(feature = "serve")]
mod stored;
#[cfg(feature = "serve")]
mod upgrade;

use tracing_subscriber::filter::LevelFilter;

use super::args::{Cli, Global, Serve};
use super::exit::Exit;
use super::level::SetLevel;
use super::ui::Ui;

/// What must be known before the log begins.
#[derive(Default)]
pub struct Start {
    #[cfg(feature = "serve")]
    resolved: Option<super::settings::Resolved>,
    pub set_level: Option<SetLevel>,
}

impl Start {
    /// Reads the options of a server that is to be started; of other commands there is nothing to be known.
    ///
    /// # Errors
    /// Where one of them cannot be used.
    #[cfg(feature = "serve")]
    pub fn of(cli: &Cli, ui: &Ui) -> anyhow::Result<Start> {
        let super::args::Command::Serve(args) = &cli.command else { return Ok(Start::default()) };
        if args.command.is_some() || args.check.is_some() {
            return Ok(Start::default());
        }
        let mut resolved = super::settings::resolve(&args.flags, args.config.as_deref(), &cli.global, ui)?;
        if resolved.settings.demo && !resolved.says("log.level") {
            // What it does for itself would hide what can be tried.
            resolved.settings.log_level = LevelFilter::ERROR;
        }
        Ok(Start { resolved: Some(resolved), set_level: None })
    }

    /// Without the feature there is no server.
    #[cfg(not(feature = "serve"))]
    pub fn of(_: &Cli, _: &Ui) -> anyhow::Result<Start> {
        Ok(Start::default())
    }

    /// Whether the log is JSON.
    #[cfg(feature = "serve")]
    pub fn json(&self) -> bool {
        self.resolved.as_ref().is_some_and(|resolved| resolved.settings.log_json)
    }

    /// Whether the log is JSON.
    #[cfg(not(feature = "serve"))]
    pub fn json(&self) -> bool {
        false
    }

    /// How much a server logs.
    #[cfg(feature = "serve")]
    pub fn level(&self) -> LevelFilter {
        self.resolved.as_ref().map_or(LevelFilter::INFO, |resolved| resolved.settings.log_level)
    }

    /// How much a server logs.
    #[cfg(not(feature = "serve"))]
    pub fn level(&self) -> LevelFilter {
        LevelFilter::INFO
    }
}

/// Serves until Ctrl-C or a termination signal; requests in flight are finished. Or looks after a file.
#[cfg(feature = "serve")]
pub async fn serve(args: &Serve, start: Start, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    use librato_apply::serve::{Cluster, Evaluator, Node, Opening, Sending, Starting, Users, router};

    if let Some(command) = &args.command {
        return commands::run(command, ui).await;
    }
    if let Some(file) = &args.check {
        return commands::check(file, ui).await;
    }
    let Some(mut resolved) = start.resolved else { anyhow::bail!("the options were not read") };
    super::settings::unknown_variables().iter().for_each(|line| ui.complain(line));
    let demo = demo::Demo::of(&mut resolved)?;
    let stored = std::sync::Arc::new(stored::Stored::of(&resolved)?);
    let settings = &resolved.settings;
    opening::check(settings)?;
    if let Some(font) = &settings.picture_font {
        opening::use_font(font)?;
    }
    let users = if demo.is_some() {
        Users::from(vec![demo::Demo::user()])
    } else if opening::needs_user(settings) {
        Users::from(vec![opening::user()?])
    } else {
        Users::from(super::reload::users(settings, ui)?)
    };
    let sending = Sending::new(&settings.options.notify);
    heartbeat::check(&sending)?;
    let mut listening = settings.listening.clone();
    listening.tls = super::reload::tls(settings, ui)?;
    listening.max_connections = open_files::make_room(listening.max_connections, ui)?;
    let scheme = if listening.tls.is_some() { "https" } else { "http" };
    // Before the file is made, since a start that fails shall leave none.
    let door = door::Door::open(settings.listen)?;
    if listening.tls.is_none() && !door.address().ip().is_loopback() {
        ui.complain("warning: tokens cross the network unprotected; give --tls-cert and --tls-key, or let a proxy on this machine do it");
    }
    // A limit on the size of files (`ulimit -f`) would kill the server where a full disk only fails a write.
    #[cfg(target_os = "linux")]
    let _too_large = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::from_raw(25));
    if !settings.options.alerts.evaluate {
        ui.complain(super::unevaluated::WARNING);
    }
    let mut opening = Opening::default();
    opening.accept_clock = settings.accept_clock;
    opening.retention = settings.retention;
    let place = std::sync::Arc::clone(&stored);
    let store = tokio::task::spawn_blocking(move || place.open(opening)).await??;
    // Before anything is evaluated, since what is then notified goes by it.
    let starting = Starting {
        notify: settings.options.alerts.notify || !settings.options.alerts.evaluate,
        release: settings.notify == Some(true),
    };
    let mut node = Node::default();
    node.url = settings.options.notify.public_url.as_ref().map(ToString::to_string);
    node.credentials = users.digest();
    node.notifies = delivery::notifies(&store, &settings.options);
    let cluster = Cluster::join(&store, node, &settings.options.telemetry)?;
    // Others may notify though this one shall not.
    cluster.hear().await?;
    let standing = librato_apply::serve::standing(&store, starting).await?;
    let (path, drain) = (settings.data.clone(), settings.drain);
    let mut options = settings.options.clone();
    options.cluster = cluster.clone();
    let options = &options;
    let router = router(store.clone(), users.clone(), options);
    let delivered = delivery::begin(&store, users.clone(), options, ui).await?;
    listening.evaluation =
        Evaluator::start(store.clone(), users.clone(), &options.alerts, &options.telemetry, &cluster)?;
    // What a demo evaluates is not there yet.
    if options.telemetry.is_evaluating() && demo.is_none() {
        ui.complain(&announce::line(settings, standing, store.is_unadopted_copy()));
    }
    let heart = heartbeat::beats(sending, store.clone(), options.telemetry.clone(), cluster.clone());
    let drawer =
        librato_apply::serve::draw_snapshots(store.clone(), options.snapshots.clone(), cluster.clone());
    let (links, opens) = (options.pages.links.clone(), settings.open);
    let allow = options.notify.allow.clone();
    let files = super::reload::Files { args, global, ui, set_level: start.set_level, allow };
    let (stop, files_again) =
        (super::interrupts::told_to_stop(), files.on_hangup(resolved, users, listening.tls.clone()));
    let evaluation = listening.evaluation.clone();
    let stop = async move {
        stop.await;
        // Who asks `/readyz` sends no more, and other servers take over before this one is gone.
        cluster.retire();
        delivered.await;
        leave(cluster, evaluation).await;
        tokio::time::sleep(drain).await;
    };
    let listener = door.listen()?;
    let address = listener.local_addr()?;
    ui.complain(&format!("listening on {scheme}://{address} over {stored}"));
    if opens {
        opening::begin(&links, scheme, address, ui)?;
    }
    let shown = demo.map(|demo| {
        demo.announce(address, opens, ui);
        demo.run(router.clone(), address, ui)
    });
    let shown = async {
        match shown {
            Some(shown) => shown.await,
            None => std::future::pending().await,
        }
    };
    if let Some(copied_at) = store.copied_at() {
        ui.complain(&commands::unadopted(&path, Some(copied_at)));
    } else if store.is_unadopted_copy() {
        ui.complain(&stored.unadopted());
    }
    tokio::select! {
        served = listening.run(listener, router, store, stop) => served?,
        never = files_again => match never {},
        never = heart => match never {},
        never = shown => match never {},
        never = drawer => match never {},
    }
    ui.say("stopped");
    Ok(Exit::Done)
}

/// Leaves to other servers of the same data what this one does, where there can be any.
#[cfg(feature = "serve")]
async fn leave(cluster: librato_apply::serve::Cluster, evaluation: Option<librato_apply::serve::Evaluator>) {
    if cluster.id().is_none() {
        return;
    }
    let left = tokio::task::spawn_blocking(move || {
        if let Some(evaluation) = evaluation {
            evaluation.stop();
        }
        cluster.leave();
    });
    let _ = left.await;
}

/// Without the feature there is no server.
#[cfg(not(feature = "serve"))]
pub async fn serve(_: &Serve, _: Start, _: &Global, _: &Ui) -> anyhow::Result<Exit> {
    Err(super::Stop::usage("this build has no server", "build it with the feature `serve`").into())
}
