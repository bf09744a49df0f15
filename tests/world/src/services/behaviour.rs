//! What an HTTP site does with a request, and how a request's path chooses it.
//!
//! Every behaviour can be had in two ways: site-wide, from the configuration or
//! [`ServiceHandle::set_behaviour`](super::ServiceHandle::set_behaviour), and by asking for its path, which takes
//! precedence. Any path that is not in the table meets the site-wide behaviour, so that `/` or `/health` show what the
//! site is made to do. A path of the table with an impossible number is answered with 400 and the reason.
//!
//! | path | configuration | HTTP/1.1 | HTTP/2 | HTTP/3 |
//! |---|---|---|---|---|
//! | `/ok` | `"ok"` | 200, `ok\n` | same | same |
//! | `/status/503` | `{ status = 503 }` | that status (200–599), a short body | same | same |
//! | `/bytes/N` | `{ bytes = N }` | 200, N zero bytes | same | same |
//! | `/wait/MS` | `{ wait-ms = MS }` | nothing for MS ms, then 200 | same | same |
//! | `/drip/BYTES/MS` | `{ drip = { bytes = B, every-ms = MS } }` | headers at once, byte *i* after *i*·MS ms | same | same |
//! | `/stall` | `"stall"` | no answer, connection stays | stream stays open, others go on | same as HTTP/2 |
//! | – | `"hold"` | no answer until the behaviour changes, then that | same | same |
//! | `/stall-body` | `"stall-body"` | headers, half the body, then nothing | same, on this stream | same as HTTP/2 |
//! | `/truncate` | `"truncate"` | half of `content-length`, then orderly close | half, then `RST_STREAM` (`INTERNAL_ERROR`) | half, then the stream's end |
//! | `/reset` | `"reset"` | headers, half the body, then TCP RST | same, for the whole connection | headers, half the body (not waited for), then `CONNECTION_CLOSE` (`H3_INTERNAL_ERROR`) |
//! | `/reset-early` | `"reset-early"` | TCP RST instead of an answer | same, for the whole connection | `CONNECTION_CLOSE` (`H3_INTERNAL_ERROR`) |
//! | `/close` | `"close"` | orderly close instead of an answer | same, for the whole connection, no GOAWAY | `CONNECTION_CLOSE` (`H3_NO_ERROR`) |
//! | `/garbage` | `"garbage"` | bytes that are no HTTP, then close | bytes that are no HTTP/2 frame, then close | a DATA frame where HEADERS must be (RFC 9114 §4.1) |
//! | `/redirect/N` | `{ redirect = N }` | 302 to `/redirect/N-1`; at 0 the answer of `/ok` | same | same |
//! | `/redirect-loop` | `"redirect-loop"` | 302 to itself | same | same |
//! | `/retry-after/S` | `{ retry-after-s = S }` | 429 with `Retry-After: S` | same | same |
//! | `/echo-headers` | `"echo-headers"` | 200, the request line and headers as text | same | same |
//!
//! An orderly close over TLS sends `close_notify` and then FIN. Half means 1024 of 2048 bytes.

use serde::Deserialize;

/// What a request meets. The module's table says how each looks on each protocol.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// 200 with a body of three bytes.
    #[default]
    Ok,
    /// An answer with this status. (200..=599)
    Status(u16),
    /// 200 with a body of so many zero bytes. (0..=16 MiB)
    Bytes(u64),
    /// The answer of `Ok`, whose first byte comes so many milliseconds late. (0..=600 000)
    WaitMs(u64),
    /// 200 whose body comes byte by byte.
    Drip(Drip),
    /// Headers never come.
    Stall,
    /// Requests wait until the site's behaviour changes, and then meet the new one: a target that
    /// stands still for a while. Site-wide only.
    Hold,
    /// Headers and half the body come, then silence.
    StallBody,
    /// The answer ends after half the promised body.
    Truncate,
    /// The connection is reset after half the body.
    Reset,
    /// The connection is reset before any byte of an answer.
    ResetEarly,
    /// The connection is closed in order, without an answer.
    Close,
    /// What comes is not HTTP.
    Garbage,
    /// So many redirects, then the answer of `Ok`. (0..=100)
    Redirect(u32),
    /// A redirect to itself.
    RedirectLoop,
    /// 429 with a `Retry-After` of so many seconds. (0..=86 400)
    RetryAfterS(u32),
    /// 200 whose body lists the request's headers.
    EchoHeaders,
}

/// A body that comes byte by byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drip {
    /// Length of the body. (bytes, 1..=65 536)
    pub bytes: u64,
    /// Time from one byte to the next, and from the headers to the first. (ms, 1..=60 000)
    pub every_ms: u64,
}

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathChoice {
    /// The path names no behaviour: the site-wide one applies.
    SiteWide,
    /// The path names this behaviour.
    Named(Behaviour),
    /// The path begins like one that names a behaviour; the text says what is wrong with the rest.
    Malformed(String),
}

