//! The socket table of one environment, and its outbox of events for JavaScript.
//!
//! The table belongs to the JavaScript thread, which handles every call and every notice of the
//! runtime one after the other, as Chromium's browser thread does. No code sees a half-changed
//! state, and events are delivered in the order in which they were decided.

mod connect;
mod counters;
pub(crate) mod ownerless;
mod receive;
mod secure;
mod send;
mod server;
pub(crate) mod statistics;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use crate::event::{Event, Failure, Next, Outcome};
use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net_error::NetError;
use crate::ready::Ready;
use crate::socket::server::ServerSocket;
use crate::socket::{Connection, Socket, SocketInfo, SocketProperties};
use crate::table::counters::Counters;
use crate::tls::handshake::TlsContext;
use crate::wake::linger::{Linger, Shift};
use crate::wake::mailbox::Mailbox;
use crate::wake::notice::Notice;
use crate::wake::readiness::Poller;

/// The message for an unknown identifier (`extensions/browser/api/sockets_tcp/sockets_tcp_api.cc`).
pub(crate) const SOCKET_NOT_FOUND: &str = "Socket not found";

/// The message for an exceeded limit on sockets, which Chromium does not have.
const TOO_MANY_SOCKETS: &str = "Too many sockets";

/// While the outbox is never empty, the poller is queried after this many events.
const LOOK_AFTER: usize = 16;

/// The sockets of one environment.
#[derive(Default)]
pub(crate) struct SocketTable {
    /// Boxed, because a tree allocates more slots than it uses.
    pub(crate) sockets: BTreeMap<SocketId, Box<Socket>>,
    /// Their identifiers are those of no other socket.
    pub(crate) servers: BTreeMap<SocketId, ServerSocket>,
    pub(crate) outbox: Outbox,
    pub(crate) mailbox: Arc<Mailbox>,
    /// The TLS settings of the application, if there are any.
    pub(crate) tls: Option<Arc<TlsContext>>,
    /// The application's limit on the duration of `connect()` and of a handshake.
    pub(crate) connect_timeout: Option<Duration>,
    /// The application's limit on the number of sockets.
    pub(crate) max_sockets: Option<usize>,
    /// Whether connections leave some of the process's descriptors unused.
    pub(crate) spares_descriptors: bool,
    /// Pending name resolutions.
    pub(crate) resolving: usize,
    /// Sockets that are connected or connecting, and server sockets that listen.
    pub(crate) live: usize,
    /// Sockets that do not keep the event loop alive while they are connected.
    unreferenced: BTreeSet<SocketId>,
    /// Bytes of pending sends, which count towards the write quota.
    pub(crate) unsent: usize,
    /// Sockets with bytes that were read but not delivered.
    pub(crate) holding: usize,
    /// The buffer for the next read. Idle sockets have none.
    pub(crate) spare: Vec<u8>,
    /// Created by the first connection.
    pub(crate) poller: Option<Poller>,
    pub(crate) linger: Linger,
    pub(crate) counters: Counters,
    pub(crate) shift: Shift,
    /// Events delivered since the poller was queried.
    delivered: usize,
    /// The socket whose bytes were announced to JavaScript, and their number.
    pub(crate) taking: Option<(SocketId, usize)>,
    /// The failure of the request that was delivered last.
    pub(crate) failure: Option<Failure>,
    /// The connection that was delivered last.
    pub(crate) accepted: Option<SocketId>,
    /// Ready sockets that the table has not handled yet.
    found: VecDeque<(SocketId, Ready)>,
    /// Notices that were collected but not handled yet.
    notices: VecDeque<Notice>,
}

/// The events to deliver, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    entries: VecDeque<Entry>,
    /// Completions that follow those of the other calls of this turn of the event loop: Chromium's
    /// browser process has to ask its network process for them.
    later: Vec<(SocketId, Event)>,
    /// Whether [`Entry::Look`] is queued.
    looks: bool,
    /// Counts the turns of the event loop.
    turn: u32,
}

