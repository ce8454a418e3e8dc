//! TLS after the handshake. The JavaScript thread processes small messages itself, because a hop to
//! another thread costs more. A task on the runtime processes bulk data. The two sides exchange
//! plaintext through two bounded buffers.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::io::{self, BufRead, IoSlice, Write};
use std::mem::{self, MaybeUninit};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Buf, BytesMut};
use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use rustls::{ClientConnection, ProtocolVersion};
use socket2::{SockRef, Socket};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep};

use crate::copy::append;
use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net_error::NetError;
use crate::ready::{Direction, Ready, SEND_FLAGS, uninterrupted};
use crate::runtime::{self, closing};
use crate::sync::lock;
use crate::tls::record_ends::{HANDSHAKE, Header, RecordEnds, VERSION_OF_ENCRYPTED};
use crate::wake::mailbox::Mailbox;
use crate::wake::notice::{Notice, Secured};
use crate::wake::readiness::{PolledSocket, Poller};

/// The most encrypted bytes of one system call.
const READ_SIZE: usize = 64 * 1024;

/// Two consecutive reads of at least this size are bulk: the task takes over.
const BULK: usize = READ_SIZE / 2;

/// This many consecutive smaller reads end the bulk: the JavaScript thread takes over.
const SMALL_READS: u32 = 8;

/// The amount that is handed over at once, if that much is available.
const BATCH: usize = 512 * 1024;

/// The time that the JavaScript thread may decrypt in one turn of its event loop.
const TURN: Duration = Duration::from_micros(500);

/// The time that the task may decrypt before it yields to other tasks of the runtime.
const TASK_TURN: Duration = Duration::from_millis(1);

/// The clock is read after this many records.
const RECORDS_PER_LOOK: u32 = 32;

/// The JavaScript thread decrypts this many bytes of records in a row that contain no plaintext, such as
/// session tickets and key updates. Then the task takes over, because such records can cost far more
/// than their length suggests.
const MAX_FRUITLESS_BYTES: usize = 4096;

/// The JavaScript thread makes this many reads in a row that complete no plaintext. Then the task takes
/// over.
const MAX_FRUITLESS_READS: u32 = 32;

/// The time that the task polls for more bulk data before it goes to sleep.
const PATIENCE: Duration = Duration::from_micros(50);

/// Larger writes are left to the task.
const SMALL_WRITE: usize = 16 * 1024;

/// The task decrypts this much ahead of JavaScript, and possibly one read more. There are two such
/// buffers, and one that JavaScript drains.
const MAX_INBOUND: usize = 1024 * 1024;

/// The capacity of such a buffer: a read may complete a record that was read in part.
pub(crate) const BUFFER: usize = MAX_INBOUND + READ_SIZE + 17 * 1024;

/// At most this many tasks may buffer `MAX_INBOUND`, first come, first served, because there are
/// fewer threads. The others buffer one read.
const MAX_AHEAD: usize = 8;

/// During large writes, JavaScript is notified once per this many bytes.
const PROGRESS: u64 = 256 * 1024;

/// A task that is idle for this long ends and frees its buffers.
const QUIET: Duration = Duration::from_secs(1);

/// Writes wait while this many bytes are on their way to the operating system.
const MAX_OUTBOUND: usize = 1024 * 1024;

