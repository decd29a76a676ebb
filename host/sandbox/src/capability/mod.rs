//! One file per capability: its state, its bounds, its host functions, its `link`.

pub(crate) mod call;
pub(crate) mod log;
pub(crate) mod wasi;

use wasmtime::Engine;
use wasmtime::component::Linker;

use crate::guest::Guest;

/// Everything that a component may import. A call without the grant finds it here and gets nothing from it.
pub(crate) fn link(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    call::link(&mut linker)?;
    log::link(&mut linker)?;
    wasi::link(&mut linker)?;
    Ok(linker)
}
