//! Waiting for a socket or a timer.

use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

use nix::sys::timerfd::TimerFd;
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

/// A timer of the kernel, as the run-time wants it.
#[derive(Debug)]
pub struct Timer(pub TimerFd);

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

/// Has the run-time watch a timer, which must not block, for its expiry.
///
/// # Errors
/// The operating system's.
pub fn watch_timer(timer: TimerFd) -> io::Result<AsyncFd<Timer>> {
    // SAFETY: a `TimerFd` owns its descriptor and keeps the same one until it is dropped; it is
    // moved into the `AsyncFd`, which lends it out by shared reference only.
    let watched = unsafe { AsyncFd::register_with_interest(Timer(timer), Interest::READABLE) };
    watched.map_err(|error| error.into_parts().1)
}
