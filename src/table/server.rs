//! Server sockets: `chrome.sockets.tcpServer`
//! (`extensions/browser/api/sockets_tcp_server/sockets_tcp_server_api.cc` and
//! `tcp_server_socket_event_dispatcher.cc`).
//!
//! A server socket shares the identifiers, the poller and the outbox of the table with the client sockets. A
//! connection that it accepts becomes an ordinary client socket, which is paused.

use std::io;
use std::mem;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;

use socket2::Socket as SystemSocket;

use crate::event::{Event, Failure, Request};
use crate::ids::SocketId;
use crate::net::attempt::leave_descriptors;
use crate::net::listener;
use crate::net_error::NetError;
use crate::ready::{Direction, Ready};
use crate::socket::server::{ServerSocket, State};
use crate::socket::{Endpoints, Identity, Link, Socket};
use crate::table::{SocketTable, find};
use crate::transport::Transport;
use crate::wake::notice::Notice;
use crate::wake::readiness::Poller;

/// The most connections that one turn finds aborted by their peers.
const MAX_ABORTED: u32 = 16;

impl SocketTable {
    /// Creates a server socket. Returns its identifier; `None` if the limit is reached.
    pub(crate) fn create_server(
        &mut self,
        request: Request,
        identity: Identity,
    ) -> Option<SocketId> {
        let socket_id = self.new_id(request)?;
        let server = ServerSocket {
            identity,
            ..ServerSocket::default()
        };
        self.servers.insert(socket_id, server);
        Some(socket_id)
    }

    /// Changes properties of a server socket.
    pub(crate) fn update_server(
        &mut self,
        request: Request,
        socket_id: SocketId,
        persistent: Option<bool>,
        name: Option<String>,
    ) {
        find!(self.servers, socket_id, request)
            .identity
            .apply(persistent, name);
        self.outbox.complete(request);
    }

    /// Pauses or resumes accepting.
    pub(crate) fn pause_server(&mut self, request: Request, socket_id: SocketId, paused: bool) {
        find!(self.servers, socket_id, request).paused = paused;
        self.outbox.complete(request);
        self.start_accept(socket_id);
    }

    /// Suspends a server socket whose owner has ended. Completes no request.
    pub(crate) fn suspend_server(&mut self, socket_id: SocketId) {
        if let Some(server) = self.servers.get_mut(&socket_id) {
            server.suspend();
        }
    }

    /// Listens on an address. A socket that listens already gives up its listener, as in Chromium.
    pub(crate) fn start_listening(
        &mut self,
        request: Request,
        socket_id: SocketId,
        address: &str,
        port: u16,
        backlog: Option<i32>,
    ) {
        let server = find!(self.servers, socket_id, request);
        let Ok(ip) = address.parse::<IpAddr>() else {
            return self.outbox.fail(request, NetError::InvalidArgument);
        };
        // Kept until the new listener has its port, which therefore cannot be that of the former.
        let former = match mem::take(&mut server.state) {
            State::Idle => {
                self.load.open();
                None
            }
            State::Starting { request, result } => {
                self.outbox.fail(request, NetError::Aborted);
                result.ok().map(|(listener, _)| listener)
            }
            State::Listening(listener) => Some(listener),
        };
        let backlog = backlog.unwrap_or(listener::DEFAULT_BACKLOG);
        let address = SocketAddr::new(ip, port);
        let result = listener::listen(address, backlog, self.spares_descriptors)
            .and_then(|(socket, local)| {
                let poller = Poller::get(&mut self.poller, &self.mailbox)?;
                Ok((poller.watch(socket, socket_id)?, local))
            })
            .map_err(|error| NetError::from_io(&error));
        drop(former);
        let call = request.number();
        server.state = State::Starting { request, result };
        self.mailbox.post(Notice::Listening { call, socket_id });
    }

    /// Completes a listen that the manifest does not allow.
    pub(crate) fn deny_listen(&mut self, request: Request, socket_id: SocketId) {
        find!(self.servers, socket_id, request);
        self.outbox
            .fail(request, Failure::without_code("Does not have permission"));
    }

    /// Completes a listen, unless it was aborted.
    pub(crate) fn listening(&mut self, call: u32, socket_id: SocketId) {
        let Some(server) = self.servers.get_mut(&socket_id) else {
            return;
        };
        let (request, result) = match mem::take(&mut server.state) {
            State::Starting { request, result } if request.number() == call => (request, result),
            other => {
                server.state = other;
                return;
            }
        };
        match result {
            Ok((listener, local)) => {
                server.state = State::Listening(listener);
                server.local = Some(local);
                self.outbox.complete(request);
                // An accept in flight is of the listener before.
                if mem::take(&mut server.accepting) && !server.paused {
                    let event = self.accept_failed(socket_id, NetError::Failed);
                    self.outbox.event(event);
                } else {
                    self.start_accept(socket_id);
                }
            }
            Err(error) => {
                self.load.close();
                self.outbox.fail(request, error);
            }
        }
    }

