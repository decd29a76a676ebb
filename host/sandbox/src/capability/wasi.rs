//! WASI 0.2 over an empty context, so that components from any language load: clocks and randomness are
//! real, stdout and stderr go to the owner's log, and there is nothing else behind the interfaces.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tempfile::TempDir;
use tokio::io::AsyncWrite;
use wasmtime::StoreContextMut;
use wasmtime::component::{Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{IoError, OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::files::Mount;
use super::files::watch::{self, Folders};
use super::log::Journal;
use crate::guest::Guest;

/// Resources (streams, pollables, headers, requests) that one call may hold at once.
const RESOURCES: usize = 1024;
/// The same where there are files: an open one costs the host a descriptor and up to 64 KiB of buffer.
const RESOURCES_WITH_FILES: usize = 128;
/// Random bytes per request. Drawing them is host time that no fuel pays for.
const RANDOM: u64 = 64 * 1024;
/// Bytes that a stream takes per write, and zeros that the host makes for a guest in one go.
const CHUNK: usize = 64 * 1024;

pub(crate) struct WasiState {
    context: WasiCtx,
    /// Kept while the call may read it.
    assets: Option<Arc<TempDir>>,
    pub(super) folders: Folders,
    /// Shared by all that hands out resources, so that one bound holds for all.
    pub(crate) table: ResourceTable,
}

impl WasiState {
    pub(crate) fn new(journal: &Journal) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Self { context: context(journal).build(), assets: None, folders: Folders::default(), table }
    }

    /// Gives the guest folders. Before its code runs: what it opened until then would be lost.
    pub(crate) fn mount(
        &mut self,
        journal: &Journal,
        mounts: &[Mount],
        assets: Option<Arc<TempDir>>,
    ) -> wasmtime::Result<()> {
        let mut context = context(journal);
        for mount in mounts {
            let perms = if mount.writes() { FsPerms::ReadWrite } else { FsPerms::ReadOnly };
            context.preopened_dir(&mount.path, &mount.name, perms)?;
        }
        self.table.set_max_capacity(RESOURCES_WITH_FILES);
        self.context = context.build();
        self.assets = assets;
        self.folders = Folders::new(mounts);
        Ok(())
    }
}

/// The only place where a WASI context begins: no environment, arguments, directories, input or network.
fn context(journal: &Journal) -> WasiCtxBuilder {
    let mut context = WasiCtxBuilder::new();
    context
        .stdout(journal.clone())
        .stderr(journal.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .allow_blocking_current_thread(false)
        .max_random_size(RANDOM);
    context
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    watch::link(linker)?;
    // As it comes, it writes out the host's error with its whole chain of causes. The guest has the error's code.
    linker.instance("wasi:io/error@0.2.12")?.func_wrap(
        "[method]error.to-debug-string",
        |_: StoreContextMut<'_, Guest>, (_,): (Resource<IoError>,)| Ok(("the operation failed".to_owned(),)),
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi.context, table: &mut self.wasi.table }
    }
}

impl IsTerminal for Journal {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Journal {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// A full journal still takes what is written, and drops it: a guest does not fail over its own chatter.
impl OutputStream for Journal {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        Journal::write(self, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Journal {
    async fn ready(&mut self) {}
}

impl AsyncWrite for Journal {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Journal::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
