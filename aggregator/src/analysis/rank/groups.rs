//! Which sites share a rank: multiple comparisons with the best.

use crate::analysis::{CONFIDENCE, Estimate, Interval, Threshold, Verdict};

/// Where a site stands among those that are ranked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    /// 1 + the number of sites in better groups.
    pub(super) rank: usize,
    /// Against the best site; of the best, against all others. `None` where there is no other.
    pub(super) verdict: Option<Verdict>,
    /// Whether the best of all sites may be this one.
    pub(super) may_be_best: bool,
    /// Its score less that of the best.
    pub(super) behind_best: Option<Estimate>,
    /// Each end holds for all sites at once with [`CONFIDENCE`].
    pub(super) behind_best_interval: Option<Interval>,
}

/// Places sites, given their scores from the best to the worst (infinite at the end where there is
/// none) and the paired difference of the scores of any two of them.
///
/// A group is led by its best site. Going down, a site is in the group unless it is *parted* from
/// the leader: unless the lower bound of its difference to the leader clears the threshold. The
/// first that is parted leads the next group, and sites with worse scores never go back into the
/// group before, however uncertain they are. So groups follow the order of the scores.
///
/// Bounds are one-sided, at 1 − 5 %/(n − 1) for n sites (Bonferroni), and so hold for the
/// comparisons of one site with all others at once, whatever the correlation between these. Šidák's
/// value would be less than 1 % smaller, and Dunnett's needs equal variances.
pub(super) fn places(
    scores_us: &[f64],
    threshold: &Threshold,
    mut difference: impl FnMut(usize, usize) -> Option<Estimate>,
) -> Vec<Place> {
    let comparisons = scores_us.len().saturating_sub(1).max(1);
    let confidence = 1.0 - (1.0 - CONFIDENCE) / comparisons as f64;
    let bounds = |difference: Estimate| difference.interval(2.0 * confidence - 1.0);
    let exceeds = |difference: Option<Estimate>, least: f64| {
        difference.is_some_and(|difference| bounds(difference).low > least)
    };
    let never_works = |worse: usize, better: usize| {
        scores_us[worse].is_infinite() && scores_us[better].is_finite()
    };

    let mut places: Vec<Place> = Vec::with_capacity(scores_us.len());
    let mut leader = 0;
    for site in 0..scores_us.len() {
        let behind_best = (site > 0).then(|| difference(site, 0)).flatten();
        let least = |leader: usize| threshold.beside(scores_us[leader]);
        let from_best = never_works(site, 0) || exceeds(behind_best, least(0));
        let parted = match leader {
            0 => from_best,
            _ => never_works(site, leader) || exceeds(difference(site, leader), least(leader)),
        };
        if parted {
            leader = site;
        }
        let outdone = never_works(site, 0)
            || exceeds(behind_best, 0.0)
            || (1..site).any(|better| exceeds(difference(site, better), 0.0));
        places.push(Place {
            rank: leader + 1,
            verdict: (site > 0).then(|| {
                if from_best {
                    Verdict::Worse
                } else if behind_best.is_some_and(|it| Verdict::is_equivalent(&it, least(0))) {
                    Verdict::Equivalent
                } else {
                    Verdict::Inconclusive
                }
            }),
            may_be_best: !outdone,
            behind_best,
            behind_best_interval: behind_best.map(bounds),
        });
    }
    let of_the_best = verdict_of_the_best(&places);
    if let Some(best) = places.first_mut() {
        best.verdict = of_the_best;
    }
    places
}

