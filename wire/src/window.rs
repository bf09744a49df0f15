//! Windows: intervals aligned to the UTC clock, the same for every agent.
//!
//! A window's length divides a day, and its start is a multiple of its length since the Unix
//! epoch. Two agents that never spoke to each other therefore cut time at the same instants, and
//! windows of one length fit into those of a longer length without remainder wherever the longer
//! length is a multiple of the shorter. UTC days here have 86 400 s, leap seconds are not counted.

use std::fmt;

use crate::units::{Micros, UtcMicros};

const DAY_S: u32 = 86_400;

/// The first and last seconds between which every window, of any length, begins and ends at a
/// time that [`UtcMicros`] can express: whole days, about 292 000 years either side of the epoch.
const MAX_UNIX_S: i64 = i64::MAX / 1_000_000 / DAY_S as i64 * DAY_S as i64;
const MIN_UNIX_S: i64 = -MAX_UNIX_S;

/// A length or a start that windows cannot have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// The length is not a whole number of seconds that divides a day.
    #[error("window length of {seconds} s does not divide a day")]
    Length {
        /// The length in seconds.
        seconds: u32,
    },
    /// The start is not a multiple of the length.
    #[error("window start {start_unix_s} is not a multiple of {length}")]
    Misaligned {
        /// The start, in seconds since the Unix epoch.
        start_unix_s: i64,
        /// The length of the window.
        length: WindowLength,
    },
    /// The start is further than about 292 000 years from the Unix epoch.
    #[error("window start {start_unix_s} is out of range")]
    OutOfRange {
        /// The start, in seconds since the Unix epoch.
        start_unix_s: i64,
    },
    /// Windows of the one length do not fit into those of the other.
    #[error("{coarse} is not a multiple of {fine}")]
    NotAMultiple {
        /// The shorter length.
        fine: WindowLength,
        /// The longer length.
        coarse: WindowLength,
    },
}

/// The length of a window: a whole number of seconds, 1 s to 1 day, that divides a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowLength(u32);

impl WindowLength {
    /// One minute: what agents record unless told otherwise.
    pub const MINUTE: Self = Self(60);
    /// Ten minutes: the first step to which a long spool is coarsened.
    pub const TEN_MINUTES: Self = Self(600);
    /// One hour.
    pub const HOUR: Self = Self(3_600);
    /// One UTC day.
    pub const DAY: Self = Self(DAY_S);

    /// A length of `seconds` seconds.
    ///
    /// # Errors
    ///
    /// [`WindowError::Length`] where that does not divide a day.
    pub const fn from_seconds(seconds: u32) -> Result<Self, WindowError> {
        if seconds == 0 || !DAY_S.is_multiple_of(seconds) {
            return Err(WindowError::Length { seconds });
        }
        Ok(Self(seconds))
    }

    /// The length in seconds.
    pub const fn seconds(self) -> u32 {
        self.0
    }

    /// The length as a span.
    pub const fn span(self) -> Micros {
        Micros::from_secs(self.0 as u64)
    }

    /// Whether windows of this length are made of whole windows of length `fine`.
    pub const fn is_multiple_of(self, fine: Self) -> bool {
        self.0.is_multiple_of(fine.0)
    }
}

impl Default for WindowLength {
    fn default() -> Self {
        Self::MINUTE
    }
}

/// Prints in the largest unit that divides the length: `45 s`, `10 min`, `1 h`, `1 d`.
impl fmt::Display for WindowLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (per_unit, unit) = match self.0 {
            s if s.is_multiple_of(DAY_S) => (DAY_S, "d"),
            s if s.is_multiple_of(3_600) => (3_600, "h"),
            s if s.is_multiple_of(60) => (60, "min"),
            _ => (1, "s"),
        };
        write!(f, "{} {unit}", self.0 / per_unit)
    }
}

/// One window: from its start up to, not including, its end. Ordered by start, then by length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Window {
    start_unix_s: i64,
    length: WindowLength,
}

impl Window {
    /// The window of length `length` that begins `start_unix_s` seconds after the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`WindowError::Misaligned`] where no window of this length begins there,
    /// [`WindowError::OutOfRange`] more than about 292 000 years from the epoch.
    pub const fn new(start_unix_s: i64, length: WindowLength) -> Result<Self, WindowError> {
        if start_unix_s < MIN_UNIX_S || start_unix_s > MAX_UNIX_S - length.0 as i64 {
            return Err(WindowError::OutOfRange { start_unix_s });
        }
        if start_unix_s.rem_euclid(length.0 as i64) != 0 {
            return Err(WindowError::Misaligned { start_unix_s, length });
        }
        Ok(Self { start_unix_s, length })
    }

    /// The window of length `length` that `time` falls into.
    ///
    /// Within a day of the ends of what [`UtcMicros`] can express there is no whole window; such a
    /// time gets the nearest one.
    pub const fn containing(time: UtcMicros, length: WindowLength) -> Self {
        Self::clamped(time.unix_seconds_floor(), length)
    }

    const fn clamped(unix_s: i64, length: WindowLength) -> Self {
        let last_start = MAX_UNIX_S - length.0 as i64;
        let unix_s = if unix_s < MIN_UNIX_S {
            MIN_UNIX_S
        } else if unix_s > last_start {
            last_start
        } else {
            unix_s
        };
        Self { start_unix_s: unix_s - unix_s.rem_euclid(length.0 as i64), length }
    }

    /// The first instant of the window.
    pub const fn start(self) -> UtcMicros {
        UtcMicros::new(self.start_unix_s * 1_000_000)
    }

    /// The first instant after the window.
    pub const fn end(self) -> UtcMicros {
        UtcMicros::new((self.start_unix_s + self.length.0 as i64) * 1_000_000)
    }

