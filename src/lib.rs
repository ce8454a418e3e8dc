//! The native half of `chrome-sockets-tcp`: what Chromium's browser and network processes do for
//! `chrome.sockets.tcp`. The JavaScript half (`lib/`) does what its renderer does.
//!
//! # Layout
//!
//! In the order in which a call travels:
//!
//! * this file: the class that JavaScript calls, nothing but conversions;
//! * [`table`]: the socket table, its calls that end at once, and the outbox to JavaScript;
//!   [`connect`], [`secure`], [`send`] and [`receive`]: the calls that take time;
//! * [`ownerless`]: the persistent sockets of environments that have ended;
//! * [`socket`]: one socket and the state of its connection; [`write_queue`]: its sends;
//! * [`resolver`], [`attempt`]: from a host to a connection;
//! * [`handshake`], [`verifier`], [`trust`], [`tls_settings`]: from a connection to an encrypted one;
//! * [`transport`], [`secure_transport`], [`record_ends`]: the bytes of a connection;
//! * [`readiness`], [`linger`]: which sockets are ready, and when to look;
//! * [`net_error`]: Chromium's codes, and what becomes which;
//! * [`mailbox`], [`runtime`]: from the runtime's threads to the JavaScript thread;
//! * [`event`]: to JavaScript.
//!
//! # Threads
//!
//! The JavaScript thread owns the table and does all system calls of unencrypted sockets, none of
//! which waits, and the TLS of small messages. The runtime wakes it when it sleeps and sockets
//! become ready, resolves names, and runs handshakes and the tasks of encrypted sockets in bulk. What
//! it finds is posted to the [`mailbox`], which wakes the JavaScript thread through a threadsafe
//! function.

mod attempt;
mod connect;
mod event;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod handshake;
mod linger;
mod mailbox;
mod net_error;
mod ownerless;
mod readiness;
mod receive;
mod record_ends;
mod resolver;
mod runtime;
mod secure;
mod secure_transport;
mod send;
mod socket;
mod table;
#[cfg(test)]
mod testing;
mod tls_settings;
mod transport;
mod trust;
mod verifier;
mod write_queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use napi::bindgen_prelude::{Function, JsValuesTupleIntoVec, Result, Uint8Array, sys};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use rustls::pki_types::CertificateDer;

use crate::event::Event;
use crate::handshake::TlsVersionRange;
use crate::mailbox::lock;
use crate::net_error::NetError;
use crate::resolver::AddressFamily;
use crate::socket::{SocketId, SocketInfo, SocketProperties};
use crate::table::SocketTable;
use crate::tls_settings::{Problem, TlsSettings};
use crate::transport::SocketOption;

/// Wakes the JavaScript thread; what it brings is decided there.
type Wake = ThreadsafeFunction<(), (), Delivery, Status, false>;

/// Something is to be delivered; what it is, is decided when the arguments of the dispatcher are
/// made.
struct Delivery(Weak<Mutex<SocketTable>>);

impl JsValuesTupleIntoVec for Delivery {
    fn into_vec(self, env: sys::napi_env) -> Result<Vec<sys::napi_value>> {
        let Some(table) = self.0.upgrade() else {
            return Ok(Vec::new());
        };
        let mut table = lock(&table);
        // The bytes received are copied to JavaScript's memory under the lock. Nothing that Node-API
        // may run meanwhile takes it: an attached table is in use, so it is not being dropped.
        let deliver = |event: Event<'_>| event.into_values(Env::from_raw(env));
        let delivered = catch_unwind(AssertUnwindSafe(|| table.next_event(deliver)));
        delivered.ok().flatten().unwrap_or_else(|| Ok(Vec::new()))
    }
}

/// The sockets of one instance of the module.
///
/// Each method that is given a `request` ends it exactly once, later, by one call of the dispatcher;
/// see `index.d.ts` for what the methods do.
#[napi]
#[derive(Default)]
pub struct TcpSockets {
    /// Locked by the JavaScript thread only: the lock makes the table sendable, nothing waits.
    table: Arc<Mutex<SocketTable>>,
}

