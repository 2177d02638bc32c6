//! Services that reach nobody any more, or soon will not, and the alerts that count on them.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Files, Part, Report};
use crate::model::check::at;
use crate::model::{
    Address, Collection, Desired, Intent, Resource, Service, Wish, dead_service, ending_service,
};

/// So many alerts are named.
const NAMED: usize = 5;

/// Reports services that are dead by their type, each with the alerts that reach nobody else, and those with an end in sight.
pub fn check(desired: &Desired, files: &Files, report: &mut Report) {
    let wanted = |wish: &Wish| wish.intent != Intent::Absent;
    for (address, wish) in desired.objects.iter().filter(|(_, wish)| wanted(wish)) {
        let Resource::Service(service) = &wish.resource else { continue };
        let Some(kind) = service.service_type.value() else { continue };
        let place = |field: &str| wish.place(files, &at([field]), Part::Value);
        if let Some(why) = dead_service(kind) {
            let message = format!("services of type {kind} reach nobody: {why}");
            let diagnostic = Diagnostic::warning(Code::DeadService, message).at(place("type"), "");
            report.push(diagnostic.help(advice(&only_by_dead(desired, &address.name))));
        }
        let hostname = service.settings.value().and_then(|settings| settings.0.get("hostname"));
        if let Some(why) = ending_service(kind, hostname.map(String::as_str)) {
            let diagnostic = Diagnostic::warning(Code::EndingService, why.message).at(place("type"), "");
            report.push(diagnostic.help(why.help));
        }
    }
}

/// The alerts that name this service, and none that is alive.
fn only_by_dead<'d>(desired: &'d Desired, title: &str) -> Vec<&'d str> {
    let is_dead = |title: &String| {
        let address = Address::new(Collection::Services, title);
        let service = desired.objects.get(&address).map(|wish| &wish.resource);
        matches!(service, Some(Resource::Service(Service { service_type, .. }))
            if service_type.value().is_some_and(|kind| dead_service(kind).is_some()))
    };
    let mut found = BTreeSet::new();
    for (address, wish) in desired.objects.iter().filter(|(_, wish)| wish.intent == Intent::Present) {
        let Resource::Alert(alert) = &wish.resource else { continue };
        let services = alert.services.value().map_or(&[][..], Vec::as_slice);
        if services.iter().any(|one| one == title) && services.iter().all(is_dead) {
            found.insert(address.name.as_str());
        }
    }
    found.into_iter().collect()
}

fn advice(alerts: &[&str]) -> String {
    let named = alerts.iter().take(NAMED).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match (alerts.len(), alerts.len().saturating_sub(NAMED)) {
        (0, _) => "remove it, or change its type".to_owned(),
        (1, _) => format!("the alert {named} reaches nobody else: give it another service"),
        (_, 0) => format!("the alerts {named} reach nobody else: give them another service"),
        (_, more) => {
            format!("the alerts {named} and {more} more reach nobody else: give them another service")
        }
    }
}
