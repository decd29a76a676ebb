//! Follows the owner's edits of policy files, made with any editor.

use std::collections::BTreeMap;

use coworker_policy::Digest;
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::base::error::OpError;
use crate::catalog::installed::Catalog;
use crate::catalog::policies::{self, Written};
use crate::catalog::snapshot::CatalogSnapshot;
use crate::state::audit;

impl Catalog {
    /// Reads policy files again whenever one of them changes, until the agent stops.
    pub(crate) async fn follow_edits(self) {
        let (changed, mut changes) = mpsc::channel(1);
        let _watcher = match self.watch(changed) {
            Ok(watcher) => watcher,
            Err(error) => {
                tracing::warn!(%error, "cannot watch policy files; edits take effect at the next start");
                return;
            }
        };
        loop {
            tokio::select! {
                Some(()) = changes.recv() => {}
                () = self.core.stop.cancelled() => return,
            }
            tokio::time::sleep(policies::SETTLE).await;
            let _ = changes.try_recv();
            self.take_up_edits().await;
        }
    }

    fn watch(&self, changed: mpsc::Sender<()>) -> notify::Result<RecommendedWatcher> {
        let note = move |event: notify::Result<notify::Event>| {
            let is_policy =
                |event: &notify::Event| event.paths.iter().any(|path| path.ends_with("policy.toml"));
            if event.is_ok_and(|event| !event.kind.is_access() && is_policy(&event)) {
                // A full channel already stands for this change too.
                let _ = changed.try_send(());
            }
        };
        let mut watcher = notify::recommended_watcher(note)?;
        watcher.watch(&self.core.home.components_dir(), RecursiveMode::Recursive)?;
        Ok(watcher)
    }

    async fn take_up_edits(&self) {
        let _one = self.changing.lock().await;
        let before = self.snapshot();
        // The agent's own changes also come by here; they are in force and written down already.
        let anew = self.edited(&before).await;
        if anew.is_empty() {
            return;
        }
        let read = self.reload(anew, |_| Ok(())).await;
        let edited = self.snapshot().edited_since(&before);
        let noted = self.state.run(move |tx| audit::policies_edited(tx, &edited)).await;
        if let Err(error) = read.and(noted.map_err(OpError::from)) {
            tracing::error!(%error, "the changed policy files are not in force");
        }
    }

    async fn edited(&self, snapshot: &CatalogSnapshot) -> BTreeMap<Digest, Written> {
        let mut anew = BTreeMap::new();
        for (digest, in_force) in snapshot.components() {
            if let Some(written) = policies::edited(&self.core.home, digest, in_force).await {
                anew.insert(digest, written);
            }
        }
        anew
    }
}
