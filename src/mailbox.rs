//! The notices of runtime threads for the JavaScript thread, and the bell that wakes it.

use std::collections::VecDeque;
use std::mem;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
#[cfg(not(loom))]
use std::sync::{Mutex, MutexGuard, atomic::AtomicBool};
use std::task::{Wake, Waker};
use std::time::Instant;

use crate::handshake::Secured;
use crate::net_error::NetError;
use crate::readiness::Direction;
use crate::socket::SocketId;
// `loom/` includes this file.
#[cfg(loom)]
use crate::sync::{AtomicBool, Mutex, MutexGuard};

/// Wakes the JavaScript thread; safe to call from any thread.
pub(crate) type Bell = Box<dyn Fn() + Send + Sync>;

/// An occurrence on the runtime.
pub(crate) enum Notice {
    /// A host name was resolved, or the look-up failed.
    Resolved {
        /// The `connect` call that requested the look-up.
        request: u32,
        /// The socket that is to connect. It may be closed by now.
        socket_id: SocketId,
        /// The port to connect to.
        port: u16,
        /// The time limit of the `connect` call, if there is one.
        deadline: Option<Instant>,
        /// The addresses, in the order of the attempts.
        result: Result<Vec<IpAddr>, NetError>,
    },
    /// A read would not block.
    Readable(SocketId),
    /// A write would not block, or a connection attempt has completed.
    Writable(SocketId),
    /// A TLS handshake has completed.
    Secured {
        /// The `secure` call that started it.
        request: u32,
        /// The socket that is to be secured. It may be closed by now.
        socket_id: SocketId,
        /// The encrypted connection, or the error.
        result: Result<Box<Secured>, NetError>,
    },
    /// The result of a `listen` call is to be reported.
    Listening {
        /// The `listen` call.
        request: u32,
        /// The server socket. It may be closed by now.
        socket_id: SocketId,
    },
    /// The task of an encrypted socket has handed the socket back because it is idle.
    Settled(SocketId),
}

/// The notices of one environment, oldest first.
#[derive(Default)]
pub(crate) struct Mailbox {
    notices: Mutex<VecDeque<Notice>>,
    /// Whether the JavaScript thread has been woken and has not gone to sleep since.
    awake: AtomicBool,
    bell: Mutex<Option<Bell>>,
}

impl Mailbox {
    /// Adds a notice and wakes the JavaScript thread.
    pub(crate) fn post(&self, notice: Notice) {
        lock(&self.notices).push_back(notice);
        self.ring();
    }

    /// Creates a promise of one notice. If the promise is dropped unfulfilled, it posts
    /// `otherwise`.
    pub(crate) fn promise(self: &Arc<Self>, otherwise: Notice) -> Promise {
        Promise {
            mailbox: Arc::clone(self),
            notice: Some(otherwise),
        }
    }

    /// Wakes the JavaScript thread unless it is awake. A burst costs one wake-up.
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

    /// Announces that the JavaScript thread goes to sleep: later notices ring the bell. Returns
    /// `false` if notices have arrived that did not ring.
    pub(crate) fn sleep(&self) -> bool {
        self.awake.store(false, Ordering::SeqCst);
        // A notice that arrives after this check sees a sleeping thread, and rings.
        if self.has_notices() {
            self.awake.store(true, Ordering::Release);
        }
        !self.awake.load(Ordering::Acquire)
    }

    /// Whether there are notices.
    pub(crate) fn has_notices(&self) -> bool {
        !lock(&self.notices).is_empty()
    }

    /// Attaches the bell and rings it. JavaScript detaches it again if there is no event.
    pub(crate) fn attach(&self, bell: Bell) {
        *lock(&self.bell) = Some(bell);
        self.awake.store(false, Ordering::Release);
        self.ring();
    }

    /// Detaches the bell, which allows the environment to end.
    pub(crate) fn detach(&self) {
        *lock(&self.bell) = None;
    }
}

/// An obligation to post one notice. It is met even if the task that holds it is cancelled or
/// panics.
pub(crate) struct Promise {
    mailbox: Arc<Mailbox>,
    notice: Option<Notice>,
}

impl Promise {
    /// Posts `notice` and fulfils the promise.
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

/// Locks a mutex and ignores poisoning: every value behind these locks is consistent between
/// statements, so a panic elsewhere must not spread.
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
