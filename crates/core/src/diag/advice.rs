//! What is said of the problems that people meet most, beyond their meaning: where they come from, an example, and how to mend it.
//! A test runs the examples.

use super::Code;

/// More on a kind of problem.
#[derive(Debug)]
pub struct Advice {
    /// The kind.
    pub code: Code,
    /// Where it mostly comes from.
    pub cause: &'static str,
    /// A piece of a file that has it.
    pub wrong: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// The same piece, mended.
    pub right: &'static str,
}

impl Code {
    /// More on it, where it is one that people meet often.
    pub fn advice(self) -> Option<&'static Advice> {
        ADVICE.iter().find(|advice| advice.code == self)
    }
}

/// Cause, example, way to mend, and the example mended.
const fn of(code: Code, [cause, wrong, mend, right]: [&'static str; 4]) -> Advice {
    Advice { code, cause, wrong, mend, right }
}

/// In the order of the codes.
const ADVICE: &[Advice] = &[
    of(
        Code::AbsentReference,
        [
            "An object was declared absent, so that it is deleted, while others still use it.",
            "services: { ops: { ensure: absent } }\nalerts: { a: { services: [ops], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
            "Take it out of what uses it, or declare what takes its place.",
            "services: { ops: { ensure: absent } }\nalerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::AlertNotifiesNobody,
        [
            "`services` is not written, so nobody learns that the alert triggered.",
            "alerts: { a: { conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
            "Name the services. Where nobody shall be notified, write `services: []`.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::AlertWithoutConditions,
        [
            "`conditions` is empty or not written.",
            "alerts: { a: { services: [], conditions: [] } }",
            "Write at least one condition.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::Ambiguous,
        [
            "The service holds several objects of this name, made by hand or by another tool, and names are all that tells objects apart here.",
            "alerts: { web.slow: { description: Pages are slow } }",
            "Rename or delete all but one of them where they are: the message has their ids. `librato-apply delete KIND ID` deletes one.",
            "alerts: { web.slow: { description: Pages are slow } }",
        ],
    ),
    of(
        Code::DataLost,
        [
            "A metric is to be deleted, or made anew with another type; its measurements go with it, and no backup holds them.",
            "metrics: { web.ms: { ensure: absent } }",
            "If that is meant, run with --delete-data. Otherwise take it out of the files, which leaves it alone.",
            "metrics: {}",
        ],
    ),
    of(
        Code::DeadService,
        [
            "The company behind this type of service has closed it down, so nothing sent to it arrives.",
            "services: { ops: { type: hipchat, settings: { auth_token: \"${secret.T}\", from: ops, room_id: 1, notify: 1 } } }",
            "Remove it, or change its type to one that somebody reads.",
            "services: { ops: { type: mail, settings: { addresses: ops@example.org } } }",
        ],
    ),
    of(
        Code::ExternalMissing,
        [
            "A service is declared `external`, as one that is managed elsewhere, and there is none of this title. Titles differ, or it is another account.",
            "services: { ops: { type: mail, external: true } }",
            "See what there is by `librato-apply get services`, write its title as it is there, or declare the service with its type and settings.",
            "services: { ops: { type: mail, settings: { addresses: ops@example.org } } }",
        ],
    ),
    of(
        Code::FieldDoesNotFit,
        [
            "A field of another type of condition, of chart or of stream is still there.",
            "alerts: { a: { services: [], conditions: [{ type: absent, metric_name: m, duration: 5m, threshold: 5 }] } }",
            "Remove the field, or change the type.",
            "alerts: { a: { services: [], conditions: [{ type: absent, metric_name: m, duration: 5m }] } }",
        ],
    ),
    of(
        Code::ForeignFile,
        [
            "The file belongs to another tool, such as Docker Compose or Kubernetes, and lies in the directory that is read.",
            "services: { web: { image: nginx } }",
            "Name it in `settings.exclude`, or give the directory of the definitions alone.",
            "settings: { exclude: [docker-compose.yml] }",
        ],
    ),
    of(
        Code::InvalidComposite,
        [
            "A bracket, a quote or a comma is missing or too much.",
            "composites: { c: { composite: 'sum(s(\"web.hits\", \"*\")' } }",
            "Mend the place that the message shows. Names and sources stand in double quotes, so single quotes around the whole keep YAML away.",
            "composites: { c: { composite: 'sum(s(\"web.hits\", \"*\"))' } }",
        ],
    ),
    of(
        Code::InvalidDuration,
        [
            "The API takes 60 seconds to one hour.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5, duration: 2h }] } }",
            "Write a duration within these bounds.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5, duration: 1h }] } }",
        ],
    ),
    of(
        Code::InvalidName,
        [
            "The API takes letters, digits and `.:_-` in names of metrics, and up to 255 characters.",
            "metrics: { \"web hits\": { type: gauge } }",
            "Write another name; `display_name` is free text.",
            "metrics: { web.hits: { type: gauge, display_name: Web hits } }",
        ],
    ),
    of(
        Code::InvalidUrl,
        [
            "The address lacks `https://`.",
            "services: { ops: { type: slack, settings: { url: hooks.example.org } } }",
            "Write the whole address. Since it lets anybody post, keep it in a variable: `${secret.NAME}`.",
            "services: { ops: { type: slack, settings: { url: \"https://hooks.example.org\" } } }",
        ],
    ),
    of(
        Code::LooksLikeARename,
        [
            "An object was given another name in the files: the plan deletes the old one and creates another.",
            "alerts: { web.slower: { services: [] } }",
            "If it is the same object, say so; it then keeps its id and its history.",
            "alerts: { web.slower: { renamed_from: web.slow, services: [] } }",
        ],
    ),
    of(
        Code::LostColor,
        [
            "Without quotes YAML takes `#` for the start of a comment, and nothing is left of the colour.",
            "metrics: { web.ms: { type: gauge, attributes: {\n  color: #52D74C\n} } }",
            "Put it in quotes.",
            "metrics: { web.ms: { type: gauge, attributes: {\n  color: \"#52D74C\"\n} } }",
        ],
    ),
    of(
        Code::MergeConflict,
        [
            "A merge of git was not finished: both versions stand in the file, between marks.",
            "<<<<<<< HEAD\nmetrics: {}\n=======\nalerts: {}\n>>>>>>> other",
            "Choose between the two versions, and remove the three lines of marks.",
            "metrics: {}",
        ],
    ),
    of(
        Code::MisplacedField,
        [
            "A field stands where it means nothing, often since it is indented too little or too much.",
            "services: { ops: { type: mail, external: true, settings: { addresses: ops@example.org } } }",
            "Move it below what it belongs to, or remove it.",
            "services: { ops: { type: mail, settings: { addresses: ops@example.org } } }",
        ],
    ),
    of(
        Code::MissingField,
        [
            "A field without which the object says nothing is not written.",
            "alerts: { a: { services: [], conditions: [{ metric_name: m, threshold: 5 }] } }",
            "Write it; `librato-apply explain FIELD` says what it takes.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::MissingSetting,
        [
            "Each type of service needs settings of its own, without which the API refuses it.",
            "services: { ops: { type: mail, settings: {} } }",
            "Write the settings that the message names.",
            "services: { ops: { type: mail, settings: { addresses: ops@example.org } } }",
        ],
    ),
    of(
        Code::NestedComposite,
        [
            "The API works composites out of metrics alone.",
            "composites: { a: { composite: 's(\"m\", \"*\")' }, b: { composite: 'sum(s(\"a\", \"*\"))' } }",
            "Write the definition of the other one in its place. In a chart, `metric: NAME` shows a composite as it is.",
            "composites: { a: { composite: 's(\"m\", \"*\")' }, b: { composite: 'sum(s(\"m\", \"*\"))' } }",
        ],
    ),
    of(
        Code::NotAMapping,
        [
            "The file, or a section in it, is a list or a text where names with something below them belong.",
            "- web.ms",
            "Write sections, and below them `name: { fields }`.",
            "metrics: { web.ms: { type: gauge } }",
        ],
    ),
    of(
        Code::Protected,
        [
            "`settings.protect` keeps objects of this name from being deleted.",
            "settings: { protect: [\"web.*\"] }\nalerts: { web.slow: { ensure: absent } }",
            "If it is to go, take it out of `settings.protect` for this run.",
            "alerts: { web.slow: { ensure: absent } }",
        ],
    ),
    of(
        Code::RepeatedKey,
        [
            "YAML would take one of the two and drop the other without a word.",
            "metrics: { m: { type: gauge, type: counter } }",
            "Remove one of them.",
            "metrics: { m: { type: gauge } }",
        ],
    ),
    of(
        Code::RepeatedName,
        [
            "Two files, two sections or two rounds of `for_each` declare an object of the same name; metrics and composites share theirs.",
            "metrics: { m: { type: gauge } }\ncomposites: { m: { composite: 's(\"x\", \"*\")' } }",
            "Keep one of them, or give one another name.",
            "metrics: { m: { type: gauge } }\ncomposites: { m.sum: { composite: 's(\"x\", \"*\")' } }",
        ],
    ),
    of(
        Code::ServiceInUse,
        [
            "A service is to be deleted that alerts still notify, also alerts that no file declares.",
            "services: { ops: { ensure: absent } }",
            "Take it out of the alerts that the message names, and apply that first.",
            "services: {}",
        ],
    ),
    of(
        Code::TooManyDeletes,
        [
            "The plan deletes more than is usual: files may be missing, or the endpoint may be another account.",
            "settings: { prune: { alerts: [\"*\"] } }",
            "Look at what would be deleted. If it is meant, raise `settings.max_deletes` or give --max-deletes for this run.",
            "settings: { prune: { alerts: [\"*\"] }, max_deletes: 100 }",
        ],
    ),
    of(
        Code::UnknownField,
        [
            "The field is misspelt, or stands at another depth than it is meant for.",
            "alerts: { a: { desciption: Pages are slow } }",
            "Write it as the message proposes; `librato-apply explain alerts` lists the fields of alerts.",
            "alerts: { a: { description: Pages are slow } }",
        ],
    ),
    of(
        Code::UnknownFunction,
        [
            "The function is misspelt, or of another language.",
            "composites: { c: { composite: 'summ(s(\"m\", \"*\"))' } }",
            "Write one of the functions that docs/composites.md lists.",
            "composites: { c: { composite: 'sum(s(\"m\", \"*\"))' } }",
        ],
    ),
    of(
        Code::UnknownMetric,
        [
            "The name is misspelt, or nothing has sent this metric yet.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: web.mss, threshold: 5 }] } }",
            "Compare it with `librato-apply get metrics`. Declare the metric where it comes later.",
            "metrics: { web.ms: { type: gauge } }\nalerts: { a: { services: [], conditions: [{ type: above, metric_name: web.ms, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::UnknownReference,
        [
            "The word before the dot is none that references begin with.",
            "metrics: { m: { type: gauge, description: \"${vars.text}\" } }",
            "Write `${var.NAME}`, `${env.NAME}`, `${secret.NAME}`, `${each.key}` or `${each.value}`; `$${` stands for the text itself.",
            "vars: { text: Hits }\nmetrics: { m: { type: gauge, description: \"${var.text}\" } }",
        ],
    ),
    of(
        Code::UnknownSection,
        [
            "A word at the left edge is taken for a section. It is misspelt, or what should be indented is not.",
            "alert: { a: {} }",
            "Write one of the sections that the message names, or indent the line.",
            "alerts: { a: { services: [] } }",
        ],
    ),
    of(
        Code::UnknownService,
        [
            "Alerts name services by title, and none of the files declares one of this title.",
            "alerts: { a: { services: [ops], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
            "Declare it; one that is managed elsewhere as `external`, with its type.",
            "services: { ops: { type: mail, external: true } }\nalerts: { a: { services: [ops], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::UnknownServiceType,
        [
            "The type is misspelt, or newer than this program.",
            "services: { ops: { type: slak, settings: { url: \"https://example.org/x\" } } }",
            "Write it as the message proposes. A type that only your service knows may stay: this is a warning, and all its settings are secret.",
            "services: { ops: { type: slack, settings: { url: \"https://example.org/x\" } } }",
        ],
    ),
    of(
        Code::UnknownSetting,
        [
            "The setting is misspelt: it would be stored, and nothing would read it.",
            "services: { ops: { type: webhook, settings: { url: \"https://example.org/x\", fromat: json } } }",
            "Write it as the message proposes.",
            "services: { ops: { type: webhook, settings: { url: \"https://example.org/x\", format: json } } }",
        ],
    ),
    of(
        Code::UnknownVariable,
        [
            "No section `vars` and no file of --var-file has this variable.",
            "vars: { region: eu }\nmetrics: { m: { type: gauge, description: \"${var.regoin}\" } }",
            "Mend the name, or define the variable.",
            "vars: { region: eu }\nmetrics: { m: { type: gauge, description: \"${var.region}\" } }",
        ],
    ),
    of(
        Code::UnsetSecret,
        [
            "`${secret.NAME}` is read from the environment, where NAME is not set or empty.",
            "services: { ops: { type: slack, settings: { url: \"${secret.SLACK_URL}\" } } }",
            "Set it where the command runs: `SLACK_URL=… librato-apply plan`. `validate` only warns.",
            "services: { ops: { type: slack, settings: { url: \"${secret.SLACK_URL}\" } } }",
        ],
    ),
    of(
        Code::UnusedVariable,
        [
            "A variable is defined, and no file uses it: the place that used it is gone, or has another name.",
            "vars: { limit: 5 }\nmetrics: { m: { type: gauge } }",
            "Remove it, or use it.",
            "metrics: { m: { type: gauge } }",
        ],
    ),
    of(
        Code::WrongType,
        [
            "A text stands where a number belongs, or a list where one value does.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: high }] } }",
            "Write a value of the type that the message names.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::WrongValue,
        [
            "The field takes texts of one form only, or numbers within bounds.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5, duration: soon }] } }",
            "Write it in the form that the message names.",
            "alerts: { a: { services: [], conditions: [{ type: above, metric_name: m, threshold: 5 }] } }",
        ],
    ),
    of(
        Code::YamlSyntax,
        [
            "A bracket or quote is not closed, a line is indented by a tab, or a text with `: ` or ` #` in it has no quotes.",
            "metrics: { m: { type: gauge }",
            "Mend the place that the message shows; the mistake may be some lines above it.",
            "metrics: { m: { type: gauge } }",
        ],
    ),
];
