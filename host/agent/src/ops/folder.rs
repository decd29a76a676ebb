//! Folders that are granted: what is written into a policy is the folder itself, not a way that leads there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use coworker_api::ops::Resolved;
use coworker_policy::{ErrorCode, FileRule};

use crate::base::error::OpError;

/// The rules with the real paths of their folders, which have to be there: a link that is followed later
/// could lead elsewhere than the owner saw. Text that is not a rule stays as it is; the parser refuses it later.
pub(super) async fn resolve(rules: Vec<String>) -> Result<(Vec<String>, Vec<Resolved>), OpError> {
    let (mut real, mut resolved) = (Vec::new(), Vec::new());
    for rule in rules {
        let Ok(parsed) = rule.parse::<FileRule>() else {
            real.push(rule);
            continue;
        };
        let folder = look(parsed.path().to_owned()).await?;
        real.push(written(&parsed, &folder)?);
        if folder != parsed.path() {
            resolved.push(Resolved { typed: parsed.path().to_owned(), folder });
        }
    }
    Ok((real, resolved))
}

/// A rule as it would be granted now; `None` if it cannot be.
pub(super) async fn real(rule: &str) -> Option<String> {
    let rule: FileRule = rule.parse().ok()?;
    let folder = look(rule.path().to_owned()).await.ok()?;
    written(&rule, &folder).ok()
}

fn written(rule: &FileRule, folder: &Path) -> Result<String, OpError> {
    let mode = if rule.writes() { "write" } else { "read" };
    let text = folder.to_str().map(|path| format!("{mode} {path}"));
    let fits = |text: &String| text.parse::<FileRule>().is_ok_and(|rule| rule.path() == folder);
    text.filter(fits).ok_or_else(|| {
        let path = rule.path().display();
        OpError::new(ErrorCode::Usage, format!("{path} leads to a folder whose path no rule can name"))
    })
}

/// Off the async threads: the folder may lie on a disk that does not answer.
async fn look(path: PathBuf) -> Result<PathBuf, OpError> {
    let shown = path.display().to_string();
    let found = tokio::task::spawn_blocking(move || {
        let real = path.canonicalize()?;
        if real.is_dir() { Ok(real) } else { Err(ErrorKind::NotADirectory.into()) }
    });
    found.await.map_err(|error| OpError::fault(&error))?.map_err(|error: std::io::Error| {
        let usage = |message| OpError::new(ErrorCode::Usage, message);
        match error.kind() {
            ErrorKind::NotFound => usage(format!("there is no folder {shown}")).hint("make it first"),
            ErrorKind::NotADirectory => usage(format!("{shown} is not a folder")),
            _ => usage(format!("cannot use {shown}: {error}")),
        }
    })
}
