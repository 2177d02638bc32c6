//! A service as a receiver of Alertmanager. Secrets are files where Alertmanager runs; none of them is ever looked at.
//! Knows nothing of alerts and routes.

use serde_json::{Map, Value, json};

use crate::diag::{Code, Route};
use crate::model::check::at;
use crate::model::{Service, dead_service};

use super::fidelity::Reasons;
use super::settings::Settings;
use super::subtree::NOBODY;
use super::yaml::scalar;

/// The key of what stands for a secret.
pub const SECRET: &str = "$secret";

#[derive(Debug, Clone, PartialEq)]
pub struct Receiver {
    pub name: String,
    /// Such as `slack_configs`.
    section: &'static str,
    /// Its keys and their values, as YAML.
    fields: Vec<(&'static str, String)>,
    /// The settings that are secret, and their files.
    pub secrets: Vec<(&'static str, String)>,
    /// Whether it belongs to someone else, and is only named.
    is_foreign: bool,
}

impl Receiver {
    /// Whether both would read a secret from the same file.
    pub fn collides_with(&self, other: &Self) -> bool {
        self.secrets.iter().any(|(_, file)| other.secrets.iter().any(|(_, taken)| taken == file))
    }

    /// As a value in which `{"$secret": SETTING}` stands for each secret, with the settings that the secrets are.
    pub fn value(&self) -> Option<Value> {
        if self.is_foreign {
            return None;
        }
        let mut fields = Map::new();
        let mut secrets = self.secrets.iter().map(|(setting, _)| setting);
        for (key, text) in &self.fields {
            match key.strip_suffix("_file") {
                Some(key) => _ = fields.insert(key.to_owned(), json!({ (SECRET): secrets.next()? })),
                None => _ = fields.insert((*key).to_owned(), serde_yaml::from_str(text).ok()?),
            }
        }
        Some(json!({"name": self.name, (self.section): [fields]}))
    }

    /// One of someone else.
    fn foreign(name: &str) -> Self {
        let (section, fields, secrets) = ("", Vec::new(), Vec::new());
        Self { name: name.to_owned(), section, fields, secrets, is_foreign: true }
    }

    /// As an item of `receivers`; nothing where it is there already.
    pub fn text(&self) -> String {
        if self.is_foreign {
            return String::new();
        }
        let mut out = format!("- name: {}\n  {}:\n", scalar(&self.name), self.section);
        for (place, (key, value)) in self.fields.iter().enumerate() {
            let begin = if place == 0 { "    - " } else { "      " };
            out += &format!("{begin}{key}: {value}\n");
        }
        out
    }
}

/// The receiver of someone else that the settings name for a service.
pub fn named(title: &str, settings: &Settings, reasons: &mut Reasons) -> Option<Receiver> {
    let name = settings.receivers.get(title)?;
    let base: Option<Value> = settings.base.as_deref().and_then(|base| serde_yaml::from_str(base).ok());
    let there = base.is_some_and(|base| {
        base["receivers"].as_array().into_iter().flatten().any(|receiver| receiver["name"] == name.as_str())
    });
    if !there {
        let text = format!(
            "`{name}`, which settings.prometheus.alertmanager.receivers names for it, is not in the configuration"
        );
        reasons.refuse(Code::NoReceiver, &Route::root(), text).help("name a receiver that is there");
        return None;
    }
    Some(Receiver::foreign(name))
}

/// Renders one; `None` where it is refused. `hidden` tells which settings come from secrets.
pub fn receiver(
    title: &str,
    service: &Service,
    hidden: &dyn Fn(&str) -> bool,
    settings: &Settings,
    reasons: &mut Reasons,
) -> Option<Receiver> {
    let here = Route::root();
    if settings.receivers.contains_key(title) {
        return named(title, settings, reasons);
    }
    if title == NOBODY {
        let text = "this is the name of the receiver of alerts that notify nobody";
        reasons.refuse(Code::NamesCollide, &here, text).help("give it another title");
        return None;
    }
    let Some(service_type) = service.service_type.value() else {
        let text = "its type is not in the files";
        reasons.refuse(Code::NoReceiver, &here, text).help("write `type` and `settings` of the service");
        return None;
    };
    if let Some(why) = dead_service(service_type) {
        reasons.refuse(Code::DeadService, &at(["type"]), why).help("notify another service");
        return None;
    }
    let empty = indexmap::IndexMap::new();
    let values = service.settings.value().map_or(&empty, |settings| &settings.0);
    let mut reader =
        Reader { title, values, hidden, settings, reasons, fields: Vec::new(), secrets: Vec::new() };
    let section = reader.section(service_type)?;
    let end = if service_type == "zapier" { "false" } else { "true" };
    reader.fields.push(("send_resolved", end.to_owned()));
    let Reader { fields, secrets, .. } = reader;
    Some(Receiver { name: settings.receiver_of(title), section, fields, secrets, is_foreign: false })
}

struct Reader<'a> {
    title: &'a str,
    values: &'a indexmap::IndexMap<String, String>,
    hidden: &'a dyn Fn(&str) -> bool,
    settings: &'a Settings,
    reasons: &'a mut Reasons,
    fields: Vec<(&'static str, String)>,
    secrets: Vec<(&'static str, String)>,
}

impl Reader<'_> {
    fn section(&mut self, service_type: &str) -> Option<&'static str> {
        let here = at(["type"]);
        match service_type {
            "mail" => {
                if !knows_a_server(self.settings) {
                    let text = "Alertmanager sends mail only where it knows the server for it";
                    let help = "write `smtp: { smarthost: …, from: … }` in settings.prometheus.alertmanager";
                    self.reasons.refuse(Code::NoSmtp, &here, text).help(help);
                    return None;
                }
                let addresses = self.shown("addresses")?;
                let parts =
                    addresses.split([',', ' ', '\n', ';']).map(str::trim).filter(|part| !part.is_empty());
                self.fields.push(("to", scalar(&parts.collect::<Vec<_>>().join(", "))));
                Some("email_configs")
            }
            "slack" => {
                self.secret("url", "api_url_file");
                Some("slack_configs")
            }
            "pagerduty" => {
                self.secret("service_key", "service_key_file");
                Some("pagerduty_configs")
            }
            "opsgenie" => {
                self.secret("customer_key", "api_key_file");
                self.responders()?;
                let text = "alerts get the texts of Alertmanager; the API of Opsgenie ends on 5 April 2027";
                self.reasons.approximate(Code::Payload, &here, text);
                Some("opsgenie_configs")
            }
            "victorops" => {
                self.secret("api_key", "api_key_file");
                if !self.values.contains_key("routing_key") {
                    let text = "Alertmanager takes no VictorOps without a routing key";
                    self.reasons
                        .refuse(Code::NoReceiver, &at(["settings"]), text)
                        .help("write `routing_key` in its settings");
                    return None;
                }
                let key = self.shown("routing_key")?;
                self.fields.push(("routing_key", scalar(&key)));
                Some("victorops_configs")
            }
            "sns" => {
                let topic = self.shown("topic_arn")?;
                let region = topic.split(':').nth(3).unwrap_or_default().to_owned();
                self.fields.push(("topic_arn", scalar(&topic)));
                self.fields.push(("sigv4", format!("{{ region: {} }}", scalar(&region))));
                let text = "keys come from the environment of Alertmanager, and messages have its form";
                self.reasons.approximate(Code::Payload, &here, text);
                Some("sns_configs")
            }
            "webhook" | "zapier" => {
                self.secret("url", "url_file");
                let text = "it is sent the JSON of Alertmanager; `url_file` needs Alertmanager 0.26 or later";
                self.reasons.approximate(Code::Payload, &here, text);
                Some("webhook_configs")
            }
            _ => {
                let text = "Alertmanager has nothing like this type of service";
                self.reasons.refuse(Code::NoReceiver, &here, text).help("notify it through a webhook");
                None
            }
        }
    }

    fn responders(&mut self) -> Option<()> {
        let mut all = Vec::new();
        for (setting, kind, key) in [("teams", "team", "name"), ("recipients", "user", "username")] {
            if self.values.contains_key(setting) {
                let list = self.shown(setting)?;
                let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
                all.extend(names.map(|name| format!("{{ {key}: {}, type: {kind} }}", scalar(name))));
            }
        }
        if !all.is_empty() {
            self.fields.push(("responders", format!("[{}]", all.join(", "))));
        }
        if self.values.contains_key("tags") {
            let tags = self.shown("tags")?;
            self.fields.push(("tags", scalar(&tags)));
        }
        Some(())
    }

    /// A setting that may stand in a file; one that comes from a secret may not.
    fn shown(&mut self, setting: &'static str) -> Option<String> {
        let may = self.settings.inline_secrets || !(self.hidden)(setting);
        let value = self.values.get(setting).filter(|_| may);
        if value.is_none() {
            let text =
                format!("`{setting}` is not written, or a secret, and Alertmanager reads no file for it");
            self.reasons
                .refuse(Code::NoReceiver, &at(["settings"]).key(setting), text)
                .help("write it as it is");
        }
        value.cloned()
    }

    fn secret(&mut self, setting: &'static str, key: &'static str) {
        if self.settings.inline_secrets
            && let Some(value) = self.values.get(setting)
        {
            self.fields.push((key.trim_end_matches("_file"), scalar(value)));
            return;
        }
        let title: String = self
            .title
            .chars()
            .map(|c| if c.is_alphanumeric() || "-_".contains(c) { c } else { '_' })
            .collect();
        let file = format!("{title}.{setting}");
        let path = format!("{}/{file}", self.settings.secrets_dir.trim_end_matches('/'));
        self.fields.push((key, scalar(&path)));
        self.secrets.push((setting, file));
    }
}

/// Whether Alertmanager knows a server for mail.
fn knows_a_server(settings: &Settings) -> bool {
    let base = settings.base.as_deref().and_then(|base| serde_yaml::from_str::<Value>(base).ok());
    let own = settings.written.alertmanager.as_ref().is_some_and(|it| it.smtp.is_some());
    own || base.is_some_and(|base| base["global"]["smtp_smarthost"].is_string())
}
