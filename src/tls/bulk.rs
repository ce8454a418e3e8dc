//! TLS in bulk, in a task on the runtime.

use std::future::Future;
use std::io::{self, Write};
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use super::pipe::{BulkShared, MAX_INBOUND, PlaintextPipe, ReadState};
use super::session::{BULK, READ_SIZE, TlsSocket, Turn, truncation, with_encrypted};
use crate::health::Health;
use crate::net_error::NetError;
use crate::ready::{Direction, uninterrupted};
use crate::sync::{Mutex, lock};

/// This many consecutive smaller reads end the bulk: the JavaScript thread takes over.
pub(super) const MAX_SMALL_READS: u32 = 8;

/// The amount that is handed over at once, if that much is available.
pub(super) const BATCH: usize = 512 * 1024;

/// The time that the task polls for more bulk data before it goes to sleep.
pub(super) const POLL_TIME: Duration = Duration::from_micros(50);

/// The capacity of such a buffer: a read may complete a record that was read in part.
pub(crate) const BUFFER: usize = MAX_INBOUND + READ_SIZE + 17 * 1024;

/// At most this many tasks may buffer `MAX_INBOUND`, first come, first served, because there are
/// fewer threads. The others buffer one read.
pub(super) const MAX_READ_AHEAD: usize = 8;

/// During large writes, JavaScript is notified once per this many bytes.
pub(super) const PROGRESS: u64 = 256 * 1024;

/// A task that is idle for this long ends and frees its buffers.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(1);

impl TlsSocket<TcpStream> {
    /// Reads once, unless the last turn has left bytes, and decrypts as long as the turn allows.
    /// Zero bytes mean the end.
    pub(super) fn poll_receive(
        &mut self,
        context: &mut Context<'_>,
        plaintext: &mut Vec<u8>,
        turn: &mut Turn,
    ) -> Poll<usize> {
        let Self { socket, tls } = self;
        if !tls.unprocessed.is_empty() {
            return Poll::Ready(tls.process_rest(plaintext, turn));
        }
        with_encrypted(|encrypted| {
            let read = |stream: &Socket| {
                let (_, count) = recv(stream, spare_capacity(encrypted), RecvFlags::empty())?;
                Ok(count)
            };
            let result = match attempt(socket, Direction::Read, context, read) {
                Poll::Ready(result) => result,
                Poll::Pending => return Poll::Pending,
            };
            tls.process(encrypted, plaintext, turn);
            Poll::Ready(match result {
                Ok(count) if count > 0 => count,
                end => {
                    tls.health.end(Some(truncation(end)));
                    0
                }
            })
        })
    }

    pub(super) fn flush(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
        let Self { socket, tls } = self;
        tls.flush(|pieces| {
            attempt(socket, Direction::Write, context, |stream| {
                (&mut &*stream).write_vectored(pieces)
            })
        })
    }
}

/// Runs an operation on a socket that the runtime watches. Queries the kernel first, because the
/// runtime notices events later.
pub(super) fn attempt(
    stream: &TcpStream,
    direction: Direction,
    context: &mut Context<'_>,
    mut operation: impl FnMut(&Socket) -> io::Result<usize>,
) -> Poll<io::Result<usize>> {
    match uninterrupted(|| operation(&SockRef::from(stream))) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        result => return Poll::Ready(result),
    }
    loop {
        let (ready, interest) = match direction {
            Direction::Read => (stream.poll_read_ready(context), Interest::READABLE),
            Direction::Write => (stream.poll_write_ready(context), Interest::WRITABLE),
        };
        if ready.is_pending() {
            return Poll::Pending;
        }
        let again = || uninterrupted(|| operation(&SockRef::from(stream)));
        match stream.try_io(interest, again) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            result => return Poll::Ready(result),
        }
    }
}

/// The encrypted side.
pub(super) struct BulkSession {
    pub(super) tls_socket: TlsSocket<TcpStream>,
    /// Plaintext that is not encrypted yet.
    pub(super) sending: BytesMut,
    /// Total bytes moved to `sending`, and total bytes that the operating system has.
    pub(super) taken: u64,
    pub(super) flushed: u64,
    /// Decrypted bytes that are handed over when JavaScript has fetched the previous ones.
    pub(super) decrypted: Vec<u8>,
    pub(super) small_reads: u32,
    /// Total number of reads.
    pub(super) reads: u64,
    /// The permit to decrypt far ahead, if the task has one.
    pub(super) permit: Option<ReadAheadPermit>,
}

