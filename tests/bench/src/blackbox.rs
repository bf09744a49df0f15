//! `blackbox_exporter` of the Prometheus project, asked for probes over its own interface.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use vantage_world::{Host, clock};

use crate::process::Process;

/// The program, in Debian's package of the same name.
pub const PROGRAM: &str = "prometheus-blackbox-exporter";
const PORT: u16 = 9_115;
const START_UP: Duration = Duration::from_secs(10);

/// A running exporter. Dropping it ends it.
#[derive(Debug)]
pub struct Blackbox {
    child: Child,
    address: SocketAddr,
}

impl Blackbox {
    /// Starts one at a host, where the calling thread must be, with modules `tcp_connect`, `icmp`
    /// and `http_2xx` that trust this authority; the configuration is written beside its file.
    ///
    /// # Errors
    /// The operating system's, or that it did not listen in time.
    pub fn start(host: &Host, ca_file: &Path) -> io::Result<Self> {
        let config = ca_file.with_file_name("blackbox.yml");
        let ca_file = ca_file.display();
        std::fs::write(
            &config,
            format!(
                "modules:
  tcp_connect: {{ prober: tcp, timeout: 5s, tcp: {{ preferred_ip_protocol: ip4 }} }}
  icmp: {{ prober: icmp, timeout: 5s, icmp: {{ preferred_ip_protocol: ip4 }} }}
  http_2xx:
    prober: http
    timeout: 5s
    http: {{ preferred_ip_protocol: ip4, tls_config: {{ ca_file: {ca_file} }} }}
"
            ),
        )?;
        let address = SocketAddr::from((host.ipv4(), PORT));
        let child = host
            .command(PROGRAM)
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--web.listen-address={address}"))
            .args(["--log.level=error"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let started = Self { child, address };
        let begun = clock::now();
        loop {
            match started.client() {
                Ok(_) => return Ok(started),
                Err(error) if clock::now().since(begun) > START_UP => return Err(error),
                Err(_) => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Its process.
    ///
    /// # Errors
    /// None that a running process has.
    pub fn process(&self) -> io::Result<Process> {
        Process::new(self.child.id())
    }

    /// A connection to ask for probes, from the calling thread's host.
    ///
    /// # Errors
    /// The operating system's.
    pub fn client(&self) -> io::Result<Client> {
        let stream = TcpStream::connect(self.address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(START_UP))?;
        Ok(Client { stream })
    }
}

impl Drop for Blackbox {
    fn drop(&mut self) {
        // It has ended already, or it ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A kept connection to an exporter.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
}

/// What an exporter answered: metrics as text.
#[derive(Debug)]
pub struct Answer(String);

impl Client {
    /// Has a target probed, and waits for the answer.
    ///
    /// # Errors
    /// The operating system's, or that the answer ended early.
    pub fn probe(&mut self, module: &str, target: &str) -> io::Result<Answer> {
        let request = format!(
            "GET /probe?module={module}&target={target} HTTP/1.1\r\nHost: {}\r\n\r\n",
            Ipv4Addr::LOCALHOST
        );
        self.stream.write_all(request.as_bytes())?;
        let mut answer = Vec::new();
        let mut part = [0; 16_384];
        while !is_whole(&answer) {
            let length = self.stream.read(&mut part)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&part[..length]);
        }
        Ok(Answer(String::from_utf8_lossy(&answer).into_owned()))
    }
}

/// Whether a response with `Content-Length` or in chunks is complete.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let fields = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = fields.lines().find_map(|line| line.strip_prefix("content-length:"));
    match length.and_then(|length| length.trim().parse::<usize>().ok()) {
        Some(length) => answer.len() >= head + 4 + length,
        None => answer.ends_with(b"\r\n0\r\n\r\n"),
    }
}

impl Answer {
    /// Whether the probe succeeded.
    pub fn is_ok(&self) -> bool {
        self.value("probe_success") == Some(1.0)
    }

    /// A metric, by its name with its labels.
    pub fn value(&self, metric: &str) -> Option<f64> {
        self.0.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
    }

    /// A metric in seconds as a span.
    pub fn span(&self, metric: &str) -> Option<Duration> {
        Duration::try_from_secs_f64(self.value(metric)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end_where_they_say() {
        let sized = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
        let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
        for whole in [&sized[..], chunked] {
            assert!(is_whole(whole) && !is_whole(&whole[..whole.len() - 1]));
        }
    }

    #[test]
    fn metrics_are_found() {
        let text = "# HELP probe_success x\nprobe_success 1\nd{phase=\"connect\"} 0.02\n";
        let answer = Answer(text.to_owned());
        assert!(answer.is_ok());
        assert_eq!(answer.span("d{phase=\"connect\"}"), Some(Duration::from_millis(20)));
        assert_eq!(answer.span("d"), None);
    }
}
