//! Lines of bounded length out of a reader. Knows nothing of what they mean.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

/// The longest line in bytes; what follows of it is passed over, so that no input takes endless memory.
const LONGEST: usize = 1 << 20;

/// How much is read at once.
const CHUNK: usize = 1 << 16;

pub(super) struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    /// How many lines were read.
    pub number: u64,
}

impl<R: Read> Lines<R> {
    pub fn new(input: R) -> Self {
        let input = BufReader::with_capacity(CHUNK, input);
        Self { input, buffer: Vec::new(), number: 0 }
    }

    /// The next line without its end, or why it cannot be used; `None` is the end of the input.
    pub fn next_line(&mut self) -> io::Result<Option<Result<&str, String>>> {
        self.buffer.clear();
        let (mut any, mut too_long) = (false, false);
        loop {
            let chunk = match self.input.fill_buf() {
                Ok(chunk) => chunk,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if chunk.is_empty() {
                break;
            }
            any = true;
            let end = memchr::memchr(b'\n', chunk);
            let part = &chunk[..end.unwrap_or(chunk.len())];
            too_long |= self.buffer.len() + part.len() > LONGEST;
            if !too_long {
                self.buffer.extend_from_slice(part);
            }
            let used = end.map_or(chunk.len(), |end| end + 1);
            self.input.consume(used);
            if end.is_some() {
                break;
            }
        }
        if !any {
            return Ok(None);
        }
        self.number += 1;
        if too_long {
            return Ok(Some(Err(format!("the line is longer than {} MiB", LONGEST >> 20))));
        }
        let line = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
        // Editors on Windows put one before the first line.
        let line = line.strip_prefix(b"\xef\xbb\xbf").filter(|_| self.number == 1).unwrap_or(line);
        Ok(Some(std::str::from_utf8(line).map_err(|_| "the line is not UTF-8".to_owned())))
    }

    pub fn is_drained(&self) -> bool {
        self.input.buffer().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end() {
        let text = b"\xef\xbb\xbfa\r\n\nb\xff\nlast".as_slice();
        let mut lines = Lines::new(text);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            found.push(line.map(str::to_owned));
        }
        let not_utf8 = Err("the line is not UTF-8".to_owned());
        assert_eq!(found, [Ok("a".to_owned()), Ok(String::new()), not_utf8, Ok("last".to_owned())]);
        assert_eq!(lines.number, 4);
    }

    #[test]
    fn endless_lines_take_no_endless_memory() {
        let text = io::repeat(b'x').take(20 << 20).chain(b"\nshort\n".as_slice());
        let mut lines = Lines::new(text);
        assert!(lines.next_line().unwrap().unwrap().unwrap_err().contains("longer than 1 MiB"));
        assert_eq!(lines.next_line().unwrap().unwrap(), Ok("short"));
        assert!(lines.buffer.capacity() <= 2 << 20);
    }
}
