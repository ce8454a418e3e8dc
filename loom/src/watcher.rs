//! `src/wake/readiness/watcher.rs` itself. Its selector is a lock.

#[path = "../../src/wake/readiness/watcher.rs"]
mod protocol;

use std::mem;
use std::sync::Arc;

use loom::sync::{Condvar, Mutex};
use loom::thread;

use self::protocol::{Selector, Watcher};
use crate::wake::mailbox::Mailbox;
use crate::{Sleep, model};

#[derive(Default)]
struct Kernel {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Sockets that have become ready since the last poll.
    ready: usize,
    interrupted: bool,
}

impl Kernel {
    fn become_ready(&self) {
        self.state.lock().unwrap().ready += 1;
        self.changed.notify_one();
    }

    fn interrupt(&self) {
        self.state.lock().unwrap().interrupted = true;
        self.changed.notify_one();
    }
}

struct Polled {
    kernel: Arc<Kernel>,
    events: usize,
}

impl Selector for Polled {
    fn poll(&mut self, blocking: bool) {
        let mut state = self.kernel.state.lock().unwrap();
        while blocking && state.ready == 0 && !state.interrupted {
            state = self.kernel.changed.wait(state).unwrap();
        }
        state.interrupted = false;
        self.events = mem::take(&mut state.ready);
    }

    fn has_events(&self) -> bool {
        self.events > 0
    }
}

/// Finds `sockets` sockets. The JavaScript thread disarms the watcher after each sleep if `disarms`.
fn find(sockets: usize, disarms: bool) {
    let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
    let kernel = Arc::new(Kernel::default());
    let watcher = Arc::new(Watcher::new(Polled {
        kernel: Arc::clone(&kernel),
        events: 0,
    }));
    mailbox.attach(sleep.wake_fn());
    let watch = {
        let (watcher, mailbox) = (Arc::clone(&watcher), Arc::clone(&mailbox));
        thread::spawn(move || watcher.watch(&mailbox))
    };
    let network = {
        let kernel = Arc::clone(&kernel);
        thread::spawn(move || (0..sockets).for_each(|_| kernel.become_ready()))
    };
    let mut found = 0;
    while found < sockets {
        mailbox.collect();
        let before = found;
        watcher.collect(|selector| found += selector.events);
        if found == before && mailbox.sleep() {
            watcher.arm();
            if disarms {
                // Another wake-up, such as a timer's, came before.
                if watcher.disarm() {
                    kernel.interrupt();
                }
                watcher.collect(|selector| found += selector.events);
                if found > before {
                    continue;
                }
                watcher.arm();
            }
            sleep.sleep();
        }
    }
    watcher.end();
    kernel.interrupt();
    network.join().unwrap();
    watch.join().unwrap();
}

#[test]
fn every_socket_that_becomes_ready_is_found() {
    model(3, || find(2, false));
}

#[test]
fn a_watcher_that_is_disarmed_and_armed_again_watches() {
    model(2, || find(1, true));
}

/// The JavaScript thread polls while nothing becomes ready: the first poll takes the interruption, and the
/// watcher must not block afterwards.
#[test]
fn a_disarmed_watcher_returns_the_selector() {
    model(3, || {
        let mailbox = Arc::new(Mailbox::default());
        let kernel = Arc::new(Kernel::default());
        let watcher = Arc::new(Watcher::new(Polled {
            kernel: Arc::clone(&kernel),
            events: 0,
        }));
        let watch = {
            let (watcher, mailbox) = (Arc::clone(&watcher), Arc::clone(&mailbox));
            thread::spawn(move || watcher.watch(&mailbox))
        };
        watcher.arm();
        if watcher.disarm() {
            kernel.interrupt();
        }
        for _ in 0..2 {
            let mut polled = false;
            watcher.collect(|_| polled = true);
            while !polled {
                thread::yield_now();
                watcher.collect(|_| polled = true);
            }
        }
        watcher.end();
        kernel.interrupt();
        watch.join().unwrap();
    });
}
