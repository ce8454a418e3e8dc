//! The TLS state of a connection after its handshake. Does no I/O of its own.

use std::cell::RefCell;
use std::io::{self, BufRead, IoSlice, Write};
use std::mem;
use std::task::Poll;
use std::time::{Duration, Instant};

use rustls::{ClientConnection, ProtocolVersion};

use super::framing::{HANDSHAKE, Header, RecordFramer, VERSION_OF_ENCRYPTED};
use crate::copy::append;
use crate::health::Health;
use crate::net_error::NetError;
#[cfg(any(fuzzing, test))]
use crate::wake::notice::Secured;

/// The most encrypted bytes of one system call.
pub(super) const READ_SIZE: usize = 64 * 1024;

/// Two consecutive reads of at least this size are bulk: the task takes over.
pub(super) const BULK: usize = READ_SIZE / 2;

/// The time that the JavaScript thread may decrypt in one turn of its event loop.
pub(super) const TURN: Duration = Duration::from_micros(500);

/// The time that the task may decrypt before it yields to other tasks of the runtime.
pub(super) const TASK_TURN: Duration = Duration::from_millis(1);

/// The clock is read after this many records.
pub(super) const RECORDS_PER_CLOCK_READ: u32 = 32;

/// The JavaScript thread decrypts this many bytes of records in a row that contain no plaintext, such as
/// session tickets and key updates. Then the task takes over, because such records can cost far more
/// than their length suggests.
pub(super) const MAX_FRUITLESS_BYTES: usize = 4096;

/// The JavaScript thread makes this many reads in a row that complete no plaintext. Then the task takes
/// over.
pub(super) const MAX_FRUITLESS_READS: u32 = 32;

