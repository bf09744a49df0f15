//! A running world.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::capture::Capture;
use crate::clock;
use crate::config::{PathTable, WorldConfig};
use crate::error::WorldError;
use crate::host::Host;
use crate::network::{Namespace, ResolvConf, wire_up_host, wire_up_router};
use crate::router::{self, HostPort, RouterHandle, RouterReport, RouterSetup};
use crate::services::{self, Authority, ServiceError, ServiceHandle, ServiceSpec};
use crate::truth::{Truth, TruthLog};

/// A running world. Dropping it stops its services and its router and frees its namespaces;
/// programs started in them are left without a network.
#[derive(Debug)]
pub struct World {
    // Fields are dropped in this order: what serves stops before what carries it.
    services: Vec<HostServices>,
    router: RouterHandle,
    hosts: Vec<Host>,
    log: TruthLog,
    config: Mutex<WorldConfig>,
    ca_file: PathBuf,
    ca_pem: String,
    _folder: TempDir,
}

impl World {
    /// Starts a world: its namespaces, its router and its services. When this returns, all of
    /// them can be reached.
    ///
    /// # Errors
    /// Where the configuration is not sound, the process lacks the privilege (see
    /// [`crate::privilege::acquire`]), or a service cannot be started.
    pub fn start(config: &WorldConfig) -> Result<Self, WorldError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(WorldError::Config(problems));
        }
        let folder = tempfile::Builder::new()
            .prefix("vantage-world-")
            .tempdir()
            .map_err(WorldError::system("make the world's folder"))?;
        let authority = Authority::generate(clock::wall()).map_err(|error| {
            WorldError::system("make the world's certificate authority")(std::io::Error::other(
                error,
            ))
        })?;
        let ca_file = folder.path().join("ca.pem");
        let ca_pem = authority.ca_pem();
        std::fs::write(&ca_file, &ca_pem)
            .map_err(WorldError::system("write the certificate authority's file"))?;

        let network = Namespace::create()
            .map_err(WorldError::system("make a network namespace (it needs CAP_SYS_ADMIN)"))?;
        wire_up_router(&network).map_err(WorldError::system("prepare the router's namespace"))?;
        let (hosts, ports) = build_hosts(config, &network, folder.path(), &ca_file)?;
        let log = TruthLog::default();
        let router = router::start(RouterSetup {
            namespace: network,
            ports,
            paths: PathTable::new(config),
            seed: config.seed,
            log: log.clone(),
        })?;
        let authority = Arc::new(authority);
        let mut world = Self {
            services: Vec::new(),
            router,
            hosts,
            log,
            config: Mutex::new(config.clone()),
            ca_file,
            ca_pem,
            _folder: folder,
        };
        for (host, spec) in world.hosts.iter().zip(&config.hosts) {
            if !spec.services.is_empty() {
                let services = HostServices::start(host, &spec.services, &authority)?;
                world.services.push(services);
            }
        }
        Ok(world)
    }

    /// Reads a world file and starts its world.
    ///
    /// # Errors
    /// As [`WorldConfig::from_toml`] and [`World::start`].
    pub fn start_toml(text: &str) -> Result<Self, WorldError> {
        Self::start(&WorldConfig::from_toml(text)?)
    }

    /// The configuration it runs by now.
    pub fn config(&self) -> WorldConfig {
        self.config.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A host by name.
    ///
    /// # Errors
    /// [`WorldError::UnknownHost`].
    pub fn host(&self, name: &str) -> Result<&Host, WorldError> {
        self.hosts
            .iter()
            .find(|host| host.name() == name)
            .ok_or_else(|| WorldError::UnknownHost(name.into()))
    }

    /// All hosts, in the order of the configuration.
    pub fn hosts(&self) -> &[Host] {
        &self.hosts
    }

    /// The live switches of a host's service, by its place among the host's services.
    pub fn service(&self, host: &str, number: usize) -> Option<&ServiceHandle> {
        let services = self.services.iter().find(|services| services.host == host)?;
        services.handles.get(number).map(AsRef::as_ref)
    }

    /// The certificate authority that every service's `valid` certificate comes from, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A file with the certificate authority, as long as the world runs.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Begins to record the packets that a host's own link sends and receives.
    ///
    /// # Errors
    /// [`WorldError::UnknownHost`], or the operating system's.
    pub fn capture(&self, host: &str) -> Result<Capture, WorldError> {
        Capture::start(self.host(host)?, &self.hosts)
    }

    /// Changes the paths, the time of day and what services do, while everything runs: packets
    /// under way and connections stay.
    ///
    /// # Errors
    /// Where the new configuration is not sound, or changes what cannot change: the seed, the
    /// hosts and their addresses, the ports and certificates of services. Then nothing changes.
    pub fn change(&self, to: &WorldConfig) -> Result<(), WorldError> {
        // One change at a time: the lock is held until it is complete.
        let mut current = self.config.lock().unwrap_or_else(PoisonError::into_inner);
        let mut problems = to.problems();
        let fixed = |config: &WorldConfig| -> Vec<_> {
            let names = config
                .hosts
                .iter()
                .map(|host| (host.name.clone(), host.resolvers.clone(), host.ping_sockets));
            names.zip(config.addresses()).collect()
        };
        if fixed(&current) != fixed(to) {
            problems
                .push("hosts, addresses and resolvers cannot change while the world runs".into());
        }
        if current.seed != to.seed {
            problems.push("the seed cannot change while the world runs".into());
        }
        for services in &self.services {
            let new = to.hosts.iter().find(|host| host.name == services.host);
            let new = new.map_or(&[][..], |host| &host.services);
            problems.extend(services.obstacles(new));
        }
        let serve = |config: &WorldConfig| {
            config.hosts.iter().filter(|host| !host.services.is_empty()).count()
        };
        if serve(&current) != serve(to) {
            problems.push("services cannot come or go while the world runs".into());
        }
        if !problems.is_empty() {
            return Err(WorldError::Config(problems));
        }
        self.router.change(PathTable::new(to))?;
        for services in &self.services {
            if let Some(host) = to.hosts.iter().find(|host| host.name == services.host) {
                services.change(&host.services)?;
            }
        }
        *current = to.clone();
        Ok(())
    }

    /// How the router has done so far.
    ///
    /// # Errors
    /// When the router has stopped.
    pub fn report(&self) -> Result<RouterReport, WorldError> {
        self.router.report()
    }

    /// What has happened to every packet so far. Packets still under way are not in it.
    ///
    /// # Errors
    /// When the router has stopped.
    pub fn truth(&self) -> Result<Truth, WorldError> {
        // The report makes the router hand over what it has gathered.
        self.router.report()?;
        let (records, not_kept) = self.log.read();
        Ok(Truth::new(records, not_kept))
    }

    /// Like [`World::truth`], and empties the log: the next truth begins here.
    ///
    /// # Errors
    /// When the router has stopped.
    pub fn take_truth(&self) -> Result<Truth, WorldError> {
        self.router.report()?;
        let (records, not_kept) = self.log.take();
        Ok(Truth::new(records, not_kept))
    }
}

