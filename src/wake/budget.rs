//! The time that deliveries may take before the event loop turns, so that the application's timers
//! and other work proceed, and before the poller is queried, so that other sockets do.

use std::time::{Duration, Instant};

/// The longest time of deliveries before the event loop must turn.
const MAX_TIME: Duration = Duration::from_micros(200);

/// The clock is read once per this many events, because reading it is not free.
const EVENTS_PER_CLOCK_READ: u32 = 8;

/// While events are always waiting, a query of the poller is queued after this many, and in each turn
/// of the event loop.
const EVENTS_PER_POLL: usize = 16;

/// The deliveries in this turn of the event loop, and other work.
#[derive(Default)]
pub(crate) struct DeliveryBudget {
    /// The time of the first request for an event.
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
        self.events != 0 && self.reads_clock() && self.is_time_up()
    }

    /// Whether the clock is read before the next delivery.
    pub(crate) fn reads_clock(&self) -> bool {
        self.is_costly || self.events.is_multiple_of(EVENTS_PER_CLOCK_READ)
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

/// What has happened since the poller was queried.
#[derive(Debug, Default, Eq, PartialEq)]
pub(crate) struct SincePoll {
    deliveries: usize,
    /// The event loop has turned. With slow listeners it turns after at most eight events, and after
    /// each one during costly work. Without this query they would delay the other sockets by sixteen events.
    has_turned: bool,
}

impl SincePoll {
    /// The event loop has turned.
    pub(crate) fn note_turn(&mut self) {
        self.has_turned = true;
    }

    /// Counts deliveries.
    pub(crate) fn count_deliveries(&mut self, count: usize) {
        self.deliveries += count;
    }

    /// Whether so much was delivered that the poller must be queried.
    pub(crate) fn has_many_deliveries(&self) -> bool {
        self.deliveries >= EVENTS_PER_POLL
    }

    /// Whether the poller must be queried although events are waiting.
    pub(crate) fn is_long(&self) -> bool {
        self.has_turned || self.has_many_deliveries()
    }
}

#[cfg(test)]
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
}
