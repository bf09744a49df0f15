//! Sockets that services listen on, and the loop that accepts TCP connections.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::handle::ServiceError;
use super::tasks::Tasks;

const BACKLOG: i32 = 4096;
/// Attempts to find one port that is free on all addresses and transports, when the system chooses it.
const PORT_CHOICES: usize = 16;
/// Pause after a failed `accept`, which is for want of file descriptors more often than not.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// Something bound to an address.
pub trait Bound: Sized {
    /// Binds to `address`; port 0 lets the system choose.
    ///
    /// # Errors
    ///
    /// Those of the system calls.
    fn bind(address: SocketAddr) -> io::Result<Self>;

    /// The address, with the port that the system chose.
    fn address(&self) -> SocketAddr;
}

/// Binds to every address of `bind` on the same port. Port 0 lets the system choose the port.
///
/// # Errors
///
/// When an address cannot be bound; names it.
pub fn bind_all<T: Bound>(bind: &[IpAddr], port: u16) -> Result<Vec<T>, ServiceError> {
    let mut choices_left = if port == 0 { PORT_CHOICES } else { 1 };
    loop {
        choices_left -= 1;
        match bind_once(bind, port) {
            Err(ServiceError::Bind { source, .. })
                if choices_left > 0 && source.kind() == io::ErrorKind::AddrInUse => {}
            other => return other,
        }
    }
}

fn bind_once<T: Bound>(bind: &[IpAddr], mut port: u16) -> Result<Vec<T>, ServiceError> {
    let mut all = Vec::with_capacity(bind.len());
    for &ip in bind {
        let address = SocketAddr::new(ip, port);
        let bound = T::bind(address).map_err(|source| ServiceError::Bind { address, source })?;
        port = bound.address().port();
        all.push(bound);
    }
    Ok(all)
}

/// A TCP address that stays this service's own while nothing listens on it.
pub struct TcpPort {
    address: SocketAddr,
    /// Bound but never listening: to a SYN the kernel answers RST, as for any closed port.
    _holder: Socket,
}

impl Bound for TcpPort {
    fn bind(address: SocketAddr) -> io::Result<Self> {
        let holder = tcp_socket(address)?;
        let address = holder.local_addr()?.as_socket().unwrap_or(address);
        Ok(Self { address, _holder: holder })
    }

    fn address(&self) -> SocketAddr {
        self.address
    }
}

impl TcpPort {
    /// Begins to listen; ends when the listener is dropped.
    ///
    /// # Errors
    ///
    /// Those of the system calls.
    pub fn listen(&self) -> io::Result<TcpListener> {
        let socket = tcp_socket(self.address)?;
        // Accepted connections inherit both options from their listener (Linux).
        socket.set_tcp_nodelay(true)?;
        socket.set_tcp_keepalive(&keepalive())?;
        socket.listen(BACKLOG)?;
        TcpListener::from_std(socket.into())
    }
}

fn tcp_socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // The holder and the listener share the address, and so do connections that outlive their listener.
    socket.set_reuse_address(true)?;
    prepare(&socket, address)?;
    Ok(socket)
}

/// Binds a UDP socket, without address reuse: two services on one port are a mistake that has to show.
///
/// # Errors
///
/// Those of the system calls.
pub fn udp_socket(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
    prepare(&socket, address)?;
    Ok(socket.into())
}

/// A peer that the path has cut off must not hold its place for ever.
fn keepalive() -> TcpKeepalive {
    TcpKeepalive::new()
        .with_time(Duration::from_mins(1))
        .with_interval(Duration::from_secs(10))
        .with_retries(3)
}

fn prepare(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())
}

/// Accepts on `port` and runs `serve` for each connection, while `open` holds of the live setting; while it does not,
/// nothing listens. Returns what tells whether it listens now.
///
/// Listening begins before this returns.
///
/// # Errors
///
/// When listening fails.
pub fn spawn_listener<T, F>(
    tasks: &Arc<Tasks>,
    port: TcpPort,
    mut live: watch::Receiver<T>,
    open: fn(&T) -> bool,
    serve: impl Fn(TcpStream, T) -> F + Send + Sync + 'static,
) -> Result<watch::Receiver<bool>, ServiceError>
where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let failed = |source| ServiceError::Bind { address: port.address(), source };
    let mut listener =
        if open(&live.borrow_and_update()) { Some(port.listen().map_err(failed)?) } else { None };
    let (listening, is_listening) = watch::channel(listener.is_some());
    let inner = Arc::clone(tasks);
    tasks.spawn(async move {
        loop {
            if let Some(listener) = listener.take() {
                accept_while_open(&inner, &listener, &mut live, open, &serve).await;
            }
            listening.send_replace(false);
            until(&mut live, open).await;
            match port.listen() {
                Ok(again) => listener = Some(again),
                Err(error) => {
                    return inner.fail(format!("cannot listen on {}: {error}", port.address));
                }
            }
            listening.send_replace(true);
        }
    });
    Ok(is_listening)
}

/// Waits until `condition` holds of the live setting: for ever, if it does not and nobody is left to change it.
async fn until<T>(live: &mut watch::Receiver<T>, condition: impl Fn(&T) -> bool) {
    if live.wait_for(|setting| condition(setting)).await.is_err() {
        std::future::pending::<()>().await;
    }
}

async fn accept_while_open<T, F>(
    tasks: &Arc<Tasks>,
    listener: &TcpListener,
    live: &mut watch::Receiver<T>,
    open: fn(&T) -> bool,
    serve: &(impl Fn(TcpStream, T) -> F + Send + Sync + 'static),
) where
    T: Clone + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut watched = live.clone();
    loop {
        let accepted = async {
            let permit = tasks.permit().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            () = until(&mut watched, |setting| !open(setting)) => return,
            accepted = accepted => accepted,
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        tasks.count_connection();
        let served = serve(stream, live.borrow().clone());
        tasks.spawn(async move {
            served.await;
            drop(permit);
        });
    }
}
