//! Services that reach no one any more, or soon will not, and the alerts that count on them.

use std::collections::BTreeSet;

use crate::diag::{Code, Diagnostic, Files, Part, Report};
use crate::model::check::at;
use crate::model::{
    Address, Collection, Declared, Desired, Intent, Resource, Service, dead_service, ending_service,
};

/// So many alerts are named.
const NAMED: usize = 5;

/// Reports services that are dead by their type, each with the alerts that reach no one else, and those with an end in sight.
pub fn check(desired: &Desired, files: &Files, report: &mut Report) {
    let wanted = |declared: &Declared| declared.intent != Intent::Absent;
    for (address, declared) in desired.objects.iter().filter(|(_, declared)| wanted(declared)) {
        let Resource::Service(service) = &declared.resource else { continue };
        let Some(kind) = service.service_type.value() else { continue };
        let place = |field: &str| declared.place(files, &at([field]), Part::Value);
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
        let service = desired.objects.get(&address).map(|declared| &declared.resource);
        matches!(service, Some(Resource::Service(Service { service_type, .. }))
            if service_type.value().is_some_and(|kind| dead_service(kind).is_some()))
    };
    let mut found = BTreeSet::new();
    for (address, declared) in
        desired.objects.iter().filter(|(_, declared)| declared.intent == Intent::Present)
    {
        let Resource::Alert(alert) = &declared.resource else { continue };
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
