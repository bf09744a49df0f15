//! `vantage serve`.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::location::StoreArguments;
use super::{CommandError, span};
use crate::config::{Config, ConfigError, USUAL_FILE};
use crate::log;
use crate::serve::{Settings, StartError, serve};
use crate::store::{Location, Retention};

/// The catalogue that is used where none is named.
const CATALOGUE: &str = "catalogue.toml";

/// Takes reports in and keeps them; tells agents what to probe.
///
/// Needs nothing: without arguments it listens on this machine only, keeps everything in
/// ./vantage-data, and uses ./catalogue.toml if there is one. SIGTERM ends it in order. All settings
/// can stand in a file, aggregator.toml, in which each is described; flags override it.
///
/// Exit codes: 0 ended in order, 1 not in order, 2 wrong arguments or files or an address that
/// cannot be listened on, 3 the store cannot be opened.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The configuration. [default: ./aggregator.toml if there is one]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on. [default: 127.0.0.1:8420]
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Certificate chain in PEM: serve HTTPS.
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's private key in PEM.
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    #[command(flatten)]
    store: StoreArguments,
    /// The catalogue: what is probed from where. Followed while running. [default:
    /// ./catalogue.toml if there is one]
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// Tokens of people and programs that may read, one on a line. Without it only this machine
    /// may.
    #[arg(long, value_name = "FILE")]
    read_token_file: Option<PathBuf>,
    /// How long windows are kept, and how long an agent may be away without loss. [default: 35d]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    keep_windows: Option<Duration>,
    /// How long hours are kept. Days are kept for good. [default: 400d]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    keep_hours: Option<Duration>,
    /// Time between two rankings of the sites for /metrics; a scrape makes none. [default: 10m]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    rank_every: Option<Duration>,
    /// Most time to finish what was accepted, at the end. [default: 30s]
    #[arg(long, value_name = "SPAN", value_parser = span::parse)]
    grace: Option<Duration>,
    /// What to log: error, warn, info, debug, or by module. [default: info]
    #[arg(long, value_name = "FILTER", env = "VANTAGE_LOG")]
    log: Option<String>,
    /// How log lines look. [default: text]
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<log::Format>,
}

impl Arguments {
    /// The configuration: of the file, overridden by flags, and checked.
    fn config(&self) -> Result<Config, CommandError> {
        let usage = |error: ConfigError| CommandError::Usage(error.into());
        let usual = PathBuf::from(USUAL_FILE);
        let path = self.config.clone().or_else(|| usual.exists().then_some(usual));
        let mut config = match &path {
            Some(path) => Config::load(path).map_err(usage)?,
            None => Config::default(),
        };
        let given = |flag: &Option<PathBuf>, key: &mut Option<PathBuf>| {
            if flag.is_some() {
                key.clone_from(flag);
            }
        };
        given(&self.tls_cert, &mut config.tls_cert);
        given(&self.tls_key, &mut config.tls_key);
        given(&self.catalogue, &mut config.catalogue);
        given(&self.read_token_file, &mut config.read_token_file);
        config.listen = self.listen.clone().unwrap_or(config.listen);
        config.keep_windows = self.keep_windows.unwrap_or(config.keep_windows);
        config.keep_hours = self.keep_hours.unwrap_or(config.keep_hours);
        config.rank_every = self.rank_every.unwrap_or(config.rank_every);
        config.grace = self.grace.unwrap_or(config.grace);
        config.log = self.log.clone().unwrap_or(config.log);
        config.log_format = self.log_format.unwrap_or(config.log_format);
        config.check().map_err(usage)?;
        Ok(config)
    }
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let config = arguments.config()?;
    log::start(&config.log, config.log_format)
        .map_err(|error| CommandError::Usage(error.context("--log")))?;
    let catalogue = config.catalogue.or_else(|| {
        let path = PathBuf::from(CATALOGUE);
        path.exists().then_some(path)
    });
    let usual = match config.store {
        Some(url) => Location::Postgres(url),
        None => Location::Embedded(config.data),
    };
    let settings = Settings {
        listen: config.listen,
        tls: config.tls_cert.zip(config.tls_key),
        store: arguments.store.location_or(usual)?,
        catalogue,
        read_tokens: config.read_token_file,
        retention: Retention { windows: config.keep_windows, hours: config.keep_hours, days: None },
        rank_every: config.rank_every,
        grace: config.grace,
        influx: config.influx,
    };
    // Before anything is begun, so that no signal finds the process half way.
    let stop = stop_on_signal().map_err(|error| CommandError::Failed(error.into()))?;
    match serve(settings, stop, |url| println!("{url}")).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(CommandError::Failed(anyhow::anyhow!("did not end in order; see the log")))
        }
        Err(error) => Err(cannot_begin(error)),
    }
}

/// A token that is cancelled by SIGTERM or Ctrl-C.
fn stop_on_signal() -> std::io::Result<CancellationToken> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Ends with the run-time, which ends with the program.
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => tracing::info!("SIGTERM"),
            _ = interrupt.recv() => tracing::info!("interrupted"),
        }
        told.cancel();
    });
    Ok(stop)
}

fn cannot_begin(error: StartError) -> CommandError {
    let kind = match &error {
        StartError::Catalogue(_)
        | StartError::Certificate(_)
        | StartError::ReadTokens(_)
        | StartError::Config(_)
        | StartError::Influx(_)
        | StartError::Listen { .. } => CommandError::Usage,
        StartError::Store { .. } => CommandError::Unreachable,
        StartError::System(_) => CommandError::Failed,
    };
    kind(error.into())
}
