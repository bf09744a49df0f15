//! What weakens an answer as a whole: whoever ranks, compares or plans has to know it.

use std::collections::BTreeSet;

use vantage_wire::{MarketId, VantageId};

use super::rollups::Reading;
use crate::analysis::Caveat;
use crate::catalogue::Catalogue;

/// What the way in which these markets were measured means for any answer about them.
pub(super) fn of_reading(
    catalogue: &Catalogue,
    markets: &[MarketId],
    reading: &Reading,
) -> Vec<Caveat> {
    one_network(catalogue, markets, reading).into_iter().chain(coarse(markets, reading)).collect()
}

/// Names the markets that are seen from one network only. A vantage point of an unknown network is
/// taken to be in one of its own.
fn one_network(catalogue: &Catalogue, markets: &[MarketId], reading: &Reading) -> Option<Caveat> {
    let network = |vantage: &VantageId| match catalogue.vantages.get(vantage) {
        Some(known) => match (known.asn, &known.network) {
            (Some(asn), _) => format!("AS{asn}"),
            (None, Some(network)) => network.clone(),
            (None, None) => format!("that of {vantage}"),
        },
        None => format!("that of {vantage}"),
    };
    let lonely = markets.iter().filter(|market| {
        let measuring = reading.vantages.get(*market);
        let networks: BTreeSet<_> = measuring.into_iter().flatten().map(network).collect();
        networks.len() == 1
    });
    let lonely: Vec<_> = lonely.cloned().collect();
    (!lonely.is_empty()).then_some(Caveat::OneNetwork { markets: lonely, of: markets.len() })
}

/// Names the markets of which some was measured in windows longer than an hour.
fn coarse(markets: &[MarketId], reading: &Reading) -> Option<Caveat> {
    let coarse = markets.iter().filter_map(|market| Some((market, reading.coarse_s.get(market)?)));
    let (markets, longest): (Vec<_>, Vec<_>) = coarse.map(|(id, s)| (id.clone(), *s)).unzip();
    longest.into_iter().max().map(|longest_s| Caveat::CoarseWindows { markets, longest_s })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_windows_are_told_of_the_markets_asked_about() {
        let [hk, mx, tw] = ["hk", "mx", "tw"].map(|id| MarketId::new(id).unwrap());
        let reading = Reading {
            coarse_s: [(hk.clone(), 86_400), (tw.clone(), 7_200)].into(),
            ..Reading::default()
        };
        assert_eq!(coarse(std::slice::from_ref(&mx), &reading), None);
        assert_eq!(
            coarse(&[mx, tw.clone()], &reading),
            Some(Caveat::CoarseWindows { markets: vec![tw.clone()], longest_s: 7_200 })
        );
        assert_eq!(
            coarse(&[hk.clone(), tw.clone()], &reading),
            Some(Caveat::CoarseWindows { markets: vec![hk, tw], longest_s: 86_400 })
        );
    }
}
