//! A connection attempt: the resolved addresses, one after another, until one answers
//! (`net/socket/tcp_client_socket.cc`: no parallel attempts, the last error counts).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::net_error::NetError;
use crate::runtime;

/// What Chromium sets on every client socket (`net/socket/tcp_socket_posix.cc`).
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(45);

/// A connection that is being made.
pub(crate) struct Attempt {
    remaining: VecDeque<SocketAddr>,
    current: Option<(TcpStream, SocketAddr)>,
    last_error: NetError,
}

impl Attempt {
    /// Prepares to try `addresses` in their order.
    pub(crate) fn new(addresses: Vec<IpAddr>, port: u16) -> Self {
        Self {
            remaining: addresses
                .into_iter()
                .map(|ip| SocketAddr::new(ip, port))
                .collect(),
            current: None,
            last_error: NetError::ConnectionFailed,
        }
    }

    /// The socket that waits for an answer.
    pub(crate) fn stream(&self) -> Option<&TcpStream> {
        self.current.as_ref().map(|(stream, _)| stream)
    }

    /// Goes as far as possible without waiting; `waker` is woken when there is more to do. Gives the
    /// connected stream and the address that answered.
    pub(crate) fn poll(
        &mut self,
        waker: &Waker,
    ) -> Poll<Result<(TcpStream, SocketAddr), NetError>> {
        loop {
            if let Some((stream, address)) = self.current.take() {
                match poll_established(&stream, waker) {
                    Poll::Ready(Ok(())) => return Poll::Ready(Ok((stream, address))),
                    Poll::Ready(Err(error)) => self.last_error = NetError::from_connect(&error),
                    Poll::Pending => {
                        self.current = Some((stream, address));
                        return Poll::Pending;
                    }
                }
            }
            let Some(address) = self.remaining.pop_front() else {
                return Poll::Ready(Err(self.last_error));
            };
            match start(address) {
                Ok(stream) => self.current = Some((stream, address)),
                Err(error) => self.last_error = NetError::from_connect(&error),
            }
        }
    }
}

/// Opens a socket with Chromium's defaults and starts to connect it.
fn start(address: SocketAddr) -> io::Result<TcpStream> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    set_keep_alive(&SockRef::from(&socket), true, DEFAULT_KEEP_ALIVE)?;
    match socket.connect(&address.into()) {
        Err(error) if !is_in_progress(&error) => return Err(error),
        _ => {}
    }
    let _context = runtime::handle()?.enter();
    TcpStream::from_std(socket.into())
}

fn is_in_progress(error: &io::Error) -> bool {
    // Winsock says WSAEWOULDBLOCK where POSIX says EINPROGRESS, which std does not name yet.
    error.kind() == io::ErrorKind::WouldBlock || {
        #[cfg(unix)]
        {
            error.raw_os_error() == Some(libc::EINPROGRESS)
        }
        #[cfg(not(unix))]
        {
            false
        }
    }
}

/// Whether the attempt has succeeded or failed. The kernel is asked directly before waiting: on
/// loopback the connection stands by then, and a turn through the runtime is saved.
fn poll_established(stream: &TcpStream, waker: &Waker) -> Poll<io::Result<()>> {
    loop {
        if let Some(error) = stream.take_error()? {
            return Poll::Ready(Err(error));
        }
        if stream.peer_addr().is_ok() {
            return Poll::Ready(Ok(()));
        }
        if stream
            .poll_write_ready(&mut Context::from_waker(waker))
            .is_pending()
        {
            return Poll::Pending;
        }
        // Ready, but only with an answer to an earlier question: forget it and wait for the next.
        let _ = stream.try_io(Interest::WRITABLE, || match stream.peer_addr() {
            Ok(_) => Ok(()),
            Err(_) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
        });
    }
}

/// Turns keep-alive on or off as `net/socket/tcp_socket_posix.cc` does: a delay of zero leaves the
/// timers as they are, any other is both the time before the first probe and the one between them.
///
/// # Errors
///
/// Those of `setsockopt`, among them EINVAL for a delay that is too long.
pub(crate) fn set_keep_alive(
    socket: &SockRef<'_>,
    enable: bool,
    delay: Duration,
) -> io::Result<()> {
    if !enable || delay.is_zero() {
        return socket.set_keepalive(enable);
    }
    let timers = TcpKeepalive::new().with_time(delay);
    // macOS has the time before the first probe only, and so does Chromium there.
    #[cfg(not(target_os = "macos"))]
    let timers = timers.with_interval(delay);
    socket.set_tcp_keepalive(&timers)
}
