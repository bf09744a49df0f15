//! Telling systemd how the process is (`sd_notify(3)`): datagrams to the socket that it names.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Signs of life come more often than they are wanted, by this factor.
const TURNS_IN_LIMIT: u32 = 2;
/// The shortest time between two signs of life.
const SHORTEST_TURN: Duration = Duration::from_millis(1);

/// The service manager, or nobody where the process was not started by one.
#[derive(Clone, Debug, Default)]
pub struct Supervisor {
    socket: Option<Arc<UnixDatagram>>,
    /// It kills a process that was silent for so long.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// The one that the environment names: `NOTIFY_SOCKET`, `WATCHDOG_USEC`. One that cannot be
    /// reached is logged, and then is nobody.
    pub fn from_environment() -> Self {
        Self::at(std::env::var_os("NOTIFY_SOCKET"), std::env::var_os("WATCHDOG_USEC"))
    }

    fn at(socket: Option<OsString>, watchdog: Option<OsString>) -> Self {
        let socket = socket.and_then(|name| match connect(&name) {
            Ok(socket) => Some(Arc::new(socket)),
            Err(error) => {
                tracing::warn!(%error, "cannot reach the service manager");
                None
            }
        });
        let watchdog = watchdog.and_then(|text| text.to_str()?.parse().ok());
        Self { socket, watchdog: watchdog.map(Duration::from_micros) }
    }

    /// The process does its work.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// The process was told to end and finishes what it has begun.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }

    /// Says from time to time that the run-time still takes turns, until stopped.
    pub async fn keep_alive(&self, stop: &CancellationToken) {
        let Some(limit) = self.watchdog else { return stop.cancelled().await };
        let mut turns = tokio::time::interval((limit / TURNS_IN_LIMIT).max(SHORTEST_TURN));
        while stop.run_until_cancelled(turns.tick()).await.is_some() {
            self.say("WATCHDOG=1");
        }
    }

    fn say(&self, state: &str) {
        if let Some(Err(error)) = self.socket.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(%error, state, "cannot tell the service manager");
        }
    }
}

fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let address = match name.as_bytes() {
        // An abstract socket is written with `@` for its leading zero byte.
        [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
        _ => SocketAddr::from_pathname(name),
    };
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address?)?;
    // One that does not listen must not hold the process up.
    socket.set_nonblocking(true)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(socket: &UnixDatagram) -> String {
        let mut said = [0; 64];
        let length = socket.recv(&mut said).unwrap();
        String::from_utf8(said[..length].to_vec()).unwrap()
    }

    #[test]
    fn the_service_manager_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::at(Some(path.into_os_string()), None);
        supervisor.ready();
        supervisor.stopping();
        assert_eq!([heard(&manager), heard(&manager)], ["READY=1", "STOPPING=1"]);
    }

    #[test]
    fn a_socket_may_have_no_file() {
        let name = format!("vantage-test-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        Supervisor::at(Some(format!("@{name}").into()), None).ready();
        assert_eq!(heard(&manager), "READY=1");
    }

    #[tokio::test(start_paused = true)]
    async fn signs_of_life_come_in_time_until_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        manager.set_nonblocking(true).unwrap();
        let supervisor = Supervisor::at(Some(path.into_os_string()), Some("3000000".into()));
        let stop = CancellationToken::new();
        let while_it_lives = tokio::time::sleep(Duration::from_secs(9));
        tokio::select! {
            () = supervisor.keep_alive(&stop) => panic!("it was not stopped"),
            () = while_it_lives => {}
        }
        for _ in 0..6 {
            assert_eq!(heard(&manager), "WATCHDOG=1");
        }
        stop.cancel();
        supervisor.keep_alive(&stop).await;
    }

    #[tokio::test]
    async fn without_a_service_manager_nothing_happens() {
        for socket in [None, Some("/nowhere/at/all".into())] {
            let supervisor = Supervisor::at(socket, Some("soon".into()));
            supervisor.ready();
            supervisor.stopping();
            let stop = CancellationToken::new();
            stop.cancel();
            supervisor.keep_alive(&stop).await;
        }
    }
}
