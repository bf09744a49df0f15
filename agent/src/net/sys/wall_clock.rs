//! The clock that the kernel stamps packets by.

/// A reading of the wall clock (`CLOCK_REALTIME`), by which the kernel stamps packets: nanoseconds
/// since the Unix epoch. That clock may step, so the difference of two readings is a span only
/// where something else shows that it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct WallTime(i128);

impl WallTime {
    /// Reads the clock.
    pub fn now() -> Self {
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: `time` lives across the call. The call cannot fail: the clock exists on every
        // Linux kernel.
        unsafe { libc::clock_gettime(libc::CLOCK_REALTIME, &raw mut time) };
        Self::from_timespec(time)
    }

    /// The reading that a kernel's `timespec` stands for.
    pub fn from_timespec(time: libc::timespec) -> Self {
        Self::from_parts(time.tv_sec, time.tv_nsec)
    }

    /// The reading of so many seconds and nanoseconds since the Unix epoch.
    pub fn from_parts(seconds: i64, nanos: i64) -> Self {
        Self(i128::from(seconds) * 1_000_000_000 + i128::from(nanos))
    }

    /// Nanoseconds from `earlier` to this reading, negative where it is in fact later.
    pub fn nanos_since(self, earlier: Self) -> i128 {
        self.0 - earlier.0
    }

    /// The reading so many nanoseconds after this one, or before.
    #[must_use]
    pub fn moved(self, nanos: i128) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}
