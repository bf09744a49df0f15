//! One run of the demo, as somebody starts it from a shell.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::results::Results;

/// Held by the one run there is: several at once starve each other on a small machine.
static ALONE: Mutex<()> = Mutex::new(());
/// The user and group `nobody` of every Debian.
const NOBODY: u32 = 65_534;

/// A folder with the program in it, where the demo keeps what it has while it runs.
pub struct Place {
    folder: TempDir,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    pub fn new() -> Self {
        // A test that failed leaves nothing behind that matters to the next.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let place = Self { folder, _alone: alone };
        // The build's own folder may be closed to others. By a process of its own: if this one held
        // the file open for writing, a program that another test starts at the same moment would hold
        // it too, and nobody could run it.
        let copied = Command::new("install")
            .args(["-m", "755", env!("CARGO_BIN_EXE_demo")])
            .arg(place.program())
            .status();
        assert!(copied.unwrap().success());
        fs::create_dir(place.temporary()).unwrap();
        fs::set_permissions(place.temporary(), fs::Permissions::from_mode(0o777)).unwrap();
        place
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("demo")
    }

    /// What the demo takes for `/tmp`.
    pub fn temporary(&self) -> PathBuf {
        self.folder.path().join("tmp")
    }

    /// A file in the folder: its path.
    pub fn write(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// A shell in the folder.
    pub fn shell(&self, script: &str) -> Command {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "sh", "-c", script]);
        command.current_dir(self.folder.path());
        command
    }

    /// The demo with these arguments, and a file for its results.
    pub fn start(&self, arguments: &[&str]) -> Running<'_> {
        Running::start(self, self.command(arguments))
    }

    /// The same as a user without any privilege.
    pub fn start_as_nobody(&self, arguments: &[&str]) -> Running<'_> {
        let mut command = self.command(arguments);
        if nix::unistd::Uid::effective().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        Running::start(self, command)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.program());
        command
            .current_dir(self.folder.path())
            .args(["--json", "results.json"])
            .args(arguments)
            .env("TMPDIR", self.temporary())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// The results of the last run.
    pub fn results(&self) -> Results {
        let text = fs::read_to_string(self.folder.path().join("results.json")).unwrap();
        Results(serde_json::from_str(&text).unwrap())
    }

    /// What the demo has left behind: processes, and files.
    pub fn left(&self) -> Vec<PathBuf> {
        let program = self.program();
        let processes = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let path = entry.unwrap().path();
            (fs::read_link(path.join("exe")).ok()? == program).then_some(path)
        });
        let files = fs::read_dir(self.temporary()).unwrap().map(|entry| entry.unwrap().path());
        processes.chain(files).collect()
    }
}

/// The path of a scenario of the project.
pub fn scenario(name: &str) -> String {
    format!("{}/worlds/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

/// A demo that runs; it is killed where the test forgets it.
pub struct Running<'a> {
    place: &'a Place,
    child: Child,
    stdout: BufReader<ChildStdout>,
    said: String,
}

/// How a run ended.
pub struct Ended {
    pub status: ExitStatus,
    pub said: String,
    pub complained: String,
}

impl<'a> Running<'a> {
    fn start(place: &'a Place, mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { place, child, stdout, said: String::new() }
    }

    /// Reads on until a line holds this, and answers that line.
    pub fn wait_for(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            let read = self.stdout.read_line(&mut line).unwrap();
            if read == 0 {
                let mut complained = String::new();
                self.child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
                panic!("it ended before it said {part:?}:\n{}{complained}", self.said);
            }
            self.said += &line;
            if line.contains(part) {
                return line;
            }
        }
    }

    /// Sends it a signal: it alone, not what it may have started.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
    }

    /// Waits for its end, after which nothing of it may be left.
    pub fn end(mut self) -> Ended {
        self.stdout.read_to_string(&mut self.said).unwrap();
        let mut complained = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut complained).unwrap();
        let status = self.child.wait().unwrap();
        assert_eq!(self.place.left(), Vec::<PathBuf>::new(), "{}{complained}", self.said);
        Ended { status, said: std::mem::take(&mut self.said), complained }
    }

    /// Waits for its end, which must be a good one.
    pub fn end_well(self) -> Ended {
        let ended = self.end();
        assert!(ended.status.success(), "{}{}", ended.said, ended.complained);
        assert!(
            !ended.said.contains('\x1b'),
            "no escape codes where nobody draws:\n{}",
            ended.said
        );
        ended
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
