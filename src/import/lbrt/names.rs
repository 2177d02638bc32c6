//! Who is meant: services by type and title, as lbrt tells them apart, and the names they have here.
//! Knows nothing of what else stands in a definition.

use std::collections::HashMap;

use super::super::collected::Collected;
use super::super::node::{Node, Val};
use super::super::reader::Reader;
use super::parser::Statement;
use crate::diag::{Code, Place};
use crate::model::Kind;

/// Services by type and title, which is how lbrt tells them apart.
pub(super) type Services = HashMap<(String, String), Meant>;

/// Which service a type and a title mean.
pub(super) enum Meant {
    /// The one of this title here.
    Title(String),
    /// One that is left out.
    LeftOut,
    /// One of several, no one can tell which.
    Several,
}

/// Makes the name of a service or space known.
pub(super) fn reserve(statement: &Statement, out: &mut Collected) {
    let arguments = statement.call.as_ref().map_or(&[][..], |call| &call.arguments);
    match (statement.name.as_str(), arguments) {
        ("service", [_, Node { value: Val::Text(title), .. }]) => out.reserve(Kind::Service, title),
        ("space", [Node { value: Val::Text(name), .. }]) => out.reserve(Kind::Space, name),
        _ => {}
    }
}

/// The title by which a service is referred to here; where that would mean another service, or none, a loss.
pub(super) fn notified(
    of: &str,
    title: &str,
    place: Place,
    services: &Services,
    out: &mut Collected,
    reader: &mut Reader,
) -> Option<String> {
    let (why, help) = match services.get(&(of.to_owned(), title.to_owned())) {
        Some(Meant::Title(title)) => return Some(title.clone()),
        Some(Meant::LeftOut) => ("it is left out itself", "mend the service first"),
        Some(Meant::Several) => (
            "several of these files are called so",
            "rename all but one where they are now, and import again",
        ),
        None => match out.external(of, title) {
            Some(title) => return Some(title),
            None => (
                "it is not in these files, but one of another type is",
                "give the file that declares it as well",
            ),
        },
    };
    let message = format!("{} cannot notify the service \"{title}\" of type {of}: {why}", reader.who);
    reader.lose(place, Code::UnknownService, message, Some(help.to_owned()));
    None
}
