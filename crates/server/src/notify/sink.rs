//! A far end for tests: it notes what it is sent and answers as it is told to, well or badly.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it does with a request.
pub enum Act {
    /// Sends these bytes and closes.
    Raw(String),
    /// Sends these bytes, and then nothing more, but stays.
    Hang(String),
    /// Closes without an answer, although it read everything.
    Cut,
    /// Says 200 and never stops talking.
    Endless,
}

/// An answer with a body.
pub fn answer(status: u16, headers: &str, body: &str) -> Act {
    Act::Raw(format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
        body.len()
    ))
}

/// A far end on a port of its own.
pub struct Sink {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<String>>>,
}

impl Sink {
    /// One that does what `act` says of the number and the text of each request.
    pub async fn start(act: impl Fn(usize, &str) -> Act + Send + Sync + 'static) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let (noted, act) = (Arc::clone(&requests), Arc::new(act));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&noted), Arc::clone(&act)));
            }
        });
        Sink { address, requests }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook/s3cret", self.address)
    }

    pub fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

async fn converse(
    mut stream: TcpStream,
    noted: Arc<Mutex<Vec<String>>>,
    act: Arc<impl Fn(usize, &str) -> Act + Send + Sync + 'static>,
) {
    let Some(request) = read(&mut stream).await else { return };
    let number = {
        let mut noted = noted.lock().unwrap();
        noted.push(request.clone());
        noted.len() - 1
    };
    match act(number, &request) {
        Act::Raw(bytes) => _ = stream.write_all(bytes.as_bytes()).await,
        Act::Hang(bytes) => {
            let _ = stream.write_all(bytes.as_bytes()).await;
            // Until the other side goes.
            let _ = stream.read(&mut [0; 64]).await;
        }
        Act::Cut => {}
        Act::Endless => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await;
            while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
        }
    }
}

/// A request with its whole body.
async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut all = Vec::new();
    let mut part = [0; 8192];
    loop {
        let text = String::from_utf8_lossy(&all).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.to_ascii_lowercase();
            let length = length.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return Some(text);
            }
        }
        match stream.read(&mut part).await.ok()? {
            0 => return None,
            count => all.extend_from_slice(&part[..count]),
        }
    }
}
