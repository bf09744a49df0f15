//! A `vantage serve` of its own for every test.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::{Response, StatusCode};
use tempfile::TempDir;
use vantage_aggregator::store::{Location, Store};
use vantage_wire::exchange::ProblemDocument;

/// A running aggregator. It ends with this value.
pub(crate) struct Aggregator {
    process: Child,
    pub(crate) url: String,
    folder: TempDir,
}

impl Aggregator {
    /// With an empty store and these arguments beside its own.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::launch(tempfile::tempdir().unwrap(), arguments)
    }

    /// With a catalogue.
    pub(crate) fn start_with(catalogue: &str, arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), catalogue, arguments)
    }

    /// With a catalogue in a folder that has what it names.
    pub(crate) fn start_in(folder: TempDir, catalogue: &str, arguments: &[&str]) -> Self {
        std::fs::write(folder.path().join("catalogue.toml"), catalogue).unwrap();
        Self::launch(folder, arguments)
    }

    fn launch(folder: TempDir, arguments: &[&str]) -> Self {
        let (process, url) = launch(folder.path(), arguments);
        Self { process, url, folder }
    }

    /// Ends it as a power failure does, and starts it again on the same store.
    pub(crate) fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.url) = launch(self.folder.path(), &[]);
    }

    /// Asks it to end, and waits.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let process = Pid::from_raw(i32::try_from(self.process.id()).unwrap());
        kill(process, Signal::SIGTERM).unwrap();
        self.process.wait().unwrap()
    }

    /// Runs another command of `vantage` on the same store.
    pub(crate) fn vantage(&self, arguments: &[&str]) -> Output {
        command(self.folder.path()).args(arguments).output().unwrap()
    }

    /// A fresh token for an agent.
    pub(crate) fn token(&self, arguments: &[&str]) -> String {
        let output = self.vantage(&[&["enroll"], arguments].concat());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// The store, beside the process.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&Location::Embedded(self.folder.path().join("vantage-data"))).await.unwrap()
    }

    /// The folder it works in.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Everything it logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(log_file(self.folder.path())).unwrap()
    }
}

impl Drop for Aggregator {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("log of the aggregator:\n{}", self.log());
        }
    }
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("log")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
    command.current_dir(folder).env_remove("NOTIFY_SOCKET").env("VANTAGE_LOG", "debug");
    command
}

fn launch(folder: &Path, arguments: &[&str]) -> (Child, String) {
    let log = File::options().create(true).append(true).open(log_file(folder)).unwrap();
    let mut process = command(folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut url).unwrap();
    if url.is_empty() {
        let status = process.wait().unwrap();
        panic!("{status}\n{}", std::fs::read_to_string(log_file(folder)).unwrap());
    }
    (process, url.trim().to_owned())
}

/// Status and name of a refusal.
pub(crate) async fn refusal(response: Response) -> (u16, String) {
    let status = response.status();
    assert!(status.is_client_error() || status.is_server_error(), "{status}");
    assert_eq!(response.headers()["content-type"], ProblemDocument::MEDIA_TYPE);
    let problem: ProblemDocument = response.json().await.unwrap();
    assert_eq!(StatusCode::from_u16(problem.status).unwrap(), status);
    (problem.status, problem.code().to_owned())
}
