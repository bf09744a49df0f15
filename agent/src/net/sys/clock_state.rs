//! Whether somebody keeps the machine's clock right.

use std::io;
use std::mem::MaybeUninit;
use std::time::Duration;

/// What the kernel knows about the wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockState {
    /// Whether a daemon keeps it right.
    pub synchronised: bool,
    /// How far it may be off, by that daemon's estimate.
    pub worst_error: Duration,
}

/// Asks the kernel (`adjtimex(2)`) and changes nothing.
///
/// # Errors
/// The operating system's: sandboxes may forbid the call.
pub fn clock_state() -> io::Result<ClockState> {
    // SAFETY: all bytes zero is a value of this structure of integers; no mode means that the
    // kernel only reads the clock.
    let mut state: libc::timex = unsafe { MaybeUninit::zeroed().assume_init() };
    // SAFETY: `state` lives across the call, and has the size that the kernel expects.
    let result = unsafe { libc::adjtimex(&raw mut state) };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    let synchronised = result != libc::TIME_ERROR && state.status & libc::STA_UNSYNC == 0;
    let worst_error = Duration::from_micros(u64::try_from(state.maxerror).unwrap_or(0));
    Ok(ClockState { synchronised, worst_error })
}
