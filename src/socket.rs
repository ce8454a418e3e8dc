//! One socket: its properties, the state of its connection, and what it is doing.

use std::net::SocketAddr;

use crate::attempt::Attempt;
use crate::readiness::PolledSocket;
use crate::resolver::address_text;
use crate::runtime::OwnedTask;
use crate::transport::{SocketOption, Transport};
use crate::write_queue::WriteQueue;

/// Identifies a socket in the whole process. Positive; negative ones only ever come from callers.
pub(crate) type SocketId = i32;

/// The receive buffer's size where none was set (the reference's `SocketProperties.bufferSize`).
const DEFAULT_BUFFER_SIZE: usize = 4096;

/// What `create` and `update` may set; None leaves a property as it is.
#[derive(Default)]
pub(crate) struct SocketProperties {
    pub(crate) persistent: Option<bool>,
    pub(crate) name: Option<String>,
    pub(crate) buffer_size: Option<i32>,
}

/// A socket of the table.
#[allow(
    clippy::struct_excessive_bools,
    reason = "independent facts, some of which the application sets"
)]
#[derive(Default)]
pub(crate) struct Socket {
    persistent: bool,
    name: String,
    /// As the application set it; zero and below mean the default.
    buffer_size: i32,
    pub(crate) paused: bool,
    /// The host of the last `connect()` call, whatever became of it: `secure()` verifies it.
    pub(crate) host: String,
    /// Whether `secure()` has succeeded: such a socket never connects again, as in Chromium.
    pub(crate) secured: bool,
    pub(crate) connection: Connection,
    /// What was received waits, unknown to the application, until it can be taken in.
    pub(crate) held: bool,
    /// The read in flight: how much it may deliver, decided when it started.
    pub(crate) read: Option<usize>,
    /// Whether the socket has its turn in the outbox already.
    pub(crate) turn: bool,
    /// Since it got its turn, the end of a call was decided that comes before what is received now.
    pub(crate) answered: bool,
    /// Bytes that were read and not delivered yet; never empty.
    pub(crate) read_ahead: Option<ReadAhead>,
    pub(crate) writes: WriteQueue,
}

/// Bytes between the kernel and JavaScript.
pub(crate) struct ReadAhead {
    buffer: Vec<u8>,
    delivered: usize,
}

impl ReadAhead {
    /// What was read; at least one byte.
    pub(crate) fn new(buffer: Vec<u8>) -> Self {
        Self {
            buffer,
            delivered: 0,
        }
    }

    /// What is to be delivered.
    pub(crate) fn bytes(&self) -> &[u8] {
        self.buffer.get(self.delivered..).unwrap_or_default()
    }

    /// Forgets the first `count` bytes.
    pub(crate) fn advance(&mut self, count: usize) {
        self.delivered += count;
    }

    /// The buffer, with what is to be delivered at its beginning.
    pub(crate) fn into_buffer(mut self) -> Vec<u8> {
        self.buffer.drain(..self.delivered);
        self.buffer
    }
}

/// From so many bytes on, it is worth a system call to learn how many there are and read them where
/// JavaScript will find them.
const DIRECT: usize = 16 * 1024;

/// What a socket is connected to.
#[derive(Default)]
pub(crate) enum Connection {
    /// Nothing, yet or any more.
    #[default]
    Disconnected,
    /// A connection attempt is under way.
    Connecting {
        /// The `connect` call.
        request: u32,
        attempt: Attempt,
    },
    /// A peer.
    Connected(Link),
    /// A peer, with whom a TLS handshake is under way.
    Securing {
        /// The `secure` call.
        request: u32,
        ends: Ends,
        /// The flag as it was when `secure()` was called, which the secured socket gets.
        paused: bool,
        /// Dropping it ends the connection.
        handshake: OwnedTask,
    },
}

/// An established connection.
pub(crate) struct Link {
    pub(crate) transport: Transport,
    pub(crate) ends: Ends,
    /// Writing has failed. The link lives on only to hand out what was received before.
    pub(crate) broken: bool,
}

/// The two addresses of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) local: SocketAddr,
    pub(crate) peer: SocketAddr,
}

