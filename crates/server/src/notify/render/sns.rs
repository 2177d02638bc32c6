//! A topic of Amazon SNS: one signed request that publishes. Pure.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use serde_json::{Map, Value, json};
use url::Url;

use crate::notify::judge::Success;
use crate::notify::message::{Message, What};
use crate::notify::payload::payload;
use crate::notify::post::base;
use crate::notify::request::{Http, Surroundings, Unsendable};
use crate::notify::settings::Settings;
use crate::notify::text::{blocks, clip, fitting, headline, marked, sentences};

/// What one message may take, in bytes, all its forms together.
const MAX_MESSAGE: usize = 262_144;
/// One short message, in characters.
const MAX_SMS: usize = 140;

/// What a topic's name says of where it is.
struct Topic<'a> {
    host: String,
    region: &'a str,
    fifo: bool,
}

pub(super) fn render(
    settings: Settings<'_>,
    message: &Message,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let arn = settings.need("topic_arn")?;
    let topic = topic(arn).ok_or_else(|| settings.wrong("topic_arn", "is not the name of an SNS topic"))?;
    let (mut url, trusted) = base(settings, at, &topic.host)?;
    if url.path().is_empty() {
        url.set_path("/");
    }
    let fits = |kept: usize| body(message, kept).len() <= MAX_MESSAGE;
    let body = body(message, fitting(blocks(message).len(), fits));
    let once = format!("{}-{}", message.key, message.seq);
    let mut fields = vec![
        ("Action", "Publish"),
        ("Version", "2010-03-31"),
        ("TopicArn", arn),
        ("MessageStructure", "json"),
        ("Message", &body),
    ];
    if topic.fifo {
        fields.extend([("MessageGroupId", message.key.as_str()), ("MessageDeduplicationId", &once)]);
    }
    let request = Http { trusted, ..Http::form(url, &fields).judged_by(Success::Sns) };
    signed(request, settings, topic.region, at)
}

/// Anything but such a name could lead the request, and with it the signature, elsewhere.
fn topic(arn: &str) -> Option<Topic<'_>> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "sns", region, account, name] = parts[..] else { return None };
    let domain = match partition {
        "aws" | "aws-us-gov" => "amazonaws.com",
        "aws-cn" => "amazonaws.com.cn",
        _ => return None,
    };
    let label = |text: &str, also: &str| {
        !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || also.contains(c))
    };
    let (name, fifo) = name.strip_suffix(".fifo").map_or((name, false), |name| (name, true));
    let valid = label(region, "-") && account.bytes().all(|b| b.is_ascii_digit()) && label(name, "-_");
    valid.then(|| Topic { host: format!("sns.{region}.{domain}").to_ascii_lowercase(), region, fifo })
}

/// One form for everybody and a short one for telephones.
fn body(message: &Message, kept: usize) -> String {
    let sms = match message.what {
        // Longer than is kept, so that the first violation is there as far as it fits.
        What::Trigger { .. } => {
            marked(message, &format!("{} {}", headline(message), sentences(message, 8 * MAX_SMS)))
        }
        What::Clear { .. } => marked(message, &headline(message)),
    };
    let mut all: Map<String, Value> = payload(message, kept);
    // Whoever subscribes to a topic need not know whose account it is.
    all.shift_remove("account");
    json!({"default": Value::Object(all).to_string(), "sms": clip(&sms, MAX_SMS)}).to_string()
}

fn signed(
    mut request: Http,
    settings: Settings<'_>,
    region: &str,
    at: &Surroundings,
) -> Result<Http, Unsendable> {
    let unsigned = || Unsendable::Settings("the request cannot be signed with these settings".to_owned());
    let (id, secret) = (settings.token("access_key_id")?, settings.token("secret_access_key")?);
    let identity = Credentials::new(id, secret, None, None, "settings").into();
    let now = UNIX_EPOCH + Duration::from_secs(u64::try_from(at.now).unwrap_or(0));
    let params = SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sns")
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsigned())?
        .into();
    let headers =
        [("content-type", "application/x-www-form-urlencoded"), ("host", host(&request.url).as_str())]
            .map(|(name, value)| (name, value.to_owned()));
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let body = SignableBody::Bytes(&request.body);
    let signable =
        SignableRequest::new("POST", request.url.as_str(), headers, body).map_err(|_| unsigned())?;
    let (instructions, _) = sign(signable, &params).map_err(|_| unsigned())?.into_parts();
    for (name, value) in instructions.headers() {
        match name {
            "authorization" => request = request.header("Authorization", value.to_owned()),
            "x-amz-date" => request = request.header("X-Amz-Date", value.to_owned()),
            _ => {}
        }
    }
    Ok(request)
}

/// The header that every client sends by itself.
fn host(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}
