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

/// `($1, $2), ($3, $4)` for two rows of two columns; `(?, ?), (?, ?)` for SQLite.
///
/// To SQLite `$1` is a name, which it looks up in a list of all names before, once to parse and once
/// to bind: some thousand parameters took a hundred times as long as without names.
fn placeholders(rows: usize, columns: usize, are_named: bool) -> String {
    let mut text = String::with_capacity(rows * columns * 6);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            text.push_str(if column == 0 { "" } else { ", " });
            if are_named {
                // Writing into a string does not fail.
                let _ = write!(text, "${}", row * columns + column + 1);
            } else {
                text.push('?');
            }
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
    fn statement(&self, connection: &AnyConnection, rows: usize) -> AssertSqlSafe<String> {
        let are_named = connection.backend_name() != "SQLite";
        let values = placeholders(rows, self.columns, are_named);
        AssertSqlSafe(format!("{}{values}{}", self.before, self.after))
    }

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
            let statement = self.statement(connection, chunk.len());
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
            let statement = self.statement(connection, chunk.len());
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
        assert_eq!(super::placeholders(2, 3, true), "($1, $2, $3), ($4, $5, $6)");
        assert_eq!(super::placeholders(2, 3, false), "(?, ?, ?), (?, ?, ?)");
    }
}
