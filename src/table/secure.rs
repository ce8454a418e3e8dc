//! `secure()`: from TCP to TLS (`extensions/browser/api/socket/tcp_socket.cc`,
//! `services/network/tcp_connected_socket.cc`).

use std::mem;
use std::task::Poll;

use tokio::time::timeout;

use crate::event::{Failure, Request};
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::ready::Ready;
use crate::runtime::{self, OwnedTask, closing};
use crate::socket::{Connection, Link};
use crate::table::{SOCKET_NOT_FOUND, SocketTable};
use crate::tls::handshake::handshake;
use crate::tls::negotiation::{Negotiation, Offer, TlsSession};
use crate::tls::secure_transport::SecureTransport;
use crate::tls::versions::TlsVersionRange;
use crate::transport::Transport;
use crate::wake::notice::{Notice, Secured};
use crate::wake::readiness::Poller;

/// The most early plaintext that is discarded: the capacity of Chromium's receive pipe.
const MAX_DISCARDED: usize = 64 * 1024;

/// The most reads that discard plaintext. A peer that sends byte after byte must not block the
/// JavaScript thread.
const MAX_DISCARDING_READS: u32 = 64;

impl SocketTable {
    /// Starts a TLS handshake on a connected socket, with the host of the last `connect()` call.
    ///
    /// As in Chromium, a socket that is reading, writing or already in a handshake is destroyed,
    /// and so is one whose handshake fails.
    pub(crate) fn secure(
        &mut self,
        request: Request,
        socket_id: SocketId,
        versions: TlsVersionRange,
    ) {
        let refused = |message| Failure::worded(NetError::InvalidArgument, message);
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return self.outbox.fail(request, refused(SOCKET_NOT_FOUND));
        };
        if socket.secured {
            let failure = refused("Socket must be a connected client TCP socket.");
            return self.outbox.fail(request, failure);
        }
        let unfit = match &socket.connection {
            Connection::Disconnected | Connection::Connecting { .. } => {
                return self.outbox.fail(request, refused("Socket not connected"));
            }
            // Chromium does not know the local address of an accepted connection, and needs it here.
            Connection::Connected(link) => link.endpoints.local.is_none() || link.read.is_some(),
            Connection::Securing { .. } => true,
        };
        if unfit || !socket.writes.is_empty() {
            return self.destroy(request, socket_id, NetError::Failed);
        }
        let found = self.discard_plaintext(socket_id);
        self.start_handshake(request, socket_id, versions, found);
    }

    /// Starts a handshake. If `found` says that the connection has ended, the handshake fails: like
    /// any other, after the calls of this turn, since Chromium's browser process has to ask its
    /// network process.
    fn start_handshake(
        &mut self,
        request: Request,
        socket_id: SocketId,
        versions: TlsVersionRange,
        found: Result<(), NetError>,
    ) {
        let Ok(runtime) = runtime::handle() else {
            return self.destroy(request, socket_id, NetError::InsufficientResources);
        };
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let released = match (mem::take(&mut socket.connection), &self.poller) {
            (
                Connection::Connected(Link {
                    transport: Transport::Plain(socket),
                    endpoints,
                    ..
                }),
                Some(poller),
            ) => {
                let released = poller.release(socket);
                if released.is_err() {
                    // The connection is gone and must be counted out here.
                    self.load.close();
                }
                released.map(|stream| (stream, endpoints)).ok()
            }
            (other, _) => {
                socket.connection = other;
                None
            }
        };
        let Some((stream, endpoints)) = released else {
            return self.destroy(request, socket_id, NetError::Failed);
        };
        let call = request.number();
        let secured = move |result| Notice::Secured {
            call,
            socket_id,
            result,
        };
        let pending = self.mailbox.pending(secured, Err(NetError::Unexpected));
        let host = socket.host.clone();
        let protocols = match socket.negotiation.as_deref_mut() {
            Some(Negotiation::Offering(protocols)) => mem::take(protocols),
            _ => Vec::new(),
        };
        let offer = Offer {
            versions,
            protocols,
        };
        let context = self.tls.clone();
        let stream = closing::Stream::new(stream);
        let limit = self.connect_timeout;
        let handshake = runtime.spawn(async move {
            let handshake = async {
                found?;
                handshake(stream, &host, offer, context.as_deref()).await
            };
            let result = match limit {
                None => handshake.await,
                Some(limit) => timeout(limit, handshake)
                    .await
                    .unwrap_or(Err(NetError::ConnectionTimedOut)),
            };
            pending.fulfil(result.map(Box::new));
        });
        self.counters.handshakes_started += 1;
        let (paused, handshake) = (socket.paused, OwnedTask(handshake.abort_handle()));
        socket.connection = Connection::Securing {
            request,
            endpoints,
            paused,
            handshake,
        };
    }

    /// Has the next handshake of a socket offer these application protocols and keep its result.
    pub(crate) fn negotiate(&mut self, socket_id: SocketId, protocols: Vec<Vec<u8>>) {
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket.negotiation = Some(Box::new(Negotiation::Offering(protocols)));
        }
    }

    /// The result of a handshake before which [`negotiate`](Self::negotiate) was called. It is
    /// returned once.
    pub(crate) fn take_session(&mut self, socket_id: SocketId) -> Option<TlsSession> {
        match *self.sockets.get_mut(&socket_id)?.negotiation.take()? {
            Negotiation::Agreed(session) => Some(session),
            Negotiation::Offering(_) => None,
        }
    }

    /// Handles the result of the handshake, unless `disconnect()` or `close()` has aborted it.
    pub(crate) fn secured(
        &mut self,
        call: u32,
        socket_id: SocketId,
        result: Result<Box<Secured>, NetError>,
    ) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let (request, endpoints, paused) = match mem::take(&mut socket.connection) {
            Connection::Securing {
                request,
                endpoints,
                paused,
                ..
            } if request.number() == call => (request, endpoints, paused),
            other => {
                socket.connection = other;
                return;
            }
        };
        let transport = result.and_then(|secured| {
            if let Some(negotiation) = &mut socket.negotiation {
                **negotiation = Negotiation::Agreed(TlsSession::of(&secured.connection));
            }
            Poller::get(&mut self.poller, &self.mailbox)
                .and_then(|poller| SecureTransport::new(*secured, poller, &self.mailbox, socket_id))
                .map_err(|error| NetError::from_connect(&error))
        });
        match transport {
            Ok(secure) => {
                socket.connection =
                    Connection::Connected(Link::new(Transport::Secure(secure), endpoints));
                socket.secured = true;
                socket.paused = paused;
                self.counters.handshakes_succeeded += 1;
                self.outbox.wait_for_turn();
                self.outbox.complete(request);
            }
            Err(error) => {
                self.load.close();
                self.sockets.remove(&socket_id);
                self.outbox.fail(request, error);
            }
        }
    }

    /// Discards plaintext that the application has not received: it must not be mistaken for
    /// decrypted data.
    fn discard_plaintext(&mut self, socket_id: SocketId) -> Result<(), NetError> {
        let mut discarded = self.bytes_read_ahead(socket_id);
        self.drop_read_ahead(socket_id);
        if let Some(socket) = self.sockets.get_mut(&socket_id)
            && let Some(link) = socket.link_mut()
        {
            // The poller may not have reported this data yet.
            link.transport.note(Ready::TO_BE_READ);
        }
        for _ in 0..MAX_DISCARDING_READS {
            if discarded >= MAX_DISCARDED {
                break;
            }
            match self.fill(socket_id, MAX_DISCARDED - discarded) {
                Poll::Pending => break,
                Poll::Ready(false) => return Err(NetError::SocketNotConnected),
                Poll::Ready(true) => {
                    discarded += self.bytes_read_ahead(socket_id);
                    self.drop_read_ahead(socket_id);
                }
            }
        }
        Ok(())
    }

    fn bytes_read_ahead(&self, socket_id: SocketId) -> usize {
        self.sockets
            .get(&socket_id)
            .and_then(|socket| socket.link()?.read_ahead.as_ref())
            .map_or(0, |data| data.bytes().len())
    }

    fn destroy(&mut self, request: Request, socket_id: SocketId, error: NetError) {
        let was_reading = self.remove(socket_id);
        self.outbox.fail(request, error);
        if was_reading {
            self.report_end(socket_id, Some(error));
        }
    }
}
