//! The real programs, each at its place in the emulated world.

use std::fmt::Write as _;
use std::fs::File;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use vantage_aggregator::clock::{SystemClock, WallClock as _};
use vantage_aggregator::store::{Location, Store};
use vantage_wire::UtcMicros;
use vantage_world::{World, WorldConfig};

/// The markets; each has one agent, `hk-1` and so on.
pub(crate) const MARKETS: [&str; 6] = ["hk", "tw", "in", "ru", "mx", "id"];
const SITES: [&str; 6] = ["beijing", "oregon", "singapore", "california", "mumbai", "sao-paulo"];
/// Length of windows, in seconds.
pub(crate) const WINDOW_S: i64 = 1;
/// Attempts of one probe in one window.
pub(crate) const DUE: u64 = 10;

/// Everything that runs.
pub(crate) struct Deployment {
    pub(crate) world: World,
    folder: TempDir,
    aggregator: Option<Child>,
    agents: Vec<Agent>,
}

struct Agent {
    name: String,
    process: Option<Child>,
    /// When it was not running, or may have lost its open windows: from just before a kill until
    /// it ran again.
    kills: Vec<(UtcMicros, UtcMicros)>,
}

impl Deployment {
    /// Starts the aggregator, enrols the agents and starts them.
    pub(crate) fn start(agent_arguments: &[&str]) -> Self {
        let world = World::start_toml(&world(false)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("catalogue.toml"), catalogue(&world)).unwrap();
        let agents = MARKETS.map(|market| Agent {
            name: format!("{market}-1"),
            process: None,
            kills: Vec::new(),
        });
        let mut deployment =
            Self { world, folder, aggregator: None, agents: agents.into_iter().collect() };
        deployment.start_aggregator();
        for number in 0..MARKETS.len() {
            deployment.enrol(number);
            deployment.start_agent(number, agent_arguments);
        }
        deployment
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
        end(self.aggregator.take().unwrap(), Signal::SIGKILL);
    }

    fn enrol(&self, number: usize) {
        let agent = &self.agents[number];
        let output = Command::new(env!("CARGO_BIN_EXE_e2e-vantage"))
            .current_dir(self.folder.path())
            .args(["enroll", &agent.name, "--market", MARKETS[number]])
            .output()
            .unwrap();
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
        end(agent.process.take().unwrap(), Signal::SIGKILL);
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
        Store::open(&Location::Embedded(self.folder.path().join("vantage-data"))).await.unwrap()
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
        for process in agents.chain(self.aggregator.take()) {
            end(process, Signal::SIGKILL);
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

fn pid(process: &Child) -> Pid {
    Pid::from_raw(i32::try_from(process.id()).unwrap())
}

fn end(mut process: Child, signal: Signal) {
    let _ = kill(pid(&process), signal);
    process.wait().unwrap();
}

fn world(cut: bool) -> String {
    let mut text = String::from("[[host]]\nname = \"hq\"\n");
    for market in MARKETS {
        writeln!(text, "[[host]]\nname = \"{market}-1\"").unwrap();
    }
    for site in SITES {
        writeln!(text, "[[host]]\nname = \"{site}\"").unwrap();
        text.push_str("[[host.service]]\nkind = \"tcp\"\nport = 7\nbehaviour = \"close\"\n");
    }
    for market in MARKETS {
        writeln!(
            text,
            "[[path]]\nfrom = [\"{market}-1\"]\nto = [\"hq\"]\nrtt-ms = 30\nblackhole = {cut}"
        )
        .unwrap();
        for (number, site) in SITES.iter().enumerate() {
            let rtt_ms = 10 + 20 * number;
            writeln!(
                text,
                "[[path]]\nfrom = [\"{market}-1\"]\nto = [\"{site}\"]\nrtt-ms = {rtt_ms}"
            )
            .unwrap();
        }
    }
    text
}

/// A port that answers at every site, and one that does not: both kinds of outcome are counted.
fn catalogue(world: &World) -> String {
    let mut text = format!("[defaults]\nwindow = \"{WINDOW_S}s\"\n");
    for market in MARKETS {
        writeln!(text, "[[market]]\nid = \"{market}\"\nweight = 1\ntime_zone = \"UTC\"").unwrap();
    }
    for site in SITES {
        let host = world.host(site).unwrap().ipv4();
        writeln!(text, "[[site]]\nid = \"{site}\"\ncountry = \"US\"").unwrap();
        writeln!(text, "[[target]]\nid = \"{site}-web\"\nsite = \"{site}\"\nhost = \"{host}\"")
            .unwrap();
        text.push_str("allow_private = true\nmax_attempts_per_second = 1000\n");
        for (id, port) in [("open", 7), ("shut", 8)] {
            writeln!(text, "[[target.probe]]\nid = \"{id}\"\nkind = \"tcp\"\nport = {port}")
                .unwrap();
            text.push_str("interval = \"100ms\"\ntimeout = \"500ms\"\n");
        }
    }
    text
}