    /// The start in seconds since the Unix epoch.
    pub const fn start_unix_s(self) -> i64 {
        self.start_unix_s
    }

    /// The length.
    pub const fn length(self) -> WindowLength {
        self.length
    }

    /// Whether `time` falls into the window.
    pub fn contains(self, time: UtcMicros) -> bool {
        self.start() <= time && time < self.end()
    }

    /// The window that follows. The last one that can be expressed, some 292 000 years from now,
    /// follows itself.
    #[must_use]
    pub const fn next(self) -> Self {
        Self::clamped(self.start_unix_s + self.length.0 as i64, self.length)
    }

    /// The window before. The first one that can be expressed precedes itself.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self::clamped(self.start_unix_s - self.length.0 as i64, self.length)
    }

    /// The window of length `coarse` that this one lies in.
    ///
    /// # Errors
    ///
    /// [`WindowError::NotAMultiple`] where windows of this length do not fit into it.
    pub const fn coarsen(self, coarse: WindowLength) -> Result<Self, WindowError> {
        if !coarse.is_multiple_of(self.length) {
            return Err(WindowError::NotAMultiple { fine: self.length, coarse });
        }
        Ok(Self::clamped(self.start_unix_s, coarse))
    }

    /// The windows of length `fine` that make up this one, in order of time.
    ///
    /// # Errors
    ///
    /// [`WindowError::NotAMultiple`] where such windows do not fit into this one.
    pub fn split(self, fine: WindowLength) -> Result<impl Iterator<Item = Self>, WindowError> {
        if !self.length.is_multiple_of(fine) {
            return Err(WindowError::NotAMultiple { fine, coarse: self.length });
        }
        let start = self.start_unix_s;
        let starts = (0..self.length.0 / fine.0).map(move |n| start + i64::from(n * fine.0));
        Ok(starts.map(move |start_unix_s| Self { start_unix_s, length: fine }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lengths() -> impl Strategy<Value = WindowLength> {
        let all: Vec<_> = (1..=DAY_S).filter_map(|s| WindowLength::from_seconds(s).ok()).collect();
        proptest::sample::select(all)
    }

    #[test]
    fn lengths_divide_a_day() {
        for seconds in [0, 7, 61, 86_399, 86_401, 172_800] {
            assert_eq!(WindowLength::from_seconds(seconds), Err(WindowError::Length { seconds }));
        }
        assert_eq!(WindowLength::from_seconds(60), Ok(WindowLength::default()));
    }

    #[test]
    fn lengths_print_in_their_largest_unit() {
        let print = |s| WindowLength::from_seconds(s).unwrap().to_string();
        assert_eq!(
            [45, 60, 600, 5_400, 7_200, 86_400].map(print),
            ["45 s", "1 min", "10 min", "90 min", "2 h", "1 d"]
        );
    }

    #[test]
    fn times_before_the_epoch_round_towards_the_past() {
        let window = Window::containing(UtcMicros::new(-1), WindowLength::MINUTE);
        assert_eq!(window.start_unix_s(), -60);
        assert_eq!(window.end(), UtcMicros::EPOCH);
    }

    #[test]
    fn start_must_be_aligned_and_in_range() {
        let length = WindowLength::MINUTE;
        assert_eq!(
            Window::new(61, length),
            Err(WindowError::Misaligned { start_unix_s: 61, length })
        );
        assert_eq!(
            Window::new(i64::MIN, length),
            Err(WindowError::OutOfRange { start_unix_s: i64::MIN })
        );
    }

    #[test]
    fn lengths_that_do_not_nest_are_refused() {
        let fine = WindowLength::from_seconds(45).unwrap();
        let window = Window::containing(UtcMicros::EPOCH, fine);
        let error = WindowError::NotAMultiple { fine, coarse: WindowLength::MINUTE };
        assert_eq!(window.coarsen(WindowLength::MINUTE), Err(error));
        let minute = Window::containing(UtcMicros::EPOCH, WindowLength::MINUTE);
        assert_eq!(minute.split(fine).err(), Some(error));
    }

    proptest! {
        #[test]
        fn window_contains_its_time(time in -(1_i64 << 62)..(1 << 62), length in lengths()) {
            let time = UtcMicros::new(time);
            let window = Window::containing(time, length);
            prop_assert!(window.contains(time));
            prop_assert_eq!(Window::new(window.start_unix_s(), length), Ok(window));
            prop_assert_eq!(window.next().start(), window.end());
            prop_assert_eq!(window.next().previous(), window);
            prop_assert!(!window.contains(window.end()));
        }

        #[test]
        fn any_time_has_a_window_of_full_length(time: i64, length in lengths()) {
            for window in [
                Window::containing(UtcMicros::new(time), length),
                Window::containing(UtcMicros::new(time), length).next(),
                Window::containing(UtcMicros::new(time), length).previous(),
            ] {
                prop_assert_eq!(Window::new(window.start_unix_s(), length), Ok(window));
                let span = window.end().calendar_difference_us(window.start());
                prop_assert_eq!(span, Some(i64::from(length.seconds()) * 1_000_000));
            }
        }

        #[test]
        fn fine_windows_tile_the_coarse_one(time in -(1_i64 << 62)..(1 << 62), coarse in lengths(), fine in lengths()) {
            let window = Window::containing(UtcMicros::new(time), coarse);
            let Ok(parts) = window.split(fine) else {
                prop_assert!(!coarse.is_multiple_of(fine));
                return Ok(());
            };
            let mut expected_start = window.start();
            for part in parts {
                prop_assert_eq!(part.start(), expected_start);
                prop_assert_eq!(part.coarsen(coarse), Ok(window));
                expected_start = part.end();
            }
            prop_assert_eq!(expected_start, window.end());
        }
    }
}
