//! Whether the address that was probed changed with the level.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::shift::LevelShift;

/// How far around a shift addresses are looked at. Longer ago says nothing about it.
const SURROUNDINGS_S: i64 = 24 * 3600;
/// Up to this likeness the addresses count as others.
const OTHERS: f64 = 0.2;
/// From this likeness on they count as the same. Below 1, because a name with many replicas answers
/// with some of them at a time.
const SAME: f64 = 0.6;

/// The addresses that were probed in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenAddresses {
    /// When it starts: seconds since the Unix epoch.
    pub unix_s: i64,
    /// The addresses; empty where none was reached.
    pub addresses: BTreeSet<IpAddr>,
}

/// What changed with the level.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Cause {
    /// Other addresses were probed: the server moved, or DNS chose another replica.
    Address,
    /// The same addresses were probed: the route to them changed, or what is behind them moved
    /// without changing its address (anycast, a load balancer).
    Route,
    /// Some of the addresses changed, so it may be either.
    Unclear,
    /// The addresses before or after are not known.
    Unknown,
}

/// A level shift with the addresses before and after it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Explained {
    /// The shift.
    pub shift: LevelShift,
    /// What changed with it.
    pub cause: Cause,
    /// The addresses probed in the day before it, since the shift before.
    pub addresses_before: BTreeSet<IpAddr>,
    /// The addresses probed in the day after it, until the next shift.
    pub addresses_after: BTreeSet<IpAddr>,
}

/// Adds to each shift of a series the addresses that were probed around it.
///
/// Both in the order of time. Addresses are compared by how often they were seen: the likeness is
/// `Σ min(before, after) / Σ max(before, after)` over addresses, of the shares of stretches in which
/// each was seen (Ružička's similarity): 1 where the same were seen equally often, 0 where none was
/// seen on both sides. The stretch that the shift falls into, which has something of both, belongs to
/// neither side where there are others.
pub fn explain(shifts: &[LevelShift], seen: &[SeenAddresses]) -> Vec<Explained> {
    let explained = shifts.iter().enumerate().map(|(index, shift)| {
        let earliest = index.checked_sub(1).map_or(i64::MIN, |before| shifts[before].at_unix_s);
        let latest = shifts.get(index + 1).map_or(i64::MAX, |next| next.at_unix_s);
        let before = around(
            seen,
            earliest.max(shift.at_unix_s.saturating_sub(SURROUNDINGS_S)),
            shift.at_unix_s,
        );
        let after = around(
            seen,
            shift.at_unix_s,
            latest.min(shift.at_unix_s.saturating_add(SURROUNDINGS_S)),
        );
        let before = before.split_last().map_or(before, |(_, rest)| or(rest, before));
        let after = after.split_first().map_or(after, |(_, rest)| or(rest, after));
        Explained {
            shift: *shift,
            cause: cause(&shares(before), &shares(after)),
            addresses_before: union(before),
            addresses_after: union(after),
        }
    });
    explained.collect()
}

/// What was seen in stretches that start within these times.
fn around(seen: &[SeenAddresses], from: i64, to: i64) -> &[SeenAddresses] {
    let start = seen.partition_point(|each| each.unix_s < from);
    let end = seen.partition_point(|each| each.unix_s < to);
    &seen[start.min(end)..end]
}

/// The stretches without the one at the shift, if any of them has addresses; otherwise all.
fn or<'a>(rest: &'a [SeenAddresses], all: &'a [SeenAddresses]) -> &'a [SeenAddresses] {
    if rest.iter().any(|each| !each.addresses.is_empty()) { rest } else { all }
}

fn union(seen: &[SeenAddresses]) -> BTreeSet<IpAddr> {
    seen.iter().flat_map(|each| &each.addresses).copied().collect()
}

/// The share of the stretches with addresses that each address was seen in.
fn shares(seen: &[SeenAddresses]) -> BTreeMap<IpAddr, f64> {
    let known = seen.iter().filter(|each| !each.addresses.is_empty()).count() as f64;
    let mut shares = BTreeMap::new();
    for address in seen.iter().flat_map(|each| &each.addresses) {
        *shares.entry(*address).or_default() += 1.0 / known;
    }
    shares
}

