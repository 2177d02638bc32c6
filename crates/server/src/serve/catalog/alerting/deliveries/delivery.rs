//! One delivery: something to be told to one service.

use crate::notify::Message;

#[derive(Debug, Clone, PartialEq)]
pub struct Delivery {
    pub id: i64,
    /// The key of the incident.
    pub key: String,
    /// The number of the notice in its incident.
    pub seq: i64,
    pub alert: i64,
    /// The name of the alert then.
    pub alert_name: String,
    pub service: Service,
    pub kind: Kind,
    /// Event time.
    pub at: i64,
    pub created_at: i64,
    /// When the next attempt is due.
    pub next_at: i64,
    pub attempts: i64,
    pub first_at: Option<i64>,
    pub last_at: Option<i64>,
    pub ended_at: Option<i64>,
    pub status: Status,
    /// Whether an attempt may have arrived.
    pub in_doubt: bool,
    /// The delivery in whose message this one went along.
    pub digest: Option<i64>,
    /// What became of the last attempt, for people; without secrets.
    pub detail: Option<String>,
    /// Who is still to be told, where a service tells many.
    pub rest: Vec<String>,
    pub payload: Payload,
}

/// The service as it was when the delivery was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    pub id: i64,
    pub kind: String,
    pub title: String,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq)]
pub enum Payload {
    Message(Box<Message>),
    /// Of a delivery that has ended some time ago: what is left of it.
    Summary(serde_json::Value),
}

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Trigger,
    Clear,
}

impl Kind {
    const ALL: [Kind; 2] = [Kind::Trigger, Kind::Clear];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Trigger => "trigger",
            Kind::Clear => "clear",
        }
    }

    pub fn of(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// It is to be sent.
    Waiting,
    /// The far end has it.
    Sent,
    /// The far end does not want it, and will not.
    Failed,
    /// It was given up after a day.
    Expired,
    /// Silenced, and so not sent.
    Silenced,
    /// The server notifies no one.
    Muted,
    /// Notifications of this file are held back.
    Held,
    /// The type of its service is dead.
    Unsupported,
    /// A newer one, or a digest, said it as well.
    Replaced,
    /// The clear of a trigger that never arrived.
    Dropped,
}

impl Status {
    /// All there are.
    pub const ALL: [Status; 10] = [
        Status::Waiting,
        Status::Sent,
        Status::Failed,
        Status::Expired,
        Status::Silenced,
        Status::Muted,
        Status::Held,
        Status::Unsupported,
        Status::Replaced,
        Status::Dropped,
    ];

    /// Its word.
    pub fn name(self) -> &'static str {
        match self {
            Status::Waiting => "waiting",
            Status::Sent => "sent",
            Status::Failed => "failed",
            Status::Expired => "expired",
            Status::Silenced => "silenced",
            Status::Muted => "muted",
            Status::Held => "held",
            Status::Unsupported => "unsupported",
            Status::Replaced => "replaced",
            Status::Dropped => "dropped",
        }
    }

    pub fn of(name: &str) -> Option<Status> {
        Status::ALL.into_iter().find(|status| status.name() == name)
    }

    /// Whether it was given up: who should have heard has not, and no one wanted that.
    pub fn is_lost(self) -> bool {
        matches!(self, Status::Failed | Status::Expired | Status::Unsupported)
    }

    /// Whether nothing more becomes of it.
    pub fn is_end(self) -> bool {
        !matches!(self, Status::Waiting | Status::Held)
    }
}

impl Delivery {
    /// One that is made now.
    pub fn new(message: Message, service: Service, now: i64, status: Status) -> Delivery {
        Delivery {
            id: 0,
            key: message.key.clone(),
            seq: message.seq.into(),
            alert: message.alert.id,
            alert_name: message.alert.name.clone(),
            service,
            kind: if message.is_trigger() { Kind::Trigger } else { Kind::Clear },
            at: message.at,
            created_at: now,
            next_at: now,
            attempts: 0,
            first_at: None,
            last_at: None,
            ended_at: status.is_end().then_some(now),
            status,
            in_doubt: false,
            digest: None,
            detail: None,
            rest: Vec::new(),
            payload: Payload::Message(Box::new(message)),
        }
    }
}
