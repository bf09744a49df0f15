//! A small file system in memory, to be filled up. Mounting needs root, or a user namespace as
//! `tests/run` makes it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// The file system; it goes with this value.
pub(crate) struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Puts one of so many MiB in the place of this folder.
    pub(crate) fn at(folder: &Path, mebibytes: u32) -> Self {
        let options = format!("size={mebibytes}m");
        mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
            .expect("mounting needs root, or a user namespace as tests/run makes it");
        Self(folder.to_owned())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Fills it to the last byte, as another program would.
    pub(crate) fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        while ballast.write_all(&[0; 4_096]).is_ok() {}
    }

    /// Takes away what [`fill`](Self::fill) wrote.
    pub(crate) fn make_room(&self) {
        // A process that another test forked meanwhile may still have the file open, and removing it
        // would give nothing back until that one ends.
        fs::File::create(self.ballast()).unwrap();
        fs::remove_file(self.ballast()).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = umount2(&self.0, MntFlags::MNT_DETACH);
    }
}
