//! Sending: the quota, the write queue and its flushing
//! (`extensions/browser/api/socket/{socket,write_quota_checker}.cc`).

use std::mem;
use std::task::Poll;

use crate::event::{Failure, Request};
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::ready::Ready;
use crate::socket::Connection;
use crate::table::{SocketTable, find};

/// The most bytes that the pending sends of an application may hold.
const WRITE_QUOTA: usize = 200 * 1024 * 1024;

/// The most queued bytes that one turn of a socket writes.
pub(crate) const WRITES_PER_TURN: usize = 1024 * 1024;

impl SocketTable {
    /// Sends bytes. Copies those that cannot be written at once.
    pub(crate) fn send(&mut self, request: Request, socket_id: SocketId, data: &[u8]) {
        let written = self.write_at_once(socket_id, data);
        self.queue(request, socket_id, data, written);
        self.flush(socket_id);
    }

    /// A batch of small sends, whose requests are numbered from `first` and whose data is
    /// concatenated in `bytes`. Consecutive sends of one socket share a write. Returns `true` if all
    /// have succeeded and no event precedes them. The caller must then complete them before it
    /// requests the next event.
    pub(crate) fn send_gathered(
        &mut self,
        first: u32,
        headers: &[[i32; 2]],
        mut bytes: &[u8],
    ) -> bool {
        let mut number = first;
        for sends in headers.chunk_by(|[socket_id, _], [next, _]| socket_id == next) {
            let Some(&[socket_id, _]) = sends.first() else {
                continue;
            };
            let lengths = sends
                .iter()
                .map(|&[_, length]| usize::try_from(length).unwrap_or(0));
            let total = lengths.clone().sum();
            let Some((mut data, others)) = bytes.split_at_checked(total) else {
                return false;
            };
            bytes = others;
            let mut written = self.write_at_once(socket_id, data);
            for length in lengths {
                let (own, rest) = data.split_at(length);
                data = rest;
                let own_written = written.min(length);
                written -= own_written;
                self.queue(number.into(), socket_id, own, own_written);
                number = number.wrapping_add(1);
            }
            self.flush(socket_id);
        }
        self.complete_inline(first, headers.len())
    }

