//! The results of runtime tasks for the JavaScript thread.

use std::net::IpAddr;
use std::time::Instant;

use rustls::ClientConnection;

use crate::event::Request;
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::runtime::closing;

/// An occurrence on the runtime.
pub(crate) enum Notice {
    /// A host name was resolved, or the look-up failed.
    Resolved {
        /// The `connect` call that requested the look-up.
        request: Request,
        /// The socket that is to connect. It may be closed by now.
        socket_id: SocketId,
        /// The port to connect to.
        port: u16,
        /// The time limit of the `connect` call, if there is one.
        deadline: Option<Instant>,
        /// The addresses, in the order of the attempts.
        result: Result<Vec<IpAddr>, NetError>,
    },
    /// A read would not block.
    Readable(SocketId),
    /// A write would not block, or a connection attempt has completed.
    Writable(SocketId),
    /// A TLS handshake has completed.
    Secured {
        /// The number of the `secure` call that started it, whose request the table has.
        call: u32,
        /// The socket that is to be secured. It may be closed by now.
        socket_id: SocketId,
        /// The encrypted connection, or the error.
        result: Result<Box<Secured>, NetError>,
    },
    /// The result of a `listen` call is to be reported.
    Listening {
        /// The number of the `listen` call, whose request the table has.
        call: u32,
        /// The server socket. It may be closed by now.
        socket_id: SocketId,
    },
    /// The task of an encrypted socket has handed the socket back because it is idle.
    TaskDone(SocketId),
}

/// The result of a handshake: the socket and the TLS state.
pub(crate) struct Secured<S = closing::Stream> {
    pub(crate) stream: S,
    pub(crate) connection: ClientConnection,
    /// The client's last flight could not be written: the peer has disconnected, possibly after
    /// sending data.
    pub(crate) write_failed: bool,
}
