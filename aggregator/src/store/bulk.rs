//! Many rows in one statement: row by row is five to twenty times slower.

use std::fmt::Write as _;

use sqlx::any::AnyArguments;
use sqlx::{AnyConnection, AssertSqlSafe};

use super::error::StoreError;

/// The most rows in a statement.
const ROWS: usize = 500;
/// The most parameters in a statement; SQLite allows 32 766.
const PARAMETERS: usize = 32_000;

/// Collects the values of a row, in the order of the columns.
pub(super) struct Row<'a>(&'a mut AnyArguments);

impl Row<'_> {
    pub(super) fn add<'t, T>(&mut self, value: T) -> Result<&mut Self, StoreError>
    where
        T: sqlx::Encode<'t, sqlx::Any> + sqlx::Type<sqlx::Any>,
    {
        sqlx::Arguments::add(self.0, value).map_err(StoreError::Backend)?;
        Ok(self)
    }
}

/// `($1, $2), ($3, $4)` for two rows of two columns.
pub(super) fn placeholders(rows: usize, columns: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            let comma = if column == 0 { "" } else { ", " };
            // Writing into a string does not fail.
            let _ = write!(text, "{comma}${}", row * columns + column + 1);
        }
        text.push(')');
    }
    text
}

/// A statement about many rows: `before`, the placeholders of the rows, `after`.
pub(super) struct Bulk {
    pub(super) before: &'static str,
    pub(super) columns: usize,
    pub(super) after: &'static str,
}

impl Bulk {
    /// Executes the statement for all `items`, in their order, in as few statements as possible.
    /// `bind` adds the values of one item. Answers how many rows were changed.
    pub(super) async fn execute<T: Sync>(
        &self,
        connection: &mut AnyConnection,
        items: &[T],
        bind: impl Fn(&T, &mut Row<'_>) -> Result<(), StoreError> + Send + Sync,
    ) -> Result<u64, StoreError> {
        let mut changed = 0;
        for chunk in items.chunks(ROWS.min(PARAMETERS / self.columns)) {
            let arguments = arguments(chunk, &bind)?;
            let values = placeholders(chunk.len(), self.columns);
            let statement = AssertSqlSafe(format!("{}{values}{}", self.before, self.after));
            // Not kept prepared: every number of rows makes a statement of its own.
            let query = sqlx::query_with(statement, arguments).persistent(false);
            changed += query.execute(&mut *connection).await?.rows_affected();
        }
        Ok(changed)
    }

    /// As [`execute`](Self::execute), and answers the rows that the statement returns.
    pub(super) async fn fetch<T: Sync>(
        &self,
        connection: &mut AnyConnection,
        items: &[T],
        bind: impl Fn(&T, &mut Row<'_>) -> Result<(), StoreError> + Send + Sync,
    ) -> Result<Vec<sqlx::any::AnyRow>, StoreError> {
        let mut rows = Vec::with_capacity(items.len());
        for chunk in items.chunks(ROWS.min(PARAMETERS / self.columns)) {
            let arguments = arguments(chunk, &bind)?;
            let values = placeholders(chunk.len(), self.columns);
            let statement = AssertSqlSafe(format!("{}{values}{}", self.before, self.after));
            let query = sqlx::query_with(statement, arguments).persistent(false);
            rows.extend(query.fetch_all(&mut *connection).await?);
        }
        Ok(rows)
    }
}

fn arguments<T>(
    chunk: &[T],
    bind: impl Fn(&T, &mut Row<'_>) -> Result<(), StoreError>,
) -> Result<AnyArguments, StoreError> {
    let mut arguments = AnyArguments::default();
    for item in chunk {
        bind(item, &mut Row(&mut arguments))?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_count_on_from_row_to_row() {
        assert_eq!(super::placeholders(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}
