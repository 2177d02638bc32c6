//! The dispatcher of notifications beside the server: begun with it, and ended before it closes its file.

use librato_apply::serve::{Dispatcher, Options, Store, Users};

use super::super::ui::Ui;

/// Whether this server notifies anybody.
pub fn notifies(store: &Store, options: &Options) -> bool {
    options.alerts.evaluate && options.alerts.notify && !store.is_unadopted_copy()
}

/// Begins to send what is due, unless no one is to be notified, and says what stands in the way. What is returned ends it.
pub async fn begin(
    store: &Store,
    users: Users,
    options: &Options,
    ui: &Ui,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let begun = if notifies(store, options) {
        let Options { telemetry, alerts, notify, cluster, .. } = options;
        let dispatcher = Dispatcher::new(store, users, telemetry, alerts, notify, cluster)?;
        for warning in dispatcher.warnings().await? {
            ui.complain(&format!("warning: {warning}"));
        }
        let (end, ended) = tokio::sync::oneshot::channel::<()>();
        let task = tokio::spawn(dispatcher.run(async { _ = ended.await }));
        Some((end, task))
    } else {
        None
    };
    Ok(async move {
        if let Some((end, task)) = begun {
            drop(end);
            let _ = task.await;
        }
    })
}
