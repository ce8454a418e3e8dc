//! The socket table of one environment, and its outbox of events for JavaScript.
//!
//! The table belongs to the JavaScript thread, which handles every call and every notice of the
//! runtime one after the other, as Chromium's browser thread does. No code sees a half-changed
//! state, and events are delivered in the order in which they were decided.

mod connect;
mod counters;
mod deliver;
mod load;
pub(crate) mod orphans;
mod outbox;
mod receive;
mod secure;
mod send;
mod server;
pub(crate) mod statistics;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;

use self::counters::Counters;
use crate::event::{Failure, Request};
use crate::ids::{IdSequence, SocketId};
use crate::net::options::SocketOption;
use crate::net_error::NetError;
use crate::ready::Ready;
use crate::socket::server::ServerSocket;
use crate::socket::{Connection, Socket, SocketInfo, SocketProperties};
use crate::tls::handshake::TlsContext;
use crate::wake::budget::{DeliveryBudget, SincePoll};
use crate::wake::busy_poll::BusyPoll;
use crate::wake::mailbox::{Mailbox, WakeFn};
use crate::wake::notice::Notice;
use crate::wake::readiness::Poller;

use self::load::Load;
use self::outbox::Outbox;
pub(crate) use self::outbox::SOCKET_NOT_FOUND;

/// The message for an exceeded limit on sockets, which Chromium does not have.
const TOO_MANY_SOCKETS: &str = "Too many sockets";

/// The sockets of one environment.
#[derive(Default)]
pub(crate) struct SocketTable {
    /// Boxed, because a hash table allocates more slots than it uses.
    sockets: FxHashMap<SocketId, Box<Socket>>,
    /// Their identifiers are those of no other socket.
    servers: BTreeMap<SocketId, ServerSocket>,
    outbox: Outbox,
    mailbox: Arc<Mailbox>,
    /// The TLS settings of the application, if there are any.
    tls: Option<Arc<TlsContext>>,
    /// The application's limit on the duration of `connect()` and of a handshake.
    connect_timeout: Option<Duration>,
    /// The application's limit on the number of sockets.
    max_sockets: Option<usize>,
    /// Whether connections leave some of the process's descriptors unused.
    spares_descriptors: bool,
    load: Load,
    /// Sockets that do not keep the event loop alive while they are connected.
    unreferenced: BTreeSet<SocketId>,
    /// The buffer for the next read. Idle sockets have none.
    spare: Vec<u8>,
    /// Created by the first connection.
    poller: Option<Poller>,
    busy_poll: BusyPoll,
    counters: Counters,
    budget: DeliveryBudget,
    since_poll: SincePoll,
    /// The socket whose bytes were announced to JavaScript, and their number.
    announced: Option<(SocketId, usize)>,
    /// The failure of the request that was delivered last.
    failure: Option<Failure>,
    /// The connection that was delivered last.
    accepted: Option<SocketId>,
    /// Ready sockets that the table has not handled yet.
    ready_sockets: VecDeque<(SocketId, Ready)>,
    /// Notices that were collected but not handled yet.
    notices: VecDeque<Notice>,
}

