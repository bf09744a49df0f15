//! The weeks around the cutover: simulated, reported as agents report, taken in as reports are.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use vantage_wire::VantageId;
use vantage_wire::report::Report;
use vantage_world::clock;
use vantage_world::season::SeasonVantage;

use super::Programme;
use crate::scenario::{HQ, Scenario, Season};
use crate::screen::{Screen, bar};
use crate::stage::{Aggregator, Folders, Identity, PORT};

/// Hours of a report.
const HOURS: u64 = 24;
/// Reports of one vantage point that wait to be delivered.
const MOST_WAITING: usize = 2;

/// Loads it; answers its dates.
pub(super) async fn act(
    scenario: &Scenario,
    folders: &Folders,
    aggregator: &Aggregator,
    programme: &Programme,
    screen: &mut Screen,
) -> anyhow::Result<Season> {
    let season = scenario.season(programme.weeks)?;
    screen.part(&format!("season: {} weeks around the cutover, simulated", programme.weeks))?;
    screen.say(&format!(
        "  {} to {}, an attempt every 2 minutes, windows of 10 minutes;\n  signed reports to POST /api/v1/reports\n\n",
        season.from, season.to
    ))?;
    let begin = clock::now();
    let (delivered, mut news) = mpsc::channel(1_024);
    let mut loading = JoinSet::new();
    for vantage in scenario.catalogue.vantages.keys() {
        let simulated = scenario.simulated(vantage).context("a vantage point without a market")?;
        let url = format!("http://{}:{PORT}", scenario.address(HQ));
        let identity = Arc::new(Identity::open(&folders.agent(vantage.as_str()), &url)?);
        loading.spawn(load(vantage.clone(), simulated, identity, season, delivered.clone()));
    }
    drop(delivered);
    let all = season.days() * scenario.catalogue.vantages.len() as u64;
    let (mut reports, mut series) = (0_u64, 0_u64);
    while let Some(series_windows) = news.recv().await {
        reports += 1;
        series += series_windows;
        screen.draw(&format!("  {} {reports} reports", bar(reports, all)))?;
    }
    while let Some(ended) = loading.join_next().await {
        ended.context("loading has crashed")??;
    }
    let taken_in = clock::now().since(begin);
    let rolling = clock::now();
    let (mut hours, mut is_more) = (0, true);
    while is_more {
        screen.draw(&format!("  {} rolled up by hour and day", bar(hours, all * HOURS)))?;
        let (more, left) = aggregator.roll_up().await?;
        (hours, is_more) = (hours + more, left);
    }
    screen.done(&format!(
        "{reports} reports with {series} series-windows taken in within {:.1} s, rolled up in {:.1} s",
        taken_in.as_secs_f64(),
        clock::now().since(rolling).as_secs_f64()
    ))?;
    Ok(season)
}

/// Simulates and delivers the reports of one vantage point, one after the other as an agent does.
async fn load(
    vantage: VantageId,
    simulated: SeasonVantage,
    identity: Arc<Identity>,
    season: Season,
    delivered: mpsc::Sender<u64>,
) -> anyhow::Result<()> {
    let (sealed, mut waiting) = mpsc::channel(MOST_WAITING);
    let sealing = {
        let identity = Arc::clone(&identity);
        tokio::task::spawn_blocking(move || {
            let length = Season::window().context("windows of no length")?;
            let seconds = season.seconds();
            let (from, to) = (seconds.start, seconds.end);
            for report in simulated.reports(&vantage, identity.boot, from, to, length) {
                if sealed.blocking_send((identity.seal(&report)?, series_windows(&report))).is_err()
                {
                    break;
                }
            }
            anyhow::Ok(())
        })
    };
    while let Some((envelope, series_windows)) = waiting.recv().await {
        identity.deliver(envelope).await?;
        delivered.send(series_windows).await.context("nobody counts any more")?;
    }
    sealing.await.context("the simulation has crashed")?
}

fn series_windows(report: &Report) -> u64 {
    report.windows.iter().map(|window| window.tallies.len() as u64).sum()
}
