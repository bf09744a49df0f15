//! `[objective]`.

use std::collections::BTreeSet;
use std::time::Duration;

use vantage_wire::id::SiteId;

use super::super::keys;
use super::super::model::Objective;
use super::super::quote::{list, quoted};
use super::super::score::Score;
use super::super::section::Section;
use super::super::value::Text;
use super::Around;

const MOST_SITES: usize = 5;
const SCORES: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(1)..=Duration::from_mins(1);

impl Default for Objective {
    fn default() -> Self {
        Self {
            score: Score::Quantile(0.95),
            threshold: Duration::from_millis(5),
            threshold_percent: 2.0,
            min_sites: 1,
            max_sites: MOST_SITES,
            required_sites: BTreeSet::new(),
            forbidden_sites: BTreeSet::new(),
            max_cost_per_month: None,
            worst_market: None,
            second_choice: None,
        }
    }
}

pub fn read(root: &Section<'_>, around: Around<'_>) -> Objective {
    let sites = around.names.sites.len();
    let usual = Objective { max_sites: MOST_SITES.min(sites.max(1)), ..Objective::default() };
    let Some(section) = root.table(keys::OBJECTIVE, "objective") else { return usual };
    let named = |key| around.names.sites.find_all(section.texts(key).unwrap_or_default());
    let required_sites = named("required_sites");
    let forbidden_sites = named("forbidden_sites");
    let both: Vec<_> = required_sites.intersection(&forbidden_sites).map(SiteId::as_str).collect();
    if let Some(value) = section.value("forbidden_sites").filter(|_| !both.is_empty()) {
        let message = format!("required and forbidden at once: {}", list(both));
        value.wrong(message, "take it out of one of the two lists");
    }
    let (min_sites, max_sites) = number_of_sites(&section, sites, &usual);
    let choosable = sites - forbidden_sites.len();
    if let Some(value) =
        section.value("forbidden_sites").filter(|_| min_sites > choosable && choosable < sites)
    {
        let message = format!("{choosable} sites are left to choose {min_sites} from");
        value.wrong(message, "forbid fewer, or lower `min_sites`");
    }
    if let Some(value) =
        section.value("required_sites").filter(|_| required_sites.len() > max_sites)
    {
        let message = format!("{} sites are required, more than `max_sites`", required_sites.len());
        value.wrong(message, format!("require at most {max_sites}, or raise `max_sites`"));
    }
    Objective {
        score: section.text("score").and_then(score).unwrap_or(usual.score),
        threshold: section
            .span("threshold", Duration::ZERO..=Duration::from_mins(1))
            .unwrap_or(usual.threshold),
        threshold_percent: section
            .number("threshold_percent", 0.0..=100.0)
            .unwrap_or(usual.threshold_percent),
        min_sites,
        max_sites,
        required_sites,
        forbidden_sites,
        max_cost_per_month: section.number("max_cost_per_month", 0.0..=1e15),
        worst_market: section.span("worst_market", SCORES),
        second_choice: section.span("second_choice", SCORES),
    }
}

fn number_of_sites(section: &Section<'_>, sites: usize, usual: &Objective) -> (usize, usize) {
    let most = u64::try_from(sites.max(1)).unwrap_or(u64::MAX);
    let count = |key| {
        let count = section.integer(key, 1..=most)?;
        usize::try_from(count).ok()
    };
    let (min, max) = (count("min_sites"), count("max_sites"));
    let least = min.unwrap_or(usual.min_sites);
    let greatest = max.unwrap_or_else(|| usual.max_sites.max(least));
    if let Some(value) = section.value("max_sites").filter(|_| least > greatest) {
        let message = format!("`max_sites` is below `min_sites`, which is {least}");
        value.wrong(message, format!("from {least} to {most}"));
    }
    (least, greatest)
}

fn score(text: Text<'_>) -> Option<Score> {
    let score = text.content.parse();
    if score.is_err() {
        let help = "\"p95\" or another percentile above p0 and below p100, or \"mean\"";
        text.wrong(format!("{} is no score", quoted(text.content)), help);
    }
    score.ok()
}
