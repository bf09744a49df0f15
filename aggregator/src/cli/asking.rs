//! Where a question is asked: of a store on this machine, or of an aggregator.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use jiff::Timestamp;
use reqwest::StatusCode;
use serde::Serialize;
use serde::de::DeserializeOwned;
use vantage_wire::exchange::ProblemDocument;

use super::CommandError;
use super::location::StoreArguments;
use crate::answers::{AnswerError, Parameters};
use crate::catalogue::Catalogue;
use crate::clock::{SystemClock, WallClock as _};
use crate::store::Store;

/// Most time to connect with an aggregator.
const MOST_TO_CONNECT: Duration = Duration::from_secs(30);
/// Most time in which nothing comes from it: questions about years take their time.
const MOST_SILENCE: Duration = Duration::from_mins(5);

/// Where a question is asked.
#[derive(Debug, clap::Args)]
pub(super) struct Asked {
    /// Ask the aggregator at this URL instead of the store itself.
    #[arg(
        long,
        value_name = "URL",
        help = "Ask the aggregator at this URL instead of the store \
        itself; VANTAGE_READ_TOKEN holds the read token"
    )]
    url: Option<String>,
    /// The catalogue that goes with the store.
    #[arg(long, value_name = "FILE", default_value = "catalogue.toml")]
    catalogue: PathBuf,
    #[command(flatten)]
    store: StoreArguments,
}

/// How a question is answered that has a document for an answer.
#[derive(Debug, clap::Args)]
pub(super) struct Answering {
    /// How to print.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    asked: Asked,
}

/// How to print an answer.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(super) enum Format {
    /// For people.
    Table,
    /// The document that the HTTP interface gives.
    Json,
    /// The main table, for programs.
    Csv,
}

impl Format {
    /// Prints an answer in this format.
    pub(super) fn print<D: Serialize>(
        self,
        answer: &D,
        table: impl FnOnce() -> String,
        csv: impl FnOnce() -> String,
    ) -> Result<(), CommandError> {
        let text = match self {
            Self::Table => table(),
            Self::Json => {
                serde_json::to_string_pretty(answer).map_err(std::io::Error::from)? + "\n"
            }
            Self::Csv => csv(),
        };
        std::io::stdout().write_all(text.as_bytes())?;
        Ok(())
    }
}

impl Answering {
    /// Gets a document, from the page `path` of an aggregator with what `put` adds as its query, or
    /// by `answer` from the store on this machine, and prints it in the format asked for.
    pub(super) async fn answer<D: Serialize + DeserializeOwned>(
        &self,
        path: &str,
        put: impl FnOnce(&mut Parameters),
        answer: impl AsyncFnOnce(&Local) -> Result<D, AnswerError>,
        table: fn(&D) -> String,
        csv: fn(&D) -> String,
    ) -> Result<D, CommandError> {
        let document = if let Some(url) = self.asked.url() {
            let mut parameters = Parameters::default();
            put(&mut parameters);
            fetch(url, path, &parameters).await?
        } else {
            let local = self.asked.open().await?;
            let answered = answer(&local).await;
            local.store.close().await;
            answered?
        };
        self.format.print(&document, || table(&document), || csv(&document))?;
        Ok(document)
    }
}

/// What a question is asked of on this machine.
pub(super) struct Local {
    pub(super) store: Store,
    pub(super) catalogue: Arc<Catalogue>,
    pub(super) now: Timestamp,
}

impl Asked {
    /// The aggregator to ask, if not the store on this machine.
    pub(super) fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// Opens the store on this machine, and reads the catalogue that goes with it.
    pub(super) async fn open(&self) -> Result<Local, CommandError> {
        let catalogue = self.load_catalogue()?;
        let store = self.store.open_existing().await?;
        let now = SystemClock.now().unix_seconds_floor();
        let now = Timestamp::from_second(now).unwrap_or_default();
        Ok(Local { store, catalogue, now })
    }

    fn load_catalogue(&self) -> Result<Arc<Catalogue>, CommandError> {
        let path = self.catalogue.display();
        if !self.catalogue.exists() {
            let message = format!(
                "{path}: no such file; --catalogue names the catalogue, --url an aggregator to ask"
            );
            return Err(CommandError::Usage(anyhow::anyhow!(message)));
        }
        Catalogue::load(&self.catalogue).map(Arc::new).map_err(|problems| {
            CommandError::Usage(anyhow::anyhow!("{path} has problems:\n{problems}"))
        })
    }
}

impl From<AnswerError> for CommandError {
    fn from(error: AnswerError) -> Self {
        match error {
            AnswerError::Unknown { .. } | AnswerError::Senseless(_) => Self::Usage(error.into()),
            AnswerError::NotEnoughData(_) => Self::NotEnoughData(error.into()),
            AnswerError::Store(_) => Self::Unreachable(error.into()),
            AnswerError::Overflow(_) => Self::Failed(error.into()),
        }
    }
}

/// What to say where an aggregator does not answer as it should.
pub(super) fn unreachable(url: &str, error: anyhow::Error) -> CommandError {
    CommandError::Unreachable(error.context(format!("failed to ask the aggregator {url}")))
}

/// Asks an aggregator for a page that is one document.
pub(super) async fn fetch<D: DeserializeOwned>(
    url: &str,
    path: &str,
    parameters: &Parameters,
) -> Result<D, CommandError> {
    let document = get(url, path, parameters).await?.json().await;
    document.context("the answer is of another version").map_err(|error| unreachable(url, error))
}

/// Asks an aggregator for a page, and returns the answer if it is none of refusal.
pub(super) async fn get(
    url: &str,
    path: &str,
    parameters: &Parameters,
) -> Result<reqwest::Response, CommandError> {
    let unreachable = |error| unreachable(url, error);
    let client = reqwest::Client::builder()
        .connect_timeout(MOST_TO_CONNECT)
        .read_timeout(MOST_SILENCE)
        .build()
        .map_err(|error| CommandError::Failed(error.into()))?;
    let pairs: Vec<_> = parameters.pairs().collect();
    let page =
        reqwest::Url::parse_with_params(&(url.trim_end_matches('/').to_owned() + path), &pairs)
            .map_err(|error| CommandError::Usage(anyhow::anyhow!("--url {url}: {error}")))?;
    let mut request = client.get(page);
    if let Ok(token) = std::env::var("VANTAGE_READ_TOKEN") {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.map_err(|error| unreachable(error.into()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    if status == StatusCode::UNAUTHORIZED {
        let message = "it wants a read token; put one into VANTAGE_READ_TOKEN";
        return Err(unreachable(anyhow::anyhow!(message)));
    }
    let Ok(problem) = answer.json::<ProblemDocument>().await else {
        return Err(unreachable(anyhow::anyhow!("it answered {status}")));
    };
    let detail = if problem.detail.is_empty() { problem.title } else { problem.detail };
    let error = anyhow::anyhow!(detail);
    Err(match status {
        StatusCode::BAD_REQUEST => CommandError::Usage(error),
        StatusCode::CONFLICT => CommandError::NotEnoughData(error),
        _ => unreachable(error),
    })
}
