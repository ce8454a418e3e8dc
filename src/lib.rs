//! The native half of `chrome-sockets-tcp`, the counterpart of Chromium's browser and network
//! processes. The JavaScript half (`lib/`) is the counterpart of its renderer.
//!
//! # Layout
//!
//! In import order; a module imports only from those above it, and a test keeps it so:
//!
//! * [`ids`], [`sync`], [`ready`], [`copy`], [`net_error`] and [`event`] import nothing but each
//!   other: values that every layer passes on, Chromium's codes, and events for JavaScript;
//! * [`runtime`]: the tokio runtime, and closed connections whose last bytes are still on their way;
//! * [`wake`]: from the runtime's threads and the kernel to the JavaScript thread;
//! * [`net`]: from a host to a connection, and from an address to accepted ones;
//! * [`tls`]: from a connection to an encrypted one, and its bytes;
//! * [`transport`]: the bytes of a connection, plaintext or encrypted;
//! * [`socket`]: one socket, its connection state and its sends;
//! * [`table`]: the socket table, its calls, server sockets, and the outbox to JavaScript;
//! * this file: the class that JavaScript calls, conversions only.
//!
//! # Threads
//!
//! The JavaScript thread owns the table. It makes all system calls of plaintext sockets, none of
//! which blocks, and encrypts and decrypts small messages. The runtime wakes it when sockets become
//! ready while it sleeps, resolves names, and runs TLS handshakes and bulk TLS. The runtime posts
//! its results to the [`mailbox`](wake::mailbox), which wakes the JavaScript thread through a threadsafe function.

mod copy;
mod event;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod ids;
mod net;
mod net_error;
mod ready;
mod runtime;
mod socket;
mod sync;
mod table;
#[cfg(test)]
mod testing;
mod tls;
mod transport;
mod wake;

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use napi::bindgen_prelude::{
    BufferSlice, Function, FunctionCallContext, Int32ArraySlice, Object, Result, Uint8Array,
    Uint8ArraySlice,
};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi::{Env, Status};
use napi_derive::napi;
use rustls::pki_types::CertificateDer;

use crate::event::{Failure, Next};
use crate::ids::SocketId;
use crate::net::options::SocketOption;
use crate::net::resolver::AddressFamily;
use crate::net_error::NetError;
use crate::socket::{Identity, SocketInfo, SocketProperties};
use crate::sync::lock;
use crate::table::SocketTable;
use crate::table::statistics::Statistics;
use crate::tls::handshake::TlsContext;
use crate::tls::negotiation::TlsSession;
use crate::tls::settings::{Problem, TlsSettings};
use crate::tls::versions::TlsVersionRange;

/// Wakes the JavaScript thread, which then requests events.
type Wake = ThreadsafeFunction<(), (), (), Status, false>;

/// The sockets of one instance of the module.
///
/// Each method with a `request` completes it exactly once, later, when JavaScript requests events.
/// `index.d.ts` documents the methods.
#[napi]
#[derive(Default)]
pub struct TcpSockets {
    /// Locked by the JavaScript thread only. The lock makes the table `Send`; no thread waits for
    /// it.
    table: Arc<Mutex<SocketTable>>,
    /// The function that wakes JavaScript, as long as the table is attached.
    wake: Mutex<Weak<Mutex<Wake>>>,
}

#[napi]
impl TcpSockets {
    /// An empty table.
    #[napi(constructor)]
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attaches the table to JavaScript until no call is pending and no socket is connected, which
    /// it reports as an event. The table calls `wake` when an event is available. While attached,
    /// it keeps the event loop alive.
    ///
    /// # Errors
    ///
    /// Those of Node-API when there is no memory for the threadsafe function.
    #[napi(catch_unwind)]
    pub fn set_waker(&self, wake: Function<'_, (), ()>) -> Result<()> {
        let wake: Wake = wake.build_threadsafe_function::<()>().build()?;
        let wake = Arc::new(Mutex::new(wake));
        *lock(&self.wake) = Arc::downgrade(&wake);
        let wake_fn = move || {
            // Fails only while the environment ends, when no thread needs to be woken.
            let _ = lock(&wake).call((), ThreadsafeFunctionCallMode::NonBlocking);
        };
        lock(&self.table).mailbox.attach(Box::new(wake_fn));
        Ok(())
    }

    /// Decides whether a socket keeps the event loop alive while it is connected.
    #[napi(catch_unwind)]
    pub fn set_referenced(&self, socket_id: SocketId, referenced: bool) {
        lock(&self.table).set_referenced(socket_id, referenced);
    }