/// Finds a client or server socket, or completes `request` with an error and returns from the method.
macro_rules! find {
    ($table:ident.$sockets:ident, $socket_id:expr, $request:expr) => {
        match $table.$sockets.get_mut(&$socket_id) {
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
        request: Request,
        properties: SocketProperties,
    ) -> Option<SocketId> {
        let socket_id = self.new_id(request)?;
        let mut socket = Box::<Socket>::default();
        socket.apply(properties);
        self.sockets.insert(socket_id, socket);
        Some(socket_id)
    }

    /// Completes a request that creates a socket. Returns the identifier; `None` if the limit is
    /// reached.
    pub(crate) fn new_id(&mut self, request: Request) -> Option<SocketId> {
        if self.is_full() {
            self.outbox
                .fail(request, Failure::without_code(TOO_MANY_SOCKETS));
            return None;
        }
        self.outbox.complete(request);
        Some(self.next_id())
    }

    /// An identifier that no other socket of the process has. After 2³¹ sockets, only the identifiers
    /// of this table are certain to be left out.
    pub(crate) fn next_id(&self) -> SocketId {
        static IDS: IdSequence = IdSequence::new();
        IDS.next(|id| self.sockets.contains_key(&id) || self.servers.contains_key(&id))
    }

    /// Whether the limit on sockets is reached.
    pub(crate) fn is_full(&self) -> bool {
        let count = self.sockets.len() + self.servers.len();
        self.max_sockets.is_some_and(|max| count >= max)
    }

    /// Changes properties.
    pub(crate) fn update(
        &mut self,
        request: Request,
        socket_id: SocketId,
        changes: SocketProperties,
    ) {
        find!(self.sockets, socket_id, request).apply(changes);
        self.outbox.complete(request);
    }

    /// Pauses or resumes a socket.
    pub(crate) fn set_paused(&mut self, request: Request, socket_id: SocketId, paused: bool) {
        let socket = find!(self.sockets, socket_id, request);
        let resumed = socket.paused && !paused;
        socket.paused = paused;
        self.outbox.complete(request);
        // Data that has already arrived is still delivered after the completions of this tick's
        // calls.
        if resumed && socket.link().is_none_or(|link| link.read.is_none()) {
            socket.read_marker.defer();
        }
        if resumed && self.start_read(socket_id) && !self.end_if_over(socket_id) {
            self.mailbox.post(Notice::Readable(socket_id));
        }
    }

    /// Sets an option of a connected socket.
    pub(crate) fn set_option(
        &mut self,
        request: Request,
        socket_id: SocketId,
        option: SocketOption,
    ) {
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
    pub(crate) fn info(&mut self, request: Request, socket_id: SocketId) -> Option<SocketInfo> {
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

    /// Describes all sockets, in no order.
    pub(crate) fn infos(&mut self, request: Request) -> Vec<SocketInfo> {
        self.outbox.complete(request);
        self.sockets
            .iter()
            .map(|(&id, socket)| socket.info(id))
            .collect()
    }

    /// Closes the connection of a socket and keeps the socket.
    pub(crate) fn disconnect(&mut self, request: Request, socket_id: SocketId) {
        find!(self.sockets, socket_id, request);
        let was_reading = self.abort_connection(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Closes a socket.
    pub(crate) fn close(&mut self, request: Request, socket_id: SocketId) {
        find!(self.sockets, socket_id, request);
        let was_reading = self.remove(socket_id);
        self.outbox.complete(request);
        if was_reading {
            self.report_closed(socket_id);
        }
    }

    /// Ends a connection and aborts its pending calls with [`NetError::Aborted`]. Returns whether a
    /// read was in flight, whose end must be reported.
    pub(crate) fn abort_connection(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return false;
        };
        self.outbox.answer_now(socket_id);
        let (mut was_reading, mut read_ahead) = (false, None);
        match mem::take(&mut socket.connection) {
            Connection::Disconnected => return false,
            Connection::Connected(mut link) => {
                was_reading = link.read.is_some();
                read_ahead = link.read_ahead.take();
                if let Some(poller) = &self.poller {
                    link.end(poller);
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
        self.load.close();
        for (request, length) in socket.writes.abandon() {
            self.load.release_bytes(length);
            self.outbox.fail(request, NetError::Aborted);
        }
        self.end_buffering(read_ahead);
        was_reading
    }

    /// Removes a socket; like [`Self::abort_connection`].
    pub(crate) fn remove(&mut self, socket_id: SocketId) -> bool {
        let was_reading = self.abort_connection(socket_id);
        self.sockets.remove(&socket_id);
        self.unreferenced.remove(&socket_id);
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
        } else if self.sockets.contains_key(&socket_id) {
            self.unreferenced.insert(socket_id);
        }
    }

    /// Whether the event loop is to be kept alive: an event or a pending call is outstanding, or a
    /// referenced socket is connected.
    pub(crate) fn keeps_loop(&mut self) -> bool {
        if self.has_news()
            || self.load.pending_lookups() > 0
            || self.load.open_connections() > self.unreferenced.len()
        {
            return true;
        }
        let sockets = &self.sockets;
        self.unreferenced.retain(|id| {
            sockets
                .get(id)
                .is_some_and(|socket| matches!(socket.connection, Connection::Connected(_)))
        });
        self.load.open_connections() > self.unreferenced.len()
    }

    /// Sets the function that wakes JavaScript; see [`Mailbox::attach`].
    pub(crate) fn attach(&self, wake: WakeFn) {
        self.mailbox.attach(wake);
    }

    /// Wakes JavaScript if an event is queued.
    pub(crate) fn wake_if_news(&self) {
        if self.has_news() {
            self.mailbox.wake();
        }
    }

    /// Sets the TLS settings of the application.
    pub(crate) fn set_tls(&mut self, context: TlsContext) {
        self.tls = Some(Arc::new(context));
    }

    /// Limits the duration of `connect()` and of a handshake.
    pub(crate) fn limit_connect(&mut self, limit: Option<Duration>) {
        self.connect_timeout = limit;
    }

    /// Limits the number of sockets.
    pub(crate) fn limit_sockets(&mut self, limit: Option<usize>) {
        self.max_sockets = limit;
    }

    /// Decides whether connections leave some of the process's descriptors unused.
    pub(crate) fn spare_descriptors(&mut self, spares: bool) {
        self.spares_descriptors = spares;
    }

    /// Whether an event is queued.
    pub(crate) fn has_news(&self) -> bool {
        self.outbox.has_events()
    }
}

/// What tests outside of this module look at.
#[cfg(test)]
impl SocketTable {
    pub(crate) fn socket(&self, socket_id: SocketId) -> &Socket {
        &self.sockets[&socket_id]
    }

    pub(crate) fn socket_mut(&mut self, socket_id: SocketId) -> &mut Socket {
        self.sockets.get_mut(&socket_id).unwrap()
    }

    /// A socket, and the poller that watches it.
    pub(crate) fn watched(&mut self, socket_id: SocketId) -> (&mut Socket, &Poller) {
        let socket = self.sockets.get_mut(&socket_id).unwrap();
        (socket, self.poller.as_ref().unwrap())
    }

    /// Gives a disconnected socket a connection.
    pub(crate) fn open(&mut self, socket_id: SocketId, connection: Connection) {
        self.socket_mut(socket_id).connection = connection;
        self.load.open();
    }

    pub(crate) fn queued_bytes(&self) -> usize {
        self.load.queued_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Application, Peer};

    #[test]
    fn a_closed_socket_does_not_stay_among_the_unreferenced() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        let table = &mut application.table;
        table.set_referenced(socket_id, false);
        assert_eq!(table.unreferenced.len(), 1);
        table.close(7.into(), socket_id);
        table.set_referenced(socket_id, false);
        assert!(table.unreferenced.is_empty());
    }
}
