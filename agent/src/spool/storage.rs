//! What a spool needs of a disk, and the folder that it really uses.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

/// A flat folder of files.
///
/// Nothing survives a loss of power until it is synced: the bytes of a file by
/// [`Storage::sync_file`], names by [`Storage::sync_folder`].
pub trait Storage {
    /// The names of all files, in any order.
    ///
    /// # Errors
    /// The operating system's.
    fn list(&mut self) -> io::Result<Vec<String>>;

    /// All bytes of a file.
    ///
    /// # Errors
    /// The operating system's.
    fn read(&mut self, name: &str) -> io::Result<Vec<u8>>;

    /// Writes a file, in place of one of that name.
    ///
    /// # Errors
    /// The operating system's; the file may then hold a part of the bytes.
    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()>;

    /// Waits until the bytes of a file are on the disk.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_file(&mut self, name: &str) -> io::Result<()>;

    /// Gives a file another name, in one step, and in place of one of that name.
    ///
    /// # Errors
    /// The operating system's.
    fn rename(&mut self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file; one that is not there is no error.
    ///
    /// # Errors
    /// The operating system's.
    fn remove(&mut self, name: &str) -> io::Result<()>;

    /// Waits until the names of all files are on the disk.
    ///
    /// # Errors
    /// The operating system's.
    fn sync_folder(&mut self) -> io::Result<()>;
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder, which is made where it is missing; only its owner may look into it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)?.sync_all()?;
        }
        Ok(Self(path.to_owned()))
    }

    /// A folder that may not be there, and is not made.
    pub fn existing(path: &Path) -> Self {
        Self(path.to_owned())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Storage for Folder {
    fn list(&mut self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            // The names that a spool gives are ASCII; others are not its own.
            names.extend(entry?.file_name().into_string());
        }
        Ok(names)
    }

    fn read(&mut self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.path(name))
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600);
        options.open(self.path(name))?.write_all(bytes)
    }

    fn sync_file(&mut self, name: &str) -> io::Result<()> {
        File::open(self.path(name))?.sync_all()
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_folder(&mut self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

/// Puts a whole file in place of one of that name: after a crash there is the old one or the new
/// one, never a part.
///
/// # Errors
/// The operating system's; nothing has changed unless it was the last sync that failed.
pub fn replace(storage: &mut impl Storage, name: &str, bytes: &[u8]) -> io::Result<()> {
    let partial = format!("{name}.partial");
    let written = storage.write(&partial, bytes).and_then(|()| storage.sync_file(&partial));
    if let Err(error) = written {
        // What cannot be removed is overwritten by the next attempt.
        let _ = storage.remove(&partial);
        return Err(error);
    }
    storage.rename(&partial, name)?;
    storage.sync_folder()
}
