//! The few messages of Prometheus' remote read, in the wire format of protocol buffers: a request read from bytes that anybody may
//! have sent, an answer written as it grows. Pure; fields it does not know are passed over, as the format wants it.

use super::matching::{Comparison, Matcher, Unfit};

/// Questions in one request: Prometheus sends one.
pub const MOST_QUERIES: usize = 32;

/// Matchers in one question.
pub const MOST_MATCHERS: usize = 64;

/// Samples as they are, the one form in which this server answers.
const SAMPLES: u64 = 0;

/// What a Prometheus asks.
#[derive(Debug, PartialEq)]
pub struct ReadRequest {
    pub queries: Vec<Query>,
}

/// The series that all matchers take, and the time that is asked about: milliseconds, both ends included.
#[derive(Debug, Default, PartialEq)]
pub struct Query {
    pub start: i64,
    pub end: i64,
    pub matchers: Vec<Matcher>,
}

/// Why bytes are no request that is answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("The body is no request of remote read: it is not in the form of protocol buffers.")]
    Malformed,
    #[error("The body has more than {MOST_QUERIES} queries.")]
    Queries,
    #[error("A query has more than {MOST_MATCHERS} matchers.")]
    Matchers,
    #[error("This server answers with samples alone, which the request does not accept.")]
    Form,
    #[error("A matcher of the label {label:?} {why}.")]
    Matcher { label: String, why: Unfit },
}

/// The value of a field, by its type on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Eight or four bytes, which no field that is read here has.
    Fixed,
}

/// Reads the fields of one message.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Result<u64, Unreadable> {
        let mut value = 0;
        for place in 0..10 {
            let (byte, rest) = self.0.split_first().ok_or(Unreadable::Malformed)?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f).checked_shl(7 * place).unwrap_or(0);
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Unreadable::Malformed)
    }

    fn take(&mut self, length: u64) -> Result<&'a [u8], Unreadable> {
        let length = usize::try_from(length).map_err(|_| Unreadable::Malformed)?;
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    /// Number and value of the next field; `None` at the end.
    fn next(&mut self) -> Result<Option<(u64, Wire<'a>)>, Unreadable> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Wire::Number(self.varint()?),
            1 => self.take(8).map(|_| Wire::Fixed)?,
            2 => {
                let length = self.varint()?;
                Wire::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Wire::Fixed)?,
            _ => return Err(Unreadable::Malformed),
        };
        Ok(Some((key >> 3, value)))
    }
}

impl ReadRequest {
    /// Reads one, within its bounds.
    ///
    /// # Errors
    /// When it is none, or more than is answered.
    pub fn decode(bytes: &[u8]) -> Result<ReadRequest, Unreadable> {
        let (mut fields, mut queries, mut forms) = (Fields(bytes), Vec::new(), Vec::new());
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Bytes(query)) => {
                    if queries.len() == MOST_QUERIES {
                        return Err(Unreadable::Queries);
                    }
                    queries.push(Query::decode(query)?);
                }
                (2, Wire::Number(form)) => forms.push(form),
                // a list of numbers is packed where someone likes that better
                (2, Wire::Bytes(packed)) => {
                    let mut packed = Fields(packed);
                    while !packed.0.is_empty() {
                        forms.push(packed.varint()?);
                    }
                }
                _ => {}
            }
        }
        if !forms.is_empty() && !forms.contains(&SAMPLES) {
            return Err(Unreadable::Form);
        }
        Ok(ReadRequest { queries })
    }
}

impl Query {
    fn decode(bytes: &[u8]) -> Result<Query, Unreadable> {
        let (mut fields, mut query) = (Fields(bytes), Query::default());
        while let Some(field) = fields.next()? {
            match field {
                (1, Wire::Number(time)) => query.start = time.cast_signed(),
                (2, Wire::Number(time)) => query.end = time.cast_signed(),
                (3, Wire::Bytes(matcher)) => {
                    if query.matchers.len() == MOST_MATCHERS {
                        return Err(Unreadable::Matchers);
                    }
                    query.matchers.push(matcher_of(matcher)?);
                }
                _ => {}
            }
        }
        Ok(query)
    }
}

fn matcher_of(bytes: &[u8]) -> Result<Matcher, Unreadable> {
    let (mut fields, mut kind, mut label, mut value) = (Fields(bytes), 0, "", "");
    let text = |bytes| str::from_utf8(bytes).map_err(|_| Unreadable::Malformed);
    while let Some(field) = fields.next()? {
        match field {
            (1, Wire::Number(number)) => kind = number,
            (2, Wire::Bytes(bytes)) => label = text(bytes)?,
            (3, Wire::Bytes(bytes)) => value = text(bytes)?,
            _ => {}
        }
    }
    let comparison = match kind {
        0 => Comparison::Is,
        1 => Comparison::IsNot,
        2 => Comparison::Like,
        3 => Comparison::Unlike,
        _ => return Err(Unreadable::Malformed),
    };
    Matcher::new(label, comparison, value)
        .map_err(|why| Unreadable::Matcher { label: label.chars().take(80).collect(), why })
}

