//! TLS after the handshake. The JavaScript thread processes small messages itself, because a hop to
//! another thread costs more. A task on the runtime processes bulk data. The two sides exchange
//! plaintext through two bounded buffers.

use std::io;
use std::sync::Arc;
use std::task::Poll;

use socket2::SockRef;

use super::bulk::BulkSession;
use super::pipe::{BulkShared, MAX_OUTBOUND, take};
use super::session::{Tls, TlsSocket, Turn};
use crate::health::Health;
use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net_error::NetError;
use crate::ready::Ready;
use crate::sync::lock;
use crate::wake::mailbox::Mailbox;
use crate::wake::notice::Secured;
use crate::wake::readiness::{PolledSocket, Poller};

/// Larger writes are left to the task.
const SMALL_WRITE: usize = 16 * 1024;

/// The JavaScript thread's end. [Ending](Self::end) it sends `close_notify`; dropping it closes the
/// descriptor at once.
pub(crate) struct SecureTransport {
    pub(super) mode: Mode,
    /// Decrypted bytes that were not fetched before the mode changed.
    pub(super) inbound: Vec<u8>,
    /// Whether JavaScript has requested a read.
    pub(super) reads: bool,
    /// The number of consecutive bulk reads.
    pub(super) bulk_reads: u32,
    pub(super) socket_id: SocketId,
    pub(super) mailbox: Arc<Mailbox>,
}

/// The side that processes the connection.
pub(super) enum Mode {
    /// Boxed, because the TLS state is large and plaintext sockets have none.
    Inline(Box<TlsSocket<PolledSocket>>),
    Bulk(Arc<BulkShared<BulkSession>>),
    /// The connection is gone.
    Closed,
}

impl SecureTransport {
    /// Takes over a connection after its handshake.
    ///
    /// # Errors
    ///
    /// Those of the poller.
    pub(crate) fn new(
        secured: Secured,
        poller: &Poller,
        mailbox: &Arc<Mailbox>,
        socket_id: SocketId,
    ) -> io::Result<Self> {
        let mut tls = Tls::new(secured.connection);
        if secured.write_failed {
            tls.health.fail_write();
        }
        let socket = poller.watch(secured.stream.into_std()?.into(), socket_id)?;
        Ok(Self {
            mode: Mode::Inline(Box::new(TlsSocket { socket, tls })),
            inbound: Vec::new(),
            reads: false,
            bulk_reads: 0,
            socket_id,
            mailbox: Arc::clone(mailbox),
        })
    }

    /// The socket, if the JavaScript thread owns it.
    pub(crate) fn polled_socket(&mut self) -> Option<&mut PolledSocket> {
        match &mut self.mode {
            Mode::Inline(tls_socket) => Some(&mut tls_socket.socket),
            Mode::Bulk(_) | Mode::Closed => None,
        }
    }

    /// See [`Transport::is_read_ready`](crate::transport::Transport::is_read_ready).
    pub(crate) fn is_read_ready(&mut self) -> bool {
        self.reads = true;
        if !self.inbound.is_empty() {
            return true;
        }
        match &mut self.mode {
            Mode::Inline(tls_socket) => {
                tls_socket.tls.health != Health::Open || tls_socket.is_read_ready()
            }
            Mode::Bulk(shared) => lock(&shared.pipe).is_read_ready(),
            Mode::Closed => true,
        }
    }

    /// See [`Transport::has_unfinished_read`](crate::transport::Transport::has_unfinished_read).
    pub(crate) fn has_unfinished_read(&mut self) -> bool {
        match &mut self.mode {
            Mode::Inline(tls_socket) => tls_socket.is_read_ready(),
            Mode::Bulk(_) | Mode::Closed => false,
        }
    }

