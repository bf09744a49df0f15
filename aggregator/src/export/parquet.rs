//! Apache Parquet, by its low-level writer of columns.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::Type;

use super::RowWriter;
use super::columns::{COLUMNS, Cell, Column, Kind};
use super::row::Row;

/// Rows that are held back and then written together: a row group.
const GROUP: usize = 65_536;

/// Writes rows as Parquet: the columns of [`super::COLUMNS`] with types, compressed by
/// zstd. Counts above 2⁶³ − 1 become that.
pub struct ParquetWriter<W: Write + Send> {
    file: SerializedFileWriter<W>,
    /// The cells of each column.
    held: Vec<Vec<Cell>>,
}

impl<W: Write + Send> ParquetWriter<W> {
    /// Writes the head of the file.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn new(to: W) -> io::Result<Self> {
        let fields = COLUMNS.iter().map(field).collect::<Result<Vec<_>, _>>().map_err(error)?;
        let schema = Type::group_type_builder("row").with_fields(fields).build().map_err(error)?;
        let properties = WriterProperties::builder().set_created_by("vantage".to_owned());
        let properties =
            properties.set_compression(Compression::ZSTD(ZstdLevel::default())).build();
        let file = SerializedFileWriter::new(to, Arc::new(schema), Arc::new(properties));
        Ok(Self { file: file.map_err(error)?, held: vec![Vec::new(); COLUMNS.len()] })
    }

    fn write_group(&mut self) -> Result<(), ParquetError> {
        let mut group = self.file.next_row_group()?;
        for (column, cells) in COLUMNS.iter().zip(&mut self.held) {
            // There are as many columns in the schema as here: it is made from them.
            let Some(to) = group.next_column()? else { break };
            write_column(column, to, cells)?;
            cells.clear();
        }
        group.close()?;
        Ok(())
    }
}

impl<W: Write + Send> RowWriter for ParquetWriter<W> {
    fn write(&mut self, row: &Row) -> io::Result<()> {
        for (held, cell) in self.held.iter_mut().zip(row.cells()) {
            held.push(cell);
        }
        if self.held[0].len() == GROUP { self.write_group().map_err(error) } else { Ok(()) }
    }

    fn finish(mut self: Box<Self>) -> io::Result<()> {
        if !self.held[0].is_empty() {
            self.write_group().map_err(error)?;
        }
        let mut to = self.file.into_inner().map_err(error)?;
        to.flush()
    }
}

fn field(column: &Column) -> Result<Arc<Type>, ParquetError> {
    let (physical, logical) = match column.kind {
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        Kind::Flag => (Physical::BOOLEAN, None),
        Kind::Count => (Physical::INT64, None),
        Kind::Number => (Physical::DOUBLE, None),
        Kind::Time => {
            let unit = TimeUnit::MICROS;
            (Physical::INT64, Some(LogicalType::timestamp(true, unit)))
        }
    };
    let repetition = if column.optional { Repetition::OPTIONAL } else { Repetition::REQUIRED };
    Type::primitive_type_builder(column.name, physical)
        .with_logical_type(logical)
        .with_repetition(repetition)
        .build()
        .map(Arc::new)
}

fn write_column(
    column: &Column,
    mut to: SerializedColumnWriter<'_>,
    cells: &[Cell],
) -> Result<(), ParquetError> {
    let present: Vec<i16> = cells.iter().map(|cell| i16::from(*cell != Cell::Absent)).collect();
    let present = column.optional.then_some(present.as_slice());
    let cells = cells.iter();
    match column.kind {
        Kind::Text => write_values::<ByteArrayType>(&mut to, cells.filter_map(text), present)?,
        Kind::Flag => write_values::<BoolType>(&mut to, cells.filter_map(flag), present)?,
        Kind::Number => write_values::<DoubleType>(&mut to, cells.filter_map(number), present)?,
        Kind::Count | Kind::Time => {
            write_values::<Int64Type>(&mut to, cells.filter_map(whole), present)?;
        }
    }
    to.close()
}

fn write_values<T: DataType>(
    to: &mut SerializedColumnWriter<'_>,
    values: impl Iterator<Item = T::T>,
    present: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let values: Vec<T::T> = values.collect();
    to.typed::<T>().write_batch(&values, present, None)?;
    Ok(())
}

fn text(cell: &Cell) -> Option<ByteArray> {
    if let Cell::Text(text) = cell { Some(text.as_str().into()) } else { None }
}

fn flag(cell: &Cell) -> Option<bool> {
    if let Cell::Flag(flag) = cell { Some(*flag) } else { None }
}

fn number(cell: &Cell) -> Option<f64> {
    if let Cell::Number(number) = cell { Some(*number) } else { None }
}

fn whole(cell: &Cell) -> Option<i64> {
    match cell {
        Cell::Count(count) => Some(i64::try_from(*count).unwrap_or(i64::MAX)),
        Cell::Time(time) => Some(time.as_microsecond()),
        _ => None,
    }
}

fn error(error: ParquetError) -> io::Error {
    match error {
        ParquetError::External(source) => io::Error::other(source),
        other => io::Error::other(other),
    }
}
