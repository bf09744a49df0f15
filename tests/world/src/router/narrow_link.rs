//! A link of limited speed: one packet at a time, the others wait in a bounded queue.

use std::time::Duration;

use crate::clock::Nanos;
use crate::config::Bandwidth;

/// The state of a narrow link.
#[derive(Debug, Clone, Copy, Default)]
pub struct NarrowLink {
    free_at: Nanos,
}

impl NarrowLink {
    /// When a packet that arrives now has left the link; `None` when its queue has no room.
    pub fn pass(&mut self, limit: Bandwidth, arrival: Nanos, bytes: usize) -> Option<Nanos> {
        let waiting = self.free_at.since(arrival);
        let rate_bytes_per_s = limit.rate_kbps as f64 * 125.0;
        let waiting_bytes = waiting.as_secs_f64() * rate_bytes_per_s;
        if waiting_bytes + bytes as f64 > limit.queue_bytes as f64 {
            return None;
        }
        let takes = Duration::from_secs_f64(bytes as f64 / rate_bytes_per_s);
        self.free_at = self.free_at.max(arrival) + takes;
        Some(self.free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_leave_one_after_the_other_and_the_queue_is_bounded() {
        let limit = Bandwidth { rate_kbps: 8, queue_bytes: 3000 };
        let mut link = NarrowLink::default();
        let now = Nanos(5_000_000_000);
        // 1000 bytes at 1000 bytes/s take a second each; the third finds 2000 bytes waiting.
        assert_eq!(link.pass(limit, now, 1000), Some(now + Duration::from_secs(1)));
        assert_eq!(link.pass(limit, now, 1000), Some(now + Duration::from_secs(2)));
        assert_eq!(link.pass(limit, now, 1000), Some(now + Duration::from_secs(3)));
        assert_eq!(link.pass(limit, now, 1000), None);
        let later = now + Duration::from_secs(10);
        assert_eq!(link.pass(limit, later, 1000), Some(later + Duration::from_secs(1)));
    }
}
