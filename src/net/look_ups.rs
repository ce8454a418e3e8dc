//! The order of name look-ups. `getaddrinfo` blocks a thread and cannot be cancelled, so only a few
//! look-ups run at once. The owners of the others take turns, and no owner may take all threads: a
//! resolver that does not answer one environment, or one page, leaves threads to the others.

use std::collections::VecDeque;
use std::sync::Mutex;

use tokio::sync::oneshot::{Receiver, Sender, channel};
use tokio::task::spawn_blocking;

use crate::runtime::MAX_LOOKUPS;
use crate::sync::lock;

/// The party on whose behalf a name is looked up.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Owner {
    /// The socket table of an environment.
    pub(crate) table: usize,
    /// The page of an Electron application that called, where pages share the table.
    pub(crate) page: Option<u32>,
}

/// The number of a look-up that waits, and the way to give it a slot.
type Entry = (u64, Sender<Slot>);

/// Look-ups of the process that run and that wait.
struct Queue {
    /// By owner, the next owner first. No owner is without look-ups.
    waiting: VecDeque<(Owner, VecDeque<Entry>)>,
    running: Vec<Owner>,
    /// The number of the next look-up.
    next: u64,
}

static QUEUE: Mutex<Queue> = Mutex::new(Queue {
    waiting: VecDeque::new(),
    running: Vec::new(),
    next: 0,
});

impl Queue {
    /// Whether one more look-up of `owner` may run. A table takes at most half of the slots that the
    /// other tables leave, and a page at most half of what the other pages leave to its table.
    fn has_slot(&self, owner: Owner) -> bool {
        let count = |is_counted: &dyn Fn(&&Owner) -> bool| {
            self.running
                .iter()
                .filter(|other| is_counted(other))
                .count()
        };
        let half = |free: usize, taken: usize| free.saturating_sub(taken).div_ceil(2);
        let free = MAX_LOOKUPS.saturating_sub(self.running.len());
        let left_to_table = half(free, count(&|other| other.table == owner.table));
        match owner.page {
            None => left_to_table > 0,
            Some(_) => half(left_to_table, count(&|other| **other == owner)) > 0,
        }
    }

    /// Takes the look-ups that may begin out of the queue.
    fn begin(&mut self) -> Vec<(Sender<Slot>, Slot)> {
        let mut begun = Vec::new();
        while let Some(index) = (self.waiting.iter()).position(|&(owner, _)| self.has_slot(owner)) {
            let Some((owner, mut look_ups)) = self.waiting.remove(index) else {
                break;
            };
            if let Some((_, sender)) = look_ups.pop_front() {
                self.running.push(owner);
                begun.push((sender, Slot(owner)));
            }
            if !look_ups.is_empty() {
                self.waiting.push_back((owner, look_ups));
            }
        }
        begun
    }

    fn withdraw(&mut self, number: u64) {
        for (_, look_ups) in &mut self.waiting {
            look_ups.retain(|&(other, _)| other != number);
        }
        self.waiting.retain(|(_, look_ups)| !look_ups.is_empty());
    }
}

/// Changes the queue, and begins what may begin then.
fn change(change: impl FnOnce(&mut Queue)) {
    let begun = {
        let mut queue = lock(&QUEUE);
        change(&mut queue);
        queue.begin()
    };
    for (sender, slot) in begun {
        // A slot that is no longer wanted comes back at once.
        drop(sender.send(slot));
    }
}

/// Leave to block a thread. Dropping it leaves the thread to the next look-up.
struct Slot(Owner);

impl Drop for Slot {
    fn drop(&mut self) {
        change(|queue| {
            if let Some(index) = queue.running.iter().position(|owner| *owner == self.0) {
                queue.running.swap_remove(index);
            }
        });
    }
}

/// A look-up, for the socket that wants to be connected. Dropping it withdraws the look-up unless it
/// runs already.
pub(crate) struct LookUp(u64);

impl Drop for LookUp {
    fn drop(&mut self) {
        change(|queue| queue.withdraw(self.0));
    }
}

