//! How far what is rendered means what was defined: exactly, but for reasons that are named, or not at all.
//! Knows nothing of what is rendered.

use crate::diag::{Code, Part, Route};

/// How far something means the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fidelity {
    /// It does.
    Exact,
    /// But for the reasons that are given.
    Approximate,
    /// There is nothing that means nearly the same.
    Refused,
    /// Nothing is wanted of it.
    Skipped,
}

impl Fidelity {
    /// As documents and comments have it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Approximate => "approximate",
            Self::Refused => "refused",
            Self::Skipped => "skipped",
        }
    }
}

/// What is to be said of a part of an object.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// What it makes of the object; a note leaves it exact.
    pub weight: Fidelity,
    /// The kind of it.
    pub code: Code,
    /// In a sentence.
    pub text: String,
    /// Where in the object.
    pub route: Route,
    /// Which part there.
    pub part: Part,
    /// A way out.
    pub help: Option<String>,
}

/// The reasons of one object, collected at a place of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Reasons(Vec<Reason>);

impl Reasons {
    /// Something worth knowing that changes no meaning.
    pub fn note(&mut self, code: Code, route: &Route, text: impl Into<String>) -> &mut Reason {
        self.add(Fidelity::Exact, code, route, text.into())
    }

    /// Something that means nearly the same.
    pub fn approximate(&mut self, code: Code, route: &Route, text: impl Into<String>) -> &mut Reason {
        self.add(Fidelity::Approximate, code, route, text.into())
    }

    /// Something that cannot be rendered.
    pub fn refuse(&mut self, code: Code, route: &Route, text: impl Into<String>) -> &mut Reason {
        self.add(Fidelity::Refused, code, route, text.into())
    }

    fn add(&mut self, weight: Fidelity, code: Code, route: &Route, text: String) -> &mut Reason {
        let (route, part) = (route.clone(), Part::Value);
        let reason = Reason { weight, code, text, route, part, help: None };
        // The same is said once, however many leaves or streams have it.
        let known = self.0.iter().position(|known| known.code == code && known.text == reason.text);
        let place = known.unwrap_or(self.0.len());
        if known.is_none() {
            self.0.push(reason);
        }
        &mut self.0[place]
    }

    /// What the object comes to.
    pub fn fidelity(&self) -> Fidelity {
        self.0.iter().map(|reason| reason.weight).max().unwrap_or(Fidelity::Exact)
    }

    /// Whether there is nothing to render.
    pub fn refused(&self) -> bool {
        self.fidelity() == Fidelity::Refused
    }

    /// All of them, in the order they were found.
    pub fn all(&self) -> &[Reason] {
        &self.0
    }
}

/// When rules and our evaluation say the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Agreement {
    /// Not for sure.
    Never,
    /// Once everything has been the same for a while.
    Steady,
    Always,
}

/// When an alert fires as our evaluation says: how it is told of is another matter, and no test lasts a day.
pub fn agreement(reasons: &Reasons) -> Agreement {
    let of = |code: Code| match code {
        Code::Rearm | Code::NobodyTold | Code::Payload | Code::AbsentMemory => Agreement::Always,
        // When values change, it differs by a little when that is seen.
        Code::Edge
        | Code::Grouped
        | Code::PointsByTime
        | Code::FillFromNow
        | Code::RankWindow
        | Code::NotOneSeries
        | Code::ReadLate => Agreement::Steady,
        _ => Agreement::Never,
    };
    let doubts = reasons.all().iter().filter(|reason| reason.weight != Fidelity::Exact);
    doubts.map(|reason| of(reason.code)).min().unwrap_or(Agreement::Always)
}

impl Reason {
    /// Adds a way out.
    pub fn help(&mut self, text: impl Into<String>) -> &mut Self {
        self.help = Some(text.into());
        self
    }

    /// Points at a stretch of the text there.
    pub fn within(&mut self, span: &std::ops::Range<usize>) -> &mut Self {
        self.part = Part::Text { start: span.start, end: span.end };
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_reason_decides_and_a_note_does_not() {
        let (mut reasons, here) = (Reasons::default(), Route::root());
        assert_eq!(reasons.fidelity(), Fidelity::Exact);
        reasons.note(Code::PeriodAssumed, &here, "a");
        assert_eq!(reasons.fidelity(), Fidelity::Exact);
        reasons.approximate(Code::Edge, &here, "b").help("c");
        reasons.approximate(Code::Edge, &here, "b");
        assert_eq!((reasons.fidelity(), reasons.all().len()), (Fidelity::Approximate, 2));
        reasons.refuse(Code::NoProduct, &here, "d").within(&(1..2));
        assert!(reasons.refused());
    }

    #[test]
    fn how_an_alert_is_told_of_changes_nothing_of_when_it_fires() {
        let (mut reasons, here) = (Reasons::default(), Route::root());
        reasons.approximate(Code::Rearm, &here, "a");
        reasons.note(Code::PeriodAssumed, &here, "b");
        assert_eq!(agreement(&reasons), Agreement::Always);
        reasons.approximate(Code::Grouped, &here, "c");
        assert_eq!(agreement(&reasons), Agreement::Steady);
        reasons.approximate(Code::NotMapped, &here, "d");
        assert_eq!(agreement(&reasons), Agreement::Never);
    }
}
