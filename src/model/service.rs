//! Notification services: their settings by type, and which of these are secret.
//! Knows nothing of how a notification is sent.

mod dead;
mod rules;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::check::{Checker, at};
use super::{AlertUse, Field, Kind, Reference, Shape, Spec, compare};
use crate::diag::{Code, harmless_settings};
pub use dead::{Ending, dead_service, ending_service};
pub use rules::UNCLEAN;

/// Where alerts are sent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The type: `mail`, `slack`, `pagerduty`, `webhook` and so on; needed when the service does not exist yet.
    #[serde(rename = "type", default, skip_serializing_if = "Field::is_unset")]
    pub service_type: Field<String>,
    /// The settings the type asks for; owned as a whole. Nearly all of them are secrets: use `${secret.NAME}`.
    #[serde(default, skip_serializing_if = "Field::is_unset")]
    pub settings: Field<ServiceSettings>,
}

/// ServiceSettings of a service: text by name. Numbers and booleans are kept as their text, since the API holds text only.
#[derive(Clone, PartialEq, Default, Serialize, JsonSchema)]
#[schemars(with = "IndexMap<String, SettingValue>")]
#[serde(transparent)]
pub struct ServiceSettings(pub IndexMap<String, String>);

impl std::fmt::Debug for ServiceSettings {
    /// Names only: values are secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum SettingValue {
    Text(String),
    Number(serde_json::Number),
    Boolean(bool),
}

impl<'de> Deserialize<'de> for ServiceSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = IndexMap::<String, SettingValue>::deserialize(deserializer)?;
        let text = |value| match value {
            SettingValue::Text(text) => text,
            SettingValue::Number(number) => number.to_string(),
            SettingValue::Boolean(boolean) => boolean.to_string(),
        };
        Ok(Self(written.into_iter().map(|(name, value)| (name, text(value))).collect()))
    }
}

/// What a service gives in place of a setting that the user's role may not read.
pub const MASKED: &str = "[hidden]";

/// A type of service the API is known to have.
#[derive(Debug)]
pub struct ServiceType {
    /// The value of `type`.
    pub name: &'static str,
    /// ServiceSettings without which the API refuses the service.
    pub required: &'static [&'static str],
}

/// The types and their settings, from the API's own senders of notifications.
pub const SERVICE_TYPES: &[ServiceType] = &[
    ServiceType { name: "mail", required: &["addresses"] },
    ServiceType { name: "slack", required: &["url"] },
    ServiceType { name: "hipchat", required: &["auth_token", "from", "room_id", "notify"] },
    ServiceType { name: "campfire", required: &["subdomain", "token", "room"] },
    ServiceType { name: "flowdock", required: &["api_token"] },
    ServiceType { name: "pagerduty", required: &["service_key", "event_type", "description"] },
    ServiceType { name: "opsgenie", required: &["customer_key"] },
    ServiceType { name: "victorops", required: &["api_key"] },
    ServiceType { name: "sns", required: &["topic_arn", "access_key_id", "secret_access_key"] },
    ServiceType { name: "webhook", required: &["url"] },
    ServiceType { name: "zapier", required: &["url"] },
    ServiceType { name: "bigpanda", required: &["app_key", "token"] },
    ServiceType { name: "neptune", required: &["api_key"] },
];

impl ServiceType {
    /// Settings that may be shown; every other one is treated as a secret.
    pub fn harmless(&self) -> &'static [&'static str] {
        harmless_settings(self.name)
    }

    fn has(&self, setting: &str) -> bool {
        self.required.contains(&setting) || self.harmless().contains(&setting)
    }

    /// Settings that it is not known to have and that are nearly one which may be left out and is. Others may be newer than this
    /// program; of those that are needed another message speaks.
    fn misspelt<'a>(&'a self, all: &'a ServiceSettings) -> impl Iterator<Item = (&'a str, &'a str)> {
        let absent = |name: &&str| !all.0.contains_key(*name) && !self.required.contains(name);
        let strange = all.0.keys().map(String::as_str).filter(|name| !self.has(name));
        strange.filter_map(move |name| {
            let close = crate::diag::suggest(name, self.harmless().iter().copied().filter(absent))?;
            Some((name, close))
        })
    }
}

/// Whether a setting may be shown. Without a known type nothing may.
pub fn is_harmless(service_type: Option<&str>, setting: &str) -> bool {
    service_type.is_some_and(|known| harmless_settings(known).contains(&setting))
}

