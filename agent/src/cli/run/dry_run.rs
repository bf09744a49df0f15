//! `run --dry-run`: shows what would be probed and reported.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vantage_wire::exchange::Assignment;

use super::{aggregator, network, report_json, unusable};
use crate::assignment;
use crate::cli::exit::{CommandError, Outcome};
use crate::clock::{Estimate, SystemClock};
use crate::config::Config;
use crate::identity::{Key, Registration};
use crate::net::tls::TlsClients;
use crate::run::{Probing, Recording};
use crate::spool::Folder;

const TURN: Duration = Duration::from_secs(1);

/// Probes and prints until stopped. Nothing is enrolled, kept or sent but the question for an
/// assignment where none was kept.
///
/// # Errors
/// Where there is no assignment to be had, or the output cannot be written.
pub async fn run(config: &Config, stop: CancellationToken) -> Result<Outcome, CommandError> {
    let tls = TlsClients::new();
    let estimate: Arc<Mutex<Estimate>> = Arc::default();
    let Some(assignment) = find(config, &tls, &estimate).await? else {
        let what =
            "there is no assignment: this agent was never enrolled, or is not known any more";
        return Err(CommandError::Unreached(what.to_owned()));
    };
    print(&report_json::assignment(&assignment))?;
    let vantage = assignment.vantage.clone();
    let recording = Arc::new(Mutex::new(Recording::new(SystemClock, estimate)));
    let probing = Probing::new(network(config, tls)?, Arc::clone(&recording));
    let (_publish, assignments) = watch::channel(Some(Arc::new(assignment)));
    let lock = || recording.lock().unwrap_or_else(PoisonError::into_inner);
    let mut turns = tokio::time::interval(TURN);
    let mut running = std::pin::pin!(probing.run(assignments, stop));
    loop {
        tokio::select! {
            () = &mut running => break,
            _ = turns.tick() => {
                let closed = lock().close();
                for window in closed {
                    let health = lock().check().to_health();
                    print(&report_json::report(&vantage, &window, &health))?;
                }
            }
        }
    }
    let closed = lock().finish();
    let health = lock().check().to_health();
    for window in closed {
        print(&report_json::report(&vantage, &window, &health))?;
    }
    Ok(Outcome::Good)
}

async fn find(
    config: &Config,
    tls: &TlsClients,
    estimate: &Arc<Mutex<Estimate>>,
) -> Result<Option<Assignment>, CommandError> {
    let mut folder = Folder::existing(&config.state);
    let kept = assignment::load(&mut folder).map_err(|error| unusable(&error))?;
    if kept.is_some() {
        return Ok(kept);
    }
    let held = Registration::load(&mut folder).map_err(|error| unusable(&error))?;
    let Some(registration) = held else { return Ok(None) };
    let key = Arc::new(Key::open(&mut folder).map_err(|error| unusable(&error))?);
    let aggregator = aggregator(config, tls, &key, estimate)?;
    aggregator
        .assignment(&registration.enrolment.vantage, None)
        .await
        .map_err(|error| CommandError::Unreached(error.to_string()))
}

fn print(document: &serde_json::Value) -> Result<(), CommandError> {
    writeln!(io::stdout().lock(), "{document}")
        .map_err(|error| CommandError::Output { what: "reports".into(), error })
}
