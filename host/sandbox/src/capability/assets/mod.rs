//! Assets: private files packed with a component, which only the component itself can read, at `/assets`.
//!
//! The custom section `coworker:assets` holds them as a tar archive of regular files. Only names and contents
//! are used; links are refused, and modes, owners and times are ignored.

pub(crate) mod error;
mod pack;
mod unpacked;

use std::collections::BTreeMap;
use std::io;
use std::str;

use tar::{Archive, EntryType};
use wasmparser::{Encoding, Parser, Payload};

use self::error::{AssetsError, DEPTH, PATH};
use crate::bad_component::BadComponent;

pub use pack::{PackError, pack};
pub(crate) use unpacked::UnpackedAssets;

const ASSETS: &str = "coworker:assets";
const MANIFEST: &str = "coworker:skill.toml";

/// Largest archive, in bytes, and most files in it.
const ARCHIVE: usize = 16 * 1024 * 1024;
const FILES: usize = 1000;
/// The files packed with a component: contents by path, such as `prompts/offer.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets<'a>(BTreeMap<String, &'a [u8]>);

impl<'a> Assets<'a> {
    /// In the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &'a [u8])> + '_ {
        self.0.iter().map(|(path, bytes)| (path.as_str(), *bytes))
    }

    fn read(archive: &'a [u8]) -> Result<Self, AssetsError> {
        if archive.len() > ARCHIVE {
            return Err(AssetsError::TooLarge { max: ARCHIVE });
        }
        let mut files = BTreeMap::new();
        for entry in Archive::new(archive).entries().map_err(AssetsError::Damaged)? {
            let entry = entry.map_err(AssetsError::Damaged)?;
            let path = checked(&entry.path_bytes())?;
            let bytes = match entry.header().entry_type() {
                EntryType::Regular => contents(archive, entry.raw_file_position(), entry.size())?,
                _ => return Err(AssetsError::NotAFile { path }),
            };
            if files.len() == FILES {
                return Err(AssetsError::TooMany { max: FILES });
            }
            if files.insert(path.clone(), bytes).is_some() {
                return Err(AssetsError::Path { path });
            }
        }
        Ok(Self(files))
    }
}

/// Reads the files packed with a component. `None` if it has no such section.
pub fn assets(wasm: &[u8]) -> Result<Option<Assets<'_>>, BadComponent> {
    let mut sections = sections(wasm, ASSETS)?.into_iter();
    match (sections.next(), sections.next()) {
        (_, Some(_)) => Err(AssetsError::Twice(ASSETS).into()),
        (Some(archive), None) => Ok(Some(Assets::read(archive)?)),
        (None, None) => Ok(None),
    }
}

/// The bytes of the `skill.toml` packed with a component, not parsed yet. `None` if there is none or more than
/// one, which would be ambiguous.
pub fn manifest(wasm: &[u8]) -> Option<&[u8]> {
    let found = sections(wasm, MANIFEST).ok()?;
    if let [manifest] = found[..] { Some(manifest) } else { None }
}

/// The contents of the component's own custom sections of this name, without those of nested components.
fn sections<'a>(wasm: &'a [u8], name: &str) -> Result<Vec<&'a [u8]>, BadComponent> {
    let mut depth = 0_usize;
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(wasm) {
        match payload.map_err(|error| BadComponent::Malformed(error.into()))? {
            Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 1 && section.name() == name => {
                found.push(section.data());
            }
            _ => {}
        }
    }
    Ok(found)
}

fn contents(archive: &[u8], at: u64, size: u64) -> Result<&[u8], AssetsError> {
    let range = || {
        let at = usize::try_from(at).ok()?;
        archive.get(at..at.checked_add(usize::try_from(size).ok()?)?)
    };
    range().ok_or_else(|| AssetsError::Damaged(io::ErrorKind::UnexpectedEof.into()))
}

/// Checks that a path stays below the folder that it is unpacked into, on every system.
fn checked(path: &[u8]) -> Result<String, AssetsError> {
    let bad = |text: &str| AssetsError::Path { path: text.chars().take(PATH).collect() };
    let text = str::from_utf8(path).map_err(|_| bad(&String::from_utf8_lossy(path)))?;
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let odd = |c: char| c.is_control() || matches!(c, '\\' | ':');
    let fits = text.len() <= PATH && text.split('/').count() <= DEPTH + 1;
    if fits && text.split('/').all(plain) && !text.contains(odd) {
        Ok(text.to_owned())
    } else {
        Err(bad(text))
    }
}
