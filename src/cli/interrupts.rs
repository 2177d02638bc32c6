//! Ctrl-C, heard from the moment on that someone listens and not only once they wait for it. Knows nothing of what it stops
//! but whether that writes.

use super::exit::Exit;
use super::ui::Ui;

/// Hears every Ctrl-C.
pub struct Interrupts {
    #[cfg(unix)]
    signals: Option<tokio::signal::unix::Signal>,
    #[cfg(windows)]
    signals: Option<tokio::signal::windows::CtrlC>,
}

impl Interrupts {
    /// Listens from now on. Must be called where tasks run.
    pub fn listen() -> Self {
        #[cfg(unix)]
        let signals = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).ok();
        #[cfg(windows)]
        let signals = tokio::signal::windows::ctrl_c().ok();
        Self { signals }
    }

    /// The next one; never where the system does not tell.
    pub async fn next(&mut self) {
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            return;
        }
        std::future::pending::<()>().await;
    }
}

/// Waits for Ctrl-C or a termination signal. Heard from the call on, so that whoever reads that the server listens can stop it.
#[cfg(feature = "serve")]
pub fn told_to_stop() -> impl Future<Output = ()> {
    let mut interrupts = Interrupts::listen();
    #[cfg(unix)]
    let mut terminations = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    async move {
        #[cfg(unix)]
        if let Some(terminations) = &mut terminations {
            tokio::select! {
                () = interrupts.next() => {}
                _ = terminations.recv() => {}
            }
            return;
        }
        interrupts.next().await;
    }
}

/// Says at a Ctrl-C what was done so far, and ends. On a thread of its own, since the program may be waiting for someone to answer.
pub fn tell(ui: &Ui) {
    let ui = ui.clone();
    let listen = async move {
        let mut interrupts = Interrupts::listen();
        loop {
            interrupts.next().await;
            if let Some(said) = ui.stage.broken_off() {
                ui.clear();
                ui.complain(said);
                std::process::exit(Exit::Interrupted as i32);
            }
        }
    };
    let alone = tokio::runtime::Builder::new_current_thread().enable_all().build();
    // Without it a Ctrl-C ends the program all the same, only silently.
    if let Ok(runtime) = alone {
        _ = std::thread::Builder::new().name("interrupts".into()).spawn(move || runtime.block_on(listen));
    }
}