/// An entry of the outbox.
enum Entry {
    Event(Event),
    /// The socket is probably readable. It is read when this marker is reached, so that the bytes
    /// stay in the kernel until JavaScript is ready and no socket delays others.
    Read(SocketId),
    /// The socket has more to write than one turn allows.
    Write(SocketId),
    /// The server socket probably has a connection to accept.
    Accept(SocketId),
    /// All earlier entries have been handled: query the poller.
    Look,
    /// The entries behind this one wait for the next turn of the event loop; see
    /// [`Outbox::wait_for_turn`].
    Turn(u32),
}

impl Outbox {
    /// The request succeeded.
    pub(crate) fn complete(&mut self, request: u32) {
        self.end(request, Ok(()));
    }

    /// The request failed.
    pub(crate) fn fail(&mut self, request: u32, failure: impl Into<Failure>) {
        self.end(request, Err(failure.into()));
    }

    fn end(&mut self, request: u32, outcome: Outcome) {
        self.entries
            .push_back(Entry::Event(Event::Complete { request, outcome }));
    }

    /// The request named an unknown socket. Its callback gets no argument.
    pub(crate) fn not_found(&mut self, request: u32) {
        self.fail(request, Failure::without_code(SOCKET_NOT_FOUND));
    }

    /// The socket stops receiving.
    pub(crate) fn receive_error(
        &mut self,
        socket_id: SocketId,
        error: NetError,
        cause: Option<NetError>,
    ) {
        self.entries.push_back(Entry::Event(Event::ReceiveError {
            socket_id,
            error,
            cause,
        }));
    }

    /// An event follows.
    pub(crate) fn event(&mut self, event: Event) {
        self.entries.push_back(Entry::Event(event));
    }

    /// Completes the request after the other calls of this turn of the event loop.
    fn complete_later(&mut self, socket_id: SocketId, request: u32, outcome: Outcome) {
        let event = Event::Complete { request, outcome };
        self.later.push((socket_id, event));
    }

    /// Queues a socket's deferred completions now, because the socket is about to change.
    fn answer_now(&mut self, socket_id: SocketId) {
        let answers = self.later.extract_if(.., |(id, _)| *id == socket_id);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// Queues the deferred completions: the turn of the event loop in which the calls were made is
    /// over.
    fn answer_late(&mut self) {
        let answers = self.later.drain(..);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// Lets the event loop poll before the following events. A server in the same event loop then
    /// gets its connection before the client's callback runs, as with `node:net`.
    pub(crate) fn wait_for_turn(&mut self) {
        self.entries.push_back(Entry::Turn(self.turn));
    }

    /// Removes the successes of `count` requests from `first` on, if the outbox holds no other
    /// event.
    fn take_successes(&mut self, first: u32, count: usize) -> bool {
        let mut expected = first;
        let taken = self.entries.len() == count + usize::from(self.looks)
            && self.entries.iter().all(|entry| {
                if matches!(entry, Entry::Look) {
                    return true;
                }
                let request = expected;
                expected = expected.wrapping_add(1);
                matches!(
                    entry,
                    Entry::Event(Event::Complete { request: ended, outcome: Ok(()) })
                        if *ended == request
                )
            });
        if taken {
            self.entries.clear();
            self.looks = false;
        }
        taken
    }

    /// Queries the poller again after all queued entries, if there are any.
    fn look_later(&mut self) {
        if !self.entries.is_empty() && !mem::replace(&mut self.looks, true) {
            self.entries.push_back(Entry::Look);
        }
    }

    /// Queues a read marker for the socket.
    pub(crate) fn read(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Read(socket_id));
    }

    /// Queues an accept marker for the server socket.
    pub(crate) fn accept(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Accept(socket_id));
    }

    /// Queues more writing for the socket.
    pub(crate) fn write(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Write(socket_id));
    }
}

/// Finds a socket, or completes `request` with an error and returns from the method.
macro_rules! find {
    ($table:ident, $socket_id:expr, $request:expr) => {
        match $table.sockets.get_mut(&$socket_id) {
            Some(socket) => socket,
            None => return $table.outbox.not_found($request),
        }
    };
}
pub(crate) use find;

