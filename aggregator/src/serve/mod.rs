//! `vantage serve`: the process that takes reports in, from its start to its end in order.

mod caps;
mod follow;
mod influx;
mod listen;
mod start;
mod upkeep;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use vantage_service::Supervisor;
use vantage_wire::Micros;

use crate::api::{self, App, ReadAccess};
use crate::catalogue::{Catalogue, Sources};
use crate::clock::{SystemClock, WallClock};
use crate::config::InfluxConfig;
use crate::store::{Location, Retention, Store};
use crate::tasks::Tasks;
use crate::{ingest, metrics};

pub use listen::CertificateError;
pub use start::StartError;

/// How to serve.
#[derive(Debug)]
pub struct Settings {
    /// Address and port, or names of both, to listen on.
    pub listen: String,
    /// Certificate chain and key in PEM; `None`: plain HTTP, for this machine or behind a proxy.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Where everything is kept.
    pub store: Location,
    /// The catalogue's file; `None`: nothing is assigned to agents.
    pub catalogue: Option<PathBuf>,
    /// The file with the tokens of readers; `None`: only this machine may read.
    pub read_tokens: Option<PathBuf>,
    /// How long each level is kept.
    pub retention: Retention,
    /// How long to wait between two rankings for metrics.
    pub rank_every: Duration,
    /// Most time to finish what was accepted, at the end.
    pub grace: Duration,
    /// The export to InfluxDB; `None`: none.
    pub influx: Option<InfluxConfig>,
}

/// Serves until `stop` is cancelled, then drains. `listening` gets its URL once it serves. Returns
/// whether all ended in order.
///
/// # Errors
///
/// [`StartError`]: it has not begun.
pub async fn serve(
    settings: Settings,
    stop: CancellationToken,
    listening: impl FnOnce(&str),
) -> Result<bool, StartError> {
    let supervisor = Supervisor::from_environment();
    let clock: Arc<dyn WallClock> = Arc::new(SystemClock);

    let tls = settings.tls.as_ref().map(|(chain, key)| listen::tls(chain, key)).transpose()?;
    let readers = settings.read_tokens.as_deref().map(ReadAccess::from_file).transpose()?;
    let (catalogue, sources) = match &settings.catalogue {
        Some(path) => {
            let (catalogue, sources) = Catalogue::load_with_sources(path);
            (catalogue?, sources)
        }
        None => (Catalogue::parse("no catalogue", "")?, Sources::default()),
    };
    let influx = settings.influx.as_ref();
    let influx = influx.map(|config| influx::Prepared::new(config, &settings.store)).transpose()?;
    let listener = TcpListener::bind(&settings.listen)
        .await
        .map_err(|source| StartError::Listen { address: settings.listen.clone(), source })?;
    let unusable = |source| StartError::Store { location: settings.store.clone(), source };
    let store = Store::open(&settings.store).await.map_err(unusable)?;
    store.set_time_zones(&upkeep::time_zones(&catalogue)).await.map_err(unusable)?;

    let tasks = Tasks::new();
    let (catalogue_sender, catalogue) = watch::channel(Arc::new(catalogue));
    let (queue, committer) = ingest::queue(store.clone());
    tasks.essential("commit", async move {
        committer.run().await;
        Ok(())
    });
    tasks.essential(
        "upkeep",
        upkeep::keep_up(
            store.clone(),
            catalogue.clone(),
            Arc::clone(&clock),
            settings.retention,
            tasks.draining().clone(),
        ),
    );
    tasks
        .essential("caps", caps::watch(store.clone(), catalogue.clone(), tasks.draining().clone()));
    match settings.catalogue.clone() {
        Some(path) => {
            let draining = tasks.draining().clone();
            tasks.essential("catalogue", follow::follow(path, sources, catalogue_sender, draining));
        }
        // Held to the end: whoever waits for a change waits in vain, but waits.
        None => tasks.essential("catalogue", {
            let draining = tasks.draining().clone();
            async move {
                draining.cancelled().await;
                drop(catalogue_sender);
                Ok(())
            }
        }),
    }
    let exporting =
        influx::start(influx, &store, &catalogue, &clock, &tasks).await.map_err(unusable)?;

    let address = listener.local_addr()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    if tls.is_none() && !address.ip().is_loopback() {
        tracing::warn!(%address, "without TLS: tokens and reports can be read on the way, unless a proxy in front encrypts them");
    }
    if let Some(path) = &settings.catalogue {
        tracing::info!(catalogue = %path.display(), "{}", catalogue.borrow().summary().in_one_line());
    } else {
        tracing::warn!(
            "no catalogue: agents can enrol and report, but have nothing to probe; see --catalogue"
        );
    }
    let app = App::new(
        store.clone(),
        queue,
        catalogue,
        clock,
        readers.unwrap_or_default(),
        Micros::from_duration_saturating(settings.retention.windows),
        tasks.draining().clone(),
    )
    .exporting(exporting);
    begin_survey(&tasks, &app, settings.rank_every);
    tasks.essential("listen", listen::serve(listener, tls, api::router(app), tasks.clone()));
    let url = format!("{scheme}://{address}");
    tracing::info!(store = %settings.store, "listening on {url}");
    listening(&url);
    tasks.essential("watchdog", {
        let (supervisor, draining) = (supervisor.clone(), tasks.draining().clone());
        async move {
            supervisor.keep_alive(&draining).await;
            Ok(())
        }
    });
    supervisor.ready();

    tokio::select! {
        () = stop.cancelled() => tracing::info!("draining"),
        () = tasks.draining().cancelled() => {}
    }
    supervisor.stopping();
    tasks.draining().cancel();
    let in_order = tasks.finish(settings.grace).await;
    store.close().await;
    Ok(in_order)
}

/// Looks from time to time at what metrics tell of.
fn begin_survey(tasks: &Tasks, app: &App, rank_every: Duration) {
    let pauses = metrics::Pauses { ranking: rank_every, ..metrics::Pauses::default() };
    tasks.essential(
        "survey",
        metrics::survey(
            Arc::clone(&app.metrics),
            app.store.clone(),
            app.catalogue.clone(),
            Arc::clone(&app.clock),
            pauses,
            tasks.draining().clone(),
        ),
    );
}
