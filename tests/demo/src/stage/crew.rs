//! The agents, each in a thread at its host.

use std::thread::JoinHandle;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vantage_world::{World, WorldError};

use super::agent::{Instructions, run};
use super::{Aggregator, Folders, PORT, Seen};
use crate::scenario::{HQ, Scenario};

/// One that writes windows, one that takes reports.
const DISK_THREADS: usize = 2;
/// Reports that wait to be looked at.
const MOST_UNSEEN: usize = 4_096;

type Ended = Result<anyhow::Result<()>, WorldError>;

/// The agents. They are told to stop, and waited for, when this value goes.
#[derive(Debug)]
pub struct Crew {
    stop: CancellationToken,
    threads: Vec<(String, JoinHandle<Ended>)>,
}

impl Crew {
    /// Enrols and starts one agent for each vantage point; what they report is received beside.
    ///
    /// # Errors
    /// Where a thread cannot be started or an agent not be enrolled.
    pub async fn start(
        scenario: &Scenario,
        world: &World,
        folders: &Folders,
        aggregator: &Aggregator,
        stop: &CancellationToken,
    ) -> anyhow::Result<(Self, mpsc::Receiver<Seen>)> {
        let (onlooker, seen) = mpsc::channel(MOST_UNSEEN);
        let mut crew = Self { stop: stop.child_token(), threads: Vec::new() };
        for (number, (vantage, place)) in (1..).zip(&scenario.catalogue.vantages) {
            let host = world.host(vantage.as_str())?;
            let told = Instructions {
                state: folders.agent(vantage.as_str()),
                aggregator: format!("http://{}:{PORT}", scenario.address(HQ)),
                token: aggregator.enroll(vantage, &place.market).await?,
                resolver: host.ipv4(),
                seed: number,
                onlooker: onlooker.clone(),
            };
            std::fs::create_dir_all(&told.state).context("failed to make an agent's folder")?;
            let stop = crew.stop.clone();
            let thread = host.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .max_blocking_threads(DISK_THREADS)
                    .build()?;
                runtime.block_on(run(told, stop))
            })?;
            crew.threads.push((vantage.to_string(), thread));
        }
        Ok((crew, seen))
    }

    /// The first agent that has ended although nobody told it to.
    pub fn missing(&self) -> Option<&str> {
        let ended = self.threads.iter().find(|(_, thread)| thread.is_finished());
        ended.map(|(name, _)| name.as_str())
    }

    /// Ends the agents in order: they deliver what they have.
    ///
    /// # Errors
    /// That of the first that did not end well.
    pub async fn finish(mut self) -> anyhow::Result<()> {
        self.stop.cancel();
        let threads = std::mem::take(&mut self.threads);
        let joining = tokio::task::spawn_blocking(move || {
            threads.into_iter().try_for_each(|(name, thread)| {
                let ended = thread.join().map_err(|_| anyhow::anyhow!("it has crashed"));
                let outcome = ended.and_then(|ended| ended?);
                outcome.with_context(|| format!("agent {name}"))
            })
        });
        joining.await.context("failed to wait for the agents")?
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.stop.cancel();
        for (_, thread) in self.threads.drain(..) {
            // Told to stop half way: what became of it does not matter any more.
            let _ = thread.join();
        }
    }
}
