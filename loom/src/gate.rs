//! A model of `src/wake/readiness/epoll.rs`: the gate around the set of sockets, who arms it and who finds
//! it open. The atomic is the module's; the kernel is a lock.

use std::sync::Arc;

use loom::sync::atomic::Ordering;
use loom::sync::{Condvar, Mutex};
use loom::thread;

use crate::sync::AtomicBool;
use crate::wake::mailbox::Mailbox;
use crate::{Sleep, model};

/// What the kernel knows.
#[derive(Default)]
struct Kernel {
    /// Sockets that have become ready since the JavaScript thread has asked.
    ready: usize,
    /// Whether the gate tells of the next one: `EPOLLONESHOT` takes it back when it has.
    enabled: bool,
    /// The runtime is to look at the gate.
    edge: bool,
    closed: bool,
}

#[derive(Default)]
struct Poller {
    kernel: Mutex<Kernel>,
    changed: Condvar,
    armed: AtomicBool,
}

impl Poller {
    /// Something comes from the network.
    fn become_ready(&self) {
        let mut kernel = self.kernel.lock().unwrap();
        kernel.ready += 1;
        if kernel.enabled {
            kernel.edge = true;
            self.changed.notify_one();
        }
    }

    /// `Poller::collect`
    fn collect(&self) -> usize {
        std::mem::take(&mut self.kernel.lock().unwrap().ready)
    }

    /// `Poller::arm`
    fn arm(&self) {
        if !self.armed.swap(true, Ordering::AcqRel) {
            let mut kernel = self.kernel.lock().unwrap();
            kernel.enabled = true;
            if kernel.ready > 0 {
                kernel.edge = true;
                self.changed.notify_one();
            }
        }
    }

    fn close(&self) {
        self.kernel.lock().unwrap().closed = true;
        self.changed.notify_one();
    }

    /// `watch`
    fn watch(&self, mailbox: &Mailbox) {
        while self.readable() {
            if self.wait() {
                self.armed.store(false, Ordering::Release);
                mailbox.wake();
            }
        }
    }

    fn readable(&self) -> bool {
        let mut kernel = self.kernel.lock().unwrap();
        while !kernel.edge && !kernel.closed {
            kernel = self.changed.wait(kernel).unwrap();
        }
        std::mem::take(&mut kernel.edge)
    }

    /// `epoll_wait` on the gate, which looks again whether there is anything.
    fn wait(&self) -> bool {
        let mut kernel = self.kernel.lock().unwrap();
        let opens = kernel.enabled && kernel.ready > 0;
        if opens {
            kernel.enabled = false;
        }
        opens
    }
}

#[test]
fn every_ready_socket_is_found() {
    const SOCKETS: usize = 2;
    model(3, || {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        let poller = Arc::new(Poller::default());
        mailbox.attach(sleep.wake_fn());
        let watch = {
            let (poller, mailbox) = (Arc::clone(&poller), Arc::clone(&mailbox));
            thread::spawn(move || poller.watch(&mailbox))
        };
        let network = {
            let poller = Arc::clone(&poller);
            thread::spawn(move || {
                for _ in 0..SOCKETS {
                    poller.become_ready();
                }
            })
        };
        let mut found = 0;
        while found < SOCKETS {
            mailbox.collect();
            match poller.collect() {
                0 if mailbox.sleep() => {
                    poller.arm();
                    sleep.sleep();
                }
                count => found += count,
            }
        }
        poller.close();
        network.join().unwrap();
        watch.join().unwrap();
    });
}
