//! A selector that two threads take turns to poll. The JavaScript thread polls it while it is awake.
//! Before it sleeps, it orders the watcher to block in it. The watcher keeps the events that it finds
//! for the JavaScript thread, wakes it and waits for the next order. `loom/` includes this file.

use std::mem;
use std::sync::{PoisonError, TryLockError};

use crate::sync::{Condvar, Mutex, lock};
use crate::wake::mailbox::Mailbox;

/// Finds out which sockets are ready.
pub(super) trait Selector {
    /// Asks for events. If `blocking`, it waits for one, or for an interruption.
    fn poll(&mut self, blocking: bool);

    /// Whether the last poll has found a ready socket.
    fn has_events(&self) -> bool;
}

/// What the JavaScript thread and the watcher share.
pub(super) struct Watcher<S> {
    /// Locked by the thread that polls.
    turn: Mutex<Turn<S>>,
    order: Mutex<Order>,
    /// Signals that `order` has changed.
    ordered: Condvar,
}

struct Turn<S> {
    selector: S,
    /// Whether the watcher has found events that the JavaScript thread has not seen.
    found: bool,
}

/// The task of the watcher.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Order {
    Rest,
    /// Block in the selector until a socket is ready.
    Watch,
    End,
}

impl<S: Selector> Watcher<S> {
    pub(super) fn new(selector: S) -> Self {
        Self {
            turn: Mutex::new(Turn {
                selector,
                found: false,
            }),
            order: Mutex::new(Order::Rest),
            ordered: Condvar::new(),
        }
    }

    /// Asks for events without blocking and passes the selector to `take`, which takes all of its
    /// events. Does nothing while the watcher polls, which will wake the JavaScript thread.
    pub(super) fn collect(&self, take: impl FnOnce(&S)) {
        let mut turn = match self.turn.try_lock() {
            Ok(turn) => turn,
            Err(TryLockError::Poisoned(error)) => error.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        if !mem::take(&mut turn.found) {
            turn.selector.poll(false);
        }
        take(&turn.selector);
    }

    /// Orders the watcher to wake the JavaScript thread when a socket is ready.
    pub(super) fn arm(&self) {
        let mut order = lock(&self.order);
        if *order == Order::Rest {
            *order = Order::Watch;
            self.ordered.notify_one();
        }
    }

    /// Takes the order back. Returns whether there was one: the caller must then interrupt the
    /// selector.
    #[must_use]
    pub(super) fn disarm(&self) -> bool {
        let mut order = lock(&self.order);
        let armed = *order == Order::Watch;
        if armed {
            *order = Order::Rest;
        }
        armed
    }

    /// Has the watcher return from [`Self::watch`]. The caller must then interrupt the selector.
    pub(super) fn end(&self) {
        *lock(&self.order) = Order::End;
        self.ordered.notify_one();
    }

    /// The thread of the watcher.
    pub(super) fn watch(&self, mailbox: &Mailbox) {
        while self.next_order() == Order::Watch {
            let mut turn = lock(&self.turn);
            if *lock(&self.order) != Order::Watch {
                continue;
            }
            if !turn.found {
                turn.selector.poll(true);
                turn.found = turn.selector.has_events();
            }
            if turn.found {
                // Before the wake-up: the JavaScript thread announces its sleep before it arms. Either
                // this wakes it, or it finds no order and gives one.
                let _ = self.disarm();
                drop(turn);
                mailbox.wake();
            }
        }
    }

    /// Waits for an order.
    fn next_order(&self) -> Order {
        let mut order = lock(&self.order);
        while *order == Order::Rest {
            order = self
                .ordered
                .wait(order)
                .unwrap_or_else(PoisonError::into_inner);
        }
        *order
    }
}
