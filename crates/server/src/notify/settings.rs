//! The settings of a service as a renderer asks for them. Pure; what is wrong is said by name, never by value.

use serde_json::{Map, Value};
use url::Url;

use super::request::Unsendable;

/// Settings of a service of one type.
#[derive(Clone, Copy)]
pub(super) struct Settings<'s> {
    pub kind: &'s str,
    pub all: &'s Map<String, Value>,
}

impl<'s> Settings<'s> {
    /// A setting that need not be there; blank is as good as none.
    pub fn get(&self, name: &str) -> Option<&'s str> {
        self.all.get(name).and_then(Value::as_str).map(str::trim).filter(|text| !text.is_empty())
    }

    /// A setting that must be there.
    pub fn need(&self, name: &str) -> Result<&'s str, Unsendable> {
        self.get(name).ok_or_else(|| {
            Unsendable::Settings(format!("a service of type {} needs the setting `{name}`", self.kind))
        })
    }

    /// What is wrong with a setting.
    pub fn wrong(&self, name: &str, what: &str) -> Unsendable {
        Unsendable::Settings(format!("the setting `{name}` {what}"))
    }

    /// A secret that becomes a header: visible ASCII, or a far end would read another header.
    pub fn token(&self, name: &str) -> Result<&'s str, Unsendable> {
        let token = self.need(name)?;
        if token.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(token)
        } else {
            Err(self.wrong(name, "has characters that cannot be sent"))
        }
    }

    /// The URL of `url`.
    pub fn url(&self) -> Result<Url, Unsendable> {
        let url = Url::parse(self.need("url")?).map_err(|_| self.wrong("url", "is not a URL"))?;
        match url.scheme() {
            "http" | "https" => Ok(url),
            _ => Err(self.wrong("url", "begins with neither http:// nor https://")),
        }
    }

    /// One of some words, the first of which counts where none is said.
    pub fn choice<'c>(&self, name: &str, choices: &[&'c str]) -> Result<&'c str, Unsendable> {
        let Some(said) = self.get(name) else { return Ok(choices[0]) };
        let found = choices.iter().find(|choice| choice.eq_ignore_ascii_case(said));
        found.copied().ok_or_else(|| self.wrong(name, &format!("is not one of: {}", choices.join(", "))))
    }

    /// What stands in a list with commas.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'s str> {
        let texts = self.get(name).unwrap_or_default().split(',').map(str::trim);
        texts.filter(|text| !text.is_empty())
    }
}
