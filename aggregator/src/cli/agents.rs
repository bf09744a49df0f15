//! `vantage agents`.

use serde::Deserialize;
use vantage_wire::VantageId;

use super::asking::{Format, fetch};
use super::location::StoreArguments;
use super::{CommandError, table};
use crate::agents::{self, Agent};
use crate::answers::Parameters;
use crate::api::AGENTS;
use crate::clock::{SystemClock, WallClock as _};

/// Shows how the agents fare, or revokes one.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Verb>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Shows every agent: state, last report, coverage, clock, version.
    List(List),
    /// Refuses an agent's reports from now on, and tokens that were made for it before.
    Revoke {
        /// The agent.
        id: VantageId,
        #[command(flatten)]
        store: StoreArguments,
    },
}

#[derive(Debug, clap::Args)]
struct List {
    /// Ask the aggregator at this URL instead of the store itself.
    #[arg(
        long,
        value_name = "URL",
        help = "Ask the aggregator at this URL instead of the store \
        itself; VANTAGE_READ_TOKEN holds the read token"
    )]
    url: Option<String>,
    /// How to print.
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    match arguments.command {
        None => list(arguments.list).await,
        Some(Verb::List(arguments)) => list(arguments).await,
        Some(Verb::Revoke { id, store }) => revoke(&id, &store).await,
    }
}

async fn list(arguments: List) -> Result<(), CommandError> {
    let agents = if let Some(url) = arguments.url {
        fetch::<Answer>(&url, AGENTS, &Parameters::default()).await?.agents
    } else {
        let store = arguments.store.open_existing().await?;
        let agents = agents::list(&store, SystemClock.now()).await;
        store.close().await;
        agents.map_err(|error| CommandError::Unreachable(error.into()))?
    };
    if agents.is_empty() {
        eprintln!("no agent is enrolled yet; `vantage enroll ID --market MARKET` lets one in");
    }
    let table = || match agents.as_slice() {
        [] => String::new(),
        agents => table::aligned(&HEADINGS, &rows(agents, readable)),
    };
    arguments.format.print(&agents, table, || table::csv(&HEADINGS, &rows(&agents, exact)))
}

const HEADINGS: [&str; 8] =
    ["agent", "market", "state", "last seen", "coverage", "clock", "waiting", "software"];

fn rows(agents: &[Agent], row: impl Fn(&Agent) -> [String; 8]) -> Vec<[String; 8]> {
    agents.iter().map(row).collect()
}

/// For programs: times in RFC 3339, numbers in full.
fn exact(agent: &Agent) -> [String; 8] {
    [
        agent.vantage.to_string(),
        agent.market.to_string(),
        agent.state.to_string(),
        agent.last_seen.map_or_else(String::new, |time| time.to_string()),
        agent.coverage.to_string(),
        agent.clock_offset_us.map_or_else(String::new, |offset| offset.to_string()),
        agent.waiting_windows.map_or_else(String::new, |waiting| waiting.to_string()),
        agent.software.clone(),
    ]
}

/// For people.
fn readable(agent: &Agent) -> [String; 8] {
    let clock = agent.clock_offset_us.zip(agent.clock_bound_us).map_or_else(
        || "?".to_owned(),
        |(offset, bound)| format!("{:+.1} ± {:.1} ms", offset as f64 / 1e3, bound as f64 / 1e3),
    );
    [
        agent.vantage.to_string(),
        agent.market.to_string(),
        agent.state.to_string(),
        agent.last_seen.map_or_else(|| "never".to_owned(), |time| format!("{time:.0}")),
        format!("{:.1} %", agent.coverage * 100.0),
        clock,
        agent.waiting_windows.map_or_else(|| "?".to_owned(), |waiting| waiting.to_string()),
        agent.software.clone(),
    ]
}

/// The answer of the aggregator.
#[derive(Debug, Deserialize)]
struct Answer {
    agents: Vec<Agent>,
}

async fn revoke(id: &VantageId, store: &StoreArguments) -> Result<(), CommandError> {
    let store = store.open_existing().await?;
    let revoked = store.revoke(id, SystemClock.now()).await;
    store.close().await;
    if revoked.map_err(|error| CommandError::Failed(error.into()))? {
        eprintln!("{id} is revoked; the aggregator refuses its reports within seconds");
        return Ok(());
    }
    Err(CommandError::Failed(anyhow::anyhow!("no agent {id} is enrolled")))
}
