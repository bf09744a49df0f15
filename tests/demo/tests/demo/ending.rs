//! However it ends, nothing is left; and where it cannot begin, it says why.

use nix::sys::signal::Signal;

use crate::run::{Place, scenario};

#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let place = Place::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = place.start(&[]);
        running.wait_for("agents probe");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.status.code(), Some(130), "{}{}", ended.said, ended.complained);
        assert_eq!(ended.complained, "demo: interrupted; nothing is left behind\n");
    }
}

#[test]
fn an_ordinary_user_can_interrupt_it_too() {
    let place = Place::new();
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let mut running = place.start_as_nobody(&[]);
        running.wait_for("agents probe");
        running.signal(signal);
        let ended = running.end();
        assert_eq!(ended.status.code(), Some(130), "{}{}", ended.said, ended.complained);
    }
}

#[test]
fn where_namespaces_are_refused_one_line_says_how_to_go_on() {
    let place = Place::new();
    // A user namespace whose own limits forbid any further namespace.
    let script = "echo 0 > /proc/sys/user/max_net_namespaces && \
        echo 0 > /proc/sys/user/max_user_namespaces && exec ./demo";
    let output = place.shell(script).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(message.lines().count(), 1, "{message}");
    assert!(message.contains("run it with sudo"), "{message}");
    assert!(output.stdout.is_empty());
}

#[test]
fn mistakes_are_named() {
    let place = Place::new();
    let text = std::fs::read_to_string(scenario("blocked")).unwrap();
    let bad = |name: &str, from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        place.write(name, &text.replace(from, to))
    };
    for (path, part) in [
        (bad("a", "mx-1 = {", "mx-9 = {"), "ways.mx-1: no way to beijing, california"),
        (bad("b", "site = \"oregon\"\n\n#", "site = \"organ\"\n\n#"), "no site organ"),
        (bad("c", "probe-dns", "prob-dns"), "prob-dns"),
        (bad("d", "[80, 180, 360]", "[80, 60, 360]"), "0 < least < usual"),
        (bad("e", "rank --from", "rang --from"), "rang"),
        (bad("f", "weight = 5\n", "weight = -5\n"), "weight"),
        ("nowhere.toml".to_owned(), "nowhere.toml"),
    ] {
        let ended = place.start(&["--world", &path]).end();
        assert!(ended.complained.contains(part), "{part}: {}", ended.complained);
        assert_eq!(ended.status.code(), Some(2), "{}", ended.complained);
    }
}
