use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tar::{Builder, Header};
use wasmparser::Parser;

use super::error::AssetsError;
use super::{ARCHIVE, ASSETS, Assets, FILES, MANIFEST, checked, sections};
use crate::bad_component::MAX_COMPONENT;

/// Why a component and its files cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("only a component can be packed")]
    NotAComponent,
    #[error("the component is packed already; build it again first")]
    Packed,
    #[error("with its assets the component has more than {MAX_COMPONENT} bytes")]
    TooLarge,
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the name of {} is not in UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("{} is neither a file nor a folder; links are not followed", path.display())]
    Odd { path: PathBuf },
    #[error("the assets cannot be packed")]
    Assets(#[from] AssetsError),
}

/// Packs a component, its `skill.toml` and the files below `assets` into one file. The folder may be missing.
/// Reproducible: the same input makes the same file.
pub fn pack(component: &[u8], manifest: Option<&str>, assets: &Path) -> Result<Vec<u8>, PackError> {
    let has = |name| sections(component, name).map(|found| !found.is_empty());
    if !Parser::is_component(component) {
        return Err(PackError::NotAComponent);
    }
    if has(ASSETS).and_then(|assets| Ok(assets || has(MANIFEST)?)).map_err(|_| PackError::NotAComponent)? {
        return Err(PackError::Packed);
    }
    let mut packed = component.to_vec();
    if let Some(manifest) = manifest {
        append(&mut packed, MANIFEST, manifest.as_bytes());
    }
    if assets.exists() {
        let archive = archive(assets)?;
        Assets::read(&archive)?;
        append(&mut packed, ASSETS, &archive);
    }
    if packed.len() > MAX_COMPONENT { Err(PackError::TooLarge) } else { Ok(packed) }
}

fn archive(dir: &Path) -> Result<Vec<u8>, PackError> {
    let mut files = BTreeMap::new();
    collect(dir, "", &mut files)?;
    let mut archive = Builder::new(Vec::new());
    for (name, path) in files {
        let bytes = fs::read(&path).map_err(|source| PackError::Read { path: path.clone(), source })?;
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        let added = archive.append_data(&mut header, &name, bytes.as_slice());
        added.map_err(|source| PackError::Read { path, source })?;
        if archive.get_ref().len() > ARCHIVE {
            return Err(AssetsError::TooLarge { max: ARCHIVE }.into());
        }
    }
    archive.into_inner().map_err(|source| PackError::Read { path: dir.to_owned(), source })
}

/// Collects the files below `dir`: their paths on the disk by their names in the archive.
fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), PackError> {
    let unread = |source| PackError::Read { path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else { return Err(PackError::Name { path }) };
        let name = checked(format!("{prefix}{name}").as_bytes())?;
        // Does not follow links: a link could bring in a file that its author did not mean to share.
        let kind = entry.file_type().map_err(unread)?;
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), files)?;
        } else if !kind.is_file() {
            return Err(PackError::Odd { path });
        } else if files.len() == FILES {
            return Err(AssetsError::TooMany { max: FILES }.into());
        } else {
            files.insert(name, path);
        }
    }
    Ok(())
}
fn append(wasm: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut section = Vec::new();
    leb128(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(data);
    wasm.push(0);
    leb128(wasm, section.len());
    wasm.extend_from_slice(&section);
}

fn leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            return bytes.push(low);
        }
        bytes.push(low | 0x80);
    }
}