impl SocketTable {
    /// Creates a socket. Returns its identifier, which is unique in the process; `None` if the
    /// limit is reached.
    pub(crate) fn create(
        &mut self,
        request: u32,
        properties: SocketProperties,
    ) -> Option<SocketId> {
        let socket_id = self.new_id(request)?;
        let mut socket = Box::<Socket>::default();
        socket.apply(properties);
        self.sockets.insert(socket_id, socket);
        self.outbox.complete(request);
        Some(socket_id)
    }

    /// An identifier for a socket that `request` creates; `None` if the limit is reached.
    pub(crate) fn new_id(&mut self, request: u32) -> Option<SocketId> {
        if self.is_full() {
            self.outbox
                .fail(request, Failure::without_code(TOO_MANY_SOCKETS));
            return None;
        }
        Some(Self::next_id())
    }

    /// An identifier that no other socket of the process has.
    pub(crate) fn next_id() -> SocketId {
        static NEXT_ID: AtomicI32 = AtomicI32::new(1);
        NEXT_ID.fetch_add(1, Ordering::Relaxed)
    }

    /// Whether the limit on sockets is reached.
    pub(crate) fn is_full(&self) -> bool {
        let count = self.sockets.len() + self.servers.len();
        self.max_sockets.is_some_and(|max| count >= max)
    }

    /// Changes properties.
    pub(crate) fn update(&mut self, request: u32, socket_id: SocketId, changes: SocketProperties) {
        find!(self, socket_id, request).apply(changes);
        self.outbox.complete(request);
    }

    /// Pauses or resumes a socket.
    pub(crate) fn set_paused(&mut self, request: u32, socket_id: SocketId, paused: bool) {
        let socket = find!(self, socket_id, request);
        let resumed = socket.paused && !paused;
        socket.paused = paused;
        self.outbox.complete(request);
        // Data that has already arrived is still delivered after the completions of this tick's
        // calls.
        socket.answered |= resumed && socket.read.is_none();
        if resumed && self.start_read(socket_id) && !self.end_if_over(socket_id) {
            self.mailbox.post(Notice::Readable(socket_id));
        }
    }

    /// Sets an option of a connected socket.
    pub(crate) fn set_option(&mut self, request: u32, socket_id: SocketId, option: SocketOption) {
        let Some(socket) = self.sockets.get(&socket_id) else {
            let failure = Failure::worded(NetError::Failed, SOCKET_NOT_FOUND);
            return self.outbox.fail(request, failure);
        };
        let outcome = if socket.set_option(option) {
            Ok(())
        } else {
            Err(NetError::Failed.into())
        };
        if socket.secured || !socket.has_tcp_socket() {
            self.outbox.end(request, outcome);
        } else {
            self.outbox.complete_later(socket_id, request, outcome);
        }
    }

    /// Describes a socket; `None` if it does not exist.
    pub(crate) fn info(&mut self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        let info = self
            .sockets
            .get(&socket_id)
            .map(|socket| socket.info(socket_id));
        match info {
            Some(_) => self.outbox.complete(request),
            None => self.outbox.not_found(request),
        }
        info
    }

    /// Describes all sockets, oldest first.
    pub(crate) fn infos(&mut self, request: u32) -> Vec<SocketInfo> {
        self.outbox.complete(request);
        self.sockets
            .iter()
            .map(|(&id, socket)| socket.info(id))
            .collect()
    }

