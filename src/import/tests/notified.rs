//! Who is notified: whatever the files of another tool hold, no imported alert notifies a service that its source did not name.
//! Each generated service says in its settings which one it is.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::terraform;
use crate::diag::{Files, RouteIndex};
use crate::import::{Imported, Source, lbrt};
use crate::load::yaml;

/// Services and alerts of one account.
#[derive(Debug, Clone)]
struct World {
    services: Vec<Service>,
    /// The services that each alert notifies, by their place in the list.
    alerts: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
struct Service {
    of: &'static str,
    title: &'static str,
    /// Whether it has the settings without which it is left out.
    sound: bool,
    /// Whether the files declare it.
    given: bool,
}

fn world() -> impl Strategy<Value = World> {
    let of = proptest::sample::select(vec!["mail", "pagerduty"]);
    let title = proptest::sample::select(vec!["ops", "dev", "ops (mail)", "ops (pagerduty)", "ops (2)"]);
    let service = (of, title, proptest::bool::weighted(0.8), proptest::bool::weighted(0.8))
        .prop_map(|(of, title, sound, given)| Service { of, title, sound, given });
    proptest::collection::vec(service, 1..6).prop_flat_map(|services| {
        let notified = proptest::collection::vec(0..services.len(), 0..4);
        let alerts = proptest::collection::vec(notified, 1..4);
        (Just(services), alerts).prop_map(|(services, alerts)| World { services, alerts })
    })
}

impl Service {
    fn settings(&self, who: &str) -> Value {
        match (self.of, self.sound) {
            (_, false) => json!({ "odd": who }),
            ("mail", _) => json!({ "addresses": who }),
            _ => json!({ "service_key": "k", "event_type": "trigger", "description": who }),
        }
    }

