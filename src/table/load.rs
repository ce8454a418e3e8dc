//! The numbers of open connections, pending look-ups, queued and buffered bytes of a table. They change
//! only through these methods.

/// The load of one table.
#[derive(Default)]
pub(super) struct Load {
    pending_lookups: usize,
    open_connections: usize,
    queued_bytes: usize,
    sockets_buffering: usize,
}

impl Load {
    /// A name resolution has started.
    pub(super) fn start_lookup(&mut self) {
        self.pending_lookups += 1;
    }

    /// A name resolution has ended.
    pub(super) fn end_lookup(&mut self) {
        self.pending_lookups -= 1;
    }

    /// A socket has started to connect or listen, or was taken over while it does.
    pub(super) fn open(&mut self) {
        self.open_connections += 1;
    }

    /// A socket has stopped connecting, being connected or listening, or was handed over.
    pub(super) fn close(&mut self) {
        self.open_connections -= 1;
    }

    /// The bytes of a send count towards the write quota.
    pub(super) fn queue_bytes(&mut self, count: usize) {
        self.queued_bytes += count;
    }

    /// A send was written or abandoned.
    pub(super) fn release_bytes(&mut self, count: usize) {
        self.queued_bytes -= count;
    }

    /// A socket has bytes that were read but not delivered.
    pub(super) fn start_buffering(&mut self) {
        self.sockets_buffering += 1;
    }

    /// The bytes of a socket were delivered or dropped.
    pub(super) fn end_buffering(&mut self) {
        self.sockets_buffering -= 1;
    }

    /// Pending name resolutions.
    pub(super) fn pending_lookups(&self) -> usize {
        self.pending_lookups
    }

    /// Sockets that are connected or connecting, and server sockets that listen.
    pub(super) fn open_connections(&self) -> usize {
        self.open_connections
    }

    /// Bytes of pending sends.
    pub(super) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Sockets with bytes that were read but not delivered.
    pub(super) fn sockets_buffering(&self) -> usize {
        self.sockets_buffering
    }
}
