use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use coworker_policy::{Capability, FileRule};

use crate::access::Denials;

/// An open folder. It stays open, so that it remains the folder that was checked.
pub(crate) struct Mount {
    /// The guest's name for it.
    pub(crate) name: String,
    /// The owner's grant. `None` for the component's own assets.
    pub(crate) rule: Option<FileRule>,
    /// On Linux a path to the open folder itself, wherever its old path leads by then.
    pub(crate) path: PathBuf,
    open: Option<File>,
}

impl Mount {
    pub(crate) fn writes(&self) -> bool {
        self.rule.as_ref().is_some_and(FileRule::writes)
    }
}

/// Opens the granted folders. One that cannot be opened as it was granted is left out, since the call may not
/// need it, and noted for the owner: granting it again shows the reason.
pub(super) fn granted(rules: &[FileRule], assets: Option<&Mount>, denials: &Denials) -> Vec<Mount> {
    let mut names: BTreeSet<String> = assets.map(|assets| assets.name.clone()).into_iter().collect();
    let opened = rules.iter().filter_map(|rule| {
        let name = free(rule.mount(), &mut names);
        open_exactly(rule, name)
            .inspect_err(|error| {
                tracing::warn!(folder = %rule.path().display(), %error, "cannot open a granted folder");
                denials.note(Capability::Files, &rule.to_string());
            })
            .ok()
    });
    opened.collect()
}

/// Appends a number to a name that is taken.
fn free(name: String, taken: &mut BTreeSet<String>) -> String {
    let numbered = (2_u32..).map(|n| format!("{name}-{n}"));
    let mut names = std::iter::once(name.clone()).chain(numbered);
    let free = names.find(|name| taken.insert(name.clone()));
    free.unwrap_or(name)
}

fn open_exactly(rule: &FileRule, name: String) -> io::Result<Mount> {
    let mount = open(rule.path(), name, Some(rule))?;
    // Asks for the path of the open folder, so that a link cannot take its place after the check.
    if real(&mount)? == rule.path() { Ok(mount) } else { Err(io::Error::other("a link leads elsewhere")) }
}

pub(super) fn open(path: &Path, name: String, rule: Option<&FileRule>) -> io::Result<Mount> {
    // Opening a named pipe would block until its other end opens.
    if !fs::metadata(path)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let (path, open) = pin(path)?;
    Ok(Mount { name, rule: rule.cloned(), path, open })
}

/// Opens the folder that is at `path` now and returns a path that leads to it even if it is replaced.
#[cfg(target_os = "linux")]
fn pin(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    let open = File::open(path)?;
    let path = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&open));
    Ok((path.into(), Some(open)))
}

/// On this system the folder can still be replaced between the check and the use.
#[cfg(not(target_os = "linux"))]
fn pin(path: &Path) -> io::Result<(PathBuf, Option<File>)> {
    Ok((path.to_owned(), None))
}

/// The real path of an open folder.
fn real(mount: &Mount) -> io::Result<PathBuf> {
    if mount.open.is_some() { fs::read_link(&mount.path) } else { fs::canonicalize(&mount.path) }
}
