//! `serve`: the built-in server as a program of its own, until it is told to stop.

use super::args::{Global, Serve};
use super::exit::Exit;
use super::ui::Ui;

/// Serves until Ctrl-C or a termination signal; requests in flight are finished.
#[cfg(feature = "serve")]
pub async fn serve(args: &Serve, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    use anyhow::Context;
    use librato_apply::serve::{Credentials, Data, Options, Store, router, run};

    let given = super::endpoint::credentials(global, ui)?;
    let (user, token) = given.both()?;
    let data = Data::File(args.data.clone());
    let store = tokio::task::spawn_blocking(move || Store::open(&data)).await??;
    let mut options = Options::default();
    options.max_body_bytes = args.max_body;
    let router = router(store.clone(), vec![Credentials::new(user, token)], &options);
    let listener = tokio::net::TcpListener::bind(args.listen)
        .await
        .with_context(|| format!("cannot listen on {}", args.listen))?;
    ui.complain(&format!("listening on http://{} over {}", listener.local_addr()?, args.data.display()));
    run(listener, router, store, told_to_stop()).await.context("the server did not close its file")?;
    ui.say("stopped");
    Ok(Exit::Done)
}

#[cfg(feature = "serve")]
async fn told_to_stop() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = interrupted.await;
}

/// Without the feature there is no server.
#[cfg(not(feature = "serve"))]
pub async fn serve(_: &Serve, _: &Global, _: &Ui) -> anyhow::Result<Exit> {
    Err(super::Stop::usage("this build has no server", "build it with the feature `serve`").into())
}