    /// Closes the connection of a socket and keeps the socket.
    pub(crate) fn disconnect(&mut self, request: u32, socket_id: SocketId) {
        find!(self, socket_id, request);
        let was_reading = self.cut(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Closes a socket.
    pub(crate) fn close(&mut self, request: u32, socket_id: SocketId) {
        find!(self, socket_id, request);
        let was_reading = self.remove(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Ends a connection and aborts its pending calls with [`NetError::Aborted`]. Returns whether a
    /// read was in flight, whose end must be reported.
    pub(crate) fn cut(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return false;
        };
        self.outbox.answer_now(socket_id);
        match mem::take(&mut socket.connection) {
            Connection::Disconnected => return false,
            Connection::Connected(link) => {
                if let Some(poller) = &self.poller {
                    link.transport.end(poller);
                }
            }
            Connection::Connecting { request, .. } => self.outbox.fail(request, NetError::Aborted),
            Connection::Securing {
                request, handshake, ..
            } => {
                drop(handshake);
                self.outbox.fail(request, NetError::Aborted);
            }
        }
        self.live -= 1;
        for (request, length) in socket.writes.abandon() {
            self.unsent -= length;
            self.outbox.fail(request, NetError::Aborted);
        }
        let was_reading = socket.read.take().is_some();
        self.drop_read_ahead(socket_id);
        was_reading
    }

    /// Removes a socket; like [`Self::cut`].
    pub(crate) fn remove(&mut self, socket_id: SocketId) -> bool {
        let was_reading = self.cut(socket_id);
        self.sockets.remove(&socket_id);
        was_reading
    }

    /// Reports the end of the connection to a read in flight. Chromium reports every end, including
    /// its own close, as `ERR_CONNECTION_CLOSED`, and leaves the socket paused.
    pub(crate) fn report_closed(&mut self, socket_id: SocketId) {
        self.report_end(socket_id, None);
    }

    /// Like [`Self::report_closed`], for a connection that may have failed.
    pub(crate) fn report_end(&mut self, socket_id: SocketId, cause: Option<NetError>) {
        self.outbox
            .receive_error(socket_id, NetError::ConnectionClosed, cause);
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket.paused = true;
        }
    }

    /// Decides whether a socket keeps the event loop alive while it is connected.
    pub(crate) fn set_referenced(&mut self, socket_id: SocketId, referenced: bool) {
        if referenced {
            self.unreferenced.remove(&socket_id);
        } else {
            self.unreferenced.insert(socket_id);
        }
    }

    /// Whether the event loop is to be kept alive: an event or a pending call is outstanding, or a
    /// referenced socket is connected.
    pub(crate) fn keeps_loop(&mut self) -> bool {
        if self.has_news() || self.resolving > 0 || self.live > self.unreferenced.len() {
            return true;
        }
        let sockets = &self.sockets;
        self.unreferenced.retain(|id| {
            sockets
                .get(id)
                .is_some_and(|socket| matches!(socket.connection, Connection::Connected(_)))
        });
        self.live > self.unreferenced.len()
    }

    /// Whether an event is queued.
    pub(crate) fn has_news(&self) -> bool {
        !self.outbox.entries.is_empty() || !self.outbox.later.is_empty()
    }

    /// The next event. JavaScript requests each event in a job of its own, so that microtasks run
    /// between two events, as in Chromium. `turned` says whether the event loop has turned since
    /// the last request.
    pub(crate) fn next_event(&mut self, turned: bool) -> Next {
        if turned {
            self.shift = Shift::begin();
            self.outbox.turn = self.outbox.turn.wrapping_add(1);
        } else if self.shift.is_over() {
            return Next::Turn;
        }
        self.untaken();
        self.outbox.answer_late();
        self.handle_notices();
        // If each event causes the next, the outbox is never empty.
        if self.delivered >= LOOK_AFTER {
            self.outbox.look_later();
        }
        let mut looked = false;
        loop {
            while let Some(entry) = self.outbox.entries.pop_front() {
                let event = match entry {
                    Entry::Event(event) => Some(event),
                    Entry::Read(socket_id) => self.read(socket_id),
                    Entry::Accept(socket_id) => self.accept(socket_id),
                    Entry::Write(socket_id) => {
                        self.continue_writing(socket_id);
                        None
                    }
                    Entry::Turn(turn) if turn == self.outbox.turn => {
                        self.outbox.entries.push_front(entry);
                        return Next::Turn;
                    }
                    Entry::Turn(_) => None,
                    Entry::Look => {
                        self.outbox.looks = false;
                        if self.delivered < LOOK_AFTER && !self.outbox.entries.is_empty() {
                            self.outbox.look_later();
                        } else {
                            looked = self.look_around() == 0;
                        }
                        None
                    }
                };
                if let Some(event) = event {
                    self.delivered += 1;
                    self.counters.events_delivered += 1;
                    self.shift.deliver();
                    return Next::Event(event);
                }
                if self.shift.work() {
                    return Next::Turn;
                }
            }
            if !looked {
                looked = self.look_around() == 0;
            } else if self.notices.is_empty()
                && let Some(next) = self.rest()
            {
                return next;
            } else {
                self.handle_notices();
                looked = false;
            }
            // Peers can make sockets ready forever without causing an event.
            if self.shift.work() {
                return Next::Turn;
            }
        }
    }

    /// Leaves the successes of `count` requests from `first` on to JavaScript, if the outbox holds
    /// no other event. From time to time this is refused: an application that sends from each
    /// send's callback would otherwise never get another event.
    pub(crate) fn leave_successes(&mut self, first: u32, count: usize) -> bool {
        let left = self.delivered < LOOK_AFTER && self.outbox.take_successes(first, count);
        if left {
            self.delivered += count;
            self.counters.events_delivered += count;
        }
        left
    }

    /// Handles notices until there are none or the time of the turn is used up.
    fn handle_notices(&mut self) {
        if self.notices.is_empty() {
            self.notices = self.mailbox.collect();
        }
        while let Some(notice) = self.notices.pop_front() {
            self.linger.found();
            self.handle(notice);
            if self.shift.work() {
                return;
            }
        }
    }

    /// Prepares to sleep. `None` if an event has arrived in the meantime.
    fn rest(&mut self) -> Option<Next> {
        if self.is_idle() {
            self.mailbox.detach();
            return Some(Next::Event(Event::Detached));
        }
        if self.linger.continues() {
            return Some(Next::Linger);
        }
        if !self.mailbox.sleep() {
            return None;
        }
        // From here on, other threads wake this one.
        if let Some(poller) = &self.poller {
            poller.arm();
        }
        Some(Next::Nothing)
    }

    /// Queries the poller and handles ready sockets until the time of the turn is used up. Returns
    /// their number.
    pub(crate) fn look_around(&mut self) -> usize {
        self.delivered = 0;
        let Some(poller) = &self.poller else {
            return 0;
        };
        if self.found.is_empty() {
            poller.collect(&mut self.found);
        }
        let mut count = 0;
        while let Some((socket_id, ready)) = self.found.pop_front() {
            self.note(socket_id, ready);
            count += 1;
            if self.shift.work() {
                break;
            }
        }
        if count > 0 {
            self.linger.found();
        }
        self.outbox.look_later();
        count
    }

    fn note(&mut self, socket_id: SocketId, ready: Ready) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return self.note_connections(socket_id, ready);
        };
        match &mut socket.connection {
            Connection::Connecting { attempt, .. } => attempt.note(ready),
            Connection::Connected(link) => link.transport.note(ready),
            Connection::Disconnected | Connection::Securing { .. } => return,
        }
        if ready.write {
            self.writable(socket_id);
        }
        if ready.read {
            self.readable(socket_id);
        }
    }

