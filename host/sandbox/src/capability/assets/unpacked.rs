use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use coworker_policy::Digest;
use tempfile::TempDir;

use super::error::AssetsError;
use super::{Assets, assets};
use crate::bad_component::BadComponent;

/// Names of folders below the cache that hold unpacked assets.
const FOLDER: &str = "assets-";

/// The unpacked assets of the loaded components. Each process unpacks them anew, so that a change on the disk
/// between two runs has no effect.
pub(crate) struct UnpackedAssets {
    cache: PathBuf,
    folders: RwLock<HashMap<Digest, Arc<TempDir>>>,
}

impl UnpackedAssets {
    pub(crate) fn new(cache: PathBuf) -> io::Result<Self> {
        sweep(&cache)?;
        Ok(Self { cache, folders: RwLock::default() })
    }

    pub(crate) fn keep(&self, digest: Digest, wasm: &[u8]) -> Result<(), BadComponent> {
        if let Some(assets) = assets(wasm)? {
            let folder = Arc::new(unpack(&assets, &self.cache)?);
            self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(digest, folder);
        }
        Ok(())
    }

    /// The folder exists as long as the returned handle.
    pub(crate) fn of(&self, digest: Digest) -> Option<Arc<TempDir>> {
        self.folders.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()
    }

    pub(crate) fn forget(&self, digest: Digest) {
        self.folders.write().unwrap_or_else(PoisonError::into_inner).remove(&digest);
    }
}

/// Deletes folders that a crashed process left behind. Only one process uses a cache at a time.
fn sweep(cache: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FOLDER) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Writes the files into a new folder below `cache`, for this user only. Dropping the folder deletes it.
fn unpack(assets: &Assets<'_>, cache: &Path) -> Result<TempDir, AssetsError> {
    let unpacked = || {
        let dir = tempfile::Builder::new().prefix(FOLDER).tempdir_in(cache)?;
        assets.iter().try_for_each(|(path, bytes)| write(&dir.path().join(path), bytes))?;
        Ok(dir)
    };
    unpacked().map_err(AssetsError::Unpack)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // On a file system that ignores case, the second of two names must not overwrite the first.
    File::create_new(path)?.write_all(bytes)
}