/// A permit to decrypt far ahead.
pub(super) struct ReadAheadPermit(());

/// The number of permits in use.
pub(super) static PERMITS_IN_USE: AtomicUsize = AtomicUsize::new(0);

impl ReadAheadPermit {
    pub(super) fn try_acquire() -> Option<Self> {
        let one_more = |count| (count < MAX_READ_AHEAD).then_some(count + 1);
        PERMITS_IN_USE
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Self(()))
    }
}

impl Drop for ReadAheadPermit {
    fn drop(&mut self) {
        PERMITS_IN_USE.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Schedules the task behind other work of the runtime, including new socket events.
fn yield_to_others(context: &mut Context<'_>) {
    let _ = pin!(yield_now()).poll(context);
}

/// The runtime's side. However it ends, JavaScript is notified.
pub(super) struct Task {
    pub(super) shared: Arc<BulkShared<BulkSession>>,
    /// Runs while the task is idle.
    pub(super) idle_timer: Option<Pin<Box<Sleep>>>,
    /// The value of [`moves`](BulkSession::moves) when the timer started.
    pub(super) moves: u64,
}

impl Drop for Task {
    fn drop(&mut self) {
        lock(&self.shared.pipe).abandon();
    }
}

impl Task {
    /// Moves bytes in both directions until it would block. Ready when the connection is dropped or
    /// the task is idle.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut session = lock(&shared.session);
        let Some(task) = session.as_mut() else {
            return Poll::Ready(());
        };
        lock(&shared.pipe).task = Some(context.waker().clone());
        let mut sent = task.send(&shared.pipe, context);
        if sent.is_ok() {
            task.receive(&shared.pipe, context);
            // TLS may have to answer the received records.
            sent = task.tls_socket.flush(context).map(drop);
        }
        if sent.is_err() {
            // Data that the peer sent before it closed is fetched first, even for a paused socket,
            // so that it is available when JavaScript learns that writing failed.
            lock(&shared.pipe).read_on();
            task.tls_socket.tls.health.fail_write();
            task.receive(&shared.pipe, context);
        }
        let mut pipe = lock(&shared.pipe);
        if pipe.readable() {
            pipe.wake_reader();
        }
        if sent.is_err() {
            pipe.health.fail_write();
            pipe.wake_writer();
        }
        let idle = task.is_idle() && pipe.is_idle();
        if !idle {
            self.idle_timer = None;
        } else if task.is_small() || self.is_idle_for_long(task.moves(), context) {
            self.idle_timer = None;
            if pipe.inbound.len() > READ_SIZE {
                // The data stays with the permit. The task continues when it is fetched.
                pipe.more = true;
                return Poll::Pending;
            }
            pipe.hand_back();
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Whether no byte was moved for a while. Starts the timer if necessary.
    pub(super) fn is_idle_for_long(&mut self, moves: u64, context: &mut Context<'_>) -> bool {
        let timer = self
            .idle_timer
            .get_or_insert_with(|| Box::pin(sleep(IDLE_TIMEOUT)));
        while timer.as_mut().poll(context).is_ready() {
            if self.moves == moves {
                return true;
            }
            self.moves = moves;
            timer
                .as_mut()
                .reset(tokio::time::Instant::now() + IDLE_TIMEOUT);
        }
        false
    }
}

impl BulkSession {
    /// A counter that grows with every moved byte.
    pub(super) fn moves(&self) -> u64 {
        self.reads + self.flushed
    }

    pub(super) fn send(
        &mut self,
        pipe: &Mutex<PlaintextPipe>,
        context: &mut Context<'_>,
    ) -> io::Result<()> {
        loop {
            if self.sending.is_empty() {
                let Some(accepted) = lock(pipe).refill(&mut self.sending) else {
                    return Ok(());
                };
                self.taken = accepted;
            }
            if !self.tls_socket.flush(context)? {
                self.report_progress(pipe, 1);
                return Ok(());
            }
            self.flushed = self.taken - self.sending.len() as u64;
            if self.sending.is_empty() {
                self.report_progress(pipe, 1);
                return Ok(());
            }
            self.report_progress(pipe, PROGRESS);
            let count = self
                .tls_socket
                .tls
                .connection
                .writer()
                .write(&self.sending)?;
            if count < self.sending.len() {
                self.sending.advance(count);
            } else {
                // A buffer that was advanced to its end points behind its memory, which
                // LeakSanitizer reports as a leak.
                self.sending.clear();
            }
        }
    }

    /// Notifies JavaScript of flushed bytes if at least `least` are new.
    pub(super) fn report_progress(&self, pipe: &Mutex<PlaintextPipe>, least: u64) {
        lock(pipe).progress(self.flushed, least);
    }

    pub(super) fn receive(&mut self, pipe: &Mutex<PlaintextPipe>, context: &mut Context<'_>) {
        let mut turn = Turn::of_task();
        loop {
            if turn.is_over {
                // Pending sends and other tasks have waited long enough.
                yield_to_others(context);
                return;
            }
            if self.permit.is_none() && self.small_reads == 0 && self.decrypted.len() >= READ_SIZE {
                self.permit = ReadAheadPermit::try_acquire();
            }
            let (batch, most) = match self.permit {
                Some(_) => (BATCH, MAX_INBOUND),
                None => (READ_SIZE, READ_SIZE),
            };
            let much = self.decrypted.len() >= batch;
            if much && !self.hand_over(pipe) && self.decrypted.len() >= most {
                return;
            }
            let health = self.tls_socket.tls.health;
            if health.has_ended() {
                if self.hand_over(pipe) {
                    lock(pipe).health.end(health.cause());
                }
                return;
            }
            if lock(pipe).reading == ReadState::Unrequested {
                let nothing_yet = self.hand_over(pipe) && lock(pipe).inbound.is_empty();
                if !nothing_yet {
                    return;
                }
            }
            let received = self
                .tls_socket
                .poll_receive(context, &mut self.decrypted, &mut turn);
            self.reads += u64::from(received.is_ready());
            match received {
                Poll::Ready(count) if count >= BULK => self.small_reads = 0,
                Poll::Ready(_) => self.small_reads = self.small_reads.saturating_add(1),
                // A connection that can only be read does not wait for more data.
                Poll::Pending if !health.can_write() => {
                    self.tls_socket
                        .tls
                        .health
                        .end(Some(NetError::ConnectionReset));
                }
                Poll::Pending => {
                    self.hand_over(pipe);
                    if !self.await_more() {
                        return;
                    }
                }
            }
        }
    }

    /// Polls briefly for more data. During bulk transfers a wake-up for each chunk costs more than
    /// a few polls.
    pub(super) fn await_more(&mut self) -> bool {
        if self.small_reads > 0 {
            return false;
        }
        let until = Instant::now() + POLL_TIME;
        let socket = SockRef::from(&self.tls_socket.socket);
        loop {
            thread::yield_now();
            match socket.peek(&mut [MaybeUninit::uninit()]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The kernel reports an error once; the next read finds only the end.
                Err(error) => {
                    self.tls_socket
                        .tls
                        .health
                        .end(Some(NetError::from_io(&error)));
                    return true;
                }
                Ok(_) => return true,
            }
            if Instant::now() >= until {
                return false;
            }
        }
    }

    /// Hands over decrypted bytes if JavaScript has fetched the previous ones. Returns whether no
    /// byte is left here.
    pub(super) fn hand_over(&mut self, pipe: &Mutex<PlaintextPipe>) -> bool {
        if self.decrypted.is_empty() {
            return true;
        }
        let is_handed_over = lock(pipe).offer(&mut self.decrypted);
        if is_handed_over {
            if self.permit.is_some() {
                self.decrypted.reserve_exact(BUFFER);
            } else if self.decrypted.capacity() > 2 * READ_SIZE {
                // The buffer belonged to a task with a permit.
                self.decrypted = Vec::new();
            }
        }
        is_handed_over
    }

    /// Whether the JavaScript thread can take over.
    pub(super) fn is_small(&self) -> bool {
        self.small_reads >= MAX_SMALL_READS && !self.tls_socket.tls.fruitless.is_much()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.tls_socket.tls.health == Health::Open
            && !self.tls_socket.tls.connection.wants_write()
            && self.tls_socket.tls.unprocessed.is_empty()
            && self.sending.is_empty()
            && self.decrypted.is_empty()
    }
}
