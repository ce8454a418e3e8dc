//! Orphans: persistent sockets that have outlived the environment that owned them. The first
//! environment that uses an orphan adopts it. Until then orphans have a table of their own, whose
//! events the runtime requests and discards. `lib/electron/owners.js` does the same for pages.
//!
//! Chrome unloads an app's page only when no call is pending, so Chromium does not define the fate
//! of a pending call. Here it ends with its environment: a connection attempt or handshake is
//! aborted as by `disconnect()`. Queued data is still written, because a truncated message is worse
//! than a complete one or none.

use std::mem;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::sleep;

use crate::event::{Event, Next, Request};
use crate::ids::SocketId;
use crate::runtime;
use crate::socket::server::ServerSocket;
use crate::socket::{Connection, Link, ReadMarker, Socket, SocketInfo};
use crate::sync::lock;
use crate::table::SocketTable;
use crate::wake::readiness::Poller;

static ORPHANS: LazyLock<Shared> = LazyLock::new(Shared::default);

/// While a JavaScript thread waits for the lock, the runtime checks at this interval whether the
/// thread has got it.
const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Whether a persistent socket ever existed. Applications without them skip the lock.
static USED: AtomicBool = AtomicBool::new(false);

/// Ends the connections of all orphaned sockets at the end of the process.
pub(crate) fn end() {
    if let Some(mut table) = orphans() {
        let poller = table.poller.take();
        for (_, socket) in mem::take(&mut table.sockets) {
            socket.end(poller.as_ref());
        }
        table.servers.clear();
    }
}

/// A table that the runtime shares with the JavaScript threads.
#[derive(Default)]
struct Shared {
    /// Locked for at most one turn, also while another table is locked.
    table: Mutex<SocketTable>,
    /// The number of times that a JavaScript thread has requested the lock.
    requested: AtomicUsize,
    /// The number of times that a JavaScript thread has got the lock.
    granted: AtomicUsize,
}

impl Shared {
    /// Locks the table for a JavaScript thread.
    fn lock(&self) -> MutexGuard<'_, SocketTable> {
        self.requested.fetch_add(1, Ordering::SeqCst);
        let table = lock(&self.table);
        self.granted.fetch_add(1, Ordering::SeqCst);
        table
    }

    /// Takes turns until one returns `false`. Between two turns, as many JavaScript threads get the
    /// lock as have requested it. A mutex is not fair: without this, the runtime would take it again
    /// before the waiting thread wakes.
    async fn take_turns(&self, mut turn: impl FnMut(&mut SocketTable) -> bool) {
        while turn(&mut lock(&self.table)) {
            yield_now().await;
            let requested = self.requested.load(Ordering::SeqCst);
            while !self.has_granted(requested) {
                sleep(LOCK_POLL_INTERVAL).await;
            }
        }
    }

    /// Whether the first `count` requests, or as many later ones, have been granted.
    fn has_granted(&self, count: usize) -> bool {
        let granted = self.granted.load(Ordering::SeqCst);
        granted.wrapping_sub(count) <= usize::MAX / 2
    }
}

fn orphans() -> Option<MutexGuard<'static, SocketTable>> {
    USED.load(Ordering::Relaxed).then(|| ORPHANS.lock())
}

/// Wakes the table of orphans.
fn wake() {
    if let Ok(runtime) = runtime::handle() {
        runtime.spawn(ORPHANS.take_turns(has_more));
    }
}

/// Requests events until the turn is over. Returns whether there may be more.
fn has_more(table: &mut SocketTable) -> bool {
    let mut turned = true;
    loop {
        match table.next_event(turned) {
            Next::Nothing | Next::Event(Event::Detached) => return false,
            Next::Turn | Next::PollAgain => return true,
            Next::Event(_) => turned = false,
        }
    }
}

impl SocketTable {
    /// Ends all sockets silently when the environment ends. Persistent ones become orphans.
    pub(crate) fn end(&mut self) {
        self.mailbox.detach();
        let poller = self.poller.take();
        let mut sockets: Vec<_> = mem::take(&mut self.sockets).into_iter().collect();
        sockets.sort_unstable_by_key(|(socket_id, _)| *socket_id);
        for (socket_id, mut socket) in sockets {
            if socket.is_persistent() {
                socket.suspend();
                socket.writes.forget_requests();
                USED.store(true, Ordering::Relaxed);
                let mut orphans = ORPHANS.lock();
                orphans.take_over(socket_id, socket, poller.as_ref());
                if orphans.load.open_connections() > 0 {
                    orphans.mailbox.attach(Box::new(wake));
                }
            } else {
                socket.end(poller.as_ref());
            }
        }
        for (socket_id, server) in mem::take(&mut self.servers) {
            if server.identity.persistent {
                USED.store(true, Ordering::Relaxed);
                ORPHANS
                    .lock()
                    .take_over_server(socket_id, server, poller.as_ref());
            }
        }
    }

