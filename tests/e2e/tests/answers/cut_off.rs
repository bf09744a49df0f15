//! `vantage export --url` from an aggregator whose answer does not come to its end.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Output;
use std::thread::JoinHandle;

use crate::season::SEASON;

const EXPORT: [&str; 7] =
    ["export", "--from", "2026-03-03", "--to", "2026-03-04", "--phase", "total"];

/// Listens for one connection, and what becomes of it.
fn once(with: impl FnOnce(TcpStream) + Send + 'static) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    (url, std::thread::spawn(move || with(listener.accept().unwrap().0)))
}

/// The head of a request, which has no body.
fn head(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    head
}

/// Exports from the aggregator at `to`, through a proxy that lets so many bytes of its answer through.
fn exported_through(to: SocketAddr, most_bytes: u64) -> Output {
    let (url, proxy) = once(move |mut client| {
        let mut server = TcpStream::connect(to).unwrap();
        // The last answer on its connection, so that its end is seen here.
        let head = head(&client).replacen("\r\n", "\r\nconnection: close\r\n", 1);
        server.write_all(head.as_bytes()).unwrap();
        std::io::copy(&mut (&server).take(most_bytes), &mut client).unwrap();
        client.shutdown(Shutdown::Both).unwrap();
    });
    let output = SEASON.vantage(&[&EXPORT[..], &["--url", &url]].concat());
    proxy.join().unwrap();
    output
}

/// Exports from somebody who answers with this body, and then ends the connection in order.
fn exported_from(body: &'static str) -> Output {
    let (url, server) = once(move |mut client| {
        head(&client);
        write!(client, "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{body}").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
    });
    let output = SEASON.vantage(&[&EXPORT[..], &["--url", &url]].concat());
    server.join().unwrap();
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_connection_that_is_cut_is_an_error_wherever_it_is_cut() {
    let served = SEASON.serve();
    let to: SocketAddr = served.url.strip_prefix("http://").unwrap().parse().unwrap();
    let whole = SEASON.vantage(&EXPORT).stdout;
    for most_bytes in [400, 5_000, 100_000] {
        let output = exported_through(to, most_bytes);
        assert_eq!(output.status.code(), Some(3), "{most_bytes}: {}", said(&output));
        assert!(said(&output).contains("the answer was cut off"), "{}", said(&output));
        assert!(output.stdout.len() < whole.len(), "{most_bytes}");
        assert!(whole.starts_with(&output.stdout), "{most_bytes}");
    }
    let output = exported_through(to, u64::MAX);
    assert!(output.status.success(), "{}", said(&output));
    assert!(output.stdout == whole);
}

#[test]
fn a_file_that_is_not_complete_is_named() {
    let served = SEASON.serve();
    let to: SocketAddr = served.url.strip_prefix("http://").unwrap().parse().unwrap();
    let output = exported_through(to, 100_000);
    let text = said(&output);
    assert!(text.contains("what was written to standard output is not complete"), "{text}");
    assert!(text.contains("after "), "{text}");
}

#[test]
fn an_answer_without_its_last_line_is_cut_off_though_it_ends_in_order() {
    for (body, words) in [
        ("", "the answer was cut off"),
        ("{\"begin\":\"2026-03-03T00:00:00Z\"}\n", "the answer was cut off"),
        ("{\"begin\":\"2026-03-03T00:00:00Z\"}\n{\"end\":0}", "the answer was cut off"),
        ("{\"begin\":\"2026-03-03T00:00:00Z\"}\n{\"end\":7}\n", "7 rows were sent"),
        ("{\"end\":0}\n", "does not begin as rows do"),
        ("{\"series\":[]}\n", "the answer is of another version"),
        ("<html>\n", "the answer is of another version"),
    ] {
        let output = exported_from(body);
        assert_eq!(output.status.code(), Some(3), "{body}: {}", said(&output));
        assert!(said(&output).contains(words), "{body}: {}", said(&output));
    }
    let nothing = exported_from("{\"begin\":\"2026-03-03T00:00:00Z\"}\n{\"end\":0}\n");
    assert_eq!(nothing.status.code(), Some(4), "{}", said(&nothing));
}
