//! Carries out one assignment after the other.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vantage_wire::WindowLength;
use vantage_wire::exchange::Assignment;
use vantage_wire::report::ProbeKey;

use super::Recording;
use super::unready::Unready;
use crate::assignment::{Planned, plan};
use crate::clock::WallClock;
use crate::guard::Guard;
use crate::health::{ANCHOR_INTERVAL, Anchor};
use crate::net::tls::TlsClients;
use crate::net::{Resolver, TcpNetwork};
use crate::probe::{Probe, Surroundings};
use crate::rate::{RateCap, TargetRates};
use crate::runner::{InFlight, Outcome, Runner};
use crate::schedule::{ProbeIndex, spread};

/// What probes need of the machine.
#[derive(Debug, Clone)]
pub struct Network {
    /// DNS servers to ask; none: those of `/etc/resolv.conf` when an assignment begins.
    pub dns_servers: Vec<SocketAddr>,
    /// Seed of the ids of queries: secret.
    pub seed: u64,
    /// TLS configurations.
    pub tls: TlsClients,
    /// Most attempts under way.
    pub in_flight: InFlight,
    /// Most attempts at one target.
    pub target_cap: RateCap,
}

/// Whose slot of the schedule it is.
#[derive(Debug, Clone, Copy)]
enum Slot {
    /// That of a probe, by its place in the assignment.
    Probe(ProbeIndex),
    /// That of an anchor.
    Anchor(usize),
}

/// Probes what it is told.
#[derive(Debug)]
pub struct Probing<C> {
    network: Network,
    recording: Arc<Mutex<Recording<C>>>,
    /// What the slots of all probes are counted from, so that a probe keeps its place from one
    /// assignment to the next.
    origin: Instant,
}

impl<C: WallClock> Probing<C> {
    /// Nothing is probed yet.
    pub fn new(network: Network, recording: Arc<Mutex<Recording<C>>>) -> Self {
        Self { network, recording, origin: Instant::now() }
    }

    /// Carries out each assignment until the next comes, and the last until stopped. Attempts
    /// under way then end as `agent_cancelled`. When this returns every slot is recorded.
    ///
    /// # Panics
    /// With the panic of an attempt.
    pub async fn run(
        &self,
        mut assignments: watch::Receiver<Option<Arc<Assignment>>>,
        stop: CancellationToken,
    ) {
        while !stop.is_cancelled() {
            let assignment = assignments.borrow_and_update().clone();
            let halt = stop.child_token();
            let mut running = std::pin::pin!(self.carry_out(assignment, halt.clone()));
            tokio::select! {
                () = &mut running => return,
                Ok(()) = assignments.changed() => {}
            }
            halt.cancel();
            running.await;
        }
    }

    /// Probes until halted.
    async fn carry_out(&self, assignment: Option<Arc<Assignment>>, halt: CancellationToken) {
        let Some(assignment) = assignment.filter(|assignment| !assignment.paused) else {
            self.recording().begin(WindowLength::MINUTE, Vec::new(), 0);
            return halt.cancelled().await;
        };
        let length = WindowLength::from_seconds(assignment.window_s).unwrap_or_else(|error| {
            tracing::error!(%error, "the assignment's windows are of an impossible length");
            WindowLength::MINUTE
        });
        let all = plan(&assignment);
        let keys = all.iter().map(|planned| planned.key.clone()).collect();
        self.recording().begin(length, keys, assignment.anchors.len());
        let (mut runner, slots, unready) = self.prepare(&assignment, all);
        if let Some(metrics) = self.recording().counting() {
            metrics.assigned(&assignment.version);
            runner.count_into(metrics);
        }
        tracing::info!(
            version = assignment.version,
            probes = slots.len() - assignment.anchors.len(),
            anchors = assignment.anchors.len(),
            impossible = unready.len(),
            "probing begins"
        );
        let settled = |outcome: Outcome| match slots[outcome.probe] {
            Slot::Probe(probe) => self.recording().settle(Outcome { probe, ..outcome }),
            Slot::Anchor(anchor) => self.recording().anchor_settled(anchor, &outcome),
        };
        let counted = |outcome: Outcome| self.recording().settle(outcome);
        let none = slots.is_empty();
        let probing = async {
            runner.run(settled, halt.clone()).await;
            if none {
                halt.cancelled().await;
            }
        };
        tokio::join!(probing, unready.run(counted, halt.clone()));
    }

