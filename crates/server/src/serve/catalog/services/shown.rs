//! A service as someone may see it: the only way from a service to JSON, which asks for a role. Services and their
//! settings cannot be serialized otherwise, so no route can show a setting by accident.

use std::borrow::Borrow;

use serde::ser::{Serialize, SerializeMap as _, SerializeStruct as _, Serializer};

use super::settings::{HIDDEN, Settings, is_harmless};
use super::table::Service;
use crate::serve::http::role::Role;

/// The read form. Nothing but these keys: lbrt compares what is left without id, type and title.
pub struct Shown<S> {
    service: S,
    role: Role,
}

impl<S: Borrow<Service>> Shown<S> {
    /// `service` as someone of this role sees it.
    pub fn to(role: Role, service: S) -> Shown<S> {
        Shown { service, role }
    }
}

impl<S: Borrow<Service>> Serialize for Shown<S> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let service = self.service.borrow();
        let mut shown = serializer.serialize_struct("Service", 4)?;
        shown.serialize_field("id", &service.id)?;
        shown.serialize_field("type", &service.service_type)?;
        shown.serialize_field("title", &service.title)?;
        // always there: python-librato indexes it
        shown.serialize_field("settings", &ShownSettings { service, role: self.role })?;
        shown.end()
    }
}

struct ShownSettings<'a> {
    service: &'a Service,
    role: Role,
}

impl Serialize for ShownSettings<'_> {
    fn serialize<W: Serializer>(&self, serializer: W) -> Result<W::Ok, W::Error> {
        let Settings(settings) = &self.service.settings;
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in settings {
            match self.role {
                Role::Admin => map.serialize_entry(name, value)?,
                Role::Operator if is_harmless(&self.service.service_type, name) => {
                    map.serialize_entry(name, value)?;
                }
                Role::Operator => map.serialize_entry(name, HIDDEN)?,
                Role::Recorder | Role::Viewer => {}
            }
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_role_sees_its_part() {
        let settings = json!({"from": "ops", "auth_token": "s3cret", "extra": "s3cret"});
        let service = Service {
            id: 3,
            service_type: "hipchat".to_owned(),
            title: "chat".to_owned(),
            settings: Settings(settings.as_object().cloned().unwrap_or_default()),
        };
        let masked = json!({"from": "ops", "auth_token": HIDDEN, "extra": HIDDEN});
        for (role, settings) in [
            (Role::Admin, settings),
            (Role::Operator, masked),
            (Role::Recorder, json!({})),
            (Role::Viewer, json!({})),
        ] {
            let expected = json!({"id": 3, "type": "hipchat", "title": "chat", "settings": settings});
            assert_eq!(json!(Shown::to(role, &service)), expected, "{role:?}");
        }
    }

    #[test]
    fn a_setting_is_harmless_for_its_type_only() {
        for (service_type, name, harmless) in [
            ("mail", "addresses", true),
            ("slack", "addresses", false),
            ("pigeon", "addresses", false),
            ("mail", "Addresses", false),
            ("slack", "url", false),
        ] {
            assert_eq!(is_harmless(service_type, name), harmless, "{service_type} {name}");
        }
    }
}
