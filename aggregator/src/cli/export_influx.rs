//! `vantage export influx`.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::CommandError;
use super::location::StoreArguments;
use crate::answers::Moment;
use crate::catalogue::Catalogue;
use crate::clock::{SystemClock, WallClock};
use crate::config::{Config, InfluxConfig, USUAL_FILE};
use crate::export::influx::backfill::{Backfill, BackfillError, Progress, Sink, Summary};
use crate::export::influx::server::Server;
use crate::export::influx::writing::Writing;
use crate::random;
use crate::store::Location;

/// The catalogue that goes with the store where none is named.
const CATALOGUE: &str = "catalogue.toml";

/// Writes what is in the store to InfluxDB 2, or as its line protocol: the past, which `vantage serve`
/// with [influx] in its configuration does not write by itself.
///
/// One point for each minute and phase as long as windows are kept, one for each hour before that
/// (`window_s=3600`), and the rankings of that time. What InfluxDB has already is written again and
/// stays as it is. May run beside `vantage serve`. Where InfluxDB fails, it is tried again for about
/// five minutes.
///
/// Exit codes: 0 all is written, 1 InfluxDB refused points for good, 2 wrong arguments or files, 3 the
/// store or InfluxDB cannot be reached, 4 nothing was measured in that time.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The first date, 2026-03-01, which begins at midnight UTC, or an instant.
    #[arg(long, value_name = "TIME", required_unless_present = "off")]
    from: Option<Moment>,
    /// The end, not included: a date or an instant. [default: now]
    #[arg(long, value_name = "TIME")]
    to: Option<Moment>,
    /// The configuration of the aggregator, which names store, catalogue and InfluxDB. [default:
    /// ./aggregator.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// URL of InfluxDB.
    #[arg(long, value_name = "URL")]
    influx_url: Option<String>,
    /// Organisation, by name or id.
    #[arg(long, value_name = "NAME")]
    org: Option<String>,
    /// Bucket, by name or id.
    #[arg(long, value_name = "NAME")]
    bucket: Option<String>,
    /// File with the token.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Write the lines into this file instead.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write the lines to standard output instead.
    #[arg(long, conflicts_with = "output")]
    dry_run: bool,
    /// Switch the export of `vantage serve` off in the store: what it had still to write is forgotten.
    /// It is switched on again when `vantage serve` starts with [influx] in its configuration.
    #[arg(long, conflicts_with_all = ["from", "to", "output", "dry_run"])]
    off: bool,
    /// The catalogue that goes with the store.
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let config = match &arguments.config {
        Some(path) => load(path)?,
        None if Path::new(USUAL_FILE).exists() => load(Path::new(USUAL_FILE))?,
        None => Config::default(),
    };
    let usual = match &config.store {
        Some(url) => Location::Postgres(url.clone()),
        None => Location::Embedded(config.data.clone()),
    };
    let location = arguments.store.location_or(usual)?;
    if arguments.off {
        return switch_off(&location).await;
    }
    let clock: Arc<dyn WallClock> = Arc::new(SystemClock);
    let (from_unix_s, to_unix_s) = arguments.range(clock.now().unix_seconds_floor())?;
    let influx = arguments.influx(config.influx.clone().unwrap_or_default());
    let catalogue = arguments.load_catalogue(&config)?;
    // Before the work, so that it is not done in vain.
    let target = arguments.target(&influx)?;
    let store = StoreArguments::open_existing_at(&location).await?;
    let mut sink = match target {
        Target::Text(to) => Sink::Text { to, bounds: influx.pace().bounds },
        Target::Server(server) => {
            let failed = |error: random::NoRandomness| CommandError::Failed(error.into());
            let writer = random::bytes().map_err(failed)?;
            let (pace, stop) = (influx.pace(), CancellationToken::new());
            let writing = Writing::new(store.clone(), *server, writer, pace, clock, stop);
            let random = Box::new(random::generator().map_err(failed)?);
            Sink::Server { writing: Box::new(writing), random }
        }
    };
    let scores = influx.scores();
    let backfill = Backfill { store: store.clone(), catalogue, from_unix_s, to_unix_s, scores };
    let shows = io::stderr().is_terminal() && !arguments.dry_run;
    let written = backfill
        .run(&mut sink, |progress| {
            if shows {
                show(progress);
            }
        })
        .await;
    if shows {
        eprintln!();
    }
    store.close().await;
    summarise(&written?)
}

fn load(path: &Path) -> Result<Config, CommandError> {
    Config::load(path).map_err(|error| CommandError::Usage(error.into()))
}

fn usage(message: impl Into<String>) -> CommandError {
    CommandError::Usage(anyhow::anyhow!(message.into()))
}

