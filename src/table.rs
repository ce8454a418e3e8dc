//! The socket table of one environment, and what it has to tell JavaScript.
//!
//! The table belongs to the JavaScript thread: every call and every notice of the runtime is
//! handled there, one after the other, as Chromium handles them on its browser thread. So a state
//! is never seen half changed, and what is decided first is told first.

use std::collections::{BTreeMap, VecDeque};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use crate::event::{Event, Failure, Next, Outcome};
use crate::linger::{Linger, Shift};
use crate::mailbox::{Mailbox, Notice};
use crate::net_error::NetError;
use crate::readiness::{Poller, Ready};
use crate::socket::{Connection, Socket, SocketId, SocketInfo, SocketProperties};
use crate::statistics::Counters;
use crate::tls_settings::TlsSettings;
use crate::transport::SocketOption;

/// No socket has this identifier (`extensions/browser/api/sockets_tcp/sockets_tcp_api.cc`).
pub(crate) const SOCKET_NOT_FOUND: &str = "Socket not found";

/// The application has as many sockets as it may have. Chromium knows no such limit.
const TOO_MANY_SOCKETS: &str = "Too many sockets";

/// While there is always something to deliver, the poller is asked after this many events.
const LOOK_AFTER: usize = 16;

/// The sockets of one environment.
#[derive(Default)]
pub(crate) struct SocketTable {
    /// Boxed, because a tree keeps room for more than it holds.
    pub(crate) sockets: BTreeMap<SocketId, Box<Socket>>,
    pub(crate) outbox: Outbox,
    pub(crate) mailbox: Arc<Mailbox>,
    /// What the application has set for TLS, if anything.
    pub(crate) tls: Option<Arc<TlsSettings>>,
    /// How long a `connect()` may take, where the application has set a limit.
    pub(crate) connect_timeout: Option<Duration>,
    /// How many sockets there may be, where the application has set a limit.
    pub(crate) max_sockets: Option<usize>,
    /// Whether connections leave some of the process's descriptors to others.
    pub(crate) spares_descriptors: bool,
    /// Name resolutions whose answer is still to come.
    pub(crate) resolving: usize,
    /// Sockets that are connected, or about to be.
    pub(crate) live: usize,
    /// Bytes of all sends that have not ended, which are held against the write quota.
    pub(crate) unsent: usize,
    /// Sockets that hold bytes which were read and not delivered yet.
    pub(crate) holding: usize,
    /// The buffer of the next read: idle sockets have none of their own.
    pub(crate) spare: Vec<u8>,
    /// There as soon as anything was connected.
    pub(crate) poller: Option<Poller>,
    pub(crate) linger: Linger,
    pub(crate) counters: Counters,
    pub(crate) shift: Shift,
    /// How many events were delivered since the poller was asked.
    delivered: usize,
    /// The socket whose bytes JavaScript was told to take, and how many there are.
    pub(crate) taking: Option<(SocketId, usize)>,
    /// Why the request that was delivered last has failed.
    pub(crate) failure: Option<Failure>,
    /// Sockets that were found ready, and that the table has not looked at yet.
    found: VecDeque<(SocketId, Ready)>,
    /// Notices that were collected and not handled yet.
    notices: VecDeque<Notice>,
}

/// What is to be delivered, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    entries: VecDeque<Entry>,
    /// Answers that come after those to the other calls of this turn of the event loop: Chromium's
    /// browser process has to ask its network process for them.
    later: Vec<(SocketId, Event)>,
    /// Whether one of them is [`Entry::Look`].
    looks: bool,
    /// Counts the turns of the event loop.
    turn: u32,
}

/// One place in the outbox.
enum Entry {
    Event(Event),
    /// The socket is probably readable: read when it is its turn, so that bytes stay with the
    /// kernel until JavaScript is ready for them and no socket keeps others waiting.
    Read(SocketId),
    /// The socket has more to send than one turn may write.
    Write(SocketId),
    /// Everything before has had its turn: look which other sockets have become ready.
    Look,
    /// What follows waits until the event loop has left this turn; see [`Outbox::wait_for_turn`].
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

    /// The request named a socket that does not exist, and its callback gets no argument.
    pub(crate) fn not_found(&mut self, request: u32) {
        self.fail(request, Failure::without_code(SOCKET_NOT_FOUND));
    }

    /// The socket receives no more.
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

    /// The request ends after the other calls of this turn of the event loop.
    fn complete_later(&mut self, socket_id: SocketId, request: u32, outcome: Outcome) {
        let event = Event::Complete { request, outcome };
        self.later.push((socket_id, event));
    }

    /// Gives a socket's late answers their places, because nothing can be asked of it any more.
    fn answer_now(&mut self, socket_id: SocketId) {
        let answers = self.later.extract_if(.., |(id, _)| *id == socket_id);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// The turn of the event loop in which the calls were made is over.
    fn answer_late(&mut self) {
        let answers = self.later.drain(..);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// Has the event loop poll before it learns of what follows. A server in the same event loop then
    /// learns of a connection before the client does, as with `node:net`.
    pub(crate) fn wait_for_turn(&mut self) {
        self.entries.push_back(Entry::Turn(self.turn));
    }

    /// Takes back the successes of `count` requests from `first` on, if there is nothing else.
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

    /// Has the poller asked again when everything has had its turn, if there is anything.
    fn look_later(&mut self) {
        if !self.entries.is_empty() && !mem::replace(&mut self.looks, true) {
            self.entries.push_back(Entry::Look);
        }
    }

    /// The socket should be read.
    pub(crate) fn read(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Read(socket_id));
    }

    /// The socket should go on writing.
    pub(crate) fn write(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Write(socket_id));
    }
}

