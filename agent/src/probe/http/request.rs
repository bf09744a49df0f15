//! From a probe's parameters to its requests.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use hyper::body::{Body, Frame, SizeHint};

use crate::spec::{Host, HttpSpec, SpecError};

/// A body is handed over in pieces, so that what a full window holds back can be told.
const PIECE_BYTES: usize = 16 * 1024;

/// Headers that only the probe itself sets: they frame the message.
const RESERVED: [&str; 4] = ["connection", "content-length", "transfer-encoding", "upgrade"];

/// Where a URL leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Whether over TLS.
    pub tls: bool,
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

impl Origin {
    /// Where this URL leads.
    ///
    /// # Errors
    /// A sentence for people when it leads nowhere that can be probed.
    pub fn of(url: &Uri) -> Result<Self, String> {
        let scheme = url.scheme().ok_or_else(|| format!("{url} lacks http:// or https://"))?;
        let tls = *scheme == Scheme::HTTPS;
        if !tls && *scheme != Scheme::HTTP {
            return Err(format!("{url} is neither http nor https"));
        }
        let authority = url.authority().ok_or_else(|| format!("{url} names no host"))?;
        if authority.as_str().contains('@') {
            return Err("a URL must hold no user name or password".to_owned());
        }
        // It cannot fail.
        let Ok(host) = authority.host().parse::<Host>();
        if authority.host().is_empty() {
            return Err(format!("{url} names no host"));
        }
        let port = match authority.as_str().rsplit_once(':') {
            // The last colon of an address in brackets is no port's.
            Some((_, port)) if !port.ends_with(']') => {
                port.parse()
                    .ok()
                    .filter(|port| *port > 0)
                    .ok_or_else(|| format!("{port:?} is no port"))?
            }
            _ if tls => 443,
            _ => 80,
        };
        Ok(Self { tls, host, port })
    }
}

/// What all requests of a probe have in common.
#[derive(Debug, Clone)]
pub struct Template {
    /// Method; redirects may change it.
    pub method: Method,
    /// Headers, `user-agent` among them; `host` only where the probe sets another than the URL's.
    pub headers: HeaderMap,
    /// Body.
    pub body: Bytes,
}

impl Template {
    /// The requests of this probe. `contact` says whom to write to about them.
    ///
    /// # Errors
    /// When a header cannot be sent.
    pub fn new(spec: &HttpSpec, contact: Option<&str>) -> Result<Self, SpecError> {
        let mut headers = HeaderMap::new();
        let contact = contact.map(|contact| format!(" (+{contact})")).unwrap_or_default();
        let user_agent = format!("vantage-agent/{}{contact}", env!("CARGO_PKG_VERSION"));
        let user_agent = HeaderValue::try_from(user_agent)
            .map_err(|_| SpecError::Parameter("the contact cannot be sent as a header".into()))?;
        headers.insert(USER_AGENT, user_agent);
        headers.insert(http::header::ACCEPT, HeaderValue::from_static("*/*"));
        let mut own = HeaderMap::new();
        for (name, value) in &spec.headers {
            let parsed = (HeaderName::try_from(name).ok(), HeaderValue::try_from(value).ok());
            let (Some(key), Some(value)) = parsed else {
                return Err(SpecError::Parameter(format!("header {name:?} cannot be sent")));
            };
            if RESERVED.contains(&key.as_str()) {
                return Err(SpecError::Parameter(format!("header {name:?} is the probe's own")));
            }
            own.append(key, value);
        }
        headers.extend(own);
        Ok(Self { method: spec.method.clone(), headers, body: spec.body.clone() })
    }

