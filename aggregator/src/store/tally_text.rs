//! Failures as JSON and addresses as bytes, each in one form only: equal sets give equal bytes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use vantage_wire::failure::Detail;
use vantage_wire::report::FailureCount;
use vantage_wire::{FailureCode, Phase};

/// Failures by code and phase, as a tally has them.
pub(super) type Failures = BTreeMap<(FailureCode, Phase), FailureCount>;

pub(super) fn failures_to_json(failures: &Failures) -> Result<String, serde_json::Error> {
    let rows: Vec<(u32, u32, u64, &str)> = failures
        .iter()
        .map(|((code, phase), row)| {
            (code.number(), phase.number(), row.count, row.last_detail.as_str())
        })
        .collect();
    serde_json::to_string(&rows)
}

/// `None` where the text is not what [`failures_to_json`] writes.
pub(super) fn failures_from_json(text: &str) -> Option<Failures> {
    if text == "[]" {
        return Some(Failures::new());
    }
    let rows: Vec<(u32, u32, u64, String)> = serde_json::from_str(text).ok()?;
    rows.into_iter()
        .map(|(code, phase, count, detail)| {
            let key = (FailureCode::from_number(code)?, Phase::from_number(phase)?);
            Some((key, FailureCount { count, last_detail: Detail::new(&detail) }))
        })
        .collect()
}

pub(super) fn addresses_to_bytes(addresses: &BTreeSet<IpAddr>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(addresses.len() * 17);
    for address in addresses {
        match address {
            IpAddr::V4(address) => {
                bytes.push(4);
                bytes.extend_from_slice(&address.octets());
            }
            IpAddr::V6(address) => {
                bytes.push(6);
                bytes.extend_from_slice(&address.octets());
            }
        }
    }
    bytes
}

/// `None` where the bytes are not what [`addresses_to_bytes`] writes.
pub(super) fn addresses_from_bytes(mut bytes: &[u8]) -> Option<BTreeSet<IpAddr>> {
    let mut addresses = BTreeSet::new();
    while let Some(family) = bytes.split_off_first() {
        let address = match family {
            4 => IpAddr::from(<[u8; 4]>::try_from(bytes.split_off(..4)?).ok()?),
            6 => IpAddr::from(<[u8; 16]>::try_from(bytes.split_off(..16)?).ok()?),
            _ => return None,
        };
        addresses.insert(address);
    }
    Some(addresses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn failures_survive(rows: Vec<(u8, u8, u64, String)>) {
            let failures: Failures = rows
                .into_iter()
                .map(|(code, phase, count, detail)| {
                    let code = FailureCode::ALL[usize::from(code) % FailureCode::ALL.len()];
                    let phase = Phase::ALL[usize::from(phase) % Phase::ALL.len()];
                    ((code, phase), FailureCount { count, last_detail: Detail::new(&detail) })
                })
                .collect();
            let text = failures_to_json(&failures).unwrap();
            prop_assert_eq!(failures_from_json(&text), Some(failures));
        }

        #[test]
        fn addresses_survive(addresses: BTreeSet<IpAddr>) {
            let bytes = addresses_to_bytes(&addresses);
            prop_assert_eq!(addresses_from_bytes(&bytes), Some(addresses));
        }

        #[test]
        fn any_bytes_are_addresses_or_not(bytes: Vec<u8>) {
            let _ = addresses_from_bytes(&bytes);
        }
    }
}
