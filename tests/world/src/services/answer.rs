//! From a request and the site's behaviour to what is to be sent, the same for HTTP/1.1, HTTP/2 and HTTP/3.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::behaviour::{Behaviour, PathChoice};

/// Promised length of a body of which only half is sent. Half of it fits any first congestion window.
const PARTIAL_BODY_BYTES: u64 = 2048;
const CHUNK_BYTES: usize = 32 * 1024;
static ZEROS: [u8; CHUNK_BYTES] = [0; CHUNK_BYTES];

/// What a request gets.
#[derive(Debug)]
pub enum Reply {
    /// A response, perhaps one that does not end well.
    Answer(Answer),
    /// No answer ever.
    Silence,
    /// The end of the connection instead of an answer.
    End(End),
}

/// How a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// In order: TLS `close_notify` where there is TLS, then FIN.
    Close,
    /// TCP RST.
    Reset,
    /// Bytes that are not of the protocol, then in order.
    Garbage,
}

/// A response to be sent.
#[derive(Debug)]
pub struct Answer {
    /// Time to let pass before the first byte.
    pub after: Duration,
    /// Status line.
    pub status: StatusCode,
    /// Headers, `content-length` among them.
    pub headers: HeaderMap,
    /// Body.
    pub payload: Payload,
}

/// A body: what is sent, at which pace, and what follows.
#[derive(Debug)]
pub struct Payload {
    text: Option<Bytes>,
    zeros_left: u64,
    /// Time before each byte; `None` sends all at once.
    pub every: Option<Duration>,
    /// What comes after the last byte that is sent.
    pub ending: Ending,
}

/// What comes after the last byte of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The body is whole: its proper end.
    Whole,
    /// Nothing, with bytes still owed.
    Silence,
    /// An end with bytes still owed.
    Truncated,
    /// A reset of the connection.
    Reset,
}

impl Payload {
    fn text(text: impl Into<Bytes>) -> Self {
        let text = text.into();
        let text = (!text.is_empty()).then_some(text);
        Self { text, zeros_left: 0, every: None, ending: Ending::Whole }
    }

    fn zeros(length: u64) -> Self {
        Self { text: None, zeros_left: length, every: None, ending: Ending::Whole }
    }

    /// Bytes still to be sent.
    pub fn left(&self) -> u64 {
        self.text.as_ref().map_or(0, |text| text.len() as u64) + self.zeros_left
    }

    /// Takes what is to be sent next: a whole text, one byte where the body has a pace, else at most 32 KiB of zeros.
    /// `None` when all is sent.
    pub fn next_chunk(&mut self) -> Option<Bytes> {
        if let Some(text) = self.text.take() {
            return Some(text);
        }
        let most = if self.every.is_some() { 1 } else { CHUNK_BYTES };
        let length = usize::try_from(self.zeros_left).map_or(most, |left| left.min(most));
        self.zeros_left -= length as u64;
        (length > 0).then(|| Bytes::from_static(&ZEROS[..length]))
    }
}

/// Decides what `request` gets on a site whose site-wide behaviour is `site_wide`.
pub fn answer(request: &Parts, site_wide: &Behaviour) -> Reply {
    let behaviour = match Behaviour::for_path(request.uri.path()) {
        PathChoice::SiteWide => site_wide.clone(),
        PathChoice::Named(behaviour) => behaviour,
        PathChoice::Malformed(problem) => {
            return finish(request, respond(StatusCode::BAD_REQUEST, format!("{problem}\n")));
        }
    };
    let answer = match behaviour {
        Behaviour::Ok | Behaviour::Redirect(0) => ok(),
        Behaviour::Status(status) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let bare = matches!(
                status,
                StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED
            );
            respond(status, if bare { String::new() } else { format!("{status}\n") })
        }
        Behaviour::Bytes(length) => Answer { payload: Payload::zeros(length), ..ok() },
        Behaviour::WaitMs(wait_ms) => Answer { after: Duration::from_millis(wait_ms), ..ok() },
        Behaviour::Drip(drip) => Answer {
            payload: Payload {
                every: Some(Duration::from_millis(drip.every_ms)),
                ..Payload::zeros(drip.bytes)
            },
            ..ok()
        },
        Behaviour::StallBody => partial(Ending::Silence),
        Behaviour::Truncate => partial(Ending::Truncated),
        Behaviour::Reset => partial(Ending::Reset),
        Behaviour::Stall | Behaviour::Hold => return Reply::Silence,
        Behaviour::ResetEarly => return Reply::End(End::Reset),
        Behaviour::Close => return Reply::End(End::Close),
        Behaviour::Garbage => return Reply::End(End::Garbage),
        Behaviour::Redirect(hops) => redirect(format!("/redirect/{}", hops - 1)),
        Behaviour::RedirectLoop => redirect("/redirect-loop".to_owned()),
        Behaviour::RetryAfterS(seconds) => {
            let mut answer = respond(StatusCode::TOO_MANY_REQUESTS, "slow down\n");
            answer.headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            answer
        }
        Behaviour::EchoHeaders => respond(StatusCode::OK, echo(request)),
    };
    finish(request, answer)
}

fn ok() -> Answer {
    respond(StatusCode::OK, Bytes::from_static(b"ok\n"))
}

fn respond(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    Answer {
        after: Duration::ZERO,
        status,
        headers: HeaderMap::new(),
        payload: Payload::text(body),
    }
}

fn redirect(location: String) -> Answer {
    let mut answer = respond(StatusCode::FOUND, format!("see {location}\n"));
    if let Ok(location) = HeaderValue::try_from(location) {
        answer.headers.insert(header::LOCATION, location);
    }
    answer
}

fn partial(ending: Ending) -> Answer {
    let mut answer =
        Answer { payload: Payload { ending, ..Payload::zeros(PARTIAL_BODY_BYTES / 2) }, ..ok() };
    answer.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(PARTIAL_BODY_BYTES));
    answer
}

fn echo(request: &Parts) -> Vec<u8> {
    let mut text =
        format!("{} {} {:?}\n", request.method, request.uri, request.version).into_bytes();
    for (name, value) in &request.headers {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.push(b'\n');
    }
    text
}

/// Adds the headers that every response has, and takes the body from answers that must have none.
fn finish(request: &Parts, mut answer: Answer) -> Reply {
    let bodiless = matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !bodiless && !answer.headers.contains_key(header::CONTENT_LENGTH) {
        answer.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(answer.payload.left()));
    }
    if answer.payload.left() > 0 {
        answer.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    if request.method == Method::HEAD {
        answer.payload = Payload::zeros(0);
    }
    Reply::Answer(answer)
}