    /// Whether the event loop should be kept alive.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn keeps_loop(&self) -> bool {
        lock(&self.table).keeps_loop()
    }

    /// Has an attached table keep the event loop alive, or not.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    #[napi(catch_unwind)]
    #[allow(
        deprecated,
        reason = "the alternatives release the function, which is still to be called"
    )]
    pub fn hold_loop(&self, env: &Env, held: bool) -> Result<()> {
        let Some(wake) = lock(&self.wake).upgrade() else {
            return Ok(());
        };
        let mut wake = lock(&wake);
        if held {
            wake.refer(env)
        } else {
            wake.unref(env)
        }
    }

    /// The functions that are called for every message. As methods they would cost several times as
    /// much.
    ///
    /// # Errors
    ///
    /// Those of Node-API.
    #[napi(
        catch_unwind,
        ts_return_type = "{
    next(turned: boolean): number
    take(target: Uint8Array): number
    send(request: number, socketId: number, data: Uint8Array): void
    sendGathered(first: number, count: number, headers: Int32Array, bytes: Uint8Array): boolean
  }"
    )]
    pub fn functions<'env>(&self, env: &'env Env) -> Result<Object<'env>> {
        let mut functions = Object::new(env)?;

        // Returns the next event, see `Next`. `turned` says whether the event loop has turned since
        // the last call.
        let table = Arc::clone(&self.table);
        let next = move |call: FunctionCallContext<'_>| {
            let turned = call.first_arg()?;
            let mut table = lock(&table);
            let next = table.next_event(turned);
            let polls_again = next == Next::PollAgain;
            let (number, failure) = next.into_number();
            table.failure = failure;
            drop(table);
            if polls_again {
                thread::yield_now();
            }
            Ok(number)
        };
        let next: Function<'_, (), f64> = env.create_function_from_closure("next", next)?;
        functions.set("next", next)?;

        // Fills `target`, which has the announced length, with received bytes. Returns their
        // number.
        let table = Arc::clone(&self.table);
        let take = move |call: FunctionCallContext<'_>| {
            let mut target: BufferSlice<'_> = call.first_arg()?;
            Ok(u32::try_from(lock(&table).take(&mut target)).unwrap_or(0))
        };
        let take: Function<'_, (), u32> = env.create_function_from_closure("take", take)?;
        functions.set("take", take)?;

        // Copies the part of `data` that cannot be written at once.
        let table = Arc::clone(&self.table);
        let send = move |call: FunctionCallContext<'_>| {
            let (request, socket_id, data): (u32, SocketId, Uint8ArraySlice<'_>) = call.args()?;
            call_on(&table, socket_id, |table| {
                table.send(request, socket_id, &data);
            });
            Ok(())
        };
        let send: Function<'_, (), ()> = env.create_function_from_closure("send", send)?;
        functions.set("send", send)?;

        // `count` sends, whose requests are numbered from `first`. `headers` alternates sockets and
        // lengths; `bytes` holds the data of all sends. Returns whether all sends have succeeded
        // and JavaScript must complete them before it requests the next event.
        let table = Arc::clone(&self.table);
        let send_gathered = move |call: FunctionCallContext<'_>| {
            let (first, count): (u32, u32) = (call.get(0)?, call.get(1)?);
            let headers: Int32ArraySlice<'_> = call.get(2)?;
            let bytes: Uint8ArraySlice<'_> = call.get(3)?;
            let (headers, _) = headers.as_chunks();
            let headers = headers.get(..count as usize).unwrap_or(headers);
            Ok(call_in(&table, |table| {
                for &[socket_id, _] in headers {
                    table.adopt(socket_id);
                }
                table.send_gathered(first, headers, &bytes)
            }))
        };
        let send_gathered: Function<'_, (), bool> =
            env.create_function_from_closure("sendGathered", send_gathered)?;
        functions.set("sendGathered", send_gathered)?;

        Ok(functions)
    }

    /// The failure of the request that was delivered last.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_failure(&self) -> Option<FailedCall> {
        let Failure { code, message } = lock(&self.table).failure.take()?;
        let message = message.into_owned();
        Some(FailedCall { code, message })
    }

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
        self.call(|table| table.create(request, properties))
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
            table.connect(request, socket_id, host, port, family, page);
        });
    }

    /// Completes a `connect()` to a host that the manifest does not allow.
    #[napi(catch_unwind)]
    pub fn deny_connect(&self, request: u32, socket_id: SocketId, host: String) {
        self.call_on(socket_id, |table| {
            table.deny_connect(request, socket_id, host);
        });
    }

    /// Closes the connection but keeps the socket.
    #[napi(catch_unwind)]
    pub fn disconnect(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.disconnect(request, socket_id));
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
            table.secure(request, socket_id, versions);
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
        self.call_on(socket_id, |table| table.close(request, socket_id));
    }

    /// Describes the current state of a socket; null if it does not exist.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_info(&self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        self.call(|table| table.info_of_any(request, socket_id))
    }

    /// Describes all sockets of this environment and the orphans, ordered by identifier.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_sockets(&self, request: u32) -> Vec<SocketInfo> {
        self.call(|table| table.infos_of_all(request))
    }

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
        self.call(|table| table.create_server(request, identity))
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
            table.update_server(request, socket_id, persistent, name);
        });
    }

    /// Pauses or resumes accepting.
    #[napi(catch_unwind)]
    pub fn pause_server(&self, request: u32, socket_id: SocketId, paused: bool) {
        self.call_on(socket_id, |table| {
            table.pause_server(request, socket_id, paused);
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
            table.start_listening(request, socket_id, &address, port, backlog);
        });
    }

    /// Completes a `listen()` that the manifest does not allow.
    #[napi(catch_unwind)]
    pub fn deny_listen(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.deny_listen(request, socket_id));
    }

    /// Stops listening but keeps the server socket.
    #[napi(catch_unwind)]
    pub fn disconnect_server(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| {
            table.disconnect_server(request, socket_id);
        });
    }

    /// Closes the server socket.
    #[napi(catch_unwind)]
    pub fn close_server(&self, request: u32, socket_id: SocketId) {
        self.call_on(socket_id, |table| table.close_server(request, socket_id));
    }

    /// Describes the current state of a server socket; null if it does not exist.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_server_info(&self, request: u32, socket_id: SocketId) -> Option<SocketInfo> {
        self.call(|table| table.server_info(request, socket_id))
    }

    /// Describes all server sockets, like `getSockets`.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn get_servers(&self, request: u32) -> Vec<SocketInfo> {
        self.call(|table| table.server_infos(request))
    }

    /// The socket of the connection that was delivered last.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn take_accepted(&self) -> Option<SocketId> {
        lock(&self.table).accepted.take()
    }

    /// The counters of this environment.
    #[napi(catch_unwind)]
    #[must_use]
    pub fn stats(&self) -> Statistics {
        lock(&self.table).statistics()
    }

    /// Replaces the TLS settings for later `secure()` calls: certificates in DER, additional
    /// authorities in `ca`, `key` in PKCS #8, `key_log` a path. On error, the settings stay
    /// unchanged and the problem is returned.
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
                lock(&self.table).tls = Some(Arc::new(TlsContext::new(settings)));
                None
            }
            Err(problem) => Some(problem.into()),
        }
    }

    /// Ends all sockets. Persistent ones become orphans.
    #[napi(catch_unwind)]
    pub fn end(&self) {
        lock(&self.table).end();
    }

    /// Limits the duration of `connect()`, in milliseconds; null for no limit.
    #[napi(catch_unwind)]
    pub fn limit_connect(&self, milliseconds: Option<u32>) {
        let limit = milliseconds.map(|number| Duration::from_millis(number.into()));
        lock(&self.table).connect_timeout = limit;
    }

    /// Limits the number of sockets; null for no limit. Existing sockets stay.
    #[napi(catch_unwind)]
    pub fn limit_sockets(&self, count: Option<u32>) {
        let limit = count.map(|count| usize::try_from(count).unwrap_or(usize::MAX));
        lock(&self.table).max_sockets = limit;
    }

    /// Makes connections fail before the process runs out of descriptors for other purposes.
    #[napi(catch_unwind)]
    pub fn spare_descriptors(&self) {
        lock(&self.table).spares_descriptors = true;
    }

    fn call_on<T>(&self, socket_id: SocketId, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        call_on(&self.table, socket_id, action)
    }

    fn call<T>(&self, action: impl FnOnce(&mut SocketTable) -> T) -> T {
        call_in(&self.table, action)
    }
}

