//! The live act: real agents probe through the emulated network while services move.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use vantage_aggregator::catalogue::Migration;
use vantage_wire::{MarketId, SiteId};
use vantage_world::{World, clock};

use super::Programme;
use crate::board::Board;
use crate::scenario::{Scenario, clock_hour};
use crate::screen::{Live, Screen};
use crate::stage::{Aggregator, Crew, Folders, Seen};
use crate::truth::TruthCheck;

/// How often the screen is drawn.
const REDRAW: Duration = Duration::from_millis(500);
/// When in the act the first service moves, and how much later each other one: shares of the act.
const FIRST_MOVE: f64 = 0.33;
const NEXT_MOVE: f64 = 0.17;

/// Plays it; answers how what was measured compares with the packets.
pub(super) async fn act(
    scenario: &Scenario,
    world: &World,
    folders: &Folders,
    aggregator: &Aggregator,
    programme: &Programme,
    stop: &CancellationToken,
    screen: &mut Screen,
) -> anyhow::Result<TruthCheck> {
    let whole = programme.live;
    screen.part(&format!("live: a day in {} s", whole.as_secs()))?;
    let (crew, mut seen) = Crew::start(scenario, world, folders, aggregator, stop).await?;
    let agents = scenario.catalogue.vantages.len();
    screen.done(&format!(
        "{agents} agents probe {} targets over HTTPS, once a second each, and report every 2 s",
        scenario.targets().len()
    ))?;
    screen.say("")?;
    let mut act = Act { scenario, world, whole, board: Board::default(), moved: Vec::new() };
    act.play(&crew, &mut seen, screen).await?;
    screen.draw("the agents deliver what is left …")?;
    crew.finish().await?;
    while let Ok(seen) = seen.try_recv() {
        act.board.add(&seen);
    }
    let live = act.live(whole);
    screen.say(&live.matrix(screen.paint))?;
    screen.say("\nmedian of a whole request in ms, before and after\n\n")?;
    screen.say(&live.moves())?;
    let failing = live.failing(screen.paint);
    if !failing.is_empty() {
        screen.say("\nwhat failed more often than not\n\n")?;
        screen.say(&failing)?;
    }
    let check = TruthCheck::new(&act.board.handshakes(), &world.truth()?, &world.report()?, world);
    screen.say(&format!("\n{}", in_one_line(&check)))?;
    Ok(check)
}

struct Act<'a> {
    scenario: &'a Scenario,
    world: &'a World,
    whole: Duration,
    board: Board,
    /// Services that have moved.
    moved: Vec<String>,
}

impl Act<'_> {
    async fn play(
        &mut self,
        crew: &Crew,
        seen: &mut mpsc::Receiver<Seen>,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        let begin = clock::now();
        let mut moves = self.scenario.catalogue.migrations.values();
        let mut next = moves.next();
        let mut number = 0.0;
        let mut redraw = tokio::time::interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let elapsed = clock::now().since(begin);
            if elapsed >= self.whole {
                return Ok(());
            }
            if let Some(name) = crew.missing() {
                anyhow::bail!("agent {name} has ended by itself; see the log");
            }
            let due = self.whole.mul_f64(FIRST_MOVE + NEXT_MOVE * number);
            if let Some(migration) = next.filter(|_| elapsed >= due) {
                self.cut_over(migration, elapsed, screen)?;
                next = moves.next();
                number += 1.0;
            }
            screen.draw(&self.live(elapsed).view(screen.paint))?;
            tokio::select! {
                _ = redraw.tick() => {}
                seen = seen.recv() => match seen {
                    Some(seen) => self.board.add(&seen),
                    None => anyhow::bail!("all agents have ended by themselves; see the log"),
                },
            }
        }
    }

    fn live(&self, elapsed: Duration) -> Live<'_> {
        Live {
            scenario: self.scenario,
            board: &self.board,
            hour: clock_hour(elapsed, self.whole),
            elapsed,
            whole: self.whole,
        }
    }

    /// Changes what the resolvers of the markets that move answer.
    fn cut_over(
        &mut self,
        migration: &Migration,
        elapsed: Duration,
        screen: &mut Screen,
    ) -> anyhow::Result<()> {
        if !screen.moves() {
            screen.say(&self.live(elapsed).view(screen.paint))?;
            screen.say("")?;
        }
        self.moved.push(migration.service.to_string());
        for vantage in self.scenario.catalogue.vantages.keys() {
            let moved = |service: &str| self.moved.iter().any(|moved| moved == service);
            let records = self.scenario.answers(vantage, moved);
            if let Some(resolver) = self.world.service(vantage.as_str(), 0) {
                resolver.set_records(records)?;
            }
        }
        let hour = clock_hour(elapsed, self.whole);
        let news = format!(
            "{:02}:{:02} UTC  DNS answers change: {} moves from {}\n           to {}",
            hour.floor(),
            (hour.fract() * 60.0).floor(),
            migration.service,
            migration.from,
            destinations(migration)
        );
        screen.say(&format!("{}\n\n", screen.paint.news(&news)))?;
        Ok(())
    }
}

/// `singapore (hk, id), oregon (mx)`.
fn destinations(migration: &Migration) -> String {
    let mut by_site = std::collections::BTreeMap::<&SiteId, Vec<&str>>::new();
    for (market, site) in &migration.to {
        by_site.entry(site).or_default().push(MarketId::as_str(market));
    }
    let parts =
        by_site.into_iter().map(|(site, markets)| format!("{site} ({})", markets.join(", ")));
    parts.collect::<Vec<_>>().join(", ")
}

fn in_one_line(check: &TruthCheck) -> String {
    format!(
        "truth: {} of {} TCP handshakes took what their packets took, within {} ms or {} % (off by p50 {} µs, p99 {} µs)",
        check.agreeing,
        check.measured,
        check.agrees_within_us / 1_000,
        check.agrees_within_share * 100.0,
        check.off_p50_us,
        check.off_p99_us
    )
}
