//! The real programs, each at its place in the emulated world.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::store::{Location, Store};
use vantage_wire::UtcMicros;
use vantage_world::{World, WorldConfig, clock};

use crate::places::{MARKETS, catalogue, world};

/// Where the aggregator keeps its store unless it is told otherwise.
const DATA: &str = "vantage-data";
/// Arguments of agents that log what becomes of every delivery.
pub(crate) const LOG_DELIVERIES: [&str; 2] = ["--log", "info,vantage_agent::ship=debug"];

/// Held by the one deployment there is: several at once starve each other on a small machine.
static ALONE: Mutex<()> = Mutex::new(());

/// Everything that runs.
pub(crate) struct Deployment {
    pub(crate) world: World,
    folder: TempDir,
    aggregator: Option<Child>,
    agents: Vec<Agent>,
    _alone: MutexGuard<'static, ()>,
}

struct Agent {
    name: String,
    process: Option<Child>,
    /// When it was not running, or may have lost its open windows: from just before a kill until
    /// it ran again.
    kills: Vec<(UtcMicros, UtcMicros)>,
}

impl Deployment {
    /// The world with the aggregator and the agents in it, at work.
    pub(crate) fn start(agent_arguments: &[&str]) -> Self {
        let mut deployment = Self::new();
        deployment.start_all(agent_arguments);
        deployment
    }

    /// The world and a catalogue; nothing runs yet.
    pub(crate) fn new() -> Self {
        // A test that failed leaves nothing behind that matters to the next.
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let world = World::start_toml(&world(false)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("catalogue.toml"), catalogue(&world)).unwrap();
        let agents = MARKETS.map(|market| Agent {
            name: format!("{market}-1"),
            process: None,
            kills: Vec::new(),
        });
        std::fs::create_dir(folder.path().join(DATA)).unwrap();
        Self {
            world,
            folder,
            aggregator: None,
            agents: agents.into_iter().collect(),
            _alone: alone,
        }
    }

    /// Starts the aggregator, enrols the agents and starts them.
    pub(crate) fn start_all(&mut self, agent_arguments: &[&str]) {
        self.start_aggregator();
        for number in 0..MARKETS.len() {
            self.enrol(number);
            self.start_agent(number, agent_arguments);
        }
    }