impl Service {
    /// The type of `have`, if another one is written here.
    pub(super) fn other_type<'a>(&self, have: &'a Self) -> Option<&'a str> {
        let (want, have) = (self.service_type.value()?, have.service_type.value()?);
        (want != have).then_some(have)
    }

    /// A setting that its type needs and it lacks, where it had another type before.
    pub(super) fn missing_setting(&self, before: &Self) -> Option<&'static str> {
        if before.service_type == self.service_type {
            return None;
        }
        let name = self.service_type.value()?;
        let known = SERVICE_TYPES.iter().find(|known| name == known.name)?;
        let has = |setting: &str| self.settings.value().is_some_and(|all| all.0.contains_key(setting));
        known.required.iter().find(|setting| !has(setting)).copied()
    }

    /// Whether settings were read by a role that may not see all of them.
    pub fn is_masked(&self) -> bool {
        self.settings.value().is_some_and(|settings| settings.0.values().any(|value| value == MASKED))
    }

    /// As a role sees it that may not read secrets.
    pub fn masked(&self) -> Self {
        let service_type = self.service_type.value().map(String::as_str);
        let mut masked = self.clone();
        if let Field::Set(settings) = &mut masked.settings {
            let secret = settings.0.iter_mut().filter(|(name, _)| !is_harmless(service_type, name));
            secret.for_each(|(_, value)| *value = MASKED.to_owned());
        }
        masked
    }

    /// With those values of `wanted` in place of what was masked: what cannot be compared is taken for equal.
    pub fn unmasked_by(&self, wanted: &Self) -> Self {
        let (mut seen, wanted) = (self.clone(), wanted.settings.value());
        if let Field::Set(settings) = &mut seen.settings {
            for (name, value) in settings.0.iter_mut().filter(|(_, value)| *value == MASKED) {
                if let Some(written) = wanted.and_then(|wanted| wanted.0.get(name)) {
                    value.clone_from(written);
                }
            }
        }
        seen
    }

    fn check_settings(&self, settings: &ServiceSettings, found: &mut Checker<'_>) {
        let Some(known) =
            self.service_type.value().and_then(|name| SERVICE_TYPES.iter().find(|t| t.name == name))
        else {
            return;
        };
        for required in known.required {
            if settings.0.get(*required).is_none_or(|value| value.trim().is_empty()) {
                let finding = found.error(
                    at(["settings"]),
                    Code::MissingSetting,
                    format!("a service of type {} needs the setting `{required}`", known.name),
                );
                let strange = settings.0.keys().map(String::as_str).filter(|name| !known.has(name));
                if let Some(close) = crate::diag::suggest(required, strange) {
                    finding.help(format!("is `{close}` meant to be `{required}`?"));
                }
            }
        }
        known.misspelt(settings).for_each(|(name, close)| {
            let message = format!("services of type {} have no setting `{name}`", known.name);
            let finding = found.warning(at(["settings", name]), Code::UnknownSetting, message);
            finding.help(format!("did you mean `{close}`? as it is written, nothing reads it"));
        });
        // What is blank was reported, and of what is masked nothing is known.
        let said = |value: &str| !value.trim().is_empty() && value != MASKED;
        for (name, value) in settings.0.iter().filter(|(_, value)| said(value)) {
            rules::check(known.name, name, value, found);
        }
    }
}

impl Spec for Service {
    fn kind(&self) -> Kind {
        Kind::Service
    }

    fn check(&self, found: &mut Checker<'_>) {
        found.name_of_text();
        if let Some(name) = self.service_type.value()
            && !SERVICE_TYPES.iter().any(|known| known.name == name)
        {
            let close = crate::diag::suggest(name, SERVICE_TYPES.iter().map(|known| known.name));
            let finding = found.warning(
                at(["type"]),
                Code::UnknownServiceType,
                format!("`{name}` is not a type of service this program knows"),
            );
            match close {
                Some(close) => finding.help(format!("did you mean `{close}`?")),
                None => finding.help("its settings are not checked, and all of them are treated as secrets"),
            };
        }
        if let Some(settings) = self.settings.value() {
            self.check_settings(settings, found);
        }
    }

    fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    fn canonical(&self, _: &str, value: &Value) -> Value {
        compare::plain(value)
    }

    fn shape(&self, field: &str) -> Shape {
        if field == "settings" { Shape::OwnedMap } else { Shape::Plain }
    }

    fn clearable(&self) -> &'static [&'static str] {
        &[]
    }

    fn creation_needs(&self) -> &'static [&'static str] {
        &["type", "settings"]
    }

    fn use_to_alerts(&self) -> Option<AlertUse> {
        Some(AlertUse::Notified)
    }

    fn matters_to_alerts(&self, _: &str) -> bool {
        true
    }

    fn is_sensitive(&self, field: &str) -> bool {
        field
            .strip_prefix("settings.")
            .is_some_and(|name| !is_harmless(self.service_type.value().map(String::as_str), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_of_settings_shows_names_only() {
        let settings: ServiceSettings =
            serde_json::from_str(r#"{"url":"https://canary","notify":1}"#).unwrap();
        assert_eq!(format!("{settings:?}"), r#"{"url", "notify"}"#);
        assert_eq!(settings.0["notify"], "1");
    }

    #[test]
    fn what_is_masked_is_taken_for_what_is_written_and_nothing_else_is() {
        let service = |settings: Value| Service {
            service_type: Field::Set("hipchat".into()),
            settings: Field::Set(serde_json::from_value(settings).unwrap()),
        };
        let whole = service(serde_json::json!({"auth_token": "canary", "room_id": "1", "gone": "x"}));
        let masked = whole.masked();
        assert_eq!(
            masked,
            service(serde_json::json!({"auth_token": MASKED, "room_id": "1", "gone": MASKED}))
        );
        assert!(masked.is_masked() && !whole.is_masked());
        let written = service(serde_json::json!({"auth_token": "other", "room_id": "2"}));
        assert_eq!(
            masked.unmasked_by(&written),
            service(serde_json::json!({"auth_token": "other", "room_id": "1", "gone": MASKED}))
        );
    }

    #[test]
    fn only_the_settings_of_the_table_may_be_shown() {
        assert!(is_harmless(Some("mail"), "addresses"));
        assert!(!is_harmless(Some("slack"), "url"));
        assert!(!is_harmless(None, "addresses"));
        let service = Service { service_type: Field::Set("slack".into()), ..Service::default() };
        assert!(service.is_sensitive("settings.url"));
        assert!(!service.is_sensitive("type"));
    }
}
