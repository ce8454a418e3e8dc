//! One socket: its properties, its connection state and its pending work.

pub(crate) mod server;
mod write_queue;

use std::net::SocketAddr;

use serde::Serialize;

use crate::event::Request;
use crate::health::Health;
use crate::ids::SocketId;
use crate::net::attempt::Attempt;
use crate::net::look_ups::LookUp;
use crate::net::options::SocketOption;
use crate::net::resolver::address_text;
use crate::net_error::NetError;
use crate::runtime::OwnedTask;
use crate::socket::write_queue::WriteQueue;
use crate::tls::negotiation::Negotiation;
use crate::transport::Transport;
use crate::wake::readiness::{PolledSocket, Poller};

/// The size of the receive buffer unless `SocketProperties.bufferSize` sets one, as in the
/// reference.
const DEFAULT_BUFFER_SIZE: usize = 4096;

/// The properties that `create` and `update` set. `None` leaves a property unchanged.
#[derive(Default)]
pub(crate) struct SocketProperties {
    pub(crate) persistent: Option<bool>,
    pub(crate) name: Option<String>,
    pub(crate) buffer_size: Option<i32>,
}

/// The properties that client and server sockets have in common.
#[derive(Default)]
pub(crate) struct Identity {
    /// Whether the socket outlives its environment.
    pub(crate) persistent: bool,
    name: String,
}

impl Identity {
    /// Sets the given properties.
    pub(crate) fn apply(&mut self, persistent: Option<bool>, name: Option<String>) {
        self.persistent = persistent.unwrap_or(self.persistent);
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
    }

    /// The name for `getInfo`, which leaves an empty one out.
    pub(crate) fn shown_name(&self) -> Option<String> {
        Some(self.name.clone()).filter(|name| !name.is_empty())
    }
}

/// A socket of the table.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, some of which the application sets"
)]
#[derive(Default)]
pub(crate) struct Socket {
    identity: Identity,
    /// As set by the application. Zero and negative values mean the default.
    buffer_size: i32,
    pub(crate) paused: bool,
    /// The host of the last `connect()` call, even if it failed. `secure()` verifies the
    /// certificate against it.
    pub(crate) host: String,
    /// Whether `secure()` has succeeded. As in Chromium, such a socket can never connect again.
    pub(crate) secured: bool,
    /// Present if a stream has asked for the result of the handshake.
    pub(crate) negotiation: Option<Box<Negotiation>>,
    pub(crate) connection: Connection,
    /// The look-ups of `connect()` calls that have no answer yet, by the number of the request.
    /// Those that still wait for their turn end with the socket.
    pub(crate) look_ups: Vec<(u32, LookUp)>,
    /// Receiving is suspended by the Electron bridge, invisibly to the application.
    pub(crate) throttled: bool,
    pub(crate) read_marker: ReadMarker,
    /// Whether the outbox already holds a write marker for this socket.
    pub(crate) write_queued: bool,
    pub(crate) writes: WriteQueue,
}

/// The marker in the outbox at which a socket is read.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum ReadMarker {
    /// There is none.
    #[default]
    None,
    /// The socket is read when the marker is reached.
    Queued,
    /// A completion was queued behind the marker. It is delivered before the socket is read.
    Deferred,
}

impl ReadMarker {
    /// Notes that a completion is queued, which precedes data that is read from now on.
    pub(crate) fn defer(&mut self) {
        if *self == Self::Queued {
            *self = Self::Deferred;
        }
    }
}

/// Bytes that were read from the kernel and wait for JavaScript.
pub(crate) struct ReadAhead {
    buffer: Vec<u8>,
    delivered: usize,
}

impl ReadAhead {
    /// Holds the bytes of one read, at least one.
    pub(crate) fn new(buffer: Vec<u8>) -> Self {
        Self {
            buffer,
            delivered: 0,
        }
    }

    /// The bytes that remain to be delivered.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.delivered..).unwrap_or_default()
    }

    /// Drops the first `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        self.delivered += count;
    }

    /// The buffer, with the undelivered bytes at its beginning.
    pub(crate) fn into_buffer(mut self) -> Vec<u8> {
        self.buffer.drain(..self.delivered);
        self.buffer
    }
}

/// From this size on, a system call for the number of available bytes pays off: the kernel then
/// writes directly into the `ArrayBuffer`.
const MIN_DIRECT_READ: usize = 16 * 1024;

