//! The envelope of every packed value: a mark, a checksum, then the value as it is. The checksum covers what the value
//! belongs to as well, so that a sound block under a wrong key is noticed. Values of earlier versions have no envelope;
//! they begin with their version, never with the mark. Formats to come keep the envelope.

use super::Error;

/// Several bits away from every version of a packed value.
const MARK: u8 = 0xc5;
const HEAD: usize = 5;

/// Puts `value` into an envelope. `key` says what it belongs to.
pub fn seal(key: &[i64], value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEAD + value.len());
    out.push(MARK);
    out.extend_from_slice(&checksum(key, value).to_le_bytes());
    out.extend_from_slice(value);
    out
}

/// The value, or why it is not to be trusted.
pub fn open<'a>(key: &[i64], bytes: &'a [u8]) -> Result<&'a [u8], Error> {
    let Some(rest) = bytes.strip_prefix(&[MARK]) else { return Ok(bytes) };
    let (kept, value) = rest.split_first_chunk().ok_or(Error::CutShort)?;
    if u32::from_le_bytes(*kept) == checksum(key, value) { Ok(value) } else { Err(Error::Checksum) }
}

/// What is kept of a value beside it. `key` says what it belongs to.
pub fn checksum(key: &[i64], value: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    key.iter().for_each(|part| hasher.update(&part.to_le_bytes()));
    hasher.update(value);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_flipped_bit_and_every_lost_byte_is_noticed() {
        let (key, value) = ([7, 60, 1_700_000_000], [1, 3, 0, 255, 17, 42]);
        let sealed = seal(&key, &value);
        assert_eq!(open(&key, &sealed), Ok(&value[..]));
        for bit in 8..8 * sealed.len() {
            let mut flipped = sealed.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key, &flipped).is_err(), "bit {bit}");
        }
        for bit in 0..8 {
            let mut flipped = sealed.clone();
            flipped[0] ^= 1 << bit;
            let value = open(&key, &flipped).unwrap();
            assert!(super::super::block::decode(value).is_none(), "taken for one without an envelope");
        }
        for end in 1..sealed.len() {
            assert!(open(&key, &sealed[..end]).is_err(), "{end} bytes");
        }
        assert!(open(&[7, 60, 1_700_003_600], &sealed).is_err(), "of another time");
    }

    #[test]
    fn values_without_an_envelope_are_taken_as_they_are() {
        assert_eq!(open(&[7], &[1, 2, 3]), Ok(&[1, 2, 3][..]));
    }
}