/// Calls with a socket. A socket without an owner is adopted first.
fn call_on<T>(
    table: &Mutex<SocketTable>,
    socket_id: SocketId,
    action: impl FnOnce(&mut SocketTable) -> T,
) -> T {
    call_in(table, |table| {
        table.adopt(socket_id);
        action(table)
    })
}

fn call_in<T>(table: &Mutex<SocketTable>, action: impl FnOnce(&mut SocketTable) -> T) -> T {
    let mut table = lock(table);
    let result = action(&mut table);
    if table.has_news() {
        table.mailbox.wake();
    }
    result
}

/// Waits for a bounded time until the bytes sent on closed connections have arrived, which the end
/// of the process could prevent. `process_ends` says that persistent sockets end, too.
#[napi(catch_unwind)]
pub fn settle(process_ends: bool) {
    if process_ends {
        table::orphans::end();
    }
    runtime::closing::settle();
}

/// The failure of a request.
#[napi(object, object_from_js = false)]
pub struct FailedCall {
    /// The result code for the callback. `None`: the callback gets no argument.
    pub code: Option<i32>,
    /// The text of `chrome.runtime.lastError`.
    pub message: String,
}

/// The name of a net error, such as `ERR_FAILED`, and its number.
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

/// The reason why an option is invalid.
#[napi(object, object_from_js = false)]
pub struct ConfigurationProblem {
    /// The option of `configure()`.
    pub option: String,
    /// The index of the certificate within the option.
    pub index: u32,
    /// The problem.
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

/// Problems with the certificate files that environment variables name. Returned once, after the
/// first `secure()` has loaded the files.
#[napi(catch_unwind)]
#[must_use]
pub fn take_trust_warnings() -> Vec<String> {
    static TAKEN: AtomicBool = AtomicBool::new(false);
    let warnings = tls::trust::warnings();
    if warnings.is_empty() || TAKEN.swap(true, Ordering::Relaxed) {
        return Vec::new();
    }
    warnings.to_vec()
}

impl Drop for TcpSockets {
    /// Ends the sockets when the environment ends or the instance is collected, except for
    /// persistent ones.
    fn drop(&mut self) {
        lock(&self.table).end();
    }
}
