//! Sends what the spool holds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rand::Rng;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use vantage_service::Backoff;
use vantage_wire::report::{Envelope, Health, Report, ReportError, WindowReport};
use vantage_wire::{BootId, Sequence, VantageId};

use super::{Aggregator, ExchangeError, LONGEST_WAIT, SharedSpool, Transport};
use crate::clock::WallClock;
use crate::identity::{Key, SOFTWARE};
use crate::metrics::{Counting, Metrics};
use crate::spool::{Pending, Storage};

/// Windows of the first report; doubled from one to the next while more wait than fit.
const FEW_WINDOWS: usize = 4;
const MANY_WINDOWS: usize = 1_024;
/// How often an agent that the aggregator does not know asks again.
const UNKNOWN_PAUSE: Duration = Duration::from_mins(3);

/// Makes reports of windows.
#[derive(Debug, Clone)]
pub struct Sealer {
    /// Whose reports.
    pub vantage: VantageId,
    /// Of which run.
    pub boot: BootId,
    /// What signs them.
    pub key: Arc<Key>,
    /// How the agent fares, as it was last found.
    pub health: Arc<Mutex<Health>>,
}

impl Sealer {
    /// The report that some windows make.
    pub fn report(&self, sequence: Sequence, windows: Vec<WindowReport>) -> Report {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (vantage, boot) = (self.vantage.clone(), self.boot);
        Report { vantage, boot, sequence, software: SOFTWARE.into(), windows, health }
    }

    fn seal(&self, sequence: Sequence, windows: Vec<WindowReport>) -> Result<Vec<u8>, ReportError> {
        let report = self.report(sequence, windows);
        Envelope::seal(&report, |bytes| self.key.sign(bytes)).map(|envelope| envelope.encode())
    }
}

/// Takes reports from a spool to the aggregator.
#[derive(Debug)]
pub struct Shipper<T, C, S, R> {
    aggregator: Arc<Aggregator<T, C>>,
    spool: SharedSpool<S>,
    sealer: Sealer,
    random: R,
    batch: usize,
    backoff: Backoff,
    /// Whether the operator was told that the agent is not known.
    unknown: bool,
    counting: Counting,
}

impl<T, C, S, R> Shipper<T, C, S, R>
where
    T: Transport,
    C: WallClock,
    S: Storage + Send + 'static,
    R: Rng,
{
    /// A shipper.
    pub fn new(
        aggregator: Arc<Aggregator<T, C>>,
        spool: SharedSpool<S>,
        sealer: Sealer,
        random: R,
    ) -> Self {
        Self {
            aggregator,
            spool,
            sealer,
            random,
            batch: FEW_WINDOWS,
            backoff: Backoff::up_to(LONGEST_WAIT),
            unknown: false,
            counting: None,
        }
    }

    /// Counts deliveries for scrapers.
    pub(crate) fn count_into(&mut self, metrics: Arc<Metrics>) {
        self.counting = Some(metrics);
    }

    /// Sends until stopped: whenever there are `news`, and what failed again after a while.
    pub async fn run(&mut self, news: &Notify, stop: &CancellationToken) {
        while let Some(pause) = stop.run_until_cancelled(self.ship()).await {
            let wait = async {
                match pause {
                    Some(pause) => tokio::time::sleep(pause).await,
                    None => news.notified().await,
                }
            };
            if stop.run_until_cancelled(wait).await.is_none() {
                return;
            }
        }
    }

    /// Sends until the spool is empty, or something fails: then it returns how long to wait before
    /// the next try. May be given up at any moment.
    pub async fn ship(&mut self) -> Option<Duration> {
        loop {
            let sealer = self.sealer.clone();
            let seal = move |sequence, windows| sealer.seal(sequence, windows);
            let (report, envelope) = match self.spool.next_report(self.batch, seal).await {
                Ok(Some(next)) => next,
                Ok(None) => return None,
                Err(error) => {
                    if !self.backoff.is_failing() {
                        tracing::error!(%error, "reports cannot be taken from the spool");
                    }
                    return Some(self.backoff.next(None, &mut self.random));
                }
            };
            if let Err(pause) = self.deliver(report, envelope).await {
                return Some(pause);
            }
        }
    }

    async fn deliver(&mut self, report: Pending, envelope: Vec<u8>) -> Result<(), Duration> {
        let (sequence, bytes) = (report.sequence.get(), envelope.len());
        let answer = self.aggregator.deliver(envelope).await;
        if let Some(metrics) = &self.counting {
            metrics.delivery(answer.as_ref().map(|acknowledged| acknowledged.outcome));
        }
        let settled = match answer {
            Ok(acknowledgement) => {
                let outcome = acknowledgement.outcome;
                tracing::debug!(
                    sequence,
                    bytes,
                    windows = report.windows,
                    ?outcome,
                    "report delivered"
                );
                self.recovered();
                self.spool.acknowledge(report).await
            }
            Err(ExchangeError::Refused { status, code, detail }) => {
                tracing::error!(
                    sequence, boot = %report.boot, status, code, detail,
                    "a report was refused for good and is set aside"
                );
                self.spool.refuse(report).await
            }
            Err(error) => return Err(self.pause(&error)),
        };
        // What finds no room on disk waits for this moment.
        let settled = match settled {
            Ok(()) => self.spool.append(Vec::new()).await,
            failed => failed,
        };
        settled.map_err(|error| {
            tracing::warn!(%error, "the spool cannot be brought up to date");
            self.backoff.next(None, &mut self.random)
        })
    }

    fn recovered(&mut self) {
        if self.backoff.is_failing() || self.unknown {
            tracing::info!("the aggregator takes reports again");
        }
        self.unknown = false;
        self.backoff.reset();
        self.batch = (self.batch * 2).min(MANY_WINDOWS);
    }

    fn pause(&mut self, error: &ExchangeError) -> Duration {
        self.batch = (self.batch / 2).max(FEW_WINDOWS);
        match error {
            ExchangeError::Unknown { .. } => {
                if !std::mem::replace(&mut self.unknown, true) {
                    tracing::error!(%error, "reports stay in the spool; enrol the agent anew");
                }
                let jitter = self.random.next_u32() % 60;
                UNKNOWN_PAUSE + Duration::from_secs(u64::from(jitter))
            }
            ExchangeError::Busy { retry_after, .. } => self.told(error, *retry_after),
            _ => self.told(error, None),
        }
    }

    fn told(&mut self, error: &ExchangeError, at_least: Option<Duration>) -> Duration {
        let first = !self.backoff.is_failing();
        let wait = self.backoff.next(at_least, &mut self.random);
        if first {
            tracing::warn!(%error, ?wait, "a report was not delivered; it stays in the spool");
        } else {
            tracing::debug!(%error, ?wait, "a report was not delivered");
        }
        wait
    }
}
