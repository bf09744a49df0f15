//! A real InfluxDB in a folder of its own, on loopback, as long as a value lives.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const DATABASE: &str = "vantage";

pub struct InfluxDb {
    process: Child,
    address: SocketAddr,
    // Outlives the process: fields are dropped in their order, after `drop`.
    _folder: TempDir,
}

impl InfluxDb {
    pub fn start() -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let path = folder.path().display();
        let config = format!(
            "reporting-disabled = true\n\
             bind-address = \"127.0.0.1:0\"\n\
             [meta]\ndir = \"{path}/meta\"\n\
             [data]\ndir = \"{path}/data\"\nwal-dir = \"{path}/wal\"\nquery-log-enabled = false\n\
             [http]\nbind-address = \"127.0.0.1:0\"\nlog-enabled = false\n\
             [monitor]\nstore-enabled = false\n"
        );
        let file = folder.path().join("influxdb.conf");
        std::fs::write(&file, config).unwrap();
        let mut process = Command::new("influxd")
            .args(["run", "-config"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("influxd is missing: run tests/run, or `apt-get install influxdb`");
        let mut log = BufReader::new(process.stderr.take().unwrap()).lines();
        let address = log
            .by_ref()
            .map_while(Result::ok)
            .find(|line| line.contains("Listening on HTTP"))
            .and_then(|line| {
                let address = line.split("addr=").nth(1)?;
                address.split_whitespace().next()?.parse().ok()
            })
            .expect("influxd ended before it listened");
        // It would stop at a full pipe.
        std::thread::spawn(move || log.map_while(Result::ok).for_each(drop));
        let server = Self { process, address, _folder: folder };
        server.query(&format!("CREATE DATABASE {DATABASE}"));
        server
    }

    /// Writes points whose times are in seconds.
    pub fn write(&self, lines: &[u8]) {
        let (status, body) = self.post(&format!("/write?db={DATABASE}&precision=s"), "text/plain", lines);
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

impl Drop for InfluxDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn percent_encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
