//! The program itself, at a host of an emulated network.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails by panicking")]

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Output, Stdio};

use nix::sys::signal::Signal;
use nix::unistd::Pid;
use serde_json::Value;
use vantage_world::World;

const PROGRAM: &str = env!("CARGO_BIN_EXE_vantage-agent");
const TESTDATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata");

fn world() -> World {
    World::start_toml(
        r#"
        [[host]]
        name = "market"
        resolvers = ["site"]
        [[host]]
        name = "site"
        [[host.service]]
        kind = "https"
        names = ["site.test"]
        [[host.service]]
        kind = "dns"
        records = { "site.test" = ["192.0.2.2"] }
        [[path]]
        from = ["market"]
        to = ["site"]
        rtt-ms = 20
        "#,
    )
    .unwrap()
}

fn run(world: &World, arguments: &str) -> Output {
    let mut command = world.host("market").unwrap().command(PROGRAM);
    command.args(arguments.split_whitespace()).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Replaces what differs from run to run: times and ports. What is left is the schema.
fn normalise(value: &mut Value) {
    let Value::Object(fields) = value else { return };
    for (key, field) in fields.iter_mut() {
        let varies = key.ends_with("_us") || key.ends_with("_ms");
        if varies || matches!(key.as_str(), "local_port" | "expires_unix_s") {
            assert!(field.as_f64().is_some_and(|number| number >= 0.0), "{key}: {field}");
            *field = 0.into();
        } else {
            normalise(field);
        }
    }
}

#[test]
fn json_is_as_documented() {
    let world = world();
    let arguments = "probe --json -c 1 https://site.test/ site.test:443 site.test:1 \
                     192.0.2.2 dns:site.test@192.0.2.2 tls:site.test quic:site.test";
    let output = run(&world, arguments);
    let mut documents: Vec<_> = stdout(&output)
        .lines()
        .map(|line| {
            let mut document: Value = serde_json::from_str(line).unwrap();
            normalise(&mut document);
            serde_json::to_string(&document).unwrap()
        })
        .collect();
    // Attempts end in the order of their targets' distances.
    documents.sort();
    let found = documents.join("\n") + "\n";
    let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/probe.jsonl");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(golden, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(golden).unwrap());
    assert_eq!(output.status.code(), Some(1), "one port is closed");
}

#[test]
fn help_is_as_checked_in() {
    for (arguments, file) in [
        (&["--help"][..], "help.txt"),
        (&["probe", "--help"], "help-probe.txt"),
        (&["check", "--help"], "help-check.txt"),
    ] {
        let output = Command::new(PROGRAM).args(arguments).output().unwrap();
        assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));
        let (found, golden) = (stdout(&output), format!("{TESTDATA}/{file}"));
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &found).unwrap();
        }
        let expected = std::fs::read_to_string(&golden).unwrap();
        assert!(found == expected, "{file}; UPDATE_GOLDEN=1 accepts it:\n{found}");
    }
}

#[test]
fn output_that_cannot_be_written_has_a_code_of_its_own() {
    let world = world();
    let mut command = world.host("market").unwrap().command(PROGRAM);
    command.args(["probe", "-c", "1", "--json", "192.0.2.2:443"]);
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
    assert!(stderr(&output).contains("failed to write results: No space left"));
}

