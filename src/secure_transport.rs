//! TLS after the handshake: a task on the runtime encrypts and decrypts, the JavaScript thread
//! exchanges plaintext with it through two bounded buffers.

use std::future::poll_fn;
use std::io::{self, BufRead};
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncBufRead, AsyncWrite};

use crate::handshake::TlsStream;
use crate::mailbox::lock;
use crate::transport::SocketOption;

/// The task stops reading when JavaScript has this many decrypted bytes to fetch.
const MAX_INBOUND: usize = 256 * 1024;

/// JavaScript is woken when this many have come, or when no more come for now: handing over record
/// by record would cost more than decrypting.
const BATCH: usize = 64 * 1024;

/// Up to this size, encrypting costs less than handing over to the task.
const SMALL: usize = 4096;

/// Writes wait when this many bytes are on their way to the operating system.
const MAX_OUTBOUND: usize = 256 * 1024;

/// The JavaScript thread's end. Dropping it sends `close_notify` as far as that is possible without
/// waiting, and closes the descriptor.
pub(crate) struct SecureTransport {
    shared: Arc<Shared>,
}

struct Shared {
    /// Locked by the task while it works, by the JavaScript thread to set options and to end it.
    channel: Mutex<Option<Channel>>,
    /// Locked for moments only.
    flow: Mutex<Flow>,
}

/// The encrypted side.
struct Channel {
    stream: TlsStream,
    /// Plaintext that the stream has not taken yet.
    sending: BytesMut,
    /// Bytes ever moved to `sending`.
    taken: u64,
}