/// The state of a socket's connection.
#[derive(Default)]
pub(crate) enum Connection {
    /// Not connected.
    #[default]
    Disconnected,
    /// A connection attempt is under way.
    Connecting {
        /// The `connect` call.
        request: Request,
        attempt: Attempt,
    },
    /// Connected to a peer.
    Connected(Link),
    /// Connected to a peer, with a TLS handshake in progress.
    Securing {
        /// The `secure` call.
        request: Request,
        endpoints: Endpoints,
        /// The `paused` flag when `secure()` was called, which the secured socket inherits.
        paused: bool,
        /// Dropping it ends the connection.
        handshake: OwnedTask,
    },
}

/// An established connection.
pub(crate) struct Link {
    pub(crate) transport: Transport,
    pub(crate) endpoints: Endpoints,
    /// As far as the table has handled it: the sends of a link whose writing has failed have failed,
    /// and it exists only to deliver the data received before.
    pub(crate) health: Health,
    /// The read in flight: the most bytes that it may deliver, fixed when the read starts.
    pub(crate) read: Option<usize>,
    /// Bytes that were read but not delivered; never empty.
    pub(crate) read_ahead: Option<ReadAhead>,
    /// Whether bytes were written since the peer's last bytes were read.
    pub(crate) awaits_reply: bool,
}

impl Link {
    /// A working connection.
    pub(crate) fn new(transport: Transport, endpoints: Endpoints) -> Self {
        Self {
            transport,
            endpoints,
            health: Health::Open,
            read: None,
            read_ahead: None,
            awaits_reply: false,
        }
    }

    /// Notes the number of bytes that were written to the peer.
    pub(crate) fn note_written(&mut self, count: usize) {
        self.awaits_reply |= count > 0;
    }

    /// Notes the number of bytes that were read from the peer.
    pub(crate) fn note_read(&mut self, count: usize) {
        self.awaits_reply &= count == 0;
    }

    /// Whether the read in flight can complete at once.
    pub(crate) fn is_read_ready(&mut self) -> bool {
        self.read_ahead.is_some() || !self.health.can_write() || self.transport.is_read_ready()
    }

    /// The number of available bytes for a read of up to `capacity` that needs no buffer of its
    /// own.
    pub(crate) fn direct_length(&mut self, capacity: usize) -> Option<usize> {
        if capacity < MIN_DIRECT_READ || self.read_ahead.is_some() {
            return None;
        }
        let available = self.transport.direct_length()?;
        (available >= MIN_DIRECT_READ).then_some(available)
    }

    /// Closes the connection, whose poller this is; see [`Transport::end`].
    pub(crate) fn end(self, poller: &Poller) {
        self.transport.end(poller, self.awaits_reply);
    }

    /// Why the connection, which has ended, did not end in order.
    pub(crate) fn cause(&self) -> Option<NetError> {
        self.health.cause().or_else(|| self.transport.cause())
    }
}

/// The two addresses of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoints {
    /// Unknown for an accepted connection, as in Chromium.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: SocketAddr,
}

impl Endpoints {
    /// The addresses of `socket`, which is connected to `peer`. `None` if the kernel does not know
    /// the local address.
    ///
    /// The peer address is the requested one, not the kernel's: 0.0.0.0 stays 0.0.0.0.
    pub(crate) fn of(socket: &PolledSocket, peer: SocketAddr) -> Option<Self> {
        let local = socket.socket().local_addr().ok()?.as_socket()?;
        Some(Self {
            local: Some(local),
            peer,
        })
    }
}

/// The result of `getInfo`, and an element of the result of `getSockets`.
#[napi_derive::napi(object, object_from_js = false)]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SocketInfo {
    /// The socket identifier.
    pub socket_id: SocketId,
    /// Whether the socket outlives its environment.
    pub persistent: bool,
    /// Application-defined string; absent where empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Size of the receive buffer in bytes; absent where the default applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buffer_size: Option<i32>,
    /// Whether delivery is paused.
    pub paused: bool,
    /// Whether the socket is connected to a peer.
    pub connected: bool,
    /// Local IPv4 or IPv6 address, while connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_address: Option<String>,
    /// Local port, while connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// The peer's IPv4 or IPv6 address, while connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<String>,
    /// The peer's port, while connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer_port: Option<u16>,
}

