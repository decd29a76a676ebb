//! `wasi:keyvalue/store`: what a component remembers between calls.
//!
//! A guest names one of two buckets and nothing else: which component's, and which caller's, is decided by
//! the host. It sees what it wrote itself at once. Everybody else sees it when the call has succeeded: until
//! then its writes are a draft that lives and dies with the call, and they are committed together with its
//! result. Calls that run at the same time do not see each other's drafts; of two that write the same key,
//! the one that ends later counts. Each looks at the quota for itself, so calls that run at the same time
//! can go over it together, once: then nothing can grow until something was deleted.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use coworker_policy::{Capability, StateAccess};
use wasmtime::component::{HasSelf, Linker, Resource};

use crate::bindings::keyvalue::wasi::keyvalue::store::{Error, Host, HostBucket, KeyResponse, add_to_linker};
use crate::guest::Guest;
use crate::host_context::{Bucket, StateReadError, StateSize, StateStore};
use crate::outcome::StateWrite;

/// Longest key and value, in bytes.
const KEY: usize = 256;
const VALUE: usize = 64 * 1024;
/// Bytes that every key counts for beside its own and its value's, so that the quota bounds their number, too.
const ENTRY: u64 = 64;
/// Keys per page of a list.
const PAGE: usize = 256;
/// Pages that one call may ask for: the host keeps where each of them ended.
const PAGES: usize = 1024;

pub(crate) struct StateCall {
    store: Arc<dyn StateStore>,
    /// Of each bucket, in bytes.
    quota: u64,
    shared: Draft,
    own: Draft,
    /// The last key of every page given out. A guest's cursor is a position in here, never data to trust.
    pages: Vec<String>,
}

/// What this call wrote to one bucket.
#[derive(Default)]
struct Draft {
    /// What the bucket would count if the draft were committed; not known before the first write.
    size: Option<u64>,
    writes: BTreeMap<String, Write>,
}

struct Write {
    /// None deletes the key.
    value: Option<Vec<u8>>,
    /// What the committed value under the same key counts.
    replaces: u64,
}

pub(crate) fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)
}

impl StateCall {
    pub(crate) fn new(store: Arc<dyn StateStore>, quota: usize) -> Self {
        let quota = u64::try_from(quota).unwrap_or(u64::MAX);
        Self { store, quota, shared: Draft::default(), own: Draft::default(), pages: Vec::new() }
    }

    /// Takes out what the call wrote. `own` is the bucket of its caller.
    pub(crate) fn take_writes(&mut self, own: Option<Bucket>) -> Vec<StateWrite> {
        let drafts = [(Some(Bucket::Skill), &mut self.shared), (own, &mut self.own)];
        let writes = drafts.into_iter().filter_map(|(bucket, draft)| Some((bucket?, draft)));
        writes.flat_map(|(bucket, draft)| draft.take(bucket)).collect()
    }

    fn draft(&mut self, bucket: Bucket) -> &mut Draft {
        match bucket {
            Bucket::Skill => &mut self.shared,
            Bucket::Caller(_) => &mut self.own,
        }
    }

    async fn value(&mut self, bucket: Bucket, key: &str) -> Result<Option<Vec<u8>>, Error> {
        match self.draft(bucket).writes.get(key) {
            Some(write) => Ok(write.value.clone()),
            None => self.store.value(bucket, key).await.map_err(Error::from),
        }
    }

    async fn write(&mut self, bucket: Bucket, key: String, value: Option<Vec<u8>>) -> Result<(), Error> {
        let replaces = match self.draft(bucket).writes.get(&key) {
            Some(write) => write.replaces,
            None => cost(&key, self.store.value(bucket, &key).await?.as_ref()),
        };
        let size = match self.draft(bucket).size {
            Some(size) => size,
            None => counted(self.store.size(bucket).await?),
        };
        let quota = self.quota;
        self.draft(bucket).put(key, Write { value, replaces }, size, quota)
    }

    /// The page after `last`: committed keys up to some key, without those that this call deleted and with
    /// those that it added up to there.
    async fn page(&mut self, bucket: Bucket, last: Option<String>) -> Result<KeyResponse, Error> {
        let committed = self.store.keys(bucket, last.as_deref(), PAGE).await?;
        let full = committed.len() >= PAGE;
        let upto = committed.last().filter(|_| full).cloned();
        let mut keys = self.draft(bucket).merged(committed, last.as_ref(), upto.as_ref());
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

impl Draft {
    /// `size` is the bucket's as this call sees it, and the key's share in it is replaced.
    fn put(&mut self, key: String, write: Write, size: u64, quota: u64) -> Result<(), Error> {
        let old = self.writes.get(&key).map_or(write.replaces, |old| cost(&key, old.value.as_ref()));
        let new = cost(&key, write.value.as_ref());
        let grown = size.saturating_sub(old).saturating_add(new);
        if new > old && grown > quota {
            return Err(other("the state is full"));
        }
        self.size = Some(grown);
        // Deleting what is not there leaves nothing behind, however many keys a guest makes up.
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

impl Host for Guest {
    async fn open(&mut self, identifier: String) -> Result<Resource<Bucket>, Error> {
        let bucket = match identifier.as_str() {
            "skill" => Some(Bucket::Skill),
            "caller" => self.own_bucket(),
            _ => return Err(Error::NoSuchStore),
        };
        let bucket = self.enter_bucket(bucket).await?;
        self.wasi.table.push(bucket).map_err(|_| other("too many things are open at once"))
    }
}

impl HostBucket for Guest {
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
        self.wasi.table.delete(bucket)?;
        Ok(())
    }
}

impl Guest {
    /// The bucket of whom this call is for; nobody has none.
    pub(crate) fn own_bucket(&self) -> Option<Bucket> {
        self.call.caller.map(Bucket::Caller)
    }

    async fn enter_open(&mut self, open: &Resource<Bucket>) -> Result<Bucket, Error> {
        let bucket = self.wasi.table.get(open).copied().ok();
        self.enter_bucket(bucket).await
    }

    async fn enter_bucket(&mut self, bucket: Option<Bucket>) -> Result<Bucket, Error> {
        let allowed = self.enter(Capability::State).await;
        match (bucket, self.grants.state()) {
            (Some(bucket), StateAccess::Both) if allowed => Ok(bucket),
            (Some(bucket @ Bucket::Caller(_)), StateAccess::Caller) if allowed => Ok(bucket),
            _ => {
                self.deny(Capability::State, "");
                Err(Error::AccessDenied)
            }
        }
    }
}
