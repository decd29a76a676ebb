//! `wasi:keyvalue/store`: a component's state between calls.
//!
//! A guest names one of two buckets, `skill` or `caller`; the host decides whose they are. A call sees its own
//! writes at once. They stay pending until the call has succeeded and are committed together with its result,
//! so other calls never see the writes of a call that fails. Concurrent calls do not see each other's pending
//! writes, and if two write the same key, the one that ends later wins. Each call checks the quota on its own,
//! so concurrent calls can exceed it together, once: then nothing can grow until something is deleted.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use coworker_policy::gate::Pseudonym;
use coworker_policy::{Capability, StateAccess};
use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use crate::access::Access;
use crate::bindings::keyvalue::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse, add_to_linker};
use crate::host_context::{Bucket, StateReadError, StateSize, StateStore};
use crate::outcome::StateWrite;

/// Longest key and value, in bytes.
const KEY: usize = 256;
const VALUE: usize = 64 * 1024;
/// Bytes that each key counts besides its own and its value's, so that the quota also bounds the number of keys.
const ENTRY: u64 = 64;
/// Keys on one page of a list.
const PAGE: usize = 256;
/// Pages that one call may ask for, because the host keeps the last key of each.
const PAGES: usize = 1024;

/// One call's view of the state: the committed values and its own pending writes.
pub(crate) struct StateView {
    store: Arc<dyn StateStore>,
    /// Of each bucket, in bytes.
    quota: u64,
    shared: PendingWrites,
    own: PendingWrites,
    /// The last key of every page given out. A guest's cursor is an index into it, never a key to trust.
    pages: Vec<String>,
}

/// The writes of one call to one bucket.
#[derive(Default)]
struct PendingWrites {
    /// The size of the bucket once they are committed; unknown before the first write.
    size: Option<u64>,
    writes: BTreeMap<String, Write>,
}

struct Write {
    /// `None` deletes the key.
    value: Option<Vec<u8>>,
    /// The size of the committed entry under the same key.
    replaces: u64,
}

impl StateView {
    pub(crate) fn new(store: Arc<dyn StateStore>, quota: usize) -> Self {
        let quota = u64::try_from(quota).unwrap_or(u64::MAX);
        let (shared, own) = (PendingWrites::default(), PendingWrites::default());
        Self { store, quota, shared, own, pages: Vec::new() }
    }

    /// Takes the pending writes out.
    pub(crate) fn take_writes(&mut self, caller: Option<Pseudonym>) -> Vec<StateWrite> {
        let buckets = [(Some(Bucket::Skill), &mut self.shared), (caller.map(Bucket::Caller), &mut self.own)];
        let writes = buckets.into_iter().filter_map(|(bucket, pending)| Some((bucket?, pending)));
        writes.flat_map(|(bucket, pending)| pending.take(bucket)).collect()
    }

    fn pending(&mut self, bucket: Bucket) -> &mut PendingWrites {
        match bucket {
            Bucket::Skill => &mut self.shared,
            Bucket::Caller(_) => &mut self.own,
        }
    }

    async fn value(&mut self, bucket: Bucket, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.pending(bucket).writes.get(key) {
            Some(write) => Ok(write.value.clone()),
            None => self.store.value(bucket, key).await.map_err(Error::from),
        }
    }

    async fn write(&mut self, bucket: Bucket, key: String, value: Option<Vec<u8>>) -> Result<(), Error> {
        let replaces = match self.pending(bucket).writes.get(&key) {
            Some(write) => write.replaces,
            None => cost(&key, self.store.value(bucket, &key).await?.as_ref()),
        };
        let size = match self.pending(bucket).size {
            Some(size) => size,
            None => counted(self.store.size(bucket).await?),
        };
        let quota = self.quota;
        self.pending(bucket).put(key, Write { value, replaces }, size, quota)
    }

    /// Returns the page of keys after `last`: the next committed keys, without those that this call deleted and
    /// with those that it added among them.
    async fn page(&mut self, bucket: Bucket, last: Option<String>) -> Result<KeyResponse, Error> {
        let committed = self.store.keys(bucket, last.as_deref(), PAGE).await?;
        let full = committed.len() >= PAGE;
        let upto = committed.last().filter(|_| full).cloned();
        let mut keys = self.pending(bucket).merged(committed, last.as_ref(), upto.as_ref());
        let cut = keys.len() > PAGE;
        keys.truncate(PAGE);
        let end = if cut { keys.last().cloned() } else { upto };
        let cursor = end.map(|end| self.remember(end)).transpose()?;
        Ok(KeyResponse { keys, cursor })
    }

    fn remember(&mut self, end: String) -> Result<u64, Error> {
        if self.pages.len() >= PAGES {
            return Err(other("too many pages of keys in one call"));
        }
        self.pages.push(end);
        u64::try_from(self.pages.len()).map_err(|_| other("too many pages of keys in one call"))
    }

    fn last_of(&self, cursor: u64) -> Result<String, Error> {
        let index = usize::try_from(cursor).ok().and_then(|cursor| cursor.checked_sub(1));
        let last = index.and_then(|index| self.pages.get(index));
        last.cloned().ok_or_else(|| other("no such cursor"))
    }
}

