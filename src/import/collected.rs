//! All objects of a run: each under a name of its own, and none that refers to what was left out.
//! Knows neither of the tools; who refers to which service or space is settled where their languages are known.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::draft::Draft;
use super::{Imported, Made};
use crate::diag::{Code, Diagnostic, Place, Report, Route, Seg};
use crate::model::{Address, Collection, Kind, Resource};

/// An object with the draft it was made of, which knows the places.
struct Kept {
    object: Resource,
    draft: Draft,
}

/// The objects, and what became of the others.
#[derive(Default)]
pub(super) struct Collected {
    objects: BTreeMap<Address, Kept>,
    order: Vec<Address>,
    /// Where the first object of each name stands, kept or not.
    places: HashMap<Address, Place>,
    /// Names that objects of the files have: none of them is made up for another.
    reserved: BTreeSet<Address>,
    externals: BTreeMap<String, String>,
    pub report: Report,
}

impl Collected {
    /// Makes known that an object has this name; to be done for all services and spaces before one is added.
    pub fn reserve(&mut self, kind: Kind, name: &str) {
        self.reserved.insert(Address::new(kind.collection(), name));
    }

    /// Takes in a draft under its name; a second service or space of one name under another one, since what refers to it must not
    /// find the first. The name it has here, or `None` where it is left out.
    pub fn add(&mut self, kind: Kind, parent: Option<String>, name: &str, draft: Draft) -> Option<String> {
        let mut address = Address { parent, ..Address::new(kind.collection(), name) };
        if let Some(first) = self.places.get(&address).cloned() {
            if !matches!(kind, Kind::Service | Kind::Space) {
                self.repeated(kind, name, &draft);
                return None;
            }
            address = self.free(kind, name, draft.get("type").and_then(|value| value.as_str()));
            let message = format!(
                "{} is imported as \"{}\": another {kind} has the name \"{name}\"",
                draft.who, address.name
            );
            let found = Diagnostic::note(Code::RepeatedName, message)
                .at(draft.place().clone(), "")
                .also(first, "the other one")
                .help("objects are known by their names here: rename one of the two where it is now, and import again");
            self.report.push(found);
        }
        self.places.insert(address.clone(), draft.place().clone());
        let object = draft.check(kind, &address.name, &mut self.report)?;
        self.order.push(address.clone());
        let name = address.name.clone();
        self.objects.insert(address, Kept { object, draft });
        Some(name)
    }

    /// Reports that an object is left out, since there is one of its name.
    fn repeated(&mut self, kind: Kind, name: &str, draft: &Draft) {
        let first = self.places.iter().find(|(address, _)| {
            address.collection == kind.collection() && **address == address.renamed(name)
        });
        let known = first.map_or(name, |(address, _)| &address.name);
        let message = format!("{} is left out: there is already the {kind} \"{known}\"", draft.who);
        let found = Diagnostic::error(Code::RepeatedName, message).at(draft.place().clone(), "");
        let found =
            first.into_iter().fold(found, |found, (_, place)| found.also(place.clone(), "the first one"));
        self.report
            .push(found.help(
                "objects are known by their names here: give one of them another name where it is now",
            ));
    }

    /// A name like this one that no object has.
    fn free(&self, kind: Kind, name: &str, of: Option<&str>) -> Address {
        let typed = of.map(|of| format!("{name} ({of})"));
        let numbered = (2_u32..).map(|number| format!("{name} ({number})"));
        let addresses = typed.into_iter().chain(numbered).map(|name| Address::new(kind.collection(), name));
        let taken = |address: &Address| self.reserved.contains(address) || self.places.contains_key(address);
        addresses.into_iter().find(|address| !taken(address)).unwrap_or(Address::new(kind.collection(), name))
    }

    /// The title by which a service is referred to that the files do not declare, as one of a type that exists elsewhere; `None` where
    /// the title means another service here.
    pub fn external(&mut self, of: &str, title: &str) -> Option<String> {
        if self.places.contains_key(&Address::service(title)) {
            return None;
        }
        let known = self.externals.entry(title.to_owned()).or_insert_with(|| of.to_owned());
        (known == of).then(|| title.to_owned())
    }

    /// Objects sorted by what they are, but charts in the order they were added: that is the order of their creation.
    pub fn finish(mut self) -> Imported {
        self.let_go();
        self.order.sort_by(|a, b| {
            (a.collection, &a.parent)
                .cmp(&(b.collection, &b.parent))
                .then_with(|| if a.parent.is_some() { std::cmp::Ordering::Equal } else { a.cmp(b) })
        });
        let mut objects = self.objects;
        let made = |address: Address| objects.remove(&address).map(|kept| (address, kept.object));
        let objects: Vec<Made> = self.order.into_iter().filter_map(made).collect();
        Imported { objects, externals: self.externals, report: bounded(&self.report) }
    }

    /// Takes out of objects what uses metrics that were left out, and then what uses those.
    fn let_go(&mut self) {
        let gone = |address: &&Address| {
            address.collection == Collection::Metrics && !self.objects.contains_key(*address)
        };
        let mut lost: Vec<Address> = self.places.keys().filter(gone).cloned().collect();
        if lost.is_empty() {
            return;
        }
        let mut users: HashMap<Address, Vec<(Address, Route)>> = HashMap::new();
        for address in &self.order {
            let used = self.objects.get(address).map(|kept| kept.object.spec().references());
            for reference in used.into_iter().flatten() {
                users.entry(reference.to).or_default().push((address.clone(), reference.route));
            }
        }
        while let Some(used) = lost.pop() {
            for (user, route) in users.remove(&used).unwrap_or_default() {
                lost.extend(self.cut(&user, &route, &used));
            }
        }
    }

    /// Takes a field that uses `lost` out of an object; or the object where it is nothing without the field, whose address is returned.
    fn cut(&mut self, address: &Address, route: &Route, lost: &Address) -> Option<Address> {
        let Some(Seg::Key(field)) = route.segs().first() else { return None };
        let kept = self.objects.get_mut(address)?;
        let mut fields = kept.object.fields();
        // What uses two of them goes with the first.
        fields.shift_remove(field)?;
        let who = &kept.draft.who;
        let message = format!("`{field}` of {who} is left out: it uses \"{}\", which is left out", lost.name);
        let found = Diagnostic::error(Code::LeftOutReference, message).at(kept.draft.at(route), "");
        self.report.push(found.help("mend what it uses first; the service keeps what it has"));
        let kind = kept.object.kind();
        if let (true, Ok(object)) = (kind != Kind::Composite, Resource::from_fields(kind, &fields)) {
            kept.object = object;
            return None;
        }
        self.objects.remove(address);
        Some(address.clone())
    }
}

/// How many findings anybody wants to read.
const MOST: usize = 500;

/// The first findings, and how many more there are.
fn bounded(report: &Report) -> Report {
    let mut short = Report::default();
    report.iter().take(MOST).for_each(|found| short.push(found.clone()));
    let more = report.iter().count().saturating_sub(MOST);
    if more > 0 {
        short.push(Diagnostic::error(Code::TooManyFindings, format!("{more} more findings are not shown")));
    }
    short
}
