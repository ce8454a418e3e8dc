//! The notices of runtime threads for the JavaScript thread, and the function that wakes it. `loom/`
//! includes this file.

use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Wake, Waker};

use crate::ids::SocketId;
use crate::ready::Direction;
use crate::sync::{AtomicBool, Mutex, lock};
use crate::wake::notice::Notice;

/// Wakes the JavaScript thread; safe to call from any thread.
pub(crate) type WakeFn = Box<dyn Fn() + Send + Sync>;

/// The notices of one environment, oldest first.
#[derive(Default)]
pub(crate) struct Mailbox {
    notices: Mutex<VecDeque<Notice>>,
    /// Whether the JavaScript thread has been woken and has not gone to sleep since.
    awake: AtomicBool,
    wake_fn: Mutex<Option<WakeFn>>,
}

impl Mailbox {
    /// Adds a notice and wakes the JavaScript thread.
    pub(crate) fn post(&self, notice: Notice) {
        lock(&self.notices).push_back(notice);
        self.wake();
    }

    /// Creates an obligation to post the notice of one result. If it is dropped unfulfilled, the
    /// result is `on_drop`.
    pub(crate) fn pending<T, N>(self: &Arc<Self>, notice: N, on_drop: T) -> PendingNotice<T, N>
    where
        N: FnOnce(T) -> Notice,
    {
        PendingNotice {
            mailbox: Arc::clone(self),
            owed: Some((notice, on_drop)),
        }
    }

    /// Wakes the JavaScript thread unless it is awake. A burst costs one wake-up.
    pub(crate) fn wake(&self) {
        if !self.awake.swap(true, Ordering::SeqCst)
            && let Some(wake) = &*lock(&self.wake_fn)
        {
            wake();
        }
    }

    /// Takes all notices.
    pub(crate) fn collect(&self) -> VecDeque<Notice> {
        mem::take(&mut *lock(&self.notices))
    }

    /// Announces that the JavaScript thread goes to sleep: later notices wake it. Returns `false`
    /// if notices have arrived that did not.
    pub(crate) fn sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        // A notice that arrives after this check sees a sleeping thread, and wakes it.
        if self.has_notices() {
            self.awake.store(true, Ordering::Release);
        }
        !self.awake.load(Ordering::Acquire)
    }

    /// Whether there are notices.
    pub(crate) fn has_notices(&self) -> bool {
        !lock(&self.notices).is_empty()
    }

    /// Sets the function that wakes JavaScript, and calls it. The table [detaches](Self::detach) it
    /// when no event can occur.
    pub(crate) fn attach(&self, wake_fn: WakeFn) {
        *lock(&self.wake_fn) = Some(wake_fn);
        self.awake.store(false, Ordering::Release);
        self.wake();
    }

    /// Drops the function, which allows the environment to end.
    pub(crate) fn detach(&self) {
        *lock(&self.wake_fn) = None;
    }
}

/// An obligation to post one notice. It is met even if the task that holds it is cancelled or
/// panics.
#[must_use = "it posts its notice when it is dropped"]
pub(crate) struct PendingNotice<T, N: FnOnce(T) -> Notice> {
    mailbox: Arc<Mailbox>,
    /// The notice, and its result so far.
    owed: Option<(N, T)>,
}

impl<T, N: FnOnce(T) -> Notice> PendingNotice<T, N> {
    /// Posts the notice of `result` and fulfils the obligation.
    pub(crate) fn fulfil(mut self, result: T) {
        if let Some((_, owed)) = &mut self.owed {
            *owed = result;
        }
    }
}

impl<T, N: FnOnce(T) -> Notice> Drop for PendingNotice<T, N> {
    fn drop(&mut self) {
        if let Some((notice, result)) = self.owed.take() {
            self.mailbox.post(notice(result));
        }
    }
}

/// Posts [`Notice::Readable`] or [`Notice::Writable`].
pub(crate) fn waker(mailbox: &Arc<Mailbox>, socket_id: SocketId, direction: Direction) -> Waker {
    Waker::from(Arc::new(SocketWaker {
        mailbox: Arc::clone(mailbox),
        socket_id,
        direction,
    }))
}

struct SocketWaker {
    mailbox: Arc<Mailbox>,
    socket_id: SocketId,
    direction: Direction,
}

impl Wake for SocketWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.mailbox.post(match self.direction {
            Direction::Read => Notice::Readable(self.socket_id),
            Direction::Write => Notice::Writable(self.socket_id),
        });
    }
}
