//! A ranking in one line for each market.

use vantage_aggregator::analysis::{Interval, Ranking, Standing};
use vantage_aggregator::answers::RankingsAnswer;

use super::paint::Paint;

/// The sites of every market in their order, best first: `1 singapore 207 ms (200 … 213)`. Sites that
/// share a rank bear the same number.
pub fn ranking(answer: &RankingsAnswer, paint: Paint) -> String {
    let rankings = &answer.rankings;
    let markets = rankings.markets.iter().map(|(market, ranking)| (market.as_str(), ranking));
    let all = (rankings.markets.len() > 1).then_some(("all", &rankings.overall));
    let question = &answer.question;
    let mut text = format!(
        "{} of {} {}, ms with its 95 % interval; sites with the same rank cannot be told apart\n\n",
        question.score, question.probe, question.phase
    );
    for (market, ranking) in markets.chain(all) {
        text += &line(market, ranking, paint);
    }
    text
}

fn line(market: &str, ranking: &Ranking, paint: Paint) -> String {
    let mut text = format!("{market:4}");
    let mut sites = ranking.sites.iter();
    if let Some(best) = sites.next() {
        let shown = format!("{:<38}", format!("{} {} {}", rank(best), best.site, score(best)));
        text += &if best.rank.is_some() { paint.good(&shown) } else { paint.bad(&shown) };
        text += &format!("{:13}", best.verdict.map_or_else(String::new, |v| v.to_string()));
    }
    let others: Vec<_> = sites.map(other).collect();
    text += &others.join("  ");
    text.trim_end().to_owned() + "\n"
}

fn rank(site: &Standing) -> String {
    site.rank.map_or_else(|| "·".to_owned(), |rank| rank.to_string())
}

fn score(site: &Standing) -> String {
    let ms = |us: f64| format!("{:.0}", us / 1e3);
    match (site.score_us, site.score_interval_us) {
        (Some(score), Some(Interval { low, high })) => {
            format!("{} ({} … {})", ms(score), ms(low), ms(high))
        }
        (Some(score), None) => ms(score),
        (None, _) => "nothing".to_owned(),
    }
}

/// Those after the best: by how much they are behind it.
fn other(site: &Standing) -> String {
    let behind = site.behind_best_us.map_or_else(|| score(site), |us| format!("+{:.0}", us / 1e3));
    format!("{} {} {behind}", rank(site), site.site)
}
