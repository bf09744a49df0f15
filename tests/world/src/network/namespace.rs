//! Network namespaces without names.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network namespace, alive as long as this value or any process inside it.
#[derive(Debug, Clone)]
pub struct Namespace {
    fd: Arc<OwnedFd>,
}

impl Namespace {
    /// Makes an empty namespace: a loopback link that is down, nothing else.
    ///
    /// # Errors
    /// The operating system's; `EPERM` without `CAP_SYS_ADMIN`.
    pub fn create() -> io::Result<Self> {
        // A thread of its own: `unshare` moves the calling thread, which must stay where it is.
        in_new_thread(|| {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let fd = std::fs::File::open("/proc/thread-self/ns/net")?;
            Ok(Self { fd: Arc::new(fd.into()) })
        })?
    }

    /// Moves the calling thread into the namespace, for good. Threads and processes it starts
    /// later begin there too; sockets it opened earlier stay where they were.
    ///
    /// # Errors
    /// The operating system's.
    pub fn enter(&self) -> io::Result<()> {
        setns(self.fd.as_fd(), CloneFlags::CLONE_NEWNET)?;
        Ok(())
    }

    /// Runs `work` in a thread inside the namespace and waits for it.
    ///
    /// # Errors
    /// Where the namespace cannot be entered or no thread can be started.
    ///
    /// # Panics
    /// With the panic of `work`.
    pub fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        in_new_thread(|| {
            self.enter()?;
            Ok(work())
        })?
    }

    /// The descriptor that keeps the namespace alive.
    pub fn fd(&self) -> &Arc<OwnedFd> {
        &self.fd
    }
}

fn in_new_thread<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<T> {
    thread::scope(|scope| {
        let worker = thread::Builder::new().name("namespace".into()).spawn_scoped(scope, work)?;
        Ok(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
