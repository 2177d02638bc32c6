//! Notification services, which alerts call.

pub mod settings;
pub mod shown;
pub mod table;
