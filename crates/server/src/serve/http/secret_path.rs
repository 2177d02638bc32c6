//! Paths as logs may show them: without the segments that are secrets, which routes declare (`route.rs`). Pure.

use std::borrow::Cow;
use std::sync::Arc;

const HIDDEN: &str = "[hidden]";

/// The routes whose last segment is a secret.
#[derive(Debug, Clone, Default)]
pub struct SecretPaths(Arc<[Vec<&'static str>]>);

impl SecretPaths {
    /// From paths such as `/v1/charts/{token}`.
    pub fn new(routes: &[&'static str]) -> SecretPaths {
        let before_secret = |route: &&'static str| {
            let mut segments: Vec<_> = route.split('/').filter(|segment| !segment.is_empty()).collect();
            segments.pop();
            segments
        };
        SecretPaths(routes.iter().map(before_secret).collect())
    }

    /// The path without secrets. Of one that no route has `is_known` is false: there a secret may stand anywhere behind the word
    /// that comes before it in a route, since someone may have misspelt the rest.
    pub fn shown<'a>(&self, path: &'a str, is_known: bool) -> Cow<'a, str> {
        let segments: Vec<&str> = path.split('/').collect();
        let words: Vec<usize> = (0..segments.len()).filter(|at| !segments[*at].is_empty()).collect();
        let begins = |before: &Vec<&str>| {
            words.len() > before.len()
                && before.iter().zip(&words).all(|(word, at)| matches(word, segments[*at]))
        };
        let follows = |before: &Vec<&str>| {
            let last = before.last()?;
            words.iter().position(|at| segments[*at].eq_ignore_ascii_case(last)).map(|at| at + 1)
        };
        let secret = self.0.iter().find_map(|before| match is_known {
            true => begins(before).then_some(before.len()),
            false => follows(before),
        });
        let Some(hidden) = secret.and_then(|first| words.get(first..)).filter(|hidden| !hidden.is_empty())
        else {
            return Cow::Borrowed(path);
        };
        let shown = |(at, segment)| if hidden.contains(&at) { HIDDEN } else { segment };
        Cow::Owned(segments.iter().copied().enumerate().map(shown).collect::<Vec<_>>().join("/"))
    }
}

/// Whether a segment is what a route has in its place.
fn matches(word: &str, segment: &str) -> bool {
    word.starts_with('{') || word == segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_where_a_route_has_it_and_where_it_was_misspelt() {
        let paths = SecretPaths::new(&["/v1/charts/{token}", "/v1/x/{id}/keys/{key}"]);
        for (path, shown) in [
            ("/v1/charts/s3cret", "/v1/charts/[hidden]"),
            ("/v1/charts", "/v1/charts"),
            ("/v1/x/7/keys/s3cret", "/v1/x/7/keys/[hidden]"),
            ("/v1/x/7", "/v1/x/7"),
            ("/v1/spaces/1/charts/5", "/v1/spaces/1/charts/5"),
        ] {
            assert_eq!(paths.shown(path, true), shown);
        }
        for (path, shown) in [
            ("/v1/charts/s3cret/", "/v1/charts/[hidden]/"),
            ("/v1//charts//s3cret/more", "/v1//charts//[hidden]/[hidden]"),
            ("/V1/Charts/s3cret", "/V1/Charts/[hidden]"),
            ("/charts/s3cret", "/charts/[hidden]"),
            ("/v1/charts/", "/v1/charts/"),
            ("/v1/nothing", "/v1/nothing"),
            ("", ""),
        ] {
            assert_eq!(paths.shown(path, false), shown);
        }
    }
}
