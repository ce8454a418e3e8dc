//! Tells the JavaScript thread which sockets are readable or writable.
//!
//! The JavaScript thread queries the kernel itself while it has work. Before it goes to sleep, it has
//! another thread watch for one event: on Linux the runtime, elsewhere a thread of the poller. A busy
//! application therefore wakes no other thread. `RUSTFLAGS='--cfg readiness="portable"'` selects the
//! implementation of the other systems on Linux, too, for tests.

#[cfg_attr(
    all(
        any(target_os = "linux", target_os = "android"),
        not(readiness = "portable")
    ),
    path = "epoll.rs"
)]
#[cfg_attr(
    not(all(
        any(target_os = "linux", target_os = "android"),
        not(readiness = "portable")
    )),
    path = "portable.rs"
)]
mod backend;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, Socket};

use crate::ids::SocketId;
use crate::ready::{Direction, Ready, SEND_FLAGS, uninterrupted};
use crate::wake::mailbox::Mailbox;

pub(crate) use backend::{PolledSocket, Poller};

impl Poller {
    /// The poller of a table, created on first use.
    ///
    /// # Errors
    ///
    /// Those of [`Self::new`].
    pub(crate) fn get<'a>(
        slot: &'a mut Option<Self>,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<&'a mut Self> {
        match slot {
            Some(poller) => Ok(poller),
            None => Ok(slot.insert(Self::new(mailbox)?)),
        }
    }

    /// Moves a socket to the poller of another table.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forget`] and [`Self::watch`].
    pub(crate) fn hand_over(
        &self,
        socket: PolledSocket,
        socket_id: SocketId,
        to: &Self,
    ) -> io::Result<PolledSocket> {
        to.watch(self.forget(socket)?, socket_id)
    }
}

/// What the poller has reported of a socket, less what operations have used up since.
struct Readiness {
    readable: bool,
    writable: bool,
    /// See [`Ready::read_until_would_block`].
    read_until_would_block: bool,
}

impl Readiness {
    /// That of a new socket. The poller reports data that has already arrived. The socket counts as
    /// writable until a write does not fit.
    const NEW: Self = Self {
        readable: false,
        writable: true,
        read_until_would_block: false,
    };

    fn of(&mut self, direction: Direction) -> &mut bool {
        match direction {
            Direction::Read => &mut self.readable,
            Direction::Write => &mut self.writable,
        }
    }
}

impl PolledSocket {
    /// Notes the readiness that the poller found.
    pub(crate) fn note(&mut self, ready: Ready) {
        self.readiness.readable |= ready.read;
        self.readiness.writable |= ready.write;
        self.readiness.read_until_would_block |= ready.read_until_would_block;
    }

    /// Whether an operation may succeed. If not, the poller will report the socket.
    pub(crate) fn is_ready(&mut self, direction: Direction) -> bool {
        *self.readiness.of(direction)
    }

