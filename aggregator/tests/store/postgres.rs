//! A PostgreSQL server for the tests of this process, with a database for each.
//!
//! The server listens on a socket in a temporary folder and no port. A shell minds it: when its
//! standard input ends, because this process has, however that came about, it stops the server and
//! removes the folder.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::unistd::{Uid, User};
use vantage_aggregator::store::{Location, PostgresUrl};

use crate::fixture::Database;

/// Initialises, starts, says `ready`, waits for the end of its input, cleans up.
const MINDER: &str = r#"
bin=$1 folder=$2
cd /
"$bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >&2 || exit 1
"$bin/postgres" -D "$folder/data" -k "$folder" -c listen_addresses= -c fsync=off \
    -c shared_buffers=32MB -c max_connections=200 >&2 </dev/null &
server=$!
until "$bin/pg_isready" -q -h "$folder"; do
    kill -0 $server || exit 1
    sleep 0.1
done
echo ready
read -r _
kill -INT $server
wait $server
rm -rf "$folder"
"#;

struct Server {
    folder: PathBuf,
    _minder: Child,
}

/// The newest version that is installed.
fn binaries() -> PathBuf {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            Some((path.file_name()?.to_str()?.parse().ok()?, path.join("bin")))
        })
        .filter(|(_, bin)| bin.join("postgres").exists())
        .collect();
    found.sort();
    let (_, newest) = found
        .pop()
        .expect("PostgreSQL is missing: sudo apt-get install --no-install-recommends postgresql");
    newest
}

/// How to run something as another user than root, as which the server refuses to run.
fn unprivileged(folder: &Path) -> Command {
    if !Uid::effective().is_root() {
        return Command::new("env");
    }
    let map = fs::read_to_string("/proc/self/uid_map").unwrap();
    let is_alone = map.split_whitespace().nth(2) == Some("1");
    if is_alone {
        // Root of a namespace that has no other user: the same user under another number.
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-user=1000", "--map-group=1000"]);
        return command;
    }
    let postgres = User::from_name("postgres").unwrap().expect("the package adds this user");
    chown(folder, Some(postgres.uid.as_raw()), Some(postgres.gid.as_raw())).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--init-groups"]);
    command
}

fn start() -> Server {
    let bin = binaries();
    let folder = tempfile::Builder::new().prefix("vantage-postgres-").tempdir().unwrap().keep();
    let log = fs::File::create(folder.join("log")).unwrap();
    let mut minder = unprivileged(&folder)
        .args(["sh", "-c", MINDER, "minder"])
        .args([&bin, &folder])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .unwrap();
    let mut line = String::new();
    let output = minder.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).unwrap();
    let log = || fs::read_to_string(folder.join("log")).unwrap();
    assert_eq!(line, "ready\n", "PostgreSQL does not start: {}", log());
    Server { folder, _minder: minder }
}

static SERVER: OnceLock<Server> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

/// An empty database.
pub fn database() -> Database {
    let server = SERVER.get_or_init(start);
    let name = format!("test{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let socket = server.folder.to_str().unwrap();
    let made = Command::new(binaries().join("createdb"))
        .args(["-h", socket, "-U", "postgres", &name])
        .status()
        .unwrap();
    assert!(made.success());
    let url = format!("postgres://postgres@localhost/{name}?host={socket}");
    Database { location: Location::Postgres(PostgresUrl::new(&url)), url, _folder: None }
}
