//! HTTP by hand over one kept connection: what a request costs here is next to nothing, so that a server is measured and not its
//! client.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use base64::Engine as _;

use crate::service::{TOKEN, USER};

/// A connection to a server.
pub struct Kept {
    stream: BufReader<TcpStream>,
}

impl Kept {
    pub fn to(host: &str) -> Kept {
        let stream = TcpStream::connect(host).unwrap();
        stream.set_nodelay(true).unwrap();
        Kept { stream: BufReader::with_capacity(1 << 16, stream) }
    }

    /// Sends a request and reads its whole answer, which must be a success.
    pub fn exchange(&mut self, request: &[u8]) -> Vec<u8> {
        self.stream.get_mut().write_all(request).unwrap();
        let (mut line, mut length, mut status, mut chunked) = (String::new(), 0, None, false);
        loop {
            line.clear();
            assert!(self.stream.read_line(&mut line).unwrap() > 0, "the server hung up");
            let text = line.trim_end();
            if text.is_empty() {
                break;
            }
            if status.is_none() {
                status = text.split(' ').nth(1).map(str::to_owned);
            } else if let Some((name, value)) = text.split_once(':') {
                match name.to_ascii_lowercase().as_str() {
                    "content-length" => length = value.trim().parse().unwrap(),
                    "transfer-encoding" => chunked = value.trim() == "chunked",
                    _ => {}
                }
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        while chunked {
            line.clear();
            self.stream.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            let mut chunk = vec![0; length + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            body.extend_from_slice(&chunk[..length]);
            chunked = length > 0;
        }
        let status = status.unwrap_or_default();
        assert!(status.starts_with('2'), "{status}: {}", String::from_utf8_lossy(&body));
        body
    }
}

/// A whole request, body and all; `path` begins with `/v1`.
pub fn request(method: &str, path: &str, body: &str) -> Vec<u8> {
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{USER}:{TOKEN}"));
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Basic {credentials}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
