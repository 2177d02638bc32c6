//! What the value of a setting must be, by the type of the service: the rules by which the API's own senders refuse one.
//! The built-in server has rules of its own; a test holds the two against each other. Never repeats a value, which may be secret.

use crate::diag::Code;
use crate::model::check::{Checker, at};

/// The code for what is most likely no part of the value: a blank at an end, a line end.
pub const UNCLEAN: &str = Code::UncleanSetting.name();

/// Reports what is wrong with a setting that is not blank.
pub(super) fn check(service_type: &str, name: &str, value: &str, found: &mut Checker<'_>) {
    if is_unclean(service_type, name, value) {
        let message =
            format!("`{name}` begins or ends with a blank, or holds a control character such as a line end");
        found
            .error(at(["settings", name]), Code::UncleanSetting, message)
            .help("it would be sent as it is; look at the end of the text where it comes from");
        return;
    }
    let (code, message, help) = match (service_type, name) {
        (_, "url") | ("hipchat", "server_url") if !is_url(value) => (
            Code::InvalidUrl,
            "this is not a URL with a protocol",
            "write the whole address, `https://` included, or `${secret.NAME}` to read it from the environment",
        ),
        ("mail", "addresses") if !value.split(',').all(|address| is_address(address.trim())) => (
            Code::InvalidAddress,
            "this is not a mail address, or one of them is not",
            "several stand in one text with commas: `a@example.org, b@example.org`",
        ),
        ("hipchat", "from") if !is_sender(value) => (
            Code::InvalidSetting,
            "`from` is not a name that HipChat takes",
            "up to 15 letters, digits, blanks, `_`, `.` and `-`",
        ),
        ("hipchat", "notify") if !matches!(value, "0" | "1") => {
            (Code::InvalidSetting, "`notify` is neither 0 nor 1", "1 makes a sound, 0 does not")
        }
        ("flowdock", "user_name") if value.chars().count() > 15 || value.contains(' ') => (
            Code::InvalidSetting,
            "`user_name` is not a name that Flowdock takes",
            "up to 15 characters without blanks",
        ),
        ("sns", "topic_arn") if !is_topic(value) => (
            Code::InvalidSetting,
            "`topic_arn` is not the name of a topic",
            "it has the form arn:aws:sns:REGION:ACCOUNT:TOPIC",
        ),
        ("webhook", "format") if !matches!(value, "librato" | "json" | "teams") => (
            Code::InvalidSetting,
            "`format` is not one of librato, json and teams",
            "librato is a form as Librato sent it, json the same as a JSON body, teams a card for Microsoft Teams",
        ),
        ("pagerduty", "api") if !matches!(value, "v1" | "v2") => (
            Code::InvalidSetting,
            "`api` is neither v1 nor v2",
            "the version of PagerDuty's events that the key is for; without it, v1",
        ),
        _ => return,
    };
    found.error(at(["settings", name]), code, message).help(help);
}

/// Prose may hold anything, and between mail addresses blanks do no harm.
fn is_unclean(service_type: &str, name: &str, value: &str) -> bool {
    match (service_type, name) {
        (_, "description") => false,
        ("mail", "addresses") => value.chars().any(char::is_control),
        _ => value.trim() != value || value.chars().any(char::is_control),
    }
}

fn is_url(value: &str) -> bool {
    value.contains("://") && url::Url::parse(value).is_ok()
}

fn is_address(address: &str) -> bool {
    let made_of = |text: &str, more: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let Some((local, host)) = address.split_once('@') else { return false };
    let labels: Vec<&str> = host.split('.').collect();
    let top = labels.last().is_some_and(|top| top.chars().all(|c| c.is_ascii_alphabetic()));
    made_of(local, "_+-.") && labels.len() > 1 && labels.iter().all(|label| made_of(label, "-")) && top
}

fn is_sender(value: &str) -> bool {
    value.len() <= 15 && value.chars().all(|c| c.is_ascii_alphanumeric() || " _.-".contains(c))
}

fn is_topic(value: &str) -> bool {
    let ["arn", "aws" | "aws-cn" | "aws-us-gov", "sns", region, account, topic] =
        value.split(':').collect::<Vec<_>>()[..]
    else {
        return false;
    };
    let topic = topic.strip_suffix(".fifo").unwrap_or(topic);
    let place = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let digits = !account.is_empty() && account.chars().all(|c| c.is_ascii_digit());
    let word = !topic.is_empty() && topic.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c));
    !region.is_empty() && region.chars().all(place) && digits && word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_refuses_what_the_senders_refuse() {
        for (service_type, name, value, code) in [
            ("mail", "addresses", "a@example.org, b.c+d@x-y.co.uk", ""),
            ("mail", "addresses", "a@example.org ", ""),
            ("mail", "addresses", "a@example.org,nobody", "invalid-address"),
            ("mail", "addresses", "a@example", "invalid-address"),
            ("mail", "addresses", "a@example.org\n", "unclean-setting"),
            ("slack", "url", "https://hooks.example.org/x", ""),
            ("slack", "url", "https://hooks.example.org/x\n", "unclean-setting"),
            ("slack", "url", "hooks.example.org", "invalid-url"),
            ("slack", "url", "https://", "invalid-url"),
            ("hipchat", "from", "ops", ""),
            ("hipchat", "from", "much too long a name", "invalid-setting"),
            ("hipchat", "notify", "true", "invalid-setting"),
            ("hipchat", "server_url", "x", "invalid-url"),
            ("flowdock", "user_name", "has blank", "invalid-setting"),
            ("sns", "topic_arn", "arn:aws:sns:eu-west-1:123:top-ic", ""),
            ("sns", "topic_arn", "arn:aws:sqs:eu:1:t", "invalid-setting"),
            ("sns", "topic_arn", "arn:aws-cn:sns:cn-north-1:123:topic.fifo", ""),
            ("sns", "topic_arn", "arn:aws:sns:x.example.org/:123:topic", "invalid-setting"),
            ("webhook", "format", "teams", ""),
            ("webhook", "format", "xml", "invalid-setting"),
            ("pagerduty", "api", "v2", ""),
            ("pagerduty", "api", "2", "invalid-setting"),
            ("pagerduty", "service_key", " k", "unclean-setting"),
            ("pagerduty", "service_key", "k\u{0}", "unclean-setting"),
            ("pagerduty", "description", "two\nlines\n", ""),
        ] {
            let mut found = Checker::new("s");
            check(service_type, name, value, &mut found);
            let codes: Vec<_> = found.into_findings().iter().map(|finding| finding.code).collect();
            assert_eq!(codes.concat(), code, "{service_type} {name} {value:?}");
        }
    }
}
