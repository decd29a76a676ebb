use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use coworker_model::Key;
use coworker_policy::{Digest, ErrorCode};
use coworker_sandbox::Compiler;
use data_encoding::HEXLOWER;
use zeroize::Zeroizing;

use crate::base::clock::Clock;
use crate::base::config::{Config, NetworkConfig};
use crate::base::environment::Environment;
use crate::base::error::OpError;

/// Bytes of the file with the model's key.
const MAX_MODEL_KEY: u64 = 8192;

/// The data directory of one agent, which holds all of its files. Only its user can read it.
#[derive(Clone, Debug)]
pub struct Home {
    dir: PathBuf,
    compiler: Compiler,
    environment: Environment,
    clock: Clock,
}

/// While this lives, no other process holds the agent.
#[derive(Debug)]
pub struct HomeLock {
    _file: File,
}

#[derive(Debug, thiserror::Error)]
pub enum HomeError {
    #[error("there is no agent in {0}")]
    Absent(PathBuf),
    #[error("there is already an agent in {0}")]
    Present(PathBuf),
    #[error("{0} holds other files")]
    Foreign(PathBuf),
    #[error("the agent in {dir} is held by {holder}")]
    Held { dir: PathBuf, holder: String },
    #[error("cannot {doing} {path}")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{0} does not hold an identity key")]
    Key(PathBuf),
    #[error("{path}: {message}")]
    Config { path: PathBuf, message: String },
}

