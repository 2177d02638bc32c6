//! What is generated from the types and the flags: schemas, completions, the manual page.

use clap::CommandFactory;
use librato_apply::{model, render};
use serde_json::Value;

use super::args::{Cli, SchemaOf};
use super::exit::Exit;
use super::query::document::QueryDocument;
use super::ui::Ui;

/// `schema`
pub fn schema(of: SchemaOf, ui: &Ui) -> anyhow::Result<Exit> {
    let schema: Value = match of {
        SchemaOf::Config => model::published_schema(),
        SchemaOf::Plan => schemars::schema_for!(render::PlanDocument).to_value(),
        SchemaOf::Query => schemars::schema_for!(QueryDocument).to_value(),
        SchemaOf::Outcome => schemars::schema_for!(render::OutcomeDocument).to_value(),
    };
    ui.out(&(serde_json::to_string_pretty(&schema)? + "\n"));
    Ok(Exit::Done)
}

/// `completions`
pub fn completions(shell: clap_complete::Shell, ui: &Ui) -> anyhow::Result<Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "librato-apply", &mut script);
    ui.out(&String::from_utf8(script)?);
    Ok(Exit::Done)
}

/// `man`: one page, every command in it.
pub fn man(ui: &Ui) -> anyhow::Result<Exit> {
    let mut page = Vec::new();
    let mut command = Cli::command();
    command.build();
    clap_mangen::Man::new(command.clone()).render(&mut page)?;
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let man = clap_mangen::Man::new(sub.clone());
        page.extend_from_slice(format!(".SH COMMAND {}\n", sub.get_name().to_uppercase()).as_bytes());
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
    }
    ui.out(&String::from_utf8(page)?);
    Ok(Exit::Done)
}
