//! quinn's background tasks, ended with the attempt that they work for.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime};
use tokio::task::JoinSet;

/// Runs quinn's tasks; dropping it ends them.
#[derive(Debug, Default)]
pub struct Drivers {
    tasks: Arc<Tasks>,
}

impl Drivers {
    /// What quinn is given.
    pub fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.tasks) as Arc<dyn Runtime>
    }
}

impl Drop for Drivers {
    fn drop(&mut self) {
        // The tasks themselves hold the runtime, so that its end cannot be theirs.
        self.tasks.running.lock().unwrap_or_else(PoisonError::into_inner).abort_all();
    }
}

/// tokio, with the tasks kept.
#[derive(Debug, Default)]
struct Tasks {
    running: Mutex<JoinSet<()>>,
}

impl Runtime for Tasks {
    fn new_timer(&self, at: std::time::Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, driver: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.running.lock().unwrap_or_else(PoisonError::into_inner).spawn(driver);
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn now(&self) -> std::time::Instant {
        TokioRuntime.now()
    }
}
