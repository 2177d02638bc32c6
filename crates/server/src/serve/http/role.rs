//! What a token may do: the three roles of the API, one of ours, and what each of them has access to.
//! Knows no paths: each route says what it gives access to (`route.rs`). Pure.

/// The role of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Admin,
    /// For agents: submits measurements and events, reads what is related to metrics.
    Recorder,
    /// Reads, but neither alerts nor services, whose settings are secrets, nor tokens.
    Viewer,
    /// The person on call, and jobs that plan: reads what a viewer reads and also alerts and services, with their
    /// settings masked, and clears alerts. Not a role of the API, so no API token has it.
    Operator,
}

/// The roles that API tokens have.
const OF_TOKENS: [Role; 3] = [Role::Admin, Role::Recorder, Role::Viewer];

impl Role {
    /// Its name: `admin`, `recorder` and `viewer` are those of the API, `operator` is ours.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Recorder => "recorder",
            Role::Viewer => "viewer",
            Role::Operator => "operator",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        OF_TOKENS.into_iter().chain([Role::Operator]).find(|role| role.name() == name)
    }

    /// The role of that name which an API token may have.
    pub fn of_token(name: &str) -> Option<Role> {
        OF_TOKENS.into_iter().find(|role| role.name() == name)
    }
}

/// What a route gives access to: the rows of the table of roles in docs/serve.md. The vendor's table of roles gives recorders
/// the alerts to read and events to post, and viewers neither; where that table is not known, the narrower reading holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Whether the server lives and can work: no one is asked who they are.
    Probe,
    /// Sending measurements and events, which is data.
    Send,
    /// Reading metrics, measurements, sources, events and jobs.
    ReadData,
    /// Reading any measurements as a Prometheus does, which is nothing for agents.
    ReadRemotely,
    /// Reading spaces, charts and what was there before them.
    ReadSpaces,
    /// Reading alerts, whose services are shown to each role as far as it may see them.
    ReadAlerts,
    /// Reading services, with their settings masked for all but admins.
    ReadServices,
    /// Reading incidents, deliveries and silences.
    ReadIncidents,
    /// Clearing an alert, and silencing alerts.
    Clear,
    /// Reading who changed which definition.
    Audit,
    /// Reading whether the server does what alerts need.
    ReadHealth,
    /// Changing any definition.
    Define,
    /// Reading secrets and everything at once: API tokens, backups.
    Administer,
}

impl Access {
    /// Who has it.
    pub fn roles(self) -> &'static [Role] {
        use Role::{Admin, Operator, Recorder, Viewer};
        match self {
            Access::Probe | Access::ReadData => &[Recorder, Viewer, Operator, Admin],
            Access::Send => &[Recorder, Admin],
            Access::ReadRemotely | Access::ReadSpaces => &[Viewer, Operator, Admin],
            Access::ReadAlerts => &[Recorder, Operator, Admin],
            Access::ReadServices
            | Access::ReadIncidents
            | Access::Clear
            | Access::Audit
            | Access::ReadHealth => &[Operator, Admin],
            Access::Define | Access::Administer => &[Admin],
        }
    }

    /// Whether it changes more than data: what agents may not send.
    pub fn changes_definitions(self) -> bool {
        matches!(self, Access::Clear | Access::Define)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_no_role_of_api_tokens() {
        assert_eq!(Role::parse("operator"), Some(Role::Operator));
        assert_eq!(Role::of_token("operator"), None);
        for role in OF_TOKENS {
            assert_eq!((Role::parse(role.name()), Role::of_token(role.name())), (Some(role), Some(role)));
        }
    }
}
