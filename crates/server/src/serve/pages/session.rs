//! A session as the cookie of a browser holds it: by which credential someone came in, when, and when they were last seen, sealed with
//! a key that only the data file has. Pure; asks neither clock nor table.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// The form of what is sealed.
const VERSION: u8 = 1;

/// Version, token, fingerprint, issued, seen, nonce.
const LENGTH: usize = 1 + 8 + 32 + 8 + 8 + NONCE;
const NONCE: usize = 16;
const SEAL: usize = 32;

/// The most a session lasts, however busy it is.
pub const MOST: i64 = 7 * 86_400;

/// Cookies that are younger are not written again.
const FRESH: i64 = 60;

/// What seals sessions.
#[derive(Clone)]
pub struct Key([u8; 32]);

impl Key {
    /// From the text that is stored.
    pub fn read(text: &str) -> Option<Key> {
        Some(Key(hex::decode(text).ok()?.try_into().ok()?))
    }

    /// Each purpose has values of its own, so that none can be taken for another.
    fn sign(&self, purpose: &str, parts: &[&[u8]]) -> Option<[u8; SEAL]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        mac.update(purpose.as_bytes());
        mac.update(&[0]);
        parts.iter().for_each(|part| mac.update(part));
        Some(mac.finalize().into_bytes().into())
    }

    /// What stands for a credential in a cookie: nothing can be tried out on it without the key.
    pub fn fingerprint(&self, secret: &[u8; 32]) -> Option<[u8; 32]> {
        self.sign("credential", &[secret])
    }
}

/// One login of one browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The id of an API token; nothing for a user of the files.
    pub token: Option<i64>,
    pub fingerprint: [u8; 32],
    /// Epoch seconds.
    pub issued: i64,
    pub seen: i64,
    pub nonce: [u8; NONCE],
}

impl Session {
    /// The value of the cookie.
    pub fn seal(&self, key: &Key) -> Option<String> {
        let mut bytes = Vec::with_capacity(LENGTH + SEAL);
        bytes.push(VERSION);
        bytes.extend(self.token.unwrap_or_default().to_be_bytes());
        bytes.extend(self.fingerprint);
        bytes.extend(self.issued.to_be_bytes());
        bytes.extend(self.seen.to_be_bytes());
        bytes.extend(self.nonce);
        let seal = key.sign("session", &[&bytes])?;
        bytes.extend(seal);
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a cookie says, if we have written it.
    pub fn open(key: &Key, cookie: &str) -> Option<Session> {
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok().filter(|bytes| bytes.len() == LENGTH + SEAL)?;
        let (body, seal) = bytes.split_at(LENGTH);
        if !bool::from(key.sign("session", &[body])?.ct_eq(seal)) || body[0] != VERSION {
            return None;
        }
        let number = |at: usize| Some(i64::from_be_bytes(body.get(at..at + 8)?.try_into().ok()?));
        Some(Session {
            token: Some(number(1)?).filter(|id| *id != 0),
            fingerprint: body[9..41].try_into().ok()?,
            issued: number(41)?,
            seen: number(49)?,
            nonce: body[57..].try_into().ok()?,
        })
    }

    /// Whether it is over: not used for `idle` seconds, or too old. One from the future is over, too.
    pub fn is_over(&self, now: i64, idle: i64) -> bool {
        let (since, age) = (now.saturating_sub(self.seen), now.saturating_sub(self.issued));
        since > idle || age > MOST || since < -FRESH
    }

    /// The same, seen now; nothing where that was only just noted.
    pub fn seen_at(&self, now: i64) -> Option<Session> {
        (now.saturating_sub(self.seen) >= FRESH).then(|| Session { seen: now, ..self.clone() })
    }

    /// What a form must hold to be one of ours, for this session.
    pub fn form_token(&self, key: &Key) -> Option<String> {
        Some(URL_SAFE_NO_PAD.encode(key.sign("form", &[&self.nonce])?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(fill: &str) -> Key {
        Key::read(&fill.repeat(32)).unwrap()
    }

    fn session() -> Session {
        Session { token: Some(7), fingerprint: [3; 32], issued: 1_000, seen: 2_000, nonce: [9; NONCE] }
    }

    #[test]
    fn only_what_we_sealed_is_a_session() {
        let sealed = session().seal(&key("ab")).unwrap();
        assert_eq!(Session::open(&key("ab"), &sealed), Some(session()));
        assert_eq!(Session::open(&key("ac"), &sealed), None, "another file");
        let user = Session { token: None, ..session() };
        assert_eq!(Session::open(&key("ab"), &user.seal(&key("ab")).unwrap()), Some(user));
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Session::open(&key("ab"), &URL_SAFE_NO_PAD.encode(changed)), None, "byte {at}");
        }
        for odd in ["", "x", "%%", &sealed[1..], &format!("{sealed}A"), &"A".repeat(10_000)] {
            assert_eq!(Session::open(&key("ab"), odd), None, "{odd}");
        }
    }

    #[test]
    fn it_ends_when_idle_and_when_old() {
        let at = |issued, seen| Session { issued, seen, ..session() };
        assert!(!at(0, 0).is_over(3_600, 3_600) && at(0, 0).is_over(3_601, 3_600));
        assert!(!at(0, MOST).is_over(MOST, 3_600) && at(0, MOST).is_over(MOST + 1, 3_600));
        assert!(at(0, 100).is_over(0, 3_600), "seen in the future");
        assert_eq!(at(0, 0).seen_at(59), None);
        assert_eq!(at(0, 0).seen_at(60), Some(at(0, 60)));
    }

    #[test]
    fn the_token_of_forms_is_that_of_the_session() {
        let other = Session { nonce: [8; NONCE], ..session() };
        let seen = Session { seen: 5_000, ..session() };
        assert_eq!(session().form_token(&key("ab")), seen.form_token(&key("ab")));
        assert_ne!(session().form_token(&key("ab")), other.form_token(&key("ab")));
        assert_ne!(session().form_token(&key("ab")), session().form_token(&key("ac")));
        assert_ne!(key("ab").fingerprint(&[1; 32]), key("ac").fingerprint(&[1; 32]));
    }
}