#[test]
fn json_is_whole_after_ctrl_c() {
    let world = world();
    let mut command = world.host("market").unwrap().command(PROGRAM);
    // The second target never answers: its attempts are under way when the run ends.
    command.args("probe --json -i 100ms 192.0.2.2:443 https://site.test/stall".split_whitespace());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut documents: Vec<Value> = Vec::new();
    let mut next = || lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
    for _ in 0..3 {
        documents.push(next().unwrap());
    }
    let pid = Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    documents.extend(std::iter::from_fn(&mut next));
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), stderr(&output).as_str()), (Some(0), ""));

    let of = |target: &str, kind: &str| -> Vec<&Value> {
        let wanted = |document: &&Value| document["target"] == target && document["type"] == kind;
        documents.iter().filter(wanted).collect()
    };
    for target in ["192.0.2.2:443", "https://site.test/stall"] {
        let (attempts, summaries) = (of(target, "attempt"), of(target, "summary"));
        assert_eq!(summaries.len(), 1);
        let counted = |key: &str| summaries[0][key].as_u64().unwrap();
        assert_eq!(counted("sent"), attempts.len() as u64);
        assert_eq!(counted("ok") + counted("failed") + counted("cancelled"), counted("sent"));
    }
    let given_up = of("https://site.test/stall", "attempt");
    assert!(!given_up.is_empty());
    for document in given_up {
        let of = |key: &str| document[key].as_str().unwrap();
        let said = (of("outcome"), of("code"), of("phase"), of("attribution"));
        assert_eq!(said, ("failed", "agent_cancelled", "total", "agent"));
        assert!(document["at_ms"].as_f64().is_some() && document.get("total_us").is_none());
    }
    assert_eq!(documents.iter().rev().take(2).filter(|last| last["type"] == "summary").count(), 2);
}

#[test]
fn exit_codes_and_messages_tell_what_happened() {
    let world = world();
    for (arguments, code, message) in [
        ("probe -c 2 -i 50ms 192.0.2.2:443", 0, ""),
        ("probe -c 1 192.0.2.2:1", 1, ""),
        ("probe -c 1 no-such.test:443", 3, "no-such.test:443: dns_nxdomain in dns"),
        ("probe", 2, "required arguments"),
        ("probe ftp://site.test", 2, "unknown scheme \"ftp\""),
        ("probe site.test:0", 2, "port \"0\" must be a number from 1 to 65535"),
        ("probe -i 0s site.test", 2, "must be from 10ms"),
        ("probe -c 0 site.test", 2, "'--count <N>'"),
        ("probe --ca /no/such/file tls:site.test", 2, "--ca /no/such/file: No such file"),
        ("probe --ca /proc/version tls:site.test", 2, "holds no certificate"),
        ("probe --histogram /no/such/file site.test", 2, "--histogram /no/such/file"),
        ("probe -4 2001:db8::2", 2, "is an IPv6 address, which -4 excludes"),
        ("probe -6 192.0.2.2:443", 2, "is an IPv4 address, which -6 excludes"),
        ("probe --http2 h3://site.test/", 2, "--http1 and --http2 are for http:// and https://"),
        ("probe --method GET site.test:443", 2, "no target is an HTTP request"),
    ] {
        let output = run(&world, arguments);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(code), "{arguments}: {said}");
        assert!(said.contains(message), "{arguments}: {said}");
        assert_eq!(said.lines().count(), usize::from(!message.is_empty()), "{arguments}: {said}");
        assert!(!stdout(&output).contains('\x1b'), "no escape codes in a pipe");
    }
}

#[test]
fn the_histogram_log_holds_a_line_for_each_phase() {
    let world = world();
    let folder = std::env::temp_dir().join(format!("vantage-cli-{}", std::process::id()));
    let output = run(
        &world,
        &format!("probe -q -c 2 -i 50ms 192.0.2.2:443 --histogram {}", folder.display()),
    );
    let text = std::fs::read_to_string(&folder).unwrap();
    std::fs::remove_file(&folder).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let tags: Vec<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("Tag="))
        .filter_map(|line| line.split(',').next())
        .collect();
    assert_eq!(tags, ["connect@192.0.2.2:443", "total@192.0.2.2:443"]);
}

#[test]
fn check_finds_the_resolver_and_names_remedies() {
    let world = world();
    let output = run(&world, "check --json");
    let findings: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let dns = findings.iter().find(|finding| finding["check"] == "dns").unwrap();
    assert_eq!(dns["verdict"], "ok", "{dns}");
    for finding in &findings {
        let mended = finding["verdict"] == "ok" || finding["type"] == "summary";
        assert_eq!(finding.get("remedy").is_none(), mended, "{finding}");
    }
}
