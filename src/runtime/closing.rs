//! Closed connections whose last bytes are still on their way.
//!
//! Closing a descriptor while its receive buffer holds unread bytes makes the kernel send RST and
//! drop its send buffer. Data that arrives later has the same effect. Bytes that `send()` has
//! reported as sent would be lost. A connection with unacknowledged or unread bytes, or with bytes
//! that the peer has not replied to, is therefore only shut down for writing. A task of the runtime
//! reads and discards until the peer has closed, or until it has acknowledged everything and has
//! been silent for a while. The number of such connections, the discarded bytes and the time are
//! bounded.

use std::collections::VecDeque;
use std::io;
use std::net::{self, Shutdown};
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};
use std::thread;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::net::{RecvFlags, recv};
use socket2::{SockRef, Socket};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::ready::uninterrupted;
use crate::runtime;
use crate::sync::lock;

/// The most connections of the process that may be closing at once. One more ends the oldest.
const MAX_CLOSING: usize = 256;

/// The most bytes that are discarded for one connection. After that the peer is not read any more.
const MAX_DISCARDED: usize = 16 * 1024 * 1024;

/// The most bytes that are discarded for one connection in one round.
const PER_ROUND: usize = 64 * 1024;

/// The number of rounds whose bytes are discarded at once for a connection that ends early.
const LAST_ROUNDS: usize = 16;

/// The longest time that a connection may be closing, in milliseconds.
const MAX_TIME: u64 = 30_000;

/// The time that a peer which has acknowledged everything must be silent before the descriptor is
/// closed, in milliseconds. Where the kernel does not report acknowledgements, only silence counts.
const SILENCE: u64 = 5000;

/// The longest time that the end of the process waits for acknowledgements, in milliseconds.
const MAX_SETTLING: u64 = 300;

/// The pauses between two rounds: the first one follows a round that has moved bytes; each pause
/// doubles up to the second one.
const PAUSES: [Duration; 2] = [Duration::from_millis(2), Duration::from_millis(32)];

/// Writes bytes that must precede FIN; returns whether all of them are with the kernel.
pub(crate) type Flush = Box<dyn FnMut(&Socket) -> io::Result<bool> + Send>;

static PROCESS: Connections = Connections::new(MAX_CLOSING);

/// Whether closing the descriptor loses no data: the peer has acknowledged everything, and none of
/// its bytes are unread.
pub(crate) fn is_harmless(socket: &SockRef<'_>) -> bool {
    unacknowledged(socket) == Some(0) && unread(socket) == Some(0)
}

/// Closes a connection that is no longer watched, once its bytes have arrived. `flush` writes the
/// bytes that must precede FIN.
pub(crate) fn close(socket: Socket, flush: Option<Flush>) {
    let mut closing = Closing::new(socket, flush, Instant::now());
    let mut buffer = Vec::new();
    if closing.advance(Instant::now(), &mut buffer) == Progress::Ended {
        return;
    }
    let Ok(runtime) = runtime::handle() else {
        return;
    };
    if PROCESS.add(closing) {
        runtime.spawn(run());
    }
}

/// A stream whose connection is closed in this way when it is dropped.
pub(crate) struct Stream(Option<TcpStream>);

impl Stream {
    pub(crate) fn new(stream: TcpStream) -> Self {
        Self(Some(stream))
    }

    /// Gives the stream up.
    ///
    /// # Errors
    ///
    /// Those of the runtime.
    pub(crate) fn into_std(mut self) -> io::Result<net::TcpStream> {
        self.0.take().ok_or_else(gone)?.into_std()
    }

    fn get(self: Pin<&mut Self>) -> io::Result<Pin<&mut TcpStream>> {
        self.get_mut().0.as_mut().map(Pin::new).ok_or_else(gone)
    }
}

/// Only a stream that is being dropped is gone.
fn gone() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(stream) = self.0.take()
            && !is_harmless(&SockRef::from(&stream))
            && let Ok(stream) = stream.into_std()
        {
            close(stream.into(), None);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.get()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get()?.poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get()?.poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get()?.poll_shutdown(cx)
    }
}

/// The number of connections of the process that are closing.
pub(crate) fn count() -> usize {
    lock(&PROCESS.inner).len()
}