    /// Stops listening and keeps the socket.
    pub(crate) fn disconnect_server(&mut self, request: Request, socket_id: SocketId) {
        find!(self.servers, socket_id, request);
        self.stop(socket_id);
        self.outbox.complete(request);
    }

    /// Closes a server socket.
    pub(crate) fn close_server(&mut self, request: Request, socket_id: SocketId) {
        find!(self.servers, socket_id, request);
        self.stop(socket_id);
        self.servers.remove(&socket_id);
        self.outbox.complete(request);
    }

    /// Ends the listener, whose waiting connections the operating system resets.
    fn stop(&mut self, socket_id: SocketId) {
        let Some(server) = self.servers.get_mut(&socket_id) else {
            return;
        };
        match mem::take(&mut server.state) {
            State::Idle => return,
            State::Starting { request, .. } => self.outbox.fail(request, NetError::Aborted),
            State::Listening(_) => {}
        }
        self.load.close();
        server.local = None;
        server.accepting = false;
    }

    /// Starts an accept, unless the socket is paused or has one in flight.
    fn start_accept(&mut self, socket_id: SocketId) {
        let Some(server) = self.servers.get_mut(&socket_id) else {
            return;
        };
        let State::Listening(listener) = &mut server.state else {
            return;
        };
        if server.paused || mem::replace(&mut server.accepting, true) {
            return;
        }
        if listener.is_ready(Direction::Read) {
            self.queue_accept(socket_id);
        }
    }

    /// Notes that a listener may have connections. Does nothing for other identifiers.
    pub(crate) fn note_connections(&mut self, socket_id: SocketId, ready: Ready) {
        let Some(server) = self.servers.get_mut(&socket_id) else {
            return;
        };
        if let State::Listening(listener)
        | State::Starting {
            result: Ok((listener, _)),
            ..
        } = &mut server.state
        {
            listener.note(ready);
        }
        if ready.read {
            self.queue_accept(socket_id);
        }
    }

    /// Queues an accept marker for the socket, unless it has one or no accept is in flight.
    pub(crate) fn queue_accept(&mut self, socket_id: SocketId) {
        if let Some(server) = self.servers.get_mut(&socket_id)
            && server.accepting
            && !mem::replace(&mut server.accept_queued, true)
        {
            self.outbox.accept(socket_id);
        }
    }

    /// Accepts one connection, if there is one.
    pub(crate) fn accept(&mut self, socket_id: SocketId) -> Option<Event> {
        let is_full = self.is_full();
        let server = self.servers.get_mut(&socket_id)?;
        server.accept_queued = false;
        let State::Listening(listener) = &mut server.state else {
            return None;
        };
        if !server.accepting {
            return None;
        }
        if is_full {
            return match listener.poll_connection() {
                Poll::Pending => None,
                Poll::Ready(_) => {
                    Some(self.accept_failed(socket_id, NetError::InsufficientResources))
                }
            };
        }
        for _ in 0..MAX_ABORTED {
            match listener.poll_accept(listener::accept) {
                Poll::Pending => return None,
                Poll::Ready(Ok((socket, peer))) => {
                    return Some(self.accepted(socket_id, socket, peer));
                }
                // Its peer has reset it before: Chromium waits for the next, too.
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Poll::Ready(Err(error)) => {
                    return Some(self.accept_failed(socket_id, NetError::from_io(&error)));
                }
            }
        }
        self.queue_accept(socket_id);
        None
    }

    /// The socket of the connection that was delivered last.
    pub(crate) fn take_accepted(&mut self) -> Option<SocketId> {
        self.accepted.take()
    }

    /// Makes a client socket of an accepted connection.
    fn accepted(&mut self, socket_id: SocketId, socket: SystemSocket, peer: SocketAddr) -> Event {
        let client_id = self.next_id();
        let spared = if self.spares_descriptors {
            leave_descriptors(&socket)
        } else {
            Ok(())
        };
        let watched = spared
            .and_then(|()| Poller::get(&mut self.poller, &self.mailbox)?.watch(socket, client_id));
        let polled = match watched {
            Ok(polled) => polled,
            Err(error) => return self.accept_failed(socket_id, NetError::from_io(&error)),
        };
        let client = Socket::accepted(Link::new(
            Transport::Plain(polled),
            Endpoints { local: None, peer },
        ));
        self.sockets.insert(client_id, Box::new(client));
        self.load.open();
        self.counters.accepted += 1;
        if let Some(server) = self.servers.get_mut(&socket_id) {
            server.accepting = !server.paused;
            self.queue_accept(socket_id);
        }
        self.accepted = Some(client_id);
        Event::Accept {
            socket_id,
            client_id,
        }
    }

