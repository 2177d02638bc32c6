//! What is in view: which undeclared objects may go, which objects are no one's business, what `--target` leaves out.
//! Ownership is settled here, before anything is compared, and never forgiven afterwards.

use std::collections::BTreeSet;

use globset::{Glob, GlobBuilder, GlobSet, GlobSetBuilder};

use super::rename;
pub use super::view::View;
use crate::diag::{Code, Diagnostic, Files, Part, Report, Route};
use crate::model::{
    Address, Declared, Desired, Intent, Kind, Resource, Scopes, State, belongs_to_the_service, charts_of,
};

/// Globs by kind, ready to match. `*` stands for any run of characters.
#[derive(Debug, Clone, Default)]
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

    /// The patterns that cannot be read: kind and place in its list.
    pub fn mistakes(scopes: &Scopes) -> Vec<(Kind, usize, GlobError)> {
        let of_kind = |kind| scopes.of(kind).iter().enumerate().map(move |(i, glob)| (kind, i, glob));
        let all = Kind::ALL.into_iter().flat_map(of_kind);
        all.filter_map(|(kind, i, glob)| Some((kind, i, parse(kind, glob).err()?))).collect()
    }

    /// Whether an object of this kind and name is meant.
    pub fn contains(&self, kind: Kind, name: &str) -> bool {
        self.by_kind.iter().any(|(of, set)| *of == kind && set.is_match(name))
    }

    /// Whether a user who gives these means an object; whoever names a space means its charts too.
    pub fn mean(&self, kind: Kind, address: &Address) -> bool {
        let space = address.container().is_some_and(|space| self.contains(space.kind(), &space.name));
        space || self.contains(kind, &address.to_string())
    }

    /// The kinds that are spoken of at all.
    pub fn kinds(&self) -> impl Iterator<Item = Kind> + '_ {
        self.by_kind.iter().map(|(kind, _)| *kind)
    }
}

/// Who owns what: the patterns that decide what a run may see.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Undeclared objects that may go; empty where the inputs do not cover what the patterns speak for.
    pub prune: Globs,
    /// Objects that are no one's business.
    pub ignore: Globs,
    /// Objects that are never replaced or deleted.
    pub protect: Globs,
    /// What a run is limited to.
    pub target: Option<Globs>,
}

impl Scope {
    /// Decides what is compared and what goes.
    pub fn view(&self, desired: &Desired, actual: &State) -> View {
        let only = self.target.as_ref().map(|target| targeted(target, desired, actual));
        if self.prune.kinds().next().is_none() {
            return View { only, prune: Vec::new() };
        }
        let actual = &*super::foreseen(desired, actual);
        let spoken_for = spoken_for(desired);
        let goes = |(address, resource): &(&Address, &Resource)| {
            let kind = resource.kind();
            let owned = self.prune.contains(kind, &address.to_string());
            let kept = self.keeps(kind, address)
                || charts_of(address, actual).any(|(name, _)| {
                    let chart = Address::chart(&address.name, name);
                    self.keeps(chart.kind(), &chart)
                });
            let asked = self.target.as_ref().is_none_or(|target| target.mean(kind, address));
            owned
                && !belongs_to_the_service(address)
                && !kept
                && asked
                && !desired.objects.contains_key(*address)
                && !spoken_for.contains(*address)
                // What stands in a space of someone else is theirs, and a space that goes takes its charts along.
                && address.container().is_none_or(|space| is_kept(&space, desired))
        };
        let prune = actual.iter().filter(goes).map(|(address, _)| address.clone()).collect();
        View { only, prune }
    }

    /// What exists of the kinds that this run speaks of, and is neither in the files nor about to go: kind by kind, in order of names;
    /// metrics last, of which most come from being measured.
    /// What the files only refer to brings no kind into view, and what a space holds that they do not know comes with it.
    pub fn unmanaged(&self, desired: &Desired, actual: &State) -> Vec<(Kind, Address)> {
        let owned = desired.objects.values().filter(|declared| declared.intent != Intent::External);
        let kinds: BTreeSet<Kind> = owned.map(|declared| declared.kind).chain(self.prune.kinds()).collect();
        let gone: BTreeSet<Address> = self.view(desired, actual).prune.into_iter().collect();
        let spoken_for = spoken_for(desired);
        let actual = &*super::foreseen(desired, actual);
        let known = |address: &Address| {
            desired.objects.contains_key(address) || spoken_for.contains(address) || gone.contains(address)
        };
        let left = |(address, resource): &(&Address, &Resource)| {
            let kind = resource.kind();
            kinds.contains(&kind)
                && !known(address)
                && !belongs_to_the_service(address)
                && !self.ignore.contains(kind, &address.to_string())
                && self.target.as_ref().is_none_or(|target| target.mean(kind, address))
                && address.container().is_none_or(|space| is_kept(&space, desired))
        };
        let mut found: Vec<(Kind, Address)> = actual
            .iter()
            .filter(left)
            .map(|(address, resource)| (resource.kind(), address.clone()))
            .collect();
        found.sort_by_key(|(kind, _)| (kind.is_measured(), *kind));
        found
    }

    fn keeps(&self, kind: Kind, address: &Address) -> bool {
        let name = address.to_string();
        self.ignore.contains(kind, &name) || self.protect.contains(kind, &name)
    }

