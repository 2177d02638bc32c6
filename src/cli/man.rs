//! `man`: a page for the program and one for each command, as roff for the reader of manual pages.

use std::io::IsTerminal;
use std::path::Path;

use anyhow::Context;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use super::args::{self, examples, shape};
use super::exit::{Exit, Stop};
use super::ui::Ui;

/// Prints a page, or writes all of them.
pub fn man(args: &args::Man, ui: &Ui) -> anyhow::Result<Exit> {
    let mut root = shape::command().disable_help_subcommand(true);
    root.build();
    if let Some(dir) = &args.out {
        return write_all(&root, dir, ui);
    }
    let name = args.command.as_deref();
    let command = name.map_or(Some(&root), |name| root.find_subcommand(name)).ok_or_else(|| {
        let known: Vec<&str> = root.get_subcommands().map(Command::get_name).collect();
        let close = librato_apply::diag::suggest(name.unwrap_or_default(), known.iter().copied());
        let help = close.map_or_else(
            || format!("the commands are {}", known.join(", ")),
            |close| format!("did you mean `{close}`?"),
        );
        Stop::usage(format!("there is no command `{}`", name.unwrap_or_default()), help)
    })?;
    if std::io::stdout().is_terminal() {
        // What a terminal would show are the commands to the typesetter.
        let shown = name.map(|name| format!(" {name}")).unwrap_or_default();
        ui.complain(&format!(
            "To read it: librato-apply man{shown} | man -l -\nTo have all pages where `man` looks: librato-apply man --out ~/.local/share/man/man1"
        ));
        return Ok(Exit::Done);
    }
    ui.document(&page(command)?);
    Ok(Exit::Done)
}

fn write_all(root: &Command, dir: &Path, ui: &Ui) -> anyhow::Result<Exit> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for command in std::iter::once(root).chain(root.get_subcommands()) {
        let path = dir.join(format!("{}.1", title(command)));
        std::fs::write(&path, page(command)?).with_context(|| format!("cannot write {}", path.display()))?;
        ui.say(&format!("wrote {}", path.display()));
    }
    Ok(Exit::Done)
}

/// `librato-apply-plan`
fn title(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> anyhow::Result<String> {
    let man = Man::new(command.clone()).title(title(command));
    let man = man.source(concat!("librato-apply ", env!("CARGO_PKG_VERSION"))).manual("librato-apply");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    section("SYNOPSIS", &[synopsis(command)]).to_writer(&mut page)?;
    man.render_description_section(&mut page)?;
    let examples: Vec<String> = examples::of(command.get_name()).lines().map(str::to_owned).collect();
    if !examples.is_empty() {
        section("EXAMPLES", &examples).to_writer(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    if command.has_subcommands() {
        commands(command).to_writer(&mut page)?;
    }
    if let Some(more) = command.get_after_help() {
        let more: Vec<String> = more.to_string().lines().map(str::to_owned).collect();
        section("NOTES", &more).to_writer(&mut page)?;
    }
    Ok(String::from_utf8(page)?)
}

/// `librato-apply plan [OPTIONS] [PATH]...`
fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    usage.trim_start_matches("Usage: ").replace("\n       ", "\n")
}

/// Lines that are shown as they stand.
fn section(heading: &str, lines: &[String]) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    roff.control("nf", []);
    for line in lines.iter().flat_map(|lines| lines.lines()) {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff
}

/// The commands in their groups, each with the name of its page.
fn commands(root: &Command) -> Roff {
    let mut roff = Roff::new();
    for (group, names) in shape::GROUPS {
        roff.control("SH", [group.to_uppercase().as_str()]);
        for command in names.iter().filter_map(|name| root.find_subcommand(name)) {
            let about = command.get_about().map(ToString::to_string).unwrap_or_default();
            roff.control("TP", []);
            roff.text([roman(format!("{}(1)", title(command)))]);
            roff.text([roman(about)]);
        }
    }
    roff
}
