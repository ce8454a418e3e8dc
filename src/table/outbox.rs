//! The outbox of events for JavaScript.

use std::collections::VecDeque;
use std::mem;

use crate::event::{Event, Failure, Outcome, Request};
use crate::ids::SocketId;
use crate::net_error::NetError;

/// The message for an unknown identifier (`extensions/browser/api/sockets_tcp/sockets_tcp_api.cc`).
pub(crate) const SOCKET_NOT_FOUND: &str = "Socket not found";

/// The events to deliver, in order.
#[derive(Default)]
pub(crate) struct Outbox {
    pub(super) entries: VecDeque<Entry>,
    /// Completions that follow those of the other calls of this turn of the event loop: Chromium's
    /// browser process has to ask its network process for them.
    pub(super) later: Vec<(SocketId, Event)>,
    /// Whether [`Entry::Poll`] is queued.
    pub(super) poll_queued: bool,
    /// Counts the turns of the event loop.
    pub(super) turn: u32,
}

/// An entry of the outbox.
pub(super) enum Entry {
    Event(Event),
    /// The socket is probably readable. It is read when this marker is reached, so that the bytes
    /// stay in the kernel until JavaScript is ready and no socket delays others.
    Read(SocketId),
    /// The socket has more to write than one turn allows.
    Write(SocketId),
    /// The server socket probably has a connection to accept.
    Accept(SocketId),
    /// All earlier entries have been handled: query the poller.
    Poll,
    /// The entries behind this one wait for the next turn of the event loop; see
    /// [`Outbox::wait_for_turn`].
    Turn(u32),
}

impl Entry {
    /// Whether this is the success of the request of this number.
    fn is_success_of(&self, number: u32) -> bool {
        matches!(
            self,
            Self::Event(Event::Complete { request, outcome: Ok(()) }) if request.number() == number
        )
    }
}

impl Outbox {
    /// The request succeeded.
    pub(crate) fn complete(&mut self, request: Request) {
        self.end(request, Ok(()));
    }

    /// The request failed.
    pub(crate) fn fail(&mut self, request: Request, failure: impl Into<Failure>) {
        self.end(request, Err(failure.into()));
    }

    pub(super) fn end(&mut self, request: Request, outcome: Outcome) {
        self.entries
            .push_back(Entry::Event(Event::Complete { request, outcome }));
    }

    /// The request named an unknown socket. Its callback gets no argument.
    pub(crate) fn not_found(&mut self, request: Request) {
        self.fail(request, Failure::without_code(SOCKET_NOT_FOUND));
    }

    /// The socket stops receiving.
    pub(crate) fn receive_error(
        &mut self,
        socket_id: SocketId,
        error: NetError,
        cause: Option<NetError>,
    ) {
        self.entries.push_back(Entry::Event(Event::ReceiveError {
            socket_id,
            error,
            cause,
        }));
    }

    /// Queues an event.
    pub(crate) fn event(&mut self, event: Event) {
        self.entries.push_back(Entry::Event(event));
    }

    /// Completes the request after the other calls of this turn of the event loop.
    pub(super) fn complete_later(
        &mut self,
        socket_id: SocketId,
        request: Request,
        outcome: Outcome,
    ) {
        let event = Event::Complete { request, outcome };
        self.later.push((socket_id, event));
    }

    /// Queues a socket's deferred completions now, because the socket is about to change.
    pub(super) fn answer_now(&mut self, socket_id: SocketId) {
        let answers = self.later.extract_if(.., |(id, _)| *id == socket_id);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// Queues the deferred completions: the turn of the event loop in which the calls were made is
    /// over.
    pub(super) fn answer_late(&mut self) {
        let answers = self.later.drain(..);
        self.entries
            .extend(answers.map(|(_, event)| Entry::Event(event)));
    }

    /// Lets the event loop poll before the following events. A server in the same event loop then
    /// gets its connection before the client's callback runs, as with `node:net`.
    pub(crate) fn wait_for_turn(&mut self) {
        self.entries.push_back(Entry::Turn(self.turn));
    }

    /// Whether anything but a query of the poller is queued.
    pub(super) fn has_events(&self) -> bool {
        self.entries.len() > usize::from(self.poll_queued) || !self.later.is_empty()
    }

    /// Removes the success of the request of this number, if it is the next entry. Returns whether it
    /// was.
    pub(super) fn take_success(&mut self, number: u32) -> bool {
        let is_next = self
            .entries
            .front()
            .is_some_and(|entry| entry.is_success_of(number));
        if is_next {
            self.entries.pop_front();
        }
        is_next
    }

    /// Removes the successes of `count` requests from `first` on, if the outbox holds no other event.
    /// Returns whether it has removed them.
    pub(super) fn take_successes(&mut self, first: u32, count: usize) -> bool {
        let mut expected = first;
        let taken = self.entries.len() == count + usize::from(self.poll_queued)
            && self.entries.iter().all(|entry| {
                if matches!(entry, Entry::Poll) {
                    return true;
                }
                let number = expected;
                expected = expected.wrapping_add(1);
                entry.is_success_of(number)
            });
        if taken {
            self.entries.clear();
            self.poll_queued = false;
        }
        taken
    }

    /// Queries the poller again after all queued entries, if there are any.
    pub(super) fn schedule_poll(&mut self) {
        if !self.entries.is_empty() && !mem::replace(&mut self.poll_queued, true) {
            self.entries.push_back(Entry::Poll);
        }
    }

    /// Queues a read marker for the socket.
    pub(crate) fn read(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Read(socket_id));
    }

    /// Queues an accept marker for the server socket.
    pub(crate) fn accept(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Accept(socket_id));
    }

    /// Queues more writing for the socket.
    pub(crate) fn write(&mut self, socket_id: SocketId) {
        self.entries.push_back(Entry::Write(socket_id));
    }
}