    /// Adopts an orphaned socket.
    pub(crate) fn adopt(&mut self, socket_id: SocketId) {
        if self.sockets.contains_key(&socket_id) || self.servers.contains_key(&socket_id) {
            return;
        }
        let Some(mut orphans) = orphans() else {
            return;
        };
        if let Some(socket) = orphans.sockets.remove(&socket_id) {
            if let Some(link) = socket.link() {
                orphans.load.close();
                if link.read_ahead.is_some() {
                    orphans.load.end_buffering();
                }
            }
            self.take_over(socket_id, socket, orphans.poller.as_ref());
            // A sleeping table that has just created its poller has not armed it.
            self.mailbox.wake();
        }
        if let Some(server) = orphans.servers.remove(&socket_id) {
            if server.is_listening() {
                orphans.load.close();
            }
            self.take_over_server(socket_id, server, orphans.poller.as_ref());
            self.mailbox.wake();
        }
    }

    /// Takes over a server socket, like [`Self::take_over`].
    fn take_over_server(
        &mut self,
        socket_id: SocketId,
        mut server: ServerSocket,
        former: Option<&Poller>,
    ) {
        match (former, Poller::get(&mut self.poller, &self.mailbox)) {
            (Some(former), Ok(poller)) => server.hand_over(socket_id, former, poller),
            // Without a poller there was no listener.
            _ => server = server.without_listener(),
        }
        if server.is_listening() {
            self.load.open();
        }
        self.servers.insert(socket_id, server);
    }

    /// Describes a server socket; like [`Self::info_of_any`].
    pub(crate) fn server_info(
        &mut self,
        request: Request,
        socket_id: SocketId,
    ) -> Option<SocketInfo> {
        let server = self.servers.get(&socket_id);
        let info = server.map(|server| server.info(socket_id)).or_else(|| {
            let table = orphans()?;
            let server = table.servers.get(&socket_id)?;
            Some(server.info(socket_id))
        });
        match info {
            Some(_) => self.outbox.complete(request),
            None => self.outbox.not_found(request),
        }
        info
    }

    /// Describes the server sockets; like [`Self::infos_of_all`].
    pub(crate) fn server_infos(&mut self, request: Request) -> Vec<SocketInfo> {
        self.outbox.complete(request);
        let info = |(&socket_id, server): (&SocketId, &ServerSocket)| server.info(socket_id);
        let mut infos: Vec<_> = self.servers.iter().map(info).collect();
        if let Some(table) = orphans() {
            infos.extend(table.servers.iter().map(info));
            infos.sort_unstable_by_key(|info| info.socket_id);
        }
        infos
    }

    /// Takes over a socket whose connection, if any, is watched by `former`.
    fn take_over(&mut self, socket_id: SocketId, mut socket: Box<Socket>, former: Option<&Poller>) {
        (socket.read_marker, socket.write_queued) = (ReadMarker::None, false);
        let connection = mem::take(&mut socket.connection);
        if let (Connection::Connected(link), Some(former)) = (connection, former)
            && let Ok(poller) = Poller::get(&mut self.poller, &self.mailbox)
            && let Ok(transport) =
                link.transport
                    .hand_over(socket_id, former, poller, &self.mailbox)
        {
            self.load.open();
            if link.read_ahead.is_some() {
                self.load.start_buffering();
            }
            socket.connection = Connection::Connected(Link { transport, ..link });
        } else {
            drop(socket.writes.abandon());
        }
        self.sockets.insert(socket_id, socket);
        self.flush(socket_id);
    }

    /// Describes a socket of this environment or an orphan; `None` if it does not exist.
    pub(crate) fn info_of_any(
        &mut self,
        request: Request,
        socket_id: SocketId,
    ) -> Option<SocketInfo> {
        if self.sockets.contains_key(&socket_id) {
            return self.info(request, socket_id);
        }
        let info = orphans().and_then(|table| {
            let socket = table.sockets.get(&socket_id)?;
            Some(socket.info(socket_id))
        });
        match info {
            Some(_) => self.outbox.complete(request),
            None => self.outbox.not_found(request),
        }
        info
    }