    /// Runs an operation that moves up to `length` bytes. Pending if it would block.
    fn attempt(
        &mut self,
        direction: Direction,
        length: usize,
        mut operation: impl FnMut(&Socket) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        if !self.is_ready(direction) {
            return Poll::Pending;
        }
        let result = uninterrupted(|| operation(&self.socket()));
        match &result {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                return match self.await_event(direction) {
                    Ok(()) => Poll::Pending,
                    Err(error) => Poll::Ready(Err(error)),
                };
            }
            Ok(count) if *count < length && self.is_exhausted(direction, *count) => {
                // If this fails, the next operation tries it again.
                let _ = self.await_event(direction);
            }
            Ok(_) | Err(_) => {}
        }
        Poll::Ready(result)
    }

    /// The operations of this direction pend until the poller reports the socket.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    fn await_event(&mut self, direction: Direction) -> io::Result<()> {
        *self.readiness.of(direction) = false;
        self.ask_again()
            .inspect_err(|_| *self.readiness.of(direction) = true)
    }

    /// The state of the connection attempt on this socket. Queries the kernel first: on loopback
    /// the connection is usually established by then.
    pub(crate) fn poll_connected(&mut self) -> Poll<io::Result<()>> {
        let result = self.attempt(Direction::Write, 0, |socket| {
            if socket.peer_addr().is_ok() {
                return Ok(0);
            }
            let error = socket.take_error()?;
            Err(error.unwrap_or_else(|| io::ErrorKind::WouldBlock.into()))
        });
        result.map_ok(|_| ())
    }

    /// Reads once and appends to `buffer`, at most its spare capacity. Zero bytes mean the end of
    /// the stream.
    pub(crate) fn poll_read(&mut self, buffer: &mut Vec<u8>) -> Poll<io::Result<usize>> {
        let room = buffer.capacity() - buffer.len();
        self.attempt(Direction::Read, room, |socket| {
            let (_, count) = recv(socket, spare_capacity(buffer), RecvFlags::empty())?;
            Ok(count)
        })
    }

    /// Accepts one connection of a listening socket with `accept`.
    pub(crate) fn poll_accept(
        &mut self,
        mut accept: impl FnMut(&Socket) -> io::Result<(Socket, SocketAddr)>,
    ) -> Poll<io::Result<(Socket, SocketAddr)>> {
        let mut accepted = None;
        let result = self.attempt(Direction::Read, 1, |listener| {
            accepted = Some(accept(listener)?);
            Ok(1)
        });
        result.map(|count| {
            count.and_then(|_| accepted.ok_or_else(|| io::ErrorKind::WouldBlock.into()))
        })
    }

    /// Whether a listening socket has a connection to accept. If not, the poller will report the next
    /// one.
    pub(crate) fn poll_connection(&mut self) -> Poll<io::Result<()>> {
        let result = self.attempt(Direction::Read, 0, |listener| {
            let mut asked = [PollFd::new(listener, PollFlags::IN)];
            match poll(&mut asked, Some(&Timespec::default()))? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                _ => Ok(0),
            }
        });
        result.map_ok(|_| ())
    }

    /// The number of bytes that the kernel holds, if it is known.
    pub(crate) fn available(&self) -> Option<usize> {
        let count = rustix::io::ioctl_fionread(&*self.socket()).ok()?;
        usize::try_from(count).ok()
    }

    /// Reads once into `target`, given that [`available`](Self::available) bytes are there.
    pub(crate) fn poll_read_into(
        &mut self,
        target: &mut [u8],
        available: usize,
    ) -> Poll<io::Result<usize>> {
        // A read of all available bytes does not need a second read to find the end.
        let room = if target.len() < available {
            target.len()
        } else {
            usize::MAX
        };
        self.attempt(Direction::Read, room, |socket| {
            let (count, _) = recv(socket, &mut *target, RecvFlags::empty())?;
            Ok(count)
        })
    }

    /// Whether the kernel holds unread bytes. Queries the kernel: after a failed write, the poller
    /// may not have reported them yet. Does not peek, which would take the error of a reset from the
    /// next read.
    pub(crate) fn has_unread(&self) -> bool {
        self.available().is_some_and(|count| count > 0)
    }

    /// Writes once, as much of `data` as fits.
    pub(crate) fn poll_write(&mut self, data: &[u8]) -> Poll<io::Result<usize>> {
        self.attempt(Direction::Write, data.len(), |socket| {
            SockRef::from(socket).send_with_flags(data, SEND_FLAGS)
        })
    }

    /// Writes several slices once, as much as fits.
    pub(crate) fn poll_write_vectored(
        &mut self,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let length = pieces.iter().map(|piece| piece.len()).sum();
        self.attempt(Direction::Write, length, |socket| {
            SockRef::from(socket).send_vectored_with_flags(pieces, SEND_FLAGS)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_socket_to_be_read_returns_bytes_that_no_poller_reported() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let poller = Poller::new(&Arc::default()).unwrap();
        for round in 0..50 {
            let socket = TcpStream::connect(address).unwrap();
            let (mut peer, _) = listener.accept().unwrap();
            peer.write_all(b"early").unwrap();
            socket.peek(&mut [0]).unwrap();
            socket.set_nonblocking(true).unwrap();
            let mut socket = poller.watch(socket.into(), 1).unwrap();
            socket.note(Ready::TO_BE_READ);
            let mut buffer = Vec::with_capacity(16);
            let read = socket.poll_read(&mut buffer);
            assert!(matches!(read, Poll::Ready(Ok(5))), "{round}: {read:?}");
            assert!(socket.poll_read(&mut buffer).is_pending());
        }
    }

    #[test]
    fn a_question_for_unread_bytes_leaves_a_reset_to_the_next_read() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (peer, _) = listener.accept().unwrap();
        SockRef::from(&peer)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(peer);
        wait_for_input(&socket);
        socket.set_nonblocking(true).unwrap();
        let poller = Poller::new(&Arc::default()).unwrap();
        let mut socket = poller.watch(socket.into(), 1).unwrap();
        socket.note(Ready::TO_BE_READ);
        assert!(!socket.has_unread());
        let read = socket.poll_read(&mut Vec::with_capacity(16));
        let Poll::Ready(Err(error)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    }

    /// Waits until a read of the socket would not block.
    fn wait_for_input(socket: &TcpStream) {
        let mut asked = [PollFd::new(socket, PollFlags::IN)];
        let limit = Timespec {
            tv_sec: 10,
            tv_nsec: 0,
        };
        assert_eq!(poll(&mut asked, Some(&limit)).unwrap(), 1);
    }
}
