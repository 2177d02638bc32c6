//! Requests written byte by byte, for what no proper client would send.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use base64::Engine as _;

use crate::server::{Server, TOKEN, USER};

pub fn basic() -> String {
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}")))
}

pub fn connect(server: &Server) -> TcpStream {
    let stream = TcpStream::connect(&server.host).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    stream
}

/// The head of a request with credentials and more header lines.
pub fn head(method: &str, path: &str, more: &str) -> String {
    let basic = basic();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: x\r\nauthorization: {basic}\r\ncontent-type: application/json\r\n{more}\r\n"
    )
}

/// Sends the bytes and reads until the server closes the connection. A server that has answered may stop reading.
pub fn converse(server: &Server, bytes: &[u8]) -> String {
    let mut stream = connect(server);
    let _ = stream.write_all(bytes);
    until_closed(&mut stream)
}

/// What comes until the other side closes or resets the connection.
pub fn until_closed(stream: &mut TcpStream) -> String {
    let (mut all, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut chunk) {
            Ok(0) => break,
            Ok(length) => all.extend_from_slice(&chunk[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
            Err(error) => panic!("the server does not close the connection: {error}"),
        }
    }
    String::from_utf8_lossy(&all).into_owned()
}
