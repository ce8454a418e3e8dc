//! Delivers events to JavaScript, and handles notices and ready sockets in between.

use super::SocketTable;
use super::outbox::Entry;
use crate::event::{Event, Failure, Next};
use crate::ids::SocketId;
use crate::ready::Ready;
use crate::socket::Connection;
use crate::transport::Transport;
use crate::wake::budget::{DeliveryBudget, SincePoll};
use crate::wake::notice::Notice;

impl SocketTable {
    /// The [next event](Self::next_event) as a number, and whether to poll again. The failure that
    /// belongs to the number is kept for [`Self::take_failure`].
    pub(crate) fn next_number(&mut self, turned: bool) -> (f64, bool) {
        let next = self.next_event(turned);
        let polls_again = next == Next::PollAgain;
        let following = self.take_following(&next);
        let (number, failure) = next.into_number(following);
        self.failure = failure;
        (number, polls_again)
    }

    /// The failure of the request that was delivered last.
    pub(crate) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// The next event. JavaScript requests each event in a job of its own, so that microtasks run
    /// between two events, as in Chromium. `turned` says whether the event loop has turned since
    /// the last request.
    pub(crate) fn next_event(&mut self, turned: bool) -> Next {
        if turned {
            self.budget = DeliveryBudget::begin();
            self.outbox.turn = self.outbox.turn.wrapping_add(1);
            self.since_poll.note_turn();
        } else if self.budget.is_exhausted() {
            return Next::Turn;
        }
        self.requeue_announced();
        self.outbox.answer_late();
        self.handle_notices();
        // If each event causes the next, the outbox is never empty.
        if self.since_poll.is_long() {
            self.outbox.schedule_poll();
        }
        let mut nothing_ready = false;
        loop {
            while let Some(entry) = self.outbox.entries.pop_front() {
                let event = match entry {
                    Entry::Event(event) => Some(event),
                    Entry::Read(socket_id) => self.read(socket_id),
                    Entry::Accept(socket_id) => self.accept(socket_id),
                    Entry::Write(socket_id) => {
                        self.continue_writing(socket_id);
                        None
                    }
                    Entry::Turn(turn) if turn == self.outbox.turn => {
                        self.outbox.entries.push_front(entry);
                        return Next::Turn;
                    }
                    Entry::Turn(_) => None,
                    Entry::Poll => {
                        self.outbox.poll_queued = false;
                        if !self.since_poll.is_long() && !self.outbox.entries.is_empty() {
                            self.outbox.schedule_poll();
                        } else {
                            nothing_ready = self.poll_readiness() == 0;
                        }
                        None
                    }
                };
                if let Some(event) = event {
                    self.count_delivery();
                    return Next::Event(event);
                }
                if self.budget.count_work() {
                    return Next::Turn;
                }
            }
            if !nothing_ready {
                nothing_ready = self.poll_readiness() == 0;
            } else if self.notices.is_empty()
                && let Some(next) = self.before_sleep()
            {
                return next;
            } else {
                self.handle_notices();
                nothing_ready = false;
            }
            // Peers can make sockets ready forever without causing an event.
            if self.budget.count_work() {
                return Next::Turn;
            }
        }
    }

    /// Takes the successes of the requests whose numbers follow that of a success, until the clock is
    /// to be read. Returns how many there are. JavaScript completes them without a call for each.
    fn take_following(&mut self, next: &Next) -> u32 {
        let Next::Event(Event::Complete {
            request: first,
            outcome: Ok(()),
        }) = next
        else {
            return 0;
        };
        let mut following = 0;
        let number = |following| first.number().wrapping_add(following).wrapping_add(1);
        while !self.budget.reads_clock() && self.outbox.take_success(number(following)) {
            following += 1;
            self.count_delivery();
        }
        following
    }

    fn count_delivery(&mut self) {
        self.since_poll.count_deliveries(1);
        self.counters.events_delivered += 1;
        self.budget.count_delivery();
    }

    /// Leaves it to JavaScript to complete `count` requests from `first` on, if all have succeeded and
    /// the outbox holds no other event. Returns whether it does. Refuses after many events without a
    /// query of the poller: an application that sends from each send's callback would otherwise never
    /// get another event.
    pub(crate) fn complete_inline(&mut self, first: u32, count: usize) -> bool {
        let taken =
            !self.since_poll.has_many_deliveries() && self.outbox.take_successes(first, count);
        if taken {
            self.since_poll.count_deliveries(count);
            self.counters.events_delivered += count;
        }
        taken
    }

    /// Handles notices until there are none or the time of the turn is used up.
    fn handle_notices(&mut self) {
        if self.notices.is_empty() && self.mailbox.has_notices() {
            self.notices = self.mailbox.collect();
        }
        while let Some(notice) = self.notices.pop_front() {
            self.busy_poll.found();
            self.handle(notice);
            if self.budget.count_work() {
                return;
            }
        }
    }

    /// Prepares to sleep. `None` if an event has arrived in the meantime.
    fn before_sleep(&mut self) -> Option<Next> {
        if self.is_idle() {
            self.mailbox.detach();
            return Some(Next::Event(Event::Detached));
        }
        if self.busy_poll.continues() {
            if let Some(poller) = &self.poller {
                poller.disarm();
            }
            return Some(Next::PollAgain);
        }
        if !self.mailbox.sleep() {
            return None;
        }
        // From here on, other threads wake this one.
        if let Some(poller) = &self.poller {
            poller.arm();
        }
        Some(Next::Nothing)
    }