/// The field `number` with these bytes.
fn bytes(out: &mut Vec<u8>, number: u8, bytes: &[u8]) {
    out.push(number << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Bytes that one sample takes at most.
pub const SAMPLE_BYTES: usize = 22;

/// A series as a field of the result of a query.
pub fn series<'a>(
    out: &mut Vec<u8>,
    labels: impl IntoIterator<Item = (&'a str, &'a str)>,
    samples: impl IntoIterator<Item = (i64, f64)>,
) {
    let (mut series, mut part) = (Vec::new(), Vec::new());
    for (name, value) in labels {
        part.clear();
        bytes(&mut part, 1, name.as_bytes());
        bytes(&mut part, 2, value.as_bytes());
        bytes(&mut series, 1, &part);
    }
    for (time, value) in samples {
        part.clear();
        part.push(1 << 3 | 1);
        part.extend_from_slice(&value.to_le_bytes());
        part.push(2 << 3);
        varint(&mut part, time.cast_unsigned());
        bytes(&mut series, 2, &part);
    }
    bytes(out, 1, &series);
}

/// The result of one query as a field of the answer.
pub fn result(out: &mut Vec<u8>, series: &[u8]) {
    bytes(out, 1, series);
}

#[cfg(any(test, fuzzing))]
impl ReadRequest {
    /// As a Prometheus would send it; for tests.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for query in &self.queries {
            let mut inner = vec![1 << 3];
            varint(&mut inner, query.start.cast_unsigned());
            inner.push(2 << 3);
            varint(&mut inner, query.end.cast_unsigned());
            for matcher in &query.matchers {
                let (label, comparison, value) = matcher.parts();
                let mut one = vec![1 << 3, comparison as u8];
                bytes(&mut one, 2, label.as_bytes());
                bytes(&mut one, 3, value.as_bytes());
                bytes(&mut inner, 3, &one);
            }
            bytes(&mut out, 1, &inner);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(matchers: &[(&str, Comparison, &str)]) -> Query {
        let matcher = |(label, how, value): &(&str, Comparison, &str)| Matcher::new(label, *how, value);
        let matchers = matchers.iter().map(|one| matcher(one).unwrap()).collect();
        Query { start: -5, end: i64::MAX, matchers }
    }

    #[test]
    fn what_is_asked_is_read_as_it_was_meant() {
        let all = [
            ("__name__", Comparison::Is, "up"),
            ("a", Comparison::IsNot, ""),
            ("b", Comparison::Like, "x.*|y"),
            ("ü", Comparison::Unlike, "[0-9]"),
        ];
        let request = ReadRequest { queries: vec![query(&all), query(&[])] };
        assert_eq!(ReadRequest::decode(&request.encode()), Ok(request));
    }

    /// Bytes of a Prometheus 2.42 for `up{a="b"}`, with hints, which are passed over.
    #[test]
    fn hints_and_forms_are_passed_over() {
        let mut sent = ReadRequest { queries: vec![query(&[])] }.encode();
        sent.extend([0x12, 0x02, 0x01, 0x00]);
        assert_eq!(ReadRequest::decode(&sent).unwrap().queries.len(), 1);
        assert_eq!(ReadRequest::decode(&[0x12, 0x01, 0x01]), Err(Unreadable::Form));
        assert_eq!(ReadRequest::decode(&[0x10, 0x01]), Err(Unreadable::Form), "chunks alone");
        assert_eq!(ReadRequest::decode(&[0x0a, 0x04, 0x22, 0x02, 0x08, 0x01]).unwrap().queries.len(), 1);
    }

    #[test]
    fn what_is_broken_or_too_much_is_refused() {
        for broken in [&[0x0a][..], &[0x0a, 0x05, 0x00], &[0xff; 11], &[0x0b], &[0x0a, 0x02, 0x1a, 0x09]] {
            assert_eq!(ReadRequest::decode(broken), Err(Unreadable::Malformed), "{broken:x?}");
        }
        let many = ReadRequest { queries: (0..33).map(|_| query(&[])).collect() };
        assert_eq!(ReadRequest::decode(&many.encode()), Err(Unreadable::Queries));
        let many = ReadRequest { queries: vec![query(&[("a", Comparison::Is, "b"); 65])] };
        assert_eq!(ReadRequest::decode(&many.encode()), Err(Unreadable::Matchers));
        // a{b=~"("} with the expression as it stands
        let wrong = [0x0a, 0x0a, 0x1a, 0x08, 0x08, 0x02, 0x12, 0x01, b'b', 0x1a, 0x01, b'('];
        let told = ReadRequest::decode(&wrong).unwrap_err().to_string();
        assert_eq!(told, r#"A matcher of the label "b" has a regular expression that is not one."#);
    }

    /// Worked by hand from the definition of the messages.
    #[test]
    fn an_answer_has_the_bytes_that_were_worked_by_hand() {
        let mut found = Vec::new();
        series(&mut found, [("a", "b")], [(1_000, 1.0)]);
        let mut out = Vec::new();
        result(&mut out, &found);
        let expected = [
            0x0a, 0x18, 0x0a, 0x16, 0x0a, 0x06, 0x0a, 0x01, b'a', 0x12, 0x01, b'b', // the label
            0x12, 0x0c, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f, 0x10, 0xe8, 0x07, // the sample
        ];
        assert_eq!(out, expected);
        out.clear();
        series(&mut out, [], [(i64::MIN, 1.0)]);
        assert!(out.len() <= SAMPLE_BYTES + 2);
    }
}