    /// Writes without blocking, if the queue is empty. The flush meets an error again and handles
    /// it.
    fn write_at_once(&mut self, socket_id: SocketId, data: &[u8]) -> usize {
        if self.load.queued_bytes() + data.len() > WRITE_QUOTA {
            return 0;
        }
        self.read_before_send(socket_id);
        let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller) else {
            return 0;
        };
        match &mut socket.connection {
            Connection::Connected(link)
                if link.health.can_write()
                    && !data.is_empty()
                    && !socket.writes.has_unwritten() =>
            {
                self.busy_poll.expect_reply();
                match link.transport.poll_write(data, poller) {
                    Poll::Ready(Ok(count)) => {
                        link.note_written(count);
                        count
                    }
                    Poll::Ready(Err(_)) | Poll::Pending => 0,
                }
            }
            _ => 0,
        }
    }

    /// Queues or refuses a send whose first `written` bytes are written.
    fn queue(&mut self, request: Request, socket_id: SocketId, data: &[u8], written: usize) {
        // Chromium checks the quota before the socket.
        if self.load.queued_bytes() + data.len() > WRITE_QUOTA {
            return self
                .outbox
                .fail(request, Failure::without_code("Exceeded write quota."));
        }
        let socket = find!(self.sockets, socket_id, request);
        match &socket.connection {
            Connection::Connected(link) if link.health.can_write() => {}
            _ => return self.outbox.fail(request, NetError::SocketNotConnected),
        }
        self.load.queue_bytes(data.len());
        socket.writes.push(request, data, written);
    }

    /// Writes as much as the transport takes, and completes the sends that are written. Returns
    /// whether there were any.
    pub(crate) fn flush(&mut self, socket_id: SocketId) -> bool {
        let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller) else {
            return false;
        };
        let link = match &mut socket.connection {
            Connection::Connected(link) if link.health.can_write() => link,
            _ => return false,
        };
        let mut left = WRITES_PER_TURN;
        while socket.writes.has_unwritten() {
            if left == 0 {
                // A peer that takes everything at once must not delay other sockets.
                if !mem::replace(&mut socket.write_queued, true) {
                    self.outbox.write(socket_id);
                }
                break;
            }
            let pieces = socket.writes.next_pieces(left);
            match link.transport.poll_write_vectored(&pieces, poller) {
                Poll::Ready(Ok(count)) if count > 0 => {
                    link.note_written(count);
                    socket.writes.advance(count);
                    left -= count;
                }
                Poll::Ready(_) => {
                    self.write_failed(socket_id);
                    return false;
                }
                Poll::Pending => break,
            }
        }
        let Ok(unflushed) = link.transport.unflushed() else {
            self.write_failed(socket_id);
            return false;
        };
        let mut completed = false;
        while let Some((request, length)) = socket.writes.pop_written(unflushed) {
            self.load.release_bytes(length);
            self.counters.bytes_sent += length;
            self.outbox.complete(request);
            completed = true;
        }
        if completed {
            socket.read_marker.defer();
        }
        completed
    }

    /// Writes more of the data that the last turn left.
    pub(crate) fn continue_writing(&mut self, socket_id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket.write_queued = false;
            self.budget.expect_costly_work();
            self.flush(socket_id);
        }
    }

    /// Handles a broken connection. Data that the peer sent before is still delivered; then the
    /// connection ends like any other.
    fn write_failed(&mut self, socket_id: SocketId) {
        self.fail_sends(socket_id);
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let Some(link) = socket.link_mut() else {
            return;
        };
        link.health.fail_write();
        // A read finds this data even if the poller has not reported it yet.
        link.transport.note(Ready::TO_BE_READ);
        if link.read_ahead.is_some() || link.transport.has_unread() {
            // A read that starts later is queued later.
            if link.read.is_some() {
                self.queue_read(socket_id);
            }
        } else {
            let cause = link.cause();
            if self.abort_connection(socket_id) {
                self.report_end(socket_id, cause);
            }
        }
    }

    /// Fails all sends as Chromium does when a connection breaks: the current one with
    /// `ERR_FAILED`, those behind it with `ERR_SOCKET_NOT_CONNECTED`.
    pub(crate) fn fail_sends(&mut self, socket_id: SocketId) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        let mut error = NetError::Failed;
        for (request, length) in socket.writes.abandon() {
            self.load.release_bytes(length);
            self.outbox.fail(request, error);
            error = NetError::SocketNotConnected;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Shutdown, TcpStream};
    use std::thread;
    use std::time::{Duration, Instant};

    use socket2::SockRef;

    use super::*;
    use crate::socket::SocketProperties;
    use crate::testing::{Application, Delivered, Peer};
    use crate::transport::Transport;

    fn connected() -> (Application, SocketId, TcpStream) {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        (application, socket_id, peer.accept())
    }

    fn send(application: &mut Application, socket_id: SocketId, data: &[u8]) -> u32 {
        let request = application.request();
        application.table.send(request.into(), socket_id, data);
        request
    }

    #[test]
    fn one_turn_writes_a_bounded_amount() {
        let (mut application, socket_id, mut stream) = connected();
        let length = 8 * WRITES_PER_TURN;
        let request = send(&mut application, socket_id, &vec![1; length]);
        let queued = |application: &Application| {
            let unwritten = application.table.sockets[&socket_id].writes.unwritten();
            usize::try_from(unwritten).unwrap()
        };
        let mut left = length - queued(&application);
        let reader = thread::spawn(move || {
            let mut taken = vec![0; 64 * 1024];
            while left > 0 {
                left -= stream.read(&mut taken).unwrap();
            }
            stream
        });
        // The kernel has room for the remainder of the first write.
        let mut stream = reader.join().unwrap();
        let before = queued(&application);
        application.table.poll_readiness();
        let mut turns = 0;
        loop {
            turns += 1;
            application.table.flush(socket_id);
            let written = before - queued(&application);
            assert!(written <= turns * WRITES_PER_TURN + WRITES_PER_TURN);
            if written > WRITES_PER_TURN {
                break;
            }
            assert!(turns < 100);
        }
        let reader = thread::spawn(move || {
            let mut taken = vec![0; before];
            stream.read_exact(&mut taken).unwrap();
        });
        assert_eq!(application.outcome(request), Ok(()));
        reader.join().unwrap();
    }

    fn failure(error: NetError) -> Result<(), Failure> {
        Err(error.into())
    }

    #[test]
    fn a_connection_that_can_only_be_read_ends_when_it_is_read() {
        let (mut application, socket_id, mut stream) = connected();
        stream.write_all(b"before").unwrap();
        let Connection::Connected(link) = &application.table.sockets[&socket_id].connection else {
            panic!("not connected")
        };
        let Transport::Plain(socket) = &link.transport else {
            panic!("not in the clear")
        };
        socket.socket().shutdown(Shutdown::Write).unwrap();
        let request = send(&mut application, socket_id, b"lost");
        assert_eq!(application.outcome(request), failure(NetError::Failed));
        assert_eq!(application.received(socket_id), b"before");
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
    }

    fn will_reset(stream: &TcpStream) {
        SockRef::from(stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    }

    #[test]
    fn sends_arrive_and_complete_in_order() {
        let (mut application, socket_id, mut stream) = connected();
        let large = vec![b'-'; 100_000];
        let requests =
            [&b"one"[..], b"", &large, b"two"].map(|data| send(&mut application, socket_id, data));
        let reader = thread::spawn(move || {
            let mut received = vec![0; 100_006];
            stream.read_exact(&mut received).unwrap();
            (stream, received)
        });
        for request in requests {
            assert_eq!(application.outcome(request), Ok(()));
        }
        let (_stream, received) = reader.join().unwrap();
        assert!(received.starts_with(b"one-") && received.ends_with(b"-two"));
        assert_eq!(application.table.load.queued_bytes(), 0);
    }

    #[test]
    fn a_connection_awaits_a_reply_from_a_send_until_the_next_read() {
        let (mut application, socket_id, mut stream) = connected();
        let awaits_reply = |application: &Application| {
            let Connection::Connected(link) = &application.table.sockets[&socket_id].connection
            else {
                panic!("not connected")
            };
            link.awaits_reply
        };
        assert!(!awaits_reply(&application));
        for data in [&b"small"[..], &vec![7; 100_000]] {
            let request = send(&mut application, socket_id, data);
            let mut received = vec![0; data.len()];
            stream.read_exact(&mut received).unwrap();
            assert_eq!(application.outcome(request), Ok(()));
            assert!(awaits_reply(&application));
            stream.write_all(b"reply").unwrap();
            assert_eq!(application.received(socket_id), b"reply");
            assert!(!awaits_reply(&application));
        }
    }

    #[test]
    fn gathered_sends_that_succeed_at_once_are_completed_inline() {
        let (mut application, socket_id, mut stream) = connected();
        let table = &mut application.table;
        assert!(table.send_gathered(7, &[[socket_id, 2]; 3], b"abcdef and more"));
        assert!(!table.has_news());
        assert_eq!(table.load.queued_bytes(), 0);
        let mut received = [0; 6];
        stream.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"abcdef");
    }

    #[test]
    fn an_application_that_sends_from_each_callback_still_receives() {
        let (mut application, socket_id, _stream) = connected();
        let peer = Peer::new();
        let receiver = application.connected(&peer, SocketProperties::default());
        peer.accept().write_all(b"x").unwrap();
        let give_up = Instant::now() + Duration::from_secs(10);
        loop {
            assert!(Instant::now() < give_up, "nothing is ever received");
            let request = application.request();
            let table = &mut application.table;
            if !table.send_gathered(request, &[[socket_id, 1]], b"a")
                && let Delivered::Receive { socket_id, .. } = application.event()
            {
                assert_eq!(socket_id, receiver);
                break;
            }
        }
    }

    #[test]
    fn gathered_sends_complete_after_earlier_completions() {
        let (mut application, socket_id, _stream) = connected();
        let request = application.request();
        application.table.info(request.into(), socket_id);
        let table = &mut application.table;
        assert!(!table.send_gathered(7, &[[socket_id, 1], [socket_id, 0]], b"a"));
        for ended in [request, 7, 8] {
            assert_eq!(application.outcome(ended), Ok(()));
        }
    }

    #[test]
    fn gathered_sends_complete_one_by_one_if_one_fails() {
        let (mut application, socket_id, _stream) = connected();
        let headers = [[socket_id, 1], [-1, 1], [socket_id, 1]];
        assert!(!application.table.send_gathered(7, &headers, b"abc"));
        assert_eq!(application.outcome(7), Ok(()));
        let not_found = Failure::without_code("Socket not found");
        assert_eq!(application.outcome(8), Err(not_found));
        assert_eq!(application.outcome(9), Ok(()));
    }

    #[test]
    fn a_send_completes_when_the_peer_reads_it() {
        let (mut application, socket_id, mut stream) = connected();
        let length = 32 * 1024 * 1024;
        let request = send(&mut application, socket_id, &vec![1; length]);
        assert!(!application.table.has_news());
        let reader = thread::spawn(move || {
            let mut received = vec![0; length];
            stream.read_exact(&mut received).unwrap();
            stream
        });
        assert_eq!(application.outcome(request), Ok(()));
        reader.join().unwrap();
    }

    #[test]
    fn bytes_sent_before_a_reset_are_received_even_if_a_send_fails() {
        let (mut application, socket_id, mut stream) = connected();
        let filler = vec![1; 32 * 1024 * 1024];
        let first = send(&mut application, socket_id, &filler);
        let second = send(&mut application, socket_id, b"x");
        stream.write_all(b"last words").unwrap();
        will_reset(&stream);
        drop(stream);
        let mut told = Vec::new();
        while !matches!(told.last(), Some(Delivered::Detached)) {
            told.push(application.event());
        }
        let position =
            |event: &Delivered| told.iter().position(|told| told == event).expect("told");
        let ended = |request, error| Delivered::Complete {
            request,
            outcome: failure(error),
        };
        let first = position(&ended(first, NetError::Failed));
        let second = position(&ended(second, NetError::SocketNotConnected));
        let data = position(&Delivered::Receive {
            socket_id,
            data: b"last words".to_vec(),
        });
        let error = position(&Delivered::ReceiveError {
            socket_id,
            error: NetError::ConnectionClosed,
        });
        assert!(first < second && data < error && second < error);
        assert_eq!(told.len(), 5);
    }

    #[test]
    fn bytes_sent_before_a_reset_follow_the_callback_of_set_paused() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.create(SocketProperties::default());
        let [pause, resume, info] = [(); 3].map(|()| application.request());
        application.table.set_paused(pause.into(), socket_id, true);
        assert_eq!(application.outcome(pause), Ok(()));
        assert_eq!(application.connect(socket_id, peer.address), Ok(()));
        let mut stream = peer.accept();
        stream.write_all(b"last words").unwrap();
        will_reset(&stream);
        drop(stream);
        application.table.poll_readiness();
        let lost = send(&mut application, socket_id, b"x");
        application
            .table
            .set_paused(resume.into(), socket_id, false);
        application.table.info(info.into(), socket_id);
        assert_eq!(application.outcome(lost), failure(NetError::Failed));
        assert_eq!(application.outcome(resume), Ok(()));
        assert_eq!(application.outcome(info), Ok(()));
        assert_eq!(application.received(socket_id), b"last words");
    }

    #[test]
    fn only_sends_above_the_quota_are_refused() {
        let (mut application, socket_id, stream) = connected();
        let half = vec![0; WRITE_QUOTA / 2];
        let first = send(&mut application, socket_id, &half);
        let second = send(&mut application, socket_id, &half);
        let third = send(&mut application, socket_id, b"x");
        let unknown = send(&mut application, -1, b"x");
        for refused in [third, unknown] {
            let failure = Failure::without_code("Exceeded write quota.");
            assert_eq!(application.outcome(refused), Err(failure));
        }
        let request = application.request();
        application.table.disconnect(request.into(), socket_id);
        for aborted in [first, second] {
            assert_eq!(application.outcome(aborted), failure(NetError::Aborted));
        }
        assert_eq!(application.outcome(request), Ok(()));
        assert_eq!(application.table.load.queued_bytes(), 0);
        drop(stream);
    }

    #[test]
    fn a_send_pending_at_disconnect_does_not_hold_up_sends_after_a_reconnect() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        let _stream = peer.accept();
        let pending = send(&mut application, socket_id, &vec![1; 32 * 1024 * 1024]);
        let request = application.request();
        application.table.disconnect(request.into(), socket_id);
        assert_eq!(application.outcome(pending), failure(NetError::Aborted));
        assert_eq!(application.outcome(request), Ok(()));
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
        assert_eq!(application.event(), Delivered::Detached);
        application.attach();
        assert_eq!(application.connect(socket_id, peer.address), Ok(()));
        let mut stream = peer.accept();
        let request = send(&mut application, socket_id, b"fresh");
        assert_eq!(application.outcome(request), Ok(()));
        let mut received = [0; 5];
        stream.read_exact(&mut received).unwrap();
        assert_eq!(&received, b"fresh");
    }
}
