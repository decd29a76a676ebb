use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use coworker_policy::Digest;
use tempfile::NamedTempFile;
use wasmtime::Engine;
use wasmtime::component::Component;

use crate::engine::compatibility;

/// The folder of compiled components, and the key that proves that this agent wrote them.
///
/// Compiled code runs with the host's own rights, so a file is loaded only if its keyed hash matches. A program
/// that can write to the folder but does not know the key can only cause another compilation.
pub struct Cache {
    /// Created if it does not exist, for this user only.
    pub dir: PathBuf,
    /// Secret of this agent, used for nothing else.
    pub key: [u8; 32],
}

/// The cache of one engine. It does not find code of another version or with other settings.
pub(crate) struct CompiledCache {
    cache: Cache,
    engine: u64,
}

impl CompiledCache {
    pub(crate) fn new(cache: Cache, engine: &Engine) -> io::Result<Self> {
        make_private(&cache.dir)?;
        Ok(Self { cache, engine: compatibility(engine) })
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.cache.dir
    }

    /// Loads a component that this agent compiled before. A file that does not verify counts as missing.
    pub(crate) fn load(&self, engine: &Engine, digest: Digest) -> Option<Component> {
        let file = fs::read(self.path(digest)).ok()?;
        let (tag, code) = file.split_at_checked(blake3::OUT_LEN)?;
        // `blake3::Hash` compares in constant time.
        if self.tag(digest, code) != *tag.first_chunk::<{ blake3::OUT_LEN }>()? {
            tracing::warn!(%digest, "a compiled component was changed on disk; compiling it again");
            return None;
        }
        deserialize(engine, code)
            .inspect_err(|error| tracing::warn!(%digest, %error, "cannot load a compiled component; compiling it again"))
            .ok()
    }

    /// Writes compiled code to the cache, atomically.
    pub(crate) fn store(&self, digest: Digest, code: &[u8]) -> io::Result<()> {
        let mut file = NamedTempFile::new_in(&self.cache.dir)?;
        file.write_all(self.tag(digest, code).as_bytes())?;
        file.write_all(code)?;
        file.persist(self.path(digest)).map_err(|error| error.error)?;
        Ok(())
    }

    fn path(&self, digest: Digest) -> PathBuf {
        self.cache.dir.join(format!("{}-{:016x}.cwasm", digest.hex(), self.engine))
    }

    fn tag(&self, digest: Digest, code: &[u8]) -> blake3::Hash {
        blake3::Hasher::new_keyed(&self.cache.key)
            .update(b"coworker compiled component 1")
            .update(digest.as_bytes())
            .update(&self.engine.to_le_bytes())
            .update(code)
            .finalize()
    }
}

#[allow(unsafe_code, reason = "compiled code can only be loaded this way; the caller knows its origin")]
pub(crate) fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was returned by `Engine::precompile_component` for an engine of the same compatibility hash.
    // `Compiler` got it from this process or from the pipe of its own child. `CompiledCache` has verified this
    // agent's keyed hash over these very bytes in memory, and stores only code that `Compiler` returned.
    unsafe { Component::deserialize(engine, code) }
}

fn make_private(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}
