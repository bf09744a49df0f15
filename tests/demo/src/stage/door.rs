//! The way in from this machine: a port of its own loopback that leads to the aggregator, which is
//! in a network that this machine knows nothing of.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::fd::AsFd as _;

use nix::sys::socket::{getsockopt, sockopt};
use tokio::io::copy_bidirectional;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::PORT;

/// Connections at once; more wait.
const MOST: usize = 64;

/// Opens the port, before anything else: this process may go on in another network namespace, by
/// starting itself anew, and a socket stays where it was opened. It takes the place of standard
/// input, which the demo never reads and which a new program inherits.
///
/// # Errors
/// The operating system's.
pub fn open_door() -> io::Result<()> {
    if taken_door()?.is_some() {
        return Ok(());
    }
    // The usual port, or any where that is taken.
    let usual = TcpListener::bind((Ipv4Addr::LOCALHOST, PORT));
    let listener = usual.or_else(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))?;
    nix::unistd::dup2_stdin(&listener)?;
    Ok(())
}

/// The port that was opened, if it was.
///
/// # Errors
/// The operating system's.
pub fn taken_door() -> io::Result<Option<Door>> {
    let stdin = io::stdin();
    // Anything but a socket has no such option.
    if !getsockopt(&stdin, sockopt::AcceptConn).unwrap_or(false) {
        return Ok(None);
    }
    let listener = TcpListener::from(stdin.as_fd().try_clone_to_owned()?);
    let address = listener.local_addr()?;
    Ok(Some(Door { listener, address }))
}

/// An open port of this machine.
#[derive(Debug)]
pub struct Door {
    listener: TcpListener,
    /// Where it is.
    pub address: SocketAddr,
}

impl Door {
    /// Leads every connection to the aggregator, which the calling thread's network has at its
    /// loopback: whoever sits at this machine is taken for somebody at the aggregator's.
    ///
    /// # Errors
    /// The operating system's, where connections cannot be accepted.
    pub async fn lead_in(self, stop: CancellationToken) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(self.listener)?;
        let mut passing = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                accepted = listener.accept(), if passing.len() < MOST => {
                    let (mut outside, _) = accepted?;
                    passing.spawn(async move {
                        let mut inside = TcpStream::connect((Ipv4Addr::LOCALHOST, PORT)).await?;
                        copy_bidirectional(&mut outside, &mut inside).await
                    });
                }
                // How a connection ended is the affair of its two ends.
                _ = passing.join_next(), if !passing.is_empty() => {}
            }
        }
    }
}
