//! What is in view: which undeclared objects may go, which objects are nobody's business, what `--target` leaves out.
//! Ownership is settled here, before anything is compared, and never forgiven afterwards.

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::{Kind, Scopes};

/// Globs by kind, ready to match. `*` stands for any run of characters.
#[derive(Debug, Clone)]
pub struct Globs {
    by_kind: Vec<(Kind, GlobSet)>,
}

/// A glob that cannot be read.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("`{glob}` is not a pattern: {why}")]
pub struct GlobError {
    /// The pattern.
    pub glob: String,
    /// What is wrong with it.
    pub why: String,
}

impl Globs {
    /// Compiles the globs of a scope.
    ///
    /// # Errors
    /// For the first pattern that cannot be read.
    pub fn compile(scopes: &Scopes) -> Result<Self, GlobError> {
        let kinds = Kind::ALL.into_iter().filter(|kind| !scopes.of(*kind).is_empty());
        let by_kind = kinds.map(|kind| {
            let mut set = GlobSetBuilder::new();
            for glob in scopes.of(kind) {
                set.add(parse(kind, glob)?);
            }
            let set = set
                .build()
                .map_err(|error| GlobError { glob: String::new(), why: error.kind().to_string() })?;
            Ok((kind, set))
        });
        Ok(Self { by_kind: by_kind.collect::<Result<_, GlobError>>()? })
    }

    /// Whether an object of this kind and name is meant.
    pub fn contains(&self, kind: Kind, name: &str) -> bool {
        self.by_kind.iter().any(|(of, set)| *of == kind && set.is_match(name))
    }

    /// The kinds that are spoken of at all.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.by_kind.iter().map(|(kind, _)| *kind)
    }
}

/// A `KIND/GLOB` as given to `--target`.
///
/// # Errors
/// Where the kind is unknown or the pattern cannot be read.
pub fn parse_target(text: &str, scopes: &mut Scopes) -> Result<(), GlobError> {
    let wrong = |why: &str| GlobError { glob: text.to_owned(), why: why.to_owned() };
    let (kind, glob) = text.split_once('/').ok_or_else(|| wrong("write KIND/GLOB, such as alert/web.*"))?;
    let kind = Kind::parse(kind)
        .ok_or_else(|| wrong("the kind is none of metric, composite, annotation, service, alert"))?;
    parse(kind, glob)?;
    let list = match kind {
        Kind::Metric => &mut scopes.metrics,
        Kind::Composite => &mut scopes.composites,
        Kind::Annotation => &mut scopes.annotations,
        Kind::Service => &mut scopes.services,
        Kind::Alert => &mut scopes.alerts,
        Kind::Space => &mut scopes.spaces,
        Kind::Chart => &mut scopes.charts,
    };
    list.get_or_insert_default().push(glob.to_owned());
    Ok(())
}

fn parse(kind: Kind, glob: &str) -> Result<Glob, GlobError> {
    GlobBuilder::new(glob)
        .case_insensitive(kind.collection().ignores_case())
        .literal_separator(false)
        .build()
        .map_err(|error| GlobError { glob: glob.to_owned(), why: error.kind().to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_ignore_case_and_alerts_do_not() {
        let mut scopes = Scopes::default();
        parse_target("metrics/shop.*", &mut scopes).unwrap();
        parse_target("alert/shop.*", &mut scopes).unwrap();
        let globs = Globs::compile(&scopes).unwrap();
        assert!(globs.contains(Kind::Metric, "SHOP.hits"));
        assert!(globs.contains(Kind::Alert, "shop.slow"));
        assert!(!globs.contains(Kind::Alert, "SHOP.slow"));
        assert!(!globs.contains(Kind::Composite, "shop.ratio"));
        assert!(parse_target("alarm/x", &mut scopes).is_err());
        assert!(parse_target("alert/[x", &mut scopes).is_err());
    }
}