    /// Describes the sockets of this environment and the orphans, oldest first.
    pub(crate) fn infos_of_all(&mut self, request: Request) -> Vec<SocketInfo> {
        let mut infos = self.infos(request);
        if let Some(table) = orphans() {
            let others = table.sockets.iter();
            infos.extend(others.map(|(&socket_id, socket)| socket.info(socket_id)));
        }
        infos.sort_unstable_by_key(|info| info.socket_id);
        infos
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpStream;
    use std::sync::{Arc, mpsc};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::event::Failure;
    use crate::net::resolver::AddressFamily;
    use crate::net_error::NetError;
    use crate::socket::SocketProperties;
    use crate::table::send::WRITES_PER_TURN;
    use crate::testing::{Application, Delivered, Peer};

    const LARGE: usize = 32 * 1024 * 1024;

    /// The bytes that a large drain writes, and the number of its sockets.
    const PENDING: usize = 200 * 1024 * 1024;
    const SOCKETS: usize = 50;

    /// More than a kernel accepts within the time of a turn, and less than it buffers for
    /// [`SOCKETS`].
    const MAX_IN_A_TURN: u64 = 16 * 1024 * 1024;

    fn persistent() -> SocketProperties {
        SocketProperties {
            persistent: Some(true),
            name: Some("kept".to_owned()),
            buffer_size: Some(100),
        }
    }

    /// A connected persistent socket of a live environment.
    fn connected() -> (Application, SocketId, TcpStream) {
        let (mut former, peer) = (Application::new(), Peer::new());
        let socket_id = former.connected(&peer, persistent());
        (former, socket_id, peer.accept())
    }

    fn info(application: &mut Application, socket_id: SocketId) -> SocketInfo {
        let request = application.request();
        let info = application.table.info_of_any(request.into(), socket_id);
        assert_eq!(application.outcome(request), Ok(()));
        info.unwrap()
    }

    fn resume(application: &mut Application, socket_id: SocketId) {
        application.table.adopt(socket_id);
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, false);
        assert_eq!(application.outcome(request), Ok(()));
    }

    fn send(application: &mut Application, socket_id: SocketId, data: &[u8]) -> u32 {
        application.table.adopt(socket_id);
        let request = application.request();
        application.table.send(request.into(), socket_id, data);
        request
    }

    #[test]
    fn the_lock_is_released_between_two_turns() {
        let mut table = SocketTable::default();
        for request in 0..100_000 {
            table.outbox.complete(request.into());
        }
        let mut turns = 0;
        while has_more(&mut table) {
            turns += 1;
        }
        assert!(turns > 0, "all events in one turn");
    }

    /// Orphaned sockets that have [`PENDING`] bytes to write, and threads that read all of them.
    fn with_pending_bytes() -> (Shared, Vec<thread::JoinHandle<()>>) {
        let (mut former, peer) = (Application::new(), Peer::new());
        let mut readers = Vec::new();
        for _ in 0..SOCKETS {
            former.connected(&peer, persistent());
            let mut stream = peer.accept();
            readers.push(thread::spawn(move || {
                let mut read = vec![0; 64 * 1024];
                while stream.read(&mut read).unwrap() > 0 {}
            }));
        }
        let shared = Shared::default();
        let mut table = lock(&shared.table);
        // Taking a socket over writes a part of this.
        let data = vec![1; PENDING / SOCKETS + WRITES_PER_TURN];
        for (socket_id, mut socket) in mem::take(&mut former.table.sockets) {
            socket.writes.push(0.into(), &data, 0);
            socket.writes.forget_requests();
            table.take_over(socket_id, socket, former.table.poller.as_ref());
        }
        drop(table);
        (shared, readers)
    }

    fn pending(table: &SocketTable) -> u64 {
        let sockets = table.sockets.values();
        sockets.map(|socket| socket.writes.unwritten()).sum()
    }