#[napi]
impl TcpSockets {
    /// An empty table.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Connects the table to the dispatcher `deliver(kind, id, code, payload)` until nothing is
    /// pending or connected any more, which the dispatcher is told too. While attached, the table
    /// keeps the event loop alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API when there is no memory for the threadsafe function.
    #[napi(catch_unwind)]
    pub fn attach(&self, deliver: Function<'_, (), ()>) -> Result<()> {
        let table = Arc::downgrade(&self.table);
        let wake: Wake = deliver
            .build_threadsafe_function::<()>()
            .build_callback(move |_| Ok(Delivery(Weak::clone(&table))))?;
        let bell = move || {
            // Fails only while the environment ends, when there is nobody to wake.
            let _ = wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        lock(&self.table).mailbox.attach(Box::new(bell));
        Ok(())
    }

    /// Returns the new socket's identifier.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn create(
        &self,
        request: u32,
        persistent: Option<bool>,
        name: Option<String>,
        buffer_size: Option<i32>,
    ) -> SocketId {
        let properties = SocketProperties {
            persistent,
            name,
            buffer_size,
        };
        self.call(|table| table.create(request, properties))
    }

    /// Changes the properties that are given.
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
            table.update(request, socket_id, properties);
        });
    }

    /// Pauses or resumes receiving.
    #[napi(catch_unwind)]
    pub fn set_paused(&self, request: u32, socket_id: SocketId, paused: bool) {
        self.call_on(socket_id, |table| {
            table.set_paused(request, socket_id, paused);
        });
    }

    /// Keeps back what a socket receives, or lets it flow again, without a trace in what
    /// `getInfo()` tells. Ends no request.
    #[napi(catch_unwind)]
    pub fn hold(&self, socket_id: SocketId, held: bool) {
        self.call(|table| table.hold(socket_id, held));
    }

    /// Pauses a socket whose owner has gone, without the last piece that a pause lets through. Ends
    /// no request.
    #[napi(catch_unwind)]
    pub fn suspend(&self, socket_id: SocketId) {
        self.call(|table| table.suspend(socket_id));
    }

    /// `delay` is in seconds; 0 leaves the timers as they are.
    #[napi(catch_unwind)]
    pub fn set_keep_alive(&self, request: u32, socket_id: SocketId, enable: bool, delay: i32) {
        let option = SocketOption::KeepAlive { enable, delay };
        self.call_on(socket_id, |table| {
            table.set_option(request, socket_id, option);
        });
    }

    /// Turns Nagle's algorithm off or on.
    #[napi(catch_unwind)]
    pub fn set_no_delay(&self, request: u32, socket_id: SocketId, no_delay: bool) {
        let option = SocketOption::NoDelay(no_delay);
        self.call_on(socket_id, |table| {
            table.set_option(request, socket_id, option);
        });
    }

    /// `host` is canonical where it can be; `family` is 4, 6 or 0 for both.
    #[napi(catch_unwind)]
    pub fn connect(&self, request: u32, socket_id: SocketId, host: String, port: u16, family: u32) {
        let family = match family {
            4 => AddressFamily::V4,
            6 => AddressFamily::V6,
            _ => AddressFamily::Any,
        };
        self.call_on(socket_id, |table| {
            table.connect(request, socket_id, host, port, family);
        });
    }

    /// `connect()` to a host that the application may not connect to.
    #[napi(catch_unwind)]
    pub fn deny_connect(&self, request: u32, socket_id: SocketId, host: String) {
        self.call_on(socket_id, |table| {
            table.deny_connect(request, socket_id, host);
        });
    }

    /// Ends the connection, not the socket.
    #[napi(catch_unwind)]
    pub fn disconnect(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.disconnect(request, socket_id));
    }

    /// `min` and `max` are TLS versions as `secure()` names them.
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
            table.secure(request, socket_id, versions);
        });
    }

    /// Copies of `data` what cannot be written at once.
    #[napi(catch_unwind)]
    pub fn send(&self, request: u32, socket_id: SocketId, data: &[u8]) {
        self.call_on(socket_id, |table| table.send(request, socket_id, data));
    }

    /// `count` sends, whose requests are numbered from `first`, whose sockets and lengths stand
    /// alternately in `headers`, and whose bytes stand one after another in `bytes`. Returns whether
    /// all have succeeded and are JavaScript's to end: nothing is delivered before
    /// [`Self::succeeded_ended`].
    #[napi(catch_unwind)]
    #[must_use]
    pub fn send_gathered(&self, first: u32, count: u32, headers: &[i32], bytes: &[u8]) -> bool {
        let (headers, _) = headers.as_chunks();
        let headers = headers.get(..count as usize).unwrap_or(headers);
        self.call(|table| {
            for &[socket_id, _] in headers {
                table.adopt(socket_id);
            }
            table.send_gathered(first, headers, bytes)
        })
    }

    /// The sends that JavaScript was given to end have ended.
    #[napi(catch_unwind)]
    pub fn succeeded_ended(&self) {
        self.call(SocketTable::resume_deliveries);
    }

    /// Looks, while an answer may come at once, whether it has come; whether to look again soon.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn linger(&self) -> bool {
        let again = lock(&self.table).linger();
        if again {
            thread::yield_now();
        }
        again
    }

    /// Ends the socket.
    #[napi(catch_unwind)]
    pub fn close(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.close(request, socket_id));
    }

    /// Describes a socket as it is now; null if there is no such socket.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_info(&self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        self.call(|table| table.info_of_any(request, socket_id))
    }

    /// Describes all sockets of this environment and those that have outlived theirs, in the order of
    /// their identifiers.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_sockets(&self, request: u32) -> Vec<SocketInfo> {
        self.call(|table| table.infos_of_all(request))
    }

    /// Sets what `secure()` goes by from now on, all of it: certificates in DER, the authorities
    /// `ca` on top of everybody's, `key` in PKCS #8, `key_log` a path. If something cannot be set,
    /// nothing is, and what is wrong comes back.
    #[allow(
        clippy::needless_pass_by_value,
        reason = "Node-API hands over owned values"
    )]
    #[napi(catch_unwind)]
    #[must_use]
    pub fn configure_tls(
        &self,
        ca: Vec<Uint8Array>,
        certificate: Vec<Uint8Array>,
        key: Option<Uint8Array>,
        key_log: Option<String>,
    ) -> Option<ConfigurationProblem> {
        let certificates = |list: Vec<Uint8Array>| {
            let owned = list.into_iter().map(|der| der.to_vec().into());
            owned.collect::<Vec<CertificateDer<'static>>>()
        };
        let settings = TlsSettings::new(
            certificates(ca),
            certificates(certificate),
            key.map(|key| key.to_vec()),
            key_log.as_deref().map(Path::new),
        );
        match settings {
            Ok(settings) => {
                lock(&self.table).tls = Some(Arc::new(settings));
                None
            }
            Err(problem) => Some(problem.into()),
        }
    }

    /// Limits how long a `connect()` may take, in milliseconds; null for no limit.
    #[napi(catch_unwind)]
    pub fn limit_connect(&self, milliseconds: Option<u32>) {
        let limit = milliseconds.map(|number| Duration::from_millis(number.into()));
        lock(&self.table).connect_timeout = limit;
    }

    /// Calls with a socket, which is taken over first if its environment has ended.
    fn call_on<T>(&self, socket_id: SocketId, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        self.call(|table| {
            table.adopt(socket_id);
            action(table)
        })
    }

    fn call<T>(&self, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        let mut table = lock(&self.table);
        let result = action(&mut table);
        if table.has_news() {
            table.mailbox.ring();
        }
        result
    }
}

