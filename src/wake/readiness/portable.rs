//! The readiness of macOS and Windows: one selector of the operating system (kqueue, AFD or epoll),
//! through mio, and one watcher thread for each environment. Sockets are registered and closed at any
//! time.

#[path = "watcher.rs"]
mod watcher;

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Interest, Registry, Token, Waker};
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

use self::watcher::Watcher;
use super::Readiness;
use crate::ids::SocketId;
use crate::ready::{Direction, Ready};
use crate::runtime;
use crate::wake::mailbox::Mailbox;

/// The most sockets that one system call reports. The next call reports the rest.
const EVENTS: usize = 256;

/// The stack of the watcher, which calls nothing deep.
const STACK: usize = 256 * 1024;

/// The token of the event that interrupts the watcher. No socket has this number.
const INTERRUPTION: Token = Token(usize::MAX);

/// The pause of the watcher after a poll that fails, as on Windows without free memory.
const AFTER_FAILURE: Duration = Duration::from_millis(10);

/// Whether urgent data, at which reads stop, is reported (epoll), or a socket whose reads stopped
/// there is reported again (AFD).
const REPORTS_URGENT_DATA: bool = cfg!(any(
    target_os = "linux",
    target_os = "android",
    target_os = "windows"
));

/// Tracks which sockets of one environment are ready.
pub(crate) struct Poller {
    registry: Arc<Registry>,
    watcher: Arc<Watcher<Selector>>,
    thread: Option<JoinHandle<()>>,
    interruption: Waker,
}

struct Selector {
    poll: mio::Poll,
    events: Events,
}

impl Poller {
    /// A poller that wakes the thread of `mailbox`.
    ///
    /// # Errors
    ///
    /// Those of the operating system without free descriptors or threads.
    pub(crate) fn new(mailbox: &Arc<Mailbox>) -> io::Result<Self> {
        let poll = mio::Poll::new()?;
        let registry = poll.registry().try_clone()?;
        let interruption = Waker::new(&registry, INTERRUPTION)?;
        let watcher = Arc::new(Watcher::new(Selector {
            poll,
            events: Events::with_capacity(EVENTS),
        }));
        let thread = thread::Builder::new()
            .name("socket-watcher".into())
            .stack_size(STACK)
            .spawn({
                let (watcher, mailbox) = (Arc::clone(&watcher), Arc::clone(mailbox));
                move || watcher.watch(&mailbox)
            })?;
        Ok(Self {
            registry: Arc::new(registry),
            watcher,
            thread: Some(thread),
            interruption,
        })
    }

    /// Watches a socket until it is closed or released.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub(crate) fn watch(&self, socket: Socket, socket_id: SocketId) -> io::Result<PolledSocket> {
        let mut stream = mio::net::TcpStream::from_std(socket.into());
        let token = Token(usize::try_from(socket_id.cast_unsigned()).unwrap_or_default());
        #[cfg(windows)]
        let interest = Interest::READABLE;
        #[cfg(not(windows))]
        let interest = Interest::READABLE | Interest::WRITABLE;
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let interest = interest | Interest::PRIORITY;
        self.registry.register(&mut stream, token, interest)?;
        Ok(PolledSocket {
            stream,
            readiness: Readiness::NEW,
            #[cfg(windows)]
            registry: Arc::clone(&self.registry),
            #[cfg(windows)]
            token,
        })
    }

    /// Stops watching a socket.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    pub(crate) fn forget(&self, socket: PolledSocket) -> io::Result<Socket> {
        let mut stream = socket.stream;
        self.registry.deregister(&mut stream)?;
        Ok(std::net::TcpStream::from(stream).into())
    }

    /// Releases a socket to the runtime.
    ///
    /// # Errors
    ///
    /// Those of [`Self::forget`] and of the runtime.
    pub(crate) fn release(&self, socket: PolledSocket) -> io::Result<TcpStream> {
        let socket = self.forget(socket)?;
        let _context = runtime::handle()?.enter();
        TcpStream::from_std(socket.into())
    }

    /// Appends the sockets that have become ready since the last call. While the watcher polls, there
    /// are none: it will wake the thread.
    pub(crate) fn collect(&self, found: &mut VecDeque<(SocketId, Ready)>) {
        self.watcher
            .collect(|selector| found.extend(selector.sockets().map(ready)));
    }

    /// Wakes the thread when the next socket becomes ready, or at once if one is ready.
    pub(crate) fn arm(&self) {
        self.watcher.arm();
    }

    /// Takes the selector back from the watcher, so that [`Self::collect`] soon finds events again.
    pub(crate) fn disarm(&self) {
        if self.watcher.disarm() {
            self.interrupt();
        }
    }

    /// Ends the poll of the watcher, or the next poll of either thread.
    fn interrupt(&self) {
        // Cannot fail: the selector lives as long as the watcher.
        let _ = self.interruption.wake();
    }
}

