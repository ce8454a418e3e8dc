//! All orders in which threads can run, for what is concurrent by hand in the native module:
//! `src/wake/mailbox.rs`, `src/wake/readiness/watcher.rs` and `src/tls/pipe.rs` (with `src/health.rs`)
//! themselves, with loom's locks and atomics in the place of std's, and models of what surrounds them.
//! What a notice is about does not matter here.

#![cfg(test)]

#[cfg(not(loom))]
compile_error!("RUSTFLAGS='--cfg loom' chooses loom's locks");

#[path = "../../src/copy.rs"]
mod copy;
mod gate;
#[path = "../../src/health.rs"]
mod health;
mod notices;
mod tls;
mod wake;
mod watcher;

mod sync {
    use loom::sync::atomic::{self, Ordering};
    pub(crate) use loom::sync::{Condvar, Mutex, MutexGuard};

    pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().expect("no model panics with a lock")
    }

    #[derive(Default)]
    pub(crate) struct AtomicBool(atomic::AtomicBool);

    impl AtomicBool {
        pub(crate) fn swap(&self, value: bool, ordering: Ordering) -> bool {
            self.0.swap(value, ordering)
        }

        /// Loom tries orders in which a store comes between what a swap has read and what it has
        /// written, which cannot be. Between two swaps it knows that.
        pub(crate) fn store(&self, value: bool, ordering: Ordering) {
            self.0.swap(value, ordering);
        }

        pub(crate) fn load(&self, ordering: Ordering) -> bool {
            self.0.load(ordering)
        }
    }
}

mod net_error {
    #[derive(Clone, Copy, Debug, Eq, PartialEq)]
    pub(crate) enum NetError {
        ConnectionReset,
        Failed,
    }
}

mod ready {
    #[derive(Clone, Copy)]
    #[expect(dead_code, reason = "one is enough here")]
    pub(crate) enum Direction {
        Read,
        Write,
    }
}

mod ids {
    pub(crate) type SocketId = i32;
}

use std::sync::Arc;

use loom::sync::Notify;

/// All orders in which threads change places so many times at most where they need not: all orders at all
/// are too many.
fn model(changes: usize, action: impl Fn() + Sync + Send + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(changes);
    model.check(action);
}

/// The JavaScript thread's sleep: it is over when it was woken since the last one.
#[derive(Clone)]
struct Sleep(Arc<Notify>);

impl Default for Sleep {
    fn default() -> Self {
        Self(Arc::new(Notify::new()))
    }
}

impl Sleep {
    fn wake_fn(&self) -> wake::mailbox::WakeFn {
        let Self(notify) = self.clone();
        Box::new(move || notify.notify())
    }

    fn sleep(&self) {
        self.0.wait();
    }
}
