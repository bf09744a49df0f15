//! What happens, in its order.

mod answers;
mod live;
mod season;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use vantage_world::World;

use crate::scenario::{HQ, Kind, Scenario};
use crate::screen::Screen;
use crate::stage::{Aggregator, Door, Folders, PORT};

/// How the demo is to go.
#[derive(Debug)]
pub struct Programme {
    /// How long the live act takes, in which a day passes.
    pub live: Duration,
    /// Weeks that are simulated.
    pub weeks: u16,
    /// The file for all results.
    pub json: Option<PathBuf>,
    /// The way in from this machine: the aggregator is kept until it is interrupted.
    pub door: Option<Door>,
}

/// Plays everything, at the aggregator's host. `None`: it was interrupted.
///
/// # Errors
/// What went wrong.
pub async fn play(
    scenario: &Scenario,
    world: &World,
    folders: &Folders,
    mut programme: Programme,
    stop: &CancellationToken,
    screen: &mut Screen,
) -> anyhow::Result<Option<()>> {
    std::fs::write(folders.beside_catalogue(crate::scenario::CA_FILE), world.ca_pem())
        .context("failed to write the certificate authority's file")?;
    std::fs::write(folders.catalogue(), scenario.catalogue_text()?)
        .context("failed to write the catalogue")?;
    // It ends last: what agents have left to deliver at the end is still taken in.
    let closing = CancellationToken::new();
    let aggregator = Aggregator::start(folders, closing.clone()).await?;
    let door = programme.door.take();
    let keep = door.as_ref().map(|door| format!("http://{}", door.address));
    let leading = door.map(|door| tokio::spawn(door.lead_in(closing.clone())));
    let parts = async {
        screen.done(&format!("the aggregator is at http://{}:{PORT}", scenario.address(HQ)))?;
        let truth =
            live::act(scenario, world, folders, &aggregator, &programme, stop, screen).await?;
        let season = season::act(scenario, folders, &aggregator, &programme, screen).await?;
        let mut answers = answers::ask(scenario, season, keep.as_deref(), screen).await?;
        answers["truth"] = json!(truth);
        if let Some(path) = &programme.json {
            let text = serde_json::to_string_pretty(&answers)? + "\n";
            std::fs::write(path, text)
                .with_context(|| format!("failed to write {}", path.display()))?;
        }
        anyhow::Ok(())
    };
    let played = match stop.run_until_cancelled(parts).await {
        // Told to stop, parts may end by an error before they are given up.
        Some(Err(_)) if stop.is_cancelled() => Ok(None),
        None => Ok(None),
        Some(outcome) => outcome.map(Some),
    };
    if let (Ok(Some(())), Some(url)) = (&played, &keep) {
        screen.say(&format!(
            "\nThe aggregator answers at {url} until Ctrl-C: ask it with `vantage … --url {url}`.\n\
             What it keeps is in {}",
            folders.store().display()
        ))?;
        stop.cancelled().await;
    }
    closing.cancel();
    let ended = aggregator.end().await;
    if let Some(leading) = leading {
        leading.await.context("the way in has crashed")?.context("the way in")?;
    }
    let played = played?;
    ended?;
    Ok(played)
}

/// The results by the kind of their question.
fn results() -> Value {
    json!({ "rankings": {}, "failures": {}, "comparisons": {}, "plans": {} })
}

/// Where the results of a kind are.
const fn key(kind: Kind) -> &'static str {
    match kind {
        Kind::Rank => "rankings",
        Kind::Compare => "comparisons",
        Kind::Plan => "plans",
    }
}
