//! Sending: the quota, the write queue and its flushing
//! (`extensions/browser/api/socket/{socket,write_quota_checker}.cc`).

use std::mem;
use std::task::Poll;

use bytes::BytesMut;

use crate::event::Failure;
use crate::net_error::NetError;
use crate::socket::{Connection, SocketId};
use crate::table::{SocketTable, find};

/// How many bytes the sends of an application may hold before they end.
const WRITE_QUOTA: usize = 200 * 1024 * 1024;

/// Sends of this size are worth a system call of their own, which saves copying them.
const DIRECT: usize = 16 * 1024;

impl SocketTable {
    /// Sends bytes, which are copied where they cannot be written at once. Small ones are written
    /// by [`Self::flush_gathered`].
    pub(crate) fn send(&mut self, request: u32, socket_id: SocketId, data: &[u8]) {
        // The quota is looked at before the socket: Chromium's order.
        if self.unsent + data.len() > WRITE_QUOTA {
            return self
                .outbox
                .fail(request, Failure::without_code("Exceeded write quota."));
        }
        let socket = find!(self, socket_id, request);
        let link = match &mut socket.connection {
            Connection::Connected(link) if !link.broken => link,
            _ => return self.outbox.fail(request, NetError::SocketNotConnected),
        };
        let mut written = 0;
        if data.len() >= DIRECT && socket.writes.next_chunk().is_none() {
            // An error is met again by the flush, which knows what to do about it.
            if let Poll::Ready(Ok(count)) = link.transport.poll_write(&link.wakers.write, data) {
                written = count;
            }
        }
        self.unsent += data.len();
        socket.writes.push(request, data, written);
        if self.gathered.last() != Some(&socket_id) {
            self.gathered.push(socket_id);
        }
    }

    /// Writes the sends of this tick.
    pub(crate) fn flush_gathered(&mut self) {
        for socket_id in mem::take(&mut self.gathered) {
            self.flush(socket_id);
        }
    }

    /// Writes what the transport takes, and ends the sends that are written.
    pub(crate) fn flush(&mut self, socket_id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let Connection::Connected(link) = &mut socket.connection else {
            return;
        };
        while let Some(chunk) = socket.writes.next_chunk() {
            match link.transport.poll_write(&link.wakers.write, chunk) {
                Poll::Ready(Ok(count)) if count > 0 => socket.writes.advance(count),
                Poll::Ready(_) => return self.write_failed(socket_id),
                Poll::Pending => break,
            }
        }
        let Ok(unflushed) = link.transport.unflushed() else {
            return self.write_failed(socket_id);
        };
        while let Some((request, length)) = socket.writes.pop_written(unflushed) {
            self.unsent -= length;
            self.outbox.complete(request);
        }
    }

    /// The connection broke. What the peer sent before is still delivered; then the connection
    /// ends like any other.
    fn write_failed(&mut self, socket_id: SocketId) {
        self.fail_sends(socket_id);
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        if let Some(link) = socket.link() {
            link.broken = true;
        }
        let received = socket.read_ahead.is_some()
            || self.fill(socket_id, BytesMut::with_capacity(DIRECT)) == Poll::Ready(true);
        if received {
            self.outbox.read(socket_id);
        } else if self.cut(socket_id) {
            self.report_closed(socket_id);
        }
    }

    /// Fails all sends as Chromium does when a connection breaks: the one under way in general,
    /// those behind it for want of a connection.
    pub(crate) fn fail_sends(&mut self, socket_id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let mut error = NetError::Failed;
        for (request, length) in socket.writes.abandon() {
            self.unsent -= length;
            self.outbox.fail(request, error);
            error = NetError::SocketNotConnected;
        }
    }
}
