//! What a token may do: the three roles of the API, one of ours, and the routes each of them reaches.
//! Knows methods and paths only.

use axum::http::Method;

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

    /// Whether a request may be made. The vendor's table of roles gives recorders the alerts to read and events to
    /// post, and viewers neither; where the table is not known, the narrower reading holds.
    pub fn permits(self, method: &Method, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let route = segments.strip_prefix(&["v1"]).unwrap_or(&segments);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match (self, route) {
            (Role::Admin, _) => true,
            (Role::Viewer, ["alerts" | "services" | "api_tokens" | "users" | "backup", ..]) => false,
            (Role::Viewer, _) => reads,
            (Role::Operator, ["alerts" | "services", ..]) if reads => true,
            (Role::Operator, ["alerts", _, "clear"]) => *method == Method::POST,
            (Role::Operator, _) => Role::Viewer.permits(method, path),
            (Role::Recorder, ["metrics" | "measurements"] | ["annotations", _]) => {
                reads || *method == Method::POST
            }
            (
                Role::Recorder,
                ["metrics" | "measurements" | "annotations" | "sources" | "alerts" | "jobs", ..],
            ) => reads,
            (Role::Recorder, _) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_has_its_reach() {
        for (method, path, recorder, viewer, operator) in [
            ("GET", "/v1/metrics", true, true, true),
            ("GET", "/v1/backup", false, false, false),
            ("GET", "/backup", false, false, false),
            ("HEAD", "/v1/metrics/cpu", true, true, true),
            ("POST", "/v1/metrics", true, false, false),
            ("POST", "/metrics", true, false, false),
            ("GET", "/metrics", true, true, true),
            ("POST", "/v1/measurements/", true, false, false),
            ("POST", "/v1/measurements", true, false, false),
            ("PUT", "/v1/metrics/cpu", false, false, false),
            ("DELETE", "/v1/metrics", false, false, false),
            ("POST", "/v1/annotations/deploys", true, false, false),
            ("PUT", "/v1/annotations/deploys/1", false, false, false),
            ("POST", "/v1/annotations/deploys/1/links", false, false, false),
            ("GET", "/v1/alerts", true, false, true),
            ("GET", "/v1/alerts/1", true, false, true),
            ("POST", "/v1/alerts", false, false, false),
            ("POST", "/v1/alerts/1/clear", false, false, true),
            ("DELETE", "/v1/alerts/1/clear", false, false, false),
            ("POST", "/v1/alerts/1/services", false, false, false),
            ("PUT", "/v1/services/1", false, false, false),
            ("GET", "/v1/services", false, false, true),
            ("GET", "/v1/api_tokens", false, false, false),
            ("GET", "/v1/spaces/1/charts", false, true, true),
            ("PATCH", "/v1/metrics", false, false, false),
        ] {
            let method: Method = method.parse().unwrap();
            assert_eq!(Role::Recorder.permits(&method, path), recorder, "recorder {method} {path}");
            assert_eq!(Role::Viewer.permits(&method, path), viewer, "viewer {method} {path}");
            assert_eq!(Role::Operator.permits(&method, path), operator, "operator {method} {path}");
            assert!(Role::Admin.permits(&method, path));
        }
    }

    #[test]
    fn an_operator_is_no_role_of_api_tokens() {
        assert_eq!(Role::parse("operator"), Some(Role::Operator));
        assert_eq!(Role::of_token("operator"), None);
        for role in OF_TOKENS {
            assert_eq!((Role::parse(role.name()), Role::of_token(role.name())), (Some(role), Some(role)));
        }
    }
}
