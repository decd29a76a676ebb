//! WASI 0.2 over an empty context, so that components from any language load: clocks and randomness are
//! real, stdout and stderr go to the owner's log, and the other interfaces give nothing.

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
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::{IoError, OutputStream, Pollable, StreamResult};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};

use super::files::mount::Mount;
use super::files::watch::{self, FilesHost, Folders};
use super::log::CallLog;
use crate::access::Access;

/// Resources (streams, pollables, headers, requests) that one call may hold at once.
const RESOURCES: usize = 1024;
/// The same limit for a call with files: an open file costs the host a descriptor and up to 64 KiB of buffer.
const RESOURCES_WITH_FILES: usize = 128;
/// Random bytes per request. Generating them is host time that no fuel pays for.
const RANDOM: u64 = 64 * 1024;
/// Bytes that a stream takes per write, and zeros that the host writes for a guest at once.
const CHUNK: usize = 64 * 1024;

pub(crate) struct WasiState {
    context: WasiCtx,
    /// Held so that the folder is not deleted while the call may read it.
    assets: Option<Arc<TempDir>>,
    folders: Folders,
    /// Shared by all interfaces that hand out resources, so that one limit holds for all.
    pub(crate) table: ResourceTable,
}

impl WasiState {
    pub(crate) fn new(log: &CallLog) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES);
        Self { context: context(log).build(), assets: None, folders: Folders::default(), table }
    }

    /// Opens folders to the guest. Replaces the context, so it must happen before any guest code runs.
    pub(crate) fn mount(
        &mut self,
        log: &CallLog,
        mounts: &[Mount],
        assets: Option<Arc<TempDir>>,
    ) -> wasmtime::Result<()> {
        let mut context = context(log);
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

    pub(crate) fn view(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.context, table: &mut self.table }
    }

    pub(crate) fn files<'a>(&'a mut self, access: &'a Access) -> FilesHost<'a> {
        FilesHost {
            filesystem: WasiFilesystemCtxView { ctx: self.context.filesystem(), table: &mut self.table },
            folders: &mut self.folders,
            access,
        }
    }
}

/// Builds every WASI context: no environment, arguments, directories, input or network.
fn context(log: &CallLog) -> WasiCtxBuilder {
    let mut context = WasiCtxBuilder::new();
    context
        .stdout(log.clone())
        .stderr(log.clone())
        .allow_tcp(false)
        .allow_udp(false)
        .allow_ip_name_lookup(false)
        .allow_blocking_current_thread(false)
        .max_random_size(RANDOM);
    context
}

pub(crate) fn link<T: WasiView + 'static>(
    linker: &mut Linker<T>,
    files: fn(&mut T) -> FilesHost<'_>,
) -> wasmtime::Result<()> {
    wasmtime_wasi::p2::add_to_linker_async(linker)?;
    linker.allow_shadowing(true);
    watch::link(linker, files)?;
    // The original prints the host's error with its chain of causes, which a guest must not see. It has the code.
    linker.instance("wasi:io/error@0.2.12")?.func_wrap(
        "[method]error.to-debug-string",
        |_: StoreContextMut<'_, T>, (_,): (Resource<IoError>,)| Ok(("the operation failed".to_owned(),)),
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

impl IsTerminal for CallLog {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for CallLog {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

/// A full log accepts further bytes and drops them, so that a guest does not fail because it prints too much.
impl OutputStream for CallLog {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        CallLog::write(self, &bytes);
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
impl Pollable for CallLog {
    async fn ready(&mut self) {}
}

impl AsyncWrite for CallLog {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        CallLog::write(&self, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
