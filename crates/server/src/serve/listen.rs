//! Connections: accepts them, bounds them, and lets them finish before the store is closed.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt as _;

use super::connections::{Busy, Connections, Place};
use super::http::address::{Network, Peer, household};
use super::write_timeout::WriteTimeout;
use super::{Evaluator, Store, Telemetry, Tls};

/// How long a TLS handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How often the server makes sure that its data file is still there.
const LOOK: Duration = Duration::from_secs(1);
/// How long a client may refuse to read an answer.
const UNREAD: Duration = Duration::from_secs(30);

/// How long clients that are sending the headers of a request may go on with it after the shutdown began.
const LAST_HEADER: Duration = Duration::from_secs(1);

/// How connections are treated; [`Listening::default`] is right for most.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Listening {
    /// A client that takes longer to send the headers of its next request is cut off; this also ends idle
    /// connections. A minute by default, since many emitters report once a minute.
    pub header_timeout: Duration,
    /// How long the headers of a request may take from the start of the connection, and later from their first
    /// byte. 10 s by default; never longer than `header_timeout`.
    pub first_header: Duration,
    /// Connections served at one time. For a new one the one goes that has waited longest for a request; where none
    /// waits, the new one does. One address gets half of them, unless it is of this machine or a trusted proxy. 1024 by
    /// default.
    pub max_connections: usize,
    /// Proxies, whose connections are those of many clients: see [`Options`](super::Options). None by default.
    pub trusted_proxies: Vec<Network>,
    /// How long requests in flight may take after the shutdown began. 30 s by default.
    pub drain: Duration,
    /// The certificate to offer; without one the server speaks plain HTTP.
    pub tls: Option<Tls>,
    /// What counts the connections: that of the router's [`Options`](super::Options).
    pub telemetry: Telemetry,
    /// Who evaluates the alerts of the store; ended before that is closed. No one by default.
    pub evaluation: Option<Evaluator>,
}

