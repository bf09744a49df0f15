//! The configuration, and what is said of a wrong one.

use std::process::Output;

use tempfile::TempDir;

use crate::vantage::vantage;

fn serve(folder: &TempDir, arguments: &[&str]) -> Output {
    vantage(folder).arg("serve").args(arguments).output().unwrap()
}

/// One line that says what is wrong, and the exit code of wrong arguments.
fn assert_refused(output: &Output, words: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text}");
    }
}

#[test]
fn a_wrong_configuration_is_refused_in_one_line() {
    let folder = TempDir::new().unwrap();
    let write = |text: &str| std::fs::write(folder.path().join("aggregator.toml"), text).unwrap();
    assert_refused(&serve(&folder, &["--config", "missing.toml"]), &["missing.toml"]);
    write("listn = \"x\"\n[influx]\nurl = 5\n");
    assert_refused(&serve(&folder, &[]), &["aggregator.toml", "listn", "influx.url"]);
    write("[influx]\nurl = \"influx.example\"\norg = \"o\"\nbucket = \"b\"\n");
    assert_refused(&serve(&folder, &[]), &["influx.url", "https://"]);
    write("[influx]\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\n");
    assert_refused(&serve(&folder, &[]), &["influx.bucket"]);
    let server = "[influx]\nurl = \"http://127.0.0.1:1\"\norg = \"o\"\nbucket = \"b\"\n";
    write(&format!("{server}token_file = \"no-token\"\n"));
    assert_refused(&serve(&folder, &[]), &["no-token"]);
    std::fs::write(folder.path().join("no-token"), "\n").unwrap();
    assert_refused(&serve(&folder, &[]), &["no-token", "holds no token"]);
    write(&format!("{server}ca_file = \"no-ca\"\n"));
    assert_refused(&serve(&folder, &[]), &["no-ca"]);
}

#[test]
fn flags_override_the_configuration() {
    let folder = TempDir::new().unwrap();
    std::fs::write(
        folder.path().join("other.toml"),
        "keep_hours = \"2d\"\nkeep_windows = \"1d\"\n",
    )
    .unwrap();
    let output = serve(&folder, &["--config", "other.toml", "--keep-hours", "1h"]);
    assert_refused(&output, &["keep_hours", "keep_windows"]);
}

#[test]
fn an_export_has_to_know_where_to() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("catalogue.toml"), "").unwrap();
    let export = |arguments: &[&str]| {
        vantage(&folder).args(["export", "influx"]).args(arguments).output().unwrap()
    };
    assert_refused(&export(&["--from", "2026-03-02"]), &["influx.url", "--influx-url"]);
    let empty = ["--from", "2026-03-02", "--to", "2026-03-02", "--dry-run"];
    assert_refused(&export(&empty), &["is empty"]);
}
