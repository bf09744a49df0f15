//! A resolver configuration per host.

use std::ffi::{CStr, CString};
use std::io;
use std::net::IpAddr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

/// A file that a host's threads and programs see as `/etc/resolv.conf`.
#[derive(Debug, Clone)]
pub struct ResolvConf {
    // Prepared for use between fork and exec, where nothing may be allocated.
    source: Arc<CStr>,
    target: Arc<CStr>,
}

impl ResolvConf {
    /// Writes `resolv.conf` for the given servers into a folder of the world.
    ///
    /// # Errors
    /// Where the folder cannot be written, or the machine has no `/etc/resolv.conf` to cover.
    pub fn write(folder: &Path, host: &str, servers: &[IpAddr]) -> io::Result<Self> {
        use std::fmt::Write as _;
        let mut text = String::new();
        for server in servers {
            let _ = writeln!(text, "nameserver {server}");
        }
        let source = folder.join(format!("{host}.resolv.conf"));
        std::fs::write(&source, text)?;
        // Often a link into /run; the mount has to cover what it leads to.
        let target = std::fs::canonicalize("/etc/resolv.conf").map_err(|error| {
            io::Error::new(
                error.kind(),
                "/etc/resolv.conf does not exist; create an empty one, so that hosts can have their own",
            )
        })?;
        Ok(Self { source: c_path(&source)?, target: c_path(&target)? })
    }

    /// Gives the calling thread a mount table of its own in which `/etc/resolv.conf` is this file.
    ///
    /// # Errors
    /// The operating system's; `EPERM` without `CAP_SYS_ADMIN`.
    pub fn bind(&self) -> io::Result<()> {
        const NOTHING: Option<&CStr> = None;
        unshare(CloneFlags::CLONE_NEWNS)?;
        // Or the mount below would appear in everybody's table.
        mount(NOTHING, c"/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING)?;
        mount(
            Some(self.source.as_ref()),
            self.target.as_ref(),
            NOTHING,
            MsFlags::MS_BIND,
            NOTHING,
        )?;
        Ok(())
    }
}

fn c_path(path: &Path) -> io::Result<Arc<CStr>> {
    Ok(CString::new(path.as_os_str().as_bytes())?.into())
}
