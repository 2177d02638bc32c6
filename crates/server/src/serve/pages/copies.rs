//! What can be taken from a page to elsewhere: an object as a definition for files, and commands that ask the same.

use maud::{Markup, html};

use super::definitions::Written;
use super::text::shell;

/// A definition, closed until someone wants it.
pub fn definition(written: &Result<Written, String>) -> Markup {
    html! {
        details.yaml {
            summary { "As YAML" }
            @match written {
                Ok(written) => {
                    @if !written.text.is_empty() { pre tabindex="0" { code { (written.text) } } }
                    @for note in &written.notes { p.note { (super::text::clean(note)) } }
                }
                Err(reason) => p { "It cannot be written: " (super::text::clean(reason)) },
            }
        }
    }
}

/// Commands, closed likewise. What is not a word of ours in them is quoted by [`command`].
pub fn commands(all: &[String]) -> Markup {
    html! {
        details {
            summary { "As commands" }
            pre tabindex="0" { code { @for one in all { (one) "\n" } } }
        }
    }
}

/// A command of this program; what needs it is quoted for a shell.
pub fn command(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| shell(word)).collect();
    format!("librato-apply {}", words.join(" "))
}