/// The plaintext side.
#[derive(Default)]
struct Flow {
    inbound: BytesMut,
    /// Whether JavaScript has asked to read: until then the bytes stay with the kernel.
    reading: bool,
    /// Nothing more will be read.
    ended: bool,
    outbound: BytesMut,
    /// Nothing more can be written.
    broken: bool,
    /// Bytes ever accepted from JavaScript, and how many of them the operating system has.
    accepted: u64,
    flushed: u64,
    task: Option<Waker>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl Flow {
    fn in_flight(&self) -> usize {
        usize::try_from(self.accepted - self.flushed).unwrap_or(usize::MAX)
    }

    fn readable(&self) -> bool {
        self.ended || !self.inbound.is_empty()
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}

impl SecureTransport {
    /// Takes over a stream whose handshake is done. Must be called on the runtime.
    pub(crate) fn spawn(stream: TlsStream) -> Self {
        let channel = Channel {
            stream,
            sending: BytesMut::new(),
            taken: 0,
        };
        let shared = Arc::new(Shared {
            channel: Mutex::new(Some(channel)),
            flow: Mutex::default(),
        });
        let task = Task(Arc::clone(&shared));
        tokio::spawn(async move { poll_fn(|context| task.0.poll(context)).await });
        Self { shared }
    }

    /// See [`Transport::poll_read_ready`](crate::transport::Transport::poll_read_ready).
    pub(crate) fn poll_read_ready(&self, waker: &Waker) -> Poll<()> {
        let mut flow = lock(&self.shared.flow);
        if flow.readable() {
            return Poll::Ready(());
        }
        flow.reader = Some(waker.clone());
        if !mem::replace(&mut flow.reading, true) {
            wake(&mut flow.task);
        }
        Poll::Pending
    }

    /// See [`Transport::poll_read`](crate::transport::Transport::poll_read).
    pub(crate) fn poll_read(&self, waker: &Waker, buffer: &mut BytesMut) -> Poll<()> {
        if self.poll_read_ready(waker).is_pending() {
            return Poll::Pending;
        }
        let mut flow = lock(&self.shared.flow);
        let inbound = mem::take(&mut flow.inbound);
        if inbound.len() >= MAX_INBOUND {
            wake(&mut flow.task);
        }
        if buffer.is_empty() {
            *buffer = inbound;
        } else {
            buffer.unsplit(inbound);
        }
        Poll::Ready(())
    }

    /// See [`Transport::poll_write`](crate::transport::Transport::poll_write).
    pub(crate) fn poll_write(&self, waker: &Waker, data: &[u8]) -> Poll<io::Result<usize>> {
        if data.len() <= SMALL && self.write_now(waker, data) {
            return Poll::Ready(Ok(data.len()));
        }
        let mut flow = lock(&self.shared.flow);
        if flow.broken {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        flow.writer = Some(waker.clone());
        let count = data
            .len()
            .min(MAX_OUTBOUND.saturating_sub(flow.in_flight()));
        if count == 0 {
            return Poll::Pending;
        }
        flow.outbound
            .extend_from_slice(data.get(..count).unwrap_or(data));
        flow.accepted += count as u64;
        wake(&mut flow.task);
        Poll::Ready(Ok(count))
    }

    /// Encrypts and writes a little at once, if the task has nothing to write. Returns whether that
    /// was possible.
    fn write_now(&self, waker: &Waker, data: &[u8]) -> bool {
        // While the task works, waiting for it would cost more than leaving this to it, too.
        let Ok(mut channel) = self.shared.channel.try_lock() else {
            return false;
        };
        let Some(channel) = channel
            .as_mut()
            .filter(|channel| channel.sending.is_empty())
        else {
            return false;
        };
        let mut flow = lock(&self.shared.flow);
        if flow.broken || flow.in_flight() > 0 {
            return false;
        }
        let mut no_wait = Context::from_waker(Waker::noop());
        let mut stream = Pin::new(&mut channel.stream);
        match stream.as_mut().poll_write(&mut no_wait, data) {
            Poll::Ready(Ok(count)) => {
                let rest = data.get(count..).unwrap_or_default();
                channel.sending.extend_from_slice(rest);
            }
            Poll::Ready(Err(_)) | Poll::Pending => return false,
        }
        flow.accepted += data.len() as u64;
        channel.taken = flow.accepted;
        let flushed = channel.sending.is_empty()
            && matches!(stream.poll_flush(&mut no_wait), Poll::Ready(Ok(())));
        if flushed {
            flow.flushed = flow.accepted;
        } else {
            // The task goes on from here: it knows how to wait, and meets an error again.
            flow.writer = Some(waker.clone());
            wake(&mut flow.task);
        }
        true
    }

    /// See [`Transport::unflushed`](crate::transport::Transport::unflushed).
    pub(crate) fn unflushed(&self, waker: &Waker) -> io::Result<usize> {
        let mut flow = lock(&self.shared.flow);
        let in_flight = flow.in_flight();
        if in_flight > 0 {
            if flow.broken {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            flow.writer = Some(waker.clone());
        }
        Ok(in_flight)
    }

    /// See [`Transport::has_unread`](crate::transport::Transport::has_unread).
    pub(crate) fn has_unread(&self) -> bool {
        !lock(&self.shared.flow).inbound.is_empty()
    }

    /// See [`Transport::set_option`](crate::transport::Transport::set_option).
    pub(crate) fn set_option(&self, option: SocketOption) -> io::Result<()> {
        match &*lock(&self.shared.channel) {
            Some(channel) => option.set(channel.stream.get_ref().0.tcp()),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl Drop for SecureTransport {
    fn drop(&mut self) {
        if let Some(mut channel) = lock(&self.shared.channel).take() {
            let mut no_wait = Context::from_waker(Waker::noop());
            // The peer learns that the end was meant; one that does not listen need not be told.
            let _ = Pin::new(&mut channel.stream).poll_shutdown(&mut no_wait);
        }
        wake(&mut lock(&self.shared.flow).task);
    }
}

/// The runtime's end. Whatever ends it, JavaScript is not left waiting.
struct Task(Arc<Shared>);

impl Drop for Task {
    fn drop(&mut self) {
        let mut flow = lock(&self.0.flow);
        flow.ended = true;
        flow.broken = true;
        wake(&mut flow.reader);
        wake(&mut flow.writer);
    }
}

impl Shared {
    /// Moves bytes both ways until it would have to wait. Ready once the connection is dropped.
    fn poll(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut channel = lock(&self.channel);
        let Some(channel) = channel.as_mut() else {
            return Poll::Ready(());
        };
        lock(&self.flow).task = Some(context.waker().clone());
        let sent = self.send(channel, context);
        if sent.is_err() {
            // What the peer sent before it went is fetched first, also for a paused socket, so that
            // it is there when JavaScript learns that writing has failed.
            lock(&self.flow).reading = true;
        }
        self.receive(channel, context);
        let mut flow = lock(&self.flow);
        if flow.readable() {
            wake(&mut flow.reader);
        }
        if sent.is_err() {
            flow.broken = true;
            wake(&mut flow.writer);
        }
        Poll::Pending
    }

    fn send(&self, channel: &mut Channel, context: &mut Context<'_>) -> io::Result<()> {
        loop {
            if channel.sending.is_empty() {
                let mut flow = lock(&self.flow);
                if flow.broken {
                    return Ok(());
                }
                mem::swap(&mut channel.sending, &mut flow.outbound);
                channel.taken = flow.accepted;
            }
            if channel.sending.is_empty() {
                break;
            }
            match Pin::new(&mut channel.stream).poll_write(context, &channel.sending) {
                Poll::Ready(Ok(count)) => channel.sending.advance(count),
                Poll::Ready(Err(error)) => return Err(error),
                Poll::Pending => return Ok(()),
            }
        }
        if Pin::new(&mut channel.stream)
            .poll_flush(context)?
            .is_ready()
        {
            let mut flow = lock(&self.flow);
            if flow.flushed != channel.taken {
                flow.flushed = channel.taken;
                wake(&mut flow.writer);
            }
        }
        Ok(())
    }

    fn receive(&self, channel: &mut Channel, context: &mut Context<'_>) {
        loop {
            {
                let flow = lock(&self.flow);
                if flow.ended || !flow.reading || flow.inbound.len() >= MAX_INBOUND {
                    return;
                }
            }
            let count = match Pin::new(&mut channel.stream).poll_fill_buf(context) {
                Poll::Ready(Ok(plaintext)) => self.deliver(plaintext),
                // How the stream ended is not told apart: Chromium reports ERR_CONNECTION_CLOSED
                // for an orderly end, a truncation and an alert alike.
                Poll::Ready(Err(_)) => {
                    self.rescue(channel);
                    0
                }
                Poll::Pending => return,
            };
            if count == 0 {
                lock(&self.flow).ended = true;
                return;
            }
            Pin::new(&mut channel.stream).consume(count);
        }
    }

    /// Records that were sound before the one that was not still count.
    fn rescue(&self, channel: &mut Channel) {
        let mut reader = channel.stream.get_mut().1.reader();
        while let Ok(plaintext) = reader.fill_buf() {
            let count = self.deliver(plaintext);
            if count == 0 {
                return;
            }
            reader.consume(count);
        }
    }

    fn deliver(&self, plaintext: &[u8]) -> usize {
        if !plaintext.is_empty() {
            let mut flow = lock(&self.flow);
            flow.inbound.extend_from_slice(plaintext);
            if flow.inbound.len() >= BATCH {
                wake(&mut flow.reader);
            }
        }
        plaintext.len()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn without_task() -> SecureTransport {
        let shared = Shared {
            channel: Mutex::new(None),
            flow: Mutex::default(),
        };
        SecureTransport {
            shared: Arc::new(shared),
        }
    }

    /// What the task does when `count` more bytes are with the operating system.
    fn flush(transport: &SecureTransport, count: u64) {
        let mut flow = lock(&transport.shared.flow);
        flow.flushed += count;
        wake(&mut flow.writer);
    }

    #[test]
    fn whoever_asks_what_is_unflushed_learns_of_each_progress() {
        let transport = without_task();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        assert!(transport.poll_write(&waker, b"first").is_ready());
        assert!(transport.poll_write(&waker, b"second").is_ready());
        flush(&transport, 5);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert_eq!(transport.unflushed(&waker).unwrap(), 6);
        flush(&transport, 6);
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        assert_eq!(transport.unflushed(&waker).unwrap(), 0);
    }

    #[test]
    fn writes_wait_when_much_is_on_its_way() {
        let transport = without_task();
        let waker = Waker::noop();
        let data = vec![0; MAX_OUTBOUND + 1];
        let written = transport.poll_write(waker, &data);
        assert!(matches!(written, Poll::Ready(Ok(MAX_OUTBOUND))));
        assert!(transport.poll_write(waker, &data).is_pending());
        flush(&transport, 10);
        let written = transport.poll_write(waker, &data);
        assert!(matches!(written, Poll::Ready(Ok(10))));
    }

    #[test]
    fn the_end_of_the_task_ends_reading_and_writing() {
        let transport = without_task();
        let waker = Waker::noop();
        let mut buffer = BytesMut::new();
        assert!(transport.poll_write(waker, b"lost").is_ready());
        assert!(transport.poll_read(waker, &mut buffer).is_pending());
        drop(Task(Arc::clone(&transport.shared)));
        assert!(transport.poll_read(waker, &mut buffer).is_ready());
        assert!(buffer.is_empty());
        assert!(transport.unflushed(waker).is_err());
        assert!(matches!(
            transport.poll_write(waker, b"more"),
            Poll::Ready(Err(_))
        ));
    }
}