    /// Where the aggregator keeps its store.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join(DATA)
    }

    /// Runs a command of `vantage` beside the aggregator.
    pub(crate) fn vantage(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_e2e-vantage"))
            .current_dir(self.folder.path())
            .args(arguments)
            .output()
            .unwrap()
    }

    /// Status and body of a page of the aggregator, asked for beside it.
    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        let host = self.world.host("hq").unwrap();
        let ask = || {
            let mut stream = TcpStream::connect((host.ipv4(), 8420)).unwrap();
            write!(stream, "GET {path} HTTP/1.1\r\nhost: hq\r\nconnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            answer
        };
        let answer = host.run(ask).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Address and port of the aggregator.
    fn url(&self) -> String {
        format!("http://{}:8420", self.world.host("hq").unwrap().ipv4())
    }

    fn command(&self, program: &str, host: &str, log: &str) -> Command {
        let mut command = self.world.host(host).unwrap().command(program);
        let log = self.folder.path().join(log);
        let log = File::options().create(true).append(true).open(log).unwrap();
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log).env_remove("NOTIFY_SOCKET");
        command
    }

    pub(crate) fn start_aggregator(&mut self) {
        let mut command = self.command(env!("CARGO_BIN_EXE_e2e-vantage"), "hq", "aggregator.log");
        let mut process = command
            .args(["serve", "--listen", "0.0.0.0:8420"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        // It prints its address once it serves.
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        assert!(!line.is_empty(), "{}", self.log("aggregator.log"));
        self.aggregator = Some(process);
    }

    pub(crate) fn kill_aggregator(&mut self) {
        end(&mut self.aggregator.take().unwrap());
    }

    /// Has the kernel end the aggregator at the moment when it writes to a file beyond its first
    /// `bytes`: what it writes up to there is written, and nothing after it (`RLIMIT_FSIZE`,
    /// setrlimit(2)). Waits for that, at most for `most`.
    pub(crate) fn end_aggregator_where_it_writes(&mut self, bytes: usize, most: Duration) {
        let aggregator = self.aggregator.as_mut().unwrap();
        let limited = Command::new("prlimit")
            .args(["--pid", &aggregator.id().to_string(), &format!("--fsize={bytes}:")])
            .status()
            .unwrap();
        assert!(limited.success());
        let until = clock::now() + most;
        while clock::now() < until && aggregator.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The file that commits of the store are written to first.
    pub(crate) fn write_ahead_log(&self) -> PathBuf {
        self.data().join("vantage.db-wal")
    }

    /// How often an agent heard that a report was there already which it could not deliver before:
    /// the aggregator ended between the commit and the answer. Needs agents that log what becomes
    /// of deliveries ([`LOG_DELIVERIES`]).
    pub(crate) fn lost_answers(&self) -> usize {
        let mut lost = 0;
        for agent in &self.agents {
            let mut failed = false;
            for line in self.log(&format!("{}.log", agent.name)).lines() {
                if line.contains("vantage-agent begins") || line.contains("outcome=Stored") {
                    failed = false;
                } else if line.contains("a report was not delivered") {
                    failed = true;
                } else if line.contains("outcome=Duplicate") && failed {
                    lost += 1;
                    failed = false;
                }
            }
        }
        lost
    }

    fn enrol(&self, number: usize) {
        let agent = &self.agents[number];
        let output = self.vantage(&["enroll", &agent.name, "--market", MARKETS[number]]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let token = self.folder.path().join(format!("{}.token", agent.name));
        std::fs::write(token, output.stdout).unwrap();
    }

    pub(crate) fn start_agent(&mut self, number: usize, arguments: &[&str]) {
        let name = self.agents[number].name.clone();
        let mut command =
            self.command(env!("CARGO_BIN_EXE_e2e-agent"), &name, &format!("{name}.log"));
        command.args(["run", "--aggregator", &self.url(), "--state", &name]);
        command.args(["--enrol-token-file", &format!("{name}.token")]).args(arguments);
        let agent = &mut self.agents[number];
        agent.process = Some(command.spawn().unwrap());
        let now = SystemClock.now();
        if let Some((_, until)) = agent.kills.last_mut() {
            *until = now;
        }
    }

    pub(crate) fn kill_agent(&mut self, number: usize) {
        let agent = &mut self.agents[number];
        let now = SystemClock.now();
        agent.kills.push((now, now));
        end(&mut agent.process.take().unwrap());
    }

    /// Cuts every agent off from the aggregator, or lets them through again.
    pub(crate) fn cut(&self, cut: bool) {
        self.world.change(&WorldConfig::from_toml(&world(cut)).unwrap()).unwrap();
    }

    /// Ends the agents in order: they ship what they have.
    pub(crate) fn finish_agents(&mut self) {
        let signal = |process: &Child| kill(pid(process), Signal::SIGTERM).unwrap();
        self.agents.iter().filter_map(|agent| agent.process.as_ref()).for_each(signal);
        for number in 0..self.agents.len() {
            let process = self.agents[number].process.take();
            let status = process.map(|mut process| process.wait().unwrap());
            let name = self.agents[number].name.clone();
            if let Some(status) = status {
                assert!(status.success(), "{name}: {status}\n{}", self.log(&format!("{name}.log")));
            }
        }
    }

    /// The store, beside the aggregator.
    pub(crate) async fn store(&self) -> Store {
        Store::open(&Location::Embedded(self.data())).await.unwrap()
    }

    /// Name and kills of every agent.
    pub(crate) fn agents(&self) -> impl Iterator<Item = (&str, &[(UtcMicros, UtcMicros)])> {
        self.agents.iter().map(|agent| (agent.name.as_str(), agent.kills.as_slice()))
    }

    pub(crate) fn log(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }
}

impl Drop for Deployment {
    fn drop(&mut self) {
        let agents = self.agents.iter_mut().filter_map(|agent| agent.process.take());
        for mut process in agents.chain(self.aggregator.take()) {
            end(&mut process);
        }
        if std::thread::panicking() {
            for name in ["aggregator.log", "hk-1.log"] {
                let log = self.log(name);
                let end = log.len().saturating_sub(4_000);
                eprintln!("end of {name}:\n{}", &log[log.ceil_char_boundary(end)..]);
            }
        }
    }
}

pub(crate) fn pid(process: &Child) -> Pid {
    Pid::from_raw(i32::try_from(process.id()).unwrap())
}

/// Kills a process, which may have ended already.
pub(crate) fn end(process: &mut Child) {
    let _ = process.kill();
    process.wait().unwrap();
}
