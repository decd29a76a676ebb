use openmls_sqlite_storage::{Codec, SqliteStorageProvider};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::store::Tx;

/// openmls's storage inside one transaction of ours.
pub type MlsStorage<'a> = SqliteStorageProvider<Json, &'a Connection>;

/// How openmls's values become blobs: a self-describing format, because openmls's types do not load
/// from the compact ones.
#[derive(Debug, Default)]
pub struct Json;

impl Codec for Json {
    type Error = serde_json::Error;

    fn to_vec<T: Serialize>(value: &T) -> Result<Vec<u8>, Self::Error> {
        serde_json::to_vec(value)
    }

    fn from_slice<T: DeserializeOwned>(slice: &[u8]) -> Result<T, Self::Error> {
        serde_json::from_slice(slice)
    }
}

impl Tx<'_> {
    /// After an error or a rollback, groups loaded through this must be dropped and loaded again: the
    /// rows went back, their state in memory did not.
    pub fn mls(&self) -> MlsStorage<'_> {
        SqliteStorageProvider::new(self.connection())
    }
}

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    SqliteStorageProvider::<Json, _>::new(connection)
        .run_migrations()
        .map_err(|e| StoreError::Migrate(e.into()))
}
