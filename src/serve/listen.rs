//! Connections: accepts them, bounds them, and lets them finish before the store is closed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::stall::Stall;
use super::{Store, Telemetry, Tls};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the server makes sure that its data file is still there.
const LOOK: Duration = Duration::from_secs(1);
/// How long a client may refuse to read an answer.
const UNREAD: Duration = Duration::from_secs(30);

/// How connections are treated; [`Listening::default`] is right for most.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listening {
    /// A client that takes longer to send the headers of its next request is cut off; this also ends idle
    /// connections. A minute by default, since many emitters report once a minute.
    pub header_timeout: Duration,
    /// Connections served at one time; more wait in the listener's queue. 1024 by default.
    pub max_connections: usize,
    /// How long requests in flight may take after the shutdown began. 30 s by default.
    pub drain: Duration,
    /// The certificate to offer; without one the server speaks plain HTTP.
    pub tls: Option<Tls>,
    /// What counts the connections: that of the router's [`Options`](super::Options).
    pub telemetry: Telemetry,
}

impl Default for Listening {
    fn default() -> Listening {
        Listening {
            header_timeout: Duration::from_secs(60),
            max_connections: 1024,
            drain: Duration::from_secs(30),
            tls: None,
            telemetry: Telemetry::default(),
        }
    }
}

/// Serves with the defaults of [`Listening`]; see [`Listening::run`].
///
/// # Errors
/// As [`Listening::run`].
pub async fn run(
    listener: TcpListener,
    router: Router,
    store: Store,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    Listening::default().run(listener, router, store, shutdown).await
}

impl Listening {
    /// Serves `router` until `shutdown` resolves, then takes no more connections, lets the requests in flight finish
    /// (for the time of `drain` at most), checkpoints and closes `store`, and returns. Later uses of the store
    /// answer 503.
    ///
    /// # Errors
    /// When the data file was removed or replaced meanwhile, which ends the service; when the store cannot be closed. A
    /// failed `accept` is logged and survived.
    pub async fn run(
        self,
        listener: TcpListener,
        router: Router,
        store: Store,
        shutdown: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let server = Server::new(&self, router);
        let graceful = GracefulShutdown::new();
        let places = Arc::new(Semaphore::new(self.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
        let mut shutdown = std::pin::pin!(shutdown);
        let mut displaced = std::pin::pin!(displaced(store.clone()));
        let mut failure = None;
        loop {
            let accepted = tokio::select! {
                () = &mut shutdown => break,
                reason = &mut displaced => {
                    tracing::error!(target: "librato_apply::serve", "{reason}; nothing more can be stored, so the server stops");
                    failure = Some(io::Error::other(reason));
                    break;
                }
                accepted = accept(&listener, &places) => accepted,
            };
            let Some((stream, place)) = accepted else { continue };
            tokio::spawn(server.clone().serve(stream, place, graceful.watcher()));
        }
        drop((listener, server));
        if tokio::time::timeout(self.drain, graceful.shutdown()).await.is_err() {
            tracing::warn!(target: "librato_apply::serve", "some requests did not finish in time and were cut off");
        }
        let closed = tokio::task::spawn_blocking(move || store.close()).await;
        closed.map_err(|error| io::Error::other(format!("the server did not close its file: {error}")))?;
        failure.map_or(Ok(()), Err)
    }
}

/// Waits until the data file is not found any more under its name, and says why.
async fn displaced(store: Store) -> String {
    loop {
        tokio::time::sleep(LOOK).await;
        let store = store.clone();
        if let Ok(Some(reason)) = tokio::task::spawn_blocking(move || store.displaced()).await {
            return reason;
        }
    }
}

/// The next connection and its place; `None` after a failure worth another try.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, OwnedSemaphorePermit)> {
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

#[derive(Clone)]
struct Server {
    builder: Builder,
    router: Router,
    tls: Option<Tls>,
    telemetry: Telemetry,
}

impl Server {
    fn new(listening: &Listening, router: Router) -> Server {
        // No client of this API speaks HTTP/2, and while the protocol is still open no time limit holds.
        let mut builder = Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(listening.header_timeout);
        Server { builder, router, tls: listening.tls.clone(), telemetry: listening.telemetry.clone() }
    }

    /// Serves one connection to its end. A broken one is the client's affair; there is nobody left to tell.
    async fn serve(self, stream: TcpStream, place: OwnedSemaphorePermit, watcher: Watcher) {
        self.telemetry.connected();
        let stream = Stall::new(stream, UNREAD);
        match &self.tls {
            None => self.speak(stream, watcher).await,
            Some(tls) => match tokio::time::timeout(HANDSHAKE, tls.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.speak(stream, watcher).await,
                Ok(Err(error)) => {
                    tracing::debug!(target: "librato_apply::serve", %error, "a TLS handshake failed");
                }
                Err(_) => tracing::debug!(target: "librato_apply::serve", "a TLS handshake took too long"),
            },
        }
        self.telemetry.disconnected();
        drop(place);
    }

    async fn speak(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, watcher: Watcher) {
        let service = TowerToHyperService::new(self.router.clone());
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let _ = watcher.watch(connection).await;
    }
}