impl Drop for Poller {
    fn drop(&mut self) {
        self.watcher.end();
        self.interrupt();
        if let Some(thread) = self.thread.take() {
            // It waits for no other thread: waking the JavaScript thread does not block.
            let _ = thread.join();
        }
    }
}

impl Selector {
    /// The events of the last poll.
    fn sockets(&self) -> impl Iterator<Item = &Event> {
        self.events
            .iter()
            .filter(|event| event.token() != INTERRUPTION)
    }
}

impl watcher::Selector for Selector {
    fn poll(&mut self, blocking: bool) {
        let timeout = if blocking { None } else { Some(Duration::ZERO) };
        // The next poll repeats one that fails.
        if let Err(error) = self.poll.poll(&mut self.events, timeout) {
            self.events.clear();
            if blocking && error.kind() != io::ErrorKind::Interrupted {
                thread::sleep(AFTER_FAILURE);
            }
        }
    }

    fn has_events(&self) -> bool {
        self.sockets().next().is_some()
    }
}

fn ready(event: &Event) -> (SocketId, Ready) {
    let socket_id = u32::try_from(event.token().0)
        .unwrap_or_default()
        .cast_signed();
    let broken = event.is_error() || event.is_write_closed();
    let read_until_would_block = broken || event.is_read_closed() || event.is_priority();
    let ready = Ready {
        read: read_until_would_block || event.is_readable(),
        write: broken || event.is_writable(),
        read_until_would_block,
    };
    (socket_id, ready)
}

/// A watched socket. Dropping it closes the descriptor.
pub(crate) struct PolledSocket {
    stream: mio::net::TcpStream,
    pub(super) readiness: Readiness,
    #[cfg(windows)]
    registry: Arc<Registry>,
    #[cfg(windows)]
    token: Token,
}

