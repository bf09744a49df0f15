//! `run`: the agent as a service.

mod arguments;
mod dry_run;
mod logging;
mod report_json;
mod state;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vantage_service::Supervisor;
use vantage_wire::BootId;
use vantage_wire::report::Health;

pub use arguments::Arguments;

use super::exit::{CommandError, Outcome};
use crate::clock::{Estimate, SystemClock};
use crate::config::Config;
use crate::metrics::Metrics;
use crate::net::tls::TlsClients;
use crate::rate::RateCap;
use crate::run::{Agent, Crashed, EnrolError, MetricsPage, Network, Recording, register};
use crate::runner::InFlight;
use crate::ship::{Aggregator, HttpTransport, Sealer, SharedSpool};
use crate::spool::{Folder, Limits, Spool};
use state::State;

/// Threads for work on the disk: one that writes windows, one that takes reports.
const DISK_THREADS: usize = 2;

/// Runs the agent until it is told to stop.
///
/// # Errors
/// Why it cannot begin, or that a part of it failed.
pub fn execute(arguments: &Arguments) -> Result<Outcome, CommandError> {
    let config = arguments.config()?;
    logging::begin(&config.log)?;
    crate::net::keep_little_memory();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(DISK_THREADS)
        .build()
        .map_err(|error| CommandError::System { doing: "start", error })?;
    runtime.block_on(async {
        let stop = stop_on_signal()?;
        if arguments.dry_run {
            return dry_run::run(&config, stop).await;
        }
        serve(arguments, &config, stop).await
    })
}

async fn serve(
    arguments: &Arguments,
    config: &Config,
    stop: CancellationToken,
) -> Result<Outcome, CommandError> {
    let token = arguments.token(config)?;
    let mut state = State::open(&config.state)?;
    let tls = TlsClients::new();
    let estimate = Arc::default();
    let aggregator = Arc::new(aggregator(config, &tls, &state.key, &estimate)?);
    let boot = BootId::new(random_bytes()?);
    let limits = Limits { disk_bytes: config.spool_max_bytes, ..Limits::default() };
    let spool = Folder::open(&config.state.join("spool"))
        .map_err(|error| CommandError::System { doing: "open the spool", error })
        .and_then(|folder| Spool::open(folder, limits, boot).map_err(|e| unusable(&e)))?;

    let metrics = metrics_page(config).await?;
    let seed = u64::from_le_bytes(random_bytes()?);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let registering = register(&aggregator, &mut state.folder, token.as_ref(), &mut random);
    let registration = match stop.run_until_cancelled(registering).await {
        None => return Ok(Outcome::Good),
        Some(Ok(registration)) => registration,
        Some(Err(error @ EnrolError::Identity(_))) => return Err(unusable(&error)),
        Some(Err(error)) => return Err(CommandError::Usage(error.to_string())),
    };
    let assignment = crate::assignment::load(&mut state.folder).unwrap_or_else(|error| {
        tracing::error!(%error, "the kept assignment cannot be read");
        None
    });
    let vantage = registration.enrolment.vantage;
    let waiting = spool.holdings().windows;
    tracing::info!(%vantage, %boot, windows_waiting = waiting, "vantage-agent begins");
    let agent = Agent {
        aggregator,
        folder: state.folder.clone(),
        // It may be that of another vantage point, whose state folder this once was.
        assignment: assignment.filter(|assignment| assignment.vantage == vantage),
        spool: SharedSpool::new(spool),
        sealer: Sealer {
            vantage,
            boot,
            key: Arc::clone(&state.key),
            health: Arc::new(Mutex::new(Health::default())),
        },
        recording: Arc::new(Mutex::new(Recording::new(SystemClock, estimate))),
        network: network(config, tls)?,
        drain: Duration::from_secs(config.drain_s),
        seed,
        supervisor: Supervisor::from_environment(),
        metrics,
    };
    agent.run(stop).await.map_err(|error: Crashed| unusable(&error))?;
    tracing::info!("vantage-agent ends");
    Ok(Outcome::Good)
}

fn aggregator(
    config: &Config,
    tls: &TlsClients,
    key: &Arc<crate::identity::Key>,
    estimate: &Arc<Mutex<Estimate>>,
) -> Result<Aggregator<HttpTransport, SystemClock>, CommandError> {
    let url = config.aggregator.as_deref().unwrap_or_default();
    let ca_pem = match &config.ca_file {
        None => None,
        Some(path) => Some(std::fs::read_to_string(path).map_err(|error| {
            CommandError::Usage(format!("ca_file {}: {error}", path.display()))
        })?),
    };
    let transport = HttpTransport::new(url, ca_pem, config.dns_servers.clone(), tls)
        .map_err(|error| CommandError::Usage(error.to_string()))?;
    Ok(Aggregator::new(transport, Arc::clone(key), SystemClock, Arc::clone(estimate)))
}

fn network(config: &Config, tls: TlsClients) -> Result<Network, CommandError> {
    Ok(Network {
        dns_servers: config.dns_servers.clone(),
        seed: u64::from_le_bytes(random_bytes()?),
        tls,
        in_flight: InFlight(config.max_in_flight),
        target_cap: RateCap::per_second(config.max_target_rate.into())
            .map_err(|error| CommandError::Usage(error.to_string()))?,
    })
}

/// Listens for scrapers where that is asked for.
async fn metrics_page(config: &Config) -> Result<Option<MetricsPage>, CommandError> {
    let Some(address) = config.metrics_listen else { return Ok(None) };
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| CommandError::Usage(format!("metrics_listen {address}: {error}")))?;
    let address = listener.local_addr().unwrap_or(address);
    if !address.ip().to_canonical().is_loopback() {
        tracing::warn!(%address, "whoever reaches this address can read what is probed and how it fares");
    }
    tracing::info!("metrics at http://{address}/metrics");
    Ok(Some(MetricsPage { listener, metrics: Arc::new(Metrics::default()) }))
}

/// A token that is cancelled by Ctrl-C or SIGTERM.
fn stop_on_signal() -> Result<CancellationToken, CommandError> {
    use tokio::signal::unix::{SignalKind, signal};
    let caught = |error| CommandError::System { doing: "catch signals", error };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(caught)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(caught)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    // Ends with the run-time, which ends with the program.
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("told to stop");
        told.cancel();
    });
    Ok(stop)
}

fn random_bytes<const BYTES: usize>() -> Result<[u8; BYTES], CommandError> {
    use ring::rand::{SecureRandom as _, SystemRandom};
    let mut bytes = [0; BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| CommandError::System {
        doing: "draw random numbers",
        error: std::io::ErrorKind::Other.into(),
    })?;
    Ok(bytes)
}

fn unusable(error: &(impl std::error::Error + ?Sized)) -> CommandError {
    CommandError::System { doing: "run", error: std::io::Error::other(error.to_string()) }
}