async fn switch_off(location: &Location) -> Result<(), CommandError> {
    let store = StoreArguments::open_existing_at(location).await?;
    let is_on = store.influx_backlog().await;
    let off = store.switch_influx_off().await;
    store.close().await;
    let failed = |error: crate::store::StoreError| CommandError::Unreachable(error.into());
    match (is_on.map_err(failed)?, off.map_err(failed)?) {
        (None, _) => eprintln!("the export was not switched on"),
        (Some(_), notes) => eprintln!("the export is switched off; windows not written: {notes}"),
    }
    Ok(())
}

/// Where lines are to go.
enum Target {
    Text(Box<dyn Write + Send>),
    Server(Box<Server>),
}

impl Arguments {
    /// In seconds since the Unix epoch.
    fn range(&self, now_s: i64) -> Result<(i64, i64), CommandError> {
        let second = |moment: Moment| moment.instant(&TimeZone::UTC).as_second();
        let from = self.from.map(second).ok_or_else(|| usage("--from is needed"))?;
        let to = self.to.map_or(now_s, second);
        if from >= to {
            return Err(usage("the time from --from to --to is empty"));
        }
        Ok((from, to))
    }

    /// The settings of the file, as far as they are not said here.
    fn influx(&self, file: InfluxConfig) -> InfluxConfig {
        InfluxConfig {
            url: self.influx_url.clone().or(file.url),
            org: self.org.clone().or(file.org),
            bucket: self.bucket.clone().or(file.bucket),
            token_file: self.token_file.clone().or(file.token_file),
            ..file
        }
    }

    fn load_catalogue(&self, config: &Config) -> Result<Arc<Catalogue>, CommandError> {
        let named = self.catalogue.clone().or_else(|| config.catalogue.clone());
        let path = named.unwrap_or_else(|| PathBuf::from(CATALOGUE));
        if !path.exists() {
            let hint = "no such file; --catalogue names the catalogue that goes with the store";
            return Err(usage(format!("{}: {hint}", path.display())));
        }
        let loaded = Catalogue::load(&path);
        loaded
            .map(Arc::new)
            .map_err(|problems| usage(format!("{} has problems:\n{problems}", path.display())))
    }

    fn target(&self, influx: &InfluxConfig) -> Result<Target, CommandError> {
        if self.dry_run {
            return Ok(Target::Text(Box::new(BufWriter::new(io::stdout()))));
        }
        if let Some(path) = &self.output {
            let file = File::create(path).with_context(|| path.display().to_string());
            let file = file.map_err(CommandError::Usage)?;
            return Ok(Target::Text(Box::new(BufWriter::new(file))));
        }
        let settings = influx.server().map_err(|error| {
            let hint = "say where InfluxDB is by --influx-url, --org, --bucket and --token-file, or \
                        in [influx] of the configuration";
            usage(format!("{error}; {hint}"))
        })?;
        let server = Server::new(&settings).map_err(|error| CommandError::Usage(error.into()))?;
        Ok(Target::Server(Box::new(server)))
    }
}

fn show(progress: Progress) {
    let reached = Timestamp::from_second(progress.reached_unix_s).unwrap_or_default();
    eprint!("\r{} points, up to {reached}", progress.points);
}

/// Says what was written, on stderr: lines may have gone to stdout.
fn summarise(summary: &Summary) -> Result<(), CommandError> {
    let Summary { by_windows, by_hours, scores, delivered, faults } = summary;
    if *by_windows == 0 && *by_hours == 0 {
        let message = "not enough data: nothing was measured in that time";
        return Err(CommandError::NotEnoughData(anyhow::anyhow!(message)));
    }
    eprintln!("{} points written", delivered.written);
    eprintln!("{by_windows} hours of vantage points by their windows");
    if *by_hours > 0 {
        eprintln!("{by_hours} by the hour (window_s=3600): their windows are not kept any more");
    }
    eprintln!("{scores} rankings");
    for aside in &delivered.aside {
        eprintln!("{} points refused ({}): {}", aside.count, aside.reason, aside.saying);
        eprintln!("  the first: {}", aside.line);
    }
    if *faults > 0 {
        eprintln!("{faults} series do not add up and are left out");
    }
    let is_whole = delivered.aside.is_empty() && *faults == 0;
    if is_whole { Ok(()) } else { Err(CommandError::BadAnswer) }
}

impl From<BackfillError> for CommandError {
    fn from(error: BackfillError) -> Self {
        match error {
            BackfillError::Store(_) | BackfillError::Server(_) => Self::Unreachable(error.into()),
            BackfillError::Text(_) => Self::Failed(error.into()),
        }
    }
}
