//! The key of a saved plan's digests: what it makes of a text, and whether a digest is that of a text.
//! Knows neither plans nor where keys come from.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::error::SavedError;

/// A key that digests can be made with.
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    /// Without bytes there is no key: anybody could make the same digests.
    pub(super) fn new(bytes: &[u8]) -> Result<Self, SavedError> {
        if bytes.is_empty() {
            return Err(SavedError::Unkeyed("it is empty".into()));
        }
        Hmac::new_from_slice(bytes).map(Self).map_err(|error| SavedError::Unkeyed(error.to_string()))
    }

    /// A digest, as it stands in files.
    pub(super) fn digest(&self, text: &str) -> String {
        hex::encode(self.0.clone().chain_update(text).finalize().into_bytes())
    }

    /// Whether a digest was made of this text with this key. Takes as long wherever the two differ.
    pub(super) fn verifies(&self, text: &str, digest: &str) -> bool {
        hex::decode(digest).is_ok_and(|bytes| self.0.clone().chain_update(text).verify_slice(&bytes).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_verifies_its_text_under_its_key_and_nothing_else() {
        let [key, other] = [b"one key".as_slice(), b"another"].map(|bytes| Key::new(bytes).unwrap());
        let digest = key.digest("text");
        assert!(key.verifies("text", &digest));
        assert!(!key.verifies("Text", &digest));
        assert!(!other.verifies("text", &digest));
        for broken in ["", "no digits", &digest[1..], &digest[2..], &format!("{digest}00")] {
            assert!(!key.verifies("text", broken), "{broken}");
        }
    }

    #[test]
    fn nothing_is_no_key() {
        assert!(matches!(Key::new(b""), Err(SavedError::Unkeyed(_))));
    }
}