impl Home {
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            compiler: Compiler::default(),
            environment: Environment::default(),
            clock: Clock::system(),
        }
    }

    /// Compiles components of this agent in `compiler`, not in the process that holds the agent.
    #[must_use]
    pub fn compiled_by(self, compiler: Compiler) -> Self {
        Self { compiler, ..self }
    }

    /// Passes in the environment of this process; by default it is empty.
    #[must_use]
    pub fn in_environment(self, environment: Environment) -> Self {
        Self { environment, ..self }
    }

    /// The agent reads the time from `clock`; by default from the system.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock.clone()
    }

    pub(crate) fn environment(&self) -> Environment {
        self.environment
    }

    pub(crate) fn compiler(&self) -> &Compiler {
        &self.compiler
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// True once `init` has finished: it writes the configuration last.
    pub fn is_initialised(&self) -> bool {
        self.config_path().exists()
    }

    /// Makes the directory, the identity key and the configuration. Keeps the key of an interrupted `init`, so that
    /// an identity is never lost.
    pub fn initialise(&self, config: &Config) -> Result<(), HomeError> {
        if self.is_initialised() {
            return Err(HomeError::Present(self.dir.clone()));
        }
        self.refuse_foreign()?;
        for dir in [self.dir.clone(), self.components_dir(), self.cache_dir()] {
            make_private_dir(&dir)?;
        }
        if !self.key_path().exists() {
            let mut seed = [0; 32];
            getrandom::fill(&mut seed)
                .map_err(|e| failed("draw a key for", &self.dir, io::Error::other(e)))?;
            write_atomically(&self.key_path(), format!("{}\n", HEXLOWER.encode(&seed)).as_bytes())?;
        }
        let text = toml::to_string_pretty(config)
            .map_err(|e| HomeError::Config { path: self.config_path(), message: e.to_string() })?;
        write_atomically(&self.config_path(), text.as_bytes())
    }

    /// The directory becomes private to its user, so a directory with other files must not be taken.
    fn refuse_foreign(&self) -> Result<(), HomeError> {
        let ours = |name: &std::ffi::OsStr| {
            let left_over = name.to_string_lossy().starts_with(".tmp");
            left_over
                || ["identity.key", "config.toml", "components", "cache"].iter().any(|ours| name == *ours)
        };
        let Ok(mut entries) = fs::read_dir(&self.dir) else { return Ok(()) };
        if entries.any(|entry| entry.is_ok_and(|entry| !ours(&entry.file_name()))) {
            return Err(HomeError::Foreign(self.dir.clone()));
        }
        Ok(())
    }

    pub fn config(&self) -> Result<Config, HomeError> {
        let path = self.config_path();
        let text = match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(HomeError::Absent(self.dir.clone())),
            other => other.map_err(|e| failed("read", &path, e))?,
        };
        toml::from_str(&text).map_err(|e| HomeError::Config { path, message: e.to_string() })
    }

    /// The authorities for our relays' certificates, PEM.
    pub(crate) fn relay_ca(&self, network: &NetworkConfig) -> Result<Option<Vec<u8>>, HomeError> {
        let path = network.relay_ca.as_ref().map(|path| self.dir.join(path));
        path.map(|path| fs::read(&path).map_err(|e| failed("read", &path, e))).transpose()
    }

    /// The key of the owner's language model as it was written; `None` if there is none.
    pub(crate) fn model_key(&self) -> Result<Option<Zeroizing<String>>, HomeError> {
        let path = self.model_key_path();
        let file = match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other.map_err(|e| failed("open", &path, e))?,
        };
        let mut text = Zeroizing::new(String::new());
        file.take(MAX_MODEL_KEY).read_to_string(&mut text).map_err(|e| failed("read", &path, e))?;
        Ok(Some(text))
    }

    /// Keeps the key of the owner's language model, or with `None` deletes it. A running agent keeps the key that it
    /// read.
    pub fn keep_model_key(&self, key: Option<&Key>) -> Result<(), HomeError> {
        let path = self.model_key_path();
        if let Some(key) = key {
            let text = Zeroizing::new(format!("{}\n", key.reveal()));
            return write_atomically(&path, text.as_bytes());
        }
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(failed("delete", &path, e)),
            _ => Ok(()),
        }
    }

    pub fn model_key_path(&self) -> PathBuf {
        self.dir.join("llm.key")
    }

    /// The identity key's seed.
    pub(crate) fn seed(&self) -> Result<[u8; 32], HomeError> {
        let path = self.key_path();
        let text = fs::read_to_string(&path).map_err(|e| failed("read", &path, e))?;
        let bytes = HEXLOWER.decode(text.trim().as_bytes()).ok();
        bytes.and_then(|b| b.try_into().ok()).ok_or(HomeError::Key(path))
    }

    /// Takes the agent for this process, waiting up to `timeout` for a short command to release it.
    pub async fn lock(&self, timeout: Duration) -> Result<HomeLock, HomeError> {
        if !self.is_initialised() {
            return Err(HomeError::Absent(self.dir.clone()));
        }
        let path = self.dir.join("agent.lock");
        let mut file = private().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.as_mut().map_err(|e| failed("open", &path, io::Error::from(e.kind())))?;
        let give_up = tokio::time::Instant::now() + timeout;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(e)) => return Err(failed("lock", &path, e)),
                Err(TryLockError::WouldBlock) if tokio::time::Instant::now() >= give_up => {
                    return Err(HomeError::Held { dir: self.dir.clone(), holder: self.holder() });
                }
                Err(TryLockError::WouldBlock) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
        let file = file.try_clone().map_err(|e| failed("open", &path, e))?;
        sign(&file).map_err(|e| failed("write", &path, e))?;
        Ok(HomeLock { _file: file })
    }

    /// The process that holds the agent, as it wrote itself into the lock file.
    pub fn holder(&self) -> String {
        let mut text = String::new();
        let read = File::open(self.dir.join("agent.lock")).map(|f| f.take(64).read_to_string(&mut text));
        match (read, text.trim()) {
            (Ok(Ok(_)), pid) if !pid.is_empty() => format!("process {pid}"),
            _ => "another process".to_owned(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.dir.join("agent.db")
    }

    /// True if this agent has ever sealed its audit log: then a log without a seal is not its own.
    pub(crate) fn has_sealed(&self) -> bool {
        self.sealed_path().exists()
    }

    /// A file beside the database, so that a process that can write only the database cannot undo it.
    pub(crate) fn note_sealed(&self) -> Result<(), HomeError> {
        write_atomically(
            &self.sealed_path(),
            b"The audit log of this agent is sealed: coworker audit verify\n",
        )
    }

    fn sealed_path(&self) -> PathBuf {
        self.dir.join("audit.sealed")
    }

    pub(crate) fn cache_dir(&self) -> PathBuf {
        self.dir.join("cache")
    }

    /// The folder of one component: its file and the owner's policy.
    pub(crate) fn component_dir(&self, digest: Digest) -> PathBuf {
        self.components_dir().join(digest.hex())
    }

    pub(crate) fn component(&self, digest: Digest) -> PathBuf {
        self.component_dir(digest).join("component.wasm")
    }

    pub fn policy(&self, digest: Digest) -> PathBuf {
        self.component_dir(digest).join("policy.toml")
    }

    pub(crate) async fn read_component(&self, digest: Digest) -> Result<Vec<u8>, HomeError> {
        let path = self.component(digest);
        tokio::fs::read(&path).await.map_err(|e| failed("read", &path, e))
    }

    /// Deletes a component that is no longer installed. A failure only costs disk space.
    pub(crate) async fn discard_component(&self, digest: Digest) {
        if let Err(error) = tokio::fs::remove_dir_all(self.component_dir(digest)).await {
            tracing::warn!(%error, %digest, "cannot delete a removed component's folder");
        }
    }

    /// The local socket of a running `serve`.
    pub(crate) fn socket(&self) -> PathBuf {
        coworker_api::socket_path(&self.dir)
    }

    pub(crate) fn components_dir(&self) -> PathBuf {
        self.dir.join("components")
    }

    fn key_path(&self) -> PathBuf {
        self.dir.join("identity.key")
    }

    pub fn config_path(&self) -> PathBuf {
        self.dir.join("config.toml")
    }
}

/// Writes our process id, for the error of a process that finds the agent held.
fn sign(mut file: &File) -> io::Result<()> {
    file.set_len(0)?;
    writeln!(file, "{}", std::process::id())
}

pub(crate) fn make_private_dir(dir: &Path) -> Result<(), HomeError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(|e| failed("make", dir, e))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(|e| failed("protect", dir, e))
}

