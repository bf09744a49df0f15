//! What can be said to `run`, and the configuration that it amounts to.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::cli::exit::CommandError;
use crate::config::{Config, ConfigError, USUAL_FILE};
use crate::identity::Token;

const TOKEN_VARIABLE: &str = "VANTAGE_ENROL_TOKEN";

/// Runs the agent: probes what the aggregator assigns and reports what it measured, until SIGTERM
/// or Ctrl-C. What was measured is on disk before it is sent, and leaves it once it was stored.
///
/// Settings come from agent.toml, in which each is described; flags override it.
///
/// Exit codes: 0 stopped when told to, 2 wrong arguments, configuration or token, 3 there is
/// nothing to do a dry run of, 4 the system or a part of the agent failed.
#[derive(clap::Args)]
pub struct Arguments {
    /// Read this configuration [default: /etc/vantage/agent.toml if it is there]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// URL of the aggregator
    #[arg(long, value_name = "URL")]
    aggregator: Option<String>,
    /// Folder for key, registration, assignment and spool [default: /var/lib/vantage-agent]
    #[arg(long, value_name = "FOLDER")]
    state: Option<PathBuf>,
    /// Enrol with this token; others on this machine can see it, so prefer a file or the variable
    /// `VANTAGE_ENROL_TOKEN`
    #[arg(long, conflicts_with = "enrol_token_file")]
    token: Option<String>,
    /// Enrol with the token in this file
    #[arg(long, value_name = "FILE")]
    enrol_token_file: Option<PathBuf>,
    /// Trust the certificate authorities in this PEM file instead of the system's
    #[arg(long, value_name = "FILE")]
    ca_file: Option<PathBuf>,
    /// Most bytes of windows that wait on disk [default: 67108864]
    #[arg(long, value_name = "BYTES")]
    spool_max_bytes: Option<u64>,
    /// Tell Prometheus at this address, under /metrics [default: nowhere]
    #[arg(long, value_name = "ADDRESS:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// What to log to stderr: error, warn, info, debug, trace or filters [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Print the assignment and then, as JSON, what would be reported, until Ctrl-C; send nothing
    /// and change no state
    #[arg(long)]
    pub dry_run: bool,
}

/// Never prints the token.
impl std::fmt::Debug for Arguments {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arguments").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Arguments {
    /// The configuration: of the file, overridden by flags, and checked.
    ///
    /// # Errors
    /// Every problem in one line.
    pub fn config(&self) -> Result<Config, CommandError> {
        let path = self.config.clone().unwrap_or_else(|| PathBuf::from(USUAL_FILE));
        let usage = |problem: String| CommandError::Usage(format!("{}: {problem}", path.display()));
        let mut config = match std::fs::read_to_string(&path) {
            Ok(text) => Config::parse(&text).map_err(|error| usage(error.to_string()))?,
            Err(error) if self.config.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
                Config::default()
            }
            Err(error) => return Err(usage(error.to_string())),
        };
        let given = |flag: &Option<PathBuf>, key: &mut PathBuf| {
            if let Some(path) = flag {
                key.clone_from(path);
            }
        };
        given(&self.state, &mut config.state);
        config.aggregator = self.aggregator.clone().or(config.aggregator);
        config.enrol_token_file = self.enrol_token_file.clone().or(config.enrol_token_file);
        config.ca_file = self.ca_file.clone().or(config.ca_file);
        config.spool_max_bytes = self.spool_max_bytes.unwrap_or(config.spool_max_bytes);
        config.metrics_listen = self.metrics_listen.or(config.metrics_listen);
        config.log = self.log.clone().unwrap_or(config.log);
        match config.check() {
            Ok(()) => Ok(config),
            Err(ConfigError(problems)) => Err(CommandError::Usage(problems.join("; "))),
        }
    }

    /// The enrolment token: of the flags, the environment, the configured file. A configured file
    /// that is gone is no error, because it is of use only once.
    ///
    /// # Errors
    /// Where the file that was named cannot be read.
    pub fn token(&self, config: &Config) -> Result<Option<Token>, CommandError> {
        if let Some(token) = &self.token {
            return Ok(Token::new(token));
        }
        if let (None, Ok(token)) = (&self.enrol_token_file, std::env::var(TOKEN_VARIABLE)) {
            return Ok(Token::new(&token));
        }
        let Some(path) = &config.enrol_token_file else { return Ok(None) };
        match std::fs::read_to_string(path) {
            Ok(text) => Ok(Token::new(&text)),
            Err(error)
                if self.enrol_token_file.is_none()
                    && error.kind() == std::io::ErrorKind::NotFound =>
            {
                Ok(None)
            }
            Err(error) => {
                Err(CommandError::Usage(format!("enrol_token_file {}: {error}", path.display())))
            }
        }
    }
}
