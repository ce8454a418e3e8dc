//! The plain sums behind `stats()`.

/// Totals since the environment started.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connects_started: usize,
    pub(crate) connects_succeeded: usize,
    pub(crate) accepted: usize,
    pub(crate) accepts_failed: usize,
    pub(crate) handshakes_started: usize,
    pub(crate) handshakes_succeeded: usize,
    pub(crate) bytes_received: usize,
    pub(crate) bytes_sent: usize,
    pub(crate) events_delivered: usize,
}
