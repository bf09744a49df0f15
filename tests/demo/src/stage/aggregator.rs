//! The aggregator: `vantage serve` at its host, and the store beside it.

use std::time::Duration;

use anyhow::Context as _;
use ring::rand::SystemRandom;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::config::Config;
use vantage_aggregator::identity::Token;
use vantage_aggregator::serve::{Settings, serve};
use vantage_aggregator::store::{EnrolmentToken, Location, Retention, Store};
use vantage_wire::{MarketId, UtcMicros, VantageId};

use super::Folders;

/// Where it listens.
pub const PORT: u16 = 8420;
/// Simulated weeks may lie years back.
const KEEP: Duration = Duration::from_hours(24 * 36_500);
const GRACE: Duration = Duration::from_secs(10);
const TOKEN_VALID_US: i64 = 3_600 * 1_000_000;
/// Hours, and days, that are rolled up at a time: those of a week or so, as a day whose hours come in
/// parts is added up for each.
const AT_ONCE: u32 = 1_500;

/// A running aggregator.
#[derive(Debug)]
pub struct Aggregator {
    store: Store,
    serving: JoinHandle<anyhow::Result<bool>>,
}

impl Aggregator {
    /// Starts it; when this returns, it can be reached. It ends after `stop` is cancelled.
    ///
    /// # Errors
    /// Why it cannot begin.
    pub async fn start(folders: &Folders, stop: CancellationToken) -> anyhow::Result<Self> {
        let settings = Settings {
            listen: format!("0.0.0.0:{PORT}"),
            tls: None,
            store: Location::Embedded(folders.store()),
            catalogue: Some(folders.catalogue()),
            read_tokens: None,
            retention: Retention { windows: KEEP, hours: KEEP, days: None },
            rank_every: Config::default().rank_every,
            grace: GRACE,
            influx: None,
        };
        let (listening, listens) = oneshot::channel();
        let serving = tokio::spawn(async move {
            let tell = move |_: &str| {
                // Nobody waits for it where the demo was interrupted.
                let _ = listening.send(());
            };
            Ok(serve(settings, stop, tell).await?)
        });
        if listens.await.is_err() {
            serving.await.context("the aggregator has crashed")??;
            anyhow::bail!("the aggregator did not begin");
        }
        let store = Store::open(&Location::Embedded(folders.store())).await?;
        Ok(Self { store, serving })
    }

    /// A one-time token for a new agent, as `vantage enroll` makes them.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn enroll(&self, vantage: &VantageId, market: &MarketId) -> anyhow::Result<String> {
        let token = Token::draw(&SystemRandom::new())?;
        let created = SystemClock.now();
        let kept = EnrolmentToken {
            hash: token.hash(),
            vantage: vantage.clone(),
            market: market.clone(),
            created,
            expires: UtcMicros::new(created.get().saturating_add(TOKEN_VALID_US)),
        };
        self.store.create_token(&kept).await?;
        Ok(token.reveal().to_owned())
    }

    /// Sums up by hour and day some of what has come in, as the aggregator does once a minute. Answers
    /// how many hours, and whether there is more to do.
    ///
    /// # Errors
    /// Where the store cannot be written.
    pub async fn roll_up(&self) -> anyhow::Result<(u64, bool)> {
        let done = self.store.roll_up(AT_ONCE).await?;
        Ok((done.hours, done.is_more))
    }

    /// Waits for its end, once it was told to stop.
    ///
    /// # Errors
    /// Where it did not end in order.
    pub async fn end(self) -> anyhow::Result<()> {
        self.store.close().await;
        let in_order = self.serving.await.context("the aggregator has crashed")??;
        anyhow::ensure!(in_order, "the aggregator did not end in order");
        Ok(())
    }
}
