//! Assets: private files that are packed with a component, for it alone to read at `/assets`.
//!
//! They travel in the custom section `coworker:assets`, a tar archive of plain files. Nothing of the archive
//! but names and contents is used: no links, modes, owners or times.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::str;
use std::sync::{Arc, PoisonError, RwLock};

use coworker_policy::Digest;
use tar::{Archive, Builder, EntryType, Header};
use tempfile::TempDir;
use wasmparser::{Encoding, Parser, Payload};

use crate::inspect::{BadComponent, MAX_COMPONENT};

const ASSETS: &str = "coworker:assets";
const MANIFEST: &str = "coworker:skill.toml";

/// Most bytes that the archive may have, and most files in it.
const ARCHIVE: usize = 16 * 1024 * 1024;
const FILES: usize = 1000;
/// Longest path of a file, in bytes, and most folders it may lie in.
const PATH: usize = 255;
const DEPTH: usize = 16;

/// Names of folders below the cache that hold unpacked assets.
const FOLDER: &str = "assets-";

/// The files packed with a component: contents by path, such as `prompts/offer.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assets<'a>(BTreeMap<String, &'a [u8]>);

/// Why packed files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AssetsError {
    #[error("the component has two sections `{0}`")]
    Twice(&'static str),
    #[error("the assets have more than {max} bytes")]
    TooLarge { max: usize },
    #[error("there are more than {max} assets")]
    TooMany { max: usize },
    #[error("the archive of assets is damaged")]
    Damaged(#[source] io::Error),
    #[error("the asset {path:?} is no plain file")]
    NotAFile { path: String },
    #[error(
        "an asset cannot be named {path:?}: a path is relative, in plain characters, without `.` and `..`, at \
         most {PATH} bytes long and {DEPTH} folders deep"
    )]
    Path { path: String },
    #[error("the assets cannot be unpacked")]
    Unpack(#[source] io::Error),
}

/// Why a component and its files cannot become one file.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("only a component can be packed")]
    NotAComponent,
    #[error("the component was packed before: build it again")]
    Packed,
    #[error("with its assets the component has more than {MAX_COMPONENT} bytes")]
    TooLarge,
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the name of {} is not in UTF-8", path.display())]
    Name { path: PathBuf },
    #[error("{} is neither a file nor a folder; links are not followed", path.display())]
    Odd { path: PathBuf },
    #[error("the assets do not fit")]
    Assets(#[from] AssetsError),
}

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

    /// Writes the files into a new folder below `cache`, for this user only. It goes when it is dropped.
    pub(crate) fn unpack(&self, cache: &Path) -> Result<TempDir, AssetsError> {
        let write = || {
            let dir = tempfile::Builder::new().prefix(FOLDER).tempdir_in(cache)?;
            self.iter().try_for_each(|(path, bytes)| write(&dir.path().join(path), bytes))?;
            Ok(dir)
        };
        write().map_err(AssetsError::Unpack)
    }
}

/// The unpacked assets of the components that are loaded. They are unpacked anew in each process, so that
/// nobody can have changed them on the disk in between.
pub(crate) struct Unpacked {
    cache: PathBuf,
    folders: RwLock<HashMap<Digest, Arc<TempDir>>>,
}

impl Unpacked {
    pub(crate) fn new(cache: PathBuf) -> io::Result<Self> {
        sweep(&cache)?;
        Ok(Self { cache, folders: RwLock::default() })
    }

    pub(crate) fn keep(&self, digest: Digest, wasm: &[u8]) -> Result<(), BadComponent> {
        if let Some(assets) = assets(wasm)? {
            let folder = Arc::new(assets.unpack(&self.cache)?);
            self.folders.write().unwrap_or_else(PoisonError::into_inner).insert(digest, folder);
        }
        Ok(())
    }

    /// The folder stays as long as somebody holds it.
    pub(crate) fn of(&self, digest: Digest) -> Option<Arc<TempDir>> {
        self.folders.read().unwrap_or_else(PoisonError::into_inner).get(&digest).cloned()
    }

    pub(crate) fn forget(&self, digest: Digest) {
        self.folders.write().unwrap_or_else(PoisonError::into_inner).remove(&digest);
    }
}

/// Removes what a process that ended without warning left unpacked. One process uses a cache at a time.
fn sweep(cache: &Path) -> io::Result<()> {
    for entry in fs::read_dir(cache)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(FOLDER) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// The files packed with a component; `None` if it has no such section.
pub fn assets(wasm: &[u8]) -> Result<Option<Assets<'_>>, BadComponent> {
    let mut sections = sections(wasm, ASSETS)?.into_iter();
    match (sections.next(), sections.next()) {
        (_, Some(_)) => Err(AssetsError::Twice(ASSETS).into()),
        (Some(archive), None) => Ok(Some(Assets::read(archive)?)),
        (None, None) => Ok(None),
    }
}

/// The bytes of the `skill.toml` packed with a component: an author's words, not yet read. `None` if there
/// is none, or more than one and so none to rely on.
pub fn manifest(wasm: &[u8]) -> Option<&[u8]> {
    let found = sections(wasm, MANIFEST).ok()?;
    if let [manifest] = found[..] { Some(manifest) } else { None }
}

/// Makes one file of a component, its `skill.toml` and the files below a folder, which may be missing. The
/// same input always makes the same file.
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

/// The contents of the component's own custom sections of this name, not of those of its parts.
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

fn contents(archive: &[u8], at: u64, size: u64) -> Result<&[u8], AssetsError> {
    let range = || {
        let at = usize::try_from(at).ok()?;
        archive.get(at..at.checked_add(usize::try_from(size).ok()?)?)
    };
    range().ok_or_else(|| AssetsError::Damaged(io::ErrorKind::UnexpectedEof.into()))
}

/// A path that stays below where it is unpacked, on every system.
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

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    // Where names differ only in case, the second is not written over the first.
    File::create_new(path)?.write_all(bytes)
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

/// Names as in the archive, and where the files are.
fn collect(dir: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), PackError> {
    let unread = |source| PackError::Read { path: dir.to_owned(), source };
    for entry in fs::read_dir(dir).map_err(unread)? {
        let entry = entry.map_err(unread)?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else { return Err(PackError::Name { path }) };
        let name = checked(format!("{prefix}{name}").as_bytes())?;
        // Of the entry itself: a link could bring in a file that its author did not mean to share.
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
