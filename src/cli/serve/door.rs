//! Where connections come in: at an address that is taken here, or at a socket that systemd listens on and hands over
//! (`packaging/librato-apply.socket`), so that connections wait while the server is restarted, and ports below 1024 need no administrator.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use librato_apply::diag::in_plain_words;
use tokio::net::{TcpListener, TcpSocket};

use crate::cli::{Exit, Stop};

/// Connections that wait to be taken.
const BACKLOG: u32 = 1024;

/// A place for connections.
pub enum Door {
    /// Until it listens no one can connect, and no one else can have the address.
    Taken(TcpSocket, SocketAddr),
    /// Whoever handed it over listens.
    Handed(TcpListener, SocketAddr),
}

impl Door {
    /// The socket that was handed over, else the address.
    pub fn open(address: SocketAddr) -> Result<Door, Stop> {
        let handed = handed().and_then(|handed| {
            handed
                .map(|listener| listener.local_addr().map(|address| Door::Handed(listener, address)))
                .transpose()
        });
        if let Some(door) = handed.map_err(|error| unusable(&error))? {
            return Ok(door);
        }
        let socket = bind(address).map_err(|error| unheard(address, &error))?;
        Ok(Door::Taken(socket, address))
    }

    /// Where that is. Port 0 has no number yet.
    pub fn address(&self) -> SocketAddr {
        match self {
            Door::Taken(_, address) | Door::Handed(_, address) => *address,
        }
    }

    /// Lets connections in.
    pub fn listen(self) -> Result<TcpListener, Stop> {
        match self {
            Door::Taken(socket, address) => socket.listen(BACKLOG).map_err(|error| unheard(address, &error)),
            Door::Handed(listener, _) => Ok(listener),
        }
    }
}

/// The socket that whoever started this process listens on (`LISTEN_FDS`). Of several it is not known what the others are for.
#[cfg(unix)]
fn handed() -> io::Result<Option<TcpListener>> {
    let mut all = sd_listen_fds::get().map_err(io::Error::other)?;
    let Some((_, handed)) = all.pop() else { return Ok(None) };
    if !all.is_empty() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "there are several, and one is served"));
    }
    let handed = handed.into_std();
    // Nobody who is started here shall hold on to it.
    rustix::io::fcntl_setfd(&handed, rustix::io::FdFlags::CLOEXEC)?;
    let listener = std::net::TcpListener::from(handed);
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener).map(Some)
}

/// Nobody hands one over.
#[cfg(not(unix))]
fn handed() -> io::Result<Option<TcpListener>> {
    Ok(None)
}

/// Takes the address without listening yet.
fn bind(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A server that was just stopped leaves connections behind that have not quite ended.
    #[cfg(unix)]
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

/// Why the socket that was handed over is none to serve at.
fn unusable(error: &io::Error) -> Stop {
    let help = "let the socket unit have one ListenStream=, an address or a port of TCP".to_owned();
    let message =
        format!("cannot use the socket that was handed over (LISTEN_FDS): {}", in_plain_words(error));
    Stop { exit: Exit::Error, message, help: vec![help] }
}

/// Why nobody would be heard at an address, and what to do about it.
fn unheard(address: SocketAddr, error: &io::Error) -> Stop {
    let help = match error.kind() {
        ErrorKind::AddrInUse => Some(
            "end that program, or take another port: --listen HOST:PORT, where port 0 is any that is free",
        ),
        ErrorKind::PermissionDenied => Some(
            "take another port by --listen HOST:PORT, let systemd hand over its socket (docs/operate.md), or give the program the \
             capability CAP_NET_BIND_SERVICE",
        ),
        ErrorKind::AddrNotAvailable => {
            Some("this machine has no such address: --listen takes one that it has, or 0.0.0.0 for all")
        }
        _ => None,
    };
    let why = match error.kind() {
        ErrorKind::PermissionDenied if address.port() < 1024 => {
            "this user has no right to ports below 1024".to_owned()
        }
        _ => in_plain_words(error),
    };
    let message = format!("cannot listen on {address}: {why}");
    Stop { exit: Exit::Error, message, help: help.map(str::to_owned).into_iter().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_have_a_port_is_told_how_to_get_one() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        let stop = unheard(([127, 0, 0, 1], 80).into(), &denied);
        assert_eq!(stop.message, "cannot listen on 127.0.0.1:80: this user has no right to ports below 1024");
        assert!(stop.help.concat().contains("CAP_NET_BIND_SERVICE"), "{:?}", stop.help);
        let other = unheard(([127, 0, 0, 1], 8080).into(), &denied);
        assert!(!other.message.contains("1024"), "{}", other.message);
    }
}
