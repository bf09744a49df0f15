//! Reports over HTTPS: the operator's own certificate, HTTP/2, and a proxy on the way.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _, copy};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;
use vantage_aggregator::store::{Location, Store};

use crate::deployment::{LOG_DELIVERIES, end, pid};

/// A name that no DNS server knows; only the proxy does.
const NAME: &str = "vantage.test";

/// An aggregator with a certificate and an agent, both on this machine.
struct OverHttps {
    folder: TempDir,
    port: u16,
    aggregator: Child,
    agent: Option<Child>,
}

impl OverHttps {
    /// Starts the aggregator; the certificate is for [`NAME`] and 127.0.0.1.
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let names = vec![NAME.to_owned(), "127.0.0.1".to_owned()];
        let certified = rcgen::generate_simple_self_signed(names).unwrap();
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("cert.pem", &certified.cert.pem());
        write("key.pem", &certified.signing_key.serialize_pem());
        write("catalogue.toml", CATALOGUE);
        let mut aggregator =
            command(env!("CARGO_BIN_EXE_e2e-vantage"), folder.path(), "aggregator")
                .args(["serve", "--listen", "127.0.0.1:0", "--log", "info,h2=debug"])
                .args(["--tls-cert", "cert.pem", "--tls-key", "key.pem"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
        let mut url = String::new();
        BufReader::new(aggregator.stdout.take().unwrap()).read_line(&mut url).unwrap();
        let port = url.trim().strip_prefix("https://127.0.0.1:").unwrap().parse().unwrap();
        let enrolled = Command::new(env!("CARGO_BIN_EXE_e2e-vantage"))
            .current_dir(folder.path())
            .args(["enroll", "hk-1", "--market", "hk"])
            .output()
            .unwrap();
        std::fs::write(folder.path().join("token"), enrolled.stdout).unwrap();
        Self { folder, port, aggregator, agent: None }
    }

    /// Starts the agent, told that the aggregator is at `host`.
    fn report_to(&mut self, host: &str, proxy: Option<&str>) {
        let url = format!("https://{host}:{}", self.port);
        let mut agent = command(env!("CARGO_BIN_EXE_e2e-agent"), self.folder.path(), "agent");
        agent.args(["run", "--aggregator", &url, "--state", "state", "--ca-file", "cert.pem"]);
        agent.args(["--enrol-token-file", "token"]).args(LOG_DELIVERIES);
        if let Some(proxy) = proxy {
            agent.env("HTTPS_PROXY", proxy);
        }
        self.agent = Some(agent.spawn().unwrap());
    }

    fn log(&self, of: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(of).with_extension("log")).unwrap()
    }

    /// Waits for some reports, ends the agent and looks at what has arrived, and how.
    fn check(mut self) {
        let mut delivered = 0;
        for _ in 0..600 {
            delivered = self.log("agent").matches("outcome=Stored").count();
            if delivered >= 3 {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        assert!(delivered >= 3, "{}", self.log("agent"));
        let mut agent = self.agent.take().unwrap();
        nix::sys::signal::kill(pid(&agent), Signal::SIGTERM).unwrap();
        assert!(agent.wait().unwrap().success(), "{}", self.log("agent"));

        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let data = Location::Embedded(self.folder.path().join("vantage-data"));
            let store = Store::open(&data).await.unwrap();
            let totals = store.totals(&"hk-1".parse().unwrap()).await.unwrap();
            assert!(totals.values().all(|series| series.due >= 10) && totals.len() == 1);
            assert!(store.check().await.unwrap().is_sound());
            store.close().await;
        });
        let log = self.log("aggregator");
        assert!(log.contains("received frame=Headers"), "nobody spoke HTTP/2:\n{log}");
    }
}

impl Drop for OverHttps {
    fn drop(&mut self) {
        for process in self.agent.iter_mut().chain([&mut self.aggregator]) {
            end(process);
        }
    }
}

/// One probe of a port at which nobody listens.
const CATALOGUE: &str = r#"
[defaults]
window = "1s"
interval = "100ms"
timeout = "200ms"
[[market]]
id = "hk"
time_zone = "Asia/Hong_Kong"
[[site]]
id = "here"
country = "US"
[[target]]
id = "here"
site = "here"
host = "127.0.0.1"
allow_private = true
[[target.probe]]
kind = "tcp"
port = 1
"#;

/// A program in this folder, with a log of its own and nothing of this machine's settings.
fn command(program: &str, folder: &Path, log: &str) -> Command {
    let log = File::create(folder.join(log).with_extension("log")).unwrap();
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
        command.env_remove(name);
    }
    command.env_remove("NOTIFY_SOCKET");
    command
}

/// An HTTP proxy that opens tunnels (RFC 9110 §9.3.6) to the machine itself, whatever name it is
/// asked for.
struct Proxy {
    url: String,
    /// Where it was asked to connect to.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Proxy {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let heard = Arc::clone(&asked);
        // Ends with the tests.
        thread::spawn(move || {
            for client in listener.incoming() {
                let (client, heard) = (client.unwrap(), Arc::clone(&heard));
                thread::spawn(move || tunnel(&client, &heard));
            }
        });
        Self { url, asked }
    }
}

fn tunnel(client: &TcpStream, asked: &Mutex<Vec<String>>) -> Option<()> {
    // The client says nothing more until it was answered, so nothing stays in the buffer.
    let mut head = BufReader::new(client.try_clone().unwrap()).lines();
    let request = head.next()?.ok()?;
    let to = request.strip_prefix("CONNECT ")?.strip_suffix(" HTTP/1.1")?.to_owned();
    while !head.next()?.ok()?.is_empty() {}
    let (_, port) = to.split_once(':')?;
    let server = TcpStream::connect(("127.0.0.1", port.parse().ok()?)).ok()?;
    asked.lock().unwrap().push(to.clone());
    { client }.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    let (mut from_client, mut to_server) =
        (client.try_clone().unwrap(), server.try_clone().unwrap());
    let upwards = thread::spawn(move || {
        let _ = copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(Shutdown::Write);
    });
    let _ = copy(&mut &server, &mut { client });
    let _ = client.shutdown(Shutdown::Both);
    upwards.join().ok()
}

#[test]
fn reports_arrive_over_https_and_http_2() {
    let mut over_https = OverHttps::start();
    over_https.report_to("127.0.0.1", None);
    over_https.check();
}

#[test]
fn reports_arrive_through_a_proxy_that_alone_knows_the_way() {
    let proxy = Proxy::start();
    let mut over_https = OverHttps::start();
    over_https.report_to(NAME, Some(&proxy.url));
    let expected = format!("{NAME}:{}", over_https.port);
    over_https.check();
    let asked = proxy.asked.lock().unwrap();
    assert!(!asked.is_empty() && asked.iter().all(|to| *to == expected), "{asked:?}");
}
