//! A loopback proxy that stands for the network: each request reaches the service after the same time, however long it is.
//! Counts requests. Knows of HTTP only that a client which speaks after an answer begins a new request.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// How long a request is on its way.
pub const DELAY: Duration = Duration::from_millis(50);

/// A running proxy; its threads end with their connections.
pub struct Wire {
    addr: SocketAddr,
    requests: Arc<AtomicU64>,
}

impl Wire {
    /// Listens on a free port.
    pub fn to(host: &str, delay: Duration) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (addr, requests) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let (service, counter) = (host.to_owned(), Arc::clone(&requests));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if let Ok(service) = TcpStream::connect(&service) {
                    connect(client, service, delay, Arc::clone(&counter));
                }
            }
        });
        Wire { addr, requests }
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.addr.to_string()
    }

    /// How many requests came since the last call of this.
    pub fn take_requests(&self) -> u64 {
        self.requests.swap(0, Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, service: TcpStream, delay: Duration, requests: Arc<AtomicU64>) {
    client.set_nodelay(true).unwrap();
    service.set_nodelay(true).unwrap();
    let answered = Arc::new(AtomicBool::new(true));
    let (back, there) = ((service.try_clone().unwrap(), client.try_clone().unwrap()), Arc::clone(&answered));
    thread::spawn(move || {
        pump(client, service, || {
            if answered.swap(false, Ordering::SeqCst) {
                requests.fetch_add(1, Ordering::SeqCst);
                thread::sleep(delay);
            }
        });
    });
    thread::spawn(move || pump(back.0, back.1, || there.store(true, Ordering::SeqCst)));
}

/// Carries bytes until either side ends, calling `before` for each piece.
fn pump(mut from: TcpStream, mut to: TcpStream, before: impl Fn()) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        before();
        if to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