impl Ends {
    /// The addresses of `socket`, which is connected to `peer`; None if the kernel does not know.
    ///
    /// The peer is what was asked for, not what the kernel made of it: 0.0.0.0 stays 0.0.0.0.
    pub(crate) fn of(socket: &PolledSocket, peer: SocketAddr) -> Option<Self> {
        let local = socket.socket().local_addr().ok()?.as_socket()?;
        Some(Self { local, peer })
    }
}

/// What `getInfo` and `getSockets` tell of a socket.
#[napi_derive::napi(object, object_from_js = false)]
pub struct SocketInfo {
    /// The socket identifier.
    pub socket_id: SocketId,
    /// Whether the socket outlives its environment.
    pub persistent: bool,
    /// Application-defined string; absent where empty.
    pub name: Option<String>,
    /// Size of the receive buffer in bytes; absent where the default applies.
    pub buffer_size: Option<i32>,
    /// Whether the socket delivers nothing for now.
    pub paused: bool,
    /// Whether the socket is connected to a peer.
    pub connected: bool,
    /// Local IPv4 or IPv6 address, while connected.
    pub local_address: Option<String>,
    /// Local port, while connected.
    pub local_port: Option<u16>,
    /// The peer's IPv4 or IPv6 address, while connected.
    pub peer_address: Option<String>,
    /// The peer's port, while connected.
    pub peer_port: Option<u16>,
}

impl Socket {
    /// Sets the given properties. Nothing is checked: any size is a size, as in Chromium.
    pub(crate) fn apply(&mut self, properties: SocketProperties) {
        let SocketProperties {
            persistent,
            name,
            buffer_size,
        } = properties;
        self.persistent = persistent.unwrap_or(self.persistent);
        self.name = name.unwrap_or_else(|| std::mem::take(&mut self.name));
        self.buffer_size = buffer_size.unwrap_or(self.buffer_size);
    }

    /// Whether the socket outlives its environment.
    pub(crate) fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// Pauses for whoever comes after the owner: the read in flight is called off and brings no last
    /// piece, which would find nobody.
    pub(crate) fn suspend(&mut self) {
        self.paused = true;
        self.held = false;
        self.read = None;
        if let Connection::Securing { paused, .. } = &mut self.connection {
            *paused = true;
        }
    }

    /// How many bytes there are for a read of up to `capacity`, if it needs no buffer of its own.
    pub(crate) fn direct_length(&mut self, capacity: usize) -> Option<usize> {
        let Connection::Connected(link) = &mut self.connection else {
            return None;
        };
        if capacity < DIRECT || self.read_ahead.is_some() {
            return None;
        }
        let available = link.transport.direct_length()?;
        (available >= DIRECT).then_some(available)
    }

    /// How much a read that starts now may deliver.
    pub(crate) fn read_capacity(&self) -> usize {
        match usize::try_from(self.buffer_size) {
            Ok(size) if size > 0 => size,
            _ => DEFAULT_BUFFER_SIZE,
        }
    }

    /// Sets an option of the TCP socket, if there is one (`false` otherwise). There is one as soon
    /// as the name is resolved; during a handshake Chromium has it out of reach.
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

    /// What `getInfo` tells.
    pub(crate) fn info(&self, socket_id: SocketId) -> SocketInfo {
        let ends = match &self.connection {
            Connection::Connected(link) => Some(&link.ends),
            Connection::Securing { ends, .. } => Some(ends),
            Connection::Disconnected | Connection::Connecting { .. } => None,
        };
        SocketInfo {
            socket_id,
            persistent: self.persistent,
            name: Some(self.name.clone()).filter(|name| !name.is_empty()),
            buffer_size: Some(self.buffer_size).filter(|&size| size > 0),
            paused: self.paused,
            connected: ends.is_some(),
            local_address: ends.map(|ends| address_text(&ends.local.ip())),
            local_port: ends.map(|ends| ends.local.port()),
            peer_address: ends.map(|ends| address_text(&ends.peer.ip())),
            peer_port: ends.map(|ends| ends.peer.port()),
        }
    }
}
