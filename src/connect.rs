//! `connect()`: resolve, then attempt, then read.

use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use std::time::Instant;

use tokio::time::timeout_at;

use crate::attempt::Attempt;
use crate::event::Failure;
use crate::mailbox::Notice;
use crate::net_error::NetError;
use crate::readiness::{PolledSocket, Poller};
use crate::resolver::{self, AddressFamily, Resolution};
use crate::runtime::{self, OwnedTask};
use crate::socket::{Connection, Ends, Link, SocketId};
use crate::table::{SocketTable, find};
use crate::transport::Transport;

/// A name that is being resolved, and what it is for.
#[derive(Default)]
pub(crate) struct Resolving {
    port: u16,
    /// When connecting must have succeeded, if there is a limit.
    deadline: Option<Instant>,
    /// Who asks for it, if anyone has to.
    _look_up: Option<OwnedTask>,
}

impl SocketTable {
    /// Connects a socket to a host, whose name is remembered for `secure()` even if this fails.
    ///
    /// Whether the socket can be connected is decided when the name is resolved, which always takes
    /// a turn: until then `disconnect()` has no effect on it and several calls may overlap, as in
    /// Chromium.
    pub(crate) fn connect(
        &mut self,
        request: u32,
        socket_id: SocketId,
        host: String,
        port: u16,
        family: AddressFamily,
    ) {
        let socket = find!(self, socket_id, request);
        socket.host.clone_from(&host);
        self.counters.connects_started += 1;
        let deadline = self.connect_timeout.map(|limit| Instant::now() + limit);
        let resolved = move |result| Notice::Resolved {
            request,
            socket_id,
            result,
        };
        let mut look_up = None;
        match resolver::resolve(&host, family) {
            Resolution::Known(result) => self.mailbox.post(resolved(result)),
            Resolution::LookUp => {
                let promise = self
                    .mailbox
                    .promise(resolved(Err(NetError::NameNotResolved)));
                if let Ok(runtime) = runtime::handle() {
                    let answer = runtime::look_up(move || resolver::look_up(&host, family));
                    let task = runtime.spawn(async move {
                        let answer = match deadline {
                            None => answer.await,
                            // A look-up cannot be ended; at the deadline nobody waits for it any more.
                            Some(deadline) => timeout_at(deadline.into(), answer)
                                .await
                                .unwrap_or(Some(Err(NetError::ConnectionTimedOut))),
                        };
                        let answer = answer.unwrap_or(Err(NetError::NameNotResolved));
                        promise.keep(resolved(answer));
                    });
                    look_up = Some(OwnedTask(task.abort_handle()));
                }
            }
        }
        let resolving = Resolving {
            port,
            deadline,
            _look_up: look_up,
        };
        self.resolving.insert((socket_id, request), resolving);
    }

    /// Nobody waits for the names that a socket was to be connected to: it is gone. Chromium tells so
    /// only when the resolver has answered, and what, if it was an error; meanwhile nothing here would
    /// keep an environment from its end but that.
    pub(crate) fn give_up_look_ups(&mut self, socket_id: SocketId) {
        let calls = (socket_id, u32::MIN)..=(socket_id, u32::MAX);
        for &(_, request) in self.resolving.range(calls).map(|(call, _)| call) {
            // As for every name that is resolved, after the answers to the calls of this tick.
            self.mailbox.post(Notice::Resolved {
                request,
                socket_id,
                result: Ok(Vec::new()),
            });
        }
    }

    /// A connect that the application's manifest does not allow. The name is remembered all the same.
    pub(crate) fn deny_connect(&mut self, request: u32, socket_id: SocketId, host: String) {
        find!(self, socket_id, request).host = host;
        self.counters.connects_started += 1;
        self.outbox
            .fail(request, Failure::without_code("Does not have permission"));
    }

    /// The name is resolved: the moment at which Chromium looks at the socket again.
    pub(crate) fn resolved(
        &mut self,
        request: u32,
        socket_id: SocketId,
        result: Result<Vec<IpAddr>, NetError>,
    ) {
        // Of a socket that is gone it was told before.
        let Some(Resolving { port, deadline, .. }) = self.resolving.remove(&(socket_id, request))
        else {
            return;
        };
        let addresses = match result {
            Ok(addresses) => addresses,
            Err(error) => return self.outbox.fail(request, error),
        };
        let socket = find!(self, socket_id, request);
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
        let attempt = Attempt::new(addresses, port, deadline);
        socket.connection = Connection::Connecting { request, attempt };
        self.live += 1;
        self.continue_attempt(socket_id);
    }

    /// Goes on with a connection attempt; false if there is none.
    pub(crate) fn continue_attempt(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return false;
        };
        let Connection::Connecting { attempt, request } = &mut socket.connection else {
            return false;
        };
        let request = *request;
        let polled = match Poller::get(&mut self.poller, &self.mailbox) {
            Ok(poller) => attempt.poll(poller, &self.mailbox, socket_id),
            Err(error) => Poll::Ready(Err(NetError::from_connect(&error))),
        };
        let Poll::Ready(result) = polled else {
            return true;
        };
        match result.and_then(with_ends) {
            Ok((polled, ends)) => {
                socket.connection = Connection::Connected(Link {
                    transport: Transport::Plain(polled),
                    ends,
                    broken: false,
                });
                self.counters.connects_succeeded += 1;
                self.outbox.complete(request);
                socket.answered = true;
                if self.start_read(socket_id) {
                    self.give_turn(socket_id);
                }
            }
            Err(error) => {
                socket.connection = Connection::Disconnected;
                self.live -= 1;
                self.outbox.fail(request, error);
            }
        }
        true
    }
}

/// A peer that has gone again cannot be named, and the attempt has failed, as in Chromium.
fn with_ends((socket, peer): (PolledSocket, SocketAddr)) -> Result<(PolledSocket, Ends), NetError> {
    let ends = Ends::of(&socket, peer).ok_or(NetError::SocketNotConnected)?;
    Ok((socket, ends))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::socket::SocketProperties;
    use crate::testing::{Application, SilentResolver, Told};

    fn connect_by_name(application: &mut Application, socket_id: SocketId) -> u32 {
        let request = application.request();
        let (table, host) = (&mut application.table, "a.test".to_owned());
        table.connect(request, socket_id, host, 80, AddressFamily::Any);
        request
    }

    #[test]
    fn a_socket_that_closes_waits_for_no_resolver() {
        let resolver = SilentResolver::new();
        let mut application = Application::new();
        let socket_id = application.create(SocketProperties::default());
        let connects = [(); 2].map(|()| connect_by_name(&mut application, socket_id));
        let (disconnect, close) = (application.request(), application.request());
        application.table.disconnect(disconnect, socket_id);
        application.table.close(close, socket_id);
        for request in [disconnect, close] {
            assert_eq!(application.outcome(request), Ok(()));
        }
        for request in connects {
            let not_found = Failure::without_code("Socket not found");
            assert_eq!(application.outcome(request), Err(not_found));
        }
        assert_eq!(application.event(), Told::Detached);

        // The answers that come after all are nobody's.
        drop(resolver);
        application.attach();
        assert_eq!(application.event(), Told::Detached);
        assert_eq!(application.table.statistics().connects_failed, 2);
    }
}
