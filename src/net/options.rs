//! The options of TCP sockets.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};

/// An option of a TCP socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SocketOption {
    /// `setKeepAlive`: whether to probe an idle connection, and the delay in seconds.
    KeepAlive { enable: bool, delay: i32 },
    /// `setNoDelay`: whether to send small segments immediately.
    NoDelay(bool),
}

impl SocketOption {
    /// Sets the option on `socket`.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt`; `InvalidInput` for a negative delay.
    pub(crate) fn set(self, socket: &SockRef<'_>) -> io::Result<()> {
        match self {
            Self::KeepAlive { enable, delay } => {
                let seconds = if enable {
                    u64::try_from(delay).map_err(|_| io::ErrorKind::InvalidInput)?
                } else {
                    0
                };
                set_keep_alive(socket, enable, Duration::from_secs(seconds))
            }
            Self::NoDelay(no_delay) => socket.set_tcp_nodelay(no_delay),
        }
    }
}

/// Turns keep-alive on or off as `net/socket/tcp_socket_posix.cc` does. A delay of zero keeps the
/// timers; any other delay is the time before the first probe and the interval between probes.
///
/// # Errors
///
/// Those of `setsockopt`, such as EINVAL for a delay that is too long.
pub(crate) fn set_keep_alive(
    socket: &SockRef<'_>,
    enable: bool,
    delay: Duration,
) -> io::Result<()> {
    if !enable || delay.is_zero() {
        return socket.set_keepalive(enable);
    }
    let timers = TcpKeepalive::new().with_time(delay);
    // macOS supports only the time before the first probe; Chromium sets only that one there, too.
    #[cfg(not(target_os = "macos"))]
    let timers = timers.with_interval(delay);
    socket.set_tcp_keepalive(&timers)
}
