//! Real-time scheduling of the calling thread.

use std::fmt;

/// How the kernel schedules a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SchedulingClass {
    /// `SCHED_FIFO`: runs as soon as it is woken, before every ordinary thread.
    RealTime,
    /// The default class: waits its turn behind whatever else is running.
    Ordinary,
}

impl fmt::Display for SchedulingClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RealTime => "SCHED_FIFO",
            Self::Ordinary => "ordinary scheduling",
        })
    }
}

/// Asks for real-time scheduling of the calling thread and says what it got.
///
/// Needs `CAP_SYS_NICE` in the initial user namespace or an `RLIMIT_RTPRIO`; without them the
/// thread stays in the default class, with its timer slack at the least.
pub fn go_real_time() -> SchedulingClass {
    // The lowest real-time priority is above every ordinary thread and below the kernel's own.
    let parameters = libc::sched_param { sched_priority: 1 };
    // SAFETY: `parameters` lives across the call; 0 is the calling thread.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const parameters) };
    if result == 0 {
        return SchedulingClass::RealTime;
    }
    // Ordinary threads sleep up to 50 µs longer than asked unless told otherwise; refusal only
    // costs accuracy, which the router's own lateness histogram shows.
    let _ = nix::sys::prctl::set_timerslack(1);
    SchedulingClass::Ordinary
}
