//! How the JavaScript thread shares its event loop.
//!
//! Going to sleep and being woken often takes longer than a reply. If recent replies arrived at
//! once, the JavaScript thread therefore polls for the next one, once per turn of its event loop,
//! which continues with its other work in between.

use std::time::{Duration, Instant};

use crate::wake::readiness::POLLS;

/// The longest wait for a reply.
const MAX_WAIT: Duration = Duration::from_micros(50);

/// After `n` consecutive replies that were late, the next `2^n` replies are not waited for, up to
/// this `n`.
const MAX_MISSES: u32 = 10;

/// The longest time of deliveries before the event loop must turn.
const MAX_TIME: Duration = Duration::from_micros(200);

/// The clock is read once per this many events, because reading it is not free.
const EVENTS_PER_CLOCK_READ: u32 = 8;

/// The deliveries in this turn of the event loop, and other work.
#[derive(Default)]
pub(crate) struct DeliveryBudget {
    /// The time of the first question for an event.
    began: Option<Instant>,
    events: u32,
    /// Pieces of work that led to no event.
    silent: u32,
    /// Whether a single event may be costly.
    is_costly: bool,
}

impl DeliveryBudget {
    /// The event loop has turned.
    pub(crate) fn begin() -> Self {
        Self {
            began: Some(Instant::now()),
            ..Self::default()
        }
    }

    /// Counts a delivery.
    pub(crate) fn count_delivery(&mut self) {
        self.events += 1;
    }

    /// Whether the event loop must turn before the next delivery.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.events != 0
            && (self.is_costly || self.events.is_multiple_of(EVENTS_PER_CLOCK_READ))
            && self.is_time_up()
    }

    /// Notes a piece of work that leads to no event by itself, such as handling a ready socket.
    /// Returns whether the event loop must turn before the next one.
    pub(crate) fn count_work(&mut self) -> bool {
        self.silent += 1;
        (self.is_costly || self.silent.is_multiple_of(EVENTS_PER_CLOCK_READ)) && self.is_time_up()
    }

    /// Announces work whose cost a peer decides: from here on the clock is read after each piece.
    pub(crate) fn expect_costly_work(&mut self) {
        self.is_costly = true;
    }

    /// Whether this turn's time has been used up.
    fn is_time_up(&self) -> bool {
        self.began.is_some_and(|began| began.elapsed() >= MAX_TIME)
    }
}

/// Whether, and how long, to wait for a reply.
#[derive(Default)]
pub(crate) struct BusyPoll {
    /// Data was sent since the last wait.
    expected: bool,
    until: Option<Instant>,
    misses: u32,
    /// The number of replies that are not waited for.
    skip: u32,
}

impl BusyPoll {
    /// Notes that data was sent.
    pub(crate) fn expect_reply(&mut self) {
        self.expected = true;
    }

    /// Notes that a poll has found an event.
    pub(crate) fn found(&mut self) {
        if self.until.is_some() {
            self.end(true);
        }
    }

    /// Whether to poll again after a poll that has found no event.
    pub(crate) fn continues(&mut self) -> bool {
        if !POLLS {
            return false;
        }
        match self.until {
            Some(until) if Instant::now() < until => return true,
            Some(_) => self.end(false),
            None => {}
        }
        self.begin()
    }

    /// Starts a wait if a reply is expected.
    fn begin(&mut self) -> bool {
        if !std::mem::take(&mut self.expected) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.until = Some(Instant::now() + MAX_WAIT);
        true
    }

    /// Ends the wait, with or without a reply.
    fn end(&mut self, replied: bool) {
        self.until = None;
        self.misses = if replied {
            0
        } else {
            MAX_MISSES.min(self.misses + 1)
        };
        self.skip = if replied { 0 } else { 1 << self.misses };
    }
}

// Other platforms have no busy poll to test.
#[cfg(all(test, target_os = "linux", not(readiness = "runtime")))]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_read_after_every_eighth_piece_of_work_and_after_each_costly_one() {
        let mut budget = DeliveryBudget {
            began: Instant::now().checked_sub(MAX_TIME),
            ..DeliveryBudget::default()
        };
        let over = (1..=16).filter(|_| budget.count_work()).count();
        assert_eq!(over, 2);
        budget.expect_costly_work();
        assert!(budget.count_work());
        budget.count_delivery();
        assert!(budget.is_exhausted());
        let mut budget = DeliveryBudget::begin();
        assert_eq!((1..8).filter(|_| budget.count_work()).count(), 0);
    }

    #[test]
    fn late_replies_are_waited_for_less_and_less_often() {
        let mut busy_poll = BusyPoll::default();
        assert!(!busy_poll.begin(), "nothing was sent");
        let mut begun = 0;
        for _ in 0..10_000 {
            busy_poll.expect_reply();
            if busy_poll.begin() {
                begun += 1;
                busy_poll.end(false);
            }
        }
        assert!((10..25).contains(&begun), "{begun}");
    }
}
