//! The native half of `chrome-sockets-tcp`, the counterpart of Chromium's browser and network
//! processes. The JavaScript half (`lib/`) is the counterpart of its renderer.
//!
//! # Layout
//!
//! In import order; a module imports only from those above it, and a test keeps it so:
//!
//! * [`ids`], [`sync`], [`ready`], [`copy`], [`net_error`], [`health`] and [`event`] import nothing
//!   but each other: values that every layer passes on, Chromium's codes, what a connection can still
//!   do, and events for JavaScript;
//! * [`runtime`]: the tokio runtime, and closed connections whose last bytes are still on their way;
//! * [`wake`]: from the runtime's threads and the kernel to the JavaScript thread;
//! * [`net`]: from a host to a connection, and from an address to accepted ones;
//! * [`tls`]: from a connection to an encrypted one, and its bytes;
//! * [`transport`]: the bytes of a connection, plaintext or encrypted;
//! * [`socket`]: one socket, its connection state and its sends;
//! * [`table`]: the socket table, its calls, server sockets, and the outbox to JavaScript;
//! * [`binding`]: the class that JavaScript calls, conversions only.
//!
//! # Threads
//!
//! The JavaScript thread owns the table. It makes all system calls of plaintext sockets, none of
//! which blocks, and encrypts and decrypts small messages. The runtime wakes it when sockets become
//! ready while it sleeps, resolves names, and runs TLS handshakes and bulk TLS. The runtime posts
//! its results to the [`mailbox`](wake::mailbox), which wakes the JavaScript thread through a
//! threadsafe function.
//!
//! # Glossary
//!
//! * **request**: a call of JavaScript that has no result yet. Its owner completes it once, which
//!   consumes it. Others know only its number.
//! * **event**: a completed request or a call of a listener, on its way to JavaScript.
//! * **outbox**: the queue of events. It holds markers for readable sockets, not received bytes.
//! * **notice**: a result of the runtime, on its way to the table. A task holds a `PendingNotice` for
//!   each notice that it owes.
//! * **turn**: one round of the event loop, or one poll of a task. A `DeliveryBudget` limits the
//!   time of deliveries in a turn.
//! * **readiness**: whether a read, write or accept would not block. The `Poller` reports it.
//! * **attempt**: a connection attempt over all addresses of a host.
//! * **link**: an established connection. Its *transport* has the bytes, its *endpoints* the
//!   addresses.
//! * **health**, of a connection: which of its directions still work, and why reading has ended.
//! * **read**, of a socket: permission to deliver one chunk. It is in flight from `connect()` or
//!   `setPaused(false)` until bytes or an end are delivered.
//! * **read-ahead**: bytes that were read from the kernel and not delivered.
//! * **paused**: the application has suspended delivery. **throttled**: the Electron bridge has,
//!   which the application cannot see.
//! * **inline**, **bulk**: TLS on the JavaScript thread, and TLS in a task of the runtime. The task
//!   exchanges plaintext through a *pipe*, and *hands back* the connection when it is idle.
//! * **record**, **framer**: a TLS record, and the tracker of their boundaries.
//! * **to settle**, of a closed connection: to reach the state in which the end of the process can
//!   no longer lose its bytes.
//! * **owner**: the environment or page that a socket ends with. An **orphan** is a persistent socket
//!   whose owner has ended; the next owner *adopts* it.

pub mod binding;
mod copy;
mod event;
#[cfg(any(fuzzing, test))]
pub mod fuzzing;
mod health;
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
