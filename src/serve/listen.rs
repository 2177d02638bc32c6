//! Connections: accepts them, bounds them, and lets them finish before the store is closed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use super::Store;

/// A client that takes longer to send the headers of its next request is cut off; this also ends idle connections.
const HEADERS: Duration = Duration::from_secs(60);
/// Connections served at one time; more wait in the listener's queue.
const CONNECTIONS: usize = 1024;
/// How long requests in flight may take after the shutdown began.
const DRAIN: Duration = Duration::from_secs(30);

/// Serves `router` until `shutdown` resolves, then takes no more connections, lets the requests in flight finish
/// (30 s at most), checkpoints and closes `store`, and returns. Later uses of the store answer 503.
///
/// # Errors
/// When the store cannot be closed. A failed `accept` is logged and survived.
pub async fn run(
    listener: TcpListener,
    router: Router,
    store: Store,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADERS);
    builder.http2().timer(TokioTimer::new());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else { continue };
        let service = TowerToHyperService::new(router.clone());
        let connection = graceful.watch(builder.serve_connection(TokioIo::new(stream), service).into_owned());
        tokio::spawn(async move {
            // A broken connection is the client's affair; there is nobody left to tell.
            let _ = connection.await;
            drop(place);
        });
    }
    drop(listener);
    drop(router);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!(target: "librato_apply::serve", "some requests did not finish in time and were cut off");
    }
    tokio::task::spawn_blocking(move || store.close()).await.map_err(io::Error::other)
}

type Place = tokio::sync::OwnedSemaphorePermit;

/// The next connection and its place among [`CONNECTIONS`]; `None` after a failure worth another try.
async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<(tokio::net::TcpStream, Place)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Answers are small; waiting to fill a segment only delays them.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            tracing::warn!(target: "librato_apply::serve", %error, "cannot accept a connection");
            // Out of file descriptors: give the connections at hand time to end.
            tokio::time::sleep(Duration::from_millis(100)).await;
            None
        }
    }
}
