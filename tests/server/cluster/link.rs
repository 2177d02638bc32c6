//! A way to a server of PostgreSQL, etcd or Patroni on this machine that can be long, or cut: what is on it then waits, as in a network whose
//! cable was pulled. Knows nothing of what it carries.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep_until};

/// Where it leads.
#[derive(Clone)]
pub enum End {
    Port(u16),
    Socket(PathBuf),
}

/// Connections end with it.
pub struct Link {
    /// Where it begins, on the loopback.
    pub port: u16,
    cut: Arc<watch::Sender<bool>>,
    carrier: JoinHandle<()>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

impl Link {
    /// A way on which every byte takes `time`, in each direction.
    pub async fn to(end: End, time: Duration) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let cut = Arc::new(watch::Sender::new(false));
        let is_cut = cut.subscribe();
        let carrier = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(connect(client, end.clone(), time, is_cut.clone()));
            }
        });
        Link { port, cut, carrier }
    }

    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

async fn connect(client: TcpStream, end: End, time: Duration, mut is_cut: watch::Receiver<bool>) {
    if is_cut.wait_for(|cut| !cut).await.is_err() {
        return;
    }
    let server: Box<dyn Stream> = match end {
        End::Port(port) => match TcpStream::connect(("127.0.0.1", port)).await {
            Ok(server) => Box::new(server),
            Err(_) => return,
        },
        End::Socket(path) => match UnixStream::connect(path).await {
            Ok(server) => Box::new(server),
            Err(_) => return,
        },
    };
    let _ = client.set_nodelay(true);
    let (from_client, to_client) = split(client);
    let (from_server, to_server) = split(server);
    // Where one direction ends, the other has nobody to come from.
    tokio::select! {
        () = carry(from_client, to_server, time, is_cut.clone()) => {}
        () = carry(from_server, to_client, time, is_cut) => {}
    }
}

/// Carries bytes in one direction until either side closes.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    time: Duration,
    mut is_cut: watch::Receiver<bool>,
) {
    let (sender, mut on_the_way) = mpsc::channel::<(Instant, Vec<u8>)>(64);
    let take = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if sender.send((Instant::now() + time, bytes[..count].to_vec())).await.is_err() {
                break;
            }
        }
        drop(sender);
    };
    let give = async {
        while let Some((due, bytes)) = on_the_way.recv().await {
            sleep_until(due).await;
            if is_cut.wait_for(|cut| !cut).await.is_err() || to.write_all(&bytes).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    };
    tokio::join!(take, give);
}
