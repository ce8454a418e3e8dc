//! What the runtime's threads tell the JavaScript thread, and the bell that wakes it.

use std::collections::VecDeque;
use std::mem;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard, atomic::AtomicBool};
use std::task::{Wake, Waker};

use crate::handshake::Secured;
use crate::net_error::NetError;
use crate::readiness::Direction;
use crate::socket::SocketId;
// In `loom/`, which includes this file.
#[cfg(loom)]
use crate::sync::{AtomicBool, Mutex, MutexGuard};

/// Wakes the JavaScript thread; safe to call from any thread.
pub(crate) type Bell = Box<dyn Fn() + Send + Sync>;

/// Something that happened on the runtime.
pub(crate) enum Notice {
    /// A host name was resolved, or was not.
    Resolved {
        /// The `connect` call that asked.
        request: u32,
        /// The socket it was made for, which may be gone by now.
        socket_id: SocketId,
        /// The addresses in the order in which they are to be tried.
        result: Result<Vec<IpAddr>, NetError>,
    },
    /// A read would no longer wait.
    Readable(SocketId),
    /// A write would no longer wait, or a connection attempt has ended.
    Writable(SocketId),
    /// A TLS handshake has ended.
    Secured {
        /// The `secure` call that started it.
        request: u32,
        /// The socket it was made for, which may be gone by now.
        socket_id: SocketId,
        /// The encrypted connection, or why there is none.
        result: Result<Box<Secured>, NetError>,
    },
    /// The task of an encrypted socket has ended, because there is too little to do for one.
    Settled(SocketId),
}

/// The notices of one environment, oldest first.
#[derive(Default)]
pub(crate) struct Mailbox {
    notices: Mutex<VecDeque<Notice>>,
    /// Whether the JavaScript thread was woken and has not gone to sleep since.
    awake: AtomicBool,
    bell: Mutex<Option<Bell>>,
}

impl Mailbox {
    /// Leaves a notice and wakes the JavaScript thread.
    pub(crate) fn post(&self, notice: Notice) {
        lock(&self.notices).push_back(notice);
        self.ring();
    }

    /// A promise that one notice will come: `otherwise`, should the work that owes it break off.
    pub(crate) fn promise(self: &Arc<Self>, otherwise: Notice) -> Promise {
        Promise {
            mailbox: Arc::clone(self),
            notice: Some(otherwise),
        }
    }

    /// Wakes the JavaScript thread unless it is awake already: a burst costs one wake-up.
    pub(crate) fn ring(&self) {
        if !self.awake.swap(true, Ordering::SeqCst)
            && let Some(bell) = &*lock(&self.bell)
        {
            bell();
        }
    }

    /// Takes all notices.
    pub(crate) fn collect(&self) -> VecDeque<Notice> {
        mem::take(&mut *lock(&self.notices))
    }

    /// The JavaScript thread looks no more by itself: what is posted from here on rings. Returns
    /// whether it may go to sleep, or there are notices that have not rung.
    pub(crate) fn sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        // Notices that come after this look find nobody awake, and ring.
        if self.has_notices() {
            self.awake.store(true, Ordering::Release);
        }
        !self.awake.load(Ordering::Acquire)
    }

    /// Whether there are notices.
    pub(crate) fn has_notices(&self) -> bool {
        !lock(&self.notices).is_empty()
    }

    /// Hangs up the bell and rings it: if there turns out to be no use for it, it comes down again.
    pub(crate) fn attach(&self, bell: Bell) {
        *lock(&self.bell) = Some(bell);
        self.awake.store(false, Ordering::Release);
        self.ring();
    }

    /// Takes the bell down, which lets the environment end.
    pub(crate) fn detach(&self) {
        *lock(&self.bell) = None;
    }
}

/// A notice that is owed. It is posted whatever becomes of the task that holds it: kept, cancelled
/// or panicked.
pub(crate) struct Promise {
    mailbox: Arc<Mailbox>,
    notice: Option<Notice>,
}

impl Promise {
    /// Posts what really happened.
    pub(crate) fn keep(mut self, notice: Notice) {
        self.notice = Some(notice);
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(notice) = self.notice.take() {
            self.mailbox.post(notice);
        }
    }
}

/// A panic elsewhere must not spread: every value behind these locks is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
