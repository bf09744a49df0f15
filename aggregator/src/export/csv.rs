//! Comma-separated values (RFC 4180).

use std::borrow::Cow;
use std::io::{self, Write};

use super::RowWriter;
use super::columns::{COLUMNS, Cell};
use super::row::Row;

/// Writes rows as comma-separated values, under a line of names. Times are RFC 3339 in UTC; what is
/// absent is empty.
pub struct CsvWriter<W> {
    to: W,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the names.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn new(mut to: W) -> io::Result<Self> {
        let names = COLUMNS.map(|column| column.name);
        write!(to, "{}\r\n", names.join(","))?;
        Ok(Self { to })
    }
}

impl<W: Write> RowWriter for CsvWriter<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        let cells = row.cells().map(|cell| match cell {
            Cell::Text(text) => quoted(&text).into_owned(),
            Cell::Flag(flag) => flag.to_string(),
            Cell::Count(count) => count.to_string(),
            Cell::Number(number) => format!("{number:.3}"),
            Cell::Time(time) => time.to_string(),
            Cell::Absent => String::new(),
        });
        write!(self.to, "{}\r\n", cells.join(","))
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        self.to.flush()
    }
}

/// A field as RFC 4180 wants it: in quotes where it has a separator or a quote.
pub fn quoted(field: &str) -> Cow<'_, str> {
    if field.contains([',', '"', '\r', '\n']) {
        return format!("\"{}\"", field.replace('"', "\"\"")).into();
    }
    field.into()
}
