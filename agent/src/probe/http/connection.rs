//! One HTTP connection, driven by the attempt that uses it.

use std::fmt;
use std::future::{Future, poll_fn};
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::rt::Executor;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::request::RequestBody;
use super::stamps::{Stamped, Stamps};
use crate::attempt::TlsFacts;
use crate::net::tls::Witness;

/// Most bytes of a response's head that are kept, here and (as decoded headers) in HTTP/2.
const MOST_HEAD_BYTES: usize = 64 * 1024;

/// An HTTP connection. What runs it is polled by [`Connection::drive`] and nowhere else: nothing
/// of it is left when it is dropped, and nothing happens on it between two attempts.
pub struct Connection {
    sender: Sender,
    driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    beside: Beside,
    /// Why it ended, where it did with an error.
    pub error: Option<hyper::Error>,
    /// What passed on it.
    pub stamps: Stamps,
    /// What it is, beyond its bytes.
    pub identity: Identity,
}

/// What a connection is, as every attempt on it reports.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// The address it leads to.
    pub address: Option<IpAddr>,
    /// What was negotiated, over TLS.
    pub tls: Option<TlsFacts>,
    /// What the handshake showed, over TLS.
    pub witness: Option<Witness>,
}

enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl Connection {
    /// Begins to speak HTTP/1.1.
    pub async fn http1<S>(stream: S, stamps: Stamps, identity: Identity) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(Stamped::new(stream, stamps.clone()));
        let (sender, driver) =
            http1::Builder::new().max_buf_size(MOST_HEAD_BYTES).handshake(io).await?;
        Ok(Self::new(Sender::Http1(sender), Box::pin(driver), Beside::default(), stamps, identity))
    }

    /// Begins to speak HTTP/2.
    pub async fn http2<S>(stream: S, stamps: Stamps, identity: Identity) -> hyper::Result<Self>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let beside = Beside::default();
        let io = TokioIo::new(Stamped::new(stream, stamps.clone()));
        let mut builder = http2::Builder::new(beside.clone());
        builder.max_header_list_size(u32::try_from(MOST_HEAD_BYTES).unwrap_or(u32::MAX));
        let (sender, driver) = builder.handshake(io).await?;
        Ok(Self::new(Sender::Http2(sender), Box::pin(driver), beside, stamps, identity))
    }

    fn new(
        sender: Sender,
        driver: Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>,
        beside: Beside,
        stamps: Stamps,
        identity: Identity,
    ) -> Self {
        Self { sender, driver: Some(driver), beside, error: None, stamps, identity }
    }

    /// Whether it speaks HTTP/2.
    pub fn is_http2(&self) -> bool {
        matches!(self.sender, Sender::Http2(_))
    }

    /// Hands a request over. It leaves while the connection is driven.
    pub fn send(
        &mut self,
        request: Request<RequestBody>,
    ) -> Pin<Box<dyn Future<Output = hyper::Result<Response<Incoming>>> + Send>> {
        match &mut self.sender {
            Sender::Http1(sender) => Box::pin(sender.send_request(request)),
            Sender::Http2(sender) => Box::pin(sender.send_request(request)),
        }
    }

    /// Looks at what has happened since it was last driven, without waiting: whether it can take
    /// a request.
    pub async fn is_alive(&mut self) -> bool {
        poll_fn(|context| {
            self.poll(context);
            Poll::Ready(())
        })
        .await;
        match &self.sender {
            Sender::Http1(sender) => sender.is_ready(),
            Sender::Http2(sender) => sender.is_ready(),
        }
    }

    /// Drives the connection until some work on it is done.
    pub async fn drive<T>(&mut self, work: impl Future<Output = T>) -> T {
        let mut work = pin!(work);
        poll_fn(|context| {
            // First the work, whose request the connection then writes in the same go; last the
            // work again, which may be done by what the connection has just read.
            if let Poll::Ready(done) = work.as_mut().poll(context) {
                return Poll::Ready(done);
            }
            self.poll(context);
            work.as_mut().poll(context)
        })
        .await
    }

    /// Drives the connection until some work on it is done, which is handed back, or the first
    /// byte of the response is there, whichever comes first.
    pub async fn drive_to_first_byte<T>(
        &mut self,
        mut work: impl Future<Output = T> + Unpin,
    ) -> Option<T> {
        let stamps = self.stamps.clone();
        let first_byte_or_done = poll_fn(|context| match Pin::new(&mut work).poll(context) {
            Poll::Ready(done) => Poll::Ready(Some(done)),
            Poll::Pending if stamps.taken().began.is_some() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        self.drive(first_byte_or_done).await
    }

    /// Takes leave (GOAWAY, `close_notify`) without waiting for the peer to do so, too.
    pub async fn close(self) {
        let Self { sender, driver, beside, .. } = self;
        // The connection ends in order once nobody can send on it any more.
        drop(sender);
        let mut driver = driver;
        poll_fn(|context| {
            if let Some(driver) = &mut driver {
                let _ = driver.as_mut().poll(context);
            }
            beside.poll(context);
            Poll::Ready(())
        })
        .await;
    }

    fn poll(&mut self, context: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && let Poll::Ready(outcome) = driver.as_mut().poll(context)
        {
            self.driver = None;
            self.error = outcome.err();
        }
        self.beside.poll(context);
        // What runs beside may have ended what waits for it.
        if let Some(driver) = &mut self.driver
            && let Poll::Ready(outcome) = driver.as_mut().poll(context)
        {
            self.driver = None;
            self.error = outcome.err();
        }
    }
}

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What hyper would spawn for HTTP/2 (the connection's reading and writing, bodies under way),
/// kept to be polled beside the connection.
#[derive(Clone, Default)]
struct Beside {
    tasks: Arc<Mutex<Vec<Task>>>,
}

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Beside {
    fn execute(&self, task: F) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(task));
    }
}

impl Beside {
    fn poll(&self, context: &mut Context<'_>) {
        // A task may add others: they are polled in the next round.
        let take =
            || std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let mut kept: Vec<Task> = Vec::new();
        loop {
            let round = take();
            if round.is_empty() {
                break;
            }
            kept.extend(
                round.into_iter().filter_map(|mut task| {
                    task.as_mut().poll(context).is_pending().then_some(task)
                }),
            );
        }
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).extend(kept);
    }
}