impl Socket {
    /// The socket of an accepted connection, which is paused.
    pub(crate) fn accepted(link: Link) -> Self {
        Self {
            paused: true,
            connection: Connection::Connected(link),
            ..Self::default()
        }
    }

    /// Sets the given properties. Like Chromium, this accepts any size.
    pub(crate) fn apply(&mut self, properties: SocketProperties) {
        let SocketProperties {
            persistent,
            name,
            buffer_size,
        } = properties;
        self.identity.apply(persistent, name);
        self.buffer_size = buffer_size.unwrap_or(self.buffer_size);
    }

    /// Whether the socket outlives its environment.
    pub(crate) fn is_persistent(&self) -> bool {
        self.identity.persistent
    }

    /// Pauses the socket for its next owner. The read in flight is cancelled without the last chunk
    /// that `setPaused(true)` would deliver, because no listener is left.
    pub(crate) fn suspend(&mut self) {
        self.paused = true;
        self.throttled = false;
        self.look_ups.clear();
        match &mut self.connection {
            Connection::Connected(link) => link.read = None,
            Connection::Securing { paused, .. } => *paused = true,
            Connection::Disconnected | Connection::Connecting { .. } => {}
        }
    }

    /// Ends the socket and its connection, which `poller` watches if there is one, with the
    /// environment. That happens once, so the peer may always send more until it ends, too.
    pub(crate) fn end(self, poller: Option<&Poller>) {
        if let (Connection::Connected(link), Some(poller)) = (self.connection, poller) {
            link.transport.end(poller, true);
        }
    }

    /// The connection, if there is one that no handshake owns.
    pub(crate) fn link(&self) -> Option<&Link> {
        match &self.connection {
            Connection::Connected(link) => Some(link),
            _ => None,
        }
    }

    /// Like [`Self::link`].
    pub(crate) fn link_mut(&mut self) -> Option<&mut Link> {
        match &mut self.connection {
            Connection::Connected(link) => Some(link),
            _ => None,
        }
    }

    /// The most bytes that a read starting now may deliver.
    pub(crate) fn read_capacity(&self) -> usize {
        match usize::try_from(self.buffer_size) {
            Ok(size) if size > 0 => size,
            _ => DEFAULT_BUFFER_SIZE,
        }
    }

    /// Whether the socket has a TCP socket: from the moment the name is resolved, and, as in Chromium,
    /// not during a TLS handshake.
    pub(crate) fn has_tcp_socket(&self) -> bool {
        matches!(
            self.connection,
            Connection::Connecting { .. } | Connection::Connected(_)
        )
    }

    /// Sets an option of the TCP socket. Returns `false` [without one](Self::has_tcp_socket).
    pub(crate) fn set_option(&self, option: SocketOption) -> bool {
        let result = match &self.connection {
            Connection::Disconnected | Connection::Securing { .. } => return false,
            Connection::Connecting { attempt, .. } => {
                let results: Vec<_> = attempt
                    .sockets()
                    .map(|socket| option.set(&socket.socket()))
                    .collect();
                return !results.is_empty() && results.iter().all(Result::is_ok);
            }
            Connection::Connected(link) => link.transport.set_option(option),
        };
        result.is_ok()
    }

    /// Describes the socket for `getInfo`.
    pub(crate) fn info(&self, socket_id: SocketId) -> SocketInfo {
        let endpoints = match &self.connection {
            Connection::Connected(link) => Some(&link.endpoints),
            Connection::Securing { endpoints, .. } => Some(endpoints),
            Connection::Disconnected | Connection::Connecting { .. } => None,
        };
        let local = endpoints.and_then(|endpoints| endpoints.local);
        SocketInfo {
            socket_id,
            persistent: self.identity.persistent,
            name: self.identity.shown_name(),
            buffer_size: Some(self.buffer_size).filter(|&size| size > 0),
            paused: self.paused,
            connected: endpoints.is_some(),
            local_address: local.map(|local| address_text(&local.ip())),
            local_port: local.map(|local| local.port()),
            peer_address: endpoints.map(|endpoints| address_text(&endpoints.peer.ip())),
            peer_port: endpoints.map(|endpoints| endpoints.peer.port()),
        }
    }
}