    /// The probes that can be carried out and the anchors, whose each is, and what cannot be
    /// carried out.
    fn prepare(
        &self,
        assignment: &Assignment,
        all: Vec<Planned>,
    ) -> (Runner<TcpNetwork>, Vec<Slot>, Unready) {
        let network = Arc::new(TcpNetwork::new(self.resolver()));
        let contact: Option<Arc<str>> = assignment.contact.as_deref().map(Arc::from);
        let tls = self.network.tls.clone();
        let mut runner = Runner::new(self.network.in_flight);
        let mut rates = TargetRates::new(self.network.target_cap);
        let (mut slots, mut unready) = (Vec::new(), Unready::default());
        for (index, Planned { key, interval, guard, spec }) in all.into_iter().enumerate() {
            let name = format!(
                "{}/{}/{}/{}",
                assignment.vantage,
                key.target,
                key.probe,
                key.family.name()
            );
            let first = self.first_slot(&key, &name, interval);
            let (network, tls, contact) = (Arc::clone(&network), tls.clone(), contact.clone());
            let surroundings = Surroundings { network, guard, tls, contact };
            let added = spec.and_then(|spec| {
                let probe = Probe::new(spec, surroundings).map_err(|error| error.to_string())?;
                let added = runner.add_within(&mut rates, probe, first, interval, None);
                added.map_err(|error| error.to_string())
            });
            match added {
                Ok(_) => slots.push(Slot::Probe(index)),
                Err(why) => {
                    tracing::error!(probe = name, why, "a probe cannot be carried out");
                    unready.add(index, first, interval, why);
                }
            }
        }
        for (number, address) in assignment.anchors.iter().enumerate() {
            let (network, tls) = (Arc::clone(&network), tls.clone());
            let guard = Guard::ALLOW_PRIVATE;
            let surroundings = Surroundings { network, guard, tls, contact: contact.clone() };
            // A TCP handshake with an address needs nothing that could be missing.
            if let Ok(probe) = Probe::new(Anchor::Tcp(*address).spec(), surroundings) {
                let name = format!("{}/anchor/{address}", assignment.vantage);
                let first = Instant::now() + spread(&name, ANCHOR_INTERVAL);
                runner.add(probe, first, ANCHOR_INTERVAL, None);
                slots.push(Slot::Anchor(number));
            }
        }
        (runner, slots, unready)
    }

    /// The slot after the last one that was recorded, or the next in the probe's own place.
    fn first_slot(&self, key: &ProbeKey, name: &str, interval: Duration) -> Instant {
        if let Some(last) = self.recording().last_slot(key) {
            return last + interval;
        }
        let first = self.origin + spread(name, interval);
        let late = Instant::now().saturating_duration_since(first).as_nanos();
        let slots = late.div_ceil(interval.as_nanos().max(1));
        let nanos = slots.saturating_mul(interval.as_nanos());
        first + Duration::from_nanos(u64::try_from(nanos).unwrap_or(0))
    }

    fn resolver(&self) -> Resolver {
        let Network { dns_servers, seed, .. } = &self.network;
        if !dns_servers.is_empty() {
            return Resolver::new(dns_servers.clone(), *seed);
        }
        Resolver::from_system(*seed).unwrap_or_else(|error| {
            tracing::error!(%error, "targets given by name cannot be probed");
            Resolver::new(Vec::new(), *seed)
        })
    }

    fn recording(&self) -> std::sync::MutexGuard<'_, Recording<C>> {
        // A panic while it was held ends the agent.
        self.recording.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
