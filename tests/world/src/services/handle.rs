//! The live switches of a running service.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::admission::Admission;
use super::behaviour::Behaviour;
use super::dns::{Records, View, Zone};
use super::spec::ServiceSpec;
use super::tasks::Tasks;
use super::tcp::TcpBehaviour;

/// A service could not be started or changed.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// The configuration cannot be served.
    #[error("service is not sound: {}", .0.join("; "))]
    Problems(Vec<String>),
    /// No address to serve on was given.
    #[error("no address to bind")]
    NoAddress,
    /// An address could not be bound or listened on.
    #[error("cannot serve on {address}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The certificate could not be issued.
    #[error("no certificate for the service")]
    Certificate(#[from] super::ca::AuthorityError),
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[from] rustls::Error),
    /// The setting belongs to another kind of service.
    #[error("a service of kind {kind} has no {setting}")]
    WrongKind {
        /// The service's kind.
        kind: &'static str,
        /// What was to be set.
        setting: &'static str,
    },
    /// The service stopped serving by itself.
    #[error("service has failed: {0}")]
    Failed(String),
}

/// What can be changed, by kind of service.
pub enum Switches {
    /// `http`, `https` and `h3`.
    Site {
        /// What requests meet.
        behaviour: watch::Sender<Behaviour>,
        /// What connections meet.
        admission: watch::Sender<Admission>,
    },
    /// `dns`.
    Dns(watch::Sender<Arc<Zone>>),
    /// `tcp`.
    Tcp(watch::Sender<TcpBehaviour>),
}

/// What a socket's task says of the settings that it has applied.
pub enum Applied {
    /// Whether a TCP listener listens.
    Listening(watch::Receiver<bool>),
    /// What a QUIC endpoint is set up for.
    Endpoint(watch::Receiver<Admission>),
}

/// The live switches of one running service.
///
/// It can be used from any thread. Dropping it changes nothing: the service ends by its `stop` only.
pub struct ServiceHandle {
    pub(super) spec: ServiceSpec,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) tasks: Arc<Tasks>,
    pub(super) switches: Switches,
    pub(super) applied: Vec<Applied>,
}