    #[test]
    fn the_lock_is_free_between_two_turns_of_a_large_drain() {
        let (shared, readers) = with_pending_bytes();
        assert!(pending(&lock(&shared.table)) >= PENDING as u64);
        let turns = AtomicUsize::new(0);
        let give_up = Instant::now() + Duration::from_mins(1);
        let drain = || {
            let mut most = 0;
            let turn = |table: &mut SocketTable| {
                turns.fetch_add(1, Ordering::SeqCst);
                let before = pending(table);
                has_more(table);
                let after = pending(table);
                most = most.max(before - after);
                // The other thread requests the lock during this turn.
                while after > 0 && shared.has_granted(shared.requested.load(Ordering::SeqCst)) {
                    assert!(Instant::now() < give_up);
                    thread::yield_now();
                }
                after > 0
            };
            runtime::handle().unwrap().block_on(shared.take_turns(turn));
            most
        };
        // Returns the most turns that began while this thread waited for the lock.
        let ask = || {
            let mut most = 0;
            loop {
                assert!(Instant::now() < give_up);
                // As `Shared::lock()` does.
                shared.requested.fetch_add(1, Ordering::SeqCst);
                let before = turns.load(Ordering::SeqCst);
                let table = lock(&shared.table);
                shared.granted.fetch_add(1, Ordering::SeqCst);
                most = most.max(turns.load(Ordering::SeqCst) - before);
                if pending(&table) == 0 {
                    return most;
                }
            }
        };
        let (most_turns, most_written) = thread::scope(|scope| {
            let drain = scope.spawn(drain);
            (scope.spawn(ask).join().unwrap(), drain.join().unwrap())
        });
        assert!(
            most_written <= MAX_IN_A_TURN,
            "{most_written} bytes in one turn"
        );
        assert!(
            most_turns <= 1,
            "{most_turns} turns before the lock was free"
        );
        drop(shared);
        for reader in readers {
            reader.join().unwrap();
        }
    }

    #[test]
    fn no_lock_is_taken_for_a_socket_of_the_environment() {
        let mut application = Application::new();
        let socket_id = application.create(persistent());
        let request = application.request();
        USED.store(true, Ordering::Relaxed);
        let (sender, asked) = mpsc::channel();
        let table = lock(&ORPHANS.table);
        let asking = thread::spawn(move || {
            let info = application.table.info_of_any(request.into(), socket_id);
            sender.send(info.is_some()).unwrap();
        });
        let told = asked.recv_timeout(Duration::from_secs(10));
        drop(table);
        asking.join().unwrap();
        assert_eq!(told, Ok(true));
    }

    #[test]
    fn sockets_end_with_their_environment() {
        let (mut former, peer) = (Application::new(), Peer::new());
        let socket_id = former.connected(&peer, SocketProperties::default());
        former.table.end();
        assert_eq!(peer.accept().read(&mut [0]).unwrap(), 0);
        let mut next = Application::new();
        let request = next.request();
        assert!(next.table.info_of_any(request.into(), socket_id).is_none());
    }

