//! The privileges a world needs: root's, or those of root in a user namespace of one's own.

use std::env;
use std::ffi::CString;
use std::io;
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Gid, Pid, Uid};

use crate::network::Namespace;
use crate::sys::start_in_user_namespace;

/// Set in a process that has been started anew in its own user namespace.
const MARK: &str = "VANTAGE_WORLD_USER_NAMESPACE";

/// How often the process that waits for its other self looks after it.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Whether worlds can be started here.
#[derive(Debug)]
pub enum Privilege {
    /// This process may start worlds.
    Held,
    /// This process may not; it has run itself again in a namespace where it may, and that has
    /// ended with this code, which is to be returned.
    RanElsewhere(ExitCode),
}

/// Why no world can be started.
#[derive(Debug, thiserror::Error)]
pub enum PrivilegeError {
    /// The system lets neither this process nor a user namespace of its own make networks.
    #[error(
        "this system does not let an ordinary user make network namespaces ({source}); run it with sudo{remedy}"
    )]
    Refused {
        /// The system's answer.
        #[source]
        source: io::Error,
        /// What else would help here; fits after "run it with sudo".
        remedy: String,
    },
    /// The program could not be found or run again.
    #[error("failed to run this program again in a user namespace")]
    Rerun(#[source] io::Error),
}

/// Settings that forbid user namespaces: where they stand, the value that forbids, one that allows.
const FORBIDDING: [(&str, &str, &str); 4] = [
    ("kernel/unprivileged_userns_clone", "0", "1"),
    ("kernel/apparmor_restrict_unprivileged_userns", "1", "0"),
    ("user/max_user_namespaces", "0", "1000"),
    ("user/max_net_namespaces", "0", "1000"),
];

impl PrivilegeError {
    fn refused(source: io::Error) -> Self {
        let settings: Vec<String> = FORBIDDING
            .iter()
            .filter(|(path, forbids, _)| {
                std::fs::read_to_string(Path::new("/proc/sys").join(path))
                    .is_ok_and(|value| value.trim() == *forbids)
            })
            .map(|(path, _, allows)| format!("{}={allows}", path.replace('/', ".")))
            .collect();
        let remedy = if settings.is_empty() {
            String::new()
        } else {
            format!(", or allow it: sudo sysctl -w {}", settings.join(" "))
        };
        Self::Refused { source, remedy }
    }
}

/// Sees to it that worlds can be started: in this process where it has the right, otherwise by
/// running the same program with the same arguments in a user, mount and network namespace of its
/// own, which is then told of SIGINT and SIGTERM, and waited for. To be called first thing in `main`.
///
/// # Errors
/// Where the system forbids both; the message is one line that says how to go on.
pub fn acquire() -> Result<Privilege, PrivilegeError> {
    match Namespace::create() {
        Ok(_) => return Ok(Privilege::Held),
        Err(error) if env::var_os(MARK).is_some() => return Err(PrivilegeError::refused(error)),
        Err(_) => {}
    }
    let program = env::current_exe().map_err(PrivilegeError::Rerun)?;
    let mut command = Command::new(program);
    command.args(env::args_os().skip(1)).env(MARK, "1");
    start_in_user_namespace(
        &mut command,
        only_root(Uid::effective().as_raw()),
        only_root(Gid::effective().as_raw()),
    );
    let status = run_and_attend(&mut command)?;
    Ok(Privilege::RanElsewhere(exit_code(status)))
}

/// Whoever started this process knows its id only: what it is told is for the other one.
fn run_and_attend(command: &mut Command) -> Result<ExitStatus, PrivilegeError> {
    let mut told = Vec::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let flag = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(signal as i32, Arc::clone(&flag))
            .map_err(PrivilegeError::Rerun)?;
        told.push((signal, flag));
    }
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => PrivilegeError::Rerun(error),
        // EPERM, ENOSPC (the limit of namespaces), EINVAL (a kernel without them).
        _ => PrivilegeError::refused(error),
    })?;
    loop {
        if let Some(status) = child.try_wait().map_err(PrivilegeError::Rerun)? {
            return Ok(status);
        }
        for (signal, _) in told.iter().filter(|(_, flag)| flag.swap(false, Ordering::Relaxed)) {
            if let Ok(pid) = i32::try_from(child.id()) {
                // It fails only where the child has just ended by itself.
                let _ = kill(Pid::from_raw(pid), *signal);
            }
        }
        thread::sleep(LOOK_EVERY);
    }
}

/// The exit code that passes on how a child ended: its own, or 128 + the signal as a shell has it.
pub fn exit_code(status: ExitStatus) -> ExitCode {
    use std::os::unix::process::ExitStatusExt;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// A map of one id: root inside is the given id outside.
fn only_root(outside: u32) -> Box<std::ffi::CStr> {
    // Digits and spaces hold no NUL.
    CString::new(format!("0 {outside} 1")).unwrap_or_default().into_boxed_c_str()
}
