//! Waking up on time.
//!
//! The run-time's own timers count in milliseconds: an attempt that they start begins up to a
//! millisecond late, and its total, which counts from when it was due, is as much too long. A
//! timer of the kernel wakes within some tens of microseconds.

use std::future::Future;
use std::io;

use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};

use crate::net::{Timer, watch_timer};

/// Something that waits for a moment.
pub trait Alarm: Send {
    /// Returns at the moment or as soon after it as it can, never before. Giving up the wait is
    /// harmless.
    fn until(&mut self, at: Instant) -> impl Future<Output = ()> + Send;
}

/// The run-time's timers, which follow a paused clock in tests.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuntimeAlarm;

impl Alarm for RuntimeAlarm {
    async fn until(&mut self, at: Instant) {
        sleep_until(at).await;
    }
}

/// A timer of the kernel (`timerfd`, monotonic clock).
#[derive(Debug)]
pub struct KernelAlarm {
    timer: AsyncFd<Timer>,
}

impl KernelAlarm {
    /// Opens a timer; must be called within the run-time.
    ///
    /// # Errors
    /// The operating system's, such as `EMFILE`.
    pub fn open() -> io::Result<Self> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        let timer = TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?;
        Ok(Self { timer: watch_timer(timer)? })
    }

    async fn wait(&self, at: Instant) -> io::Result<()> {
        loop {
            let left = at.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            let once = Expiration::OneShot(TimeSpec::from_duration(left));
            self.timer.get_ref().0.set(once, TimerSetTimeFlags::empty())?;
            let mut ready = self.timer.readable().await?;
            // Reading takes the expiry away; where there is none, this was the one of an earlier
            // wait, and the loop goes on. Either way nothing is there until the timer is set again:
            // else the next wait would look for it at once, and set the timer twice.
            let _ = ready.try_io(|timer| Ok(timer.get_ref().0.wait()?));
            ready.clear_ready();
        }
    }
}

impl Alarm for KernelAlarm {
    async fn until(&mut self, at: Instant) {
        if self.wait(at).await.is_err() {
            // Late by a millisecond at most, which is better than not at all.
            sleep_until(at).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn it_never_wakes_early_and_survives_waits_given_up() {
        let mut alarm = KernelAlarm::open().unwrap();
        let start = Instant::now();
        for n in 1..=20 {
            let at = start + Duration::from_micros(1_700) * n;
            let far = alarm.until(at + Duration::from_mins(1));
            let _ = tokio::time::timeout(Duration::from_micros(100), far).await;
            alarm.until(at).await;
            assert!(Instant::now() >= at);
        }
    }
}
