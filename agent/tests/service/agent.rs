//! A running agent and the place where it keeps its state.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

/// A place that goes with the test.
#[derive(Clone)]
pub struct Place(std::sync::Arc<tempfile::TempDir>);

impl Place {
    pub fn new() -> Self {
        Self(std::sync::Arc::new(tempfile::tempdir().unwrap()))
    }

    pub fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    /// Where a service manager listens.
    pub fn notify_socket(&self) -> PathBuf {
        self.0.path().join("notify")
    }

    /// Files of the spool with an ending.
    pub fn files(&self, ending: &str) -> usize {
        let spool = std::fs::read_dir(self.state().join("spool")).unwrap();
        spool
            .filter(|entry| {
                let path = entry.as_ref().unwrap().path();
                path.extension().is_some_and(|extension| extension == ending)
            })
            .count()
    }

    /// Windows and reports that wait to be delivered.
    pub fn waiting(&self) -> usize {
        self.files("window") + self.files("report")
    }

    /// Every file with its bytes.
    pub fn listing(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut folders = vec![self.state()];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push((path.clone(), std::fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    /// The private key in the forms in which it could leak.
    pub fn secrets(&self) -> Vec<String> {
        use base64::Engine as _;
        let key = std::fs::read(self.state().join("key.pk8")).unwrap();
        // The seed lies behind the header of a PKCS#8 document (RFC 8410 §7).
        let seed = &key[16..48];
        let base64 = base64::prelude::BASE64_STANDARD.encode(seed);
        let numbers = format!("{:?}", &seed[..8]);
        let hexadecimal = format!("{:x}", u128::from_be_bytes(seed[..16].try_into().unwrap()));
        vec![hexadecimal, base64[..40].to_owned(), numbers[1..numbers.len() - 1].to_owned()]
    }
}

/// An agent; it is killed where the test forgets it.
pub struct Agent {
    pub place: Place,
    child: Child,
    reading: Option<JoinHandle<String>>,
    log: String,
    lines: Option<BufReader<ChildStdout>>,
}

impl Agent {
    /// Starts one that logs all there is to log.
    pub fn start(place: &Place, url: &str, token: Option<&str>) -> Self {
        Self::start_with(place, Self::command(place, url), token)
    }

    /// Starts one as a service manager does that wants a sign of life every 200 ms; it takes its
    /// time to deliver what is left.
    pub fn supervised(place: &Place, url: &str, token: Option<&str>) -> Self {
        let mut command = Self::command_with(place, url, 60);
        command.env("NOTIFY_SOCKET", place.notify_socket()).env("WATCHDOG_USEC", "200000");
        Self::start_with(place, command, token)
    }

    fn start_with(place: &Place, mut command: Command, token: Option<&str>) -> Self {
        command.stdout(Stdio::null());
        if let Some(token) = token {
            command.env("VANTAGE_ENROL_TOKEN", token);
        }
        Self::spawn(place, command)
    }

    /// Starts one that answers scrapers at this address, for which it counts.
    pub fn scraped(place: &Place, url: &str, token: &str, address: &str) -> Self {
        let mut command = Self::command(place, url);
        command.args(["--metrics-listen", address]);
        Self::start_with(place, command, Some(token))
    }

    pub fn dry(place: &Place, url: &str) -> Self {
        let mut command = Self::command(place, url);
        command.arg("--dry-run").stdout(Stdio::piped());
        Self::spawn(place, command)
    }

    fn command(place: &Place, url: &str) -> Command {
        Self::command_with(place, url, 2)
    }

    fn command_with(place: &Place, url: &str, drain_s: u64) -> Command {
        let configuration = place.0.path().join("agent.toml");
        let text = format!(
            "state = \"{}\"\ndrain_s = {drain_s}\nlog = \"trace\"\n",
            place.state().display()
        );
        std::fs::write(&configuration, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_vantage-agent"));
        command.args(["run", "--aggregator", url, "--config"]).arg(configuration);
        // What the machine that runs the tests has set is not to be heeded.
        for name in
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"]
        {
            command.env_remove(name);
        }
        command.env_remove("VANTAGE_ENROL_TOKEN");
        command.env_remove("NOTIFY_SOCKET").env_remove("WATCHDOG_USEC");
        command
    }

    fn spawn(place: &Place, mut command: Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let lines = child.stdout.take().map(BufReader::new);
        let reading = std::thread::spawn(move || {
            let mut log = Vec::new();
            stderr.read_to_end(&mut log).unwrap();
            String::from_utf8_lossy(&log).into_owned()
        });
        Self { place: place.clone(), child, reading: Some(reading), log: String::new(), lines }
    }

    /// The next line of a dry run.
    pub fn line(&mut self) -> Value {
        let mut line = String::new();
        self.lines.as_mut().unwrap().read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    pub fn stop(&mut self, signal: Signal) -> Option<i32> {
        self.tell(signal);
        self.wait()
    }

    /// Sends a signal and does not wait.
    pub fn tell(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the end and returns the exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let status = self.child.wait().unwrap();
        if let Some(reading) = self.reading.take() {
            self.log = reading.join().unwrap();
        }
        status.code()
    }

    /// The log, once it has ended.
    pub fn log(&self) -> String {
        self.log.clone()
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
