//! Reads the files packed with the component, below `/assets`.

use serde::de::DeserializeOwned;
use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags};

const FOLDER: &str = "/assets";
/// The bytes read at a time.
const STEP: u64 = 64 * 1024;

/// The open folder of assets.
pub(crate) struct Packed(Descriptor);

impl Packed {
    /// Opens the assets; `None` if the component was not packed.
    pub(crate) fn open() -> Option<Self> {
        let mut folders = get_directories().into_iter();
        folders.find(|(_, name)| name == FOLDER).map(|(folder, _)| Self(folder))
    }

    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let (none, read) = (OpenFlags::empty(), DescriptorFlags::READ);
        let file = self.0.open_at(PathFlags::empty(), path, none, read).ok()?;
        let mut bytes = Vec::new();
        loop {
            let (more, ended) = file.read(STEP, bytes.len() as u64).ok()?;
            bytes.extend_from_slice(&more);
            if ended || more.is_empty() {
                return String::from_utf8(bytes).ok();
            }
        }
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str) -> Option<T> {
        serde_json::from_str(&self.text(path)?).ok()
    }
}
