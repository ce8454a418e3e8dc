//! The bytes of one connection, in the clear or encrypted, always without waiting.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::attempt::set_keep_alive;
use crate::secure_transport::SecureTransport;

/// A write to a connection that is gone is an error, never a signal.
#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
const SEND_FLAGS: i32 = libc::MSG_NOSIGNAL;
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
const SEND_FLAGS: i32 = 0;

/// A connected transport. Dropping it ends the connection and closes the descriptor.
pub(crate) enum Transport {
    /// TCP; read and written by the JavaScript thread itself.
    Plain(TcpStream),
    /// TLS over TCP; the runtime does the cryptography.
    Secure(SecureTransport),
}

impl Transport {
    /// Whether a [read](Self::poll_read) may have something; `waker` is woken when it may.
    pub(crate) fn poll_read_ready(&mut self, waker: &Waker) -> Poll<()> {
        match self {
            // An error of readiness is met again, and reported, by the read.
            Self::Plain(stream) => stream
                .poll_read_ready(&mut Context::from_waker(waker))
                .map(|_| ()),
            Self::Secure(secure) => secure.poll_read_ready(waker),
        }
    }

    /// Reads what there is, of a socket in the clear at most `most` bytes, to the end of `buffer`.
    /// Nothing at all is the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        waker: &Waker,
        most: usize,
        buffer: &mut BytesMut,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(stream) => {
                buffer.reserve(most);
                let mut context = Context::from_waker(waker);
                pin!(stream.read_buf(&mut buffer.limit(most)))
                    .poll(&mut context)
                    .map_ok(|_| ())
            }
            Self::Secure(secure) => secure.poll_read(waker, buffer).map(Ok),
        }
    }

    /// Writes what fits.
    pub(crate) fn poll_write(&mut self, waker: &Waker, data: &[u8]) -> Poll<io::Result<usize>> {
        match self {
            // The kernel is asked first: tokio learns that a new connection is writable only when
            // its thread gets round to it.
            Self::Plain(stream) => {
                match SockRef::from(&*stream).send_with_flags(data, SEND_FLAGS) {
                    Ok(count) => Poll::Ready(Ok(count)),
                    // Also where waiting is due, or the error is to be met again.
                    Err(_) => Pin::new(stream).poll_write(&mut Context::from_waker(waker), data),
                }
            }
            Self::Secure(secure) => secure.poll_write(waker, data),
        }
    }

    /// How many of the bytes that were written are not with the operating system yet; `waker` is
    /// woken when there are fewer.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` when they never will be.
    pub(crate) fn unflushed(&self, waker: &Waker) -> io::Result<usize> {
        match self {
            Self::Plain(_) => Ok(0),
            Self::Secure(secure) => secure.unflushed(waker),
        }
    }

    /// Whether the peer has sent something that was not read. Asks the kernel itself: after a
    /// failed write, tokio may not know yet what a read would meet.
    pub(crate) fn has_unread(&self) -> bool {
        match self {
            Self::Plain(stream) => SockRef::from(stream)
                .peek(&mut [MaybeUninit::uninit()])
                .is_ok_and(|count| count > 0),
            Self::Secure(secure) => secure.has_unread(),
        }
    }

    /// Sets an option of the TCP socket.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt`; `NotConnected` when the connection has ended.
    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match self {
            Self::Plain(stream) => option.set(stream),
            Self::Secure(secure) => secure.set_option(option),
        }
    }
}

/// An option of a TCP socket.
#[derive(Clone, Copy, Debug)]
pub(crate) enum SocketOption {
    /// `setKeepAlive`: whether to probe an idle connection, and after how many seconds.
    KeepAlive { enable: bool, delay: i32 },
    /// `setNoDelay`: whether to send small segments at once.
    NoDelay(bool),
}

impl SocketOption {
    /// Sets the option on `stream`.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt`; `InvalidInput` for a negative delay.
    pub(crate) fn set(self, stream: &TcpStream) -> io::Result<()> {
        match self {
            Self::KeepAlive { enable, delay } => {
                let seconds = if enable {
                    u64::try_from(delay).map_err(|_| io::ErrorKind::InvalidInput)?
                } else {
                    0
                };
                set_keep_alive(&SockRef::from(stream), enable, Duration::from_secs(seconds))
            }
            Self::NoDelay(no_delay) => stream.set_nodelay(no_delay),
        }
    }
}