    /// What lbrt and a reader of the files know it by.
    fn known(&self) -> (String, String) {
        (self.of.to_owned(), self.title.to_owned())
    }
}

/// Which service it is: the world and its place there.
fn who(world: usize, at: usize) -> String {
    format!("w{world}s{at}@example.org")
}

fn alert_name(world: usize, at: usize) -> String {
    format!("w{world}.a{at}")
}

fn hcl(number: usize, world: &World) -> (String, String) {
    let mut text = String::new();
    for (at, service) in world.services.iter().enumerate().filter(|(_, service)| service.given) {
        let settings = service.settings(&who(number, at)).to_string().replace('"', "\\\"");
        text += &format!(
            "resource \"librato_service\" \"s{at}\" {{\n  title = \"{}\"\n  type = \"{}\"\n  settings = \"{settings}\"\n}}\n",
            service.title, service.of
        );
    }
    for (at, notified) in world.alerts.iter().enumerate() {
        let ids: Vec<String> =
            notified.iter().map(|at| format!("\"${{librato_service.s{at}.id}}\"")).collect();
        let name = alert_name(number, at);
        text += &format!(
            "resource \"librato_alert\" \"a{at}\" {{\n  name = \"{name}\"\n  services = [{}]\n}}\n",
            ids.join(", ")
        );
    }
    (format!("w{number}/main.tf"), text)
}

/// The id of a service, of which no other world has one.
fn id(world: usize, at: usize) -> String {
    (world * 100 + at + 1).to_string()
}

/// The resources of a world with their fields.
fn resources(number: usize, world: &World) -> Vec<(&'static str, String, Value)> {
    let given = world.services.iter().enumerate().filter(|(_, service)| service.given);
    let services = given.map(|(at, service)| {
        let settings = service.settings(&who(number, at)).to_string();
        let fields =
            json!({"id": id(number, at), "title": service.title, "type": service.of, "settings": settings});
        ("librato_service", format!("s{at}"), fields)
    });
    let alerts = world.alerts.iter().enumerate().map(|(at, notified)| {
        let ids: Vec<String> = notified.iter().map(|at| id(number, *at)).collect();
        let fields = json!({"id": (at + 50).to_string(), "name": alert_name(number, at), "services": ids});
        ("librato_alert", format!("a{at}"), fields)
    });
    alerts.chain(services).collect()
}

fn shown(number: usize, world: &World) -> (String, String) {
    let resources = resources(number, world).into_iter().map(|(of, name, values)| {
        json!({"address": format!("{of}.{name}"), "mode": "managed", "type": of, "name": name, "values": values})
    });
    let document = json!({"format_version": "1.0", "values": {"root_module": {"resources": resources.collect::<Vec<_>>()}}});
    (format!("w{number}.json"), document.to_string())
}

/// A state as Terraform 0.11 keeps it, its lists flat.
fn state_3(number: usize, world: &World) -> (String, String) {
    let resources = resources(number, world).into_iter().map(|(of, name, fields)| {
        let mut flat = serde_json::Map::new();
        for (key, value) in fields.as_object().unwrap() {
            match value {
                Value::Array(items) => {
                    flat.insert(format!("{key}.#"), items.len().to_string().into());
                    // Sets are kept by checksums.
                    flat.extend(
                        items
                            .iter()
                            .enumerate()
                            .map(|(i, item)| (format!("{key}.{}", 4_000 - i), item.clone())),
                    );
                }
                value => _ = flat.insert(key.clone(), value.clone()),
            }
        }
        (format!("{of}.{name}"), json!({"type": of, "primary": {"id": fields["id"], "attributes": flat}}))
    });
    let resources: serde_json::Map<String, Value> = resources.collect();
    let document = json!({"version": 3, "terraform_version": "0.11.14", "modules": [{"path": ["root"], "resources": resources}]});
    (format!("w{number}.tfstate"), document.to_string())
}

fn state_4(number: usize, world: &World) -> (String, String) {
    let resources = resources(number, world).into_iter().map(|(of, name, fields)| {
        json!({"mode": "managed", "type": of, "name": name, "instances": [{"attributes": fields}]})
    });
    let document =
        json!({"version": 4, "terraform_version": "1.5.7", "resources": resources.collect::<Vec<_>>()});
    (format!("w{number}.tfstate"), document.to_string())
}

fn ruby(number: usize, world: &World) -> (String, String) {
    let mut text = String::new();
    for (at, notified) in world.alerts.iter().enumerate() {
        text += &format!("alert \"{}\" do\n", alert_name(number, at));
        for service in notified.iter().map(|at| &world.services[*at]) {
            text += &format!("  service \"{}\", \"{}\"\n", service.of, service.title);
        }
        text += "end\n";
    }
    for (at, service) in world.services.iter().enumerate().filter(|(_, service)| service.given) {
        let settings = service.settings(&who(number, at)).to_string().replace("\":\"", "\"=>\"");
        let settings = settings.trim_matches(['{', '}']);
        text +=
            &format!("service \"{}\", \"{}\" do\n  settings {settings}\nend\n", service.of, service.title);
    }
    (format!("w{number}.rb"), text)
}

type Tool = fn(&[Source], &mut Files) -> Imported;

fn import(read: Tool, texts: &[(String, String)]) -> Imported {
    let mut files = Files::default();
    let source = |(name, text): &(String, String)| {
        let index: fn(&str) -> RouteIndex =
            if text.starts_with('{') { yaml::index } else { |_| RouteIndex::default() };
        let dir = name.rsplit_once('/').map_or("", |(dir, _)| dir).to_owned();
        Source { file: files.add_foreign(name, text.clone(), index), dir, name: name.clone() }
    };
    let sources: Vec<Source> = texts.iter().map(source).collect();
    read(&sources, &mut files)
}

/// Every alert that says whom it notifies notifies exactly whom its source named, told by `known`.
fn holds<T: Ord + std::fmt::Debug>(
    worlds: &[World],
    imported: &Imported,
    source: impl Fn(usize, usize) -> T,
    found: impl Fn(&str) -> T,
) {
    let object = |name: &str| {
        imported
            .objects
            .iter()
            .find(|(address, _)| address.to_string() == name)
            .map(|(_, object)| object.fields())
    };
    for (number, world) in worlds.iter().enumerate() {
        for (at, notified) in world.alerts.iter().enumerate() {
            let Some(titles) =
                object(&alert_name(number, at)).and_then(|fields| fields.get("services").cloned())
            else {
                continue;
            };
            let titles = titles.as_array().unwrap();
            let got: BTreeSet<T> = titles.iter().map(|title| found(title.as_str().unwrap())).collect();
            let named: BTreeSet<T> = notified.iter().map(|at| source(number, *at)).collect();
            assert_eq!(got, named, "{}", alert_name(number, at));
        }
    }
    let whole = |world: &World| world.services.iter().all(|service| service.sound && service.given);
    if worlds.iter().all(whole) {
        let alerts =
            imported.objects.iter().filter(|(_, object)| object.fields().contains_key("services")).count();
        let notifying =
            worlds.iter().flat_map(|world| &world.alerts).filter(|notified| !notified.is_empty()).count();
        assert_eq!(alerts, notifying, "nothing is lost where nothing is missing: {:?}", imported.report);
    }
}

/// Which service stands under a title, by its settings.
fn told(imported: &Imported, title: &str) -> String {
    let service = imported.objects.iter().find(|(address, _)| address.to_string() == title);
    let fields = service.map(|(_, object)| object.fields()).unwrap_or_default();
    let settings = fields.get("settings");
    let setting = |name: &str| settings.and_then(|settings| settings.get(name));
    setting("addresses")
        .or_else(|| setting("description"))
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

proptest! {
    #[test]
    fn no_alert_of_terraform_notifies_another_service(worlds in proptest::collection::vec(world(), 1..3)) {
        for write in [hcl, shown, state_3, state_4] {
            let texts: Vec<_> = worlds.iter().enumerate().map(|(number, world)| write(number, world)).collect();
            let imported = import(terraform, &texts);
            holds(&worlds, &imported, who, |title| told(&imported, title));
        }
    }

    #[test]
    fn no_alert_of_lbrt_notifies_another_service(worlds in proptest::collection::vec(world(), 1..3)) {
        let texts: Vec<_> = worlds.iter().enumerate().map(|(number, world)| ruby(number, world)).collect();
        let imported = import(lbrt, &texts);
        let given: Vec<_> = worlds.iter().flat_map(|world| &world.services).filter(|service| service.given).collect();
        let unclear = |service: &Service| given.iter().filter(|one| one.known() == service.known()).count() > 1;
        if given.iter().any(|service| unclear(service)) {
            for (number, world) in worlds.iter().enumerate() {
                for (at, notified) in world.alerts.iter().enumerate() {
                    let alert = imported.objects.iter().find(|(address, _)| address.to_string() == alert_name(number, at));
                    let written = alert.is_some_and(|(_, object)| object.fields().contains_key("services"));
                    assert!(!written || notified.iter().all(|at| !unclear(&world.services[*at])));
                }
            }
            return Ok(());
        }
        // Type and title are all that lbrt tells a service by; one under a made-up title is known by its settings.
        let found = |title: &str| match imported.externals.get(title) {
            Some(of) => (of.clone(), title.to_owned()),
            None => {
                let told = told(&imported, title);
                let known = worlds.iter().enumerate().flat_map(|(number, world)| {
                    world.services.iter().enumerate().map(move |(at, service)| (who(number, at), service.known()))
                });
                known.into_iter().find(|(who, _)| *who == told).map(|(_, known)| known).unwrap_or_default()
            }
        };
        holds(&worlds, &imported, |number, at| worlds[number].services[at].known(), found);
    }
}