thread_local! {
    /// The buffer for encrypted bytes, which is empty between calls: sockets have none of their
    /// own.
    static ENCRYPTED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The JavaScript thread's end. [Ending](Self::end) it sends `close_notify`; dropping it closes the
/// descriptor at once.
pub(crate) struct SecureTransport {
    driver: Driver,
    /// Decrypted bytes that were not fetched before the mode changed.
    inbound: Vec<u8>,
    /// Whether JavaScript has requested a read.
    reads: bool,
    /// The number of consecutive bulk reads.
    bulk_reads: u32,
    /// A write by the JavaScript thread has failed. Its data must not be encrypted again.
    broken: bool,
    socket_id: SocketId,
    mailbox: Arc<Mailbox>,
}

/// The side that processes the connection.
enum Driver {
    /// Boxed, because the TLS state is large and plaintext sockets have none.
    JavaScript(Box<Channel<PolledSocket>>),
    Task(Arc<Shared>),
    /// The connection is gone.
    Gone,
}

/// A socket and its TLS state.
struct Channel<S> {
    socket: S,
    tls: Tls,
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
        let tls = Tls::new(secured.connection);
        let socket = poller.watch(secured.stream.into_std()?.into(), socket_id)?;
        Ok(Self {
            driver: Driver::JavaScript(Box::new(Channel { socket, tls })),
            inbound: Vec::new(),
            reads: false,
            bulk_reads: 0,
            broken: secured.broken,
            socket_id,
            mailbox: Arc::clone(mailbox),
        })
    }

    /// The socket, if the JavaScript thread owns it.
    pub(crate) fn polled_socket(&mut self) -> Option<&mut PolledSocket> {
        match &mut self.driver {
            Driver::JavaScript(channel) => Some(&mut channel.socket),
            Driver::Task(_) | Driver::Gone => None,
        }
    }

    /// See [`Transport::is_read_ready`](crate::transport::Transport::is_read_ready).
    pub(crate) fn is_read_ready(&mut self) -> bool {
        self.reads = true;
        if !self.inbound.is_empty() {
            return true;
        }
        match &mut self.driver {
            Driver::JavaScript(channel) => {
                channel.tls.ended || self.broken || channel.is_read_ready()
            }
            Driver::Task(shared) => lock(&shared.flow).is_read_ready(),
            Driver::Gone => true,
        }
    }

    /// See [`Transport::has_unfinished_read`](crate::transport::Transport::has_unfinished_read).
    pub(crate) fn has_unfinished_read(&mut self) -> bool {
        match &mut self.driver {
            Driver::JavaScript(channel) => channel.is_read_ready(),
            Driver::Task(_) | Driver::Gone => false,
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
        match &mut self.driver {
            Driver::JavaScript(channel) => {
                let before = buffer.len();
                let mut bulk = false;
                let mut turn = Turn::of_javascript();
                // A record without plaintext, or a partial one, needs no new event to continue.
                while buffer.len() == before
                    && !channel.tls.ended
                    && !turn.is_over
                    && channel.is_read_ready()
                {
                    bulk = channel.receive(buffer, &mut turn);
                }
                self.bulk_reads = if bulk { self.bulk_reads + 1 } else { 0 };
                if self.broken {
                    // A connection that can only be read does not wait for more data.
                    if buffer.len() == before && !channel.has_unread() {
                        channel.tls.end(Some(NetError::ConnectionReset));
                    }
                } else if channel.tls.connection.wants_write() {
                    channel.flush_quietly();
                }
                let ended = channel.tls.ended;
                if !ended
                    && !self.broken
                    && (self.bulk_reads > 1 || turn.is_over || channel.tls.connection.wants_write())
                {
                    self.start_task(poller, 0);
                }
                if buffer.len() > before || ended {
                    Poll::Ready(())
                } else {
                    Poll::Pending
                }
            }
            Driver::Task(shared) => {
                let mut flow = lock(&shared.flow);
                if !flow.is_read_ready() {
                    return Poll::Pending;
                }
                take(&mut flow.inbound, buffer);
                if mem::take(&mut flow.more) {
                    wake(&mut flow.task);
                }
                Poll::Ready(())
            }
            Driver::Gone => Poll::Ready(()),
        }
    }

    /// Reads up to the first record with plaintext while JavaScript does not read. Otherwise TLS
    /// control messages such as session tickets would stay unread, and the kernel would reset the
    /// connection at the end of the process and drop unsent data.
    pub(crate) fn listen(&mut self, poller: &Poller) {
        if self.inbound.is_empty() && matches!(self.driver, Driver::JavaScript(_)) {
            let mut inbound = Vec::new();
            let _ = self.poll_read(&mut inbound, poller);
            self.inbound = inbound;
        }
    }

    /// See [`Transport::hand_over`](crate::transport::Transport::hand_over).
    pub(crate) fn hand_over(
        mut self,
        from: &Poller,
        to: &Poller,
        mailbox: &Arc<Mailbox>,
    ) -> io::Result<Self> {
        self.mailbox = Arc::clone(mailbox);
        match mem::replace(&mut self.driver, Driver::Gone) {
            Driver::JavaScript(channel) => {
                let Channel { socket, tls } = *channel;
                let socket = from.hand_over(socket, self.socket_id, to)?;
                self.driver = Driver::JavaScript(Box::new(Channel { socket, tls }));
            }
            Driver::Task(shared) => {
                lock(&shared.flow).mailbox = Arc::clone(mailbox);
                self.driver = Driver::Task(shared);
                // A task that has ended has notified the former mailbox.
                self.settle(to);
            }
            Driver::Gone => {}
        }
        Ok(self)
    }

    /// See [`Transport::poll_write`](crate::transport::Transport::poll_write).
    pub(crate) fn poll_write(&mut self, data: &[u8], poller: &Poller) -> Poll<io::Result<usize>> {
        if self.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        loop {
            if let Driver::JavaScript(_) = &self.driver {
                if data.len() <= SMALL_WRITE {
                    return Poll::Ready(self.write_now(data, poller));
                }
                self.start_task(poller, 0);
            }
            let Driver::Task(shared) = &self.driver else {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            };
            let mut flow = lock(&shared.flow);
            if flow.broken {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            // A task that has ended accepts no data, even if its end was not noticed yet.
            if flow.settled {
                drop(flow);
                self.settle(poller);
                continue;
            }
            let room = MAX_OUTBOUND.saturating_sub(flow.in_flight());
            let count = data.len().min(room);
            flow.writer_waits = true;
            if count == 0 {
                return Poll::Pending;
            }
            flow.outbound
                .extend_from_slice(data.get(..count).unwrap_or(data));
            flow.accepted += count as u64;
            wake(&mut flow.task);
            return Poll::Ready(Ok(count));
        }
    }

    /// Encrypts and writes a small message. The task writes the part that the kernel does not take.
    fn write_now(&mut self, data: &[u8], poller: &Poller) -> io::Result<usize> {
        let Driver::JavaScript(channel) = &mut self.driver else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let written = channel.tls.write(data).and_then(|count| {
            channel.flush()?;
            Ok(count)
        });
        if written.is_err() {
            self.broken = true;
            // Data that the peer sent before it closed must be available when JavaScript learns
            // that writing failed. The poller may not have reported it yet.
            channel.socket.note(Ready::TO_BE_READ);
            channel.receive_for_a_turn(&mut self.inbound);
            return written;
        }
        if channel.tls.connection.wants_write() {
            self.start_task(poller, data.len());
        }
        written
    }

    /// Moves the connection to a task, with `in_flight` bytes of plaintext pending.
    fn start_task(&mut self, poller: &Poller, in_flight: usize) {
        let Driver::JavaScript(channel) = mem::replace(&mut self.driver, Driver::Gone) else {
            return;
        };
        let Channel { socket, tls } = *channel;
        let Ok(stream) = poller.release(socket) else {
            return;
        };
        let Ok(runtime) = runtime::handle() else {
            return;
        };
        let flow = Flow {
            accepted: in_flight as u64,
            reading: self.reads,
            reader_waits: self.reads,
            writer_waits: in_flight > 0,
            mailbox: Arc::clone(&self.mailbox),
            socket_id: self.socket_id,
            ..Flow::default()
        };
        let shared = Arc::new(Shared {
            channel: Mutex::new(Some(TaskChannel {
                channel: Channel {
                    socket: stream,
                    tls,
                },
                sending: BytesMut::new(),
                taken: in_flight as u64,
                flushed: 0,
                decrypted: Vec::new(),
                small_reads: 0,
                reads: 0,
                ahead: None,
                broken: false,
            })),
            flow: Mutex::new(flow),
        });
        self.bulk_reads = 0;
        let mut task = Task {
            shared: Arc::clone(&shared),
            quiet: None,
            moves: 0,
        };
        runtime.spawn(async move { poll_fn(|context| task.poll(context)).await });
        self.driver = Driver::Task(shared);
    }

    /// Takes the connection back from a task that has ended because it was idle.
    pub(crate) fn settle(&mut self, poller: &Poller) {
        let Driver::Task(shared) = &self.driver else {
            return;
        };
        let mut flow = {
            let mut flow = lock(&shared.flow);
            if !flow.settled {
                return;
            }
            mem::take(&mut *flow)
        };
        let Some(TaskChannel { channel, .. }) = lock(&shared.channel).take() else {
            return;
        };
        self.inbound.append(&mut flow.inbound);
        let watched = channel
            .socket
            .into_std()
            .and_then(|stream| poller.watch(stream.into(), self.socket_id));
        self.driver = match watched {
            Ok(socket) => Driver::JavaScript(Box::new(Channel {
                socket,
                tls: channel.tls,
            })),
            Err(_) => Driver::Gone,
        };
    }

    /// See [`Transport::unflushed`](crate::transport::Transport::unflushed).
    pub(crate) fn unflushed(&self) -> io::Result<usize> {
        let shared = match &self.driver {
            Driver::Task(shared) => shared,
            Driver::JavaScript(_) => return Ok(0),
            Driver::Gone => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        let mut flow = lock(&shared.flow);
        let in_flight = flow.in_flight();
        if in_flight > 0 {
            if flow.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            flow.writer_waits = true;
        }
        Ok(in_flight)
    }

    /// The number of decrypted bytes that were not fetched.
    pub(crate) fn held(&self) -> usize {
        let with_task = match &self.driver {
            Driver::Task(shared) => lock(&shared.flow).inbound.len(),
            Driver::JavaScript(_) | Driver::Gone => 0,
        };
        self.inbound.len() + with_task
    }

    /// See [`Transport::cause`](crate::transport::Transport::cause).
    pub(crate) fn cause(&self) -> Option<NetError> {
        match &self.driver {
            Driver::JavaScript(channel) => channel.tls.cause,
            Driver::Task(shared) => lock(&shared.flow).cause,
            Driver::Gone => Some(NetError::Failed),
        }
    }

    /// See [`Transport::has_unread`](crate::transport::Transport::has_unread).
    pub(crate) fn has_unread(&self) -> bool {
        match &self.driver {
            Driver::Task(shared) => {
                let flow = lock(&shared.flow);
                // After a failed write the task reads to the end.
                !flow.inbound.is_empty() || flow.broken && !flow.ended
            }
            Driver::JavaScript(channel) => !self.inbound.is_empty() || channel.has_unread(),
            Driver::Gone => !self.inbound.is_empty(),
        }
    }

    /// See [`Transport::set_option`](crate::transport::Transport::set_option).
    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match &self.driver {
            Driver::JavaScript(channel) => option.set(&channel.socket.socket()),
            Driver::Task(shared) => match &*lock(&shared.channel) {
                Some(task) => option.set(&SockRef::from(&task.channel.socket)),
                None => Err(io::ErrorKind::NotConnected.into()),
            },
            Driver::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl SecureTransport {
    /// See [`Transport::end`](crate::transport::Transport::end).
    pub(crate) fn end(mut self, poller: &Poller) {
        let (socket, mut tls) = match mem::replace(&mut self.driver, Driver::Gone) {
            Driver::JavaScript(channel) => {
                let Channel { socket, tls } = *channel;
                (poller.forget(socket), tls)
            }
            Driver::Task(shared) => {
                let task = lock(&shared.channel).take();
                wake(&mut lock(&shared.flow).task);
                let Some(TaskChannel { channel, .. }) = task else {
                    return;
                };
                (channel.socket.into_std().map(Socket::from), channel.tls)
            }
            Driver::Gone => return,
        };
        let Ok(socket) = socket else { return };
        let is_harmless = closing::is_harmless(&SockRef::from(&socket));
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
        if let Driver::Task(shared) = &self.driver {
            drop(lock(&shared.channel).take());
            wake(&mut lock(&shared.flow).task);
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

/// Moves all bytes to the end of `buffer`, without copying if the buffer is empty.
fn take(bytes: &mut Vec<u8>, buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        mem::swap(bytes, buffer);
    } else {
        append(buffer, bytes);
        bytes.clear();
    }
}

/// The TLS state.
struct Tls {
    connection: ClientConnection,
    ends: RecordEnds,
    /// Bytes that were read but not decrypted at the end of a turn, at most those of one read.
    unprocessed: Vec<u8>,
    fruitless: Fruitless,
    /// The stream has ended. Chromium reports `ERR_CONNECTION_CLOSED` for `close_notify`,
    /// truncation and alerts alike.
    ended: bool,
    /// The reason for the end, unless it was `close_notify`.
    cause: Option<NetError>,
}

impl Tls {
    /// The state after a handshake, with no data read behind it.
    fn new(connection: ClientConnection) -> Self {
        Self {
            connection,
            ends: RecordEnds::default(),
            unprocessed: Vec::new(),
            fruitless: Fruitless::default(),
            ended: false,
            cause: None,
        }
    }

    /// Ends the stream. The first reason counts.
    fn end(&mut self, cause: Option<NetError>) {
        if !mem::replace(&mut self.ended, true) {
            self.cause = cause;
        }
    }

    /// Decrypts the bytes of one read and appends them to `plaintext`. Keeps the bytes for which
    /// the turn has no time.
    fn process(&mut self, encrypted: &[u8], plaintext: &mut Vec<u8>, turn: &mut Turn) {
        let before = plaintext.len();
        let count = self.decrypt(encrypted, plaintext, turn);
        if !self.ended {
            let rest = encrypted.get(count..).unwrap_or_default();
            self.unprocessed.extend_from_slice(rest);
        }
        self.fruitless.count_read(plaintext.len() > before);
        turn.count_read(&self.fruitless);
    }

    /// Processes the bytes that the last turn left. Returns their number.
    fn process_rest(&mut self, plaintext: &mut Vec<u8>, turn: &mut Turn) -> usize {
        let mut encrypted = mem::take(&mut self.unprocessed);
        let count = self.decrypt(&encrypted, plaintext, turn);
        if !self.ended && count < encrypted.len() {
            encrypted.drain(..count);
            self.unprocessed = encrypted;
        }
        count
    }

    /// Decrypts records until the turn is over and appends them to `plaintext`. Returns the number
    /// of processed bytes of `encrypted`.
    fn decrypt(&mut self, encrypted: &[u8], plaintext: &mut Vec<u8>, turn: &mut Turn) -> usize {
        let mut rest = encrypted;
        while !rest.is_empty() && !self.ended && !turn.is_over {
            let left = rest.len();
            let before = plaintext.len();
            self.decrypt_record(&mut rest, plaintext);
            if self.ends.is_between() {
                let is_fruitless = plaintext.len() == before;
                self.fruitless.count_record(is_fruitless, left - rest.len());
                turn.count_record(is_fruitless, &self.fruitless);
            }
        }
        encrypted.len() - rest.len()
    }

    /// Decrypts one record, or the received part of it.
    fn decrypt_record(&mut self, encrypted: &mut &[u8], plaintext: &mut Vec<u8>) {
        let (count, header) = self.ends.take(encrypted);
        if header.is_some_and(|header| self.is_refused(header)) {
            return self.end(Some(NetError::SslProtocolError));
        }
        let (mut record, others) = encrypted.split_at(count);
        *encrypted = others;
        while !record.is_empty() {
            match self.connection.read_tls(&mut record) {
                Ok(count) if count > 0 => {}
                _ => return self.end(Some(NetError::SslProtocolError)),
            }
        }
        // The received part of a record shows whether it can be valid. An invalid record is not
        // waited for.
        if self.ends.is_between() || encrypted.is_empty() {
            let sound = self.connection.process_new_packets().is_ok();
            // Valid records before the invalid one still count.
            self.drain(plaintext);
            if !sound {
                self.end(Some(NetError::SslProtocolError));
            }
        }
    }

    /// Whether Chromium ends the connection at such a record: rustls ignores its version, and
    /// declines a renegotiation request in TLS 1.2 (`boringssl/ssl/tls_record.cc`,
    /// `SSL_set_renegotiate_mode`).
    fn is_refused(&self, header: Header) -> bool {
        header.version != VERSION_OF_ENCRYPTED
            || header.kind == HANDSHAKE
                && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2)
    }

    /// Appends the decrypted bytes to `plaintext`.
    fn drain(&mut self, plaintext: &mut Vec<u8>) {
        let mut reader = self.connection.reader();
        loop {
            let count = match reader.fill_buf() {
                Ok(bytes) => {
                    append(plaintext, bytes);
                    bytes.len()
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => 0,
            };
            if count == 0 {
                // `close_notify`
                return self.end(None);
            }
            reader.consume(count);
        }
    }

    /// Encrypts all of `data`, which must be small.
    fn write(&mut self, mut data: &[u8]) -> io::Result<usize> {
        let length = data.len();
        while !data.is_empty() {
            let count = self.connection.writer().write(data)?;
            data = data.get(count..).unwrap_or_default();
        }
        Ok(length)
    }

    /// Writes encrypted bytes as far as the kernel takes them. Returns whether all are written.
    fn flush(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> Poll<io::Result<usize>>,
    ) -> io::Result<bool> {
        while self.connection.wants_write() {
            let mut writer = Vectored(|pieces: &[IoSlice<'_>]| match write(pieces) {
                Poll::Ready(result) => result,
                Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
            });
            match self.connection.write_tls(&mut writer) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

/// Counts the records that a peer has sent since the last plaintext.
#[derive(Default)]
struct Fruitless {
    /// The bytes of complete records.
    bytes: usize,
    reads: u32,
}

impl Fruitless {
    fn count_record(&mut self, is_fruitless: bool, length: usize) {
        if is_fruitless {
            self.bytes = self.bytes.saturating_add(length);
        } else {
            *self = Self::default();
        }
    }

    fn count_read(&mut self, brought_plaintext: bool) {
        if !brought_plaintext {
            self.reads = self.reads.saturating_add(1);
        }
    }

    /// Whether the JavaScript thread must hand over to the task.
    const fn is_much(&self) -> bool {
        self.bytes > MAX_FRUITLESS_BYTES || self.reads > MAX_FRUITLESS_READS
    }
}

/// Limits the time of decryption, so that other sockets, timers and tasks do not wait too long.
struct Turn {
    limit: Duration,
    /// The time at which the clock was first read.
    began: Option<Instant>,
    records: u32,
    /// Whether the turn also ends after too many records without plaintext.
    is_impatient: bool,
    is_over: bool,
}

impl Turn {
    const fn of_javascript() -> Self {
        Self {
            limit: TURN,
            // A single message needs no clock.
            began: None,
            records: 0,
            is_impatient: true,
            is_over: false,
        }
    }

    fn of_task() -> Self {
        Self {
            limit: TASK_TURN,
            began: Some(Instant::now()),
            records: 0,
            is_impatient: false,
            is_over: false,
        }
    }

    fn count_record(&mut self, is_fruitless: bool, fruitless: &Fruitless) {
        self.records += 1;
        if self.is_impatient && fruitless.is_much() {
            self.is_over = true;
        } else if is_fruitless || self.records.is_multiple_of(RECORDS_PER_LOOK) {
            self.look();
        }
    }

    fn count_read(&mut self, fruitless: &Fruitless) {
        if self.is_impatient {
            self.is_over |= fruitless.is_much();
        } else {
            self.look();
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        self.is_over |= now - began >= self.limit;
    }
}

/// Lets rustls write several records with one system call.
struct Vectored<F>(F);

impl<F: FnMut(&[IoSlice<'_>]) -> io::Result<usize>> Write for Vectored<F> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        (self.0)(&[IoSlice::new(data)])
    }

    fn write_vectored(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (self.0)(pieces)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lends the thread's buffer for encrypted bytes.
fn with_encrypted<R>(action: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    ENCRYPTED.with_borrow_mut(|buffer| {
        buffer.clear();
        buffer.reserve_exact(READ_SIZE);
        action(buffer)
    })
}

impl Channel<PolledSocket> {
    /// Whether a read may return data.
    fn is_read_ready(&mut self) -> bool {
        !self.tls.unprocessed.is_empty() || self.socket.is_ready(Direction::Read)
    }

    /// Whether the peer has sent bytes that were not decrypted.
    fn has_unread(&self) -> bool {
        !self.tls.unprocessed.is_empty() || self.socket.has_unread()
    }

    /// Reads once and decrypts as long as the turn allows. Returns whether the read was large.
    fn receive(&mut self, plaintext: &mut Vec<u8>, turn: &mut Turn) -> bool {
        if self.tls.ended {
            return false;
        }
        if !self.tls.unprocessed.is_empty() {
            return self.tls.process_rest(plaintext, turn) >= BULK;
        }
        with_encrypted(|encrypted| match self.socket.poll_read(encrypted) {
            Poll::Ready(Ok(count)) if count > 0 => {
                self.tls.process(encrypted, plaintext, turn);
                count >= BULK
            }
            Poll::Ready(result) => {
                self.tls.end(Some(truncation(result)));
                false
            }
            Poll::Pending => false,
        })
    }

    /// Reads available data as far as one turn allows.
    fn receive_for_a_turn(&mut self, plaintext: &mut Vec<u8>) {
        let mut turn = Turn::of_javascript();
        while !self.tls.ended && !turn.is_over && plaintext.len() < MAX_INBOUND {
            let before = plaintext.len();
            self.receive(plaintext, &mut turn);
            if plaintext.len() == before {
                return;
            }
        }
    }

    fn flush(&mut self) -> io::Result<bool> {
        let Self { socket, tls } = self;
        tls.flush(|pieces| socket.poll_write_vectored(pieces))
    }

    /// Flushes TLS control messages. The next send reports an error again.
    fn flush_quietly(&mut self) {
        let _ = self.flush();
    }
}

/// The reason for the end of a stream without `close_notify`.
fn truncation(result: io::Result<usize>) -> NetError {
    result.map_or_else(
        |error| NetError::from_io(&error),
        |_| NetError::ConnectionClosed,
    )
}

impl Channel<TcpStream> {
    /// Reads once, unless the last turn has left bytes, and decrypts as long as the turn allows.
    /// Zero bytes mean the end.
    fn poll_receive(
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
                    tls.end(Some(truncation(end)));
                    0
                }
            })
        })
    }

    fn flush(&mut self, context: &mut Context<'_>) -> io::Result<bool> {
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
fn attempt(
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

/// The state that the JavaScript thread and the task share.
struct Shared {
    /// Locked by the task while it works, and by the JavaScript thread to set options and to close.
    channel: Mutex<Option<TaskChannel>>,
    /// Locked briefly.
    flow: Mutex<Flow>,
}

/// The encrypted side.
struct TaskChannel {
    channel: Channel<TcpStream>,
    /// Plaintext that is not encrypted yet.
    sending: BytesMut,
    /// Total bytes moved to `sending`, and total bytes that the operating system has.
    taken: u64,
    flushed: u64,
    /// Decrypted bytes that are handed over when JavaScript has fetched the previous ones.
    decrypted: Vec<u8>,
    small_reads: u32,
    /// Total number of reads.
    reads: u64,
    /// Writing has failed.
    broken: bool,
    /// The permit to decrypt far ahead, if the task has one.
    ahead: Option<Ahead>,
}

/// A permit to decrypt far ahead.
struct Ahead(());

/// The number of permits in use.
static AHEAD: AtomicUsize = AtomicUsize::new(0);

impl Ahead {
    fn take() -> Option<Self> {
        let one_more = |count| (count < MAX_AHEAD).then_some(count + 1);
        AHEAD
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more)
            .ok()
            .map(|_| Self(()))
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        AHEAD.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The plaintext side.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each says something of its own, in any combination"
)]
#[derive(Default)]
struct Flow {
    inbound: Vec<u8>,
    /// The task has more data and waits until `inbound` is fetched.
    more: bool,
    /// Whether JavaScript has requested a read. Until then, bytes from the first record with
    /// plaintext on stay in the kernel.
    reading: bool,
    /// The stream has ended.
    ended: bool,
    /// See [`Tls::cause`].
    cause: Option<NetError>,
    outbound: BytesMut,
    /// Writing is impossible.
    broken: bool,
    /// The task has ended because it was idle. The connection continues.
    settled: bool,
    /// Whether to wake JavaScript for readable data, and for progress in writing.
    reader_waits: bool,
    writer_waits: bool,
    /// Total bytes accepted from JavaScript, and total bytes that the operating system has.
    accepted: u64,
    flushed: u64,
    task: Option<Waker>,
    /// The mailbox to notify, and the socket's identifier there.
    mailbox: Arc<Mailbox>,
    socket_id: SocketId,
}

impl Flow {
    fn in_flight(&self) -> usize {
        usize::try_from(self.accepted - self.flushed).unwrap_or(usize::MAX)
    }

    fn readable(&self) -> bool {
        self.ended || !self.inbound.is_empty()
    }

    /// Whether data can be fetched. If not, JavaScript will be woken.
    fn is_read_ready(&mut self) -> bool {
        if self.readable() {
            return true;
        }
        self.reader_waits = true;
        if !mem::replace(&mut self.reading, true) {
            wake(&mut self.task);
        }
        false
    }

    fn is_idle(&self) -> bool {
        !self.ended && !self.broken && self.outbound.is_empty() && self.in_flight() == 0
    }

    fn wake_reader(&mut self) {
        if mem::take(&mut self.reader_waits) {
            self.mailbox.post(Notice::Readable(self.socket_id));
        }
    }

    fn wake_writer(&mut self) {
        if mem::take(&mut self.writer_waits) {
            self.mailbox.post(Notice::Writable(self.socket_id));
        }
    }
}

/// Schedules the task behind other work of the runtime, including new socket events.
fn yield_to_others(context: &mut Context<'_>) {
    let _ = pin!(yield_now()).poll(context);
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// The runtime's side. However it ends, JavaScript is notified.
struct Task {
    shared: Arc<Shared>,
    /// Runs while the task is idle.
    quiet: Option<Pin<Box<Sleep>>>,
    /// The value of [`moves`](TaskChannel::moves) when the timer started.
    moves: u64,
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut flow = lock(&self.shared.flow);
        if flow.settled {
            return;
        }
        if !mem::replace(&mut flow.ended, true) {
            flow.cause = Some(NetError::Failed);
        }
        flow.broken = true;
        flow.wake_reader();
        flow.wake_writer();
    }
}

impl Task {
    /// Moves bytes in both directions until it would block. Ready when the connection is dropped or
    /// the task is idle.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let shared = Arc::clone(&self.shared);
        let mut channel = lock(&shared.channel);
        let Some(task) = channel.as_mut() else {
            return Poll::Ready(());
        };
        lock(&shared.flow).task = Some(context.waker().clone());
        let mut sent = task.send(&shared.flow, context);
        if sent.is_ok() {
            task.receive(&shared.flow, context);
            // TLS may have to answer the received records.
            sent = task.channel.flush(context).map(drop);
        }
        if sent.is_err() {
            // Data that the peer sent before it closed is fetched first, even for a paused socket,
            // so that it is available when JavaScript learns that writing failed.
            lock(&shared.flow).reading = true;
            task.broken = true;
            task.receive(&shared.flow, context);
        }
        let mut flow = lock(&shared.flow);
        if flow.readable() {
            flow.wake_reader();
        }
        if sent.is_err() {
            flow.broken = true;
            flow.wake_writer();
        }
        let idle = task.is_idle() && flow.is_idle();
        if !idle {
            self.quiet = None;
        } else if task.is_small() || self.is_quiet(task.moves(), context) {
            self.quiet = None;
            if flow.inbound.len() > READ_SIZE {
                // The data stays with the permit. The task continues when it is fetched.
                flow.more = true;
                return Poll::Pending;
            }
            flow.settled = true;
            flow.mailbox.post(Notice::Settled(flow.socket_id));
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Whether no byte was moved for a while. Starts the timer if necessary.
    fn is_quiet(&mut self, moves: u64, context: &mut Context<'_>) -> bool {
        let quiet = self.quiet.get_or_insert_with(|| Box::pin(sleep(QUIET)));
        while quiet.as_mut().poll(context).is_ready() {
            if self.moves == moves {
                return true;
            }
            self.moves = moves;
            quiet.as_mut().reset(tokio::time::Instant::now() + QUIET);
        }
        false
    }
}

impl TaskChannel {
    /// A counter that grows with every moved byte.
    fn moves(&self) -> u64 {
        self.reads + self.flushed
    }

    fn send(&mut self, flow: &Mutex<Flow>, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            if self.sending.is_empty() {
                let mut flow = lock(flow);
                if flow.broken {
                    return Ok(());
                }
                mem::swap(&mut self.sending, &mut flow.outbound);
                self.taken = flow.accepted;
            }
            if !self.channel.flush(context)? {
                self.tell_progress(flow, 1);
                return Ok(());
            }
            self.flushed = self.taken - self.sending.len() as u64;
            if self.sending.is_empty() {
                self.tell_progress(flow, 1);
                return Ok(());
            }
            self.tell_progress(flow, PROGRESS);
            let count = self.channel.tls.connection.writer().write(&self.sending)?;
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
    fn tell_progress(&self, flow: &Mutex<Flow>, least: u64) {
        let mut flow = lock(flow);
        if self.flushed - flow.flushed >= least {
            flow.flushed = self.flushed;
            flow.wake_writer();
        }
    }

    fn receive(&mut self, flow: &Mutex<Flow>, context: &mut Context<'_>) {
        let mut turn = Turn::of_task();
        loop {
            if turn.is_over {
                // Pending sends and other tasks have waited long enough.
                yield_to_others(context);
                return;
            }
            if self.ahead.is_none() && self.small_reads == 0 && self.decrypted.len() >= READ_SIZE {
                self.ahead = Ahead::take();
            }
            let (batch, most) = match self.ahead {
                Some(_) => (BATCH, MAX_INBOUND),
                None => (READ_SIZE, READ_SIZE),
            };
            let much = self.decrypted.len() >= batch;
            if much && !self.hand_over(flow) && self.decrypted.len() >= most {
                return;
            }
            if self.channel.tls.ended {
                if self.hand_over(flow) {
                    let mut flow = lock(flow);
                    flow.ended = true;
                    flow.cause = self.channel.tls.cause;
                }
                return;
            }
            if !lock(flow).reading {
                let nothing_yet = self.hand_over(flow) && lock(flow).inbound.is_empty();
                if !nothing_yet {
                    return;
                }
            }
            let received = self
                .channel
                .poll_receive(context, &mut self.decrypted, &mut turn);
            self.reads += u64::from(received.is_ready());
            match received {
                Poll::Ready(count) if count >= BULK => self.small_reads = 0,
                Poll::Ready(_) => self.small_reads = self.small_reads.saturating_add(1),
                // A connection that can only be read does not wait for more data.
                Poll::Pending if self.broken => {
                    self.channel.tls.end(Some(NetError::ConnectionReset));
                }
                Poll::Pending => {
                    self.hand_over(flow);
                    if !self.await_more() {
                        return;
                    }
                }
            }
        }
    }

    /// Polls briefly for more data. During bulk transfers a wake-up for each chunk costs more than
    /// a few polls.
    fn await_more(&mut self) -> bool {
        if self.small_reads > 0 {
            return false;
        }
        let until = Instant::now() + PATIENCE;
        let socket = SockRef::from(&self.channel.socket);
        loop {
            thread::yield_now();
            match socket.peek(&mut [MaybeUninit::uninit()]) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // The kernel reports an error once; the next read finds only the end.
                Err(error) => {
                    self.channel.tls.end(Some(NetError::from_io(&error)));
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
    fn hand_over(&mut self, flow: &Mutex<Flow>) -> bool {
        if self.decrypted.is_empty() {
            return true;
        }
        let mut flow = lock(flow);
        if flow.inbound.is_empty() {
            mem::swap(&mut flow.inbound, &mut self.decrypted);
            flow.wake_reader();
            drop(flow);
            if self.ahead.is_some() {
                self.decrypted.reserve_exact(BUFFER);
            } else if self.decrypted.capacity() > 2 * READ_SIZE {
                // The buffer belonged to a task with a permit.
                self.decrypted = Vec::new();
            }
            true
        } else {
            flow.more = true;
            false
        }
    }

    /// Whether the JavaScript thread can take over.
    fn is_small(&self) -> bool {
        self.small_reads >= SMALL_READS && !self.channel.tls.fruitless.is_much()
    }

    fn is_idle(&self) -> bool {
        !self.channel.tls.ended
            && !self.channel.tls.connection.wants_write()
            && self.channel.tls.unprocessed.is_empty()
            && self.sending.is_empty()
            && self.decrypted.is_empty()
    }
}

/// The verdict on bytes that a server sends after its handshake.
#[cfg(any(fuzzing, test))]
pub(crate) fn decrypt<S>(secured: Secured<S>, encrypted: &[u8]) -> Vec<u8> {
    let mut tls = Tls::new(secured.connection);
    let mut plaintext = Vec::new();
    tls.process(encrypted, &mut plaintext, &mut Turn::of_task());
    while !tls.unprocessed.is_empty() {
        tls.process_rest(&mut plaintext, &mut Turn::of_task());
    }
    plaintext
}

#[cfg(test)]
mod tests;
