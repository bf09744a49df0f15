//! Following the catalogue's files: operators edit them while the aggregator runs.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::catalogue::{Catalogue, Sources};

/// How often the files are read.
const EVERY: Duration = Duration::from_secs(2);

/// Reads the catalogue and the files that it names again and again until draining, beginning with
/// what they were as `sources`. A sound catalogue replaces the one there was, one with problems is
/// reported, once, and changes nothing.
///
/// # Errors
///
/// Where reading panics. A file that cannot be read is like one with problems.
pub async fn follow(
    path: PathBuf,
    mut sources: Sources,
    catalogue: watch::Sender<Arc<Catalogue>>,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    while draining.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let again = path.clone();
        let reading = tokio::task::spawn_blocking(move || {
            let news = sources.have_changed().then(|| Catalogue::load_with_sources(&again));
            match news {
                Some((outcome, sources)) => (Some(outcome), sources),
                None => (None, sources),
            }
        });
        let news;
        (news, sources) = reading.await?;
        match news {
            None => {}
            Some(Ok(sound)) => {
                tracing::info!(catalogue = %path.display(), "catalogue changed: {}", sound.summary().in_one_line());
                catalogue.send_replace(Arc::new(sound));
            }
            Some(Err(problems)) => tracing::error!(
                "the changed catalogue is not used, the last sound one stays:\n{problems}"
            ),
        }
    }
    Ok(())
}
