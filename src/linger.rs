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

/// How long events are delivered before everybody else has a turn of the event loop. Wake-ups that
/// follow each other at once would keep Node in one and the same turn for a thousand of them.
const SHIFT: Duration = Duration::from_micros(500);

/// Looking at the clock costs something, so it is not done for each event.
const EVENTS_PER_LOOK: u32 = 8;

/// The time since events are delivered without a turn of the event loop.
#[derive(Default)]
pub(crate) enum Shift {
    #[default]
    NotBegun,
    Begun {
        at: Instant,
        events: u32,
    },
    /// The event loop must turn before anything else is delivered.
    Over,
}

impl Shift {
    /// One more event was delivered.
    pub(crate) fn delivered(&mut self) {
        match self {
            Self::NotBegun => {
                *self = Self::Begun {
                    at: Instant::now(),
                    events: 1,
                }
            }
            Self::Begun { events, .. } => *events += 1,
            Self::Over => {}
        }
    }

    /// Whether it has been long enough; if so, it is over.
    pub(crate) fn ends(&mut self) -> bool {
        let ends = matches!(
            self,
            Self::Begun { at, events } if *events % EVENTS_PER_LOOK == 0 && at.elapsed() >= SHIFT
        );
        if ends {
            *self = Self::Over;
        }
        ends
    }

    /// Whether the event loop must turn.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Over)
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

    /// Begins to wait, if there is a reason to.
    pub(crate) fn begin(&mut self) -> bool {
        if !POLLS || self.is_on() || !std::mem::take(&mut self.expected) {
            return false;
        }
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        self.until = Some(Instant::now() + PATIENCE);
        true
    }

    /// Whether a wait is on.
    pub(crate) fn is_on(&self) -> bool {
        self.until.is_some()
    }

    /// Whether it has been long enough.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_none_or(|until| Instant::now() >= until)
    }

    /// Ends the wait, with or without the answer.
    pub(crate) fn end(&mut self, answered: bool) {
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