/// Writes the whole file or nothing, also after a power loss. Only its user can read it.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), HomeError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let write = || -> io::Result<()> {
        let mut file =
            tempfile::Builder::new().permissions(fs::Permissions::from_mode(0o600)).tempfile_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(dir)?.sync_all()
    };
    write().map_err(|e| failed("write", path, e))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> HomeError {
    HomeError::Io { doing, path: path.to_owned(), source }
}

impl From<HomeError> for OpError {
    fn from(error: HomeError) -> Self {
        let with = |code, hint: &str| Self { code, ..Self::fault(&error) }.hint(hint);
        match &error {
            HomeError::Absent(_) => Self { code: ErrorCode::Usage, ..Self::fault(&error) }
                .suggest("make one", ["init", "--name", "NAME"]),
            HomeError::Present(_) => {
                with(ErrorCode::Usage, "choose another directory: coworker --data DIR init --name NAME")
            }
            HomeError::Foreign(_) => with(ErrorCode::Usage, "name an empty or a new directory with --data"),
            HomeError::Held { .. } => {
                with(ErrorCode::InUse, "wait for it to end, stop it, or use another --data directory")
            }
            HomeError::Config { .. } => with(ErrorCode::Usage, "correct the line named above in config.toml"),
            HomeError::Key(_) => with(
                ErrorCode::Usage,
                "restore identity.key from a backup, or start anew with another --data directory",
            ),
            HomeError::Io { .. } => with(
                ErrorCode::Usage,
                "check the directory's permissions and free space, or choose another with --data",
            ),
        }
    }
}
