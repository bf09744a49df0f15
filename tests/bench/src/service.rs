//! The agent as operators run it: `vantage-agent run` beside a `vantage serve`, each a process at its
//! host of the emulated world.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use vantage_aggregator::store::{Location, Store};
use vantage_world::World;

use crate::process::{Memory, Process};

/// How often the agent's log is looked at until it probes.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked at, at most.
const MOST_LOOKS: u32 = 600;

/// The programs: the benches' own executables of both.
#[derive(Debug, Clone, Copy)]
pub struct Programs<'a> {
    /// `vantage`.
    pub aggregator: &'a str,
    /// `vantage-agent`.
    pub agent: &'a str,
}

/// Both at work.
#[derive(Debug)]
pub struct Service {
    folder: PathBuf,
    aggregator: Child,
    agent: Child,
}

/// Slots of all probes, by what became of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slots {
    /// Attempts that succeeded.
    pub made: u64,
    /// All others.
    pub failed: u64,
}

impl Service {
    /// Starts the aggregator at the host `hq` with this catalogue, and at `market` an agent that
    /// trusts the authorities in a file. When this returns, it probes. All files go into `folder`.
    ///
    /// # Errors
    /// The operating system's, or what is in the log of the one that failed.
    pub fn start(
        world: &World,
        programs: Programs<'_>,
        folder: &Path,
        catalogue: &str,
        authorities: &str,
    ) -> io::Result<Self> {
        std::fs::write(folder.join("catalogue.toml"), catalogue)?;
        let hq = world.host("hq").map_err(io::Error::other)?;
        let mut command = hq.command(programs.aggregator);
        command.args(["serve", "--listen", "0.0.0.0:8420", "--log", "warn"]);
        let mut aggregator = command.current_dir(folder).stdout(Stdio::piped()).spawn()?;
        let stdout = aggregator.stdout.take().ok_or_else(|| io::Error::other("no output"))?;
        // It prints its address once it serves.
        BufReader::new(stdout).read_line(&mut String::new())?;

        let mut enroll = Command::new(programs.aggregator);
        let enroll = enroll.args(["enroll", "hk-1", "--market", "hk"]).current_dir(folder);
        std::fs::write(folder.join("token"), enroll.output()?.stdout)?;
        let market = world.host("market").map_err(io::Error::other)?;
        let mut command = market.command(programs.agent);
        command.env("SSL_CERT_FILE", authorities).env_remove("NOTIFY_SOCKET");
        command.args(["run", "--aggregator", &format!("http://{}:8420", hq.ipv4())]);
        command.args(["--state", "state", "--enrol-token-file", "token"]);
        let log = folder.join("agent.log");
        let agent = command.current_dir(folder).stderr(File::create(&log)?).spawn()?;
        let service = Self { folder: folder.to_owned(), aggregator, agent };
        for _ in 0..MOST_LOOKS {
            // The first assignment is none.
            if std::fs::read_to_string(&log)?.contains("a new assignment") {
                return Ok(service);
            }
            std::thread::sleep(LOOK_EVERY);
        }
        Err(io::Error::other(std::fs::read_to_string(&log)?))
    }

    /// The agent's memory now.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn memory(&self) -> io::Result<Memory> {
        Process::new(self.agent.id())?.memory()
    }

    /// CPU time of the agent so far.
    ///
    /// # Errors
    /// Where it has ended.
    pub fn cpu(&self) -> io::Result<Duration> {
        Process::new(self.agent.id())?.cpu()
    }

    /// Ends the agent in order, so that it delivers all it has, and returns what is in the store.
    ///
    /// # Errors
    /// Where the agent or the store fails.
    pub async fn finish(mut self) -> io::Result<Slots> {
        let id = i32::try_from(self.agent.id()).map_err(io::Error::other)?;
        kill(Pid::from_raw(id), Signal::SIGTERM)?;
        self.agent.wait()?;
        let data = Location::Embedded(self.folder.join("vantage-data"));
        let store = Store::open(&data).await.map_err(io::Error::other)?;
        let vantage = "hk-1".parse().map_err(io::Error::other)?;
        let totals = store.totals(&vantage).await.map_err(io::Error::other)?;
        store.close().await;
        let (due, made) = totals
            .values()
            .fold((0, 0), |(due, made), series| (due + series.due, made + series.ok));
        Ok(Slots { made, failed: due - made })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        for process in [&mut self.agent, &mut self.aggregator] {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}
