//! Ctrl-C, heard from the moment on that somebody listens and not only once they wait for it. Knows nothing of what it stops.

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
