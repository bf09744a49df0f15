//! The program itself.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::process::client;

/// A command of `vantage` in a folder.
pub fn vantage(folder: &TempDir) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
    command.current_dir(folder.path()).env_remove("NOTIFY_SOCKET").env_remove("VANTAGE_LOG");
    command
}

/// A running `vantage serve` in a folder. It ends with this value.
pub struct Serving {
    child: Child,
    url: String,
    log: std::path::PathBuf,
}

impl Serving {
    /// Starts it with the configuration of the folder.
    pub fn start(folder: &TempDir) -> Self {
        let log = folder.path().join("serve.log");
        let file = File::options().create(true).append(true).open(&log).unwrap();
        let mut child = vantage(folder)
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        assert!(!url.is_empty(), "{}", read(&log));
        Self { child, url: url.trim_end().to_owned(), log }
    }

    /// What it tells Prometheus.
    pub async fn metrics(&self) -> String {
        let answer = client().get(self.url.clone() + "/metrics").send().await.unwrap();
        answer.error_for_status().unwrap().text().await.unwrap()
    }

    /// Ends it as a power failure does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to end, and answers whether it did so in order.
    pub fn terminate(mut self) -> bool {
        let process = Pid::from_raw(i32::try_from(self.child.id()).unwrap());
        kill(process, Signal::SIGTERM).unwrap();
        self.child.wait().unwrap().success()
    }

    /// Everything it logged so far.
    pub fn log(&self) -> String {
        read(&self.log)
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("log of vantage serve:\n{}", self.log());
        }
    }
}
