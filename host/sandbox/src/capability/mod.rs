//! One file per capability: its state, its limits, its host functions over a view of the call, its `link`.

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

/// Links everything that a component may import. Without the grant an import links, and gives the call nothing.
pub(crate) fn link(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    call::link(&mut linker, Guest::call)?;
    log::link(&mut linker, Guest::log)?;
    llm::link(&mut linker, Guest::llm)?;
    peers::link(&mut linker, Guest::peers)?;
    config::link(&mut linker, Guest::config)?;
    state::link(&mut linker, Guest::state)?;
    wasi::link(&mut linker, Guest::files)?;
    http::link(&mut linker)?;
    Ok(linker)
}
