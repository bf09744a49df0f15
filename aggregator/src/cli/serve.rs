//! `vantage serve`.

use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::location::StoreArguments;
use super::{CommandError, span};
use crate::log;
use crate::serve::{Settings, StartError, serve};
use crate::store::Retention;

/// The catalogue that is used where none is named.
const CATALOGUE: &str = "catalogue.toml";

/// Takes reports in and keeps them; tells agents what to probe.
///
/// Needs nothing: without arguments it listens on this machine only, keeps everything in
/// ./vantage-data, and uses ./catalogue.toml if there is one. SIGTERM ends it in order.
///
/// Exit codes: 0 ended in order, 1 not in order, 2 wrong arguments or files or an address that
/// cannot be listened on, 3 the store cannot be opened.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8420")]
    listen: String,
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
    /// How long windows are kept, and how long an agent may be away without loss.
    #[arg(long, value_name = "SPAN", default_value = "35d", value_parser = span::parse)]
    keep_windows: Duration,
    /// How long hours are kept. Days are kept for good.
    #[arg(long, value_name = "SPAN", default_value = "400d", value_parser = span::parse)]
    keep_hours: Duration,
    /// Most time to finish what was accepted, at the end.
    #[arg(long, value_name = "SPAN", default_value = "30s", value_parser = span::parse)]
    grace: Duration,
    /// What to log: error, warn, info, debug, or by module.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "VANTAGE_LOG")]
    log: String,
    /// How log lines look.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    log_format: log::Format,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    log::start(&arguments.log, arguments.log_format)
        .map_err(|error| CommandError::Usage(error.context("--log")))?;
    let catalogue = arguments.catalogue.or_else(|| {
        let path = PathBuf::from(CATALOGUE);
        path.exists().then_some(path)
    });
    if arguments.keep_windows > arguments.keep_hours {
        let message = "--keep-hours must not be shorter than --keep-windows";
        return Err(CommandError::Usage(anyhow::anyhow!(message)));
    }
    let settings = Settings {
        listen: arguments.listen,
        tls: arguments.tls_cert.zip(arguments.tls_key),
        store: arguments.store.location()?,
        catalogue,
        read_tokens: arguments.read_token_file,
        retention: Retention {
            windows: arguments.keep_windows,
            hours: arguments.keep_hours,
            days: None,
        },
        grace: arguments.grace,
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
        | StartError::Listen { .. } => CommandError::Usage,
        StartError::Store { .. } => CommandError::Unreachable,
        StartError::System(_) => CommandError::Failed,
    };
    kind(error.into())
}
