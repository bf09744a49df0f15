//! The state folder of a running agent.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::cli::exit::CommandError;
use crate::identity::Key;
use crate::spool::Folder;

/// The folder, and the key in it, for as long as this lives.
#[derive(Debug)]
pub struct State {
    /// The folder.
    pub folder: Folder,
    /// The key in it.
    pub key: Arc<Key>,
    /// Keeps another agent out: two that share a spool would count attempts twice.
    _lock: Flock<File>,
}

impl State {
    /// Opens the folder, which is made where it is missing.
    ///
    /// # Errors
    /// Where it cannot be opened, or another agent works in it.
    pub fn open(path: &Path) -> Result<Self, CommandError> {
        let failed = |error: io::Error| {
            let problem = format!("state folder {}: {error}", path.display());
            CommandError::System { doing: "run", error: io::Error::other(problem) }
        };
        let mut folder = Folder::open(path).map_err(failed)?;
        let file = File::create(path.join("lock")).map_err(failed)?;
        let lock = Flock::lock(file, FlockArg::LockExclusiveNonblock).map_err(|(_, errno)| {
            if errno == Errno::EWOULDBLOCK {
                let problem = format!("another agent works in {}", path.display());
                CommandError::Usage(problem)
            } else {
                failed(errno.into())
            }
        })?;
        let key = Key::open(&mut folder).map_err(|error| failed(io::Error::other(error)))?;
        Ok(Self { folder, key: Arc::new(key), _lock: lock })
    }
}
