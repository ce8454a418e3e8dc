//! The process-wide tokio runtime: resolves names, runs TLS and, on Linux, watches the sockets of every
//! environment that sleeps.

pub(crate) mod closing;

use std::task::Waker;
use std::time::{Duration, Instant};
use std::{io, thread};

use once_cell::sync::OnceCell;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::AbortHandle;
use tokio::time::sleep_until;

/// More workers would be idle: most work is done on the JavaScript thread, and only TLS occupies a
/// worker.
const MAX_WORKERS: usize = 4;

/// One core is left to the JavaScript thread, which otherwise waits for its turn during handshakes.
fn workers() -> usize {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    cores.saturating_sub(1).clamp(1, MAX_WORKERS)
}

/// The most look-ups that run at once. Each blocks a thread.
pub(crate) const MAX_LOOKUPS: usize = 16;

/// Additional threads that take over from workers which a certificate check blocks. Look-ups do not
/// use them.
const BLOCKING_RESERVE: usize = 16;

/// Blocking threads stay alive from the start: tokio panics if it cannot start one, and a worker
/// that needs one during a handshake would lose its tasks.
const FOREVER: Duration = Duration::from_secs(u32::MAX as u64);

/// The runtime, started by the first connection.
///
/// It is never shut down. Environments (workers, reloaded windows) end their own tasks, and the end
/// of the process stops its threads.
///
/// # Errors
///
/// Those of the operating system when it has no threads or descriptors left.
pub(crate) fn handle() -> io::Result<&'static Handle> {
    static RUNTIME: OnceCell<Runtime> = OnceCell::new();
    let runtime = RUNTIME.get_or_try_init(|| {
        // tokio panics if the operating system has no thread left.
        thread::Builder::new()
            .spawn(|| {})
            .map_err(|_| io::ErrorKind::ResourceBusy)?;
        let runtime = Builder::new_multi_thread()
            .worker_threads(workers())
            .max_blocking_threads(MAX_LOOKUPS + BLOCKING_RESERVE)
            .thread_keep_alive(FOREVER)
            .thread_name("chrome-sockets")
            .enable_io()
            .enable_time()
            .build()?;
        runtime.spawn_blocking(|| {});
        Ok::<_, io::Error>(runtime)
    })?;
    Ok(runtime.handle())
}

/// Wakes `waker` at `time`. `None` only if the process cannot have a runtime.
pub(crate) fn alarm(time: Instant, waker: Waker) -> Option<OwnedTask> {
    let task = handle().ok()?.spawn(async move {
        sleep_until(time.into()).await;
        waker.wake();
    });
    Some(OwnedTask(task.abort_handle()))
}

/// A task that is aborted when this is dropped.
pub(crate) struct OwnedTask(pub(crate) AbortHandle);

impl Drop for OwnedTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, RwLock, mpsc};
    use std::time::Duration;

    use tokio::task::block_in_place;

    use super::*;
    use crate::net::look_ups::{self, Owner};

    #[test]
    fn unanswered_look_ups_and_long_checks_do_not_delay_other_work() {
        let runtime = handle().unwrap();
        let answer = Arc::new(RwLock::new(()));
        let asking = Arc::new(AtomicUsize::new(0));
        let unanswered = answer.write().unwrap();
        let wait = || {
            let (answer, asking) = (Arc::clone(&answer), Arc::clone(&asking));
            move || {
                asking.fetch_add(1, Ordering::Relaxed);
                drop(answer.read().unwrap());
            }
        };
        let until_asking = |count| {
            let give_up = Instant::now() + Duration::from_secs(10);
            while asking.load(Ordering::Relaxed) < count {
                assert!(Instant::now() < give_up, "a thread");
                thread::yield_now();
            }
        };
        // No owner may occupy all threads.
        let look_ups: Vec<_> = (1..=2 * MAX_LOOKUPS)
            .map(|owner| {
                let (look_up, waiting) = look_ups::queue(Owner {
                    table: usize::MAX - owner,
                    page: None,
                });
                runtime.spawn(waiting.ask(wait()));
                look_up
            })
            .collect();
        until_asking(MAX_LOOKUPS);
        for check in 1..=BLOCKING_RESERVE {
            let keep = wait();
            runtime.spawn(async { block_in_place(keep) });
            until_asking(MAX_LOOKUPS + check);
        }
        let (tell, told) = mpsc::channel();
        runtime.spawn(async move { tell.send(()) });
        assert_eq!(told.recv_timeout(Duration::from_secs(10)), Ok(()));
        drop(unanswered);
        drop(look_ups);
    }
}
