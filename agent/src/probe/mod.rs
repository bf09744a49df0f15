//! Probes: what an attempt does, phase by phase.
//!
//! A [`Probe`] is made once from its specification and then carried out many times. Each attempt
//! is a future that ends within the probe's timeout, whatever the network does; dropping it ends
//! the attempt.

mod icmp;
mod stopwatch;
mod tcp;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::time::Instant;
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use crate::attempt::Attempt;
use crate::guard::Guard;
use crate::net::icmp::StampingOn;
use crate::net::{Connected, Network};
use crate::spec::{Action, Host, ProbeSpec};

pub use stopwatch::Stopwatch;

/// What probes need of the world around them.
#[derive(Debug, Clone)]
pub struct Surroundings<N> {
    /// TCP and names.
    pub network: Arc<N>,
    /// Which addresses may be probed.
    pub guard: Guard,
}

/// A probe that is ready to be carried out.
#[derive(Debug)]
pub struct Probe<N> {
    spec: ProbeSpec,
    surroundings: Surroundings<N>,
    _stamping: Option<StampingOn>,
}

/// A probe that cannot be carried out as specified.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// A parameter makes no sense.
    #[error("{0}")]
    Parameter(String),
}

impl<N: Network> Probe<N> {
    /// Prepares a probe: whatever can be found out before the first attempt is.
    ///
    /// # Errors
    /// When a parameter makes no sense; the message names it.
    pub fn new(spec: ProbeSpec, surroundings: Surroundings<N>) -> Result<Self, ProbeError> {
        let mut stamping = None;
        if let Action::Icmp(icmp) = &spec.action {
            icmp::check(icmp)?;
            stamping = StampingOn::keep();
        }
        Ok(Self { spec, surroundings, _stamping: stamping })
    }

    /// What it does.
    pub fn spec(&self) -> &ProbeSpec {
        &self.spec
    }

    /// Carries the probe out once. `total` counts from `due`, the moment the attempt was to start
    /// its work; the timeout does, too.
    pub async fn attempt(&self, due: Instant) -> Attempt {
        let mut watch = Stopwatch::new(due, &self.spec);
        let outcome = match &self.spec.action {
            Action::Icmp(spec) => {
                icmp::run(spec, &self.surroundings, self.spec.family, &mut watch).await
            }
            Action::Tcp(spec) => {
                tcp::run(spec, &self.surroundings, self.spec.family, &mut watch).await
            }
            _ => Err(Failure::new(FailureCode::ConfigInvalid, "not built in")),
        };
        watch.finish(outcome)
    }
}

impl<N: Network> Surroundings<N> {
    /// The address to probe: that of the host, or the first that its name has, in phase `dns`.
    async fn find(
        &self,
        host: &Host,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<IpAddr, Failure> {
        let address = match host {
            Host::Address(address) => *address,
            Host::Name(name) => {
                let look_up = self.network.resolve(name, family);
                watch.time(Phase::Dns, look_up).await?[0]
            }
        };
        watch.attempt.address = Some(address);
        self.guard.check(address)?;
        Ok(address)
    }

    /// A TCP connection to a host, in phases `dns` and `connect`.
    async fn connect(
        &self,
        host: &Host,
        port: u16,
        family: Family,
        watch: &mut Stopwatch,
    ) -> Result<N::Stream, Failure> {
        let address = self.find(host, family, watch).await?;
        let connecting = self.network.connect(SocketAddr::new(address, port));
        let Connected { stream, handshake } = watch.limit(Phase::Connect, connecting).await?;
        watch.attempt.phases.set(Phase::Connect, handshake.took());
        watch.attempt.facts.connect_user_space =
            Some(vantage_wire::Micros::from_duration_saturating(handshake.user_space));
        watch.attempt.facts.syn_retransmits = Some(handshake.syn_retransmits);
        Ok(stream)
    }
}
