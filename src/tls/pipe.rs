//! The plaintext between the JavaScript thread and the task of a bulk socket: two bounded buffers
//! and the wake-ups both ways. `loom/` includes this file.

use std::io;
use std::mem;
use std::sync::Arc;
use std::task::{Poll, Waker};

use bytes::BytesMut;

use crate::copy::append;
use crate::health::Health;
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::sync::Mutex;
use crate::wake::mailbox::Mailbox;
use crate::wake::notice::Notice;

/// The task decrypts this much ahead of JavaScript, and possibly one read more. There are two such
/// buffers, and one that JavaScript drains.
pub(super) const MAX_INBOUND: usize = 1024 * 1024;

/// Writes wait while this many bytes are on their way to the operating system.
pub(super) const MAX_OUTBOUND: usize = 1024 * 1024;

/// The state that the JavaScript thread and the task share. `C` is the encrypted side.
pub(super) struct BulkShared<C> {
    /// Locked by the task while it works, and by the JavaScript thread to set options and to close.
    pub(super) session: Mutex<Option<C>>,
    /// Locked briefly.
    pub(super) pipe: Mutex<PlaintextPipe>,
}

/// Whether JavaScript has requested the received bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum ReadState {
    /// It has requested no read. Bytes from the first record with plaintext on stay in the kernel.
    #[default]
    Unrequested,
    /// The task reads on. JavaScript has been notified, or has not asked for more yet.
    Requested,
    /// JavaScript waits to be woken for bytes or the end.
    Waiting,
}

/// The plaintext side.
#[derive(Default)]
pub(super) struct PlaintextPipe {
    pub(super) inbound: Vec<u8>,
    /// The task has more data and waits until `inbound` is fetched.
    pub(super) more: bool,
    pub(super) reading: ReadState,
    /// As far as JavaScript may know it: the end is noted after the last bytes, and a failed write
    /// after the bytes that the peer sent before it.
    pub(super) health: Health,
    pub(super) outbound: BytesMut,
    /// The task has ended because it was idle. The connection continues.
    pub(super) handed_back: bool,
    /// Whether to wake JavaScript for progress in writing.
    pub(super) writer_waits: bool,
    /// Total bytes accepted from JavaScript, and total bytes that the operating system has.
    pub(super) accepted: u64,
    pub(super) flushed: u64,
    pub(super) task: Option<Waker>,
    /// The mailbox to notify, and the socket's identifier there.
    pub(super) mailbox: Arc<Mailbox>,
    pub(super) socket_id: SocketId,
}

impl PlaintextPipe {
    pub(super) fn in_flight(&self) -> usize {
        usize::try_from(self.accepted - self.flushed).unwrap_or(usize::MAX)
    }

    pub(super) fn readable(&self) -> bool {
        self.health.has_ended() || !self.inbound.is_empty()
    }

    /// Whether data can be fetched. If not, JavaScript will be woken.
    pub(super) fn is_read_ready(&mut self) -> bool {
        if self.readable() {
            return true;
        }
        if mem::replace(&mut self.reading, ReadState::Waiting) == ReadState::Unrequested {
            wake(&mut self.task);
        }
        false
    }

    pub(super) fn is_idle(&self) -> bool {
        self.health == Health::Open && self.outbound.is_empty() && self.in_flight() == 0
    }

    /// Accepts as many bytes to send as leave at most `most` in flight. JavaScript will be woken
    /// when more are written.
    pub(super) fn accept(&mut self, data: &[u8], most: usize) -> Poll<io::Result<usize>> {
        if !self.health.can_write() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = most.saturating_sub(self.in_flight());
        let count = data.len().min(room);
        self.writer_waits = true;
        if count == 0 {
            return Poll::Pending;
        }
        self.outbound
            .extend_from_slice(data.get(..count).unwrap_or(data));
        self.accepted += count as u64;
        wake(&mut self.task);
        Poll::Ready(Ok(count))
    }

    /// The number of accepted bytes that the operating system does not have. JavaScript will be
    /// woken when it falls.
    ///
    /// # Errors
    ///
    /// `BrokenPipe` if the bytes can never be written.
    pub(super) fn unflushed(&mut self) -> io::Result<usize> {
        let in_flight = self.in_flight();
        if in_flight > 0 {
            if !self.health.can_write() {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.writer_waits = true;
        }
        Ok(in_flight)
    }

    /// Moves the decrypted bytes to the end of `buffer`. If there are none, JavaScript will be woken.
    pub(super) fn fetch(&mut self, buffer: &mut Vec<u8>) -> Poll<()> {
        if !self.is_read_ready() {
            return Poll::Pending;
        }
        take(&mut self.inbound, buffer);
        if mem::take(&mut self.more) {
            wake(&mut self.task);
        }
        Poll::Ready(())
    }

    /// Moves the accepted bytes to `sending`, which is empty. Returns the total of accepted bytes;
    /// `None` if writing is impossible.
    pub(super) fn refill(&mut self, sending: &mut BytesMut) -> Option<u64> {
        if !self.health.can_write() {
            return None;
        }
        mem::swap(sending, &mut self.outbound);
        Some(self.accepted)
    }

    /// Notes the total of bytes that the operating system has. Notifies JavaScript if at least
    /// `least` are new.
    pub(super) fn progress(&mut self, flushed: u64, least: u64) {
        if flushed - self.flushed >= least {
            self.flushed = flushed;
            self.wake_writer();
        }
    }

    /// Hands over decrypted bytes if JavaScript has fetched the previous ones. Returns whether it
    /// has.
    pub(super) fn offer(&mut self, decrypted: &mut Vec<u8>) -> bool {
        let is_free = self.inbound.is_empty();
        if is_free {
            mem::swap(&mut self.inbound, decrypted);
            self.wake_reader();
        } else {
            self.more = true;
        }
        is_free
    }

    /// Ends an idle task; the connection continues.
    pub(super) fn hand_back(&mut self) {
        self.handed_back = true;
        self.mailbox.post(Notice::TaskDone(self.socket_id));
    }

    /// Ends both directions, unless the task has ended because it was idle.
    pub(super) fn abandon(&mut self) {
        if self.handed_back {
            return;
        }
        self.health.end(Some(NetError::Failed));
        self.health.fail_write();
        self.wake_reader();
        self.wake_writer();
    }

    /// Has the task read on even if JavaScript has requested no read.
    pub(super) fn read_on(&mut self) {
        if self.reading == ReadState::Unrequested {
            self.reading = ReadState::Requested;
        }
    }

    pub(super) fn wake_reader(&mut self) {
        if self.reading == ReadState::Waiting {
            self.reading = ReadState::Requested;
            self.mailbox.post(Notice::Readable(self.socket_id));
        }
    }

    pub(super) fn wake_writer(&mut self) {
        if mem::take(&mut self.writer_waits) {
            self.mailbox.post(Notice::Writable(self.socket_id));
        }
    }
}

pub(super) fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

/// Moves all bytes to the end of `buffer`, without copying if the buffer is empty.
pub(super) fn take(bytes: &mut Vec<u8>, buffer: &mut Vec<u8>) {
    if buffer.is_empty() {
        mem::swap(bytes, buffer);
    } else {
        append(buffer, bytes);
        bytes.clear();
    }
}
