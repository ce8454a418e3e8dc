//! Waiting for a reply without going to sleep.
//!
//! Going to sleep and being woken often takes longer than a reply. If recent replies arrived at
//! once, the JavaScript thread therefore polls for the next one, once per turn of its event loop,
//! which continues with its other work in between.

use std::time::{Duration, Instant};

/// The longest wait for a reply.
const MAX_WAIT: Duration = Duration::from_micros(50);

/// After `n` consecutive replies that were late, the next `2^n` replies are not waited for, up to
/// this `n`.
const MAX_MISSES: u32 = 10;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_polling_becomes_rarer_after_late_replies() {
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
