//! `submit`: one measurement out of the arguments here, many in `stream`.

mod defaults;
mod reader;
mod run;
mod stream;
mod tally;

use anyhow::anyhow;
use librato_apply::diag::printable;
use librato_apply::measure::{BatchSender, Labels, Measurement, MetricType};
use librato_apply::remote::RetryPolicy;

use self::defaults::Defaults;
use super::args::{Global, Submit};
use super::endpoint::Access;
use super::exit::{Exit, Stop};
use super::remote::with_service;
use super::ui::Ui;

/// Sends what the arguments say.
pub async fn submit(args: &Submit, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let defaults = Defaults::read(args)?;
    match (&args.from, &args.name, args.value) {
        (Some(from), ..) => stream::submit(from, args, &defaults, global, ui).await,
        // clap drops `requires` where what is required conflicts with what is given.
        (None, ..) if args.aggregate || args.keep.is_some() || args.input_format.is_some() => {
            let message = "--aggregate, --keep and --input-format are for many measurements";
            Err(Stop::usage(message, "give --from FILE").into())
        }
        (None, Some(name), Some(value)) => {
            one(measurement(name, value, args, &defaults)?, value, global, ui).await
        }
        _ => Err(Stop::usage("there is no value", "write submit NAME VALUE, or submit --from FILE").into()),
    }
}

fn measurement(name: &str, value: f64, args: &Submit, defaults: &Defaults) -> Result<Measurement, Stop> {
    if !value.is_finite() {
        return Err(Stop::usage("the value is not a number that JSON can hold", "give a finite number"));
    }
    let mut measurement = match defaults.metric_type {
        MetricType::Counter => Measurement::counter(name, value),
        MetricType::Gauge => Measurement::gauge(name, value),
    };
    if let Some(text) = &args.description {
        measurement = measurement.description(text);
    }
    if let Some(text) = &args.display_name {
        measurement = measurement.display_name(text);
    }
    defaults.fill(&mut measurement, super::time::now());
    Ok(measurement)
}

/// Sends one measurement. It is often part of a script, so it is not tried for as long as a stream is.
async fn one(measurement: Measurement, value: f64, global: &Global, ui: &Ui) -> anyhow::Result<Exit> {
    let sender = BatchSender::new(RetryPolicy { deadline: global.timeout * 3, ..RetryPolicy::default() });
    let (delivery, target) = with_service(global, ui, Access::Write, async |client, target| {
        ui.stage.sends();
        let delivery = sender.deliver(client, std::slice::from_ref(&measurement)).await;
        Ok((delivery, target.to_string()))
    })
    .await?;
    let name = &measurement.name;
    if let Some((_, reason)) = delivery.refused.first() {
        let flag = tally::other_type(reason);
        // The service says it in words of its own.
        let reason = match flag {
            Some(tally::COUNTER) => format!("{name} is a counter, and was sent as another type"),
            Some(_) => format!("{name} is a gauge, and was sent as another type"),
            None => reason.clone(),
        };
        let place = place(&measurement.labels);
        let message = format!("the measurement of \"{}\"{place} was not accepted: {reason}", printable(name));
        let help = flag.map(str::to_owned).into_iter().collect();
        return Err(Stop { exit: Exit::Error, message, help }.into());
    }
    if let Some(error) = delivery.error {
        let arrived = if delivery.unclear > 0 { "; it may have arrived all the same" } else { "" };
        return Err(anyhow!(error).context(format!("the measurement of {name} was not sent{arrived}")));
    }
    ui.done(&format!("Sent {name} = {value} to {target}.\n"));
    if delivery.submitted.twice > 0 {
        ui.complain("note: an answer was lost, so it may have arrived twice");
    }
    Ok(Exit::Done)
}

/// Where something was measured, in the words of the flags: the service says what it expects, and not what it was given.
fn place(labels: &Labels) -> String {
    let parts: Vec<String> = match labels {
        Labels::Source(source) => source.iter().map(|source| format!("--source \"{source}\"")).collect(),
        Labels::Tags(tags) => tags.iter().map(|(name, value)| format!("--tag {name}=\"{value}\"")).collect(),
    };
    if parts.is_empty() { String::new() } else { format!(" ({})", printable(&parts.join(" "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_shown_in_quotes() {
        assert_eq!(place(&Labels::Source(None)), "");
        assert_eq!(place(&Labels::Source(Some("web one".to_owned()))), " (--source \"web one\")");
        let tags = [("a".to_owned(), "b!".to_owned()), ("c".to_owned(), "d\n".to_owned())];
        let shown = place(&Labels::Tags(tags.into()));
        assert!(shown.starts_with(" (--tag a=\"b!\" --tag c=\"d") && !shown.contains('\n'), "{shown}");
    }
}