/// Waits, up to [`MAX_SETTLING`], until the end of the process can no longer lose bytes.
pub(crate) fn settle() {
    let give_up = Instant::now() + Duration::from_millis(MAX_SETTLING);
    loop {
        let moved = PROCESS.round(Instant::now());
        if PROCESS.is_settled() || Instant::now() >= give_up {
            return;
        }
        if !moved {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// The task: one round after another, while there are connections.
async fn run() {
    let [shortest, longest] = PAUSES;
    let mut pause = shortest;
    loop {
        sleep(pause).await;
        let moved = PROCESS.round(Instant::now());
        pause = if moved {
            shortest
        } else {
            longest.min(pause * 2)
        };
        if PROCESS.let_task_go() {
            return;
        }
    }
}

struct Connections {
    inner: Mutex<Inner>,
    most: usize,
}

struct Inner {
    waiting: VecDeque<Closing>,
    /// Connections that a round is processing.
    advancing: usize,
    has_task: bool,
}

impl Inner {
    fn len(&self) -> usize {
        self.waiting.len() + self.advancing
    }

    fn take_oldest(&mut self) -> Option<Closing> {
        let connections = self.waiting.iter().enumerate();
        let (index, _) = connections.min_by_key(|(_, closing)| closing.since)?;
        self.waiting.remove(index)
    }
}

impl Connections {
    const fn new(most: usize) -> Self {
        let inner = Mutex::new(Inner {
            waiting: VecDeque::new(),
            advancing: 0,
            has_task: false,
        });
        Self { inner, most }
    }

    /// Adds a connection. Returns whether a task must be started.
    fn add(&self, closing: Closing) -> bool {
        let mut inner = lock(&self.inner);
        let oldest = if inner.len() < self.most {
            None
        } else {
            inner.take_oldest()
        };
        inner.waiting.push_back(closing);
        let starts = !inner.has_task;
        inner.has_task = true;
        drop(inner);
        if let Some(oldest) = oldest {
            oldest.end();
        }
        starts
    }

    /// Advances each connection, with the lock released. Returns whether any bytes were moved.
    fn round(&self, now: Instant) -> bool {
        let mut buffer = Vec::new();
        let mut any_moved = false;
        let count = lock(&self.inner).waiting.len();
        for _ in 0..count {
            let mut closing = {
                let mut inner = lock(&self.inner);
                let Some(closing) = inner.waiting.pop_front() else {
                    break;
                };
                inner.advancing += 1;
                closing
            };
            let progress = closing.advance(now, &mut buffer);
            any_moved |= progress == Progress::Moved;
            let mut inner = lock(&self.inner);
            inner.advancing -= 1;
            if progress != Progress::Ended {
                inner.waiting.push_back(closing);
            }
        }
        any_moved
    }

    fn is_settled(&self) -> bool {
        let inner = lock(&self.inner);
        inner.advancing == 0 && inner.waiting.iter().all(Closing::is_settled)
    }

    /// Whether the task may end, because no connection is left.
    fn let_task_go(&self) -> bool {
        let mut inner = lock(&self.inner);
        inner.has_task = inner.len() > 0;
        !inner.has_task
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Progress {
    /// The descriptor may be closed.
    Ended,
    Moved,
    Waits,
}

/// One connection. Dropping it closes the descriptor.
struct Closing {
    socket: Socket,
    writing: Writing,
    since: Instant,
    /// The time at which the peer last sent data or had unacknowledged bytes.
    last_active: Instant,
    discarded: usize,
    peer_has_ended: bool,
}

enum Writing {
    /// These bytes precede FIN.
    Flushes(Flush),
    Open,
    /// FIN is sent or queued.
    ShutDown,
}

impl Closing {
    fn new(socket: Socket, flush: Option<Flush>, now: Instant) -> Self {
        Self {
            socket,
            writing: flush.map_or(Writing::Open, Writing::Flushes),
            since: now,
            last_active: now,
            discarded: 0,
            peer_has_ended: false,
        }
    }

    /// Advances as far as possible without blocking. `buffer` only provides memory.
    fn advance(&mut self, now: Instant, buffer: &mut Vec<u8>) -> Progress {
        // An error means that the connection is gone.
        let (Ok(is_shut_down), Ok(heard)) = (self.shut_down(), self.discard(buffer)) else {
            return Progress::Ended;
        };
        let acknowledged = self.acknowledged();
        if heard > 0 || !is_shut_down || acknowledged == Some(false) {
            self.last_active = now;
        }
        if is_shut_down && self.peer_has_ended
            || is_over(self.last_active, SILENCE, now)
            || is_over(self.since, MAX_TIME, now)
        {
            Progress::Ended
        } else if heard > 0 {
            Progress::Moved
        } else {
            Progress::Waits
        }
    }

    /// Writes the pending bytes, then FIN. Returns whether both are done.
    fn shut_down(&mut self) -> io::Result<bool> {
        if let Writing::Flushes(flush) = &mut self.writing {
            if !flush(&self.socket)? {
                return Ok(false);
            }
            self.writing = Writing::Open;
        }
        if let Writing::Open = self.writing {
            self.socket.shutdown(Shutdown::Write)?;
            self.writing = Writing::ShutDown;
        }
        Ok(true)
    }

    /// Discards some of the peer's bytes. Returns their number.
    fn discard(&mut self, buffer: &mut Vec<u8>) -> io::Result<usize> {
        if self.peer_has_ended || self.discarded >= MAX_DISCARDED {
            return Ok(0);
        }
        buffer.clear();
        buffer.reserve_exact(PER_ROUND);
        let read = || {
            let (_, count) = recv(&self.socket, spare_capacity(buffer), RecvFlags::empty())?;
            Ok(count)
        };
        match uninterrupted(read) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            Ok(count) => {
                self.peer_has_ended = count == 0;
                self.discarded += count;
                Ok(count)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether the peer has acknowledged everything, including FIN. `None` if the kernel does not
    /// report it.
    fn acknowledged(&self) -> Option<bool> {
        Some(unacknowledged(&SockRef::from(&self.socket))? == 0)
    }

    /// Whether the exit of the process loses nothing: everything is acknowledged, and the peer has sent
    /// nothing. A peer that has could send more and be answered with RST, so it must close first.
    fn is_settled(&self) -> bool {
        matches!(self.writing, Writing::ShutDown)
            && self.acknowledged() == Some(true)
            && self.discarded == 0
            && unread(&SockRef::from(&self.socket)) == Some(0)
    }

    /// Closes the descriptor now. If the peer stays silent, the kernel still delivers everything.
    fn end(mut self) {
        let mut buffer = Vec::new();
        for _ in 0..LAST_ROUNDS {
            if !matches!(self.discard(&mut buffer), Ok(count) if count > 0) {
                return;
            }
        }
    }
}

fn is_over(since: Instant, milliseconds: u64, now: Instant) -> bool {
    now.saturating_duration_since(since) >= Duration::from_millis(milliseconds)
}

/// The number of unread bytes. `None` if the kernel does not report it.
fn unread(socket: &SockRef<'_>) -> Option<u64> {
    rustix::io::ioctl_fionread(&**socket).ok()
}

/// The number of unacknowledged bytes, where FIN counts as one. `None` if the kernel does not
/// report it.
#[cfg(all(
    any(target_os = "linux", target_os = "android"),
    not(readiness = "portable")
))]
fn unacknowledged(socket: &SockRef<'_>) -> Option<usize> {
    use rustix::ioctl::{Getter, Opcode, ioctl};

    /// The same number as that of `TIOCOUTQ`.
    const SIOCOUTQ: Opcode = 0x5411;

    #[expect(unsafe_code, reason = "no crate has a safe function for SIOCOUTQ")]
    // SAFETY: SIOCOUTQ writes one int, to where `Getter` has room for it.
    let count = unsafe { ioctl(&**socket, Getter::<SIOCOUTQ, i32>::new()) };
    usize::try_from(count.ok()?).ok()
}

/// No portable call reports it.
#[cfg(not(all(
    any(target_os = "linux", target_os = "android"),
    not(readiness = "portable")
)))]
fn unacknowledged(_: &SockRef<'_>) -> Option<usize> {
    None
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::Arc;

    use super::*;
    use crate::net_error::NetError;
    use crate::socket::SocketProperties;
    use crate::testing::{Application, Peer, write_until_throttled};
    use crate::tls::versions::TlsVersionRange;
    use crate::transport::Transport;
    use crate::wake::readiness::Poller;

    /// A nonblocking socket as in the table, and its peer.
    fn connected() -> (Socket, TcpStream) {
        let peer = Peer::new();
        let socket = Socket::from(TcpStream::connect(peer.address).unwrap());
        socket.set_nonblocking(true).unwrap();
        let stream = peer.accept();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        (socket, stream)
    }

    /// Writes as much as the kernel takes.
    fn fill(socket: &Socket) -> usize {
        let mut written = 0;
        while let Ok(count) = socket.send(&[7; 16 * 1024]) {
            written += count;
        }
        written
    }

    fn milliseconds(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    fn advance(closing: &mut Closing, now: Instant) -> Progress {
        closing.advance(now, &mut Vec::new())
    }

    fn until(mut condition: impl FnMut() -> bool) {
        let give_up = Instant::now() + Duration::from_secs(10);
        while !condition() {
            assert!(Instant::now() < give_up, "waited in vain");
            thread::sleep(milliseconds(1));
        }
    }

    /// The number of bytes that the peer receives up to FIN.
    fn read_to_fin(stream: &mut TcpStream) -> usize {
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        received.len()
    }

    #[test]
    fn all_bytes_and_fin_arrive_although_bytes_are_unread() {
        for unread in [0, 7, 60_000, 300_000] {
            let (socket, mut stream) = connected();
            let mut writer = stream.try_clone().unwrap();
            let writer = thread::spawn(move || writer.write_all(&vec![1; unread]).unwrap());
            until(|| super::unread(&SockRef::from(&socket)) >= Some((unread as u64).min(7)));
            let written = fill(&socket);
            close(socket, None);
            assert_eq!(read_to_fin(&mut stream), written, "{unread}");
            writer.join().unwrap();
        }
    }

    #[test]
    fn all_bytes_arrive_although_the_peer_keeps_sending() {
        let (socket, mut stream) = connected();
        let written = fill(&socket);
        close(socket, None);
        let mut received = 0;
        loop {
            stream.write_all(b"and another thing").unwrap();
            match stream.read(&mut [0; 16 * 1024]).unwrap() {
                0 => break,
                count => received += count,
            }
        }
        assert_eq!(received, written);
    }

    /// The kernel would answer the peer with RST, and the peer could give up before it reads.
    #[test]
    fn a_peer_that_may_reply_can_send_after_the_end_of_the_connection() {
        let (socket, mut stream) = connected();
        socket.send(b"last words").unwrap();
        until(|| unacknowledged(&SockRef::from(&socket)).is_none_or(|count| count == 0));
        let poller = Poller::new(&Arc::default()).unwrap();
        let awaits_reply = true;
        Transport::Plain(poller.watch(socket, 1).unwrap()).end(&poller, awaits_reply);
        for _ in 0..50 {
            stream.write_all(b"and another thing").unwrap();
        }
        assert_eq!(read_to_fin(&mut stream), b"last words".len());
    }

    #[test]
    fn bytes_before_the_fin_are_written_as_the_kernel_accepts_them() {
        let (socket, mut stream) = connected();
        let written = fill(&socket);
        let mut left = 1_000_000;
        let flush = move |socket: &Socket| {
            while left > 0 {
                match socket.send(&[8; 1000][..left.min(1000)]) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    result => left -= result?,
                }
            }
            Ok(true)
        };
        close(socket, Some(Box::new(flush)));
        assert_eq!(read_to_fin(&mut stream), written + 1_000_000);
    }

    #[test]
    fn bytes_sent_before_a_handshake_arrive_even_if_the_handshake_ends() {
        for ends_by_itself in [true, false] {
            let (mut application, peer) = (Application::new(), Peer::new());
            let socket_id = application.connected(&peer, SocketProperties::default());
            let mut stream = peer.accept();
            let [paused, request, secured, closed] = [(); 4].map(|()| application.request());
            application.table.set_paused(paused.into(), socket_id, true);
            assert_eq!(application.outcome(paused), Ok(()));
            // The read in flight ends.
            stream.write_all(b"x").unwrap();
            application.received(socket_id);
            application
                .table
                .send(request.into(), socket_id, &vec![7; 200_000]);
            assert_eq!(application.outcome(request), Ok(()));
            let versions = TlsVersionRange::parse(None, None);
            application
                .table
                .secure(secured.into(), socket_id, versions);
            let mut talker = stream.try_clone().unwrap();
            if ends_by_itself {
                talker.write_all(&vec![0; 200_000]).unwrap();
                let error = NetError::SslProtocolError;
                assert_eq!(application.outcome(secured), Err(error.into()));
            } else {
                talker.write_all(&[22, 3, 3, 0, 100, 2]).unwrap();
                application.table.close(closed.into(), socket_id);
                assert_eq!(application.outcome(secured), Err(NetError::Aborted.into()));
            }
            assert!(read_to_fin(&mut stream) >= 200_000);
        }
    }

    #[test]
    fn a_connection_ends_as_soon_as_the_peer_closes() {
        let (socket, stream) = connected();
        socket.send(b"last words").unwrap();
        let now = Instant::now();
        let mut closing = Closing::new(socket, None, now);
        assert_eq!(advance(&mut closing, now), Progress::Waits);
        drop(stream);
        until(|| advance(&mut closing, now) == Progress::Ended);
    }

    #[test]
    fn a_connection_whose_peer_stays_open_ends_after_silence() {
        let (socket, mut stream) = connected();
        socket.send(b"last words").unwrap();
        let now = Instant::now();
        let mut closing = Closing::new(socket, None, now);
        assert_eq!(advance(&mut closing, now), Progress::Waits);
        until(|| closing.acknowledged() != Some(false));
        let almost = now + milliseconds(SILENCE - 1);
        assert_eq!(advance(&mut closing, almost), Progress::Waits);
        stream.write_all(b"still here").unwrap();
        until(|| unread(&SockRef::from(&closing.socket)) > Some(0));
        let over = now + milliseconds(SILENCE);
        assert_eq!(advance(&mut closing, over), Progress::Moved);
        let later = over + milliseconds(SILENCE);
        assert_eq!(advance(&mut closing, later), Progress::Ended);
    }

    #[test]
    fn a_connection_whose_peer_does_not_read_ends_at_the_time_limit() {
        let (socket, stream) = connected();
        fill(&socket);
        let now = Instant::now();
        let mut closing = Closing::new(socket, None, now);
        // Where the kernel does not report acknowledgements, silence ends it sooner.
        let almost = match closing.acknowledged() {
            Some(_) => MAX_TIME - 1,
            None => SILENCE - 1,
        };
        let almost = now + milliseconds(almost);
        assert_eq!(advance(&mut closing, almost), Progress::Waits);
        let over = now + milliseconds(MAX_TIME);
        assert_eq!(advance(&mut closing, over), Progress::Ended);
        drop(stream);
    }

    #[test]
    fn bytes_of_a_flooding_peer_are_discarded_up_to_the_bound() {
        let (socket, mut stream) = connected();
        let flood = thread::spawn(move || write_until_throttled(&mut stream));
        let now = Instant::now();
        let mut closing = Closing::new(socket, None, now);
        until(|| {
            while advance(&mut closing, now) == Progress::Moved {}
            closing.discarded >= MAX_DISCARDED
        });
        let written = flood.join().unwrap();
        assert_eq!(advance(&mut closing, now), Progress::Waits);
        assert!(closing.discarded < MAX_DISCARDED + PER_ROUND);
        assert!(written > MAX_DISCARDED);
    }

    #[test]
    fn a_connection_that_is_reset_ends_at_once() {
        let (socket, stream) = connected();
        fill(&socket);
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        let now = Instant::now();
        let mut closing = Closing::new(socket, None, now);
        drop(stream);
        until(|| advance(&mut closing, now) == Progress::Ended);
    }

    #[test]
    fn a_connection_beyond_the_limit_ends_the_oldest_without_loss() {
        const LIMIT: usize = 4;
        let connections = Connections::new(LIMIT);
        let now = Instant::now();
        let mut streams = Vec::new();
        let mut add = |since: u64| {
            let (socket, mut stream) = connected();
            stream.write_all(b"unread").unwrap();
            until(|| unread(&SockRef::from(&socket)) == Some(6));
            let written = fill(&socket);
            let mut closing = Closing::new(socket, None, now + milliseconds(since));
            closing.shut_down().unwrap();
            streams.push((stream, written));
            connections.add(closing)
        };
        assert!(add(1), "the first needs a task");
        assert!(!add(0));
        for _ in 2..LIMIT {
            add(2);
        }
        assert_eq!(lock(&connections.inner).len(), LIMIT);
        add(2);
        let inner = lock(&connections.inner);
        assert_eq!(inner.len(), LIMIT);
        assert!(inner.waiting.iter().all(|closing| closing.since > now));
        let (stream, written) = &mut streams[1];
        assert_eq!(read_to_fin(stream), *written);
    }

    #[test]
    fn the_task_ends_without_connections() {
        let connections = Connections::new(1);
        let (socket, stream) = connected();
        let now = Instant::now();
        assert!(connections.add(Closing::new(socket, None, now)));
        connections.round(now);
        assert!(!connections.let_task_go());
        drop(stream);
        until(|| {
            connections.round(now);
            lock(&connections.inner).len() == 0
        });
        assert!(connections.let_task_go());
        let (socket, _stream) = connected();
        assert!(connections.add(Closing::new(socket, None, now)));
    }

    #[test]
    fn connections_are_settled_when_everything_is_acknowledged() {
        let connections = Connections::new(1);
        assert!(connections.is_settled());
        let (socket, mut stream) = connected();
        let written = fill(&socket);
        let now = Instant::now();
        connections.add(Closing::new(socket, None, now));
        connections.round(now);
        assert!(!connections.is_settled());
        assert_eq!(read_to_fin(&mut stream), written);
        drop(stream);
        until(|| {
            connections.round(now);
            connections.is_settled()
        });
    }
}