    /// The request to this URL.
    ///
    /// # Errors
    /// A sentence for people when the parts do not make a request.
    pub fn request(&self, url: &Uri, http2: bool) -> Result<Request<RequestBody>, String> {
        let mut request = Request::new(RequestBody::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.headers_mut() = self.headers.clone();
        let path = url.path_and_query().cloned();
        let path = path.unwrap_or_else(|| PathAndQuery::from_static("/"));
        let other_host = request.headers_mut().remove(HOST);
        if http2 {
            let mut parts = url.clone().into_parts();
            parts.path_and_query = Some(path);
            if let Some(host) = other_host {
                parts.authority = Some(
                    host.as_bytes().try_into().map_err(|_| "header host is no host".to_owned())?,
                );
            }
            *request.uri_mut() = Uri::from_parts(parts).map_err(|error| error.to_string())?;
            *request.version_mut() = http::Version::HTTP_2;
        } else {
            let authority = url.authority().map_or("", |authority| authority.as_str());
            let host = match other_host {
                Some(host) => host,
                None => HeaderValue::try_from(authority).map_err(|error| error.to_string())?,
            };
            request.headers_mut().insert(HOST, host);
            *request.uri_mut() = Uri::from(path);
        }
        Ok(request)
    }
}

/// A request's body, and how much of it has not been taken yet.
#[derive(Debug)]
pub struct RequestBody {
    left: Bytes,
    unsent: Unsent,
}

/// Bytes of a body that are still to be taken. Clones share.
#[derive(Debug, Clone, Default)]
pub struct Unsent(Arc<AtomicUsize>);

impl Unsent {
    /// How many there are.
    pub fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

impl RequestBody {
    /// A body of these bytes.
    pub fn new(bytes: Bytes) -> Self {
        let unsent = Unsent(Arc::new(AtomicUsize::new(bytes.len())));
        Self { left: bytes, unsent }
    }

    /// What is still to be taken, to be read while the body is under way.
    pub fn unsent(&self) -> Unsent {
        self.unsent.clone()
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left.is_empty() {
            return Poll::Ready(None);
        }
        let length = self.left.len().min(PIECE_BYTES);
        let piece = self.left.split_to(length);
        self.unsent.0.store(self.left.len(), Ordering::Relaxed);
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left.len() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lead_to_an_origin_or_are_refused() {
        let origin = |url: &str| Origin::of(&url.parse().unwrap());
        let there = |tls, host: &str, port| Ok(Origin { tls, host: host.parse().unwrap(), port });
        assert_eq!(origin("https://a.test/x"), there(true, "a.test", 443));
        assert_eq!(origin("http://[2001:db8::2]/"), there(false, "2001:db8::2", 80));
        assert_eq!(origin("http://[2001:db8::2]:8080"), there(false, "2001:db8::2", 8080));
        for url in ["/x", "ftp://a.test/", "http://a.test:0/", "http://me@a.test/", "a.test:80"] {
            assert!(origin(url).is_err(), "{url}");
        }
    }

    #[test]
    fn requests_name_the_host_as_their_version_does() {
        let mut spec = HttpSpec::get("http://192.0.2.2:81?q=1".parse().unwrap());
        let template = Template::new(&spec, Some("ops@shop.test")).unwrap();
        let request = template.request(&spec.url, false).unwrap();
        assert_eq!(request.uri(), "/?q=1");
        assert_eq!(request.headers()["host"], "192.0.2.2:81");
        let expected = format!("vantage-agent/{} (+ops@shop.test)", env!("CARGO_PKG_VERSION"));
        assert_eq!(request.headers()["user-agent"], expected);
        spec.headers = vec![("Host".into(), "shop.test".into())];
        let template = Template::new(&spec, None).unwrap();
        let request = template.request(&spec.url, true).unwrap();
        assert_eq!(request.uri(), "http://shop.test/?q=1");
        assert!(!request.headers().contains_key("host"));
    }

    #[test]
    fn headers_that_frame_the_message_are_the_probes_own() {
        for (name, value) in [("Content-Length", "5"), ("a b", "c"), ("x", "\n")] {
            let mut spec = HttpSpec::get("http://a.test/".parse().unwrap());
            spec.headers = vec![(name.into(), value.into())];
            assert!(Template::new(&spec, None).is_err(), "{name}");
        }
    }
}
