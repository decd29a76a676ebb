//! The owner's `policy.toml` of each component, as a file: read, and changed without losing a word of theirs.

use std::io;
use std::path::PathBuf;

use coworker_policy::{Digest, ErrorCode, PolicyFile, PolicyFileError, policy_file};

use crate::error::OpError;
use crate::home::{Home, HomeError, write_atomically};

pub(crate) use policy_file::edit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}", path.display())]
    Wrong { path: PathBuf, source: PolicyFileError },
    #[error("{} was not changed", path.display())]
    Edit { path: PathBuf, source: edit::EditError },
    #[error(transparent)]
    Write(#[from] HomeError),
}

/// The owner's word on a component. Without a file there is none, and nothing is shown or granted. One that
/// was written for another component means nothing for this one.
pub(crate) fn read(home: &Home, digest: Digest) -> Result<PolicyFile, PolicyError> {
    let path = home.policy(digest);
    let policy = PolicyFile::parse(&text(&path)?).map_err(|source| PolicyError::Wrong { path, source })?;
    let ours = policy.digest == Some(digest);
    Ok(if ours { policy } else { PolicyFile::default() })
}

/// Changes the file by `change`, text to text. What comes out was checked; it is there whole or not at all.
pub(crate) fn change(
    home: &Home,
    digest: Digest,
    change: impl FnOnce(&str) -> Result<String, edit::EditError>,
) -> Result<(), PolicyError> {
    let path = home.policy(digest);
    let before = text(&path)?;
    let after = change(&before)
        .and_then(|text| edit::set_digest(&text, digest))
        .map_err(|source| PolicyError::Edit { path: path.clone(), source })?;
    Ok(write_atomically(&path, after.as_bytes())?)
}

/// What the owner decided about `old` is what they decided about `new`, which takes its place.
pub(crate) fn carry_over(home: &Home, old: Digest, new: Digest) -> Result<(), PolicyError> {
    let before = text(&home.policy(old))?;
    let path = home.policy(new);
    let after =
        edit::set_digest(&before, new).map_err(|source| PolicyError::Edit { path: path.clone(), source })?;
    Ok(write_atomically(&path, after.as_bytes())?)
}

fn text(path: &std::path::Path) -> Result<String, PolicyError> {
    match std::fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        other => other.map_err(|source| PolicyError::Read { path: path.to_owned(), source }),
    }
}

impl From<PolicyError> for OpError {
    fn from(error: PolicyError) -> Self {
        let fault = Self::fault(&error);
        match error {
            PolicyError::Wrong { .. } | PolicyError::Edit { .. } => {
                Self { code: ErrorCode::Usage, ..fault }.hint("docs/policy.md explains every key")
            }
            PolicyError::Read { .. } | PolicyError::Write(_) => fault,
        }
    }
}