fn verdict_of_the_best(places: &[Place]) -> Option<Verdict> {
    let others = places.get(1..).filter(|others| !others.is_empty())?;
    let mut beside = others.iter().filter(|place| place.rank == 1);
    Some(if others[0].rank > 1 {
        Verdict::Better
    } else if beside.all(|place| place.verdict == Some(Verdict::Equivalent)) {
        Verdict::Equivalent
    } else {
        Verdict::Inconclusive
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const THRESHOLD: Threshold = Threshold { absolute_us: 5.0, relative: 0.0 };

    /// Places of scores with the standard errors of every site's differences.
    fn placed(sites: &[(f64, f64)]) -> Vec<Place> {
        let scores: Vec<f64> = sites.iter().map(|(score, _)| *score).collect();
        places(&scores, &THRESHOLD, |site, other| {
            let value = sites[site].0 - sites[other].0;
            let standard_error = sites[site].1;
            value.is_finite().then_some(Estimate {
                value,
                standard_error,
                degrees_of_freedom: 29.0,
                skewness: 0.0,
            })
        })
    }

    fn ranks(sites: &[(f64, f64)]) -> Vec<usize> {
        placed(sites).iter().map(|place| place.rank).collect()
    }

    fn verdicts(sites: &[(f64, f64)]) -> Vec<Option<Verdict>> {
        placed(sites).iter().map(|place| place.verdict).collect()
    }

    #[test]
    fn sites_that_cannot_be_told_apart_share_a_rank() {
        assert_eq!(ranks(&[(100.0, 1.0), (102.0, 1.0), (140.0, 1.0), (141.0, 1.0)]), [1, 1, 3, 3]);
        assert_eq!(ranks(&[(100.0, 1.0), (140.0, 50.0)]), [1, 1]);
        assert_eq!(ranks(&[(100.0, 0.0), (100.0, 0.0)]), [1, 1]);
    }

    #[test]
    fn an_uncertain_site_does_not_pass_a_better_one() {
        let sites = [(100.0, 1.0), (120.0, 1.0), (130.0, 40.0)];
        assert_eq!(ranks(&sites), [1, 2, 2]);
        let [_, certain, uncertain] = placed(&sites)[..] else { panic!("three sites") };
        assert!(!certain.may_be_best && uncertain.may_be_best);
        assert_eq!(uncertain.verdict, Some(Verdict::Inconclusive));
    }

    #[test]
    fn verdicts_are_about_the_best_and_its_own_about_the_others() {
        use Verdict::{Better, Equivalent, Inconclusive, Worse};
        assert_eq!(verdicts(&[(100.0, 1.0), (150.0, 1.0)]), [Some(Better), Some(Worse)]);
        assert_eq!(verdicts(&[(100.0, 1.0), (101.0, 1.0)]), [Some(Equivalent); 2]);
        assert_eq!(
            verdicts(&[(100.0, 1.0), (101.0, 1.0), (108.0, 9.0), (190.0, 1.0)]),
            [Some(Inconclusive), Some(Equivalent), Some(Inconclusive), Some(Worse)]
        );
        assert_eq!(verdicts(&[(100.0, 1.0)]), [None]);
        assert_eq!(verdicts(&[]), []);
    }

    #[test]
    fn a_difference_that_does_not_matter_parts_no_group_but_shows_who_cannot_be_best() {
        let [best, other] = placed(&[(100.0, 0.1), (103.0, 0.1)])[..] else { panic!("two sites") };
        assert_eq!((best.rank, other.rank), (1, 1));
        assert!(best.may_be_best && !other.may_be_best);
    }

    #[test]
    fn more_sites_take_more_evidence() {
        // 11 less 5 is 2.0 standard errors of 3: beyond 1.70 for one comparison, not 2.8 for ten.
        let two = [(100.0, 1.0), (111.0, 3.0)];
        assert_eq!(ranks(&two), [1, 2]);
        let eleven: Vec<_> =
            two.into_iter().chain((0..9).map(|site| (300.0 + f64::from(site), 1.0))).collect();
        assert_eq!(ranks(&eleven)[..3], [1, 1, 3]);
    }

    #[test]
    fn a_site_that_never_works_comes_last_and_two_of_them_are_not_told_apart() {
        let never = (f64::INFINITY, 0.0);
        assert_eq!(ranks(&[(100.0, 1.0), never, never]), [1, 2, 2]);
        assert_eq!(verdicts(&[(100.0, 1.0), never])[1], Some(Verdict::Worse));
        assert_eq!(verdicts(&[never, never]), [Some(Verdict::Inconclusive); 2]);
    }
}
