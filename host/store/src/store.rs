use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::migrate;

/// Timeout for a lock that another process holds on the file, for example a backup.
const BUSY: Duration = Duration::from_secs(5);
/// Capacity of the cache of prepared statements.
const STATEMENTS: usize = 64;

/// One agent's database.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database and migrates an older format. If there is none, creates one that only its user can
    /// read.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create(path).map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).map_err(StoreError::from);
        opened.and_then(Self::prepare).map_err(|error| match error {
            StoreError::Sql(source) => StoreError::Open { path: path.to_owned(), source },
            other => other,
        })
    }

    /// Opens a database in memory, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        migrate::check_version(&connection)?;
        configure(&connection)?;
        migrate::run(&mut connection)?;
        Ok(Self { connection })
    }

    /// Runs `f` in a transaction. Commits if `f` succeeds and rolls back if it fails.
    pub fn write<T, E: From<StoreError>>(&mut self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let tx = self.begin()?;
        let value = f(&tx)?;
        tx.commit()?;
        Ok(value)
    }

    /// Begins a transaction that is rolled back unless it is committed.
    pub fn begin(&mut self) -> Result<Tx<'_>, StoreError> {
        let inner = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Tx { inner })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

/// Creates the file with mode 0600. `SQLite` would create it with the umask's mode, and gives its side files the same
/// mode as the database.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// `synchronous = full`: with less, a power loss can roll the ratchet back, and a generation is used twice.
/// `secure_delete`: deleted keys and texts are overwritten in the file.
/// `recursive_triggers`: without it, REPLACE deletes audit rows without firing the trigger.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))
}

/// A transaction. Dropping it rolls it back.
pub struct Tx<'s> {
    inner: Transaction<'s>,
}

impl Tx<'_> {
    /// Returns once the changes are on disk.
    pub fn commit(self) -> Result<(), StoreError> {
        self.check_open()?;
        self.inner.commit()?;
        Ok(())
    }

    /// Runs `f` in a savepoint. If `f` fails, only its own changes are undone, so that one failed job does not undo
    /// the others of the transaction.
    pub fn savepoint<T, E: From<StoreError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        self.check_open()?;
        self.batch("SAVEPOINT job")?;
        let outcome = f(self);
        self.check_open()?;
        self.batch(if outcome.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
        outcome
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.inner
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(StoreError::from)
    }

    /// Fails if `SQLite` rolled the transaction back: from then on each statement would commit on its own, so no
    /// savepoint may begin.
    fn check_open(&self) -> Result<(), StoreError> {
        if self.inner.is_autocommit() { Err(StoreError::RolledBack) } else { Ok(()) }
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}

#[cfg(test)]
mod tests {
    use coworker_policy::{PeerId, Tier};

    use super::*;

    /// `SQLite` rolls back on its own when the disk is full.
    #[test]
    fn a_rollback_by_sqlite_is_reported() {
        let mut store = Store::in_memory().unwrap();
        let peer = PeerId::from_bytes([1; 32]);
        let tx = store.begin().unwrap();
        tx.set_tier(peer, Tier::Known, "", 0).unwrap();
        let lost: Result<(), StoreError> = tx.savepoint(|tx| tx.batch("ROLLBACK"));
        assert!(matches!(lost, Err(StoreError::RolledBack)), "{lost:?}");
        let next = tx.savepoint(|tx| tx.set_tier(peer, Tier::Known, "", 0));
        assert!(matches!(next, Err(StoreError::RolledBack)), "{next:?}");
        assert!(matches!(tx.commit(), Err(StoreError::RolledBack)));
        assert_eq!(store.write(|tx| tx.tier(peer)).unwrap(), Tier::Untrusted);
    }

    #[test]
    fn the_connection_is_set_up_to_be_durable() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("agent.db")).unwrap();
        let pragma = |name: &str| -> i64 {
            store.connection.pragma_query_value(None, name, |row| row.get(0)).unwrap()
        };
        assert_eq!(pragma("synchronous"), 2, "FULL");
        assert_eq!(pragma("foreign_keys"), 1);
        assert_eq!(pragma("trusted_schema"), 0);
        assert_eq!(pragma("secure_delete"), 1);
        let mode: String =
            store.connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).unwrap();
        assert_eq!(mode, "wal");
    }

    /// `REPLACE` is the only statement that could delete an audit row without firing a plain trigger.
    #[test]
    fn replacing_an_audit_row_is_refused() {
        let mut store = Store::in_memory().unwrap();
        let tx = store.begin().unwrap();
        let insert = "INSERT INTO audit (seq, at_ms, event, detail, hash)
                      VALUES (1, 0, 'call', '{}', zeroblob(32))";
        tx.batch(insert).unwrap();
        let error = tx.batch(&insert.replace("INSERT", "REPLACE")).unwrap_err();
        assert!(matches!(&error, StoreError::Sql(e) if e.to_string().contains("append-only")), "{error:?}");
    }
}
