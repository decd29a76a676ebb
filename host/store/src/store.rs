use std::fmt;
use std::fs::OpenOptions;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::error::StoreError;
use crate::migrate;

/// How long to wait for another process that reads the file, for example a backup.
const BUSY: Duration = Duration::from_secs(5);
const STATEMENTS: usize = 64;

/// One agent's database.
pub struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database, makes it (readable by its user only) if there is none, and brings an older
    /// format up to date.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        create(path).map_err(|source| StoreError::Create { path: path.to_owned(), source })?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let opened = Connection::open_with_flags(path, flags).map_err(StoreError::from);
        opened.and_then(Self::prepare).map_err(|error| match error {
            StoreError::Sql(source) => StoreError::Open { path: path.to_owned(), source },
            other => other,
        })
    }

    /// A database that ends with the process, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        Self::prepare(Connection::open_in_memory()?)
    }

    fn prepare(mut connection: Connection) -> Result<Self, StoreError> {
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        migrate::check_age(&connection)?;
        configure(&connection)?;
        migrate::run(&mut connection)?;
        Ok(Self { connection })
    }

    /// Runs `f` in one transaction: committed if it succeeds, rolled back if it does not.
    pub fn write<T, E: From<StoreError>>(&mut self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let tx = self.begin()?;
        let value = f(&tx)?;
        tx.commit()?;
        Ok(value)
    }

    /// A transaction that is rolled back unless it is committed.
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

/// `SQLite` gives its side files the mode of the database, and makes that with the umask's: so we make it.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// FULL: with less, a power loss rolls the ratchet back and a generation is used twice.
/// `secure_delete`: the keys and texts that were deleted are gone from the file, too.
/// `recursive_triggers`: otherwise REPLACE deletes audit rows without asking the trigger.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "recursive_triggers", true)?;
    connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(()))
}

/// One transaction. Dropping it rolls it back.
pub struct Tx<'s> {
    inner: Transaction<'s>,
}

impl Tx<'_> {
    /// Returns when the changes are on the disk.
    pub fn commit(self) -> Result<(), StoreError> {
        self.check_open()?;
        self.inner.commit()?;
        Ok(())
    }

    /// Runs `f` as a part that is undone alone if it fails, so that one bad job does not undo its neighbours.
    pub fn part<T, E: From<StoreError>>(&self, f: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        self.check_open()?;
        self.batch("SAVEPOINT part")?;
        let outcome = f(self);
        self.check_open()?;
        self.batch(if outcome.is_ok() { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" })?;
        outcome
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.inner
    }

    fn batch(&self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(StoreError::from)
    }

    /// After `SQLite` gave a transaction up, statements would commit one by one: a savepoint must not begin.
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

    /// What `SQLite` does by itself when the disk is full.
    #[test]
    fn a_transaction_that_was_given_up_is_noticed() {
        let mut store = Store::in_memory().unwrap();
        let peer = PeerId::from_bytes([1; 32]);
        let tx = store.begin().unwrap();
        tx.set_tier(peer, Tier::Known, "", 0).unwrap();
        let lost: Result<(), StoreError> = tx.part(|tx| tx.batch("ROLLBACK"));
        assert!(matches!(lost, Err(StoreError::RolledBack)), "{lost:?}");
        let next = tx.part(|tx| tx.set_tier(peer, Tier::Known, "", 0));
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

    /// `REPLACE` is the one statement that could delete an audit row unseen by a plain trigger.
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
