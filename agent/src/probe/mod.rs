//! Probes: what an attempt does, phase by phase.
//!
//! A [`Probe`] is made once from its specification and then carried out many times. Each attempt
//! is a future that ends within the probe's timeout, whatever the network does; dropping it ends
//! the attempt.

mod dns;
mod http;
mod icmp;
mod quic;
mod stopwatch;
mod tcp;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use tokio::time::Instant;
use vantage_wire::report::Family;
use vantage_wire::{Failure, FailureCode, Phase};

use crate::attempt::Attempt;
use crate::guard::Guard;
use crate::net::icmp::StampingOn;
use crate::net::tls::TlsClients;
use crate::net::{Connected, Network};
use crate::spec::{Action, Host, ProbeSpec, SpecError};

pub use self::http::{FrameWatch, LONGEST_PAUSE, redirect_target, retry_after};
pub use stopwatch::Stopwatch;

/// What probes need of the world around them.
#[derive(Debug, Clone)]
pub struct Surroundings<N> {
    /// TCP and names.
    pub network: Arc<N>,
    /// Which addresses may be probed.
    pub guard: Guard,
    /// TLS configurations, shared by all probes.
    pub tls: TlsClients,
    /// Whom to write to about the probes, in their `User-Agent`: a URL or an address of mail.
    pub contact: Option<Arc<str>>,
}

/// A probe that is ready to be carried out.
#[derive(Debug)]
pub struct Probe<N> {
    spec: ProbeSpec,
    surroundings: Surroundings<N>,
    prepared: Prepared,
}

/// What a probe keeps from one attempt to the next.
#[derive(Debug)]
enum Prepared {
    Nothing,
    // Held for the probe's life: see `StampingOn`.
    Icmp { _stamping: Option<StampingOn> },
    Tls(tls::TlsProbe),
    Http(Box<http::HttpProbe>),
    Quic(Box<quic::QuicProbe>),
    Dns(dns::DnsProbe),
}

impl<N: Network> Probe<N> {
    /// Prepares a probe: whatever can be found out before the first attempt is.
    ///
    /// # Errors
    /// When a parameter makes no sense; the message names it.
    pub fn new(spec: ProbeSpec, surroundings: Surroundings<N>) -> Result<Self, SpecError> {
        let prepared = match &spec.action {
            Action::Icmp(spec) => {
                icmp::check(spec)?;
                Prepared::Icmp { _stamping: StampingOn::keep() }
            }
            Action::Tls(spec) => Prepared::Tls(tls::TlsProbe::new(spec, &surroundings)?),
            Action::Http(spec) => {
                Prepared::Http(Box::new(http::HttpProbe::new(spec, &surroundings)?))
            }
            Action::Quic(spec) => {
                Prepared::Quic(Box::new(quic::QuicProbe::new(spec, &surroundings)?))
            }
            Action::Dns(dns) => Prepared::Dns(dns::DnsProbe::new(dns, spec.family, &surroundings)?),
            Action::Tcp(_) => Prepared::Nothing,
        };
        Ok(Self { spec, surroundings, prepared })
    }

    /// What it does.
    pub fn spec(&self) -> &ProbeSpec {
        &self.spec
    }

    /// Carries the probe out once. `total` counts from `due`, the moment the attempt was to start
    /// its work; the timeout does, too.
    pub async fn attempt(&self, due: Instant) -> Attempt {
        let mut watch = Stopwatch::new(due, &self.spec);
        let family = self.spec.family;
        // Boxed where they are large: an attempt of a small kind must not take their room.
        let outcome = match (&self.spec.action, &self.prepared) {
            (Action::Icmp(spec), _) => {
                icmp::run(spec, &self.surroundings, family, &mut watch).await
            }
            (Action::Tcp(spec), _) => tcp::run(spec, &self.surroundings, family, &mut watch).await,
            (Action::Tls(spec), Prepared::Tls(probe)) => {
                Box::pin(probe.run(spec, &self.surroundings, family, &mut watch)).await
            }
            (Action::Http(spec), Prepared::Http(probe)) => {
                Box::pin(probe.run(spec, &self.surroundings, family, &mut watch)).await
            }
            (Action::Quic(spec), Prepared::Quic(probe)) => {
                Box::pin(probe.run(spec, &self.surroundings, family, &mut watch)).await
            }
            (Action::Dns(spec), Prepared::Dns(probe)) => {
                Box::pin(probe.run(spec, &self.surroundings, family, &mut watch)).await
            }
            // `new` prepared the probe for the action it has.
            _ => Err(Failure::new(FailureCode::ConfigInvalid, "prepared for another action")),
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
                let look_up = self.network.resolve(name, family, watch.phase_deadline(Phase::Dns));
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
        let Connected { stream, handshake, local_port } =
            watch.limit(Phase::Connect, connecting).await?;
        watch.attempt.phases.set(Phase::Connect, handshake.took());
        watch.attempt.facts.connect_user_space =
            Some(vantage_wire::Micros::from_duration_saturating(handshake.user_space));
        watch.attempt.facts.local_port = local_port;
        watch.attempt.facts.syn_retransmits = Some(handshake.syn_retransmits);
        Ok(stream)
    }
}
