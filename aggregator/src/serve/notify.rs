//! Telling systemd how the process is (`sd_notify(3)`): one datagram to the socket that it names.

use std::ffi::OsString;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The supervisor, or nobody where the process was not started by one.
#[derive(Debug)]
pub struct Supervisor(Option<UnixDatagram>);

impl Supervisor {
    /// The supervisor behind the socket that `NOTIFY_SOCKET` names.
    pub fn at(socket: Option<OsString>) -> Self {
        let connect = |name: OsString| {
            let address = match name.as_bytes() {
                // An abstract socket is written with `@` for its leading zero byte.
                [b'@', rest @ ..] => SocketAddr::from_abstract_name(rest),
                _ => SocketAddr::from_pathname(&name),
            };
            let datagrams = UnixDatagram::unbound()?;
            datagrams.connect_addr(&address?)?;
            std::io::Result::Ok(datagrams)
        };
        Self(socket.and_then(|name| {
            connect(name)
                .inspect_err(|error| tracing::warn!(%error, "cannot reach the supervisor"))
                .ok()
        }))
    }

    /// The process takes on work.
    pub fn ready(&self) {
        self.say("READY=1");
    }

    /// The process is draining.
    pub fn stopping(&self) {
        self.say("STOPPING=1");
    }

    fn say(&self, state: &str) {
        if let Some(Err(error)) = self.0.as_ref().map(|socket| socket.send(state.as_bytes())) {
            tracing::warn!(%error, state, "cannot tell the supervisor");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_supervisor_hears_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let heard = UnixDatagram::bind(&path).unwrap();
        let supervisor = Supervisor::at(Some(path.into_os_string()));
        let mut said = [0; 64];
        supervisor.ready();
        let length = heard.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"READY=1");
        supervisor.stopping();
        let length = heard.recv(&mut said).unwrap();
        assert_eq!(&said[..length], b"STOPPING=1");
    }

    #[test]
    fn without_a_supervisor_nothing_happens() {
        Supervisor::at(None).ready();
        Supervisor::at(Some("/nowhere/at/all".into())).ready();
    }
}
