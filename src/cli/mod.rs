//! The commands. Part of the binary only, so that the library cannot depend on any of it.

mod annotate;
pub mod args;
mod backtest;
mod backup;
pub mod complete;
mod confirm;
mod credentials;
mod delete;
#[cfg(feature = "serve")]
mod embedded;
mod endpoint;
mod evidence;
mod examples;
mod exit;
mod explain;
mod export;
mod files;
mod generate;
mod get;
mod grid;
pub mod habits;
#[cfg(feature = "serve")]
mod holder;
mod import;
mod init;
mod inputs;
mod interrupts;
mod level;
mod man;
mod notify;
#[cfg(feature = "serve")]
mod open_to_others;
mod ownership;
mod patience;
mod progress;
mod query;
mod reconcile;
#[cfg(feature = "serve")]
mod reload;
mod remote;
mod render;
mod resolve;
mod saved;
mod secrets;
mod serve;
mod session;
#[cfg(feature = "serve")]
mod settings;
mod silence;
mod stage;
mod submit;
mod table;
mod target;
mod test;
mod time;
mod ui;
mod unevaluated;
mod write;

use args::{Cli, Command};
pub use exit::{Exit, Stop, chain};
pub use level::SetLevel;
pub use serve::Start;
pub use ui::{Ui, unwritten};

/// Runs a command to its exit code.
///
/// # Errors
/// Whatever ends it early; a [`Stop`] inside chooses the code.
pub async fn run(cli: Cli, start: Start, ui: &Ui) -> anyhow::Result<Exit> {
    let global = &cli.global;
    if reaches_a_service(&cli.command) {
        interrupts::tell(ui);
    }
    match cli.command {
        Command::Init(args) => init::init(&args, ui),
        Command::Validate(args) => reconcile::validate(&args, ui),
        Command::Test(args) => test::test(&args, ui),
        Command::Backtest(args) => backtest::backtest(&args, global, ui).await,
        Command::Plan(args) => reconcile::plan(&args, global, ui).await,
        Command::Apply(args) => reconcile::apply(&args, global, ui).await,
        Command::Export(args) => export::export(&args, global, ui).await,
        Command::Render(args) => render::render(&args, global, ui).await,
        Command::Query(args) => query::query(&args, global, ui).await,
        Command::Submit(args) => submit::submit(&args, global, ui).await,
        Command::Annotate(args) => annotate::annotate(&args, global, ui).await,
        Command::Get(args) => get::get(&args, global, ui).await,
        Command::Delete(args) => delete::delete(&args, global, ui).await,
        Command::Resolve(args) => resolve::resolve(&args, global, ui).await,
        Command::Notify(args) => notify::notify(&args, global, ui).await,
        Command::Silence(args) => silence::silence(&args, global, ui).await,
        Command::Unsilence(args) => silence::unsilence(&args, global, ui).await,
        Command::Serve(args) => serve::serve(&args, start, global, ui).await,
        Command::Import(args) => import::import(&args, ui),
        Command::Explain(args) => explain::explain(args.field.as_deref(), ui),
        Command::Schema(args) => generate::schema(args.of, ui),
        Command::Completions(args) => generate::completions(args.shell, ui),
        Command::Man(args) => man::man(&args, ui),
    }
}

/// Whether it is a command that may wait for a service, and what a Ctrl-C comes to is worth a line.
fn reaches_a_service(command: &Command) -> bool {
    !matches!(
        command,
        Command::Init(_)
            | Command::Validate(_)
            | Command::Test(_)
            | Command::Serve(_)
            | Command::Import(_)
            | Command::Render(_)
            | Command::Explain(_)
            | Command::Schema(_)
            | Command::Completions(_)
            | Command::Man(_)
    )
}
