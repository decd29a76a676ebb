//! `wasi:filesystem`: the folders that the owner granted, and the component's own assets.
//!
//! The grant decides which folders are opened for a call, and beneath each of them wasmtime-wasi holds the
//! guest: paths are resolved by the kernel without leaving the folder, whatever `..`, links or races there
//! are. A folder is opened anew for each call, and only as the very folder that the owner named: a guest
//! that may write to a parent of it cannot put a link in its place and send the host elsewhere.
//!
//! What this does not do: a hard link in a granted folder to a file outside is that file; a named pipe in it
//! keeps a thread of the host waiting until somebody writes to it; what a guest may write is bounded by its
//! host calls (64 KiB each) and by the disk, not by a quota.

pub(crate) mod watch;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use coworker_policy::{Capability, FileRule};
use tempfile::TempDir;

use crate::guest::Guest;
use crate::outcome::Denials;

/// Where a guest finds its assets.
const ASSETS: &str = "/assets";

/// A folder that is open, so that it stays the one that was looked at.
pub(crate) struct Mount {
    /// The guest's name for it.
    pub(crate) name: String,
    /// What the owner granted; the component's own assets are nobody's grant.
    pub(crate) rule: Option<FileRule>,
    /// A path that leads to the open folder itself where the system has such paths.
    pub(crate) path: PathBuf,
    open: Option<File>,
}

impl Mount {
    pub(crate) fn writes(&self) -> bool {
        self.rule.as_ref().is_some_and(FileRule::writes)
    }
}

/// Opens what this call may use. Off the async threads: a folder may lie on a disk that does not answer.
pub(crate) async fn mount(guest: &mut Guest, assets: Option<Arc<TempDir>>) -> wasmtime::Result<()> {
    let assets = assets.filter(|_| guest.grants.contains(Capability::Assets));
    let rules = guest.grants.files().to_vec();
    open_all(guest, rules, assets).await
}

/// For a component that describes itself: what is packed with it is a part of it, and says the same every time.
pub(crate) async fn mount_assets(guest: &mut Guest, assets: Option<Arc<TempDir>>) -> wasmtime::Result<()> {
    open_all(guest, Vec::new(), assets).await
}

async fn open_all(
    guest: &mut Guest,
    rules: Vec<FileRule>,
    assets: Option<Arc<TempDir>>,
) -> wasmtime::Result<()> {
    if rules.is_empty() && assets.is_none() {
        return Ok(());
    }
    let (kept, denials) = (assets.clone(), guest.denials.clone());
    let opened = tokio::task::spawn_blocking(move || {
        let assets = kept.map(|dir| open(dir.path(), ASSETS.to_owned(), None)).transpose()?;
        let granted = granted(&rules, assets.is_some(), &denials);
        Ok::<_, io::Error>(assets.into_iter().chain(granted).collect::<Vec<_>>())
    });
    let mounts = opened.await??;
    guest.wasi.mount(&guest.journal, &mounts, assets)
}

/// A granted folder that is not there as it was granted is left out: the call may do without it. Its owner
/// reads so, and granting the folder anew tells what is wrong with it.
fn granted(rules: &[FileRule], assets: bool, denials: &Denials) -> Vec<Mount> {
    let mut names: BTreeSet<String> = assets.then(|| ASSETS.to_owned()).into_iter().collect();
    let opened = rules.iter().filter_map(|rule| {
        let name = free(rule.mount(), &mut names);
        open_exactly(rule, name)
            .inspect_err(|error| {
                tracing::warn!(folder = %rule.path().display(), %error, "a granted folder cannot be used");
                denials.note(Capability::Files, &rule.to_string());
            })
            .ok()
    });
    opened.collect()
}

/// Two folders of one name: the later one gets a number.
fn free(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u32..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    free.unwrap_or(name)
}

fn open_exactly(rule: &FileRule, name: String) -> io::Result<Mount> {
    let mount = open(rule.path(), name, Some(rule))?;
    // Of the folder that is open, not of the path again: nobody can change it between look and use.
    if real(&mount)? == rule.path() { Ok(mount) } else { Err(io::Error::other("a link leads elsewhere")) }
}

fn open(path: &Path, name: String, rule: Option<&FileRule>) -> io::Result<Mount> {
    // Opening a named pipe would wait for its other end.
    if !fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let (path, open) = pin(path)?;
    Ok(Mount { name, rule: rule.cloned(), path, open })
}

/// The folder that lies at `path` now, whatever will lie there later.
#[cfg(target_os = "linux")]
fn pin(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let open = File::open(path)?;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    Ok((path.into(), Some(open)))
}

/// Here something else can still be put in its place between the look and the use.
#[cfg(not(target_os = "linux"))]
fn pin(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    Ok((path.to_owned(), None))
}

/// Where an open folder really is.
fn real(mount: &Mount) -> io::Result<PathBuf> {
    if mount.open.is_some() { fs::read_link(&mount.path) } else { fs::canonicalize(&mount.path) }
}