impl PendingWrites {
    /// Replaces the key's entry. `size` is the bucket's, with the writes so far.
    fn put(&mut self, key: String, write: Write, size: u64, quota: u64) -> Result<(), Error> {
        let old = self.writes.get(&key).map_or(write.replaces, |old| cost(&key, old.value.as_ref()));
        let new = cost(&key, write.value.as_ref());
        let grown = size.saturating_sub(old).saturating_add(new);
        if new > old && grown > quota {
            return Err(other("the state is full"));
        }
        self.size = Some(grown);
        // A delete of a key that was never committed is not kept, so made-up keys take no memory.
        if write.value.is_none() && write.replaces == 0 {
            self.writes.remove(&key);
        } else {
            self.writes.insert(key, write);
        }
        Ok(())
    }

    /// Keys after `last` up to `upto`, in order.
    fn merged(&self, committed: Vec<String>, last: Option<&String>, upto: Option<&String>) -> Vec<String> {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let to = upto.map_or(Bound::Unbounded, Bound::Included);
        let mut keys = committed;
        keys.retain(|key| !self.writes.contains_key(key));
        let written = self.writes.range::<String, _>((from, to));
        keys.extend(written.filter(|(_, write)| write.value.is_some()).map(|(key, _)| key.clone()));
        keys.sort_unstable();
        keys
    }

    fn take(&mut self, bucket: Bucket) -> impl Iterator<Item = StateWrite> + use<> {
        let writes = std::mem::take(&mut self.writes).into_iter();
        writes.map(move |(key, write)| StateWrite { bucket, key, value: write.value })
    }
}

fn cost(key: &str, value: Option<&Vec<u8>>) -> u64 {
    let bytes = |value: &Vec<u8>| u64::try_from(key.len().saturating_add(value.len())).unwrap_or(u64::MAX);
    value.map_or(0, |value| bytes(value).saturating_add(ENTRY))
}

fn counted(size: StateSize) -> u64 {
    size.keys.saturating_mul(ENTRY).saturating_add(size.bytes)
}

fn other(text: &str) -> Error {
    Error::Other(text.to_owned())
}

impl From<StateReadError> for Error {
    fn from(error: StateReadError) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "a skill could not read its state");
        other("the state cannot be read now")
    }
}

fn check_key(key: &str) -> Result<(), Error> {
    if (1..=KEY).contains(&key.len()) { Ok(()) } else { Err(other("a key has 1 to 256 bytes")) }
}

/// The interface during one host call.
pub(crate) struct StateHost<'a> {
    pub(crate) access: &'a Access,
    pub(crate) state: &'a mut StateView,
    /// `None` while a component describes itself; then there is no bucket `caller`.
    pub(crate) caller: Option<Pseudonym>,
    pub(crate) table: &'a mut ResourceTable,
}

struct HasState;

impl HasData for HasState {
    type Data<'a> = StateHost<'a>;
}

pub(crate) fn link<T: Send + 'static>(
    linker: &mut Linker<T>,
    host: fn(&mut T) -> StateHost<'_>,
) -> wasmtime::Result<()> {
    add_to_linker::<T, HasState>(linker, host)
}

impl Host for StateHost<'_> {
    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Error> {
        let bucket = match identifier.as_str() {
            "skill" => Some(Bucket::Skill),
            "caller" => self.caller.map(Bucket::Caller),
            _ => return Err(Error::NoSuchStore),
        };
        let bucket = self.enter(bucket).await?;
        self.table.push(bucket).map_err(|_| other("too many things are open at once"))
    }
}

impl HostBucket for StateHost<'_> {
    async fn get(&mut self, bucket: Resource<Bucket>, key: String) -> Result<Option<Vec<u8>>, Error> {
        let bucket = self.enter_open(&bucket).await?;
        check_key(&key)?;
        self.state.value(bucket, &key).await
    }

    async fn set(&mut self, bucket: Resource<Bucket>, key: String, value: Vec<u8>) -> Result<(), Error> {
        let bucket = self.enter_open(&bucket).await?;
        check_key(&key)?;
        if value.len() > VALUE {
            return Err(other("a value has at most 65536 bytes"));
        }
        self.state.write(bucket, key, Some(value)).await
    }

    async fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> Result<(), Error> {
        let bucket = self.enter_open(&bucket).await?;
        check_key(&key)?;
        self.state.write(bucket, key, None).await
    }

    async fn exists(&mut self, bucket: Resource<Bucket>, key: String) -> Result<bool, Error> {
        let bucket = self.enter_open(&bucket).await?;
        check_key(&key)?;
        Ok(self.state.value(bucket, &key).await?.is_some())
    }

    async fn list_keys(
        &mut self,
        bucket: Resource<Bucket>,
        cursor: Option<u64>,
    ) -> Result<KeyResponse, Error> {
        let bucket = self.enter_open(&bucket).await?;
        let last = cursor.map(|cursor| self.state.last_of(cursor)).transpose()?;
        self.state.page(bucket, last).await
    }

    async fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl StateHost<'_> {
    async fn enter_open(&mut self, open: &Resource<Bucket>) -> Result<Bucket, Error> {
        let bucket = self.table.get(open).copied().ok();
        self.enter(bucket).await
    }

    /// Checks on every use that the grants open the bucket.
    async fn enter(&mut self, bucket: Option<Bucket>) -> Result<Bucket, Error> {
        let allowed = self.access.enter(Capability::State).await;
        match (bucket, self.access.grants.state()) {
            (Some(bucket), StateAccess::Both) if allowed => Ok(bucket),
            (Some(bucket @ Bucket::Caller(_)), StateAccess::Caller) if allowed => Ok(bucket),
            _ => {
                self.access.deny(Capability::State, "");
                Err(Error::AccessDenied)
            }
        }
    }
}
