//! One host of a world: a place to run threads and programs in.

use std::ffi::OsStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::process::Command;
use std::thread::{self, JoinHandle};

use crate::config::HostAddresses;
use crate::error::WorldError;
use crate::network::{Namespace, ResolvConf};
use crate::sys::start_in_namespace;

/// A host.
#[derive(Debug)]
pub struct Host {
    name: String,
    position: u16,
    addresses: HostAddresses,
    namespace: Namespace,
    resolv_conf: Option<ResolvConf>,
    ca_file: PathBuf,
}

impl Host {
    pub(crate) fn new(
        name: String,
        position: u16,
        addresses: HostAddresses,
        namespace: Namespace,
        resolv_conf: Option<ResolvConf>,
        ca_file: PathBuf,
    ) -> Self {
        Self { name, position, addresses, namespace, resolv_conf, ca_file }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its position in the configuration, by which the truth log names it.
    pub fn position(&self) -> u16 {
        self.position
    }

    /// Its IPv4 address.
    pub fn ipv4(&self) -> Ipv4Addr {
        self.addresses.ipv4
    }

    /// Its IPv6 address.
    pub fn ipv6(&self) -> Ipv6Addr {
        self.addresses.ipv6
    }

    /// Both of its addresses.
    pub fn addresses(&self) -> [IpAddr; 2] {
        [self.addresses.ipv4.into(), self.addresses.ipv6.into()]
    }

    /// Its network.
    pub(crate) fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Moves the calling thread to this host for good: its network, and its `/etc/resolv.conf`
    /// where it has one. Threads and programs that the thread starts later begin there too;
    /// sockets it opened before stay where they were.
    ///
    /// # Errors
    /// The operating system's.
    pub fn enter(&self) -> Result<(), WorldError> {
        let enter = || -> io::Result<()> {
            self.namespace.enter()?;
            self.resolv_conf.as_ref().map_or(Ok(()), ResolvConf::bind)
        };
        enter().map_err(WorldError::system(format!("enter host {}", self.name)))
    }

    /// Runs `work` in a thread at this host and waits for it.
    ///
    /// # Errors
    /// Where the host cannot be entered or no thread be started.
    ///
    /// # Panics
    /// With the panic of `work`.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> Result<T, WorldError> {
        thread::scope(|scope| {
            let worker = thread::Builder::new()
                .name(self.name.clone())
                .spawn_scoped(scope, || {
                    self.enter()?;
                    Ok(work())
                })
                .map_err(WorldError::system("start a thread"))?;
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    }

    /// Runs `work` in a thread at this host, beside the caller. The thread's result carries an
    /// error where the host could not be entered.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn spawn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<JoinHandle<Result<T, WorldError>>, WorldError> {
        let (network, resolv_conf) = (self.namespace.clone(), self.resolv_conf.clone());
        let failed = WorldError::system(format!("enter host {}", self.name));
        thread::Builder::new()
            .name(self.name.clone())
            .spawn(move || {
                network
                    .enter()
                    .and_then(|()| resolv_conf.as_ref().map_or(Ok(()), ResolvConf::bind))
                    .map_err(failed)?;
                Ok(work())
            })
            .map_err(WorldError::system("start a thread"))
    }

    /// A program to be started at this host. It finds the world's certificate authority in
    /// `SSL_CERT_FILE` and the host's name in `WORLD_HOST`.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env("WORLD_HOST", &self.name).env("SSL_CERT_FILE", &self.ca_file);
        start_in_namespace(&mut command, self.namespace.fd().clone(), self.resolv_conf.clone());
        command
    }
}
