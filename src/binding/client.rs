//! The calls on client sockets.

use napi::bindgen_prelude::Result;
use napi_derive::napi;

use super::{TcpSockets, json_of};
use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net::resolver::AddressFamily;
use crate::socket::{SocketInfo, SocketProperties};
use crate::tls::negotiation::TlsSession;
use crate::tls::versions::TlsVersionRange;

#[napi]
impl TcpSockets {
    /// Returns the new socket's identifier; null if the limit on sockets is reached.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn create(
        &self,
        request: u32,
        persistent: Option<bool>,
        name: Option<String>,
        buffer_size: Option<i32>,
    ) -> Option<SocketId> {
        let properties = SocketProperties {
            persistent,
            name,
            buffer_size,
        };
        self.call(|table| table.create(request.into(), properties))
    }

    /// Changes the given properties.
    #[napi(catch_unwind)]
    pub fn update(
        &self,
        request: u32,
        socket_id: SocketId,
        persistent: Option<bool>,
        name: Option<String>,
        buffer_size: Option<i32>,
    ) {
        let properties = SocketProperties {
            persistent,
            name,
            buffer_size,
        };
        self.call_on(socket_id, |table| {
            table.update(request.into(), socket_id, properties);
        });
    }

    /// Pauses or resumes receiving.
    #[napi(catch_unwind)]
    pub fn set_paused(&self, request: u32, socket_id: SocketId, paused: bool) {
        self.call_on(socket_id, |table| {
            table.set_paused(request.into(), socket_id, paused);
        });
    }

    /// Suspends or resumes receiving invisibly to `getInfo()`. Completes no request.
    #[napi(catch_unwind)]
    pub fn throttle(&self, socket_id: SocketId, throttled: bool) {
        self.call(|table| table.throttle(socket_id, throttled));
    }

    /// Pauses a socket whose owner has ended, without the last chunk that a pause would deliver.
    /// Completes no request.
    #[napi(catch_unwind)]
    pub fn suspend(&self, socket_id: SocketId) {
        self.call(|table| table.suspend(socket_id));
    }

    /// `delay` is in seconds; 0 keeps the timers.
    #[napi(catch_unwind)]
    pub fn set_keep_alive(&self, request: u32, socket_id: SocketId, enable: bool, delay: i32) {
        let option = SocketOption::KeepAlive { enable, delay };
        self.call_on(socket_id, |table| {
            table.set_option(request.into(), socket_id, option);
        });
    }

    /// Turns Nagle's algorithm off or on.
    #[napi(catch_unwind)]
    pub fn set_no_delay(&self, request: u32, socket_id: SocketId, no_delay: bool) {
        let option = SocketOption::NoDelay(no_delay);
        self.call_on(socket_id, |table| {
            table.set_option(request.into(), socket_id, option);
        });
    }

    /// `host` is canonical if it can be canonicalized; `family` is 4, 6, or 0 for both; `page` is
    /// the number of the calling page if pages share the table.
    #[napi(catch_unwind)]
    pub fn connect(
        &self,
        request: u32,
        socket_id: SocketId,
        host: String,
        port: u16,
        family: u32,
        page: Option<u32>,
    ) {
        let family = match family {
            4 => AddressFamily::V4,
            6 => AddressFamily::V6,
            _ => AddressFamily::Any,
        };
        self.call_on(socket_id, |table| {
            table.connect(request.into(), socket_id, host, port, family, page);
        });
    }

    /// Completes a `connect()` to a host that the manifest does not allow.
    #[napi(catch_unwind)]
    pub fn deny_connect(&self, request: u32, socket_id: SocketId, host: String) {
        self.call_on(socket_id, |table| {
            table.deny_connect(request.into(), socket_id, host);
        });
    }

    /// Closes the connection but keeps the socket.
    #[napi(catch_unwind)]
    pub fn disconnect(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| {
            table.disconnect(request.into(), socket_id);
        });
    }

    /// `min` and `max` are TLS versions in the notation of `secure()`.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over owned values"
    )]
    #[napi(catch_unwind)]
    pub fn secure(
        &self,
        request: u32,
        socket_id: SocketId,
        min: Option<String>,
        max: Option<String>,
    ) {
        let versions = TlsVersionRange::parse(min.as_deref(), max.as_deref());
        self.call_on(socket_id, |table| {
            table.secure(request.into(), socket_id, versions);
        });
    }

    /// Has the next `secure()` of a socket offer these application protocols (ALPN) and keep its
    /// result for `take_session`.
    #[napi(catch_unwind)]
    pub fn negotiate(&self, socket_id: SocketId, protocols: Vec<String>) {
        let protocols = protocols.into_iter().map(String::into_bytes).collect();
        self.call_on(socket_id, |table| table.negotiate(socket_id, protocols));
    }

    /// The result of a handshake for which `negotiate` has asked; null otherwise.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_session(&self, socket_id: SocketId) -> Option<TlsSession> {
        self.call_on(socket_id, |table| table.take_session(socket_id))
    }

    /// Closes the socket.
    #[napi(catch_unwind)]
    pub fn close(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.close(request.into(), socket_id));
    }

    /// Describes the current state of a socket; null if it does not exist.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_info(&self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        self.call(|table| table.info_of_any(request.into(), socket_id))
    }

    /// Describes all sockets of this environment and the orphans, ordered by identifier: an array in
    /// JSON.
    ///
    /// # Errors
    ///
    /// None: the descriptions consist of texts, numbers and Booleans.
    #[napi(catch_unwind)]
    pub fn describe_sockets(&self, request: u32) -> Result<String> {
        json_of(&self.call(|table| table.infos_of_all(request.into())))
    }
}
