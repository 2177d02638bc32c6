//! Errors of the way to the service as failures of a step. Knows what a role has to do with it, and nothing of steps.

use crate::plan::Failure;
use crate::remote::ApiError;
use crate::remote::call::CallError;

impl From<ApiError> for Failure {
    fn from(error: ApiError) -> Self {
        Self { message: error.to_string(), needs_role: error.needed_role().map(str::to_owned) }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Self {
        let masked = matches!(error, CallError::Masked(_));
        Self { message: error.to_string(), needs_role: masked.then(|| "`admin`".to_owned()) }
    }
}
