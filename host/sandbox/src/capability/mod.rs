//! One file per capability: its state, its bounds, its host functions, its `link`.

pub(crate) mod assets;
pub(crate) mod call;
pub(crate) mod config;
pub(crate) mod files;
pub(crate) mod http;
pub(crate) mod llm;
pub(crate) mod log;
pub(crate) mod peers;
pub(crate) mod secret;
pub(crate) mod state;
pub(crate) mod wasi;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::guest::Guest;

/// Everything that a component may import. A call without the grant finds it here and gets nothing from it.
pub(crate) fn link(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    call::link(&mut linker)?;
    log::link(&mut linker)?;
    llm::link(&mut linker)?;
    peers::link(&mut linker)?;
    config::link(&mut linker)?;
    state::link(&mut linker)?;
    wasi::link(&mut linker)?;
    http::link(&mut linker)?;
    Ok(linker)
}