/// Finds a socket, or ends `request` and returns from the method.
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
    /// Makes a socket and returns its identifier, which no other of the process ever has; None if
    /// there are as many as there may be.
    pub(crate) fn create(
        &mut self,
        request: u32,
        properties: SocketProperties,
    ) -> Option<SocketId> {
        static NEXT_ID: AtomicI32 = AtomicI32::new(1);
        if self
            .max_sockets
            .is_some_and(|max| self.sockets.len() >= max)
        {
            self.outbox
                .fail(request, Failure::without_code(TOO_MANY_SOCKETS));
            return None;
        }
        let socket_id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        let mut socket = Box::<Socket>::default();
        socket.apply(properties);
        self.sockets.insert(socket_id, socket);
        self.outbox.complete(request);
        Some(socket_id)
    }

    /// Changes properties.
    pub(crate) fn update(&mut self, request: u32, socket_id: SocketId, changes: SocketProperties) {
        find!(self, socket_id, request).apply(changes);
        self.outbox.complete(request);
    }

    /// Pauses a socket, or lets it go on.
    pub(crate) fn set_paused(&mut self, request: u32, socket_id: SocketId, paused: bool) {
        let socket = find!(self, socket_id, request);
        let resumed = socket.paused && !paused;
        socket.paused = paused;
        self.outbox.complete(request);
        // Even what is there already comes after the answers to the calls of this tick.
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

    /// Describes a socket; None if there is no such socket.
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

    /// Ends the connection of a socket, which stays.
    pub(crate) fn disconnect(&mut self, request: u32, socket_id: SocketId) {
        find!(self, socket_id, request);
        let was_reading = self.cut(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Ends a socket.
    pub(crate) fn close(&mut self, request: u32, socket_id: SocketId) {
        find!(self, socket_id, request);
        let was_reading = self.remove(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Ends a connection, and with [`NetError::Aborted`] whatever was pending on it. Returns
    /// whether a read was in flight, of whose end JavaScript is still to be told.
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

    /// Ends a socket; like [`Self::cut`].
    pub(crate) fn remove(&mut self, socket_id: SocketId) -> bool {
        let was_reading = self.cut(socket_id);
        self.sockets.remove(&socket_id);
        was_reading
    }

    /// Tells that a read in flight has met the end. Chromium reports every end of a connection,
    /// its own closing included, as `ERR_CONNECTION_CLOSED`, and leaves the socket paused.
    pub(crate) fn report_closed(&mut self, socket_id: SocketId) {
        self.report_end(socket_id, None);
    }

    /// Like [`Self::report_closed`], for a connection that may not have ended in order.
    pub(crate) fn report_end(&mut self, socket_id: SocketId, cause: Option<NetError>) {
        self.outbox
            .receive_error(socket_id, NetError::ConnectionClosed, cause);
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket.paused = true;
        }
    }

    /// Whether there is something to deliver.
    pub(crate) fn has_news(&self) -> bool {
        !self.outbox.entries.is_empty() || !self.outbox.later.is_empty()
    }

    /// What comes next. Each event is asked for by a job of its own, so that microtasks run between
    /// two events, as in Chromium. `turned` says whether the event loop has turned since the last
    /// question.
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
        // Where each event is the cause of the next, the outbox never runs empty by itself.
        if self.delivered >= LOOK_AFTER {
            self.outbox.look_later();
        }
        let mut looked = false;
        loop {
            while let Some(entry) = self.outbox.entries.pop_front() {
                let event = match entry {
                    Entry::Event(event) => Some(event),
                    Entry::Read(socket_id) => self.read(socket_id),
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
            // Peers may go on forever to make sockets ready that have nothing to deliver.
            if self.shift.work() {
                return Next::Turn;
            }
        }
    }

    /// Leaves the successes of `count` requests from `first` on to JavaScript, if there is nothing else
    /// to deliver. Now and then it must ask for them all the same: otherwise one that sends whenever a
    /// send has ended never learned of anything else.
    pub(crate) fn leave_successes(&mut self, first: u32, count: usize) -> bool {
        let left = self.delivered < LOOK_AFTER && self.outbox.take_successes(first, count);
        if left {
            self.delivered += count;
            self.counters.events_delivered += count;
        }
        left
    }

    /// Handles notices until there are none or the turn's time is used up.
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

    /// There is nothing to deliver for now; None if there is something after all.
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
        // Others notice from here on that something has happened.
        if let Some(poller) = &self.poller {
            poller.arm();
        }
        Some(Next::Nothing)
    }

    /// Looks which sockets have become ready, and gives them their turns until the turn's time is
    /// used up. Returns at how many it has looked.
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
            return;
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
        if let Some(socket) = self.sockets.get(&socket_id)
            && (socket.read.is_some() || socket.listens())
        {
            self.give_turn(socket_id);
        }
    }

    fn writable(&mut self, socket_id: SocketId) {
        if !self.continue_attempt(socket_id) {
            self.flush(socket_id);
        }
    }

    /// Gives a socket that has little to do back from its task.
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

    /// Whether nothing can happen any more unless JavaScript calls.
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
