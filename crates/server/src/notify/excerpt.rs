//! What is shown of an answer: short, without control characters, and without the secrets that a far end may echo. Pure.

use serde_json::{Map, Value};

use super::post::basic;
use crate::diag::printable;

/// Bytes of an answer that are shown.
const LONGEST: usize = 200;

/// Parts of a secret that are shorter are found everywhere.
const SHORTEST: usize = 4;

/// What stands where a secret stood.
const HIDDEN: &str = "[hidden]";

/// The beginning of `body` without what `secrets` are.
pub fn shown(body: &[u8], secrets: &[String]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut text = text.into_owned();
    for secret in secrets {
        text = text.replace(secret.as_str(), HIDDEN);
    }
    shortened(&printable(text.trim()))
}

/// As much of `text` as is shown.
pub fn shortened(text: &str) -> String {
    let mut text = text.to_owned();
    if text.len() > LONGEST {
        let cut = (0..=LONGEST - '…'.len_utf8()).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(cut);
        text.push('…');
    }
    text
}

/// What of settings may be a secret, in every form that a far end could quote it in, the longest first.
pub fn secrets(settings: &Map<String, Value>) -> Vec<String> {
    let mut found = Vec::new();
    for value in settings.values().filter_map(Value::as_str) {
        found.push(value.trim().to_owned());
        if let Ok(mut url) = url::Url::parse(value.trim()) {
            let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
            found.push(format!("{}{query}", url.path()));
            found.extend([url.username().to_owned(), url.password().unwrap_or_default().to_owned()]);
            found.extend(url.path_segments().into_iter().flatten().map(str::to_owned));
            found.extend(url.query_pairs().map(|(_, value)| value.into_owned()));
            // Who is shown his headers is shown them like this.
            let basic = basic(&mut url);
            found.extend(basic.iter().filter_map(|header| Some(header.split_once(' ')?.1.to_owned())));
        }
    }
    let escaped: Vec<String> = found
        .iter()
        .flat_map(|text| {
            let json = Value::from(text.as_str()).to_string();
            let form = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
            [json.trim_matches('"').to_owned(), form.to_string(), text.escape_debug().to_string()]
        })
        .collect();
    found.extend(escaped);
    found.retain(|text| text.len() >= SHORTEST);
    found.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_excerpt_is_short_and_harmless() {
        assert_eq!(shown(b"  no\x1b[31m such\r\nteam\n", &[]).matches('\x1b').count(), 0);
        let long = "\u{e9}".repeat(500);
        let short = shown(long.as_bytes(), &[]);
        assert!(short.len() <= LONGEST && short.ends_with('…'));
        assert!(shown(&[0xff; 300], &[]).len() <= LONGEST);
    }

    #[test]
    fn what_a_far_end_echoes_of_the_settings_is_hidden() {
        let settings = json!({"url": "https://ops:hunter22@hooks.example.org/services/T0\u{e9}/xoxb%2Dtoken?key=k3y+k3y",
            "service_key": "can\"ary", "n": "1"});
        let secrets = secrets(settings.as_object().unwrap());
        for echo in [
            "cannot POST /services/T0%C3%A9/xoxb%2Dtoken?key=k3y+k3y",
            "hunter22 is wrong",
            "token xoxb%2Dtoken",
            r#"{"error": "no can\"ary"}"#,
            "key k3y k3y",
            "authorization: Basic b3BzOmh1bnRlcjIy",
        ] {
            let shown = shown(echo.as_bytes(), &secrets);
            assert!(shown.contains(HIDDEN), "{shown}");
            for secret in ["hunter22", "xoxb", "ary", "k3y", "T0", "b3Bz"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
        assert_eq!(shown(b"invalid_token 1", &secrets), "invalid_token 1");
    }
}