    /// Declared objects that `ignore` says are no one's business: one of the two must be wrong.
    pub fn contradictions(&self, desired: &Desired, files: &Files) -> Report {
        let mut report = Report::default();
        for (address, declared) in &desired.objects {
            if declared.intent != Intent::External
                && self.ignore.contains(declared.kind, &address.to_string())
            {
                let message = format!(
                    "the {} \"{address}\" is declared, but `settings.ignore` names it",
                    declared.kind
                );
                report.push(
                    Diagnostic::error(Code::IgnoredDeclared, message)
                        .at(declared.origin.place(files, &Route::root(), Part::Key), "declared here")
                        .help("remove it here, or narrow the pattern under `settings.ignore`"),
                );
            }
        }
        report
    }
}

/// The names that objects which are declared have until they are renamed, or have while that is done.
fn spoken_for(desired: &Desired) -> BTreeSet<Address> {
    let names = |(address, declared): (&Address, &Declared)| {
        let old = declared.renamed_from.as_ref().map(|old| address.renamed(old));
        [Some(rename::temporary(address)), Some(rename::replacement(address)), old]
    };
    desired.objects.iter().flat_map(names).flatten().collect()
}

fn is_kept(space: &Address, desired: &Desired) -> bool {
    desired.objects.get(space).is_some_and(|declared| declared.intent != Intent::Absent)
}

/// The declared objects a target names, and those they use that do not exist yet.
fn targeted(target: &Globs, desired: &Desired, actual: &State) -> BTreeSet<Address> {
    let named = |(address, declared): &(&Address, &Declared)| target.mean(declared.kind, address);
    let mut only: BTreeSet<Address> = desired.objects.iter().filter(named).map(|(a, _)| a.clone()).collect();
    let mut open: Vec<Address> = only.iter().cloned().collect();
    let old_name = |address: &Address| {
        let old = desired.objects.get(address)?.renamed_from.as_ref()?;
        Some(address.renamed(old))
    };
    while let Some(address) = open.pop() {
        // A chain of renames is moved as a whole: one link alone would land on a name that is still taken.
        let links = desired.objects.keys().filter(|other| {
            old_name(other).as_ref() == Some(&address) || old_name(&address).as_ref() == Some(*other)
        });
        for link in links {
            if only.insert(link.clone()) {
                open.push(link.clone());
            }
        }
        let references = desired.objects[&address].resource.spec().references();
        for used in references.into_iter().map(|reference| reference.to).chain(address.container()) {
            let missing = desired.objects.contains_key(&used) && !actual.contains_key(&used);
            if missing && only.insert(used.clone()) {
                open.push(used);
            }
        }
    }
    only
}

/// A `KIND/GLOB` as given to `--target`.
///
/// # Errors
/// Where the kind is unknown or the pattern cannot be read.
pub fn parse_target(text: &str, scopes: &mut Scopes) -> Result<(), GlobError> {
    let wrong = |why: &str| GlobError { glob: text.to_owned(), why: why.to_owned() };
    let (kind, glob) = text.split_once('/').ok_or_else(|| wrong("write KIND/GLOB, such as alert/web.*"))?;
    let kind = Kind::parse(kind).ok_or_else(|| {
        wrong("the kind is none of metric, composite, annotation, service, alert, space, chart")
    })?;
    parse(kind, glob)?;
    scopes.of_mut(kind).push(glob.to_owned());
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
    use crate::model::{Alert, Collection, Resource, Service};

    #[test]
    fn names_ignore_case_and_titles_do_not() {
        let mut scopes = Scopes::default();
        parse_target("metrics/shop.*", &mut scopes).unwrap();
        parse_target("alert/shop.*", &mut scopes).unwrap();
        parse_target("space/shop*", &mut scopes).unwrap();
        let globs = Globs::compile(&scopes).unwrap();
        assert!(globs.contains(Kind::Metric, "SHOP.hits"));
        assert!(globs.contains(Kind::Alert, "shop.slow"));
        assert!(globs.contains(Kind::Alert, "SHOP.slow"));
        assert!(globs.contains(Kind::Space, "shop 1"));
        assert!(!globs.contains(Kind::Space, "Shop 1"));
        assert!(!globs.contains(Kind::Composite, "shop.ratio"));
        assert!(parse_target("alarm/x", &mut scopes).is_err());
        assert!(parse_target("alert/[x", &mut scopes).is_err());
    }

    fn state(alerts: &[&str], services: &[&str]) -> State {
        let alerts = alerts
            .iter()
            .map(|name| (Address::new(Collection::Alerts, *name), Resource::Alert(Alert::default())));
        let services =
            services.iter().map(|name| (Address::service(*name), Resource::Service(Service::default())));
        alerts.chain(services).collect()
    }

    fn globs(targets: &[&str]) -> Globs {
        let mut scopes = Scopes::default();
        targets.iter().for_each(|target| parse_target(target, &mut scopes).unwrap());
        Globs::compile(&scopes).unwrap()
    }

    #[test]
    fn only_what_is_owned_and_not_kept_goes() {
        let scope = Scope {
            prune: globs(&["alert/shop.*"]),
            ignore: globs(&["alert/shop.lab.*"]),
            protect: globs(&["alert/shop.vital"]),
            target: None,
        };
        let actual = state(&["shop.old", "shop.lab.x", "shop.vital", "other"], &["shop.ops"]);
        let gone = |scope: &Scope| {
            let view = scope.view(&Desired::default(), &actual);
            view.prune.iter().map(|address| address.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(gone(&scope), ["shop.old"]);
        assert_eq!(gone(&Scope { target: Some(globs(&["service/*"])), ..scope }), [""; 0]);
    }
}
