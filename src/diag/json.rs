//! Diagnostics as JSON.
use super::{Files, Report};

/// The report as JSON.
pub fn to_json(_report: &Report, _files: &Files) -> serde_json::Value {
    serde_json::Value::Null
}