    /// Ends the accept in flight. The socket is paused until the application resumes it, so that an error
    /// that lasts causes one event.
    fn accept_failed(&mut self, socket_id: SocketId, error: NetError) -> Event {
        if let Some(server) = self.servers.get_mut(&socket_id) {
            server.accepting = false;
            server.paused = true;
        }
        self.counters.accepts_failed += 1;
        Event::AcceptError { socket_id, error }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;
    use crate::event::Outcome;
    use crate::testing::{Application, Delivered};

    fn server(application: &mut Application) -> SocketId {
        let request = application.request();
        let created = application
            .table
            .create_server(request.into(), Identity::default());
        assert_eq!(application.outcome(request), Ok(()));
        created.unwrap()
    }

    fn listen(application: &mut Application, socket_id: SocketId, port: u16) -> Outcome {
        let request = application.request();
        let table = &mut application.table;
        table.start_listening(request.into(), socket_id, "127.0.0.1", port, None);
        application.outcome(request)
    }

    fn pause(application: &mut Application, socket_id: SocketId, paused: bool) {
        let request = application.request();
        application
            .table
            .pause_server(request.into(), socket_id, paused);
        assert_eq!(application.outcome(request), Ok(()));
    }

    /// A server socket that listens, and its address.
    fn listening(application: &mut Application) -> (SocketId, SocketAddr) {
        let socket_id = server(application);
        assert_eq!(listen(application, socket_id, 0), Ok(()));
        let local = application.table.servers[&socket_id].local;
        (socket_id, local.unwrap())
    }

    fn accepted(application: &mut Application) -> SocketId {
        match application.event() {
            Delivered::Accept { client_id, .. } => client_id,
            other => panic!("{other:?} instead of a connection"),
        }
    }

    #[test]
    fn an_accepted_connection_is_a_paused_socket() {
        let mut application = Application::new();
        let (socket_id, address) = listening(&mut application);
        let stream = TcpStream::connect(address).unwrap();
        let event = application.event();
        let client_id = application.table.accepted.unwrap();
        let expected = Delivered::Accept {
            socket_id,
            client_id,
        };
        assert_eq!(event, expected);
        let request = application.request();
        let info = application.table.info(request.into(), client_id).unwrap();
        assert!(info.paused && info.connected && info.local_port.is_none());
        assert_eq!(info.peer_port, Some(stream.local_addr().unwrap().port()));
    }

    #[test]
    fn a_paused_server_accepts_one_connection_and_the_others_when_it_is_resumed() {
        let mut application = Application::new();
        let (socket_id, address) = listening(&mut application);
        pause(&mut application, socket_id, true);
        let _streams = [(); 3].map(|()| TcpStream::connect(address).unwrap());
        accepted(&mut application);
        pause(&mut application, socket_id, false);
        accepted(&mut application);
        accepted(&mut application);
    }

    #[test]
    fn an_accept_beyond_the_limit_raises_one_event_and_loses_no_connection() {
        let mut application = Application::new();
        let (socket_id, address) = listening(&mut application);
        application.table.max_sockets = Some(2);
        let _streams = [(); 2].map(|()| TcpStream::connect(address).unwrap());
        let client_id = accepted(&mut application);
        let error = NetError::InsufficientResources;
        assert_eq!(
            application.event(),
            Delivered::AcceptError { socket_id, error }
        );
        let request = application.request();
        application.table.close(request.into(), client_id);
        assert_eq!(application.outcome(request), Ok(()));
        pause(&mut application, socket_id, false);
        accepted(&mut application);
    }

    #[test]
    fn a_table_is_idle_when_its_last_server_is_closed() {
        let mut application = Application::new();
        let (socket_id, _) = listening(&mut application);
        let request = application.request();
        application.table.close_server(request.into(), socket_id);
        assert_eq!(application.outcome(request), Ok(()));
        assert_eq!(application.event(), Delivered::Detached);
    }

    #[test]
    fn a_listen_that_fails_leaves_an_idle_table() {
        let mut application = Application::new();
        let (taken, address) = listening(&mut application);
        let socket_id = server(&mut application);
        let outcome = listen(&mut application, socket_id, address.port());
        assert_eq!(outcome, Err(NetError::AddressInUse.into()));
        let request = application.request();
        application.table.close_server(request.into(), taken);
        assert_eq!(application.outcome(request), Ok(()));
        assert_eq!(application.event(), Delivered::Detached);
    }

    #[test]
    fn a_second_listen_cannot_have_the_port_of_the_first() {
        let mut application = Application::new();
        let (socket_id, address) = listening(&mut application);
        let outcome = listen(&mut application, socket_id, address.port());
        assert_eq!(outcome, Err(NetError::AddressInUse.into()));
        let refused = TcpStream::connect(address).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert_eq!(listen(&mut application, socket_id, address.port()), Ok(()));
    }

    #[test]
    fn a_disconnect_aborts_a_listen() {
        let mut application = Application::new();
        let socket_id = server(&mut application);
        let (first, second) = (application.request(), application.request());
        let table = &mut application.table;
        table.start_listening(first.into(), socket_id, "127.0.0.1", 0, None);
        table.disconnect_server(second.into(), socket_id);
        assert_eq!(application.outcome(first), Err(NetError::Aborted.into()));
        assert_eq!(application.outcome(second), Ok(()));
        assert_eq!(application.event(), Delivered::Detached);
    }
}
