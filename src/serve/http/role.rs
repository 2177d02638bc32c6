//! What a token may do: the three roles of the API and the routes each of them reaches.
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
}

impl Role {
    /// Its name in the API: `admin`, `recorder` or `viewer`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Recorder => "recorder",
            Role::Viewer => "viewer",
        }
    }

    /// The role of that name.
    pub fn parse(name: &str) -> Option<Role> {
        [Role::Admin, Role::Recorder, Role::Viewer].into_iter().find(|role| role.name() == name)
    }

    /// Whether a request may be made. The vendor's table of roles gives recorders the alerts to read and events to
    /// post, and viewers neither; where the table is not known, the narrower reading holds.
    pub fn permits(self, method: &Method, path: &str) -> bool {
        let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let route = segments.strip_prefix(&["v1"]).unwrap_or(&segments);
        let reads = matches!(*method, Method::GET | Method::HEAD);
        match (self, route) {
            (Role::Admin, _) => true,
            (Role::Viewer, ["alerts" | "services" | "api_tokens" | "users", ..]) => false,
            (Role::Viewer, _) => reads,
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
        for (method, path, recorder, viewer) in [
            ("GET", "/v1/metrics", true, true),
            ("HEAD", "/v1/metrics/cpu", true, true),
            ("POST", "/v1/metrics", true, false),
            ("POST", "/metrics", true, false),
            ("GET", "/metrics", true, true),
            ("POST", "/v1/measurements/", true, false),
            ("POST", "/v1/measurements", true, false),
            ("PUT", "/v1/metrics/cpu", false, false),
            ("DELETE", "/v1/metrics", false, false),
            ("POST", "/v1/annotations/deploys", true, false),
            ("PUT", "/v1/annotations/deploys/1", false, false),
            ("POST", "/v1/annotations/deploys/1/links", false, false),
            ("GET", "/v1/alerts", true, false),
            ("GET", "/v1/alerts/1", true, false),
            ("POST", "/v1/alerts", false, false),
            ("GET", "/v1/services", false, false),
            ("GET", "/v1/api_tokens", false, false),
            ("GET", "/v1/spaces/1/charts", false, true),
            ("PATCH", "/v1/metrics", false, false),
        ] {
            let method: Method = method.parse().unwrap();
            assert_eq!(Role::Recorder.permits(&method, path), recorder, "recorder {method} {path}");
            assert_eq!(Role::Viewer.permits(&method, path), viewer, "viewer {method} {path}");
            assert!(Role::Admin.permits(&method, path));
        }
    }
}
