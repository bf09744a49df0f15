//! Work in a child process between `fork` and `exec`.
//!
//! The parent may have other threads, and whatever they held at the fork stays held for ever in
//! the child. So the closures below make plain system calls only, on descriptors and strings made
//! before the fork: no locks, no allocation, no reading of the environment.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;

use nix::fcntl::{OFlag, open};
use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::write;

use crate::network::ResolvConf;

/// Starts the program in a network namespace, with a resolver configuration of its own.
pub fn start_in_namespace(
    command: &mut Command,
    network: Arc<OwnedFd>,
    resolv_conf: Option<ResolvConf>,
) {
    // SAFETY: the closure makes only the calls that the module's header allows.
    unsafe {
        command.pre_exec(move || {
            setns(network.as_fd(), CloneFlags::CLONE_NEWNET)?;
            match &resolv_conf {
                Some(file) => file.bind(),
                None => Ok(()),
            }
        });
    }
}

/// Starts the program as root of a user, mount and network namespace of its own, in which it may
/// make further ones. It dies with the thread that starts it.
pub fn start_in_user_namespace(command: &mut Command, uid_map: Box<CStr>, gid_map: Box<CStr>) {
    // SAFETY: the closure makes only the calls that the module's header allows.
    unsafe {
        command.pre_exec(move || {
            nix::sys::prctl::set_pdeathsig(Signal::SIGTERM)?;
            unshare(
                CloneFlags::CLONE_NEWUSER | CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET,
            )?;
            write_whole(c"/proc/self/setgroups", c"deny")?;
            write_whole(c"/proc/self/uid_map", &uid_map)?;
            write_whole(c"/proc/self/gid_map", &gid_map)
        });
    }
}

fn write_whole(path: &CStr, text: &CStr) -> io::Result<()> {
    let file = open(path, OFlag::O_WRONLY | OFlag::O_CLOEXEC, Mode::empty())?;
    write(&file, text.to_bytes())?;
    Ok(())
}
