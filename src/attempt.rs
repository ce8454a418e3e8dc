//! A connection attempt: the resolved addresses, one after another, until one answers
//! (`net/socket/tcp_client_socket.cc`: no parallel attempts, the last error counts).

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::net_error::NetError;
use crate::readiness::{PolledSocket, Poller, Ready};
use crate::socket::SocketId;

/// What Chromium sets on every client socket (`net/socket/tcp_socket_posix.cc`).
const DEFAULT_KEEP_ALIVE: Duration = Duration::from_secs(45);

/// A connection that is being made.
pub(crate) struct Attempt {
    remaining: VecDeque<SocketAddr>,
    current: Option<(PolledSocket, SocketAddr)>,
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
    pub(crate) fn socket(&self) -> Option<&PolledSocket> {
        self.current.as_ref().map(|(socket, _)| socket)
    }

    /// Goes as far as possible without waiting; `poller` finds `socket_id` writable when there is
    /// more to do. Gives the connected socket and the address that answered.
    pub(crate) fn poll(
        &mut self,
        poller: &Poller,
        socket_id: SocketId,
    ) -> Poll<Result<(PolledSocket, SocketAddr), NetError>> {
        loop {
            if let Some((mut socket, address)) = self.current.take() {
                match socket.poll_connected() {
                    Poll::Ready(Ok(())) => return Poll::Ready(Ok((socket, address))),
                    Poll::Ready(Err(error)) => self.last_error = NetError::from_connect(&error),
                    Poll::Pending => {
                        self.current = Some((socket, address));
                        return Poll::Pending;
                    }
                }
            }
            let Some(address) = self.remaining.pop_front() else {
                return Poll::Ready(Err(self.last_error));
            };
            match start(address).and_then(|socket| poller.watch(socket, socket_id)) {
                Ok(socket) => self.current = Some((socket, address)),
                Err(error) => self.last_error = NetError::from_connect(&error),
            }
        }
    }

    /// Notes that the socket has become ready.
    pub(crate) fn note(&mut self, ready: Ready) {
        if let Some((socket, _)) = &mut self.current {
            socket.note(ready);
        }
    }
}

/// Opens a socket with Chromium's defaults and starts to connect it.
fn start(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_tcp_nodelay(true)?;
    set_keep_alive(&SockRef::from(&socket), true, DEFAULT_KEEP_ALIVE)?;
    match socket.connect(&address.into()) {
        Err(error) if !is_in_progress(&error) => Err(error),
        _ => Ok(socket),
    }
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