thread_local! {
    /// The buffer for encrypted bytes, which is empty between calls: sockets have none of their
    /// own.
    static ENCRYPTED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A socket and its TLS state.
pub(super) struct TlsSocket<S> {
    pub(super) socket: S,
    pub(super) tls: Tls,
}

/// The TLS state.
pub(super) struct Tls {
    pub(super) connection: ClientConnection,
    pub(super) framer: RecordFramer,
    /// Bytes that were read but not decrypted at the end of a turn, at most those of one read.
    pub(super) unprocessed: Vec<u8>,
    pub(super) fruitless: Fruitless,
    /// A stream that `close_notify` ends has ended in order. Chromium reports
    /// `ERR_CONNECTION_CLOSED` for that, truncation and alerts alike. After a failed write, its data
    /// must not be encrypted again.
    pub(super) health: Health,
}

impl Tls {
    /// The state after a handshake, with no data read behind it.
    pub(super) fn new(connection: ClientConnection) -> Self {
        Self {
            connection,
            framer: RecordFramer::default(),
            unprocessed: Vec::new(),
            fruitless: Fruitless::default(),
            health: Health::Open,
        }
    }

    /// Decrypts the bytes of one read and appends them to `plaintext`. Keeps the bytes for which
    /// the turn has no time.
    pub(super) fn process(&mut self, encrypted: &[u8], plaintext: &mut Vec<u8>, turn: &mut Turn) {
        let before = plaintext.len();
        let count = self.decrypt(encrypted, plaintext, turn);
        if !self.health.has_ended() {
            let rest = encrypted.get(count..).unwrap_or_default();
            self.unprocessed.extend_from_slice(rest);
        }
        self.fruitless.count_read(plaintext.len() > before);
        turn.count_read(&self.fruitless);
    }

    /// Processes the bytes that the last turn left. Returns their number.
    pub(super) fn process_rest(&mut self, plaintext: &mut Vec<u8>, turn: &mut Turn) -> usize {
        let mut encrypted = mem::take(&mut self.unprocessed);
        let count = self.decrypt(&encrypted, plaintext, turn);
        if !self.health.has_ended() && count < encrypted.len() {
            encrypted.drain(..count);
            self.unprocessed = encrypted;
        }
        count
    }

    /// Decrypts records until the turn is over and appends them to `plaintext`. Returns the number
    /// of processed bytes of `encrypted`.
    pub(super) fn decrypt(
        &mut self,
        encrypted: &[u8],
        plaintext: &mut Vec<u8>,
        turn: &mut Turn,
    ) -> usize {
        let mut rest = encrypted;
        while !rest.is_empty() && !self.health.has_ended() && !turn.is_over {
            let left = rest.len();
            let before = plaintext.len();
            self.decrypt_record(&mut rest, plaintext);
            if self.framer.is_between() {
                let is_fruitless = plaintext.len() == before;
                self.fruitless.count_record(is_fruitless, left - rest.len());
                turn.count_record(is_fruitless, &self.fruitless);
            }
        }
        encrypted.len() - rest.len()
    }

    /// Decrypts one record, or the received part of it.
    pub(super) fn decrypt_record(&mut self, encrypted: &mut &[u8], plaintext: &mut Vec<u8>) {
        let (count, header) = self.framer.take(encrypted);
        if header.is_some_and(|header| self.is_refused(header)) {
            return self.health.end(Some(NetError::SslProtocolError));
        }
        let (mut record, others) = encrypted.split_at(count);
        *encrypted = others;
        while !record.is_empty() {
            match self.connection.read_tls(&mut record) {
                Ok(count) if count > 0 => {}
                _ => return self.health.end(Some(NetError::SslProtocolError)),
            }
        }
        // The received part of a record shows whether it can be valid. An invalid record is not
        // waited for.
        if self.framer.is_between() || encrypted.is_empty() {
            let sound = self.connection.process_new_packets().is_ok();
            // Valid records before the invalid one still count.
            self.drain(plaintext);
            if !sound {
                self.health.end(Some(NetError::SslProtocolError));
            }
        }
    }

    /// Whether Chromium ends the connection at such a record: rustls ignores its version, and
    /// declines a renegotiation request in TLS 1.2 (`boringssl/ssl/tls_record.cc`,
    /// `SSL_set_renegotiate_mode`).
    pub(super) fn is_refused(&self, header: Header) -> bool {
        header.version != VERSION_OF_ENCRYPTED
            || header.kind == HANDSHAKE
                && self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_2)
    }

    /// Appends the decrypted bytes to `plaintext`.
    pub(super) fn drain(&mut self, plaintext: &mut Vec<u8>) {
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
                return self.health.end(None);
            }
            reader.consume(count);
        }
    }

    /// Encrypts all of `data`, which must be small.
    pub(super) fn write(&mut self, mut data: &[u8]) -> io::Result<usize> {
        let length = data.len();
        while !data.is_empty() {
            let count = self.connection.writer().write(data)?;
            data = data.get(count..).unwrap_or_default();
        }
        Ok(length)
    }

    /// Writes encrypted bytes as far as the kernel takes them. Returns whether all are written.
    pub(super) fn flush(
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
pub(super) struct Fruitless {
    /// The bytes of complete records.
    pub(super) bytes: usize,
    pub(super) reads: u32,
}

impl Fruitless {
    pub(super) fn count_record(&mut self, is_fruitless: bool, length: usize) {
        if is_fruitless {
            self.bytes = self.bytes.saturating_add(length);
        } else {
            *self = Self::default();
        }
    }

    pub(super) fn count_read(&mut self, brought_plaintext: bool) {
        if !brought_plaintext {
            self.reads = self.reads.saturating_add(1);
        }
    }

    /// Whether the JavaScript thread must hand over to the task.
    pub(super) const fn is_much(&self) -> bool {
        self.bytes > MAX_FRUITLESS_BYTES || self.reads > MAX_FRUITLESS_READS
    }
}

/// Limits the time of decryption, so that other sockets, timers and tasks do not wait too long.
pub(super) struct Turn {
    pub(super) limit: Duration,
    /// The time at which the clock was first read.
    pub(super) began: Option<Instant>,
    pub(super) records: u32,
    /// Whether the turn also ends after too many records without plaintext.
    pub(super) is_impatient: bool,
    pub(super) is_over: bool,
}

impl Turn {
    pub(super) const fn of_javascript() -> Self {
        Self {
            limit: TURN,
            // A single message needs no clock.
            began: None,
            records: 0,
            is_impatient: true,
            is_over: false,
        }
    }

    pub(super) fn of_task() -> Self {
        Self {
            limit: TASK_TURN,
            began: Some(Instant::now()),
            records: 0,
            is_impatient: false,
            is_over: false,
        }
    }

    pub(super) fn count_record(&mut self, is_fruitless: bool, fruitless: &Fruitless) {
        self.records += 1;
        if self.is_impatient && fruitless.is_much() {
            self.is_over = true;
        } else if is_fruitless || self.records.is_multiple_of(RECORDS_PER_CLOCK_READ) {
            self.read_clock();
        }
    }

    pub(super) fn count_read(&mut self, fruitless: &Fruitless) {
        if self.is_impatient {
            self.is_over |= fruitless.is_much();
        } else {
            self.read_clock();
        }
    }

    pub(super) fn read_clock(&mut self) {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        self.is_over |= now - began >= self.limit;
    }
}

/// Lets rustls write several records with one system call.
pub(super) struct Vectored<F>(F);

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
pub(super) fn with_encrypted<R>(action: impl FnOnce(&mut Vec<u8>) -> R) -> R {
    ENCRYPTED.with_borrow_mut(|buffer| {
        buffer.clear();
        buffer.reserve_exact(READ_SIZE);
        action(buffer)
    })
}

/// The reason for the end of a stream without `close_notify`.
pub(super) fn truncation(result: io::Result<usize>) -> NetError {
    result.map_or_else(
        |error| NetError::from_io(&error),
        |_| NetError::ConnectionClosed,
    )
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
