//! The runtime watches each socket and leaves a notice when it becomes ready.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::ids::SocketId;
use crate::ready::{Direction, Ready, uninterrupted};
use crate::runtime;
use crate::wake::mailbox::{Mailbox, waker};

/// Whether polling finds events that have not been posted.
pub(crate) const POLLS: bool = false;

/// Registers sockets with the runtime.
pub(crate) struct Poller {
    mailbox: Arc<Mailbox>,
}

impl Poller {
    /// A poller that posts its notices to `mailbox`.
    ///
    /// # Errors
    ///
    /// None on this platform.
    pub(crate) fn new(mailbox: &Arc<Mailbox>) -> io::Result<Self> {
        Ok(Self {
            mailbox: Arc::clone(mailbox),
        })
    }

    /// Watches a socket until it is closed or released.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub(crate) fn watch(&self, socket: Socket, socket_id: SocketId) -> io::Result<PolledSocket> {
        let _context = runtime::handle()?.enter();
        Ok(PolledSocket {
            stream: TcpStream::from_std(socket.into())?,
            unreported: false,
            reader: waker(&self.mailbox, socket_id, Direction::Read),
            writer: waker(&self.mailbox, socket_id, Direction::Write),
        })
    }

    /// Stops watching a socket.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub(crate) fn forget(&self, socket: PolledSocket) -> io::Result<Socket> {
        Ok(socket.stream.into_std()?.into())
    }

    /// Releases a socket to another owner.
    ///
    /// # Errors
    ///
    /// None on this platform.
    pub(crate) fn release(&self, socket: PolledSocket) -> io::Result<TcpStream> {
        Ok(socket.stream)
    }

    /// Does nothing: the runtime posts notices.
    pub(crate) fn collect(&self, _: &mut VecDeque<(SocketId, Ready)>) {}

    /// Does nothing: the runtime always watches.
    pub(crate) fn arm(&self) {}
}

/// A watched socket. Dropping it closes the descriptor.
pub(crate) struct PolledSocket {
    stream: TcpStream,
    /// Whether the kernel may hold bytes that the runtime has not reported yet.
    unreported: bool,
    /// One waker per direction, so that a pending read and a pending write are distinguished.
    reader: Waker,
    writer: Waker,
}

impl PolledSocket {
    /// The socket, for its options and addresses.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }

    /// Notes that the socket may have become ready. The next reads query the kernel first, until one
    /// would block.
    pub(crate) fn note(&mut self, ready: Ready) {
        self.unreported |= ready.read;
    }

    /// Whether an operation may succeed. If not, a notice will follow.
    pub(crate) fn is_ready(&mut self, direction: Direction) -> bool {
        // The operation itself reports an error again.
        match direction {
            Direction::Read => {
                let mut context = Context::from_waker(&self.reader);
                self.stream.poll_read_ready(&mut context).is_ready() || self.unreported
            }
            Direction::Write => {
                let mut context = Context::from_waker(&self.writer);
                self.stream.poll_write_ready(&mut context).is_ready()
            }
        }
    }

    /// Runs an operation that moves up to `length` bytes. Pending if it would block.
    pub(super) fn attempt(
        &mut self,
        direction: Direction,
        _length: usize,
        mut operation: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        let interest = match direction {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        };
        // A write queries the kernel first: the runtime learns only later that a new connection is
        // writable. So does a read of bytes that the runtime may not have reported.
        if direction == Direction::Write || self.unreported {
            match uninterrupted(|| operation(&SockRef::from(&self.stream))) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.unreported &= direction == Direction::Write;
                }
                result => return Poll::Ready(result),
            }
        }
        while self.is_ready(direction) {
            let result = self.stream.try_io(interest, || {
                uninterrupted(|| operation(&SockRef::from(&self.stream)))
            });
            match result {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                result => return Poll::Ready(result),
            }
        }
        Poll::Pending
    }
}