    /// See [`Transport::poll_read`](crate::transport::Transport::poll_read).
    pub(crate) fn poll_read(&mut self, buffer: &mut Vec<u8>, poller: &Poller) -> Poll<()> {
        if !self.inbound.is_empty() {
            take(&mut self.inbound, buffer);
            // Free the memory instead of keeping it for an idle socket.
            self.inbound = Vec::new();
            return Poll::Ready(());
        }
        match &mut self.mode {
            Mode::Inline(tls_socket) => {
                let before = buffer.len();
                let mut bulk = false;
                let mut turn = Turn::of_javascript();
                // A record without plaintext, or a partial one, needs no new event to continue.
                while buffer.len() == before
                    && !tls_socket.tls.health.has_ended()
                    && !turn.is_over
                    && tls_socket.is_read_ready()
                {
                    bulk = tls_socket.receive(buffer, &mut turn);
                }
                self.bulk_reads = if bulk { self.bulk_reads + 1 } else { 0 };
                if !tls_socket.tls.health.can_write() {
                    // A connection that can only be read does not wait for more data.
                    if buffer.len() == before && !tls_socket.has_unread() {
                        tls_socket.tls.health.end(Some(NetError::ConnectionReset));
                    }
                } else if tls_socket.tls.connection.wants_write() {
                    tls_socket.flush_quietly();
                }
                let health = tls_socket.tls.health;
                if health == Health::Open
                    && (self.bulk_reads > 1
                        || turn.is_over
                        || tls_socket.tls.connection.wants_write())
                {
                    self.start_task(poller, 0);
                }
                if buffer.len() > before || health.has_ended() {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
            Mode::Bulk(shared) => lock(&shared.pipe).fetch(buffer),
            Mode::Closed => Poll::Ready(()),
        }
    }

    /// Reads up to the first record with plaintext while JavaScript does not read. Otherwise TLS
    /// control messages such as session tickets would stay unread, and the kernel would reset the
    /// connection at the end of the process and drop unsent data.
    pub(crate) fn process_control_records(&mut self, poller: &Poller) {
        if self.inbound.is_empty() && matches!(self.mode, Mode::Inline(_)) {
            let mut inbound = Vec::new();
            let _ = self.poll_read(&mut inbound, poller);
            self.inbound = inbound;
        }
    }

    /// See [`Transport::poll_write`](crate::transport::Transport::poll_write).
    pub(crate) fn poll_write(&mut self, data: &[u8], poller: &Poller) -> Poll<io::Result<usize>> {
        loop {
            if let Mode::Inline(tls_socket) = &self.mode {
                if !tls_socket.tls.health.can_write() {
                    return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
                }
                if data.len() <= SMALL_WRITE {
                    return Poll::Ready(self.write_now(data, poller));
                }
                self.start_task(poller, 0);
            }
            let Mode::Bulk(shared) = &self.mode else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            let mut pipe = lock(&shared.pipe);
            // A task that has ended accepts no data, even if its end was not noticed yet.
            if pipe.handed_back {
                drop(pipe);
                self.reclaim(poller);
                continue;
            }
            return pipe.accept(data, MAX_OUTBOUND);
        }
    }

    /// Encrypts and writes a small message. The task writes the part that the kernel does not take.
    fn write_now(&mut self, data: &[u8], poller: &Poller) -> io::Result<usize> {
        let Mode::Inline(tls_socket) = &mut self.mode else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let written = tls_socket.tls.write(data).and_then(|count| {
            tls_socket.flush()?;
            Ok(count)
        });
        if written.is_err() {
            tls_socket.tls.health.fail_write();
            // Data that the peer sent before it closed must be available when JavaScript learns
            // that writing failed. The poller may not have reported it yet.
            tls_socket.socket.note(Ready::TO_BE_READ);
            tls_socket.receive_for_a_turn(&mut self.inbound);
            return written;
        }
        if tls_socket.tls.connection.wants_write() {
            self.start_task(poller, data.len());
        }
        written
    }

    /// See [`Transport::unflushed`](crate::transport::Transport::unflushed).
    pub(crate) fn unflushed(&self) -> io::Result<usize> {
        let shared = match &self.mode {
            Mode::Bulk(shared) => shared,
            Mode::Inline(_) => return Ok(0),
            Mode::Closed => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        lock(&shared.pipe).unflushed()
    }

    /// The number of decrypted bytes that were not fetched.
    pub(crate) fn buffered_bytes(&self) -> usize {
        let with_task = match &self.mode {
            Mode::Bulk(shared) => lock(&shared.pipe).inbound.len(),
            Mode::Inline(_) | Mode::Closed => 0,
        };
        self.inbound.len() + with_task
    }

    /// See [`Transport::cause`](crate::transport::Transport::cause).
    pub(crate) fn cause(&self) -> Option<NetError> {
        match &self.mode {
            Mode::Inline(tls_socket) => tls_socket.tls.health.cause(),
            Mode::Bulk(shared) => lock(&shared.pipe).health.cause(),
            Mode::Closed => Some(NetError::Failed),
        }
    }

    /// See [`Transport::has_unread`](crate::transport::Transport::has_unread).
    pub(crate) fn has_unread(&self) -> bool {
        match &self.mode {
            Mode::Bulk(shared) => {
                let pipe = lock(&shared.pipe);
                // After a failed write the task reads to the end.
                !pipe.inbound.is_empty() || pipe.health == Health::WriteFailed
            }
            Mode::Inline(tls_socket) => !self.inbound.is_empty() || tls_socket.has_unread(),
            Mode::Closed => !self.inbound.is_empty(),
        }
    }

    /// See [`Transport::set_option`](crate::transport::Transport::set_option).
    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match &self.mode {
            Mode::Inline(tls_socket) => option.set(&tls_socket.socket.socket()),
            Mode::Bulk(shared) => match &*lock(&shared.session) {
                Some(task) => option.set(&SockRef::from(&task.tls_socket.socket)),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
            Mode::Closed => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

#[cfg(test)]
mod tests;
