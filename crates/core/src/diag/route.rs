//! A route: the keys and indices that lead from the top of a document to one of its nodes.
//! It knows nothing of files or of positions in text.

use std::fmt;

/// One step in a YAML document.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seg {
    /// The value under this key of a mapping.
    Key(String),
    /// The item at this index of a sequence, counted from zero.
    Index(usize),
}

/// Where something is in a document, as keys and indices: `alerts`, `web.slow`, `conditions`, `0`, `threshold`.
///
/// Displayed as `alerts."web.slow".conditions[0].threshold`: keys that are not plain words are quoted.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Route(pub Vec<Seg>);

impl Route {
    /// The whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// This route, one key further down.
    pub fn key(&self, k: impl Into<String>) -> Route {
        self.with(Seg::Key(k.into()))
    }

    /// This route, one list item further down; `i` counts from zero.
    pub fn index(&self, i: usize) -> Route {
        self.with(Seg::Index(i))
    }

    /// This route followed by `other`.
    pub fn join(&self, other: &Route) -> Route {
        Route(self.0.iter().chain(&other.0).cloned().collect())
    }

    /// The steps from the top down.
    pub fn segs(&self) -> &[Seg] {
        &self.0
    }

    fn with(&self, seg: Seg) -> Route {
        let mut segs = Vec::with_capacity(self.0.len() + 1);
        segs.extend_from_slice(&self.0);
        segs.push(seg);
        Route(segs)
    }
}

/// A route on the way down: each step costs nothing until someone wants to know where it led.
#[derive(Debug, Clone, Copy)]
pub enum Trail<'a> {
    /// The top.
    Root,
    /// The value under this key of what the trail led to.
    Key(&'a Trail<'a>, &'a str),
    /// The item at this index, counted from zero.
    Index(&'a Trail<'a>, usize),
}

impl<'a> Trail<'a> {
    /// This trail, one key further down.
    pub fn key(&'a self, key: &'a str) -> Trail<'a> {
        Trail::Key(self, key)
    }

    /// This trail, one list item further down.
    pub fn index(&'a self, i: usize) -> Trail<'a> {
        Trail::Index(self, i)
    }

    /// The route it followed.
    pub fn route(&self) -> Route {
        let mut segs = Vec::new();
        let mut rest = self;
        while let Trail::Key(before, _) | Trail::Index(before, _) = rest {
            segs.push(match rest {
                Trail::Index(_, i) => Seg::Index(*i),
                Trail::Key(_, key) => Seg::Key((*key).to_owned()),
                Trail::Root => break,
            });
            rest = before;
        }
        segs.reverse();
        Route(segs)
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, seg) in self.0.iter().enumerate() {
            match seg {
                Seg::Index(n) => write!(f, "[{n}]")?,
                Seg::Key(key) => {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    if is_word(key) { f.write_str(key)? } else { write!(f, "{key:?}")? }
                }
            }
        }
        Ok(())
    }
}

fn is_word(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_like_a_path_with_odd_keys_quoted() {
        let route = Route::root().key("alerts").key("web.slow").key("conditions").index(0).key("threshold");
        assert_eq!(route.to_string(), r#"alerts."web.slow".conditions[0].threshold"#);
        assert_eq!(Route::root().key("a b").key("").to_string(), r#""a b"."""#);
        assert_eq!(Route::root().index(2).index(1).key("été").to_string(), "[2][1].été");
    }

    #[test]
    fn a_trail_leads_where_its_steps_led() {
        assert_eq!(Trail::Root.route(), Route::root());
        let (list, item) = (Trail::Root.key("a b").route(), Route::root().key("conditions").index(2));
        assert_eq!(list, Route::root().key("a b"));
        assert_eq!(Trail::Root.key("conditions").index(2).key("type").route(), item.key("type"));
    }

    #[test]
    fn joins() {
        let left = Route::root().key("a");
        assert_eq!(left.join(&Route::root().index(1).key("b")).to_string(), "a[1].b");
        assert_eq!(left.join(&Route::root()), left);
    }
}
