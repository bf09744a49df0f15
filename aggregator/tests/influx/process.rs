//! A database server in a folder of its own, that ends with its value.

use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A running server.
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program of a Debian package; what it says goes into `log`.
    pub fn start(program: &str, package: &str, arguments: &[&str], log: &Path) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let child = Command::new(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        let missing =
            format!("{program} is missing: sudo apt-get install --no-install-recommends {package}");
        Self { child: child.expect(&missing) }
    }

    /// Ends it at once, as a power failure does.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until a page answers with success.
    pub async fn wait_for(&mut self, page: &str, log: &Path) {
        let client = client();
        loop {
            if let Ok(answer) = client.get(page).send().await
                && answer.status().is_success()
            {
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                panic!("{status}\n{}", std::fs::read_to_string(log).unwrap());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port of this machine that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A client that talks to this machine.
pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}
