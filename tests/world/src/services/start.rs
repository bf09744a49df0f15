//! Binds a service's sockets and starts its tasks.

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::admission::Admission;
use super::behaviour::Behaviour;
use super::ca::Authority;
use super::dns::{DnsPort, Zone, spawn_server};
use super::h3::{H3Site, QuicPort, spawn_endpoint};
use super::handle::{Applied, ServiceError, ServiceHandle, Switches};
use super::http::HttpSite;
use super::https::HttpsSite;
use super::listen::{Bound, TcpPort, bind_all, spawn_listener};
use super::spec::{DnsSpec, H3Spec, HttpSpec, HttpsSpec, ServiceSpec, TcpSpec};
use super::tasks::Tasks;
use super::tcp::TcpBehaviour;
use super::{http, https, tcp};

/// Binds `spec`'s port on every address of `bind` and serves until `stop` is cancelled.
///
/// Must be awaited within a tokio run-time with I/O and time enabled, on a thread that is in the host's namespace; all
/// tasks run there. When it returns, clients can connect.
///
/// # Errors
///
/// When the spec has problems, an address cannot be bound, or the certificate cannot be issued.
pub async fn start(
    spec: &ServiceSpec,
    bind: &[IpAddr],
    authority: &Authority,
    stop: CancellationToken,
) -> Result<ServiceHandle, ServiceError> {
    let problems = spec.problems();
    if !problems.is_empty() {
        return Err(ServiceError::Problems(problems));
    }
    if bind.is_empty() {
        return Err(ServiceError::NoAddress);
    }
    let starting = Starting { spec, bind, authority, tasks: Tasks::new(stop) };
    match spec {
        ServiceSpec::Http(http) => starting.http(http),
        ServiceSpec::Https(https) => starting.https(https),
        ServiceSpec::H3(h3) => starting.h3(h3),
        ServiceSpec::Dns(dns) => starting.dns(dns),
        ServiceSpec::Tcp(tcp) => starting.tcp(tcp),
    }
}

struct Starting<'a> {
    spec: &'a ServiceSpec,
    bind: &'a [IpAddr],
    authority: &'a Authority,
    tasks: Arc<Tasks>,
}

/// The switches of an HTTP service of any version, and where its tasks read them.
struct SiteSwitches {
    behaviour: watch::Sender<Behaviour>,
    admission: watch::Sender<Admission>,
    site: Arc<HttpSite>,
}

impl Starting<'_> {
    fn http(self, spec: &HttpSpec) -> Result<ServiceHandle, ServiceError> {
        let ports: Vec<TcpPort> = bind_all(self.bind, spec.port)?;
        let switches = self.site_switches(&spec.behaviour, spec.admission);
        let mut running = self.running(&ports);
        for port in ports {
            let site = Arc::clone(&switches.site);
            let live = switches.admission.subscribe();
            let listening = spawn_listener(
                &running.tasks,
                port,
                live,
                Admission::listens,
                move |stream, now| http::serve(stream, now, Arc::clone(&site)),
            )?;
            running.applied.push(Applied::Listening(listening));
        }
        Ok(running.with(switches.into()))
    }

    fn https(self, spec: &HttpsSpec) -> Result<ServiceHandle, ServiceError> {
        let ports: Vec<TcpPort> = bind_all(self.bind, spec.port)?;
        let switches = self.site_switches(&spec.behaviour, spec.admission);
        let identity = self.authority.issue(spec.certificate, &spec.names, self.bind)?;
        let tls = Arc::new(HttpsSite::new(spec, &identity, Arc::clone(&switches.site))?);
        let mut running = self.running(&ports);
        for port in ports {
            let tls = Arc::clone(&tls);
            let live = switches.admission.subscribe();
            let listening = spawn_listener(
                &running.tasks,
                port,
                live,
                Admission::listens,
                move |stream, now| https::serve(stream, now, Arc::clone(&tls)),
            )?;
            running.applied.push(Applied::Listening(listening));
        }
        Ok(running.with(switches.into()))
    }

    fn h3(self, spec: &H3Spec) -> Result<ServiceHandle, ServiceError> {
        let ports: Vec<QuicPort> = bind_all(self.bind, spec.port)?;
        let switches = self.site_switches(&spec.behaviour, spec.admission);
        let identity = self.authority.issue(spec.certificate, &spec.names, self.bind)?;
        let quic = Arc::new(H3Site::new(&identity, Arc::clone(&switches.site))?);
        let mut running = self.running(&ports);
        for port in ports {
            let endpoint = spawn_endpoint(port, switches.admission.subscribe(), Arc::clone(&quic))?;
            running.applied.push(Applied::Endpoint(endpoint));
        }
        Ok(running.with(switches.into()))
    }

    fn dns(self, spec: &DnsSpec) -> Result<ServiceHandle, ServiceError> {
        let ports: Vec<DnsPort> = bind_all(self.bind, spec.port)?;
        let zone = Zone::new(spec.ttl_s, spec.records.clone(), spec.views.clone())
            .map_err(ServiceError::Problems)?;
        let (zone, live) = watch::channel(Arc::new(zone));
        let running = self.running(&ports);
        for port in ports {
            spawn_server(port, &running.tasks, &live)?;
        }
        Ok(running.with(Switches::Dns(zone)))
    }

    fn tcp(self, spec: &TcpSpec) -> Result<ServiceHandle, ServiceError> {
        let ports: Vec<TcpPort> = bind_all(self.bind, spec.port)?;
        let (behaviour, live) = watch::channel(spec.behaviour);
        let mut running = self.running(&ports);
        for port in ports {
            let open = TcpBehaviour::listens;
            let listening = spawn_listener(&running.tasks, port, live.clone(), open, tcp::serve)?;
            running.applied.push(Applied::Listening(listening));
        }
        Ok(running.with(Switches::Tcp(behaviour)))
    }

    fn site_switches(&self, behaviour: &Behaviour, admission: Admission) -> SiteSwitches {
        let (behaviour, live) = watch::channel(behaviour.clone());
        let site = Arc::new(HttpSite { behaviour: live, tasks: Arc::clone(&self.tasks) });
        SiteSwitches { behaviour, admission: watch::Sender::new(admission), site }
    }

    fn running<T: Bound>(self, ports: &[T]) -> Running {
        Running {
            spec: self.spec.clone(),
            addresses: ports.iter().map(Bound::address).collect(),
            tasks: self.tasks,
            applied: Vec::with_capacity(ports.len()),
        }
    }
}

impl From<SiteSwitches> for Switches {
    fn from(switches: SiteSwitches) -> Self {
        Self::Site { behaviour: switches.behaviour, admission: switches.admission }
    }
}

/// A handle that still lacks its switches.
struct Running {
    spec: ServiceSpec,
    addresses: Vec<std::net::SocketAddr>,
    tasks: Arc<Tasks>,
    applied: Vec<Applied>,
}

impl Running {
    fn with(self, switches: Switches) -> ServiceHandle {
        let Self { spec, addresses, tasks, applied } = self;
        ServiceHandle { spec, addresses, tasks, switches, applied }
    }
}
