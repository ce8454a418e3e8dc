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
//! * [`binding`]: the class that JavaScript calls, conversions only.
//!
//! # Threads
//!
//! The JavaScript thread owns the table. It makes all system calls of plaintext sockets, none of
//! which blocks, and encrypts and decrypts small messages. The runtime wakes it when sockets become
//! ready while it sleeps, resolves names, and runs TLS handshakes and bulk TLS. The runtime posts
//! its results to the [`mailbox`](wake::mailbox), which wakes the JavaScript thread through a threadsafe function.

pub mod binding;
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
