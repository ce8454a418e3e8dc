//! `connect()`: resolves the host, attempts the connection, starts to read.

use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use tokio::time::timeout_at;

use crate::event::{Failure, Request};
use crate::ids::SocketId;
use crate::net::attempt::Attempt;
use crate::net::look_ups::{self, Owner, Unanswered};
use crate::net::resolver::{self, AddressFamily, Resolution};
use crate::net_error::NetError;
use crate::runtime;
use crate::socket::{Connection, Endpoints, Link};
use crate::table::{SocketTable, find};
use crate::transport::Transport;
use crate::wake::notice::Notice;
use crate::wake::readiness::{PolledSocket, Poller};

impl SocketTable {
    /// Connects a socket to a host. The host is remembered for `secure()` even if this fails.
    ///
    /// The socket's state is checked when the name is resolved, which always takes a turn. As in
    /// Chromium, `disconnect()` has no effect until then, and several calls may overlap.
    pub(crate) fn connect(
        &mut self,
        request: Request,
        socket_id: SocketId,
        host: String,
        port: u16,
        family: AddressFamily,
        page: Option<u32>,
    ) {
        let socket = find!(self.sockets, socket_id, request);
        socket.host.clone_from(&host);
        self.counters.connects_started += 1;
        self.load.start_lookup();
        let deadline = self.connect_timeout.map(|limit| Instant::now() + limit);
        let number = request.number();
        let resolved = move |result| Notice::Resolved {
            request,
            socket_id,
            port,
            deadline,
            result,
        };
        match resolver::resolve(&host, family) {
            Resolution::Known(result) => self.mailbox.post(resolved(result)),
            Resolution::LookUp => {
                let pending = self
                    .mailbox
                    .pending(resolved, Err(NetError::NameNotResolved));
                let Ok(runtime) = runtime::handle() else {
                    return;
                };
                let table = Arc::as_ptr(&self.mailbox).addr();
                let (look_up, waiting) = look_ups::queue(Owner { table, page });
                socket.look_ups.push((number, look_up));
                let answer = waiting.ask(move || resolver::look_up(&host, family));
                runtime.spawn(async move {
                    let answer = match deadline {
                        None => answer.await,
                        // A look-up cannot be cancelled. After the deadline its result is ignored.
                        Some(deadline) => timeout_at(deadline.into(), answer)
                            .await
                            .unwrap_or(Ok(Err(NetError::ConnectionTimedOut))),
                    };
                    pending.fulfil(match answer {
                        Ok(result) => result,
                        // The socket is closed.
                        Err(Unanswered::Withdrawn) => Ok(Vec::new()),
                        Err(Unanswered::Panicked) => Err(NetError::NameNotResolved),
                    });
                });
            }
        }
    }

    /// Completes a connect that the manifest does not allow. The host is remembered nevertheless.
    pub(crate) fn deny_connect(&mut self, request: Request, socket_id: SocketId, host: String) {
        find!(self.sockets, socket_id, request).host = host;
        self.counters.connects_started += 1;
        self.outbox
            .fail(request, Failure::without_code("Does not have permission"));
    }

    /// Handles a resolved name. Chromium checks the socket's state at this point, too.
    pub(crate) fn resolved(
        &mut self,
        request: Request,
        socket_id: SocketId,
        port: u16,
        deadline: Option<Instant>,
        result: Result<Vec<IpAddr>, NetError>,
    ) {
        self.load.end_lookup();
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket
                .look_ups
                .retain(|&(other, _)| other != request.number());
        }
        let addresses = match result {
            Ok(addresses) => addresses,
            Err(error) => return self.outbox.fail(request, error),
        };
        let socket = find!(self.sockets, socket_id, request);
        match &socket.connection {
            _ if socket.secured => return self.outbox.fail(request, NetError::ConnectionFailed),
            Connection::Connecting { .. } => {
                return self.outbox.fail(request, NetError::ConnectionFailed);
            }
            Connection::Connected(_) | Connection::Securing { .. } => {
                return self.outbox.fail(request, NetError::SocketIsConnected);
            }
            Connection::Disconnected => {}
        }
        let attempt =
            Attempt::new(addresses, port, deadline).sparing_descriptors(self.spares_descriptors);
        socket.connection = Connection::Connecting { request, attempt };
        self.load.open();
        self.continue_attempt(socket_id);
    }

    /// Continues a connection attempt. Returns `false` if there is none.
    pub(crate) fn continue_attempt(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return false;
        };
        let Connection::Connecting { attempt, .. } = &mut socket.connection else {
            return false;
        };
        // The resolver determines the number of addresses.
        if attempt.may_try_several() {
            self.budget.expect_costly_work();
        }
        let polled = match Poller::get(&mut self.poller, &self.mailbox) {
            Ok(poller) => attempt.poll(poller, &self.mailbox, socket_id),
            Err(error) => Poll::Ready(Err(NetError::from_connect(&error))),
        };
        let Poll::Ready(result) = polled else {
            return true;
        };
        let result = result.and_then(with_endpoints);
        let Connection::Connecting { request, .. } = mem::take(&mut socket.connection) else {
            return false;
        };
        match result {
            Ok((polled, endpoints)) => {
                socket.connection =
                    Connection::Connected(Link::new(Transport::Plain(polled), endpoints));
                self.counters.connects_succeeded += 1;
                self.outbox.wait_for_turn();
                self.outbox.complete(request);
                socket.read_marker.defer();
                if self.start_read(socket_id) {
                    self.queue_read(socket_id);
                }
            }
            Err(error) => {
                self.load.close();
                self.outbox.fail(request, error);
            }
        }
        true
    }
}

/// If the peer has already disconnected, its address is unknown and the attempt fails, as in
/// Chromium.
fn with_endpoints(
    (socket, peer): (PolledSocket, SocketAddr),
) -> Result<(PolledSocket, Endpoints), NetError> {
    let endpoints = Endpoints::of(&socket, peer).ok_or(NetError::SocketNotConnected)?;
    Ok((socket, endpoints))
}
