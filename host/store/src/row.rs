use std::error::Error;
use std::str::FromStr;

use rusqlite::types::FromSql;
use rusqlite::{Params, Row};
use serde::de::DeserializeOwned;

use crate::error::StoreError;
use crate::store::Tx;

impl Tx<'_> {
    /// How many rows changed.
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

    /// Reads rows until `visit` answers false.
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

/// A row whose columns are read by name, with errors that say which one.
pub(crate) struct Cells<'r, 's>(&'r Row<'s>);

impl<'r, 's> Cells<'r, 's> {
    pub(crate) fn of(row: &'r Row<'s>) -> Self {
        Self(row)
    }
}

impl Cells<'_, '_> {
    pub(crate) fn get<T: FromSql>(&self, column: &'static str) -> Result<T, StoreError> {
        self.0.get(column).map_err(|e| corrupt(column, e))
    }

    pub(crate) fn parsed<T>(&self, column: &'static str) -> Result<T, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        parse(column, &self.get::<String>(column)?)
    }

    pub(crate) fn parsed_if_any<T>(&self, column: &'static str) -> Result<Option<T>, StoreError>
    where
        T: FromStr<Err: Error + Send + Sync + 'static>,
    {
        self.get::<Option<String>>(column)?.map(|text| parse(column, &text)).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, column: &'static str) -> Result<T, StoreError> {
        serde_json::from_str(&self.get::<String>(column)?).map_err(|e| corrupt(column, e))
    }
}

fn parse<T>(column: &'static str, text: &str) -> Result<T, StoreError>
where
    T: FromStr<Err: Error + Send + Sync + 'static>,
{
    text.parse().map_err(|e| corrupt(column, e))
}

fn corrupt(what: &'static str, error: impl Error + Send + Sync + 'static) -> StoreError {
    StoreError::Corrupt { what, source: error.into() }
}

/// `SQLite` has no unsigned integers, and a peer can name any number up to `u64::MAX`: what does not fit
/// means "as much as can be", never an error.
pub(crate) fn saturated(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}

pub(crate) fn list(texts: &[String]) -> String {
    serde_json::Value::from(texts).to_string()
}
