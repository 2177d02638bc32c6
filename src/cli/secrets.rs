//! What must never be shown, and the texts without it. Everything that reaches a stream passes here, the log included.

use std::io::Write;
use std::sync::Arc;

use parking_lot::Mutex;

use librato_apply::remote::segment;

/// Values shorter than this would blot out half of every text.
const SHORTEST: usize = 4;

/// A plain lower-case word shorter than this is not looked for.
const LONG: usize = 8;

/// The secrets that are known so far; clones share them.
#[derive(Clone, Default)]
pub struct Secrets(Arc<Mutex<Vec<String>>>, Arc<Mutex<Vec<(String, String)>>>);

impl Secrets {
    /// Remembers a value, also in the forms in which JSON and URLs write it.
    pub fn hide(&self, secret: &str) {
        let secret = secret.trim();
        // A short plain word stands in half of what the program says itself; where such a secret is a value it is left
        // out by what the plan knows of it.
        let word = secret.len() < LONG && secret.chars().all(|c| c.is_ascii_lowercase());
        if secret.len() < SHORTEST || word {
            return;
        }
        let quoted = serde_json::Value::String(secret.to_owned()).to_string();
        let inside = quoted.get(1..quoted.len() - 1).unwrap_or_default();
        let mut known = self.0.lock();
        for form in [secret.to_owned(), inside.to_owned(), segment(secret)] {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        // A secret may contain another one; the longer one goes first.
        known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Remembers a value together with the variable it was read from.
    pub fn hide_named(&self, name: &str, secret: &str) {
        self.hide(secret);
        let mut named = self.1.lock();
        if secret.len() >= SHORTEST && !named.iter().any(|(value, _)| value == secret) {
            named.push((secret.to_owned(), format!("${{secret.{name}}}")));
            named.sort_by_key(|(value, _)| std::cmp::Reverse(value.len()));
        }
    }

    /// A text of a definition with the secrets that were read in this run as references again.
    pub fn as_references(&self, text: &str) -> String {
        let named = self.1.lock();
        named.iter().fold(text.to_owned(), |text, (value, reference)| text.replace(value.as_str(), reference))
    }

    /// A text without any of them.
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.lock();
        known.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "(sensitive)"))
    }

    /// A stderr for the log, which is written one whole line at a time.
    pub fn log(&self) -> impl Fn() -> Log + use<> {
        let secrets = self.clone();
        move || Log(secrets.clone())
    }
}

/// Writes lines of the log to stderr.
pub struct Log(Secrets);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let text = self.0.redact(&String::from_utf8_lossy(line));
        std::io::stderr().write_all(text.as_bytes())?;
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_replaced_in_every_form() {
        let secrets = Secrets::default();
        secrets.hide("say \"ab-d\"\n");
        secrets.hide("ab-d");
        secrets.hide("a-c");
        secrets.hide("metric");
        assert_eq!(
            secrets.redact(r#"say "ab-d" {"a": "say \"ab-d\""}"#),
            r#"(sensitive) {"a": "(sensitive)"}"#
        );
        let shown = secrets.redact("/v1/say%20%22ab-d%22?q=ab-d a-c metric");
        assert_eq!(shown, "/v1/(sensitive)?q=(sensitive) a-c metric");
    }
}
