use std::error::Error;
use std::str::FromStr;

use coworker_policy::GroupId;
use rusqlite::types::FromSql;
use rusqlite::{Params, Row, Statement};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::store::Tx;

impl Tx<'_> {
    /// Returns the number of changed rows.
    pub(crate) fn run(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        Ok(self.connection().prepare_cached(sql)?.execute(params)?)
    }

    pub(crate) fn all<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let mut values = Vec::new();
        self.each(sql, params, |cells| {
            values.push(read(cells)?);
            Ok(true)
        })?;
        Ok(values)
    }

    pub(crate) fn one<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl Fn(&Cells<'_, '_>) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        let mut value = None;
        self.each(sql, params, |cells| {
            value = Some(read(cells)?);
            Ok(false)
        })?;
        Ok(value)
    }

    /// Reads rows until `visit` returns false.
    pub(crate) fn each(
        &self,
        sql: &str,
        params: impl Params,
        mut visit: impl FnMut(&Cells<'_, '_>) -> Result<bool, StoreError>,
    ) -> Result<(), StoreError> {
        let mut statement = self.connection().prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            if !visit(&Cells::of(row))? {
                break;
            }
        }
        Ok(())
    }

    pub(crate) fn count(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        let count = self.one(sql, params, |c| c.get("count"))?;
        Ok(count.unwrap_or_default())
    }
}

/// A row whose columns are read by name, with errors that name the table and the column.
pub(crate) struct Cells<'r, 's>(&'r Row<'s>);

impl<'r, 's> Cells<'r, 's> {
    pub(crate) fn of(row: &'r Row<'s>) -> Self {
        Self(row)
    }
}

impl Cells<'_, '_> {
    pub(crate) fn get<T: FromSql>(&self, column: &str) -> Result<T, StoreError> {
        self.0.get(column).map_err(|error| self.corrupt(column, error))
    }

    pub(crate) fn group(&self, column: &str) -> Result<GroupId, StoreError> {
        self.get(column).map(GroupId::from_bytes)
    }

    pub(crate) fn group_if_any(&self, column: &str) -> Result<Option<GroupId>, StoreError> {
        Ok(self.get::<Option<_>>(column)?.map(GroupId::from_bytes))
    }

    pub(crate) fn parsed<T>(&self, column: &str) -> Result<T, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.parse(column, &self.get::<String>(column)?)
    }

    pub(crate) fn parsed_if_any<T>(&self, column: &str) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.get::<Option<String>>(column)?.map(|text| self.parse(column, &text)).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &str) -> Result<T, StoreError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|error| self.corrupt(column, error))
    }

    fn parse<T>(&self, column: &str, text: &str) -> Result<T, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        text.parse().map_err(|error| self.corrupt(column, error))
    }

    fn corrupt(&self, column: &str, error: impl Error + Send + Sync + 'static) -> StoreError {
        StoreError::Corrupt { place: self.place(column), source: error.into() }
    }

    /// Names a column as `table.column`, or alone if its query computed it.
    fn place(&self, column: &str) -> String {
        let statement: &Statement<'_> = self.0.as_ref();
        let columns = statement.columns_with_metadata();
        let origin = columns.iter().find(|found| found.name() == column);
        match origin.and_then(|found| found.table_name()) {
            Some(table) => format!("{table}.{column}"),
            None => column.to_owned(),
        }
    }
}

/// Converts a number for `SQLite`, which has no unsigned integers. A peer can choose any number up to `u64::MAX`, so
/// one that does not fit becomes the maximum instead of an error.
pub(crate) fn saturated(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(crate) fn list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
