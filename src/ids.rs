//! Identifiers that every layer passes on.

use std::sync::atomic::{AtomicI32, Ordering};

/// Identifies a socket within the process. Ids are positive; a negative id can only come from a
/// caller.
pub(crate) type SocketId = i32;

/// Gives out identifiers in ascending order, from 1 on. Starts again after the largest.
pub(crate) struct IdSequence {
    next: AtomicI32,
}

impl IdSequence {
    pub(crate) const fn new() -> Self {
        Self {
            next: AtomicI32::new(1),
        }
    }

    /// The next identifier that is not in use.
    pub(crate) fn next(&self, is_used: impl Fn(SocketId) -> bool) -> SocketId {
        loop {
            let after = |id: SocketId| Some(id.checked_add(1).unwrap_or(1));
            let (Ok(id) | Err(id)) =
                self.next
                    .fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
            if !is_used(id) {
                return id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_start_again_at_1_after_the_largest_and_skip_those_in_use() {
        let sequence = IdSequence {
            next: AtomicI32::new(SocketId::MAX - 1),
        };
        let ids = [(); 4].map(|()| sequence.next(|id| id == 1 || id == 3));
        assert_eq!(ids, [SocketId::MAX - 1, SocketId::MAX, 2, 4]);
    }
}