impl Behaviour {
    /// Reads a request path (without its query).
    pub fn for_path(path: &str) -> PathChoice {
        let mut parts = path.trim_start_matches('/').split('/');
        let word = parts.next().unwrap_or_default();
        let numbers: Vec<&str> = parts.collect();
        let named = match word {
            "ok" => none(&numbers, Self::Ok),
            "status" => one(&numbers).map(Self::Status),
            "bytes" => one(&numbers).map(Self::Bytes),
            "wait" => one(&numbers).map(Self::WaitMs),
            "drip" => two(&numbers).map(|(bytes, every_ms)| Self::Drip(Drip { bytes, every_ms })),
            "stall" => none(&numbers, Self::Stall),
            "stall-body" => none(&numbers, Self::StallBody),
            "truncate" => none(&numbers, Self::Truncate),
            "reset" => none(&numbers, Self::Reset),
            "reset-early" => none(&numbers, Self::ResetEarly),
            "close" => none(&numbers, Self::Close),
            "garbage" => none(&numbers, Self::Garbage),
            "redirect" => one(&numbers).map(Self::Redirect),
            "redirect-loop" => none(&numbers, Self::RedirectLoop),
            "retry-after" => one(&numbers).map(Self::RetryAfterS),
            "echo-headers" => none(&numbers, Self::EchoHeaders),
            _ => return PathChoice::SiteWide,
        };
        match named.and_then(|behaviour| behaviour.check().map(|()| behaviour)) {
            Ok(behaviour) => PathChoice::Named(behaviour),
            Err(problem) => PathChoice::Malformed(problem),
        }
    }

    /// Whether the numbers are within their ranges.
    ///
    /// # Errors
    ///
    /// A sentence naming the number and its range.
    pub fn check(&self) -> Result<(), String> {
        match *self {
            Self::Status(status) => within("status", status.into(), 200, 599),
            Self::Bytes(bytes) => within("bytes", bytes, 0, 16 * 1024 * 1024),
            Self::WaitMs(wait_ms) => within("wait-ms", wait_ms, 0, 600_000),
            Self::Drip(drip) => within("drip.bytes", drip.bytes, 1, 65_536)
                .and_then(|()| within("drip.every-ms", drip.every_ms, 1, 60_000)),
            Self::Redirect(hops) => within("redirect", hops.into(), 0, 100),
            Self::RetryAfterS(seconds) => within("retry-after-s", seconds.into(), 0, 86_400),
            _ => Ok(()),
        }
    }
}

fn within(what: &str, value: u64, least: u64, most: u64) -> Result<(), String> {
    if (least..=most).contains(&value) {
        Ok(())
    } else {
        Err(format!("{what} is {value}, must be {least} to {most}"))
    }
}

fn none(numbers: &[&str], behaviour: Behaviour) -> Result<Behaviour, String> {
    match numbers {
        [] => Ok(behaviour),
        more => Err(format!("takes no further part of the path, has {}", more.len())),
    }
}

fn one<T: std::str::FromStr>(numbers: &[&str]) -> Result<T, String> {
    match numbers {
        [text] => number(text),
        other => Err(format!("takes one number, has {}", other.len())),
    }
}

fn two(numbers: &[&str]) -> Result<(u64, u64), String> {
    match numbers {
        [first, second] => Ok((number(first)?, number(second)?)),
        other => Err(format!("takes two numbers, has {}", other.len())),
    }
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{text:?} is no number in range"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_choose_behaviours() {
        let named = [
            ("/ok", Behaviour::Ok),
            ("/status/503", Behaviour::Status(503)),
            ("/bytes/0", Behaviour::Bytes(0)),
            ("/wait/250", Behaviour::WaitMs(250)),
            ("/drip/10/20", Behaviour::Drip(Drip { bytes: 10, every_ms: 20 })),
            ("/stall", Behaviour::Stall),
            ("/redirect/3", Behaviour::Redirect(3)),
            ("/retry-after/7", Behaviour::RetryAfterS(7)),
            ("/echo-headers", Behaviour::EchoHeaders),
        ];
        for (path, behaviour) in named {
            assert_eq!(Behaviour::for_path(path), PathChoice::Named(behaviour), "{path}");
        }
        for path in ["/", "", "/health", "/api/v1/status/503"] {
            assert_eq!(Behaviour::for_path(path), PathChoice::SiteWide, "{path}");
        }
    }

    #[test]
    fn impossible_numbers_are_named() {
        for path in [
            "/status",
            "/status/abc",
            "/status/101",
            "/status/600",
            "/status/70000",
            "/bytes/16777217",
            "/drip/10",
            "/drip/10/0",
            "/stall/1",
            "/redirect/101",
            "/wait/-1",
        ] {
            assert!(matches!(Behaviour::for_path(path), PathChoice::Malformed(_)), "{path}");
        }
    }
}
