//! A loopback proxy that breaks HTTP/1.1 exchanges on purpose, one by one, as a plan says.
//! It buffers whole requests and whole answers, so a fault strikes exactly before or after the service has
//! executed a request. It knows message boundaries and nothing of what the messages mean.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)] // shared by several tests, none of which uses all

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The connection is reset; nothing is forwarded.
    Refuse,
    /// Forwarded after this time.
    Delay(Duration),
    /// The connection is closed in good order; nothing is forwarded.
    CutBeforeForward,
    /// Executed; the answer is dropped and the connection closed.
    CutAfterExecuted,
    /// No answer. Executed once the client has given up and closed its connection.
    LateExecute,
    /// 429 with `Retry-After` in seconds; nothing is forwarded.
    TooManyRequests { retry_after: Option<u64> },
    /// 503, as the API says it or as a gateway does; nothing is forwarded.
    Unavailable503 { html: bool },
    /// Executed; the answer is cut in the middle of its body. A body of known length is sent with a length to
    /// match the cut, so that only the JSON tells; another one breaks off with the connection. Does nothing to
    /// answers without a body.
    TruncatedJson,
    /// An HTML page with this status; nothing is forwarded.
    HtmlErrorPage(u16),
    /// Executed; the answer is replaced by a gateway's 502 page.
    BadGatewayAfterExecuted,
}

/// One request that came in. The index counts all requests of the proxy from 0, in the order they were complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestInfo {
    pub index: usize,
    pub method: String,
    /// Path and query as on the request line.
    pub path: String,
}

/// The running proxy. Dropping it ends all of its tasks.
pub struct FaultProxy {
    addr: SocketAddr,
    shared: Arc<Shared>,
    acceptor: JoinHandle<()>,
}

struct Shared {
    upstream: SocketAddr,
    plan: Box<dyn Fn(RequestInfo) -> Option<Fault> + Send + Sync>,
    requests: Mutex<Vec<RequestInfo>>,
    connections: AtomicUsize,
    late: watch::Sender<usize>,
}

impl FaultProxy {
    /// Listens on a free loopback port and forwards to `upstream` what `plan` lets through.
    pub async fn start(
        upstream: SocketAddr,
        plan: impl Fn(RequestInfo) -> Option<Fault> + Send + Sync + 'static,
    ) -> FaultProxy {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("a bound address");
        let (plan, late) = (Box::new(plan), watch::Sender::new(0));
        let shared = Arc::new(Shared {
            upstream,
            plan,
            requests: Mutex::default(),
            connections: AtomicUsize::new(0),
            late,
        });
        let acceptor = tokio::spawn(accept(listener, Arc::clone(&shared)));
        FaultProxy { addr, shared, acceptor }
    }

    /// Where clients connect.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<RequestInfo> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// How many connections clients have made so far.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::Relaxed)
    }

    /// Waits until no late execution is outstanding. Their clients must have given up, or this waits for that.
    pub async fn drained(&self) {
        let _ = self.shared.late.subscribe().wait_for(|outstanding| *outstanding == 0).await;
    }

    /// Ends the proxy, its connections and its outstanding executions; nothing is forwarded any more.
    pub async fn stop(mut self) {
        self.acceptor.abort();
        let _ = (&mut self.acceptor).await;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

/// Owns the tasks of all connections, so that they end with it.
async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    shared.connections.fetch_add(1, Ordering::Relaxed);
                    connections.spawn(serve(client, Arc::clone(&shared)));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one client connection until either side, or a fault, ends it.
async fn serve(mut client: TcpStream, shared: Arc<Shared>) {
    let _ = client.set_nodelay(true);
    let mut unread = Vec::new();
    while let Ok(Some(request)) = read_request(&mut client, &mut unread).await {
        let fault = (shared.plan)(shared.note(&request));
        match exchange(&mut client, &request, fault, &shared).await {
            Ok(true) => {}
            Ok(false) | Err(_) => return,
        }
    }
}

/// Carries out one exchange; whether the connection can go on.
async fn exchange(
    client: &mut TcpStream,
    request: &Message,
    fault: Option<Fault>,
    shared: &Shared,
) -> io::Result<bool> {
    let page = |status: u16, html: bool, extra: &str| Message::page(status, html, extra);
    let answer = match fault {
        Some(Fault::Refuse) => return client.set_zero_linger().map(|()| false),
        Some(Fault::CutBeforeForward) => return Ok(false),
        Some(Fault::CutAfterExecuted) => return shared.forward(request).await.map(|_| false),
        Some(Fault::LateExecute) => return shared.forward_late(client, request).await.map(|()| false),
        Some(Fault::TooManyRequests { retry_after }) => {
            page(429, false, &retry_after.map(|s| format!("retry-after: {s}\r\n")).unwrap_or_default())
        }
        Some(Fault::Unavailable503 { html }) => page(503, html, ""),
        Some(Fault::HtmlErrorPage(status)) => page(status, true, ""),
        Some(Fault::BadGatewayAfterExecuted) => shared.forward(request).await.map(|_| page(502, true, ""))?,
        Some(Fault::TruncatedJson) => shared.forward(request).await?.truncated(),
        Some(Fault::Delay(time)) => {
            tokio::time::sleep(time).await;
            shared.forward(request).await?
        }
        None => shared.forward(request).await?,
    };
    client.write_all(&answer.bytes()).await?;
    // Where the length is not told, only the end of the connection ends the answer.
    Ok(answer.header("content-length").is_some() || matches!(answer.status(), 204 | 304))
}

impl Shared {
    fn note(&self, request: &Message) -> RequestInfo {
        let mut words = request.start.split(' ').map(str::to_owned);
        let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut requests = self.requests.lock().unwrap();
        let info = RequestInfo { index: requests.len(), method, path };
        requests.push(info.clone());
        info
    }

    /// Has the service execute `request`, on a connection of its own, and reads the whole answer.
    async fn forward(&self, request: &Message) -> io::Result<Message> {
        let mut upstream = TcpStream::connect(self.upstream).await?;
        upstream.set_nodelay(true)?;
        // The service closes after its answer, so the end of the stream is the end of the answer.
        upstream.write_all(&request.with_header("connection", Some("close")).bytes()).await?;
        let mut answer = Vec::new();
        upstream.read_to_end(&mut answer).await?;
        let end = head_end(&answer).ok_or(io::ErrorKind::UnexpectedEof)?;
        let body = answer.split_off(end);
        Ok(Message::parse(&answer, body)?.with_header("connection", None))
    }

    /// Waits for the client to hang up, then has the request executed.
    async fn forward_late(&self, client: &mut TcpStream, request: &Message) -> io::Result<()> {
        let _outstanding = Outstanding::new(&self.late);
        let mut rest = [0; 64];
        while client.read(&mut rest).await.is_ok_and(|count| count > 0) {}
        self.forward(request).await.map(|_| ())
    }
}

/// Counts a late execution for as long as it lives, also when its task is aborted.
struct Outstanding<'a>(&'a watch::Sender<usize>);

