//! What is generated from the types and the flags: schemas and completions.

use librato_apply::{model, render};
use serde_json::Value;

use super::args::schema::SchemaOf;
use super::backtest::document::BacktestDocument;
use super::exit::Exit;
use super::query::document::QueryDocument;
use super::test::document::TestDocument;
use super::ui::Ui;

/// `schema`
pub fn schema(of: SchemaOf, ui: &Ui) -> anyhow::Result<Exit> {
    let schema: Value = match of {
        SchemaOf::Config => model::published_schema(),
        SchemaOf::Vars => model::variables_schema(),
        SchemaOf::Plan => schemars::schema_for!(render::PlanDocument).to_value(),
        SchemaOf::Query => schemars::schema_for!(QueryDocument).to_value(),
        #[cfg(feature = "serve")]
        SchemaOf::Serve => super::settings::schema(),
        SchemaOf::Test => schemars::schema_for!(TestDocument).to_value(),
        SchemaOf::Backtest => schemars::schema_for!(BacktestDocument).to_value(),
        SchemaOf::Fidelity => schemars::schema_for!(librato_apply::prometheus::Report).to_value(),
        SchemaOf::Outcome => schemars::schema_for!(render::OutcomeDocument).to_value(),
    };
    ui.document(&(serde_json::to_string_pretty(&schema)? + "\n"));
    Ok(Exit::Done)
}

/// `completions`
pub fn completions(shell: clap_complete::Shell, ui: &Ui) -> anyhow::Result<Exit> {
    ui.document(&super::complete::script(shell)?);
    Ok(Exit::Done)
}
