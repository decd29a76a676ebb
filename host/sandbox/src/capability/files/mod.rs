//! `wasi:filesystem`: the folders that the owner granted, and the component's own assets.
//!
//! The grant decides which folders are opened for a call. Beneath each of them wasmtime-wasi confines the
//! guest: the kernel resolves paths without leaving the folder, in spite of `..`, links and races.
//! A folder is opened anew for each call, and only if it is still the folder that the owner named: a guest
//! that may write to its parent cannot replace it by a link and lead the host elsewhere.
//!
//! Limits of this: a hard link in a granted folder to a file outside is that file; a named pipe in it blocks
//! a thread of the host until the other end opens; the amount that a guest may write is bounded by its host
//! calls (64 KiB each) and by the disk, not by a quota.

pub(crate) mod mount;
pub(crate) mod watch;

use std::io;
use std::sync::Arc;

use coworker_policy::{Capability, FileRule};
use tempfile::TempDir;

use super::log::CallLog;
use super::wasi::WasiState;
use crate::access::Access;

/// The guest's path of its assets.
const ASSETS: &str = "/assets";

/// Opens the granted folders and the assets for this call.
pub(crate) async fn mount(
    wasi: &mut WasiState,
    access: &Access,
    log: &CallLog,
    assets: Option<Arc<TempDir>>,
) -> wasmtime::Result<()> {
    let assets = assets.filter(|_| access.grants.contains(Capability::Assets));
    open_all(wasi, access, log, access.grants.files().to_vec(), assets).await
}

/// Opens only the assets, for a component that describes itself. They are part of it, so its answer stays the same.
pub(crate) async fn mount_assets(
    wasi: &mut WasiState,
    access: &Access,
    log: &CallLog,
    assets: Option<Arc<TempDir>>,
) -> wasmtime::Result<()> {
    open_all(wasi, access, log, Vec::new(), assets).await
}

/// Works on a blocking thread, since a folder may lie on a disk that does not answer.
async fn open_all(
    wasi: &mut WasiState,
    access: &Access,
    log: &CallLog,
    rules: Vec<FileRule>,
    assets: Option<Arc<TempDir>>,
) -> wasmtime::Result<()> {
    if rules.is_empty() && assets.is_none() {
        return Ok(());
    }
    let (dir, denials) = (assets.clone(), access.denials.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let assets = dir.map(|dir| mount::open(dir.path(), ASSETS.to_owned(), None)).transpose()?;
        let granted = mount::granted(&rules, assets.as_ref(), &denials);
        Ok::<_, io::Error>(assets.into_iter().chain(granted).collect::<Vec<_>>())
    });
    let mounts = opened.await??;
    wasi.mount(log, &mounts, assets)
}
