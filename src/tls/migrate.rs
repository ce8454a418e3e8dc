//! Moves a connection between the JavaScript thread and a task, to another environment, and to its
//! end.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::mem;
use std::sync::Arc;
use std::task::Poll;

use bytes::BytesMut;
use socket2::{SockRef, Socket};

use super::bulk::{BulkSession, Task};
use super::pipe::{BulkShared, PlaintextPipe, ReadState, wake};
use super::secure_transport::{Mode, SecureTransport};
use super::session::TlsSocket;
use crate::ready::{SEND_FLAGS, uninterrupted};
use crate::runtime::{self, closing};
use crate::sync::{Mutex, lock};
use crate::wake::mailbox::Mailbox;
use crate::wake::notice::Notice;
use crate::wake::readiness::Poller;

impl SecureTransport {
    /// See [`Transport::hand_over`](crate::transport::Transport::hand_over).
    pub(crate) fn hand_over(
        mut self,
        from: &Poller,
        to: &Poller,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<Self> {
        self.mailbox = Arc::clone(mailbox);
        match mem::replace(&mut self.mode, Mode::Closed) {
            Mode::Inline(tls_socket) => {
                let TlsSocket { socket, tls } = *tls_socket;
                let socket = from.hand_over(socket, self.socket_id, to)?;
                self.mode = Mode::Inline(Box::new(TlsSocket { socket, tls }));
            }
            Mode::Bulk(shared) => {
                lock(&shared.pipe).mailbox = Arc::clone(mailbox);
                self.mode = Mode::Bulk(shared);
                // A task that has ended has notified the former mailbox.
                self.reclaim(to);
            }
            Mode::Closed => {}
        }
        Ok(self)
    }

    /// Moves the connection to a task, with `in_flight` bytes of plaintext pending. If the process
    /// has no descriptor or thread for that, the connection is lost, and JavaScript is notified.
    pub(super) fn start_task(&mut self, poller: &Poller, in_flight: usize) {
        let Mode::Inline(tls_socket) = mem::replace(&mut self.mode, Mode::Closed) else {
            return;
        };
        let TlsSocket { socket, tls } = *tls_socket;
        let released = poller
            .release(socket)
            .and_then(|stream| Ok((stream, runtime::handle()?)));
        let Ok((stream, runtime)) = released else {
            // Reads and writes now find the error.
            self.mailbox.post(Notice::Readable(self.socket_id));
            self.mailbox.post(Notice::Writable(self.socket_id));
            return;
        };
        let pipe = PlaintextPipe {
            accepted: in_flight as u64,
            reading: if self.reads {
                ReadState::Waiting
            } else {
                ReadState::Unrequested
            },
            writer_waits: in_flight > 0,
            mailbox: Arc::clone(&self.mailbox),
            socket_id: self.socket_id,
            ..PlaintextPipe::default()
        };
        let shared = Arc::new(BulkShared {
            session: Mutex::new(Some(BulkSession {
                tls_socket: TlsSocket {
                    socket: stream,
                    tls,
                },
                sending: BytesMut::new(),
                taken: in_flight as u64,
                flushed: 0,
                decrypted: Vec::new(),
                small_reads: 0,
                reads: 0,
                permit: None,
            })),
            pipe: Mutex::new(pipe),
        });
        self.bulk_reads = 0;
        let mut task = Task {
            shared: Arc::clone(&shared),
            idle_timer: None,
            moves: 0,
        };
        runtime.spawn(async move { poll_fn(|context| task.poll(context)).await });
        self.mode = Mode::Bulk(shared);
    }

    /// Takes the connection back from a task that has ended because it was idle.
    pub(crate) fn reclaim(&mut self, poller: &Poller) {
        let Mode::Bulk(shared) = &self.mode else {
            return;
        };
        let mut pipe = {
            let mut pipe = lock(&shared.pipe);
            if !pipe.handed_back {
                return;
            }
            mem::take(&mut *pipe)
        };
        let Some(BulkSession { tls_socket, .. }) = lock(&shared.session).take() else {
            return;
        };
        self.inbound.append(&mut pipe.inbound);
        let watched = tls_socket
            .socket
            .into_std()
            .and_then(|stream| poller.watch(stream.into(), self.socket_id));
        self.mode = match watched {
            Ok(socket) => Mode::Inline(Box::new(TlsSocket {
                socket,
                tls: tls_socket.tls,
            })),
            Err(_) => Mode::Closed,
        };
    }

    /// See [`Transport::end`](crate::transport::Transport::end).
    pub(crate) fn end(mut self, poller: &Poller, awaits_reply: bool) {
        let (socket, mut tls) = match mem::replace(&mut self.mode, Mode::Closed) {
            Mode::Inline(tls_socket) => {
                let TlsSocket { socket, tls } = *tls_socket;
                (poller.forget(socket), tls)
            }
            Mode::Bulk(shared) => {
                let task = lock(&shared.session).take();
                wake(&mut lock(&shared.pipe).task);
                let Some(BulkSession { tls_socket, .. }) = task else {
                    return;
                };
                (
                    tls_socket.socket.into_std().map(Socket::from),
                    tls_socket.tls,
                )
            }
            Mode::Closed => return,
        };
        let Ok(socket) = socket else { return };
        let is_harmless = !awaits_reply && closing::is_harmless(&SockRef::from(&socket));
        // `close_notify` tells the peer that the end is intended. The connection closes even if it
        // cannot be sent.
        tls.connection.send_close_notify();
        let mut flush = move |socket: &Socket| tls.flush(|pieces| write_now(socket, pieces));
        match flush(&socket) {
            Ok(true) if is_harmless => {}
            Ok(true) => closing::close(socket, None),
            Ok(false) => closing::close(socket, Some(Box::new(flush))),
            Err(_) => {}
        }
    }
}

impl Drop for SecureTransport {
    fn drop(&mut self) {
        if let Mode::Bulk(shared) = &self.mode {
            drop(lock(&shared.session).take());
            wake(&mut lock(&shared.pipe).task);
        }
    }
}

/// Writes once without blocking.
fn write_now(socket: &Socket, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
    match uninterrupted(|| socket.send_vectored_with_flags(pieces, SEND_FLAGS)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Poll::Pending,
        result => Poll::Ready(result),
    }
}
