//! Receiving: the read in flight, its delivery in chunks of the buffer size, and the end of the
//! stream (`extensions/browser/api/sockets_tcp/tcp_socket_event_dispatcher.cc`).

use std::mem;
use std::task::Poll;

use crate::copy::copy;
use crate::event::Event;
use crate::ids::SocketId;
use crate::net_error::NetError;
use crate::socket::{Connection, ReadAhead, ReadMarker};
use crate::table::SocketTable;
use crate::tls::bulk::BUFFER;
use crate::transport::Transport;
use crate::wake::notice::Notice;

/// The most bytes of one system call. Later reads deliver the bytes beyond the buffer size. This is
/// also the largest chunk that is ever delivered, as in Chromium.
const READ_SIZE: usize = 64 * 1024;

/// If more sockets than this have undelivered bytes, reads fetch only as much as they deliver. The
/// table then holds at most `MAX_BUFFERING * READ_SIZE` bytes for JavaScript.
const MAX_BUFFERING: usize = 64;

impl SocketTable {
    /// Starts a read, unless the socket is paused or has one in flight. Returns whether the read
    /// can complete at once; otherwise the socket will be reported as readable.
    #[must_use]
    pub(crate) fn start_read(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return false;
        };
        if socket.paused {
            return false;
        }
        let capacity = socket.read_capacity();
        match &mut socket.connection {
            Connection::Connected(link) if link.read.is_none() => {
                link.read = Some(capacity);
                link.is_read_ready()
            }
            // The handshake owns the transport, so the read finds none.
            Connection::Securing { .. } => {
                socket.paused = true;
                self.outbox
                    .receive_error(socket_id, NetError::SocketNotConnected, None);
                false
            }
            _ => false,
        }
    }

    /// Queues a read marker for the socket, unless it has one.
    pub(crate) fn queue_read(&mut self, socket_id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&socket_id)
            && socket.read_marker == ReadMarker::None
        {
            socket.read_marker = ReadMarker::Queued;
            self.outbox.read(socket_id);
        }
    }

    /// The data that the read in flight delivers, if there is any.
    pub(crate) fn read(&mut self, socket_id: SocketId) -> Option<Event> {
        let socket = self.sockets.get_mut(&socket_id)?;
        // The data may be the reply to a send whose completion must be delivered first.
        let deferred = mem::take(&mut socket.read_marker) == ReadMarker::Deferred;
        let throttled = socket.throttled;
        let link = socket.link_mut()?;
        let Some(capacity) = link.read else {
            self.process_control_records(socket_id);
            return None;
        };
        if throttled {
            return None;
        }
        let capacity = capacity.min(READ_SIZE);
        if !deferred && let Some(available) = link.direct_length(capacity) {
            return Some(self.announce(socket_id, available, capacity));
        }
        // A remainder is topped up first, so that only the last chunk of a burst is short.
        let mut completed = false;
        if !deferred
            && link
                .read_ahead
                .as_ref()
                .is_none_or(|data| data.bytes().len() < capacity)
        {
            if self.top_up(socket_id, capacity) == Poll::Ready(false) {
                self.end_of_stream(socket_id);
                return None;
            }
            completed = self.flush(socket_id);
        }
        let link = self.sockets.get_mut(&socket_id)?.link_mut()?;
        if completed || (deferred && link.read_ahead.is_none()) {
            self.queue_read(socket_id);
            return None;
        }
        let Some(read_ahead) = &link.read_ahead else {
            if link.transport.has_unfinished_read() {
                self.queue_read(socket_id);
            }
            return None;
        };
        let available = read_ahead.bytes().len();
        Some(self.announce(socket_id, available, capacity))
    }

    /// Ends a connection that has no more data to deliver, as a read started here would: later
    /// calls find no connection. Returns whether it has ended.
    pub(crate) fn end_if_over(&mut self, socket_id: SocketId) -> bool {
        let Some(socket) = self.sockets.get(&socket_id) else {
            return false;
        };
        let Some(link) = socket.link() else {
            return false;
        };
        if socket.throttled || link.read_ahead.is_some() || link.transport.has_unread() {
            return false;
        }
        let capacity = socket.read_capacity().min(READ_SIZE);
        let over = self.fill(socket_id, capacity) == Poll::Ready(false);
        if over {
            self.end_of_stream(socket_id);
        }
        over
    }

    /// Processes TLS control messages for a socket that does not read.
    fn process_control_records(&mut self, socket_id: SocketId) {
        if let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller)
            && let Some(link) = socket.link_mut()
        {
            self.budget.expect_costly_work();
            link.transport.process_control_records(poller);
        }
    }

    /// Announces available bytes to JavaScript, at most as many as one read may deliver.
    fn announce(&mut self, socket_id: SocketId, available: usize, capacity: usize) -> Event {
        self.announced = Some((socket_id, available));
        let length = available.min(capacity);
        Event::Receive { socket_id, length }
    }

    /// Copies the announced bytes to JavaScript and starts the next read. Returns their number,
    /// which is less than announced only if urgent data lies between.
    pub(crate) fn take(&mut self, target: &mut [u8]) -> usize {
        let Some((socket_id, available)) = self.announced.take() else {
            return 0;
        };
        let socket = self.sockets.get_mut(&socket_id);
        let Some(link) = socket.and_then(|socket| socket.link_mut()) else {
            return 0;
        };
        let (count, drained) = if let Some(read_ahead) = &mut link.read_ahead {
            let bytes = read_ahead.bytes();
            let count = copy(target, bytes);
            read_ahead.advance(count);
            (count, read_ahead.bytes().is_empty())
        } else {
            let count = link.transport.read_directly(target, available);
            link.note_read(count);
            (count, false)
        };
        if count == 0 {
            // An ordinary read handles any other condition.
            self.queue_read(socket_id);
            return 0;
        }
        self.counters.bytes_received += count;
        link.read = None;
        if drained {
            self.drop_read_ahead(socket_id);
        }
        if self.start_read(socket_id) {
            self.queue_read(socket_id);
        }
        count
    }

    /// Keeps announced bytes that JavaScript did not take for lack of memory.
    pub(crate) fn requeue_announced(&mut self) {
        if let Some((socket_id, _)) = self.announced.take() {
            self.queue_read(socket_id);
        }
    }

    /// Suspends or resumes receiving. Unlike [`Self::set_paused`], this is invisible to the
    /// application: the read in flight stays in flight.
    pub(crate) fn throttle(&mut self, socket_id: SocketId, throttled: bool) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return;
        };
        socket.throttled = throttled;
        if !throttled && socket.link().is_some_and(|link| link.read.is_some()) {
            self.mailbox.post(Notice::Readable(socket_id));
        }
    }

    /// See [`Socket::suspend`](crate::socket::Socket::suspend).
    pub(crate) fn suspend(&mut self, socket_id: SocketId) {
        if let Some(socket) = self.sockets.get_mut(&socket_id) {
            socket.suspend();
        }
    }

    /// Reads available data, of which `capacity` bytes may be delivered at once. Like
    /// [`Self::fill`].
    fn top_up(&mut self, socket_id: SocketId, capacity: usize) -> Poll<bool> {
        let most = if self.load.sockets_buffering() < MAX_BUFFERING {
            READ_SIZE
        } else {
            capacity
        };
        self.fill(socket_id, most)
    }

    /// Called before a send. Bytes that are already readable cannot be a reply to it, so they are
    /// read now and may be delivered before the send's callback.
    pub(crate) fn read_before_send(&mut self, socket_id: SocketId) {
        if let Some(socket) = self.sockets.get(&socket_id)
            && socket.read_marker == ReadMarker::Queued
            && let Some(link) = socket.link()
            && link.read_ahead.is_none()
            && let Some(capacity) = link.read
        {
            // A later read meets the end again.
            let _ = self.top_up(socket_id, capacity.min(READ_SIZE));
        }
    }

    /// Reads until the read-ahead holds `most` bytes or no more data is available. `Ready(false)`
    /// means the end of the stream with no data left to deliver.
    pub(crate) fn fill(&mut self, socket_id: SocketId, most: usize) -> Poll<bool> {
        let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller) else {
            return Poll::Pending;
        };
        let Some(link) = socket.link_mut() else {
            return Poll::Pending;
        };
        let remainder = link.read_ahead.take();
        let buffered = remainder.is_some();
        let plain = matches!(link.transport, Transport::Plain(_));
        let mut buffer = match remainder {
            Some(remainder) => remainder.into_buffer(),
            // A plaintext read fills the entire buffer.
            None if most < READ_SIZE || (plain && self.spare.capacity() > READ_SIZE) => Vec::new(),
            None => mem::take(&mut self.spare),
        };
        if plain {
            buffer.reserve_exact(most.saturating_sub(buffer.len()));
        }
        if !plain {
            self.budget.expect_costly_work();
        }
        let remaining = buffer.len();
        let result = link.transport.poll_read(&mut buffer, poller);
        if let Poll::Ready(Err(error)) = &result {
            link.health.end(Some(NetError::from_io(error)));
        }
        link.note_read(buffer.len() - remaining);
        let has_bytes = !buffer.is_empty();
        // A connection that can only be read does not wait for more data.
        let result = if result.is_pending()
            && plain
            && !link.health.can_write()
            && !link.transport.has_unread()
        {
            Poll::Ready(Ok(()))
        } else {
            result
        };
        if has_bytes {
            link.read_ahead = Some(ReadAhead::new(buffer));
            if !buffered {
                self.load.start_buffering();
            }
        } else {
            self.keep_spare(buffer);
        }
        // An end behind these bytes is found again after they are delivered.
        result.map(|_| has_bytes)
    }

    /// Drops undelivered bytes and keeps the buffer.
    pub(crate) fn drop_read_ahead(&mut self, socket_id: SocketId) {
        let read_ahead = self
            .sockets
            .get_mut(&socket_id)
            .and_then(|socket| socket.link_mut()?.read_ahead.take());
        self.end_buffering(read_ahead);
    }

    /// Drops what a socket's [`Link`](crate::socket::Link) has read ahead, and keeps the buffer.
    pub(crate) fn end_buffering(&mut self, read_ahead: Option<ReadAhead>) {
        if let Some(read_ahead) = read_ahead {
            self.load.end_buffering();
            let mut buffer = read_ahead.into_buffer();
            buffer.clear();
            self.keep_spare(buffer);
        }
    }

    fn keep_spare(&mut self, buffer: Vec<u8>) {
        if self.spare.capacity() < buffer.capacity() && buffer.capacity() <= BUFFER {
            self.spare = buffer;
        }
    }

    /// The number of bytes that wait for JavaScript.
    #[cfg(test)]
    pub(crate) fn buffered_bytes(&self) -> usize {
        self.sockets
            .values()
            .filter_map(|socket| socket.link()?.read_ahead.as_ref())
            .map(|data| data.bytes().len())
            .sum()
    }

    /// Handles the end of the stream: both directions end, because the API has no half-close.
    fn end_of_stream(&mut self, socket_id: SocketId) {
        let cause = self
            .sockets
            .get(&socket_id)
            .and_then(|socket| socket.link()?.cause());
        self.fail_sends(socket_id);
        if self.abort_connection(socket_id) {
            self.report_end(socket_id, cause);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    use super::*;
    use crate::event::Next;
    use crate::net::resolver::AddressFamily;
    use crate::socket::SocketProperties;
    use crate::testing::{Application, Delivered, Peer, write_until_throttled};

    fn buffer_size(size: i32) -> SocketProperties {
        SocketProperties {
            buffer_size: Some(size),
            ..SocketProperties::default()
        }
    }

    #[test]
    fn data_is_delivered_in_pieces_of_the_buffer_size_before_the_end() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(4));
        let mut stream = peer.accept();
        stream.write_all(b"abcdefghij").unwrap();
        drop(stream);
        assert_eq!(application.received(socket_id), b"abcd");
        assert_eq!(application.received(socket_id), b"efgh");
        assert_eq!(application.received(socket_id), b"ij");
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
        assert_eq!(application.event(), Delivered::Detached);
    }

    #[test]
    fn a_large_read_goes_directly_into_the_target() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(40_000));
        let mut stream = peer.accept();
        let sent: Vec<u8> = (0..=250).cycle().take(100_000).collect();
        stream.write_all(&sent).unwrap();
        drop(stream);
        let mut received = Vec::new();
        while received.len() < sent.len() {
            let data = application.received(socket_id);
            assert!(data.len() <= 40_000);
            received.extend(data);
            assert_eq!(
                application.table.load.sockets_buffering(),
                0,
                "a large read was buffered"
            );
        }
        assert!(received == sent);
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
    }

    #[test]
    fn a_reply_is_delivered_after_the_callback_of_its_send() {
        for (size, length) in [(40_000, 20_000), (40_000, 40_000), (40_000, 60_000), (4, 8)] {
            let (mut application, peer) = (Application::new(), Peer::new());
            let socket_id = application.connected(&peer, buffer_size(size));
            let mut stream = peer.accept();
            stream.write_all(&vec![1; length]).unwrap();
            let mut left = length;
            while left > 0 {
                left -= application.received(socket_id).len();
            }
            let request = application.request();
            application
                .table
                .send(request.into(), socket_id, b"question");
            stream.write_all(b"answer").unwrap();
            assert_eq!(application.outcome(request), Ok(()), "{size} {length}");
            assert!(!application.received(socket_id).is_empty());
        }
    }

    #[test]
    fn announced_bytes_that_were_not_taken_are_announced_again() {
        for size in [4, 40_000] {
            let (mut application, peer) = (Application::new(), Peer::new());
            let socket_id = application.connected(&peer, buffer_size(size));
            let mut stream = peer.accept();
            stream.write_all(&vec![5; 40_000]).unwrap();
            let give_up = Instant::now() + Duration::from_secs(10);
            while !matches!(
                application.table.next_event(true),
                Next::Event(Event::Receive { .. })
            ) {
                assert!(Instant::now() < give_up);
            }
            assert_eq!(application.received(socket_id)[0], 5);
        }
    }

    #[test]
    fn a_table_that_is_not_asked_for_events_throttles_the_peer() {
        let (mut application, peer) = (Application::new(), Peer::new());
        application.connected(&peer, buffer_size(1));
        let mut stream = peer.accept();
        write_until_throttled(&mut stream);
        assert_eq!(application.table.buffered_bytes(), 0);
    }

    #[test]
    fn undelivered_bytes_are_bounded_and_reading_continues_by_itself() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(1000));
        let mut stream = peer.accept();
        let mut left = write_until_throttled(&mut stream);
        drop(stream);
        while left > 0 {
            left -= application.received(socket_id).len();
            assert!(application.table.buffered_bytes() <= READ_SIZE);
        }
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
    }

    #[test]
    fn a_paused_socket_throttles_its_peer_after_the_read_in_flight() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(8));
        let mut stream = peer.accept();
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, true);
        assert_eq!(application.outcome(request), Ok(()));
        write_until_throttled(&mut stream);
        assert_eq!(application.received(socket_id).len(), 8);
        assert!(application.table.buffered_bytes() <= READ_SIZE);
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, false);
        assert_eq!(application.outcome(request), Ok(()));
        assert_eq!(application.received(socket_id).len(), 8);
    }

    #[test]
    fn a_throttled_socket_slows_its_peer_and_continues_in_order() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(8));
        let mut stream = peer.accept();
        application.table.throttle(socket_id, true);
        write_until_throttled(&mut stream);
        let request = application.request();
        let info = application.table.info(request.into(), socket_id);
        assert!(info.is_some_and(|info| !info.paused));
        assert_eq!(application.outcome(request), Ok(()));
        application.table.throttle(socket_id, false);
        assert_eq!(application.received(socket_id).len(), 8);
        assert_eq!(application.received(socket_id).len(), 8);
    }

    #[test]
    fn a_suspended_socket_delivers_its_bytes_when_it_is_resumed() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, buffer_size(4));
        let mut stream = peer.accept();
        stream.write_all(b"abcdefgh").unwrap();
        assert_eq!(application.received(socket_id), b"abcd");
        application.table.suspend(socket_id);
        let request = application.request();
        let info = application.table.info(request.into(), socket_id);
        assert!(info.is_some_and(|info| info.paused && info.connected));
        assert_eq!(application.outcome(request), Ok(()));
        let request = application.request();
        application
            .table
            .set_paused(request.into(), socket_id, false);
        assert_eq!(application.outcome(request), Ok(()));
        assert_eq!(application.received(socket_id), b"efgh");
    }

    #[test]
    fn many_sockets_with_data_take_turns_and_buffer_little() {
        const SOCKETS: usize = 2 * MAX_BUFFERING;
        let (mut application, peer) = (Application::new(), Peer::new());
        let mut streams = Vec::new();
        for _ in 0..SOCKETS {
            application.connected(&peer, buffer_size(100));
            streams.push(peer.accept());
        }
        for stream in &mut streams {
            stream.write_all(&vec![1; READ_SIZE]).unwrap();
        }
        let mut turns = std::collections::BTreeMap::new();
        for _ in 0..SOCKETS * 10 {
            let Delivered::Receive { socket_id, .. } = application.event() else {
                panic!()
            };
            *turns.entry(socket_id).or_insert(0) += 1;
            assert!(application.table.buffered_bytes() <= MAX_BUFFERING * READ_SIZE);
        }
        assert_eq!(turns.len(), SOCKETS);
        assert!(turns.values().all(|&turns| turns > 5), "{turns:?}");
    }

    #[test]
    fn an_application_with_endless_completions_still_receives() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        peer.accept().write_all(b"x").unwrap();
        let request = application.request();
        application.table.info(request.into(), socket_id);
        let mut ended = 0;
        while let Delivered::Complete { .. } = application.event() {
            let request = application.request();
            application.table.info(request.into(), socket_id);
            ended += 1;
            assert!(ended < 1000, "nothing is ever received");
        }
    }

    #[test]
    fn the_callback_of_a_send_precedes_the_reply_to_it() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        let mut stream = peer.accept();
        stream.write_all(b"before ").unwrap();
        let table = &mut application.table;
        table.poll_readiness();
        table.queue_read(socket_id);
        let request = application.request();
        application
            .table
            .send(request.into(), socket_id, b"question");
        stream.read_exact(&mut [0; 8]).unwrap();
        stream.write_all(b"answer").unwrap();
        application.table.poll_readiness();
        let mut received = Vec::new();
        let mut ended = false;
        while !received.ends_with(b"answer") {
            match application.event() {
                Delivered::Receive { data, .. } => received.extend(data),
                event => {
                    assert!(
                        matches!(event, Delivered::Complete { request: sent, .. } if sent == request)
                    );
                    ended = true;
                }
            }
            assert!(ended || received == b"before ");
        }
        assert_eq!(received, b"before answer");
    }

    #[test]
    fn a_queued_read_of_the_former_connection_delivers_nothing() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        let requests = [(); 4].map(|()| application.request());
        let [info, disconnect, resume, connect] = requests;
        let other = Peer::new();
        let table = &mut application.table;
        table.info(info.into(), socket_id);
        table.queue_read(socket_id);
        table.disconnect(disconnect.into(), socket_id);
        table.set_paused(resume.into(), socket_id, false);
        let host = other.address.ip().to_string();
        table.connect(
            connect.into(),
            socket_id,
            host,
            other.address.port(),
            AddressFamily::Any,
            None,
        );
        assert_eq!(application.outcome(info), Ok(()));
        other.accept().write_all(b"new").unwrap();
        application.table.poll_readiness();
        assert_eq!(application.outcome(disconnect), Ok(()));
        let error = NetError::ConnectionClosed;
        assert_eq!(
            application.event(),
            Delivered::ReceiveError { socket_id, error }
        );
        assert_eq!(application.outcome(resume), Ok(()));
        assert_eq!(application.outcome(connect), Ok(()));
        assert_eq!(application.received(socket_id), b"new");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn urgent_data_does_not_stop_a_stream() {
        let (mut application, peer) = (Application::new(), Peer::new());
        let socket_id = application.connected(&peer, SocketProperties::default());
        let mut stream = peer.accept();
        stream.write_all(b"before").unwrap();
        socket2::SockRef::from(&stream)
            .send_out_of_band(b"!")
            .unwrap();
        stream.write_all(b"behind").unwrap();
        let mut received = Vec::new();
        while received.len() < 12 {
            received.extend(application.received(socket_id));
        }
        assert_eq!(received, b"beforebehind");
    }
}
