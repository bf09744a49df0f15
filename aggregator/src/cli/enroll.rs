//! `vantage enroll`: lets a new agent in.

use std::path::PathBuf;
use std::time::Duration;

use ring::rand::SystemRandom;
use vantage_wire::{MarketId, UtcMicros, VantageId};

use super::location::StoreArguments;
use super::{CommandError, span};
use crate::catalogue::Catalogue;
use crate::clock::{SystemClock, WallClock as _};
use crate::identity::Token;
use crate::store::EnrolmentToken;

/// The catalogue whose markets are known, where none is named.
const CATALOGUE: &str = "catalogue.toml";

/// Prints a one-time token with which a new agent makes itself known.
///
/// Works on the store itself, also while `vantage serve` runs. An agent that is enrolled anew
/// (because its machine was rebuilt) gets the new key; the old one is no longer heard.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Name of the agent: a-z, 0-9 and inner hyphens, such as hk-1.
    id: VantageId,
    /// The market it measures from, such as hk.
    #[arg(long)]
    market: MarketId,
    /// How long the token can be used.
    #[arg(long, value_name = "SPAN", default_value = "1h", value_parser = span::parse)]
    valid_for: Duration,
    /// The catalogue, whose markets the new agent's must be one of. [default: ./catalogue.toml if
    /// there is one]
    #[arg(long, value_name = "FILE")]
    catalogue: Option<PathBuf>,
    /// URL at which the agent reaches the aggregator, for the printed command.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8420")]
    url: String,
    #[command(flatten)]
    store: StoreArguments,
}

pub(super) async fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { id, market, valid_for, catalogue, url, store } = arguments;
    check_market(&market, catalogue)?;
    let store = store.open().await?;
    let token =
        Token::draw(&SystemRandom::new()).map_err(|error| CommandError::Failed(error.into()))?;
    let created = SystemClock.now();
    let valid_us = i64::try_from(valid_for.as_micros()).unwrap_or(i64::MAX);
    let expires = UtcMicros::new(created.get().saturating_add(valid_us));
    let kept = EnrolmentToken { hash: token.hash(), vantage: id.clone(), market, created, expires };
    let created = store.create_token(&kept).await;
    store.close().await;
    created.map_err(|error| CommandError::Failed(error.into()))?;
    // The token alone on stdout, for scripts; what to do with it beside it, for people.
    println!("{}", token.reveal());
    eprintln!(
        "\nValid once, for {}. On the machine of {id}:\n\n  \
         VANTAGE_ENROL_TOKEN=… vantage-agent run --aggregator {url}\n",
        in_words(valid_for)
    );
    Ok(())
}

fn check_market(market: &MarketId, catalogue: Option<PathBuf>) -> Result<(), CommandError> {
    let path = match catalogue {
        Some(path) => path,
        None if PathBuf::from(CATALOGUE).exists() => PathBuf::from(CATALOGUE),
        None => return Ok(()),
    };
    let catalogue =
        Catalogue::load(&path).map_err(|problems| CommandError::Usage(problems.into()))?;
    if catalogue.markets.contains_key(market) {
        return Ok(());
    }
    let known: Vec<_> = catalogue.markets.keys().map(MarketId::as_str).collect();
    Err(CommandError::Usage(anyhow::anyhow!(
        "{} has no market {market}; it has {}",
        path.display(),
        known.join(", ")
    )))
}

fn in_words(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        s if s.is_multiple_of(86_400) => format!("{} d", s / 86_400),
        s if s.is_multiple_of(3_600) => format!("{} h", s / 3_600),
        s if s.is_multiple_of(60) => format!("{} min", s / 60),
        s => format!("{s} s"),
    }
}
