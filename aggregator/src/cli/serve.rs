//! `vantage serve`.

use std::path::PathBuf;
use std::time::Duration;

use super::location::StoreArguments;
use super::{CommandError, span};
use crate::log;
use crate::serve::{Settings, StartError, serve};
use crate::store::Retention;

/// Ranking is work, and what it is about changes by the hour.
const SHORTEST_RANK_EVERY: Duration = Duration::from_secs(1);
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
    /// Time between two rankings of the sites for /metrics; a scrape makes none.
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span::parse)]
    rank_every: Duration,
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
    if arguments.rank_every < SHORTEST_RANK_EVERY {
        let message = "--rank-every must not be shorter than 1s";
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
        rank_every: arguments.rank_every,
        grace: arguments.grace,
    };
    match serve(settings).await {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(CommandError::Failed(anyhow::anyhow!("did not end in order; see the log")))
        }
        Err(error) => Err(cannot_begin(error)),
    }
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
