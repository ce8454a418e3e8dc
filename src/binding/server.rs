//! The calls on server sockets.

use napi::bindgen_prelude::Result;
use napi_derive::napi;

use super::{TcpSockets, json_of};
use crate::ids::SocketId;
use crate::socket::{Identity, SocketInfo};
use crate::sync::lock;

#[napi]
impl TcpSockets {
    /// Returns the new server socket's identifier; null if the limit on sockets is reached.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn create_server(
        &self,
        request: u32,
        persistent: Option<bool>,
        name: Option<String>,
    ) -> Option<SocketId> {
        let mut identity = Identity::default();
        identity.apply(persistent, name);
        self.call(|table| table.create_server(request.into(), identity))
    }

    /// Changes the given properties of a server socket.
    #[napi(catch_unwind)]
    pub fn update_server(
        &self,
        request: u32,
        socket_id: SocketId,
        persistent: Option<bool>,
        name: Option<String>,
    ) {
        self.call_on(socket_id, |table| {
            table.update_server(request.into(), socket_id, persistent, name);
        });
    }

    /// Pauses or resumes accepting.
    #[napi(catch_unwind)]
    pub fn pause_server(&self, request: u32, socket_id: SocketId, paused: bool) {
        self.call_on(socket_id, |table| {
            table.pause_server(request.into(), socket_id, paused);
        });
    }

    /// Pauses a server socket whose owner has ended. Completes no request.
    #[napi(catch_unwind)]
    pub fn suspend_server(&self, socket_id: SocketId) {
        self.call(|table| table.suspend_server(socket_id));
    }

    /// `address` is canonical if it can be canonicalized. Without a backlog the system's longest applies.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over owned values"
    )]
    #[napi(catch_unwind)]
    pub fn listen_on(
        &self,
        request: u32,
        socket_id: SocketId,
        address: String,
        port: u16,
        backlog: Option<i32>,
    ) {
        self.call_on(socket_id, |table| {
            table.start_listening(request.into(), socket_id, &address, port, backlog);
        });
    }

    /// Completes a `listen()` that the manifest does not allow.
    #[napi(catch_unwind)]
    pub fn deny_listen(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| {
            table.deny_listen(request.into(), socket_id);
        });
    }

    /// Stops listening but keeps the server socket.
    #[napi(catch_unwind)]
    pub fn disconnect_server(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| {
            table.disconnect_server(request.into(), socket_id);
        });
    }

    /// Closes the server socket.
    #[napi(catch_unwind)]
    pub fn close_server(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| {
            table.close_server(request.into(), socket_id);
        });
    }

    /// Describes the current state of a server socket; null if it does not exist.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_server_info(&self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        self.call(|table| table.server_info(request.into(), socket_id))
    }

    /// Describes all server sockets, like `describeSockets`.
    ///
    /// # Errors
    ///
    /// None: the descriptions consist of texts, numbers and Booleans.
    #[napi(catch_unwind)]
    pub fn describe_servers(&self, request: u32) -> Result<String> {
        json_of(&self.call(|table| table.server_infos(request.into())))
    }

    /// The socket of the connection that was delivered last.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_accepted(&self) -> Option<SocketId> {
        lock(&self.table).take_accepted()
    }
}
