//! `serve --demo`: a server to look at, over a temporary file, with the examples and invented measurements. It notifies no one and calls no
//! heartbeat, whatever else is given, and only this machine reaches it.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::Body as Content;
use axum::http::{Request, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use librato_apply::serve::Credentials;
use secrecy::SecretString;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use super::invented::{Body, Invented};
use crate::cli::examples;
use crate::cli::init::write_example;
use crate::cli::settings::Resolved;
use crate::cli::ui::Ui;
use crate::cli::{Stop, time};

/// Who may do everything here. The token guards nothing: all that it leads to is invented.
const USER: &str = "demo";
const TOKEN: &str = "demo-token";

/// What the examples ask for; invented, as all of it.
const SECRETS: [(&str, &str); 2] =
    [("SHOP_SLACK_URL", "https://hooks.example.org/demo"), ("SHOP_PAGERDUTY_KEY", "demo")];

/// Minutes that are sent in one request.
const TOGETHER: usize = 20;

/// A demo in the making; what it wrote goes with it.
pub struct Demo {
    home: TempDir,
}

impl Demo {
    /// Where one is asked for: takes from the settings all that a demo must not do.
    ///
    /// # Errors
    /// Where others could reach it, or where it was given a file that is not its own.
    pub fn of(resolved: &mut Resolved) -> anyhow::Result<Option<Demo>> {
        if !resolved.settings.demo {
            return Ok(None);
        }
        if resolved.says("data") {
            let message = "--demo keeps its data in a temporary file, and --data names another one";
            return Err(Stop::usage(message, "leave one of them out").into());
        }
        let settings = &mut resolved.settings;
        if !settings.listen.ip().is_loopback() {
            let message =
                format!("--demo is for addresses of this machine, and {} is none", settings.listen.ip());
            return Err(Stop::usage(message, "leave out --listen, or give 127.0.0.1:PORT").into());
        }
        let home = tempfile::Builder::new().prefix("librato-apply-demo-").tempdir();
        let home = home.context("cannot make a temporary directory for the demo")?;
        settings.data = home.path().join("demo.db");
        (settings.user, settings.token, settings.credentials) = (None, None, None);
        (settings.tls_cert, settings.tls_key) = (None, None);
        settings.notify = Some(false);
        let options = &mut settings.options;
        options.alerts.evaluate = true;
        options.alerts.notify = false;
        options.notify.heartbeat = None;
        options.notify.smtp = None;
        options.notify.sends_nothing = true;
        options.pages.demo = true;
        // Nothing is read again.
        resolved.files.clear();
        Ok(Some(Demo { home }))
    }

    /// Who may come in.
    pub fn user() -> Credentials {
        Credentials::new(USER, &SecretString::from(TOKEN))
    }

    /// Says what can be tried.
    pub fn announce(&self, address: SocketAddr, opens: bool, ui: &Ui) {
        ui.complain("demo: everything here is invented, and gone when this ends; nobody is notified, and no heartbeat is called");
        if !opens {
            ui.complain(&format!("open http://{address}/ui/ and log in as {USER} with the token {TOKEN}"));
        }
        ui.complain(&format!(
            "try in another terminal, in a directory of your own:\n\
             \x20   export LIBRATO_ENDPOINT=http://{address} LIBRATO_USER={USER} LIBRATO_TOKEN={TOKEN}\n\
             \x20   librato-apply init --example quickstart\n\
             \x20   librato-apply plan quickstart                                   # nothing to change\n\
             \x20   librato-apply plan quickstart --var slow_ms=500 --evidence=6h   # how often would it page?\n\
             \x20   librato-apply get alerts"
        ));
    }

    /// Applies the examples, and sends what was measured and what is measured from now on. Never returns.
    pub async fn run(self, router: Router, address: SocketAddr, ui: &Ui) -> Infallible {
        match self.live(&router, address, ui).await {
            Ok(never) => match never {},
            Err(error) => ui.complain(&format!("warning: the demo has nothing more to show: {error:#}")),
        }
        std::future::pending().await
    }

    async fn live(&self, router: &Router, address: SocketAddr, ui: &Ui) -> anyhow::Result<Infallible> {
        for example in &examples::ALL {
            write_example(example, &self.home.path().join(example.name))?;
            self.apply(example.name, address).await?;
        }
        let mut invented = Invented::new(time::now());
        let mut next = invented.first();
        for (stream, title, at) in invented.events() {
            post(router, &format!("/v1/annotations/{stream}"), &json!({"title": title, "start_time": at}))
                .await?;
        }
        let mut told = false;
        loop {
            let mut minutes = Vec::new();
            while next <= time::now() && minutes.len() < TOGETHER {
                minutes.push(invented.minute(next));
                next += 60;
            }
            if minutes.is_empty() {
                if !told {
                    ui.complain(
                        "demo: the examples quickstart and shop are here, with 12 hours of measurements",
                    );
                    told = true;
                }
                let wait = next.saturating_sub(time::now()).clamp(1, 60).unsigned_abs();
                tokio::time::sleep(Duration::from_secs(wait)).await;
            } else {
                post(router, "/v1/metrics", &Body::together(minutes)).await?;
            }
        }
    }

    /// As anybody would, by this program.
    async fn apply(&self, example: &str, address: SocketAddr) -> anyhow::Result<()> {
        let mut command = Command::new(std::env::current_exe()?);
        let foreign = |name: &str| {
            let name = name.to_ascii_uppercase();
            name.starts_with("LIBRATO_") || name.ends_with("_PROXY")
        };
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(foreign) {
                command.env_remove(name);
            }
        }
        command.args(["apply", example, "--auto-approve", "--quiet", "--user", USER]);
        command.args(["--endpoint", &format!("http://{address}")]);
        command.env("LIBRATO_TOKEN", TOKEN).envs(SECRETS).current_dir(self.home.path());
        command.stdin(std::process::Stdio::null());
        let done = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "the example {example} cannot be applied: {}", said.trim());
        Ok(())
    }
}

/// Sends something to the server in the way of every request, but for the network.
async fn post(router: &Router, path: &str, body: &Value) -> anyhow::Result<()> {
    let credentials = format!("Basic {}", STANDARD.encode(format!("{USER}:{TOKEN}")));
    let request = Request::post(path)
        .header(header::AUTHORIZATION, credentials)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Content::from(body.to_string()))?;
    let response = match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let status = response.status();
    anyhow::ensure!(status.is_success(), "{path} was answered {status}");
    Ok(())
}
