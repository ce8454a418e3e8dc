//! How the JavaScript thread shares its event loop.
//!
//! Waiting a moment for the answer to a send: going to sleep and being woken costs more than many an
//! answer takes to come, and other threads their time; so where answers have come at once, the
//! JavaScript thread looks for the next one a few times, once per turn of its event loop, which
//! goes on with everything else meanwhile.

use std::time::{Duration, Instant};

use crate::readiness::POLLS;

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_micros(50);

/// After `n` answers in a row that have not come in time, the next `2^n` are not waited for, up to
/// this `n`.
const MAX_MISSES: u32 = 10;

/// How long events are delivered before everybody else has a turn of the event loop.
const SHIFT: Duration = Duration::from_micros(200);

/// Looking at the clock costs something, so it is not done for each event.
const EVENTS_PER_LOOK: u32 = 8;

/// What was delivered in this turn of the event loop.
#[derive(Default)]
pub(crate) struct Shift {
    /// When the first event was.
    began: Option<Instant>,
    events: u32,
}

impl Shift {
    /// One more event is delivered.
    pub(crate) fn deliver(&mut self) {
        self.began.get_or_insert_with(Instant::now);
        self.events += 1;
    }

    /// Whether the event loop must turn before anything else is delivered.
    pub(crate) fn is_over(&self) -> bool {
        self.events != 0
            && self.events.is_multiple_of(EVENTS_PER_LOOK)
            && self.began.is_some_and(|began| began.elapsed() >= SHIFT)
    }
}

/// Whether, and how long, to wait for an answer.
#[derive(Default)]
pub(crate) struct Linger {
    /// Something was sent since the last wait.
    expected: bool,
    until: Option<Instant>,
    misses: u32,
    /// How many answers are not waited for.
    skip: u32,
}

impl Linger {
    /// Something was sent.
    pub(crate) fn expect_reply(&mut self) {
        self.expected = true;
    }

    /// A look has found something.
    pub(crate) fn found(&mut self) {
        if self.until.is_some() {
            self.end(true);
        }
    }

    /// Whether to look again in a moment, where the last look has found nothing.
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

    /// Begins to wait, if there is a reason to.
    fn begin(&mut self) -> bool {
        if !std::mem::take(&mut self.expected) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.until = Some(Instant::now() + PATIENCE);
        true
    }

    /// Ends the wait, with or without the answer.
    fn end(&mut self, answered: bool) {
        self.until = None;
        self.misses = if answered {
            0
        } else {
            MAX_MISSES.min(self.misses + 1)
        };
        self.skip = if answered { 0 } else { 1 << self.misses };
    }
}

// Elsewhere there is no lingering to test.
#[cfg(all(test, target_os = "linux", not(readiness = "runtime")))]
mod tests {
    use super::*;

    #[test]
    fn answers_that_do_not_come_in_time_are_waited_for_ever_more_rarely() {
        let mut linger = Linger::default();
        assert!(!linger.begin(), "nothing was sent");
        let mut begun = 0;
        for _ in 0..10_000 {
            linger.expect_reply();
            if linger.begin() {
                begun += 1;
                linger.end(false);
            }
        }
        assert!((10..25).contains(&begun), "{begun}");
    }
}
