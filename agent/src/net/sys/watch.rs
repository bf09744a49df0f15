//! Waiting for a socket.

use std::io;

use socket2::Socket;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What sockets are watched for: packets, and entries in the queue of errors.
pub const PACKETS_AND_ERRORS: Interest = Interest::READABLE.add(Interest::ERROR);

/// Has the run-time watch a socket, which must not block, for packets and errors.
///
/// # Errors
/// The operating system's.
pub fn watch(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a `Socket` owns its descriptor and keeps the same one until it is dropped; it is
    // moved into the `AsyncFd`, which lends it out by shared reference only, and through that
    // nothing closes or replaces it.
    let watched = unsafe { AsyncFd::register_with_interest(socket, PACKETS_AND_ERRORS) };
    watched.map_err(|error| error.into_parts().1)
}
