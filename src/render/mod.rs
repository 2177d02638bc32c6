//! A plan for people and for machines. Pure: a plan in, text out; what is sensitive is already marked in the plan.
//! Knows nothing of how a plan is made or applied.

mod definitions;
mod evidence;
mod expressible;
mod hang;
mod html;
mod json;
mod lines;
mod markdown;
mod outcome;
mod text;
mod unmanaged;
mod value;

pub use definitions::{Definitions, ServiceTypes, definitions};
pub use expressible::{Expressible, Loss, Restorable, expressible, restorable};
pub use html::{html, html_outcome, html_without_plan};
pub use json::{
    ChangeDocument, FORMAT_VERSION, FieldDocument, PlanDocument, document, document_without_plan,
};
pub use markdown::{markdown, markdown_linked, markdown_without, markdown_without_plan};
pub use outcome::{OutcomeDocument, StepDocument, outcome_document, outcome_text};
pub use text::{refusals, summary, text};
pub use unmanaged::unmanaged_text;