/// A look-up that waits for its turn. Dropping it withdraws the look-up, too.
pub(crate) struct Waiting {
    slot: Receiver<Slot>,
    _look_up: LookUp,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Unanswered {
    Withdrawn,
    Panicked,
}

/// Queues a look-up.
pub(crate) fn queue(owner: Owner) -> (LookUp, Waiting) {
    let (sender, slot) = channel();
    let mut number = 0;
    change(|queue| {
        number = queue.next;
        queue.next += 1;
        let entry = (number, sender);
        match queue.waiting.iter_mut().find(|(other, _)| *other == owner) {
            Some((_, look_ups)) => look_ups.push_back(entry),
            None => queue.waiting.push_back((owner, VecDeque::from([entry]))),
        }
    });
    let waiting = Waiting {
        slot,
        _look_up: LookUp(number),
    };
    (LookUp(number), waiting)
}

impl Waiting {
    /// Asks the resolver by `ask`, which blocks a thread, when it is the look-up's turn.
    pub(crate) async fn ask<T: Send + 'static>(
        mut self,
        ask: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        let slot = (&mut self.slot).await.map_err(|_| Unanswered::Withdrawn)?;
        let answer = spawn_blocking(move || {
            // The thread is blocked until the resolver answers, even if nobody waits any more.
            let _slot = slot;
            ask()
        });
        answer.await.map_err(|_| Unanswered::Panicked)
    }
}

#[cfg(test)]
mod tests {
    use std::mem;

    use super::*;

    fn owner(table: usize, page: Option<u32>) -> Owner {
        Owner { table, page }
    }

    /// A queue in which each of these owners waits for this many look-ups.
    fn queue_of(waiting: &[(Owner, u64)]) -> Queue {
        let entry = |&(owner, count): &(Owner, u64)| {
            let look_ups = (0..count).map(|number| (number, channel().0));
            (owner, look_ups.collect())
        };
        Queue {
            waiting: waiting.iter().map(entry).collect(),
            running: Vec::new(),
            next: 0,
        }
    }

    /// Lets look-ups begin, and forgets their slots, which belong to no queue.
    fn begin(queue: &mut Queue) -> Vec<Owner> {
        let begun = queue.begin();
        begun
            .into_iter()
            .map(|(_, slot)| {
                let owner = slot.0;
                mem::forget(slot);
                owner
            })
            .collect()
    }

    #[test]
    fn every_owner_leaves_slots_to_the_others() {
        let mut queue = queue_of(&[(owner(1, None), 500)]);
        for (table, expected) in [(1, 8), (2, 4), (3, 2), (4, 1), (5, 1), (6, 0)] {
            if table > 1 {
                queue
                    .waiting
                    .extend(queue_of(&[(owner(table, None), 500)]).waiting);
            }
            assert_eq!(begin(&mut queue), vec![owner(table, None); expected]);
        }
    }

    #[test]
    fn the_pages_of_a_table_share_what_is_left_to_it() {
        let mut queue = queue_of(&[]);
        for (page, expected) in [(1, 4), (2, 2), (3, 1), (4, 1), (5, 0)] {
            let owner = owner(1, Some(page));
            queue.waiting.extend(queue_of(&[(owner, 500)]).waiting);
            assert_eq!(begin(&mut queue), vec![owner; expected]);
        }
        let other = owner(2, None);
        queue.waiting.extend(queue_of(&[(other, 500)]).waiting);
        assert_eq!(begin(&mut queue), vec![other; 4]);
    }

    #[test]
    fn owners_take_turns() {
        let owners = [1, 2, 3].map(|table| owner(table, None));
        let mut queue = queue_of(&owners.map(|owner| (owner, 2)));
        let [a, b, c] = owners;
        assert_eq!(begin(&mut queue), [a, b, c, a, b, c]);
    }

    #[test]
    fn a_withdrawn_look_up_does_not_begin() {
        let mut queue = queue_of(&[(owner(1, None), 3)]);
        for number in [0, 1, 2] {
            queue.withdraw(number);
        }
        assert!(queue.waiting.is_empty());
    }
}
