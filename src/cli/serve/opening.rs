//! `serve --open`: a browser is let in by a link that works once.

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::Path;

use librato_apply::serve::{Credentials, OneTimeLinks};
use secrecy::SecretString;

use crate::cli::Stop;
use crate::cli::settings::Settings;
use crate::cli::ui::Ui;

/// What the user is called who is there only until the server stops.
const USER: &str = "browser";

/// Refuses to open what others can reach, or what is not there.
pub fn check(settings: &Settings) -> Result<(), Stop> {
    if settings.open && !settings.listen.ip().is_loopback() {
        let message =
            format!("--open is for addresses of this machine, and {} is none", settings.listen.ip());
        return Err(Stop::usage(message, "leave out --open, and log in with a user and a token"));
    }
    if settings.open && !settings.options.pages.enabled {
        return Err(Stop::usage("--open and --no-ui contradict each other", "leave one of them out"));
    }
    Ok(())
}

/// Writes what our fonts lack in pictures with another one.
pub fn use_font(file: &Path) -> Result<(), Stop> {
    let help = "name a TrueType or OpenType file, such as that of a Noto font for your script";
    let font = std::fs::read(file);
    let font =
        font.map_err(|error| Stop::usage(format!("cannot read the font {}: {error}", file.display()), help))?;
    #[cfg(feature = "png")]
    if !librato_apply::picture::png::write_others_with(font) {
        return Err(Stop::usage(format!("{} is no font that can be read", file.display()), help));
    }
    Ok(())
}

/// Whether no one was named who may come in.
pub fn needs_user(settings: &Settings) -> bool {
    settings.open && settings.credentials.is_none() && settings.user.is_none() && settings.token.is_none()
}

/// An admin whose token no one knows: only links let them in.
pub fn user() -> anyhow::Result<Credentials> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok(Credentials::new(USER, &SecretString::from(hex::encode(bytes))))
}

/// Prints a link and opens it; each time Enter is pressed another one is printed.
pub fn begin(links: &OneTimeLinks, scheme: &str, address: SocketAddr, ui: &Ui) -> anyhow::Result<()> {
    let base = format!("{scheme}://{address}");
    let link = format!("{base}{}", links.make()?);
    ui.complain(&format!("open once, within ten minutes: {link}"));
    if !std::io::stdin().is_terminal() {
        return Ok(());
    }
    open(&link);
    ui.complain("press Enter for another link");
    let (links, ui) = (links.clone(), ui.clone());
    std::thread::spawn(move || {
        for _ in std::io::stdin().lines().map_while(Result::ok) {
            if let Ok(path) = links.make() {
                ui.complain(&format!("open once, within ten minutes: {base}{path}"));
            }
        }
    });
    Ok(())
}

/// As the system opens addresses; where it does not, the link was printed.
fn open(link: &str) {
    use std::process::{Command, Stdio};

    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = Command::new(program)
        .arg(link)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Ok(mut started) = started {
        std::thread::spawn(move || started.wait());
    }
}