    fn readable(&mut self, socket_id: SocketId) {
        let Some(socket) = self.sockets.get(&socket_id) else {
            return self.give_accept_turn(socket_id);
        };
        if socket.read.is_some() || socket.listens() {
            self.give_turn(socket_id);
        }
    }

    fn writable(&mut self, socket_id: SocketId) {
        if !self.continue_attempt(socket_id) {
            self.flush(socket_id);
        }
    }

    /// Takes a socket back from its idle task.
    fn settled(&mut self, socket_id: SocketId) {
        if let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller)
            && let Connection::Connected(link) = &mut socket.connection
        {
            link.transport.settle(poller);
            if socket.read.is_some() && link.transport.is_read_ready() {
                self.give_turn(socket_id);
            }
        }
    }

    /// Whether no event can occur until JavaScript makes a call.
    fn is_idle(&self) -> bool {
        !self.has_news() && self.notices.is_empty() && self.resolving == 0 && self.live == 0
    }

    fn handle(&mut self, notice: Notice) {
        match notice {
            Notice::Resolved {
                request,
                socket_id,
                port,
                deadline,
                result,
            } => {
                self.resolved(request, socket_id, port, deadline, result);
            }
            Notice::Listening { request, socket_id } => self.listening(request, socket_id),
            Notice::Readable(socket_id) => self.readable(socket_id),
            Notice::Writable(socket_id) => self.writable(socket_id),
            Notice::Settled(socket_id) => self.settled(socket_id),
            Notice::Secured {
                request,
                socket_id,
                result,
            } => {
                self.secured(request, socket_id, result);
            }
        }
    }
}
