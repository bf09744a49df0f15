//! `vantage export`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::builder::PossibleValuesParser;

use super::CommandError;
use super::asking::Asked;
use super::export_influx;
use crate::answers::{Rows, RowsQuery};
use crate::export::Format;

/// Writes what was measured for other tools: one row for each phase of each probe and hour or day.
///
/// csv and jsonl have quantiles and failures, hlog has the latencies in full, for the tools of
/// HdrHistogram.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    to: Option<To>,
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

/// Where to write instead.
#[derive(Debug, clap::Subcommand)]
enum To {
    Influx(export_influx::Arguments),
}

fn formats() -> PossibleValuesParser {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.name()))
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { to, query, format, output, asked } = arguments;
    if let Some(To::Influx(arguments)) = to {
        return export_influx::execute(arguments).await;
    }
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
    let local = asked.open().await?;
    let prepared = Rows::of(&local.store, &local.catalogue, &query, local.now).await;
    let written = match prepared {
        Ok(mut rows) => write(&mut rows, format, to, output.is_some()).await,
        Err(error) => Err(error.into()),
    };
    local.store.close().await;
    written
}

async fn write(
    rows: &mut Rows,
    format: Format,
    to: Box<dyn Write + Send>,
    is_file: bool,
) -> Result<(), CommandError> {
    let mut writer = format.writer(BufWriter::new(to), rows.begin())?;
    let mut count = 0_u64;
    let progress = is_file && io::stderr().is_terminal();
    while let Some(portion) = rows.next().await? {
        for row in &portion {
            writer.write(row)?;
        }
        count += portion.len() as u64;
        if progress {
            eprint!("\r{count} rows");
        }
    }
    writer.finish()?;
    if progress {
        eprintln!("\r{count} rows");
    }
    if count == 0 {
        let message = "not enough data: nothing was measured in that time";
        return Err(CommandError::NotEnoughData(anyhow::anyhow!(message)));
    }
    Ok(())
}
