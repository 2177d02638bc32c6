//! Errors of the way to the service as failures of a step. Knows what a role has to do with it and what helps, and nothing of
//! steps.

use crate::plan::{Failure, Remedy};
use crate::remote::call::CallError;
use crate::remote::{ApiError, Method};

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        let needs_role = error.needed_role().map(str::to_owned);
        let is_change = matches!(&error, ApiError::Status { method: Method::Put | Method::Delete, .. });
        let message = if is_change && error.status() == Some(412) {
            format!("it was changed since the plan was made, so it was left as it is; plan again ({error})")
        } else {
            error.to_string()
        };
        Self { message, needs_role, remedy: remedy(error.status(), is_change) }
    }
}

/// What helps after an answer of this status.
fn remedy(status: Option<u16>, is_change: bool) -> Remedy {
    match status {
        Some(404 | 410 | 412) if is_change => Remedy::Plan,
        Some(408 | 409 | 425 | 429) => Remedy::Again,
        Some(400..=499) => Remedy::Mend,
        _ => Remedy::Again,
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let masked = matches!(error, CallError::Masked(_));
        Self {
            message: error.to_string(),
            needs_role: masked.then(|| "`admin`".to_owned()),
            remedy: Remedy::Mend,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_helps_goes_by_what_was_answered() {
        for (status, is_change, helps) in [
            (None, true, Remedy::Again),
            (Some(503), false, Remedy::Again),
            (Some(429), true, Remedy::Again),
            (Some(412), true, Remedy::Plan),
            (Some(404), true, Remedy::Plan),
            (Some(412), false, Remedy::Mend),
            (Some(400), true, Remedy::Mend),
            (Some(422), false, Remedy::Mend),
        ] {
            assert_eq!(remedy(status, is_change), helps, "{status:?}");
        }
    }
}