fn build_hosts(
    config: &WorldConfig,
    router: &Namespace,
    folder: &Path,
    ca_file: &Path,
) -> Result<(Vec<Host>, Vec<HostPort>), WorldError> {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for (number, (spec, addresses)) in config.hosts.iter().zip(config.addresses()).enumerate() {
        let name = &spec.name;
        let namespace =
            Namespace::create().map_err(WorldError::system(format!("make host {name}")))?;
        let (ipv4, ipv6) = (addresses.ipv4, addresses.ipv6);
        let link = wire_up_host(router, &namespace, number, ipv4, ipv6, spec.ping_sockets)
            .map_err(WorldError::system(format!("wire up host {name}")))?;
        let resolvers = config.resolvers(spec);
        let resolv_conf = match resolvers.as_slice() {
            [] => None,
            servers => Some(
                ResolvConf::write(folder, name, servers)
                    .map_err(WorldError::system(format!("write resolv.conf of host {name}")))?,
            ),
        };
        ports.push(HostPort {
            link: link.index,
            addresses: [addresses.ipv4.into(), addresses.ipv6.into()],
        });
        // A world has at most 250 hosts.
        let position = u16::try_from(number).unwrap_or(u16::MAX);
        hosts.push(Host::new(
            name.clone(),
            position,
            addresses,
            namespace,
            resolv_conf,
            ca_file.to_owned(),
        ));
    }
    Ok((hosts, ports))
}

/// The services of one host: one thread at that host, with a run-time of its own.
#[derive(Debug)]
struct HostServices {
    host: String,
    handles: Vec<Arc<ServiceHandle>>,
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<(), WorldError>>>,
}

impl HostServices {
    fn start(
        host: &Host,
        specs: &[ServiceSpec],
        authority: &Arc<Authority>,
    ) -> Result<Self, WorldError> {
        let stop = CancellationToken::new();
        let (started, outcome) = mpsc::sync_channel(1);
        let task =
            serve(specs.to_vec(), host.addresses(), Arc::clone(authority), stop.clone(), started);
        let thread = host.spawn(move || {
            // No run-time, no service: the caller sees the sender gone.
            if let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build()
            {
                runtime.block_on(task);
            }
        })?;
        let failed = |source| WorldError::Service { host: host.name().into(), source };
        match outcome.recv() {
            Ok(Ok(handles)) => {
                Ok(Self { host: host.name().into(), handles, stop, thread: Some(thread) })
            }
            Ok(Err(source)) => Err(failed(source)),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => Err(failed(ServiceError::Failed("its thread has ended".into()))),
            },
        }
    }

    /// Why the services cannot become these while they run; empty when they can.
    fn obstacles(&self, to: &[ServiceSpec]) -> Vec<String> {
        if self.handles.len() != to.len() {
            return vec![format!(
                "host {:?}: services cannot come or go while the world runs",
                self.host
            )];
        }
        let pairs = self.handles.iter().zip(to).enumerate();
        pairs
            .filter(|(_, (handle, spec))| !handle.can_become(spec))
            .map(|(number, _)| {
                format!(
                    "host {:?}: service {}: only behaviour, admission, records and views can change while the world runs",
                    self.host,
                    number + 1
                )
            })
            .collect()
    }

    fn change(&self, to: &[ServiceSpec]) -> Result<(), WorldError> {
        for (handle, spec) in self.handles.iter().zip(to) {
            handle
                .become_like(spec)
                .map_err(|source| WorldError::Service { host: self.host.clone(), source })?;
        }
        Ok(())
    }
}

impl Drop for HostServices {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by the panic hook already.
            let _ = thread.join();
        }
    }
}

type Started = Result<Vec<Arc<ServiceHandle>>, ServiceError>;

async fn serve(
    specs: Vec<ServiceSpec>,
    bind: [IpAddr; 2],
    authority: Arc<Authority>,
    stop: CancellationToken,
    started: mpsc::SyncSender<Started>,
) {
    let mut handles = Vec::new();
    for spec in &specs {
        match services::start(spec, &bind, &authority, stop.clone()).await {
            Ok(handle) => handles.push(Arc::new(handle)),
            Err(error) => {
                // Nobody waiting for the answer means nobody waiting for the service.
                let _ = started.send(Err(error));
                return;
            }
        }
    }
    let _ = started.send(Ok(handles.clone()));
    stop.cancelled().await;
    for handle in handles {
        handle.ended().await;
    }
}
