use std::fs::Permissions;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use coworker_agent::pack;
use coworker_api::ApiError;
use coworker_api::ops::ComponentInfo;
use coworker_policy::ErrorCode;
use tempfile::NamedTempFile;

use super::compile::{self, Component};
use super::explained;
use super::project::Project;
use super::trial::Trial;

/// A skill's one file, as its owner will look at it.
pub(crate) struct Built {
    pub(crate) path: PathBuf,
    pub(crate) component: ComponentInfo,
    pub(crate) warnings: Vec<String>,
}

/// Makes the component, packs `skill.toml` and `assets/` with it, and writes it if a host would take it. What
/// was there stays until then.
pub(crate) async fn build(project: &Project, quiet: bool) -> Result<Built, ApiError> {
    let Component { bytes, warning } = compile::compile(project, quiet)?;
    let packed = pack(&bytes, Some(&project.manifest), &project.assets())
        .map_err(|error| ApiError { code: ErrorCode::BadComponent, ..ApiError::fault(&error) })?;
    let path = project.component();
    let file = beside(&path, &packed).map_err(|error| unwritten(&path, &error))?;
    let trial = Trial::open().await?;
    let looked = trial.look(file.path()).await;
    trial.close().await;
    let component = looked?;
    file.persist(&path).map_err(|error| unwritten(&path, &error.error))?;
    let warnings = warning.into_iter().chain(explained::warnings(&project.request, &component)).collect();
    Ok(Built { path, component, warnings })
}

fn beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".building-")
        .suffix(".wasm")
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(dir)?;
    file.write_all(bytes)?;
    Ok(file)
}

fn unwritten(path: &Path, error: &io::Error) -> ApiError {
    ApiError::new(ErrorCode::Usage, format!("cannot write {}: {error}", path.display()))
}
