//! Telling systemd that the agent is ready, alive, stopping (`sd_notify(3)`).

use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// The service manager, or nobody.
#[derive(Debug, Clone, Default)]
pub struct Systemd {
    socket: Option<Arc<UnixDatagram>>,
    watchdog: Option<Duration>,
}

impl Systemd {
    /// The service manager that the environment names: `NOTIFY_SOCKET`, `WATCHDOG_USEC`.
    pub fn from_environment() -> Self {
        let socket = std::env::var_os("NOTIFY_SOCKET").and_then(|path| {
            let address = match path.as_bytes().strip_prefix(b"@") {
                Some(name) => SocketAddr::from_abstract_name(name),
                None => SocketAddr::from_pathname(&path),
            };
            let socket = UnixDatagram::unbound().ok()?;
            socket.connect_addr(&address.ok()?).ok()?;
            Some(Arc::new(socket))
        });
        let watchdog = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
        Self { socket, watchdog: watchdog.map(Duration::from_micros) }
    }

    /// Tells a state, such as `READY=1`. Whether it is heard matters to nobody here.
    pub fn tell(&self, state: &str) {
        if let Some(socket) = &self.socket {
            let _ = socket.send(state.as_bytes());
        }
    }

    /// Says from time to time that the run-time still takes turns, until stopped.
    pub async fn keep_alive(&self, stop: &CancellationToken) {
        let Some(limit) = self.watchdog else { return stop.cancelled().await };
        let mut turns = tokio::time::interval(limit.max(Duration::from_millis(2)) / 2);
        while stop.run_until_cancelled(turns.tick()).await.is_some() {
            self.tell("WATCHDOG=1");
        }
    }
}
