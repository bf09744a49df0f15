//! `vantage export`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;
use jiff::Timestamp;

use super::CommandError;
use super::asking::Asked;
use super::remote_rows::RemoteRows;
use crate::answers::{Parameters, Rows, RowsQuery};
use crate::export::{Format, Row};
use crate::store::Store;

/// Rows from one sign of progress to the next.
const ROWS_BETWEEN_PROGRESS: u64 = 1_000;

/// Writes what was measured for other tools: one row for each phase of each probe and hour or day.
///
/// csv and jsonl have quantiles and failures, hlog has the latencies in full, for the tools of
/// HdrHistogram.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    query: RowsQuery,
    /// How to write.
    #[arg(long, value_name = "FORMAT", default_value = "csv", value_parser = formats())]
    format: String,
    /// The file to write. [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    asked: Asked,
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.name()))
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { query, format, output, asked } = arguments;
    let known = Format::ALL.iter().find(|known| known.name() == format).copied();
    let format = known.unwrap_or(Format::Csv);
    // Before the work, so that it is not done in vain.
    let to: Box<dyn Write + Send> = match &output {
        None => Box::new(io::stdout()),
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{}", path.display()));
            Box::new(file.map_err(CommandError::Usage)?)
        }
    };
    let mut source = Source::of(&asked, &query).await?;
    let written = write(&mut source, format, to, output.is_some()).await;
    source.close().await;
    let count = written.map_err(|error| {
        let to = output
            .map_or_else(|| "standard output".into(), |path| path.to_string_lossy().into_owned());
        error.context(format!("what was written to {to} is not complete"))
    })?;
    if count == 0 {
        let message = "not enough data: nothing was measured in that time";
        return Err(CommandError::NotEnoughData(anyhow::anyhow!(message)));
    }
    Ok(())
}

/// Where rows come from.
enum Source {
    /// The store on this machine.
    Local(Box<Rows>, Store),
    /// An aggregator.
    Remote(Box<RemoteRows>),
}

impl Source {
    async fn of(asked: &Asked, query: &RowsQuery) -> Result<Self, CommandError> {
        if let Some(url) = asked.url() {
            let mut parameters = Parameters::default();
            query.put_into(&mut parameters);
            return Ok(Self::Remote(Box::new(RemoteRows::of(url, &parameters).await?)));
        }
        let local = asked.open().await?;
        match Rows::of(&local.store, &local.catalogue, query, local.now).await {
            Ok(rows) => Ok(Self::Local(Box::new(rows), local.store)),
            Err(error) => {
                local.store.close().await;
                Err(error.into())
            }
        }
    }

    fn begin(&self) -> Timestamp {
        match self {
            Self::Local(rows, _) => rows.begin(),
            Self::Remote(rows) => rows.begin(),
        }
    }

    /// The next rows, possibly none; `None` after the last.
    async fn next(&mut self) -> Result<Option<Vec<Row>>, CommandError> {
        match self {
            Self::Local(rows, _) => Ok(rows.next().await?),
            Self::Remote(rows) => Ok(rows.next().await?.map(|row| vec![row])),
        }
    }

    async fn close(self) {
        if let Self::Local(_, store) = self {
            store.close().await;
        }
    }
}

/// Writes all rows; returns how many there were.
async fn write(
    source: &mut Source,
    format: Format,
    to: Box<dyn Write + Send>,
    is_file: bool,
) -> Result<u64, CommandError> {
    let mut writer = format.writer(BufWriter::new(to), source.begin())?;
    let (mut count, mut told) = (0_u64, 0);
    let progress = is_file && io::stderr().is_terminal();
    while let Some(portion) = source.next().await? {
        for row in &portion {
            writer.write(row)?;
        }
        count += portion.len() as u64;
        if progress && count - told >= ROWS_BETWEEN_PROGRESS {
            told = count;
            eprint!("\r{count} rows");
        }
    }
    writer.finish()?;
    if progress {
        eprintln!("\r{count} rows");
    }
    Ok(count)
}
