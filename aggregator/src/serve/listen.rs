//! Connections: accepting them, TLS, and letting them end when draining.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Layer as _;

use crate::tasks::Tasks;

/// Most connections at once; more wait in the kernel's queue.
const MOST_CONNECTIONS: usize = 8_192;
/// Most time for a TLS handshake, and for the headers of a request.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// A new attempt to accept after the system had no descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A certificate and a key that cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificates cannot be read.
    #[error("failed to read certificates from {}", .file.display())]
    Chain {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// The key cannot be read.
    #[error("failed to read a private key from {}", .file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        #[source]
        source: pem::Error,
    },
    /// The two do not belong together, or are of a kind that is not served with.
    #[error("failed to use certificate and key together")]
    Together(#[from] rustls::Error),
}

/// A certificate chain and its key, from PEM files.
///
/// # Errors
///
/// [`CertificateError`].
pub fn tls(certificates: &Path, key: &Path) -> Result<TlsAcceptor, CertificateError> {
    let chain = CertificateDer::pem_file_iter(certificates)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|source| CertificateError::Chain { file: certificates.to_owned(), source })?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|source| CertificateError::Key { file: key.to_owned(), source })?;
    let mut config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Accepts connections until draining, and serves each as a task.
///
/// # Errors
///
/// None: what can go wrong with accepting passes.
pub async fn serve(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    tasks: Tasks,
) -> anyhow::Result<()> {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let draining = tasks.draining().clone();
    // Cancelled only when draining: what it has accepted by then is dropped with it.
    let accept = async || (Arc::clone(&places).acquire_owned().await, listener.accept().await);
    while let Some((place, accepted)) = draining.run_until_cancelled(accept()).await {
        match (accepted, place) {
            (Ok((stream, peer)), Ok(place)) => {
                let connection = Connection {
                    peer,
                    router: router.clone(),
                    draining: draining.clone(),
                    _place: place,
                };
                tasks.serving(connection.open(stream, tls.clone()));
            }
            (Err(error), _) => {
                tracing::warn!(%error, "failed to accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
            (_, Err(_)) => break,
        }
    }
    Ok(())
}

struct Connection {
    peer: SocketAddr,
    router: Router,
    draining: CancellationToken,
    _place: OwnedSemaphorePermit,
}

impl Connection {
    async fn open(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let peer = self.peer;
        // Answers are small and agents wait for them.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.serve(stream).await };
        match tokio::time::timeout(HEADER_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => self.serve(stream).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "TLS handshake took too long"),
        }
    }

    async fn serve(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let peer = self.peer;
        let router = axum::Extension(ConnectInfo(peer)).layer(self.router);
        let mut server = auto::Builder::new(TokioExecutor::new());
        server.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_TIMEOUT);
        server
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_mins(1))
            .max_concurrent_streams(64);
        let connection =
            server.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
        tokio::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.draining.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%peer, %error, "connection ended");
        }
    }
}
