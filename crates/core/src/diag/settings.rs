//! Which settings of services are no secrets, by the type of the service; every other one may be one.

/// The types that have any, with the names of these settings.
const HARMLESS: &[(&str, &[&str])] = &[
    ("mail", &["addresses"]),
    ("hipchat", &["from", "room_id", "notify"]),
    ("campfire", &["subdomain", "room"]),
    ("flowdock", &["user_name"]),
    ("pagerduty", &["event_type", "description", "api"]),
    ("opsgenie", &["tags", "recipients", "teams", "hostname"]),
    ("victorops", &["routing_key"]),
    ("sns", &["topic_arn"]),
    ("webhook", &["format"]),
];

/// The settings of services of this type that may be shown. Of an unknown type nothing may.
pub fn harmless_settings(service_type: &str) -> &'static [&'static str] {
    HARMLESS.iter().find(|(name, _)| *name == service_type).map_or(&[], |(_, settings)| settings)
}
