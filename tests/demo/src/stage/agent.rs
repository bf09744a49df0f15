//! One agent, as `vantage-agent run` puts it together, and its identity without the rest.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::Context as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vantage_agent::clock::SystemClock;
use vantage_agent::identity::{Key, Token};
use vantage_agent::net::tls::TlsClients;
use vantage_agent::rate::RateCap;
use vantage_agent::run::{Agent, Network, Recording, register};
use vantage_agent::runner::InFlight;
use vantage_agent::ship::{Aggregator, HttpTransport, Sealer, SharedSpool};
use vantage_agent::spool::{Folder, Limits, Spool};
use vantage_service::Supervisor;
use vantage_wire::BootId;
use vantage_wire::report::{Envelope, Health, Report};

use super::Seen;
use super::watched::Watched;

const DNS_PORT: u16 = 53;
const IN_FLIGHT: usize = 1_024;
const MOST_PER_SECOND: f64 = 100.0;
/// Most time for delivering what is left.
const DRAIN: Duration = Duration::from_secs(5);

/// What an agent is told.
#[derive(Debug)]
pub(super) struct Instructions {
    /// The folder that it keeps everything in.
    pub state: PathBuf,
    /// The URL of the aggregator.
    pub aggregator: String,
    /// Its one-time token.
    pub token: String,
    /// The address of its host, where its resolver is.
    pub resolver: std::net::Ipv4Addr,
    /// Of its jitter.
    pub seed: u64,
    /// Who looks on.
    pub onlooker: mpsc::Sender<Seen>,
}

/// Runs an agent on the calling thread until it is told to stop.
pub(super) async fn run(told: Instructions, stop: CancellationToken) -> anyhow::Result<()> {
    let mut folder = Folder::open(&told.state)?;
    let key = Arc::new(Key::open(&mut folder)?);
    let tls = TlsClients::new();
    let estimate = Arc::default();
    let way = HttpTransport::new(&told.aggregator, None, Vec::new(), &tls)?;
    let transport = Watched { way, onlooker: told.onlooker };
    let aggregator =
        Arc::new(Aggregator::new(transport, Arc::clone(&key), SystemClock, Arc::clone(&estimate)));
    let mut random = ChaCha8Rng::seed_from_u64(told.seed);
    let token = Token::new(&told.token);
    let registering = register(&aggregator, &mut folder, token.as_ref(), &mut random);
    let Some(registered) = stop.run_until_cancelled(registering).await else { return Ok(()) };
    let vantage = registered?.enrolment.vantage;
    let boot = boot()?;
    let spool = Spool::open(Folder::open(&told.state.join("spool"))?, Limits::default(), boot)?;
    let agent = Agent {
        aggregator,
        folder,
        assignment: None,
        spool: SharedSpool::new(spool),
        sealer: Sealer { vantage, boot, key, health: Arc::new(Mutex::new(Health::default())) },
        recording: Arc::new(Mutex::new(Recording::new(SystemClock, estimate))),
        network: Network {
            dns_servers: vec![(told.resolver, DNS_PORT).into()],
            seed: random.random(),
            tls,
            in_flight: InFlight(IN_FLIGHT),
            target_cap: RateCap::per_second(MOST_PER_SECOND)?,
        },
        drain: DRAIN,
        seed: told.seed,
        supervisor: Supervisor::from_environment(),
        metrics: None,
    };
    Ok(agent.run(stop).await?)
}

fn boot() -> anyhow::Result<BootId> {
    use ring::rand::{SecureRandom as _, SystemRandom};
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).ok().context("the system gives no random numbers")?;
    Ok(BootId::new(bytes))
}

/// The identity of an agent that has enrolled: what it needs to send reports.
#[derive(Debug)]
pub struct Identity {
    key: Arc<Key>,
    aggregator: Aggregator<HttpTransport, SystemClock>,
    /// Of the reports that are sent with it.
    pub boot: BootId,
}

impl Identity {
    /// That of the agent in a folder.
    ///
    /// # Errors
    /// Where the folder has none.
    pub fn open(state: &std::path::Path, aggregator: &str) -> anyhow::Result<Self> {
        let mut folder = Folder::open(state)?;
        let key = Arc::new(Key::open(&mut folder)?);
        let way = HttpTransport::new(aggregator, None, Vec::new(), &TlsClients::new())?;
        let aggregator = Aggregator::new(way, Arc::clone(&key), SystemClock, Arc::default());
        Ok(Self { key, aggregator, boot: boot()? })
    }

    /// Signs a report.
    ///
    /// # Errors
    /// Where it does not add up or is too large.
    pub fn seal(&self, report: &Report) -> anyhow::Result<Vec<u8>> {
        Ok(Envelope::seal(report, |bytes| self.key.sign(bytes))?.encode())
    }

    /// Delivers a sealed report: it is stored when this returns.
    ///
    /// # Errors
    /// What the aggregator says.
    pub async fn deliver(&self, envelope: Vec<u8>) -> anyhow::Result<()> {
        self.aggregator.deliver(envelope).await?;
        Ok(())
    }
}
