//! A real InfluxDB on loopback, for as long as the tests run.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};

use serde_json::Value;

const DATABASE: &str = "vantage";

pub struct InfluxDb {
    address: SocketAddr,
}

impl InfluxDb {
    pub fn start() -> Self {
        let config = configure(&Path::new(env!("CARGO_TARGET_TMPDIR")).join("dashboards-influxdb"));
        let (sender, receiver) = channel();
        // Linux ends the server with the thread that started it, so it has one that lasts.
        std::thread::spawn(move || run(&config, &sender));
        let address = receiver.recv().expect(
            "influxd did not start: run tests/run, or `apt-get install influxdb util-linux`",
        );
        let server = Self { address };
        server.query(&format!("CREATE DATABASE {DATABASE}"));
        server
    }

    /// Writes points whose times are in seconds.
    pub fn write(&self, lines: &[u8]) {
        let (status, body) =
            self.post(&format!("/write?db={DATABASE}&precision=s"), "text/plain", lines);
        assert_eq!(status, 204, "{body}");
    }

    /// The series that a query finds.
    pub fn query(&self, query: &str) -> Vec<Value> {
        let body = format!("q={}", percent_encoded(query));
        let form = "application/x-www-form-urlencoded";
        let (status, body) =
            self.post(&format!("/query?db={DATABASE}&epoch=ms"), form, body.as_bytes());
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let result = &answer["results"][0];
        assert!(result["error"].is_null(), "{query}: {result}");
        result["series"].as_array().cloned().unwrap_or_default()
    }

    fn post(&self, path: &str, kind: &str, body: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        // HTTP/1.0: the answer ends with the connection, and is not cut into chunks.
        let head = format!(
            "POST {path} HTTP/1.0\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, body.to_owned())
    }
}

/// Writes the configuration, in an empty folder.
fn configure(folder: &Path) -> PathBuf {
    // What the last run left.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).unwrap();
    let path = folder.display();
    let config = format!(
        "reporting-disabled = true\n\
         bind-address = \"127.0.0.1:0\"\n\
         [meta]\ndir = \"{path}/meta\"\n\
         [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\nquery-log-enabled = false\n\
         [http]\nbind-address = \"127.0.0.1:0\"\nlog-enabled = false\n\
         [monitor]\nstore-enabled = false\n"
    );
    let file = folder.join("influxdb.conf");
    std::fs::write(&file, config).unwrap();
    file
}

/// Runs it, tells where it listens, and reads its log: it would stop at a full pipe.
fn run(config: &Path, listening: &Sender<SocketAddr>) {
    let process = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "influxd", "run", "-config"])
        .arg(config)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut process) = process else { return };
    let log = BufReader::new(process.stderr.take().unwrap()).lines();
    for line in log.map_while(Result::ok).filter(|line| line.contains("Listening on HTTP")) {
        let address = line.split("addr=").nth(1).and_then(|rest| rest.split(' ').next());
        let _ = listening.send(address.unwrap().parse().unwrap());
    }
    let _ = process.wait();
}

fn percent_encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut encoded, byte| {
        // Writing to a String cannot fail.
        let _ = write!(encoded, "%{byte:02X}");
        encoded
    })
}
