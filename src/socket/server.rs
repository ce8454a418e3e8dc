//! One server socket: its properties and its listener.

use std::mem;
use std::net::SocketAddr;

use super::{Identity, SocketInfo};
use crate::event::Request;
use crate::ids::SocketId;
use crate::net::resolver::address_text;
use crate::net_error::NetError;
use crate::wake::readiness::{PolledSocket, Poller};

/// A server socket of the table.
#[derive(Default)]
pub(crate) struct ServerSocket {
    pub(crate) identity: Identity,
    pub(crate) paused: bool,
    pub(crate) state: State,
    /// The address of the last listener, until `disconnect()`.
    pub(crate) local: Option<SocketAddr>,
    /// Whether an accept is in flight. As in Chromium, it brings one connection even if the socket has
    /// been paused in the meantime.
    pub(crate) accepting: bool,
    /// Whether the outbox already holds an accept marker for this socket.
    pub(crate) accept_queued: bool,
}

/// The state of a server socket.
#[derive(Default)]
pub(crate) enum State {
    /// Not listening.
    #[default]
    Idle,
    /// A `listen` call is under way. The operating system has answered at once; the application learns the
    /// result after the other calls of this turn, as in Chromium.
    Starting {
        /// The `listen` call.
        request: Request,
        result: Result<(PolledSocket, SocketAddr), NetError>,
    },
    /// Listening.
    Listening(PolledSocket),
}

impl ServerSocket {
    /// Whether the socket listens, and keeps the event loop alive.
    pub(crate) fn is_listening(&self) -> bool {
        !matches!(self.state, State::Idle)
    }

    /// Describes the socket for `getInfo`.
    pub(crate) fn info(&self, socket_id: SocketId) -> SocketInfo {
        SocketInfo {
            socket_id,
            persistent: self.identity.persistent,
            name: self.identity.shown_name(),
            buffer_size: None,
            paused: self.paused,
            connected: false,
            local_address: self.local.map(|local| address_text(&local.ip())),
            local_port: self.local.map(|local| local.port()),
            peer_address: None,
            peer_port: None,
        }
    }

    /// Pauses the socket for its next owner and moves its listener from the poller `former` to `next`.
    /// Connections wait in the queue of the operating system.
    pub(crate) fn hand_over(&mut self, socket_id: SocketId, former: &Poller, next: &Poller) {
        self.state = match mem::take(&mut self.state) {
            State::Listening(listener) => former
                .hand_over(listener, socket_id, next)
                .map_or(State::Idle, State::Listening),
            State::Idle | State::Starting { .. } => State::Idle,
        };
        self.suspend();
    }

    /// The socket, paused and without a listener.
    pub(crate) fn without_listener(mut self) -> Self {
        self.state = State::Idle;
        self.suspend();
        self
    }

    /// Pauses the socket, whose owner has ended.
    pub(crate) fn suspend(&mut self) {
        self.paused = true;
        (self.accepting, self.accept_queued) = (false, false);
        if !matches!(self.state, State::Listening(_)) {
            self.local = None;
        }
    }
}
