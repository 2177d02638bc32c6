//! What becomes of deliveries that are due, before an attempt and after it. Pure.

use super::table::{Head, Written};
use crate::notify::{Report, Verdict};
use crate::serve::catalog::alerting::deliveries::delivery::{Delivery, Kind, Payload, Status};
use crate::serve::catalog::alerting::silences::silence::Silence;
use crate::serve::catalog::alerting::silences::withdraw::is_silenced;

/// Who is not reached within a day is given up.
pub const GIVE_UP: i64 = 86_400;

/// What was refused is tried again no sooner than this many seconds later: the far end may be changed just now, or its address may.
pub const ONCE_MORE: i64 = 60;

/// Messages waiting for one service beyond which they are told together, where the service takes that.
pub const STORM: i64 = 20;

/// Incidents in one message at most.
pub const IN_DIGEST: usize = 50;

/// Why a delivery needs no attempt, if it needs none.
pub fn settled(head: &Head, silences: &[Silence], is_open: bool, now: i64) -> Option<Written> {
    let Head { delivery, outdated, told, .. } = head;
    let (status, detail) = match (delivery.kind, &delivery.payload) {
        (Kind::Trigger, _) if *outdated => (Status::Replaced, "a newer trigger of the incident waits"),
        (Kind::Clear, _) if !told => (Status::Dropped, "its trigger never arrived"),
        (_, Payload::Summary(_)) => (Status::Failed, "there is no message any more"),
        (Kind::Trigger, _) if is_silenced(delivery, silences, now) => {
            (Status::Silenced, "silenced before it was sent")
        }
        _ if is_open && is_old(delivery, now) => {
            let last = delivery.detail.clone();
            let detail = last.unwrap_or_else(|| "the service could not be reached for a day".to_owned());
            return Some(ended(delivery, Status::Expired, Some(detail)));
        }
        _ => return None,
    };
    Some(ended(delivery, status, Some(detail.to_owned())))
}

fn is_old(delivery: &Delivery, now: i64) -> bool {
    now.saturating_sub(delivery.created_at) >= GIVE_UP
}

fn ended(delivery: &Delivery, status: Status, detail: Option<String>) -> Written {
    Written { status, detail, ..untouched(delivery) }
}

/// A delivery as it is.
pub fn untouched(delivery: &Delivery) -> Written {
    Written {
        id: delivery.id,
        status: delivery.status,
        tried: false,
        next_at: delivery.next_at,
        in_doubt: delivery.in_doubt,
        digest: delivery.digest,
        detail: delivery.detail.clone(),
        rest: delivery.rest.clone(),
    }
}

/// What an attempt makes of what it brought, the first of which lent its name. `wait` is the back-off in seconds, `refused` tells whether
/// it was refused before. As long as an incident is open no one is left without its trigger for a refusal alone; one that is over is
/// not worth more than a second try, nor is an address among others that were told.
pub fn attempted(heads: &[Head], report: &Report, now: i64, wait: i64, refused: bool) -> Vec<Written> {
    let first = heads.first().map(|head| head.delivery.id);
    let each = |head: &Head| {
        let delivery = &head.delivery;
        let later = |seconds: i64, after_a_day: Status| match is_old(delivery, now) {
            true => (after_a_day, now),
            false => (Status::Waiting, now.saturating_add(seconds)),
        };
        let is_enough = refused && (head.over || !report.rest.is_empty());
        let carried = Some(delivery.id) != first;
        let (status, next_at) = match report.verdict {
            Verdict::Taken if carried => (Status::Replaced, now),
            Verdict::Taken => (Status::Sent, now),
            Verdict::Passing { retry_after } => {
                let asked = retry_after.map_or(0, |wait| i64::try_from(wait.as_secs()).unwrap_or(i64::MAX));
                later(wait.max(asked), Status::Expired)
            }
            Verdict::Unready | Verdict::Lasting if is_enough => (Status::Failed, now),
            Verdict::Unready => later(wait, Status::Expired),
            Verdict::Lasting => later(wait.max(ONCE_MORE), Status::Failed),
            Verdict::Dead => (Status::Unsupported, now),
            Verdict::NotTaken => (Status::Dropped, now),
        };
        let taken = report.verdict == Verdict::Taken;
        Written {
            status,
            tried: true,
            next_at,
            in_doubt: delivery.in_doubt || report.in_doubt,
            digest: first.filter(|_| carried && taken),
            rest: report.rest.clone(),
            ..ended(delivery, status, detail(report))
        }
    };
    heads.iter().map(each).collect()
}

/// What came of an attempt, for people; an answer that is no success with its status.
fn detail(report: &Report) -> Option<String> {
    let status =
        report.status.filter(|status| !(200..300).contains(status)).map(|status| format!("HTTP {status}"));
    let parts: Vec<String> = status.into_iter().chain(report.detail.clone()).collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}
