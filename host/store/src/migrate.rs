use rusqlite::{Connection, TransactionBehavior};

use crate::audit;
use crate::error::StoreError;
use crate::mls;

/// In order. The database's `user_version` is the number of migrations that were applied. Never edit the statements
/// of a released migration.
const MIGRATIONS: [Migration; 12] = [
    Migration { sql: include_str!("migrations/0001.sql"), then: None },
    Migration { sql: include_str!("migrations/0002.sql"), then: None },
    Migration { sql: include_str!("migrations/0003.sql"), then: None },
    Migration { sql: include_str!("migrations/0004.sql"), then: Some(chain_the_audit_log) },
    Migration { sql: include_str!("migrations/0005.sql"), then: None },
    Migration { sql: include_str!("migrations/0006.sql"), then: None },
    Migration { sql: include_str!("migrations/0007.sql"), then: None },
    Migration { sql: include_str!("migrations/0008.sql"), then: None },
    Migration { sql: include_str!("migrations/0009.sql"), then: None },
    Migration { sql: include_str!("migrations/0010.sql"), then: None },
    Migration { sql: include_str!("migrations/0011.sql"), then: None },
    Migration { sql: include_str!("migrations/0012.sql"), then: None },
];

type Then = fn(&Connection) -> Result<(), StoreError>;

/// `then` runs after `sql` in the same transaction, for changes that SQL cannot express.
struct Migration {
    sql: &'static str,
    then: Option<Then>,
}

fn chain_the_audit_log(connection: &Connection) -> Result<(), StoreError> {
    audit::fill(connection)?;
    Ok(connection.execute_batch("DROP TABLE audit_unchained")?)
}

const KNOWN: usize = MIGRATIONS.len();

/// Refuses a newer program's database before changing anything in it.
pub(crate) fn check_version(connection: &Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > KNOWN { Err(StoreError::TooNew { found, known: KNOWN }) } else { Ok(()) }
}

pub(crate) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let done = version(connection)?;
    for (migration, number) in MIGRATIONS.iter().zip(1..).skip(done) {
        step(connection, migration, number).map_err(|e| StoreError::Migrate(e.into()))?;
    }
    mls::migrate(connection)
}

/// Raises the version in the same transaction, so that a crash leaves a migration either applied or not begun.
fn step(connection: &mut Connection, migration: &Migration, number: usize) -> Result<(), StoreError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(migration.sql)?;
    if let Some(then) = migration.then {
        then(&tx)?;
    }
    tx.pragma_update(None, "user_version", number)?;
    Ok(tx.commit()?)
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
