//! Errors of the way to the service as failures of a step. Knows what a role has to do with it, and nothing of steps.

use crate::plan::Failure;
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
        Self { message, needs_role }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let masked = matches!(error, CallError::Masked(_));
        Self { message: error.to_string(), needs_role: masked.then(|| "`admin`".to_owned()) }
    }
}
