//! `wasi:filesystem`: wasmtime-wasi does the work. A write that it refuses in a read-only folder is noted for
//! the owner. All versions of the interface end here.

use std::collections::HashMap;
use std::sync::Arc;

use coworker_policy::{Capability, FileRule};
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::WasiView;
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry,
    DirectoryEntryStream, ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream,
    MetadataHashValue, NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, IoError};

use super::mount::Mount;
use crate::access::Access;

type Fd = Resource<Descriptor>;
type Entries = Resource<DirectoryEntryStream>;

/// The grant that would allow a refused write.
type Missing = Arc<str>;

/// The call's folders, and its open files in read-only ones.
#[derive(Default)]
pub(crate) struct Folders {
    /// In the order of the guest's folders. `None` if the folder may be written or no grant could allow it.
    missing: Vec<Option<Missing>>,
    /// By the number of the resource, which bounds their count.
    open: HashMap<u32, Missing>,
}

impl Folders {
    pub(crate) fn new(mounts: &[Mount]) -> Self {
        let missing = |mount: &Mount| mount.rule.as_ref().filter(|rule| !rule.writes()).map(missing);
        Self { missing: mounts.iter().map(missing).collect(), open: HashMap::new() }
    }

    fn opened(&mut self, fd: &Fd, missing: Option<Missing>) {
        if let Some(missing) = missing {
            self.open.insert(fd.rep(), missing);
        }
    }
}

fn missing(rule: &FileRule) -> Missing {
    format!("write {}", rule.path().display()).into()
}

/// The interface during one host call.
pub(crate) struct FilesHost<'a> {
    pub(crate) filesystem: WasiFilesystemCtxView<'a>,
    pub(crate) folders: &'a mut Folders,
    pub(crate) access: &'a Access,
}

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = FilesHost<'a>;
}

/// Replaces the linked interface of wasmtime-wasi by the watched one.
pub(crate) fn link<T: WasiView + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> FilesHost<'_>,
) -> wasmtime::Result<()> {
    preopens::add_to_linker::<T, HasFiles>(linker, host)?;
    types::add_to_linker::<T, HasFiles>(linker, host)
}

impl FilesHost<'_> {
    /// Notes a refused write to a read-only folder. The guest gets the error unchanged.
    fn watch<T>(&self, at: &[u32], answer: FsResult<T>) -> FsResult<T> {
        let refused = answer.as_ref().err().and_then(FsError::downcast_ref);
        if matches!(refused, Some(ErrorCode::NotPermitted)) {
            at.iter()
                .filter_map(|at| self.folders.open.get(at))
                .for_each(|missing| self.access.deny(Capability::Files, missing));
        }
        answer
    }
}

macro_rules! forwarded {
    ($($name:ident($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        async fn $name(&mut self, $($arg: $type),*) -> $answer {
            self.filesystem.$name($($arg),*).await
        }
    )*};
}

/// The brackets list the descriptors whose folder must be writable.
macro_rules! watched {
    ($($name:ident[$($at:ident),*]($($arg:ident: $type:ty),*) -> $answer:ty;)*) => {$(
        async fn $name(&mut self, $($arg: $type),*) -> $answer {
            let at = [$($at.rep()),*];
            let answer = self.filesystem.$name($($arg),*).await;
            self.watch(&at, answer)
        }
    )*};
}

impl preopens::Host for FilesHost<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let directories = preopens::Host::get_directories(&mut self.filesystem)?;
        for ((fd, _), missing) in directories.iter().zip(self.folders.missing.clone()) {
            self.folders.opened(fd, missing);
        }
        Ok(directories)
    }
}

impl Host for FilesHost<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.filesystem.convert_error_code(error)
    }

    fn filesystem_error_code(&mut self, error: Resource<IoError>) -> wasmtime::Result<Option<ErrorCode>> {
        self.filesystem.filesystem_error_code(error)
    }
}

impl HostDescriptor for FilesHost<'_> {
    forwarded! {
        advise(fd: Fd, offset: Filesize, len: Filesize, advice: Advice) -> FsResult<()>;
        sync_data(fd: Fd) -> FsResult<()>;
        sync(fd: Fd) -> FsResult<()>;
        get_flags(fd: Fd) -> FsResult<DescriptorFlags>;
        get_type(fd: Fd) -> FsResult<DescriptorType>;
        read(fd: Fd, len: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)>;
        read_directory(fd: Fd) -> FsResult<Entries>;
        readlink_at(fd: Fd, path: String) -> FsResult<String>;
        stat(fd: Fd) -> FsResult<DescriptorStat>;
        stat_at(fd: Fd, flags: PathFlags, path: String) -> FsResult<DescriptorStat>;
        is_same_object(a: Fd, b: Fd) -> wasmtime::Result<bool>;
        metadata_hash(fd: Fd) -> FsResult<MetadataHashValue>;
        metadata_hash_at(fd: Fd, flags: PathFlags, path: String) -> FsResult<MetadataHashValue>;
    }

    watched! {
        write[fd](fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize>;
        set_size[fd](fd: Fd, size: Filesize) -> FsResult<()>;
        set_times[fd](fd: Fd, access: NewTimestamp, modified: NewTimestamp) -> FsResult<()>;
        set_times_at[fd](
            fd: Fd, flags: PathFlags, path: String, access: NewTimestamp, modified: NewTimestamp
        ) -> FsResult<()>;
        create_directory_at[fd](fd: Fd, path: String) -> FsResult<()>;
        remove_directory_at[fd](fd: Fd, path: String) -> FsResult<()>;
        unlink_file_at[fd](fd: Fd, path: String) -> FsResult<()>;
        symlink_at[fd](fd: Fd, to: String, path: String) -> FsResult<()>;
        rename_at[fd, new](fd: Fd, path: String, new: Fd, new_path: String) -> FsResult<()>;
        link_at[fd, new](fd: Fd, flags: PathFlags, path: String, new: Fd, new_path: String) -> FsResult<()>;
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        follow: PathFlags,
        path: String,
        how: OpenFlags,
        access: DescriptorFlags,
    ) -> FsResult<Fd> {
        let at = fd.rep();
        let writes = how.intersects(OpenFlags::CREATE | OpenFlags::TRUNCATE)
            || access.contains(DescriptorFlags::WRITE);
        let answer = self.filesystem.open_at(fd, follow, path, how, access).await;
        // A path that leads out of the folder gets the same error when it is read, and no grant allows it.
        let opened = if writes { self.watch(&[at], answer) } else { answer }?;
        self.folders.opened(&opened, self.folders.open.get(&at).cloned());
        Ok(opened)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        self.filesystem.read_via_stream(fd, offset)
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let at = fd.rep();
        let answer = self.filesystem.write_via_stream(fd, offset);
        self.watch(&[at], answer)
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let at = fd.rep();
        let answer = self.filesystem.append_via_stream(fd);
        self.watch(&[at], answer)
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        // The number may be used again for a file in another folder.
        self.folders.open.remove(&fd.rep());
        HostDescriptor::drop(&mut self.filesystem, fd)
    }
}

impl HostDirectoryEntryStream for FilesHost<'_> {
    async fn read_directory_entry(&mut self, entries: Entries) -> FsResult<Option<DirectoryEntry>> {
        self.filesystem.read_directory_entry(entries).await
    }

    fn drop(&mut self, entries: Entries) -> wasmtime::Result<()> {
        HostDirectoryEntryStream::drop(&mut self.filesystem, entries)
    }
}