impl<'a> Outstanding<'a> {
    fn new(late: &'a watch::Sender<usize>) -> Self {
        late.send_modify(|outstanding| *outstanding += 1);
        Outstanding(late)
    }
}

impl Drop for Outstanding<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|outstanding| *outstanding -= 1);
    }
}

/// A request or an answer: start line, header lines, and the body as it came (chunks and all).
struct Message {
    start: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Message {
    fn parse(head: &[u8], body: Vec<u8>) -> io::Result<Self> {
        let head = std::str::from_utf8(head).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut lines = head.split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers = lines.filter_map(|line| line.split_once(':'));
        let headers =
            headers.map(|(key, value)| (key.to_ascii_lowercase(), value.trim().to_owned())).collect();
        Ok(Self { start, headers, body })
    }

    fn page(status: u16, html: bool, extra: &str) -> Self {
        let (kind, body) = match html {
            true => ("text/html", format!("<html><head><title>{status} fault</title></head><body/></html>")),
            false => ("application/json", r#"{"errors":{"request":["fault injected"]}}"#.to_owned()),
        };
        let head = format!(
            "HTTP/1.1 {status} Fault\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n{extra}",
            body.len()
        );
        Self::parse(head.as_bytes(), body.into_bytes()).expect("a head of our own")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn with_header(&self, name: &str, value: Option<&str>) -> Self {
        let mut headers: Vec<_> = self.headers.iter().filter(|(key, _)| key != name).cloned().collect();
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
        Self { start: self.start.clone(), headers, body: self.body.clone() }
    }

    fn status(&self) -> u16 {
        self.start.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
    }

    fn truncated(mut self) -> Self {
        self.body.truncate(self.body.len() / 2);
        match self.header("content-length") {
            Some(_) => self.with_header("content-length", Some(&self.body.len().to_string())),
            None => self,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let headers: String = self.headers.iter().map(|(key, value)| format!("{key}: {value}\r\n")).collect();
        [format!("{}\r\n{headers}\r\n", self.start).as_bytes(), &self.body].concat()
    }
}

fn head_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|start| start + 4)
}

/// The next whole request, or none when the client has closed; what was read beyond it stays in `unread`.
async fn read_request(client: &mut TcpStream, unread: &mut Vec<u8>) -> io::Result<Option<Message>> {
    let end = loop {
        if let Some(end) = head_end(unread) {
            break end;
        }
        if client.read_buf(unread).await? == 0 {
            return Ok(None);
        }
    };
    let rest = unread.split_off(end);
    let mut request = Message::parse(&std::mem::replace(unread, rest), Vec::new())?;
    let chunked = request.header("transfer-encoding").is_some_and(|coding| coding.contains("chunked"));
    let length = request.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let end = loop {
        match if chunked { chunks_end(unread) } else { Some(length).filter(|length| *length <= unread.len()) }
        {
            Some(end) => break end,
            None if client.read_buf(unread).await? == 0 => return Ok(None),
            None => {}
        }
    };
    let rest = unread.split_off(end);
    request.body = std::mem::replace(unread, rest);
    Ok(Some(request))
}

/// Where a chunked body ends, if it is all there. Trailers are not known here.
fn chunks_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        let line = bytes.get(at..)?.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[at..at + line]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        at += line + 2 + size + 2;
        if size == 0 {
            return (at <= bytes.len()).then_some(at);
        }
    }
}