/// Every net error: its name, as `ERR_FAILED`, and its number.
#[napi(object, object_from_js = false)]
pub struct NamedCode {
    /// Without `net::`.
    pub name: &'static str,
    /// Negative.
    pub code: i32,
}

/// All net errors, in Chromium's order.
#[napi(catch_unwind)]
#[must_use]
pub fn net_errors() -> Vec<NamedCode> {
    let named = |error: &NetError| NamedCode {
        name: error.name().trim_start_matches("net::"),
        code: error.code(),
    };
    NetError::ALL.iter().map(named).collect()
}

/// Why something cannot be configured.
#[napi(object, object_from_js = false)]
pub struct ConfigurationProblem {
    /// The option of `configure()`.
    pub option: String,
    /// Which certificate of the option, counted from 0.
    pub index: u32,
    /// What is wrong with it.
    pub reason: String,
}

impl From<Problem> for ConfigurationProblem {
    fn from(problem: Problem) -> Self {
        Self {
            option: problem.option.to_owned(),
            index: problem.index.try_into().unwrap_or(u32::MAX),
            reason: problem.reason,
        }
    }
}

/// What was wrong with the certificate files that environment variables name, for the user to be
/// told: once, and not before the first `secure()` has looked.
#[napi(catch_unwind)]
#[must_use]
pub fn take_trust_warnings() -> Vec<String> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let warnings = trust::warnings();
    if warnings.is_empty() || TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    warnings.to_vec()
}

impl Drop for TcpSockets {
    /// The environment ends, or the module instance was collected: its sockets end with it, but for
    /// the persistent ones.
    fn drop(&mut self) {
        lock(&self.table).end();
    }
}
