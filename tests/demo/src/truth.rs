//! What the agents measured, held against the packets it was made of.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use vantage_wire::{LatencyHistogram, Micros, VantageId};
use vantage_world::clock::Nanos;
use vantage_world::truth::{PacketKey, TcpFlags, Truth, Verdict};
use vantage_world::{Host, RouterReport, World};

use crate::scenario::HTTPS;

/// A handshake agrees with its packets where it is no further from them than this. Most are exact; where
/// a SYN was sent again, it is the agent's own clock that tells, on a machine that may be busy.
const AGREES_WITHIN: Duration = Duration::from_millis(1);
/// Or, of a long one, than this share of it.
const AGREES_WITHIN_SHARE: f64 = 0.005;

/// Every TCP handshake that the agents timed, beside the one that the router saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TruthCheck {
    /// Handshakes that the agents timed.
    pub measured: u64,
    /// Handshakes that the router saw completed.
    pub seen_by_router: u64,
    /// Of the measured ones, those no further than `agrees_within_us` from a handshake of the same pair
    /// of hosts; each of these is used once.
    pub agreeing: u64,
    /// How far apart they may be, in µs.
    pub agrees_within_us: u64,
    /// Or which share of the handshake, where that is more.
    pub agrees_within_share: f64,
    /// The median of the distances, in µs, beyond what the histogram's buckets leave open.
    pub off_p50_us: u64,
    /// Their 99th percentile, in µs.
    pub off_p99_us: u64,
    /// Pairs of hosts.
    pub pairs: usize,
    /// Packets that the router decided on.
    pub packets: usize,
    /// How much later than due the router sent packets: the median, in µs.
    pub router_late_p50_us: u64,
    /// The 99th percentile of the same, in µs.
    pub router_late_p99_us: u64,
}

impl TruthCheck {
    /// Compares; each measured handshake with the nearest that is left of the same pair.
    pub fn new(
        measured: &BTreeMap<(VantageId, IpAddr), LatencyHistogram>,
        truth: &Truth,
        router: &RouterReport,
        world: &World,
    ) -> Self {
        let mut seen = completed(truth);
        let seen_by_router = seen.values().map(|all| all.len() as u64).sum();
        let mut distances = Vec::new();
        let (mut count, mut agreeing) = (0, 0);
        for ((vantage, address), histogram) in measured {
            let position = |wanted: &dyn Fn(&Host) -> bool| {
                world.hosts().iter().find(|host| wanted(host)).map(Host::position)
            };
            let pair = position(&|host: &Host| host.name() == vantage.as_str())
                .zip(position(&|host: &Host| host.addresses().contains(address)));
            let Some(left) = pair.and_then(|pair| seen.get_mut(&pair)) else {
                count += histogram.count();
                continue;
            };
            for bucket in histogram.buckets() {
                for _ in 0..bucket.count {
                    count += 1;
                    let Some(off) = take_nearest(left, bucket.lowest, bucket.highest) else {
                        continue;
                    };
                    let share = Duration::from(bucket.lowest).mul_f64(AGREES_WITHIN_SHARE);
                    agreeing += u64::from(off <= AGREES_WITHIN.max(share));
                    distances.push(off);
                }
            }
        }
        distances.sort_unstable();
        let quantile = |share: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a place in a list"
            )]
            let place = (share * distances.len() as f64) as usize;
            distances.get(place).map_or(0, |distance| micros(*distance))
        };
        let late = |share| router.lateness.quantile(share).map_or(0, Micros::get);
        Self {
            measured: count,
            seen_by_router,
            agreeing,
            agrees_within_us: micros(AGREES_WITHIN),
            agrees_within_share: AGREES_WITHIN_SHARE,
            off_p50_us: quantile(0.5),
            off_p99_us: quantile(0.99),
            pairs: measured.len(),
            packets: truth.records().len(),
            router_late_p50_us: late(0.5),
            router_late_p99_us: late(0.99),
        }
    }
}

fn micros(span: Duration) -> u64 {
    Micros::from_duration_saturating(span).get()
}

/// The completed handshakes of each pair of hosts, sorted: from the first SYN, which is when the
/// client began to wait, to the first SYN-ACK that reached it.
fn completed(truth: &Truth) -> HashMap<(u16, u16), Vec<Duration>> {
    let mut begun: HashMap<(u16, u16, u16), Nanos> = HashMap::new();
    let mut answered: HashMap<(u16, u16, u16), Nanos> = HashMap::new();
    for record in truth.records() {
        let PacketKey::Tcp { source_port, destination_port, flags, .. } = record.key else {
            continue;
        };
        if destination_port == HTTPS && flags == TcpFlags::SYN {
            let first =
                begun.entry((record.from, record.to, source_port)).or_insert(record.arrival);
            *first = (*first).min(record.arrival);
        } else if source_port == HTTPS
            && flags == TcpFlags::SYN.with(TcpFlags::ACK, true)
            && record.verdict == Verdict::Delivered
            && let Some(sent) = record.sent
        {
            let first = answered.entry((record.to, record.from, destination_port)).or_insert(sent);
            *first = (*first).min(sent);
        }
    }
    let mut handshakes: HashMap<_, Vec<_>> = HashMap::new();
    for ((client, server, port), at) in answered {
        if let Some(from) = begun.get(&(client, server, port)) {
            handshakes.entry((client, server)).or_default().push(at.since(*from));
        }
    }
    for all in handshakes.values_mut() {
        all.sort_unstable();
    }
    handshakes
}

/// Takes the handshake out that is nearest to a bucket, and answers how far it is from it.
fn take_nearest(left: &mut Vec<Duration>, lowest: Micros, highest: Micros) -> Option<Duration> {
    let (lowest, highest) = (Duration::from(lowest), Duration::from(highest));
    let distance = |handshake: &Duration| {
        lowest.saturating_sub(*handshake).max(handshake.saturating_sub(highest))
    };
    let at = left.partition_point(|handshake| *handshake < lowest);
    let nearest = [at.checked_sub(1), Some(at)]
        .into_iter()
        .flatten()
        .filter(|at| *at < left.len())
        .min_by_key(|at| distance(&left[*at]))?;
    Some(distance(&left.remove(nearest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_handshake_is_used_once_and_the_nearest_first() {
        let ms = Duration::from_millis;
        let mut left = vec![ms(10), ms(20), ms(30)];
        let bucket = Micros::from_millis(20);
        assert_eq!(take_nearest(&mut left, bucket, bucket), Some(Duration::ZERO));
        assert_eq!(take_nearest(&mut left, Micros::from_millis(28), bucket), Some(ms(10)));
        assert_eq!(take_nearest(&mut left, bucket, bucket), Some(ms(10)));
        assert_eq!(take_nearest(&mut left, bucket, bucket), None);
    }
}