    /// Queries the poller and handles ready sockets until the time of the turn is used up. Returns
    /// their number.
    pub(crate) fn poll_readiness(&mut self) -> usize {
        self.since_poll = SincePoll::default();
        let Some(poller) = &self.poller else {
            return 0;
        };
        if self.ready_sockets.is_empty() {
            poller.collect(&mut self.ready_sockets);
        }
        let mut count = 0;
        while let Some((socket_id, ready)) = self.ready_sockets.pop_front() {
            self.note(socket_id, ready);
            count += 1;
            if self.budget.count_work() {
                break;
            }
        }
        if count > 0 {
            self.busy_poll.found();
        }
        self.outbox.schedule_poll();
        count
    }

    fn note(&mut self, socket_id: SocketId, ready: Ready) {
        let Some(socket) = self.sockets.get_mut(&socket_id) else {
            return self.note_connections(socket_id, ready);
        };
        let mut awaits_room = true;
        match &mut socket.connection {
            Connection::Connecting { attempt, .. } => attempt.note(ready),
            Connection::Connected(link) => {
                link.transport.note(ready);
                // The poller reports an idle plaintext socket as writable with each arrival.
                awaits_room =
                    !socket.writes.is_empty() || !matches!(link.transport, Transport::Plain(_));
            }
            Connection::Disconnected | Connection::Securing { .. } => return,
        }
        if ready.write && awaits_room {
            self.writable(socket_id);
        }
        if ready.read {
            self.readable(socket_id);
        }
    }

    fn readable(&mut self, socket_id: SocketId) {
        let Some(socket) = self.sockets.get(&socket_id) else {
            return self.queue_accept(socket_id);
        };
        if let Some(link) = socket.link()
            && (link.read.is_some() || link.transport.has_control_records())
        {
            self.queue_read(socket_id);
        }
    }

    fn writable(&mut self, socket_id: SocketId) {
        if !self.continue_attempt(socket_id) {
            self.flush(socket_id);
        }
    }

    /// Takes a socket back from its task, which was idle.
    fn task_done(&mut self, socket_id: SocketId) {
        if let (Some(socket), Some(poller)) = (self.sockets.get_mut(&socket_id), &self.poller)
            && let Some(link) = socket.link_mut()
        {
            link.transport.reclaim(poller);
            if link.read.is_some() && link.transport.is_read_ready() {
                self.queue_read(socket_id);
            }
        }
    }

    /// Whether no event can occur until JavaScript makes a call.
    fn is_idle(&self) -> bool {
        !self.has_news()
            && self.notices.is_empty()
            && self.load.pending_lookups() == 0
            && self.load.open_connections() == 0
    }

    fn handle(&mut self, notice: Notice) {
        match notice {
            Notice::Resolved {
                request,
                socket_id,
                port,
                deadline,
                result,
            } => {
                self.resolved(request, socket_id, port, deadline, result);
            }
            Notice::Listening { call, socket_id } => self.listening(call, socket_id),
            Notice::Readable(socket_id) => self.readable(socket_id),
            Notice::Writable(socket_id) => self.writable(socket_id),
            Notice::TaskDone(socket_id) => self.task_done(socket_id),
            Notice::Secured {
                call,
                socket_id,
                result,
            } => {
                self.secured(call, socket_id, result);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::decode;

    /// The kind of the next event, the request, and the number of those that follow it.
    fn next(table: &mut SocketTable) -> (u64, u32, u64) {
        decode(table.next_number(false).0)
    }

    #[test]
    fn successes_in_a_row_are_delivered_together_until_the_clock_is_due() {
        let mut table = SocketTable::default();
        for request in [5_u32, 6, 7, 9] {
            table.outbox.complete(request.into());
        }
        table.outbox.not_found(10.into());
        (11_u32..31).for_each(|request| table.outbox.complete(request.into()));
        assert_eq!(next(&mut table), (0, 5, 2));
        assert_eq!(next(&mut table), (0, 9, 0));
        assert_eq!(next(&mut table), (1, 10, 0));
        // Five events have been delivered, and the clock is read after the eighth.
        assert_eq!(next(&mut table), (0, 11, 2));
        assert_eq!(next(&mut table), (0, 14, 7));
        assert_eq!(next(&mut table), (0, 22, 7));
        assert_eq!(next(&mut table), (0, 30, 0));
        table.budget.expect_costly_work();
        (31_u32..33).for_each(|request| table.outbox.complete(request.into()));
        assert_eq!(next(&mut table), (0, 31, 0));
        assert_eq!(table.counters.events_delivered, 26);
    }

    #[test]
    fn the_poller_is_queried_in_each_turn_of_the_event_loop() {
        let mut table = SocketTable::default();
        table.outbox.complete(1.into());
        table.outbox.not_found(2.into());
        table.next_event(true);
        table.outbox.not_found(3.into());
        table.next_event(true);
        table.next_event(true);
        let mut since_poll = SincePoll::default();
        since_poll.count_deliveries(1);
        assert_eq!(table.since_poll, since_poll);
    }

    #[test]
    fn the_numbers_of_requests_that_follow_wrap_around() {
        let mut table = SocketTable::default();
        for request in [u32::MAX, 0, 1] {
            table.outbox.complete(request.into());
        }
        assert_eq!(next(&mut table), (0, u32::MAX, 2));
    }
}