impl Default for Listening {
    fn default() -> Listening {
        Listening {
            header_timeout: Duration::from_secs(60),
            first_header: Duration::from_secs(10),
            max_connections: 1024,
            trusted_proxies: Vec::new(),
            drain: Duration::from_secs(30),
            tls: None,
            telemetry: Telemetry::default(),
            evaluation: None,
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
        let connections = Connections::new(self.max_connections);
        let headers = tokio::spawn(connections.clone().watch_headers(self.first_header));
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
                accepted = self.accept(&listener, &connections) => accepted,
            };
            let Some((stream, from, place)) = accepted else { continue };
            tokio::spawn(server.clone().serve(stream, from, place, graceful.watcher()));
        }
        drop((listener, server));
        headers.abort();
        let late = async {
            // Idle connections end at once, but who has begun with headers would be waited for.
            tokio::time::sleep(LAST_HEADER).await;
            connections.close_waiting();
            tokio::time::sleep(self.drain.saturating_sub(LAST_HEADER)).await;
        };
        let in_time = tokio::select! {
            () = graceful.shutdown() => true,
            () = late => false,
        };
        if !in_time {
            tracing::warn!(target: "librato_apply::serve", "some requests did not finish in time and were cut off");
        }
        let evaluation = self.evaluation.clone();
        let close = move || {
            if let Some(evaluation) = evaluation {
                evaluation.stop();
            }
            store.close();
        };
        let closed = tokio::task::spawn_blocking(close).await;
        closed.map_err(|error| io::Error::other(format!("the server did not close its file: {error}")))?;
        failure.map_or(Ok(()), Err)
    }

    /// The next connection and its place; `None` after a failure worth another try, or when it gets no place.
    async fn accept(
        &self,
        listener: &TcpListener,
        connections: &Connections,
    ) -> Option<(TcpStream, SocketAddr, Place)> {
        match listener.accept().await {
            Ok((stream, from)) => {
                // Answers are small; waiting to fill a segment only delays them.
                let _ = stream.set_nodelay(true);
                let place = connections.enter(self.shares(from)).await;
                if place.is_none() {
                    tracing::debug!(target: "librato_apply::serve", peer = %from, "one address has too many connections");
                }
                Some((stream, from, place?))
            }
            Err(error) => {
                tracing::warn!(target: "librato_apply::serve", %error, "cannot accept a connection");
                // Out of file descriptors: make room, and give the connections at hand time to end.
                connections.close_longest();
                tokio::time::sleep(Duration::from_millis(100)).await;
                None
            }
        }
    }

    /// What a connection from there counts for; `None` where many clients come from one address.
    fn shares(&self, from: SocketAddr) -> Option<std::net::IpAddr> {
        let address = from.ip().to_canonical();
        let many = address.is_loopback() || Network::any(&self.trusted_proxies, address);
        (!many).then(|| household(address))
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

    /// Serves one connection to its end. A broken one is the client's affair; there is no one left to tell.
    async fn serve(self, stream: TcpStream, from: SocketAddr, place: Place, watcher: Watcher) {
        self.telemetry.connected();
        let place = Arc::new(place);
        tokio::select! {
            () = self.converse(stream, from, &place, watcher) => {}
            () = place.closed() => {}
        }
        self.telemetry.disconnected();
    }

    async fn converse(&self, stream: TcpStream, from: SocketAddr, place: &Arc<Place>, watcher: Watcher) {
        let heard = Arc::clone(place);
        let stream = WriteTimeout::new(stream, UNREAD, move || heard.heard());
        let peer = Peer { address: from.ip(), secure: self.tls.is_some() };
        let Some(tls) = &self.tls else { return self.speak(stream, peer, place, watcher).await };
        match tokio::time::timeout(HANDSHAKE, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.speak(stream, peer, place, watcher).await,
            Ok(Err(error)) => {
                tracing::debug!(target: "librato_apply::serve", %error, "a TLS handshake failed");
            }
            Err(_) => tracing::debug!(target: "librato_apply::serve", "a TLS handshake took too long"),
        }
    }

    async fn speak(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: Peer,
        place: &Arc<Place>,
        watcher: Watcher,
    ) {
        let service = service_fn(|mut request: Request<Incoming>| async move {
            let Some(busy) = place.begin() else {
                return Err(io::Error::from(io::ErrorKind::ConnectionAborted));
            };
            request.extensions_mut().insert(peer);
            match self.router.clone().oneshot(request).await {
                Ok(response) => Ok(response.map(|body| Answered { body, _busy: busy })),
                Err(never) => match never {},
            }
        });
        let connection = self.builder.serve_connection(TokioIo::new(stream), service);
        let _ = watcher.watch(connection).await;
    }
}

/// The body of an answer, at whose end the connection waits for the next request.
struct Answered {
    body: Body,
    _busy: Busy,
}

impl HttpBody for Answered {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::oneshot;

    use super::*;
    use crate::serve::Data;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

    async fn until_closed(mut stream: TcpStream) -> String {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).await.unwrap();
        String::from_utf8(all).unwrap()
    }

    /// The time for idle connections is a minute, which these do not wait for.
    #[tokio::test]
    async fn headers_that_have_begun_have_a_short_time() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let store = Store::open(&Data::Memory).unwrap();
        let listening = Listening { first_header: Duration::from_millis(100), ..Listening::default() };
        let router = Router::new().route("/", get(async || "answer"));
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(listening.run(listener, router, store, async { _ = stopped.await }));
        let connect = async |sent: &[u8]| {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(sent).await.unwrap();
            stream
        };
        let mut idle = connect(REQUEST).await;
        assert_eq!(until_closed(connect(b"").await).await, "");
        assert_eq!(until_closed(connect(b"GET / HT").await).await, "");
        let mut second = connect(REQUEST).await;
        let mut answer = [0; 4096];
        assert!(second.read(&mut answer).await.unwrap() > 0);
        second.write_all(b"GET / HTTP/1.1\r\n").await.unwrap();
        assert_eq!(until_closed(second).await, "");
        // this one had nothing begun all the while
        assert!(idle.read(&mut answer).await.unwrap() > 0);
        idle.write_all(REQUEST).await.unwrap();
        assert!(idle.read(&mut answer).await.unwrap() > 0);
        stop.send(()).unwrap();
        assert_eq!(until_closed(idle).await, "");
        server.await.unwrap().unwrap();
    }
}
