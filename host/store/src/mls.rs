use openmls_sqlite_storage::{Codec, SqliteStorageProvider};
use rusqlite::Connection;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::store::Tx;

/// The storage of openmls inside a [`Tx`].
pub type MlsStorage<'a> = SqliteStorageProvider<Json, &'a Connection>;

/// Encodes openmls's values as JSON: its types cannot be decoded from formats that are not self-describing.
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
    /// After an error or a rollback, groups that were loaded through this must be dropped and loaded again: their
    /// rows were rolled back, but their state in memory was not.
    pub fn mls(&self) -> MlsStorage<'_> {
        SqliteStorageProvider::new(self.connection())
    }
}

pub(crate) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    SqliteStorageProvider::<Json, _>::new(connection)
        .run_migrations()
        .map_err(|e| StoreError::Migrate(e.into()))
}
