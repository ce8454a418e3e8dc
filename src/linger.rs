//! Waiting a moment for the answer to a send. Going to sleep and being woken costs more than many an
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg_attr(
        any(not(target_os = "linux"), readiness = "runtime"),
        ignore = "only where the thread asks itself"
    )]
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
