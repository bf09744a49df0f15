//! The process from its start to its end.

use std::process::Command;

use crate::agent::{Agent, minute, window};
use crate::aggregator::Aggregator;

#[tokio::test]
async fn it_is_alive_and_ready() {
    let aggregator = Aggregator::start(&[]);
    for path in ["/healthz", "/readyz"] {
        let answer = reqwest::get(aggregator.url.clone() + path).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn it_ends_in_order_when_asked_to() {
    let mut aggregator = Aggregator::start(&[]);
    let agent = Agent::enrolled(&aggregator, "hk-1", "hk").await;
    let envelope = agent.seal(&agent.report(1, vec![window(minute(2), 60, 0)]));
    assert_eq!(agent.send(&aggregator, envelope).await.status(), 200);
    assert_eq!(aggregator.terminate().code(), Some(0));
    let checked = aggregator.vantage(&["store", "check"]);
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
}

#[test]
fn two_cannot_listen_on_one_port() {
    let first = Aggregator::start(&[]);
    let address = first.url.strip_prefix("http://").unwrap();
    let second = first.vantage(&["serve", "--listen", address, "--data", "other"]);
    assert_eq!(second.status.code(), Some(2));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains(&format!("failed to listen on {address}")), "{said}");
}

#[test]
fn a_catalogue_with_problems_keeps_it_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), "[[marked]]\nid = \"hk\"\n").unwrap();
    let vantage = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
        command.current_dir(folder.path()).args(arguments).output().unwrap()
    };
    let serve = vantage(&["serve", "--listen", "127.0.0.1:0"]);
    let check = vantage(&["catalogue", "check"]);
    assert_eq!((serve.status.code(), check.status.code()), (Some(2), Some(1)));
    for output in [serve, check] {
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("catalogue.toml:1") && said.contains("market"), "{said}");
    }
}

#[test]
fn wrong_arguments_and_files_end_it_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let serve = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
        let command = command.current_dir(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]);
        let output = command.args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    std::fs::write(folder.path().join("short"), "secret\n").unwrap();
    for (arguments, why) in [
        (["--grace", "soon"].as_slice(), "--grace"),
        (&["--keep-windows", "30d", "--keep-hours", "2d"], "--keep-hours"),
        (&["--tls-cert", "none.pem", "--tls-key", "none.pem"], "none.pem"),
        (&["--read-token-file", "short"], "short:1: a read token needs"),
        (&["--catalogue", "none.toml"], "none.toml"),
        (&["--store", "mysql://host/db"], "--store"),
    ] {
        let (code, said) = serve(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {said}");
        assert!(said.contains(why) && !said.contains("secret"), "{arguments:?}: {said}");
    }
    assert!(!folder.path().join("vantage-data").exists(), "nothing was made");
}

#[test]
fn an_address_of_another_machine_ends_it_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
    let command = command.current_dir(folder.path()).args(["serve", "--listen", "192.0.2.1:1"]);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("failed to listen on 192.0.2.1:1: "), "{said}");
}

#[test]
fn a_store_that_cannot_be_opened_ends_it_with_3() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "no folder").unwrap();
    std::fs::create_dir(folder.path().join("other")).unwrap();
    std::fs::write(folder.path().join("other/vantage.db"), "no database, ".repeat(99)).unwrap();
    // Nobody listens where a listener was a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = format!("postgres://me:secret@{free}/vantage");
    for arguments in [
        // No folder, and root itself could not make one of it.
        ["--data", "file"].as_slice(),
        &["--data", "file/below"],
        &["--data", "/proc/vantage"],
        &["--data", "other"],
        &["--store", &away],
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
        let command = command.current_dir(folder.path()).args(["serve", "--listen", "127.0.0.1:0"]);
        let output = command.args(arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{arguments:?}: {said}");
        assert!(said.contains("failed to open the store"), "{arguments:?}: {said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking_at_it() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [["agents"].as_slice(), &["store", "check"]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
        let output = command.current_dir(folder.path()).args(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_password_in_arguments_is_never_quoted() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vantage"));
    let output = command.args(["agents", "--store", "mysql://me:secret@host/db"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("secret"));
}