impl std::fmt::Debug for ServiceHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceHandle")
            .field("kind", &self.spec.kind())
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl ServiceHandle {
    /// The addresses served, in the order in which they were given, with the port that the system chose.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// The first of the addresses served.
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses[0]
    }

    /// HTTP requests or DNS queries that have come so far.
    pub fn requests(&self) -> u64 {
        self.tasks.requests()
    }

    /// Connections that have come so far: accepted TCP connections, QUIC connection attempts that were not ignored.
    pub fn connections(&self) -> u64 {
        self.tasks.connections()
    }

    /// Why the service stopped serving although it was not told to, if it did.
    pub fn failure(&self) -> Option<&str> {
        self.tasks.failure()
    }

    /// Changes what requests meet whose path names no behaviour, from the next request on.
    ///
    /// # Errors
    ///
    /// When this is no `http`, `https` or `h3` service, or a number is out of range.
    pub fn set_behaviour(&self, to: Behaviour) -> Result<(), ServiceError> {
        to.check().map_err(|problem| ServiceError::Problems(vec![problem]))?;
        let Switches::Site { behaviour, .. } = &self.switches else {
            return Err(self.wrong_kind("behaviour"));
        };
        behaviour.send_replace(to);
        Ok(())
    }

    /// Changes what new connections meet. Await [`settled`](Self::settled) before relying on it.
    ///
    /// # Errors
    ///
    /// When this is no `http`, `https` or `h3` service, or one that cannot do it.
    pub fn set_admission(&self, to: Admission) -> Result<(), ServiceError> {
        let Switches::Site { admission, .. } = &self.switches else {
            return Err(self.wrong_kind("admission"));
        };
        if !self.spec.fits(to) {
            let problem = format!("no {} service can do {to:?}", self.spec.kind());
            return Err(ServiceError::Problems(vec![problem]));
        }
        admission.send_replace(to);
        Ok(())
    }

    /// Changes what new connections to a plain TCP port meet. Await [`settled`](Self::settled) before relying on it.
    ///
    /// # Errors
    ///
    /// When this is no `tcp` service.
    pub fn set_tcp_behaviour(&self, to: TcpBehaviour) -> Result<(), ServiceError> {
        let Switches::Tcp(behaviour) = &self.switches else {
            return Err(self.wrong_kind("TCP behaviour"));
        };
        behaviour.send_replace(to);
        Ok(())
    }

    /// Replaces what everybody is answered, from the next query on. Views stay.
    ///
    /// # Errors
    ///
    /// When this is no `dns` service, or the records have problems; then nothing changes.
    pub fn set_records(&self, records: Records) -> Result<(), ServiceError> {
        let zone = self.zone()?;
        self.set_zone(zone.ttl_s, records, zone.views.clone())
    }

    /// Replaces what some clients are answered, from the next query on. What everybody is answered stays.
    ///
    /// # Errors
    ///
    /// When this is no `dns` service, or the records have problems; then nothing changes.
    pub fn set_views(&self, views: Vec<View>) -> Result<(), ServiceError> {
        let zone = self.zone()?;
        self.set_zone(zone.ttl_s, zone.records.clone(), views)
    }

    /// What everybody is answered now.
    ///
    /// # Errors
    ///
    /// When this is no `dns` service.
    pub fn records(&self) -> Result<Records, ServiceError> {
        Ok(self.zone()?.records.clone())
    }

    /// What some clients are answered now.
    ///
    /// # Errors
    ///
    /// When this is no `dns` service.
    pub fn views(&self) -> Result<Vec<View>, ServiceError> {
        Ok(self.zone()?.views.clone())
    }

    /// Waits until the sockets are as the last change of admission or TCP behaviour wants them.
    ///
    /// # Errors
    ///
    /// When the service has failed, for instance because its port could not be bound again.
    pub async fn settled(&self) -> Result<(), ServiceError> {
        for applied in &self.applied {
            let outcome = match applied {
                Applied::Listening(listening) => listening
                    .clone()
                    .wait_for(|listens| *listens == self.wants_listener())
                    .await
                    .is_ok(),
                Applied::Endpoint(admission) => admission
                    .clone()
                    .wait_for(|applied| self.wants_admission(*applied))
                    .await
                    .is_ok(),
            };
            if !outcome {
                let reason = self.failure().unwrap_or("the service has been stopped");
                return Err(ServiceError::Failed(reason.to_owned()));
            }
        }
        Ok(())
    }

    /// Waits until every task of the service has ended. Without a stop, that is never.
    pub async fn ended(&self) {
        self.tasks.ended().await;
    }

    fn wants_listener(&self) -> bool {
        match &self.switches {
            Switches::Site { admission, .. } => admission.borrow().listens(),
            Switches::Tcp(behaviour) => behaviour.borrow().listens(),
            Switches::Dns(_) => true,
        }
    }

    fn wants_admission(&self, applied: Admission) -> bool {
        match &self.switches {
            Switches::Site { admission, .. } => *admission.borrow() == applied,
            Switches::Tcp(_) | Switches::Dns(_) => true,
        }
    }

    fn zone(&self) -> Result<Arc<Zone>, ServiceError> {
        match &self.switches {
            Switches::Dns(zone) => Ok(Arc::clone(&zone.borrow())),
            _ => Err(self.wrong_kind("DNS records")),
        }
    }

    fn set_zone(&self, ttl_s: u32, records: Records, views: Vec<View>) -> Result<(), ServiceError> {
        let Switches::Dns(zone) = &self.switches else {
            return Err(self.wrong_kind("DNS records"));
        };
        let new = Zone::new(ttl_s, records, views).map_err(ServiceError::Problems)?;
        zone.send_replace(Arc::new(new));
        Ok(())
    }

    fn wrong_kind(&self, setting: &'static str) -> ServiceError {
        ServiceError::WrongKind { kind: self.spec.kind(), setting }
    }
}
