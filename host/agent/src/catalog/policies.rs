//! The owner's `policy.toml` of each component, as a file: reading it, and changing it without losing the owner's
//! text.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use coworker_policy::{Digest, ErrorCode, PolicyFile, PolicyFileError, Text, policy_file};

use crate::base::error::OpError;
use crate::base::home::{Home, HomeError, write_atomically};

pub(crate) use policy_file::edit;

#[derive(Debug, thiserror::Error)]
pub(crate) enum PolicyError {
    #[error("cannot read {}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("{}", path.display())]
    Wrong { path: PathBuf, source: PolicyFileError },
    #[error("{} was not changed", path.display())]
    Edit { path: PathBuf, source: edit::EditError },
    #[error("{} keeps changing; try again once it is saved", path.display())]
    Restless { path: PathBuf },
    #[error(transparent)]
    Write(#[from] HomeError),
}

/// How long a file must stay unchanged before it is read: an editor saves in several steps, and half of a file can
/// allow more than the whole.
pub(crate) const SETTLE: Duration = Duration::from_millis(150);
/// Looks at a file that keeps changing, before it is left for later.
const LOOKS: usize = 20;

/// The owner's policy for a component, as its file was read.
///
/// Without a file nothing is shown or granted. A file that was written for another component, or cannot be used, also
/// grants nothing: the policy before it may allow more than the owner means to allow now.
#[derive(Clone, Default)]
pub(crate) struct Written {
    text: String,
    pub(crate) policy: Arc<PolicyFile>,
    /// The reason why the file cannot be used.
    pub(crate) broken: Option<String>,
}

impl Written {
    /// Reads the file as it is now, for a component that is new to this process.
    pub(crate) fn read(home: &Home, digest: Digest) -> Self {
        Self::of(home, digest, text(&home.policy(digest)))
    }

    fn of(home: &Home, digest: Digest, read: Result<String, PolicyError>) -> Self {
        let path = home.policy(digest);
        let parsed =
            |text: &str| PolicyFile::parse(text).map_err(|source| PolicyError::Wrong { path, source });
        let (text, parsed) = match read {
            Ok(text) => (text.clone(), parsed(&text)),
            Err(error) => (String::new(), Err(error)),
        };
        match parsed {
            Ok(policy) if policy.digest == Some(digest) => {
                Self { text, policy: Arc::new(policy), broken: None }
            }
            Ok(_) => Self { text, ..Self::default() },
            Err(error) => {
                let error = OpError::fault(&error).message;
                tracing::error!(%error, "a policy file cannot be used, so its component's skills are hidden");
                Self { text, broken: Some(error), ..Self::default() }
            }
        }
    }
}

/// Returns the file's text once it no longer changes; at once if it is the one in force.
async fn settled(home: &Home, digest: Digest, in_force: &Written) -> Result<String, PolicyError> {
    let path = home.policy(digest);
    let mut last = (changed(&path), text(&path));
    for _ in 0..LOOKS {
        if matches!(&last.1, Ok(text) if *text == in_force.text && in_force.broken.is_none()) {
            return last.1;
        }
        tokio::time::sleep(SETTLE).await;
        let next = (changed(&path), text(&path));
        // Equal text at two looks may be the same half of it, written twice.
        let same = match (&last.1, &next.1) {
            (Ok(before), Ok(now)) => before == now,
            (Err(_), Err(_)) => true,
            _ => false,
        };
        if same && last.0 == next.0 {
            return next.1;
        }
        last = next;
    }
    Err(PolicyError::Restless { path })
}

/// Reads the file if it differs from the policy in force.
pub(crate) async fn edited(home: &Home, digest: Digest, in_force: &Written) -> Option<Written> {
    match settled(home, digest, in_force).await {
        Ok(text) if text == in_force.text && in_force.broken.is_none() => None,
        Err(error @ PolicyError::Restless { .. }) => {
            tracing::warn!(%error, "the policy that was read before stays in force");
            None
        }
        read => Some(Written::of(home, digest, read)),
    }
}

/// Changes the file's text by `change`. The result is checked, and written whole or not at all.
pub(crate) async fn change(
    home: &Home,
    digest: Digest,
    in_force: &Written,
    change: impl FnOnce(&str) -> Result<String, edit::EditError>,
) -> Result<Written, PolicyError> {
    let path = home.policy(digest);
    let before = settled(home, digest, in_force).await?;
    let after = change(&before)
        .and_then(|text| edit::set_digest(&text, digest))
        .map_err(|source| PolicyError::Edit { path: path.clone(), source })?;
    write_atomically(&path, after.as_bytes())?;
    Ok(Written::of(home, digest, Ok(after)))
}

/// Carries the owner's policy for `old` over to `new`, which replaces it.
pub(crate) async fn carry_over(
    home: &Home,
    old: Digest,
    in_force: &Written,
    new: Digest,
    defaults: &BTreeMap<Text, Text>,
) -> Result<(), PolicyError> {
    let before = settled(home, old, in_force).await?;
    let path = home.policy(new);
    let after = with_defaults(&before, defaults)
        .and_then(|text| edit::set_digest(&text, new))
        .map_err(|source| PolicyError::Edit { path: path.clone(), source })?;
    Ok(write_atomically(&path, after.as_bytes())?)
}

/// Writes the first policy of a new component: its author's configuration values and nothing else.
pub(crate) async fn begin(
    home: &Home,
    digest: Digest,
    defaults: &BTreeMap<Text, Text>,
) -> Result<(), PolicyError> {
    if !defaults.is_empty() {
        change(home, digest, &Written::default(), |text| with_defaults(text, defaults)).await?;
    }
    Ok(())
}

/// Adds the defaults. A value that the owner set stays.
fn with_defaults(text: &str, defaults: &BTreeMap<Text, Text>) -> Result<String, edit::EditError> {
    let owner = PolicyFile::parse(text).map_err(edit::EditError::Unreadable)?.config;
    let missing = defaults.iter().filter(|(key, _)| !owner.contains_key(key.as_str()));
    missing.into_iter().try_fold(text.to_owned(), |text, (key, value)| {
        edit::set_config(&text, key.as_str(), Some(value.as_str()))
    })
}

/// The time of the last write, and the inode.
fn changed(path: &std::path::Path) -> Option<(SystemTime, u64)> {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, std::os::unix::fs::MetadataExt::ino(&metadata)))
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
            PolicyError::Restless { .. } => {
                Self { code: ErrorCode::Usage, ..fault }.hint("save it, and try again")
            }
            PolicyError::Read { .. } | PolicyError::Write(_) => fault,
        }
    }
}