fn cause(before: &BTreeMap<IpAddr, f64>, after: &BTreeMap<IpAddr, f64>) -> Cause {
    if before.is_empty() || after.is_empty() {
        return Cause::Unknown;
    }
    let all: BTreeSet<&IpAddr> = before.keys().chain(after.keys()).collect();
    let (mut common, mut either) = (0.0, 0.0);
    for address in all {
        let share = |side: &BTreeMap<IpAddr, f64>| side.get(address).copied().unwrap_or(0.0);
        common += share(before).min(share(after));
        either += share(before).max(share(after));
    }
    match common / either {
        likeness if likeness <= OTHERS => Cause::Address,
        likeness if likeness >= SAME => Cause::Route,
        _ => Cause::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn shift_at(hour: i64) -> LevelShift {
        LevelShift {
            last_before_unix_s: (hour - 1) * HOUR,
            at_unix_s: hour * HOUR,
            before_us: 80_000.0,
            after_us: 120_000.0,
            points_before: 10,
            points_after: 10,
            separation: 1.0,
        }
    }

    /// Hour by hour, the last octets of the addresses seen.
    fn hours(each: impl IntoIterator<Item = Vec<u8>>) -> Vec<SeenAddresses> {
        let hours = each.into_iter().zip(0_i64..);
        hours
            .map(|(octets, hour)| SeenAddresses {
                unix_s: hour * HOUR,
                addresses: octets.into_iter().map(address).collect(),
            })
            .collect()
    }

    fn address(octet: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, octet])
    }

    fn cause_at_10(each: impl IntoIterator<Item = Vec<u8>>) -> Cause {
        explain(&[shift_at(10)], &hours(each))[0].cause
    }

    #[test]
    fn a_server_that_moved_is_told_from_a_route_that_did() {
        assert_eq!(
            cause_at_10((0..20).map(|hour| vec![if hour < 10 { 1 } else { 2 }])),
            Cause::Address
        );
        assert_eq!(cause_at_10((0..20).map(|_| vec![1])), Cause::Route);
    }

    #[test]
    fn the_hour_in_which_it_happened_has_both_addresses_and_does_not_blur_it() {
        let hours = |mixed: u8| {
            (0..20).map(move |hour| match hour {
                hour if hour == mixed => vec![1, 2],
                0..10 => vec![1],
                _ => vec![2],
            })
        };
        assert_eq!(cause_at_10(hours(9)), Cause::Address);
        assert_eq!(cause_at_10(hours(10)), Cause::Address);
    }

    #[test]
    fn replicas_that_take_turns_are_the_same_addresses() {
        assert_eq!(
            cause_at_10((0..20).map(|hour| vec![1 + hour % 4, 1 + (hour + 1) % 4])),
            Cause::Route
        );
    }

    #[test]
    fn an_address_that_joined_another_leaves_it_open() {
        let joined = (0..20).map(|hour| if hour < 10 { vec![1] } else { vec![1, 2] });
        assert_eq!(cause_at_10(joined), Cause::Unclear);
    }

    #[test]
    fn without_addresses_on_one_side_nothing_is_known() {
        assert_eq!(
            cause_at_10((0..20).map(|hour| if hour < 10 { vec![] } else { vec![1] })),
            Cause::Unknown
        );
        assert_eq!(cause_at_10([]), Cause::Unknown);
    }

    #[test]
    fn only_the_stretch_between_the_neighbouring_shifts_is_looked_at() {
        let seen = hours((0..30).map(|hour| vec![1 + hour / 10]));
        let explained = explain(&[shift_at(10), shift_at(20)], &seen);
        assert_eq!(explained[0].addresses_before, BTreeSet::from([address(1)]));
        assert_eq!(explained[0].addresses_after, BTreeSet::from([address(2)]));
        assert_eq!(explained[1].addresses_before, BTreeSet::from([address(2)]));
        assert_eq!(explained[1].addresses_after, BTreeSet::from([address(3)]));
        assert!(explained.iter().all(|each| each.cause == Cause::Address));
    }
}
