//! The `world` program as its users meet it.

use std::fs;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Output};

use tempfile::TempDir;

const WORLD: &str = r#"
[[host]]
name = "market"
resolvers = ["site"]
[[host]]
name = "site"
[[host.service]]
kind = "tcp"
port = 7
behaviour = "echo"
[[path]]
from = ["market"]
to = ["site"]
rtt-ms = 20
"#;

/// The user and group `nobody` of every Debian.
const NOBODY: u32 = 65_534;

struct Folder(TempDir);

impl Folder {
    /// A folder that everybody may read and write, with a copy of the program that everybody may
    /// run: the build's own folder may be closed to others.
    fn new() -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let program = folder.path().join("world");
        // By a process of its own. If this one held the file open for writing, a program that
        // another test starts at the same moment would hold it too, and nobody could run it.
        let copied = Command::new("install")
            .args(["-m", "755", env!("CARGO_BIN_EXE_world")])
            .arg(&program)
            .status();
        assert!(copied.unwrap().success());
        Self(folder)
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn world(&self) -> Command {
        let mut command = Command::new(self.0.path().join("world"));
        command.current_dir(self.0.path());
        command
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn assert_code(output: &Output, code: i32) {
    assert_eq!(
        output.status.code(),
        Some(code),
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
}

#[test]
fn a_command_runs_at_its_host_and_its_packets_are_written_down() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    let script = "echo at $WORLD_HOST; cat /etc/resolv.conf; \
        exec 3<>/dev/tcp/192.0.2.2/7; echo hello >&3; head -1 <&3; exit 5";
    let output = folder
        .world()
        .args(["run", "w.toml", "--truth", "truth.csv", "--", "bash", "-c", script])
        .output()
        .unwrap();
    assert_code(&output, 5);
    assert_eq!(text(&output.stdout), "at market\nnameserver 192.0.2.2\nhello\n");
    assert!(text(&output.stderr).contains("delivered"), "{}", text(&output.stderr));
    let truth = fs::read_to_string(folder.0.path().join("truth.csv")).unwrap();
    assert!(truth.lines().any(|line| line.contains("market,site") && line.contains("flags=S ")));
}

#[test]
fn an_ordinary_user_can_run_the_same_world() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    let script = "exec 3<>/dev/tcp/192.0.2.2/7; echo hello >&3; head -1 <&3";
    let mut command = folder.world();
    command.args(["run", "w.toml", "--quiet", "--", "bash", "-c", script]);
    if nix::unistd::Uid::effective().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert_code(&output, 0);
    assert_eq!(text(&output.stdout), "hello\n");
}

#[test]
fn where_namespaces_are_refused_one_line_says_how_to_go_on() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    // A user namespace whose own limits forbid any further namespace.
    let script = "echo 0 > /proc/sys/user/max_net_namespaces && \
        echo 0 > /proc/sys/user/max_user_namespaces && exec ./world run w.toml -- true";
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script])
        .current_dir(folder.0.path())
        .output()
        .unwrap();
    assert_code(&output, 3);
    let message = text(&output.stderr);
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("run it with sudo"), "{message}");
    assert!(message.contains("sysctl -w user.max_user_namespaces=1000"), "{message}");
}

#[test]
fn the_world_follows_its_file() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    let changed = WORLD.replace("rtt-ms = 20", "rtt-ms = 20\nblackhole = true");
    let broken = WORLD.replace("rtt-ms = 20", "rtt-ms = \"far\"");
    // The file changes twice while the command waits for its packets to stop coming through.
    let script = format!(
        "cat > w.toml <<'EOF'\n{broken}\nEOF\nsleep 0.3\ncat > w.toml <<'EOF'\n{changed}\nEOF\n\
         while timeout 1 bash -c 'exec 3<>/dev/tcp/192.0.2.2/7'; do sleep 0.1; done"
    );
    let output =
        folder.world().args(["run", "w.toml", "--", "bash", "-c", &script]).output().unwrap();
    assert_code(&output, 0);
    let said = text(&output.stderr);
    assert!(said.contains("left as it was") && said.contains("changed as w.toml says"), "{said}");
    assert!(said.contains("blackholed"), "{said}");
}

#[test]
fn a_request_to_end_reaches_the_command_and_leaves_nothing() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    let script = "trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done";
    let mut child = folder
        .world()
        .args(["run", "w.toml", "--quiet", "--", "bash", "-c", script])
        .env("TMPDIR", folder.0.path())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = std::io::BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert_eq!(line, "ready\n");
    let pid = nix::unistd::Pid::from_raw(i32::try_from(child.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    line.clear();
    std::io::BufRead::read_line(&mut said, &mut line).unwrap();
    assert_eq!(line, "told\n");
    assert_eq!(child.wait().unwrap().code(), Some(9));
    let left: Vec<_> = fs::read_dir(folder.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with("vantage-world-"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    folder.file("bad.toml", &WORLD.replace("to = [\"site\"]", "to = [\"sight\"]\nloss = 7"));
    for (arguments, code, part) in [
        (&["check", "nowhere.toml"][..], 2, "nowhere.toml"),
        (&["check", "bad.toml"], 2, "no host \"sight\""),
        (&["check", "bad.toml"], 2, "loss is 7"),
        (&["run", "w.toml", "--host", "sight", "--", "true"], 2, "sight"),
        (&["run", "w.toml", "--", "/no/such/program"], 1, "/no/such/program"),
        (&["calibrate", "--rates", "0"], 2, "0 is not in"),
    ] {
        let output = folder.world().args(arguments).output().unwrap();
        assert_code(&output, code);
        assert!(text(&output.stderr).contains(part), "{part}: {}", text(&output.stderr));
    }
}

#[test]
fn a_check_shows_hosts_and_delays() {
    let folder = Folder::new();
    folder.file("w.toml", WORLD);
    let output = folder.world().args(["check", "w.toml"]).output().unwrap();
    assert_code(&output, 0);
    let shown = text(&output.stdout);
    for part in ["market", "192.0.2.2", "2001:db8::2", "tcp:7", "20.0"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_calibration_prints_its_table() {
    let folder = Folder::new();
    let output =
        folder.world().args(["calibrate", "--rates", "200", "--seconds", "1"]).output().unwrap();
    assert_code(&output, 0);
    let shown = text(&output.stdout);
    assert!(shown.contains("| 200 | 200 |"), "{shown}");
}