impl PolledSocket {
    /// The socket, for its options and addresses.
    pub(crate) fn socket(&self) -> SockRef<'_> {
        SockRef::from(&self.stream)
    }

    /// Whether a transfer of `count` bytes, which was short, leaves no more to transfer. Reads can stop
    /// early.
    pub(super) fn is_exhausted(&self, direction: Direction, count: usize) -> bool {
        direction == Direction::Write
            || count > 0
                && !self.readiness.read_until_would_block
                && (REPORTS_URGENT_DATA || self.available() == Some(0))
    }

    /// Does nothing: epoll and kqueue report what happens from now on without being asked again.
    ///
    /// # Errors
    ///
    /// None on this platform.
    #[cfg(not(windows))]
    #[expect(
        clippy::unnecessary_wraps,
        clippy::unused_self,
        reason = "Windows can fail"
    )]
    pub(super) fn ask_again(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Asks for the next event of each direction that is not ready. It comes at once if the socket has
    /// become ready in the meantime. An event of a direction that is ready would only wake the thread.
    ///
    /// # Errors
    ///
    /// Those of the operating system.
    #[cfg(windows)]
    pub(super) fn ask_again(&mut self) -> io::Result<()> {
        let interest = match (self.readiness.readable, self.readiness.writable) {
            (false, true) => Interest::READABLE,
            (true, false) => Interest::WRITABLE,
            (_, _) => Interest::READABLE | Interest::WRITABLE,
        };
        self.registry
            .reregister(&mut self.stream, self.token, interest)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::mpsc;
    use std::task::Poll;
    use std::time::Instant;

    use super::*;
    use crate::testing::Peer;

    const DEADLINE: Duration = Duration::from_secs(10);

    /// A poller that watches a connected socket, the other end of it, and the wake-ups.
    struct Watched {
        mailbox: Arc<Mailbox>,
        poller: Option<Poller>,
        socket: PolledSocket,
        peer: std::net::TcpStream,
        woken: mpsc::Receiver<()>,
    }

    impl Watched {
        fn new() -> Self {
            let mailbox = Arc::<Mailbox>::default();
            let (sender, woken) = mpsc::channel();
            mailbox.attach(Box::new(move || {
                let _ = sender.send(());
            }));
            woken.recv_timeout(DEADLINE).unwrap();
            let poller = Poller::new(&mailbox).unwrap();
            let listener = Peer::new();
            let socket = std::net::TcpStream::connect(listener.address).unwrap();
            socket.set_nonblocking(true).unwrap();
            let socket = poller.watch(socket.into(), 7).unwrap();
            let watched = Self {
                mailbox,
                poller: Some(poller),
                socket,
                peer: listener.accept(),
                woken,
            };
            // The socket is writable.
            while watched.collect() > 0 {}
            watched
        }

        fn collect(&self) -> usize {
            let mut found = VecDeque::new();
            self.poller().collect(&mut found);
            assert!(found.iter().all(|&(socket_id, _)| socket_id == 7));
            found.len()
        }

        fn sleep(&self) {
            assert!(self.mailbox.sleep());
            self.poller().arm();
        }

        /// Waits until this thread can poll the selector, or until it cannot.
        fn until_polled_by_this_thread(&self, expected: bool) {
            let give_up = Instant::now() + DEADLINE;
            loop {
                let mut polled = false;
                self.poller().watcher.collect(|_| polled = true);
                if polled == expected {
                    return;
                }
                assert!(Instant::now() < give_up, "this thread polls: {polled}");
                thread::yield_now();
            }
        }

        fn poller(&self) -> &Poller {
            self.poller.as_ref().unwrap()
        }

        /// Drops the poller, which must not wait for an event.
        fn end(&mut self) {
            let (sender, ended) = mpsc::channel();
            let poller = self.poller.take();
            thread::spawn(move || {
                drop(poller);
                let _ = sender.send(());
            });
            let ended = ended.recv_timeout(DEADLINE);
            assert!(ended.is_ok() || thread::panicking(), "the watcher runs");
        }
    }

    impl Drop for Watched {
        fn drop(&mut self) {
            self.end();
        }
    }

    #[test]
    fn events_that_the_watcher_found_are_collected() {
        let mut watched = Watched::new();
        for _ in 0..100 {
            watched.sleep();
            watched.peer.write_all(b"more").unwrap();
            watched.woken.recv_timeout(DEADLINE).unwrap();
            assert_ne!(watched.collect(), 0);
            // Windows reports the socket again after a read that finds no more.
            watched.socket.note(Ready::TO_BE_READ);
            let mut buffer = Vec::with_capacity(16);
            while matches!(watched.socket.poll_read(&mut buffer), Poll::Ready(Ok(1..))) {}
            assert_eq!(buffer, b"more");
        }
    }

    #[test]
    fn a_disarmed_watcher_returns_the_selector_and_wakes_no_thread() {
        let watched = Watched::new();
        for round in 0..100 {
            watched.sleep();
            if round % 2 == 0 {
                // It blocks in the selector; in the other rounds it may not have begun.
                watched.until_polled_by_this_thread(false);
            }
            watched.poller().disarm();
            watched.until_polled_by_this_thread(true);
        }
        assert!(watched.woken.try_recv().is_err());
    }

    #[test]
    fn a_poller_that_is_dropped_ends_its_watcher() {
        for armed in [false, true] {
            let mut watched = Watched::new();
            if armed {
                watched.sleep();
            }
            watched.end();
            assert_eq!(Arc::strong_count(&watched.mailbox), 1);
        }
    }
}
