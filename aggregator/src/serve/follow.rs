//! Following the catalogue's file: operators edit it while the aggregator runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::catalogue::Catalogue;

/// How often the file is read.
const EVERY: Duration = Duration::from_secs(2);

/// Reads the file again and again until draining; a sound catalogue replaces the one there was, one
/// with problems is reported, once, and changes nothing.
///
/// # Errors
///
/// None: a file that cannot be read is like one with problems.
pub async fn follow(
    path: PathBuf,
    catalogue: watch::Sender<Arc<Catalogue>>,
    draining: CancellationToken,
) -> anyhow::Result<()> {
    // By what it says, not by its time: some editors and tools keep the time.
    let mut last = read(&path).await;
    while draining.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        let now = read(&path).await;
        if now == last {
            continue;
        }
        match &now {
            // Read once more, with the files that it names.
            Ok(_) => match Catalogue::load(&path) {
                Ok(sound) => {
                    tracing::info!(catalogue = %path.display(), "catalogue changed: {}", sound.summary().in_one_line());
                    catalogue.send_replace(Arc::new(sound));
                }
                Err(problems) => tracing::error!(
                    "the changed catalogue is not used, the last sound one stays:\n{problems}"
                ),
            },
            Err(error) => {
                tracing::error!(catalogue = %path.display(), error, "the last sound catalogue stays");
            }
        }
        last = now;
    }
    Ok(())
}

async fn read(path: &Path) -> Result<String, String> {
    tokio::fs::read_to_string(path).await.map_err(|error| error.to_string())
}
