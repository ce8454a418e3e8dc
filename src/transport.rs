//! The bytes of one connection, plaintext or TLS. No operation blocks.

use std::io;
use std::sync::Arc;
use std::task::Poll;

use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net_error::NetError;
use crate::ready::{Direction, Ready};
use crate::runtime::closing;
use crate::tls::secure_transport::SecureTransport;
use crate::wake::mailbox::Mailbox;
use crate::wake::readiness::{PolledSocket, Poller};

/// A connected transport. [Ending](Self::end) it closes the connection in order; dropping it closes the
/// descriptor at once.
pub(crate) enum Transport {
    /// TCP, read and written by the JavaScript thread.
    Plain(PolledSocket),
    /// TLS over TCP.
    Secure(SecureTransport),
}

impl Transport {
    /// Notes that the socket has become ready.
    pub(crate) fn note(&mut self, ready: Ready) {
        match self {
            Self::Plain(socket) => socket.note(ready),
            Self::Secure(secure) => {
                if let Some(socket) = secure.polled_socket() {
                    socket.note(ready);
                }
            }
        }
    }

    /// Whether a [read](Self::poll_read) may return data. If not, the socket will be reported as
    /// readable.
    pub(crate) fn is_read_ready(&mut self) -> bool {
        match self {
            Self::Plain(socket) => socket.is_ready(Direction::Read),
            Self::Secure(secure) => secure.is_read_ready(),
        }
    }

    /// Reads the available data and appends it to `buffer`; a plaintext read is limited by the
    /// spare capacity. Ready without data means the end of the stream.
    pub(crate) fn poll_read(
        &mut self,
        buffer: &mut Vec<u8>,
        poller: &Poller,
    ) -> Poll<io::Result<()>> {
        match self {
            Self::Plain(socket) => socket.poll_read(buffer).map_ok(|_| ()),
            Self::Secure(secure) => secure.poll_read(buffer, poller).map(Ok),
        }
    }

    /// Whether a read has used up its turn before it had processed all available bytes.
    pub(crate) fn has_unfinished_read(&mut self) -> bool {
        match self {
            Self::Plain(_) => false,
            Self::Secure(secure) => secure.has_unfinished_read(),
        }
    }

    /// The number of bytes for [`read_directly`](Self::read_directly), if that is possible.
    pub(crate) fn direct_length(&mut self) -> Option<usize> {
        match self {
            Self::Plain(socket) => socket
                .is_ready(Direction::Read)
                .then(|| socket.available())?,
            Self::Secure(_) => None,
        }
    }

    /// Reads as many of the `available` bytes as fit into `target`. Returns zero on failure.
    pub(crate) fn read_directly(&mut self, target: &mut [u8], available: usize) -> usize {
        match self {
            Self::Plain(socket) => match socket.poll_read_into(target, available) {
                Poll::Ready(Ok(count)) => count,
                Poll::Ready(Err(_)) | Poll::Pending => 0,
            },
            Self::Secure(_) => 0,
        }
    }

    /// Writes as much as fits. If pending, the socket will be reported as writable.
    pub(crate) fn poll_write(&mut self, data: &[u8], poller: &Poller) -> Poll<io::Result<usize>> {
        match self {
            Self::Plain(socket) => socket.poll_write(data),
            Self::Secure(secure) => secure.poll_write(data, poller),
        }
    }

    /// Like [`Self::poll_write`], for several pieces. TLS takes one at a time.
    pub(crate) fn poll_write_vectored(
        &mut self,
        pieces: &[io::IoSlice<'_>],
        poller: &Poller,
    ) -> Poll<io::Result<usize>> {
        match (self, pieces) {
            (Self::Plain(socket), [piece]) => socket.poll_write(piece),
            (Self::Plain(socket), _) => socket.poll_write_vectored(pieces),
            (Self::Secure(secure), _) => {
                secure.poll_write(pieces.first().map_or(&[], |piece| piece), poller)
            }
        }
    }

    /// The number of written bytes that the operating system does not have yet. The socket will be
    /// reported as writable when it falls.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` if the bytes can never be written.
    pub(crate) fn unflushed(&self) -> io::Result<usize> {
        match self {
            Self::Plain(_) => Ok(0),
            Self::Secure(secure) => secure.unflushed(),
        }
    }

    /// Takes the socket back from a task that became idle.
    pub(crate) fn reclaim(&mut self, poller: &Poller) {
        match self {
            Self::Plain(_) => {}
            Self::Secure(secure) => secure.reclaim(poller),
        }
    }

    /// Whether [`Self::process_control_records`] does anything.
    pub(crate) const fn has_control_records(&self) -> bool {
        matches!(self, Self::Secure(_))
    }

    /// Processes TLS control messages while the application does not read.
    pub(crate) fn process_control_records(&mut self, poller: &Poller) {
        match self {
            Self::Plain(_) => {}
            Self::Secure(secure) => secure.process_control_records(poller),
        }
    }

    /// Moves the connection to another table with this poller and mailbox.
    ///
    /// # Errors
    ///
    /// Those of the pollers.
    pub(crate) fn hand_over(
        self,
        socket_id: SocketId,
        from: &Poller,
        to: &Poller,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<Self> {
        Ok(match self {
            Self::Plain(socket) => Self::Plain(from.hand_over(socket, socket_id, to)?),
            Self::Secure(secure) => Self::Secure(secure.hand_over(from, to, mailbox)?),
        })
    }

    /// Closes the connection, whose poller this is: at once, or when the bytes that were sent have
    /// arrived. `awaits_reply` says whether the peer has sent nothing since the last bytes were
    /// written, so that it may be about to.
    pub(crate) fn end(self, poller: &Poller, awaits_reply: bool) {
        match self {
            Self::Plain(socket) => {
                if (awaits_reply || !closing::is_harmless(&socket.socket()))
                    && let Ok(socket) = poller.forget(socket)
                {
                    closing::close(socket, None);
                }
            }
            Self::Secure(secure) => secure.end(poller, awaits_reply),
        }
    }

    /// Why an encrypted stream, which has ended, did not end in order.
    pub(crate) fn cause(&self) -> Option<NetError> {
        match self {
            Self::Plain(_) => None,
            Self::Secure(secure) => secure.cause(),
        }
    }

    /// Whether the kernel holds unread bytes.
    pub(crate) fn has_unread(&self) -> bool {
        match self {
            Self::Plain(socket) => socket.has_unread(),
            Self::Secure(secure) => secure.has_unread(),
        }
    }

    /// Sets an option of the TCP socket.
    ///
    /// # Errors
    ///
    /// Those of `setsockopt`; `NotConnected` after the end of the connection.
    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match self {
            Self::Plain(socket) => option.set(&socket.socket()),
            Self::Secure(secure) => secure.set_option(option),
        }
    }
}
