use rusqlite::{Connection, TransactionBehavior};

use crate::error::StoreError;
use crate::mls;

/// In order; the database's `user_version` counts how many of them it has seen. Never edit a released one.
const MIGRATIONS: [&str; 3] = [
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
];

const KNOWN: usize = MIGRATIONS.len();

/// Refuses a newer program's database before anything in it is touched.
pub(crate) fn check_age(connection: &Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > KNOWN { Err(StoreError::TooNew { found, known: KNOWN }) } else { Ok(()) }
}

pub(crate) fn run(connection: &mut Connection) -> Result<(), StoreError> {
    let done = version(connection)?;
    for (sql, number) in MIGRATIONS.iter().zip(1..).skip(done) {
        step(connection, sql, number).map_err(|e| StoreError::Migrate(e.into()))?;
    }
    mls::migrate(connection)
}

/// The version moves in the same transaction, so that a crash leaves a step done or not begun.
fn step(connection: &mut Connection, sql: &str, number: usize) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(sql)?;
    tx.pragma_update(None, "user_version", number)?;
    tx.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}