    #[test]
    fn persistent_sockets_stay_unchanged_but_paused() {
        let (mut former, socket_id, mut stream) = connected();
        former.table.end();
        let mut next = Application::new();
        let info = info(&mut next, socket_id);
        assert!(info.connected && info.paused && info.persistent);
        assert_eq!(info.name.as_deref(), Some("kept"));
        assert_eq!(info.buffer_size, Some(100));
        assert_eq!(info.peer_port, Some(stream.local_addr().unwrap().port()));
        let request = next.request();
        let infos = next.table.infos_of_all(request.into());
        assert!(infos.iter().any(|info| info.socket_id == socket_id));
        assert_eq!(next.outcome(request), Ok(()));
        let request = send(&mut next, socket_id, b"hello");
        assert_eq!(next.outcome(request), Ok(()));
        let mut received = [0; 5];
        stream.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"hello");
    }

    #[test]
    fn a_table_that_sleeps_wakes_for_a_socket_that_it_has_taken_over() {
        let (mut former, socket_id, mut stream) = connected();
        former.table.end();
        let mut next = Application::new();
        // A pending name resolution keeps it attached.
        next.table.load.start_lookup();
        let woken = Arc::new(AtomicBool::new(false));
        let wake = Arc::clone(&woken);
        next.table
            .mailbox
            .attach(Box::new(move || wake.store(true, Ordering::SeqCst)));
        assert_eq!(next.table.next_event(true), Next::Nothing);
        woken.store(false, Ordering::SeqCst);
        send(&mut next, socket_id, &vec![1; LARGE]);
        assert!(!next.table.has_news(), "something else wakes it");
        let reader = thread::spawn(move || stream.read_exact(&mut vec![0; 1024 * 1024]).unwrap());
        let give_up = Instant::now() + Duration::from_secs(10);
        while !woken.load(Ordering::SeqCst) {
            assert!(Instant::now() < give_up, "nothing wakes it");
            thread::yield_now();
        }
        reader.join().unwrap();
    }

    #[test]
    fn bytes_that_were_read_and_not_delivered_wait_for_the_next_owner() {
        let (mut former, socket_id, mut stream) = connected();
        let sent: Vec<u8> = (0..=250).cycle().take(1000).collect();
        stream.write_all(&sent).unwrap();
        let mut received = former.received(socket_id);
        former.table.end();
        stream.write_all(b"more").unwrap();
        drop(stream);
        let mut next = Application::new();
        resume(&mut next, socket_id);
        while received.len() < 1004 {
            received.extend(next.received(socket_id));
        }
        assert!(received.starts_with(&sent) && received.ends_with(b"more"));
        let error = NetError::ConnectionClosed;
        assert_eq!(next.event(), Delivered::ReceiveError { socket_id, error });
        assert_eq!(next.event(), Delivered::Detached);
        assert_eq!(next.table.load.sockets_buffering(), 0);
    }

    #[test]
    fn sockets_of_a_living_environment_cannot_be_taken_over() {
        let (_former, socket_id, _stream) = connected();
        let mut next = Application::new();
        let request = send(&mut next, socket_id, b"x");
        let not_found = Failure::without_code("Socket not found");
        assert_eq!(next.outcome(request), Err(not_found));
    }

    #[test]
    fn only_the_first_environment_takes_a_socket_over() {
        let (mut former, socket_id, _stream) = connected();
        former.table.end();
        let (mut next, mut late) = (Application::new(), Application::new());
        let first = send(&mut next, socket_id, b"x");
        assert_eq!(next.outcome(first), Ok(()));
        let second = send(&mut late, socket_id, b"x");
        let not_found = Failure::without_code("Socket not found");
        assert_eq!(late.outcome(second), Err(not_found));
    }

    #[test]
    fn an_orphan_writes_its_pending_sends() {
        let (mut former, socket_id, mut stream) = connected();
        send(&mut former, socket_id, &vec![1; LARGE]);
        former.table.end();
        stream.read_exact(&mut vec![0; LARGE]).unwrap();
    }

    #[test]
    fn pending_sends_are_written_before_those_of_the_next_owner() {
        let (mut former, socket_id, mut stream) = connected();
        let sent = send(&mut former, socket_id, &vec![1; LARGE]);
        former.table.end();
        let mut next = Application::new();
        let request = send(&mut next, socket_id, b"end");
        let reader = thread::spawn(move || {
            let mut received = vec![0; LARGE + 3];
            stream.read_exact(&mut received).unwrap();
            received
        });
        assert_ne!(
            sent, request,
            "the end of one must not be taken for the other's"
        );
        assert_eq!(next.outcome(request), Ok(()));
        assert!(reader.join().unwrap().ends_with(b"\x01end"));
    }

    #[test]
    fn an_orphan_whose_connection_breaks_is_not_connected() {
        let (mut former, socket_id, stream) = connected();
        send(&mut former, socket_id, &vec![1; LARGE]);
        former.table.end();
        drop(stream);
        let mut next = Application::new();
        let give_up = Instant::now() + Duration::from_secs(10);
        while info(&mut next, socket_id).connected {
            assert!(Instant::now() < give_up);
            thread::yield_now();
        }
        let request = send(&mut next, socket_id, b"x");
        assert_eq!(
            next.outcome(request),
            Err(NetError::SocketNotConnected.into())
        );
        assert_eq!(next.event(), Delivered::Detached);
    }

    #[test]
    fn a_connection_attempt_ends_with_its_environment() {
        let (mut former, peer) = (Application::new(), Peer::new());
        let socket_id = former.create(persistent());
        let (host, port) = (peer.address.ip().to_string(), peer.address.port());
        let request = former.request();
        former.table.connect(
            request.into(),
            socket_id,
            host,
            port,
            AddressFamily::Any,
            None,
        );
        former.table.end();
        let mut next = Application::new();
        assert!(!info(&mut next, socket_id).connected);
        next.table.adopt(socket_id);
        assert_eq!(next.connect(socket_id, peer.address), Ok(()));
    }
}
