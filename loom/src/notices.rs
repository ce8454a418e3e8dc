//! No notice is lost, and none is slept through. A sleep that nothing ends is a deadlock, which loom
//! reports.

use std::sync::Arc;

use loom::thread;

use crate::ready::Direction;
use crate::wake::mailbox::{Mailbox, waker};
use crate::wake::notice::Notice;
use crate::{Sleep, model};

/// Sleeps until so many notices have come.
fn receive(mailbox: &Mailbox, sleep: &Sleep, mut count: usize) {
    while count > 0 {
        if mailbox.sleep() {
            sleep.sleep();
        }
        count -= mailbox.collect().len();
    }
    assert!(!mailbox.has_notices());
}

#[test]
fn notices_of_several_threads_wake_the_one_that_sleeps() {
    model(3, || {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        mailbox.attach(sleep.wake_fn());
        let threads = [1, 2].map(|socket_id| {
            let mailbox = Arc::clone(&mailbox);
            thread::spawn(move || mailbox.post(Notice::Readable(socket_id)))
        });
        receive(&mailbox, &sleep, 2);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}

#[test]
fn a_notice_posted_around_attach_wakes_javascript() {
    model(3, || {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        let other = Arc::clone(&mailbox);
        let thread = thread::spawn(move || other.post(Notice::TaskDone(1)));
        mailbox.attach(sleep.wake_fn());
        receive(&mailbox, &sleep, 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_mailbox_attached_again_wakes_for_notices_in_between() {
    model(3, || {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        mailbox.attach(sleep.wake_fn());
        let other = Arc::clone(&mailbox);
        let thread = thread::spawn(move || other.post(Notice::Writable(1)));
        mailbox.detach();
        mailbox.attach(sleep.wake_fn());
        receive(&mailbox, &sleep, 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_pending_notice_is_posted_when_dropped_and_a_waker_posts_when_woken() {
    model(3, || {
        let (mailbox, sleep) = (Arc::new(Mailbox::default()), Sleep::default());
        mailbox.attach(sleep.wake_fn());
        let pending = mailbox.pending(Notice::TaskDone, 1);
        let waker = waker(&mailbox, 2, Direction::Read);
        let threads = [
            thread::spawn(move || drop(pending)),
            thread::spawn(move || waker.wake()),
        ];
        receive(&mailbox, &sleep, 2);
        for thread in threads {
            thread.join().unwrap();
        }
    });
}
